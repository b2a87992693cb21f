"""How fast home is read from a large store, beside the raw limit in the same run, and what its rows cost to write.

    python -m tests.bench.bench_timeline [MESSAGES [FOLDER]]      # 1,000,000 messages of 1,000 authors

All authors are followed, one of them quiet: three messages, the oldest of all. With FOLDER the store is kept there and
used again. Rows go in feed by feed, as a cold sync brings them. "raw" rows are what SQLite alone takes for it.
"""

import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path

from p2pmicro import cbor
from p2pmicro.feed.chain import Link, genesis, walk
from p2pmicro.feed.content import Content, Entry
from p2pmicro.ids import AccountId, EntryId, FeedId, Ref
from p2pmicro.store.db import open_database, transaction
from p2pmicro.store.feeds import Role, account_number
from p2pmicro.store.links import WAYPOINT_ENTRIES
from p2pmicro.store.view import Row
from p2pmicro.views import ALL, SEARCH, TIMELINE
from p2pmicro.views.held import Place, select
from p2pmicro.views.timeline import places
from tests.texts import message

START_MS = 1_700_000_000_000
AUTHORS = 1000
QUIET = 3  # messages
BATCH = 2048
LIMIT = 50


def author(number: int) -> AccountId:
    """The account of an author; no key is needed, as nothing is checked here."""
    return AccountId(sha256(b"bench account %d" % number).digest())


def author_feed(number: int) -> FeedId:
    """The feed of an author."""
    return FeedId(sha256(b"bench feed %d" % number).digest())


def build(path: Path, count: int) -> sqlite3.Connection:
    """Make a store of `count` messages, or open the one that is there; says what each table cost."""
    made = path.exists()
    connection = open_database(path, durable=False)
    if made:
        return connection
    names = [type(view).__name__.lower() for view in ALL]
    spent = dict.fromkeys(("log", *names, "commit"), 0.0)
    worst = 0.0
    size = 0
    batch: list[tuple[Row, bytes]] = []
    per_author = count // AUTHORS

    def flush() -> None:
        nonlocal worst
        begun = time.perf_counter()
        at = begun
        with transaction(connection):
            rows = [row for row, _ in batch]
            values = [value for row, payload in batch for value in (row.key, row.seen_ms, payload)]
            marks = ",".join(["(?,?,?)"] * len(batch))
            connection.execute(f"INSERT INTO entries (key, seen_ms, payload) VALUES {marks}", values)
            for name, view in (("log", None), *zip(names, ALL, strict=True)):
                if view is not None:
                    view.add(connection, rows)
                spent[name] += time.perf_counter() - at
                at = time.perf_counter()
        spent["commit"] += time.perf_counter() - at
        worst = max(worst, time.perf_counter() - begun)
        batch.clear()

    for number in range(AUTHORS):
        posts = QUIET if number == 0 else per_author
        payloads = [cbor.encode([START_MS, "profile", {"name": f"Author {number}", "rev": 1}])]
        entries = [Entry(START_MS, "profile", {"name": f"Author {number}", "rev": 1})]
        for turn in range(posts):
            time_ms = START_MS + turn * AUTHORS * 1000 + number * 1000
            content: dict[str, cbor.Value] = {"text": message(number * per_author + turn)}
            payloads.append(cbor.encode([time_ms, "post", content]))
            entries.append(Entry(time_ms, "post", content))
        size += sum(map(len, payloads))
        with transaction(connection):
            account = account_number(connection, author(number))
            connection.execute("UPDATE accounts SET role = ? WHERE number = ?", (int(Role.FOLLOWED), account))
            start = genesis(author_feed(number))
            ids = walk(start, payloads)
            (feed,) = connection.execute(
                "INSERT INTO feeds (feed, account, device, device_head, change, before_seq, before_id, last_seq,"
                " last_id) VALUES (?, ?, x'00', x'00', ?, 0, ?, ?, ?) RETURNING number",
                (author_feed(number), account, number + 1, start.id, len(ids), ids[-1]),
            ).fetchone()
            heads = [(feed << 32 | seq, ids[seq - 1], bytes(64)) for seq in range(64, len(ids) + 1, 64)]
            connection.executemany("INSERT INTO heads (key, id, signature) VALUES (?, ?, ?)", heads)
            _put_waypoints(connection, feed << 32 | 1, ids)
        for seq, (entry, payload) in enumerate(zip(entries, payloads, strict=True), 1):
            row = Row(feed << 32 | seq, account, Role.FOLLOWED, entry.time_ms, entry.time_ms, entry, id=ids[seq - 1])
            batch.append((row, payload))
            if len(batch) == BATCH:
                flush()
    flush()
    for name, seconds in spent.items():
        print(f"build: {name:42}{seconds / count * 1e6:9.2f} µs an entry")
    print(f"build: the longest of the batches of {BATCH}{worst * 1e3:20.1f} ms")
    print(f"build: mean payload {size / count:.0f} bytes")
    begun, steps, longest = time.perf_counter(), 0, 0.0
    more = True
    while more:
        at = time.perf_counter()
        with transaction(connection):
            more = SEARCH.merge_step(connection)
        longest = max(longest, time.perf_counter() - at)
        steps += 1
    spent_ms = (time.perf_counter() - begun) * 1e3
    print(f"build: {steps} idle merge steps{spent_ms:27.1f} ms in all, the longest {longest * 1e3:.1f} ms")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = connection.execute("SELECT sum(pgsize) FROM dbstat").fetchone()[0]
    print(f"build: on the disk {pages / count:.0f} bytes a message, {pages / size:.2f} of the payload")
    for name, bytes_ in connection.execute(
        "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 6"
    ):
        print(f"build:   {name:40}{bytes_ / count:9.1f} bytes a message")
    return connection


