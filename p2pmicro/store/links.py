"""Ids and items of held entries: an id is walked to from the waypoint before it, at most 15 entries away."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ..errors import StoreDamagedError
from ..feed.chain import Item, Link, Run, walk
from ..ids import EntryId
from .feeds import as_run

WAYPOINT_ENTRIES = 16
"""The id of each entry whose seq is a multiple of it is kept."""


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
    start = _before(connection, base, run, seq)
    if seq == start.seq:
        return start
    return Link(seq, walk(start, load_items(connection, base, start.seq + 1, seq))[-1])


def _before(connection: sqlite3.Connection, base: int, run: Run, seq: int) -> Link:
    """The nearest place of a run at `seq` or before it whose id is kept."""
    if seq <= run.before.seq:
        return run.before
    keys = (base + run.before.seq + 1, base + seq)
    # The heads as well: older stores have waypoints only of what came since.
    row = connection.execute(
        "SELECT key, id FROM waypoints WHERE key BETWEEN ?1 AND ?2"
        " UNION ALL SELECT key, id FROM heads WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
        keys,
    ).fetchone()
    return run.before if row is None else Link(row[0] - base, EntryId(row[1]))


def ids_in_runs(connection: sqlite3.Connection, keys: Collection[int]) -> dict[int, EntryId]:
    """The ids of those of some entries, of any feeds, that stand in runs: all by three statements."""
    found: dict[int, EntryId] = {}
    walks: dict[int, tuple[Link, list[int]]] = {}  # by where they start
    kept = _select(connection, "SELECT key, id FROM waypoints WHERE key", {_waypoint(key) for key in keys})
    waypoints = {key: EntryId(entry_id) for key, entry_id in kept}
    for key, run in _runs_of(connection, keys):
        base, at = key >> 32 << 32, _waypoint(key)
        if key - base == run.end.seq:
            start = run.end
        elif at - base <= run.before.seq:
            start = run.before
        elif at in waypoints:
            start = Link(at - base, waypoints[at])
        else:
            start = _before(connection, base, run, key - base)
        if start.seq == key - base:
            found[key] = EntryId(start.id)
        else:
            walks.setdefault(base + start.seq, (start, []))[1].append(key)
    spans = [bound for before, (_, some) in walks.items() for bound in (before + 1, max(some))]
    rows = _payloads(connection, spans) if spans else []
    done = 0
    for before, (start, some) in walks.items():
        part = rows[done : done + max(some) - before]
        done += len(part)
        if not part or (part[0][0], part[-1][0]) != (before + 1, max(some)):
            raise _damaged()
        items: list[Item] = [payload for _, payload in part]
        if None in items:
            fill_holes(connection, before + 1, items)
        ids = walk(start, items)
        found.update((key, ids[key - before - 1]) for key in some)
    return found


def _waypoint(key: int) -> int:
    return key - key % WAYPOINT_ENTRIES


def _runs_of(connection: sqlite3.Connection, keys: Collection[int]) -> Iterable[tuple[int, Run]]:
    """The run in which each of some entries stands, without those that stand in none."""
    rows = _select(
        connection,
        "SELECT number, before_seq, before_id, last_seq, last_id,"
        " older_before_seq, older_before_id, older_last_seq, older_last_id FROM feeds WHERE number",
        {key >> 32 for key in keys},
    )
    runs = {row[0]: [run for run in (as_run(*row[1:5]), as_run(*row[5:])) if run is not None] for row in rows}
    for key in keys:
        for run in runs.get(key >> 32, ()):
            if run.before.seq < key & 0xFFFFFFFF <= run.end.seq:
                yield key, run


def _payloads(connection: sqlite3.Connection, spans: Sequence[int]) -> list[tuple[int, Item]]:
    """Keys and payloads, None for holes, from first to last key of each span, span by span."""
    values = ",".join(["(?,?)"] * (len(spans) // 2))
    return connection.execute(
        f"SELECT key, payload FROM (VALUES {values}) CROSS JOIN entries ON key BETWEEN column1 AND column2", spans
    ).fetchall()


def _select(connection: sqlite3.Connection, sql: str, keys: Collection[int]) -> list[tuple[Any, ...]]:
    return connection.execute(f"{sql} IN ({','.join('?' * len(keys))})", list(keys)).fetchall()


def _damaged() -> StoreDamagedError:
    return StoreDamagedError("The database lacks an entry that it should hold: run `p2pmicro verify`.")
