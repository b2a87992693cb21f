"""How fast threads, tags and notices are read from a large store, beside the raw limit in the same run.

    python -m tests.bench.bench_views [MESSAGES [FOLDER]]      # 1,000,000 messages of 1,000 authors

The store of bench_timeline, whose last author is oneself, with conversations on top: a thread of 500 by all others, and
20 of them like, pass on, answer and quote each of 300 messages of oneself. "raw" rows read entries by their keys.
"""

import gc
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from p2pmicro.feed.content import reaction, ref_value, reply
from p2pmicro.ids import Ref
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import Role, set_role
from p2pmicro.views import ALL, REACTIONS, TAGS, THREADS, TIMELINE
from p2pmicro.views.message import Message, find
from p2pmicro.views.notice import notices, unread_count
from tests.bench.bench_timeline import AUTHORS, LIMIT, START_MS, author, author_feed, build, extend, percentiles

THREAD = 500
OWN = AUTHORS - 1
OWN_MESSAGES = 300
REACTING = 20  # authors, each on every one of one's own messages


def main() -> None:
    """Build, measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    gc.set_threshold(50_000, 20, 20)  # tuned as the node is
    with tempfile.TemporaryDirectory() as folder:
        connection = build(Path(sys.argv[2] if len(sys.argv) > 2 else folder) / "bench.db", count)
        try:
            _measure(connection, START_MS + count * 1000)
        finally:
            connection.close()


def _converse(connection: sqlite3.Connection, now_ms: int) -> tuple[Ref, Ref]:
    """Write a thread, and what concerns oneself; the refs of its root and of its last answer."""
    with transaction(connection):
        set_role(connection, ALL, author(OWN), Role.OWN)
    rng = random.Random(2)
    (root,) = extend(connection, 1, [(now_ms, "post", {"text": "Who has seen the ferry?"})])
    thread = [root]
    for number in range(1, THREAD):
        parent = thread[rng.randrange(max(0, len(thread) - 40), len(thread))]
        content = {"text": f"answer {number}", "reply": reply(root, parent)}
        thread += extend(connection, 1 + number % (AUTHORS - 2), [(now_ms + number, "post", content)])
    mine = extend(connection, OWN, [(now_ms + n, "post", {"text": f"mine {n}"}) for n in range(OWN_MESSAGES)])
    for number in range(2, 2 + REACTING):
        written = []
        for place, ref in enumerate(mine):
            at_ms = now_ms + 1000 + place * REACTING + number
            written += [
                (at_ms, "like", reaction(ref, 1, True)),
                (at_ms, "repost", reaction(ref, 1, True)),
                (at_ms, "post", {"text": "yes", "reply": reply(ref, ref)}),
                (at_ms, "post", {"text": "see", "quote": ref_value(ref)}),
            ]
        extend(connection, number, written)
    return root, thread[-1]


def _measure(connection: sqlite3.Connection, now_ms: int) -> None:
    rng = random.Random(1)
    root, leaf = _converse(connection, now_ms)

    def message(ref: Ref) -> Message:
        return find(connection, [ref])[ref]

    def by_key(keys: list[int]) -> Callable[[], object]:
        marks = ",".join("?" * len(keys))
        return lambda: connection.execute(
            f"SELECT key, seen_ms, payload FROM entries WHERE key IN ({marks})", keys
        ).fetchall()

    for name, ref in (("root", root), ("last answer", leaf)):
        opened = message(ref)
        thread = THREADS.thread(connection, opened)
        assert len(thread.slots) == THREAD
        keys = [slot.message.key for slot in thread.slots if slot.message is not None]
        percentiles(f"raw: {THREAD} entries of a thread by primary key", [by_key(keys)] * 100)
        percentiles(f"thread of {THREAD}, from its {name}", [partial(THREADS.thread, connection, opened)] * 100)
    tags = [tag for tag, _ in TAGS.suggestions(connection, "", 100)]
    some = [one.key for one in TAGS.timeline(connection, tags[0], LIMIT)]
    percentiles(f"raw: {LIMIT} entries of a tag by primary key", [by_key(some)] * 300)
    chosen = rng.choices(tags, k=300)
    percentiles(f"tag: the newest {LIMIT}", [partial(TAGS.timeline, connection, tag, LIMIT) for tag in chosen])
    places = [(START_MS + rng.randrange(now_ms - START_MS), 0) for _ in chosen]
    calls = [partial(TAGS.timeline, connection, *both) for both in zip(chosen, [LIMIT] * 300, places, strict=True)]
    percentiles(f"tag: {LIMIT} anywhere", calls)
    percentiles(
        "tags that begin with two letters", [partial(TAGS.suggestions, connection, tag[:2], 10) for tag in chosen]
    )
    later_ms = now_ms + 10**6
    percentiles(f"notices: the newest {LIMIT}", [partial(notices, connection, LIMIT, None, later_ms)] * 300)
    percentiles("notices: how many are unread, up to 100", [partial(unread_count, connection, 100, later_ms)] * 300)
    percentiles(f"home: the newest {LIMIT}, reposts among them", [partial(TIMELINE.home, connection, LIMIT)] * 300)
    mine = TIMELINE.page(connection, author(OWN), 1)[0].ref
    assert mine.feed == author_feed(OWN)
    percentiles("who likes and passes on a message", [partial(REACTIONS.who, connection, mine)] * 300)


if __name__ == "__main__":
    main()
