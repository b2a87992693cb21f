"""Full text: which messages have these words.

The index (FTS5, in store/schema/0003_views.sql) has no texts, sizes or positions. It takes posts of every role, so that
a change of a role costs nothing; who is not at least a hop is left out of what a query finds: find.py.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence

from ..store.view import Row
from .words import spaced

MERGE_PAGES = 64
"""Index pages that one idle step merges: a few milliseconds."""

_ROWS_A_STATEMENT = 8192  # two variables each, under SQLite's 32,766
_LARGE_BATCH = 512  # posts
_POSTS_A_PAGE = 32  # merged a page: about 60 posts fill one, and most are moved two or three times until all is merged


class Search:
    """The index of the words of all posts."""

    # --- As a view ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Index new posts.

        There is no bulk mode to switch: what a transaction adds is flushed once, at its commit (or at 16 MiB), so a
        batch of thousands becomes one sorted segment and a single message a tiny one. A large batch also merges in
        proportion, about 5 ms: with none of it, a first sync leaves hundreds of segments; with FTS5's own merging, a
        batch now and then takes 0.8 s. Tiny ones are left to `merge_step`.
        """
        _tally(connection, rows, 1)
        for some in _blocks(rows):
            count = len(some) // 2
            marks = ",".join(["(?,?)"] * count)
            connection.execute(f"INSERT INTO search (rowid, text) VALUES {marks}", some)
            if count >= _LARGE_BATCH:
                self.merge_step(connection, count // _POSTS_A_PAGE)

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take posts out, by the text that they had: the index can't tell which words they brought."""
        _tally(connection, rows, -1)
        for some in _blocks(rows):
            marks = ",".join(["('delete',?,?)"] * (len(some) // 2))
            connection.execute(f"INSERT INTO search (search, rowid, text) VALUES {marks}", some)

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        connection.execute("DELETE FROM tallies")
        connection.execute("INSERT INTO search (search) VALUES ('delete-all')")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Nothing to do: roles are looked at when searching."""

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Merge the whole index into one segment: until then the words of removed posts stand in the older ones."""
        connection.execute("INSERT INTO search (search) VALUES ('optimize')")

    def merge_step(self, connection: sqlite3.Connection, pages: int = MERGE_PAGES) -> bool:
        """Merge a little, in the caller's transaction; an idle node calls it until it is False."""
        before = connection.total_changes
        connection.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
        # The SQLite manual, "FTS5", section 6.8: a difference below 2 means that there was nothing to merge.
        return connection.total_changes - before >= 2


def number_of(key: int) -> int:
    """A key as the index has it: a list of them is written as differences, and 32 bits of seq would cost two bytes more
    wherever a word goes from feed to feed: a tenth of the whole store."""
    seq = key & 0xFFFFFFFF
    return key >> 32 << 16 | seq if seq < 1 << 16 else -key


def key_of(number: int) -> int:
    """The key of a row of the index."""
    return number >> 16 << 32 | number & 0xFFFF if number > 0 else -number


KEY_SQL = "CASE WHEN rowid > 0 THEN ((rowid >> 16) << 32) | (rowid & 65535) ELSE -rowid END"
"""The key of a row of the index, in SQL."""


def _posts(rows: Sequence[Row]) -> list[Row]:
    """Those of some rows that belong in the index."""
    return [row for row in rows if row.entry.kind == "post" and not row.alone]


def _tally(connection: sqlite3.Connection, rows: Sequence[Row], step: int) -> None:
    """Count posts by their feeds."""
    counts = Counter(row.key >> 32 for row in _posts(rows))
    connection.executemany(
        "INSERT INTO tallies (feed, posts) VALUES (?, ?)"
        " ON CONFLICT (feed) DO UPDATE SET posts = posts + excluded.posts",
        [(feed, step * count) for feed, count in counts.items()],
    )
    if step < 0:
        connection.execute("DELETE FROM tallies WHERE posts = 0")


def _blocks(rows: Sequence[Row]) -> Iterator[list[int | str]]:
    """The numbers and texts of the posts among some rows, flat, as SQLite takes them, in blocks of one statement.

    In ascending order: FTS5 flushes what it holds in memory whenever a smaller number follows.
    """
    posts = sorted((number_of(row.key), row.entry.content["text"]) for row in _posts(rows))
    for start in range(0, len(posts), _ROWS_A_STATEMENT):
        values: list[int | str] = []
        for number, text in posts[start : start + _ROWS_A_STATEMENT]:
            values += (number, spaced(text))
        yield values