def _put_waypoints(connection: sqlite3.Connection, first: int, ids: Sequence[EntryId]) -> None:
    kept = [(key, entry_id) for key, entry_id in enumerate(ids, first) if key % WAYPOINT_ENTRIES == 0]
    connection.executemany("INSERT INTO waypoints (key, id) VALUES (?, ?)", kept)


def extend(connection: sqlite3.Connection, number: int, written: Sequence[tuple[int, str, Content]]) -> list[Ref]:
    """Entries (time, kind, content) at the end of an author's feed, with all that views make of them; their refs."""
    (feed, account, role, last_seq, last_id) = connection.execute(
        "SELECT feeds.number, accounts.number, role, last_seq, last_id FROM feeds"
        " JOIN accounts ON accounts.number = feeds.account WHERE feed = ?",
        (author_feed(number),),
    ).fetchone()
    payloads = [cbor.encode([time_ms, kind, content]) for time_ms, kind, content in written]
    ids = walk(Link(last_seq, last_id), payloads)
    rows = []
    with transaction(connection):
        for seq, ((time_ms, kind, content), payload) in enumerate(zip(written, payloads, strict=True), last_seq + 1):
            key = feed << 32 | seq
            connection.execute("INSERT INTO entries (key, seen_ms, payload) VALUES (?, ?, ?)", (key, time_ms, payload))
            if seq % 64 == 0:
                head = (key, ids[seq - last_seq - 1], bytes(64))
                connection.execute("INSERT INTO heads (key, id, signature) VALUES (?, ?, ?)", head)
            entry = Entry(time_ms, kind, content)
            rows.append(Row(key, account, role, time_ms, time_ms, entry, id=ids[seq - last_seq - 1]))
        _put_waypoints(connection, feed << 32 | last_seq + 1, ids)
        connection.execute(
            "UPDATE feeds SET last_seq = ?, last_id = ? WHERE number = ?", (last_seq + len(ids), ids[-1], feed)
        )
        for view in ALL:
            view.add(connection, rows)
    return [Ref(author_feed(number), last_seq + 1 + place, entry_id) for place, entry_id in enumerate(ids)]


def percentiles(name: str, calls: Sequence[Callable[[], object]]) -> None:
    """Time calls one by one, and print; also what they take of the processor, as others may use the computer."""
    taken, busy = [], []
    for call in calls:
        at, busy_at = time.perf_counter(), time.thread_time()
        call()
        taken.append((time.perf_counter() - at) * 1e3)
        busy.append((time.thread_time() - busy_at) * 1e3)
    taken.sort()
    busy.sort()
    shares = [f"p{share} {some[len(some) * share // 100]:8.3f}" for some in (taken, busy) for share in (50, 99)]
    print(f"{name:50} {shares[0]}   {shares[1]} ms   of the processor {shares[2]}   {shares[3]} ms")


def main() -> None:
    """Build, measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        connection = build(Path(sys.argv[2] if len(sys.argv) > 2 else folder) / "bench.db", count)
        try:
            _measure(connection, count)
        finally:
            connection.close()


def _measure(connection: sqlite3.Connection, count: int) -> None:
    rng = random.Random(1)
    span_ms = count * 1000
    starts: list[Place] = [(START_MS + rng.randrange(span_ms), 0) for _ in range(2000)]
    newest = [key for _, key in islice(places(connection, "home"), LIMIT)]
    somewhere = [[key for _, key in islice(places(connection, "home", start), LIMIT)] for start in starts]
    marks = ",".join("?" * LIMIT)
    raw = f"SELECT key, seen_ms, payload FROM entries WHERE key IN ({marks})"

    def by_key(keys: list[int]) -> Callable[[], object]:
        return lambda: connection.execute(raw, (keys * LIMIT)[:LIMIT]).fetchall()

    def in_sql(before: Place | None) -> Callable[[], object]:
        return lambda: select(connection, [key for _, key in islice(places(connection, "home", before), LIMIT)])

    percentiles("raw: the newest 50 by primary key", [by_key(newest)] * 2000)
    percentiles("home: the newest 50, places alone", [lambda: list(islice(places(connection, "home"), LIMIT))] * 2000)
    percentiles("home: the newest 50, all of it in SQL", [in_sql(None)] * 2000)
    percentiles("home: the newest 50 as messages with ids", [lambda: TIMELINE.home(connection, LIMIT)] * 300)
    percentiles("raw: 50 anywhere by primary key", [by_key(keys) for keys in somewhere])
    percentiles("home: 50 anywhere, all of it in SQL", [in_sql(start) for start in starts])
    percentiles("page of a quiet author", [lambda: TIMELINE.page(connection, author(0), LIMIT)] * 300)
    busy = [author(rng.randrange(1, AUTHORS)) for _ in range(300)]
    percentiles("page of any author", [(lambda who=who: TIMELINE.page(connection, who, LIMIT)) for who in busy])  # type: ignore[misc]
    _follow(connection)


def _follow(connection: sqlite3.Connection) -> None:
    """Unfollow and follow one author of a thousand messages, and take it back."""

    def change(role: Role) -> Callable[[], object]:
        account = account_number(connection, author(5))

        def run() -> None:
            (old,) = connection.execute("SELECT role FROM accounts WHERE number = ?", (account,)).fetchone()
            connection.execute("UPDATE accounts SET role = ? WHERE number = ?", (int(role), account))
            TIMELINE.role_changed(connection, account, old, int(role))

        return run

    connection.execute("BEGIN")
    percentiles("unfollow one author, then follow again", [change(Role.NONE), change(Role.FOLLOWED)] * 5)
    connection.execute("ROLLBACK")


if __name__ == "__main__":
    main()
