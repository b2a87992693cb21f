"""What the store tells the views: the rows that came and went. The store knows no view by name."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from ..feed.content import Entry, read_many, read_opened
from ..ids import EntryId
from ..limits import INGEST_BATCH_ENTRIES
from .feeds import FeedState, shown_end

TO_TRY, CLOSED, OPENED = 0, 1, 2  # sealed.state


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


def show(connection: sqlite3.Connection, views: Sequence[View], rows: Sequence[Row]) -> None:
    """Tell the views of entries that are newly readable and shown; a sealed one is noted, to be tried."""
    sealed = [row for row in rows if row[5][1] == "sealed"]  # row.entry.kind, in half of the time
    if sealed:
        connection.executemany(
            f"INSERT OR IGNORE INTO sealed (key, state, salt) VALUES (?, {TO_TRY}, ?)",
            [(row.key, row.entry.content["salt"]) for row in sealed],
        )
        rows = _opened(connection, rows, sealed)
    for view in views:
        view.add(connection, rows)


def unshow(connection: sqlite3.Connection, views: Sequence[View], rows: Sequence[Row]) -> None:
    """Tell the views of entries that are erased or hidden."""
    rows = _opened(connection, rows, [row for row in rows if row.entry.kind == "sealed"])
    for view in views:
        view.remove(connection, rows)


def _opened(connection: sqlite3.Connection, rows: Sequence[Row], sealed: Sequence[Row]) -> Sequence[Row]:
    """The same rows, but for what was inside of those sealed ones that could be opened."""
    if not sealed:
        return rows
    inside: dict[int, Row] = {}
    for row in sealed:
        found = connection.execute(
            f"SELECT plain FROM sealed WHERE key = ? AND state = {OPENED}", (row.key,)
        ).fetchone()
        if found is not None:
            inside[row.key] = row._replace(entry=read_opened(row.entry.time_ms, found[0]), sealed=True)
    return [inside.get(row.key, row) for row in rows] if inside else rows


def shown_rows(
    connection: sqlite3.Connection, state: FeedState, first: int = 1, last: int | None = None
) -> Iterator[Sequence[Row]]:
    """Read what is readable and shown of a feed from seq `first` to `last`, about 2,048 rows at a time."""
    last = shown_end(state) if last is None else min(last, shown_end(state))
    yield from readable_rows(connection, state, first, last)


def readable_rows(connection: sqlite3.Connection, state: FeedState, first: int, last: int) -> Iterator[Sequence[Row]]:
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
        rows = [
            Row(at, state.account_number, state.role, min(entry.time_ms, seen_ms), seen_ms, entry)
            for (at, seen_ms, _), entry in zip(found, entries, strict=True)
            if isinstance(entry, Entry)
        ]
        yield _opened(connection, rows, [row for row in rows if row.entry.kind == "sealed"])
