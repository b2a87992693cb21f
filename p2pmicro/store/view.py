"""What the store tells the views: the rows that came and went. The store knows no view by name."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from ..feed.content import Entry, read_many
from ..ids import EntryId
from ..limits import INGEST_BATCH_ENTRIES
from .feeds import FeedState, shown_end


class Row(NamedTuple):
    """A readable entry, as views take it."""

    key: int  # feed number << 32 | seq
    account: int  # accounts.number
    role: int  # feeds.Role
    time_ms: int  # its place in time: the smaller of claimed and seen
    seen_ms: int  # when it was first stored here
    entry: Entry  # of a sealed entry that could be opened, what was inside
    sealed: bool = False  # whether only some can read it
    alone: bool = False  # whether it is held as an excerpt: not in lists by time, nor in the index
    id: EntryId | None = None  # where whoever made the row had it at hand


class View(Protocol):
    """Tables that can be computed again; entries come in any order, and equal sets of them leave equal tables."""

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take in entries that are newly readable and shown; about 2,048 at most."""

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take out entries that are erased or hidden; `rows` are as they were added."""

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget everything."""

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Follow a change of an account's role; its feeds' entries are in the log."""

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Make sure that no page of the file holds text that was removed."""


def shown_rows(
    connection: sqlite3.Connection, state: FeedState, first: int = 1, last: int | None = None
) -> Iterator[list[Row]]:
    """Read what is readable and shown of a feed from seq `first` to `last`, about 2,048 rows at a time."""
    last = shown_end(state) if last is None else min(last, shown_end(state))
    yield from readable_rows(connection, state, first, last)


def readable_rows(connection: sqlite3.Connection, state: FeedState, first: int, last: int) -> Iterator[list[Row]]:
    """Read what is readable of a feed from seq `first` to `last`, shown or not."""
    key, end = state.key(first), state.key(last)
    while key <= end:  # not at all if `first` is above `last`
        found = connection.execute(
            "SELECT key, seen_ms, payload FROM entries WHERE key BETWEEN ? AND ? AND payload IS NOT NULL "
            "ORDER BY key LIMIT ?",
            (key, end, INGEST_BATCH_ENTRIES),
        ).fetchall()
        if not found:
            return
        key = found[-1][0] + 1
        entries = read_many([payload for _, _, payload in found])
        yield [
            Row(at, state.account_number, state.role, min(entry.time_ms, seen_ms), seen_ms, entry)
            for (at, seen_ms, _), entry in zip(found, entries, strict=True)
            if isinstance(entry, Entry)
        ]
