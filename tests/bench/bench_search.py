"""How fast words are found in a large store, beside the raw limit in the same run.

    python -m tests.bench.bench_search [MESSAGES [FOLDER]]      # 1,000,000 messages of 1,000 authors

The store is that of bench_timeline. "raw" rows are FTS5 alone, giving the first 50 that it comes upon: not by time, and
no texts. What is found is shown as messages, newest first; the ids of those are a part of each time.
"""

import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from p2pmicro.feed.content import Entry
from p2pmicro.ids import format_account
from p2pmicro.store.feeds import Role
from p2pmicro.store.view import Row
from p2pmicro.views import SEARCH
from p2pmicro.views.find import find_messages, keys_of
from p2pmicro.views.find_people import find_people
from p2pmicro.views.query import read_query
from p2pmicro.views.words import parse
from tests.bench.bench_timeline import AUTHORS, LIMIT, START_MS, author, build, percentiles
from tests.texts import SENTENCES

QUERIES = 200


def main() -> None:
    """Build, measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        connection = build(Path(sys.argv[2] if len(sys.argv) > 2 else folder) / "bench.db", count)
        try:
            _plant(connection)
            _measure(connection)
        finally:
            connection.close()


def _plant(connection: sqlite3.Connection) -> None:
    """Put in what the repeated texts lack: a rare word and a phrase. Rolled back with the connection's close."""
    connection.execute("BEGIN")
    (feed, account) = connection.execute("SELECT number, account FROM feeds ORDER BY number LIMIT 1").fetchone()
    entry = Entry(START_MS, "post", {"text": "quartz zebra quiet harbour"})
    SEARCH.add(connection, [Row(feed << 32 | 3, account, Role.FOLLOWED, START_MS, START_MS, entry)])


def _measure(connection: sqlite3.Connection) -> None:
    rng = random.Random(1)
    latin = [sentence for sentence in SENTENCES if sentence.isascii()]
    chinese = [sentence for sentence in SENTENCES if "\u4e00" <= sentence[0] <= "\u9fff"]
    thai = [sentence for sentence in SENTENCES if "\u0e01" <= sentence[0] <= "\u0e2e"]

    def words(number: int) -> str:
        return " ".join(
            rng.sample([word for word in rng.choice(latin).split() if len(word) > 4 and word[0] != "#"], number)
        )

    def letters(texts: list[str], number: int) -> str:
        text = rng.choice(texts)
        start = rng.randrange(10)
        return text[start : start + number]

    def phrase() -> str:
        found = rng.choice(latin).split()
        start = rng.randrange(len(found) - 3)
        return '"' + " ".join(found[start : start + 3]) + '"'

    tags = sorted({word[1:] for text in SENTENCES for word in text.split() if word[:1] == "#" and word[1:].isalnum()})

    def without(two: str) -> str:
        one, other = two.split()
        return f"{one} -{other}"

    def both(name: str, queries: list[str]) -> None:
        def raw(query: str) -> Callable[[], object]:
            wanted = parse(connection, query)
            index = "" if wanted is None else wanted.index
            sql = "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid DESC LIMIT ?"
            return lambda: connection.execute(sql, (index, LIMIT)).fetchall()

        def keys(query: str) -> Callable[[], object]:
            return lambda: list(islice(keys_of(connection, read_query(connection, query)), LIMIT))

        percentiles(f"raw: {name}", [raw(query) for query in queries])
        percentiles(f"keys: {name}", [keys(query) for query in queries])
        percentiles(f"messages: {name}", [(lambda q=query: find_messages(connection, q, LIMIT)) for query in queries])  # type: ignore[misc]

    both("one rare word", ["zebra"] * QUERIES)
    both("one word", [words(1) for _ in range(QUERIES)])
    both("two words", [words(2) for _ in range(QUERIES)])
    both("a phrase of three words", [phrase() for _ in range(QUERIES)])
    both("a prefix of four letters", [words(1)[:4] + "*" for _ in range(QUERIES)])
    both("two Chinese letters", [letters(chinese, 2) for _ in range(QUERIES)])
    both("four Chinese letters", [letters(chinese, 4) for _ in range(QUERIES)])
    both("two Thai letters", [letters(thai, 2) for _ in range(QUERIES)])
    both("the commonest words", ["a", "de", "the"] * (QUERIES // 3))
    both("two words, one of them not wanted", [without(words(2)) for _ in range(QUERIES)])
    both("two words since a day", [f"{words(2)} since:2023-11-20" for _ in range(QUERIES)])
    both("a tag", [f"#{rng.choice(tags)}" for _ in range(QUERIES)])
    who = [format_account(author(number)) for number in range(AUTHORS)]
    both("one person", [f"from:{rng.choice(who)}" for _ in range(QUERIES)])
    both("a word of one person", [f"{words(1)} from:{rng.choice(who)}" for _ in range(QUERIES)])
    both("a number: 300 messages", [str(rng.randrange(500, 2900)) for _ in range(QUERIES)])

    me = author(0)
    names = [f"name{rng.randrange(AUTHORS)}" for _ in range(QUERIES)]
    percentiles("people: a name", [(lambda q=query: find_people(connection, me, q, LIMIT)) for query in names])  # type: ignore[misc]
    some = [f"#{rng.choice(tags)}" for _ in range(QUERIES)]
    percentiles("people: a tag", [(lambda q=query: find_people(connection, me, q, LIMIT)) for query in some])  # type: ignore[misc]


if __name__ == "__main__":
    main()
