"""Ids and items of held entries: an id is walked to from the head before it, at most 63 entries away."""

import sqlite3
from collections.abc import Collection
from itertools import groupby

from ..errors import StoreDamagedError
from ..feed.chain import Item, Link, Run, walk
from ..ids import EntryId
from ..limits import PAGE_ENTRIES


def load_items(connection: sqlite3.Connection, base: int, first: int, last: int) -> list[Item]:
    """Read the payloads of entries that are held, or what stands for them.

    Args:
        base: the feed's number << 32.
        first, last: seqs of one run.
    Raises:
        StoreDamagedError: one is not there.
    """
    found = connection.execute(
        "SELECT payload FROM entries WHERE key BETWEEN ? AND ? ORDER BY key", (base + first, base + last)
    ).fetchall()
    if len(found) != last - first + 1:
        raise _damaged()
    items: list[Item] = [payload for (payload,) in found]
    if None in items:
        fill_holes(connection, base + first, items)
    return items


def fill_holes(connection: sqlite3.Connection, first_key: int, items: list[Item]) -> None:
    """Put what stands for the payloads that are None into a list that begins with the entry of `first_key`."""
    holes = connection.execute(
        "SELECT key, length, hash FROM holes WHERE key BETWEEN ? AND ?", (first_key, first_key + len(items) - 1)
    )
    for key, length, digest in holes:
        if items[key - first_key] is None:
            items[key - first_key] = (length, digest)
    if None in items:
        raise _damaged()


def link_at(connection: sqlite3.Connection, base: int, run: Run, seq: int) -> Link:
    """The place of an entry of a run, or of the one before the run."""
    if seq == run.end.seq:
        return run.end
    start = run.before
    if seq > start.seq:
        row = connection.execute(
            "SELECT key, id FROM heads WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
            (base + start.seq + 1, base + seq),
        ).fetchone()
        if row is not None:
            start = Link(row[0] - base, EntryId(row[1]))
    if seq == start.seq:
        return start
    return Link(seq, walk(start, load_items(connection, base, start.seq + 1, seq))[-1])


def ids_at(connection: sqlite3.Connection, base: int, run: Run, seqs: Collection[int]) -> dict[int, EntryId]:
    """The ids of some entries of a run: each page of it is walked once."""
    found: dict[int, EntryId] = {}
    for _, page in groupby(sorted(seqs), key=lambda seq: (seq - 1) // PAGE_ENTRIES):
        first, *rest = page
        link = link_at(connection, base, run, first)
        found[first] = EntryId(link.id)
        if rest:
            ids = walk(link, load_items(connection, base, first + 1, rest[-1]))
            found.update((seq, EntryId(ids[seq - first - 1])) for seq in rest)
    return found


def _damaged() -> StoreDamagedError:
    return StoreDamagedError("The database lacks an entry that it should hold: run `p2pmicro verify`.")
