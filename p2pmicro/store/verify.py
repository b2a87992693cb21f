"""Read the whole store again and compare it with itself: every id, head, proof and count."""

import sqlite3
from collections.abc import Callable, Iterator

from ..errors import EntryError, StoreError
from ..feed.chain import Item, Link, Run, check_excerpt, check_head, is_kept_head, walk
from ..feed.content import read
from ..feed.device import check_device_proof, check_revoke, first_link
from ..feed.fork import check_fork_proof
from ..ids import EntryId, format_feed, format_ref
from .alone import alone_between, excerpt_of, ref_of
from .changes import last_change
from .db import read_transaction
from .effects import covering, deleter_of, is_never_erased
from .feeds import FeedState, feed_by_number, shown_limit
from .quota import HOLE_BYTES, ROW_BYTES

_STEP = 2048  # entries read at once


def verify(connection: sqlite3.Connection, progress: Callable[[int, int], None]) -> list[str]:
    """Check everything; one sentence for each fault, none if all is well.

    Args:
        progress: called with the number of feeds done and of all.
    """
    faults: list[str] = []
    try:
        with read_transaction(connection):
            for (line,) in connection.execute("PRAGMA integrity_check(20)").fetchall():
                if line != "ok":
                    faults.append(f"The file is damaged: {line}.")
            faults += _orphans(connection)
            faults += _deletes(connection)
            faults += _counts(connection)
            numbers = [number for (number,) in connection.execute("SELECT number FROM feeds ORDER BY number")]
        for done, number in enumerate(numbers, 1):
            with read_transaction(connection):  # one each: a long one would keep the write-ahead log growing
                faults += _feed(connection, number)
            progress(done, len(numbers))
    except StoreError as error:  # damage that stops SQLite itself
        faults.append(str(error))
    return faults


def _feed(connection: sqlite3.Connection, number: int) -> Iterator[str]:
    try:
        state = feed_by_number(connection, number)
    except EntryError as error:
        yield f"Feed number {number} has a fork proof that can't be read: {error}"
        return
    name = format_feed(state.feed)
    yield from (f"Feed {name}: {fault}" for fault in _proofs(state))
    for run in state.runs:
        yield from (f"Feed {name}: {fault}" for fault in _run(connection, state, run))
    if state.older is not None and (state.newest is None or state.older.end.seq >= state.newest.before.seq):
        yield f"Feed {name}: its two runs overlap."
    yield from (f"Feed {name}: {fault}" for fault in _rows(connection, state))
    yield from (f"Feed {name}: {fault}" for fault in _alone(connection, state))


def _proofs(state: FeedState) -> Iterator[str]:
    try:
        device = check_device_proof(state.device, state.feed, state.account)
        for run in state.runs:
            if run.before.seq == 1 and run.before.id != first_link(device).id:
                yield "what is held does not follow its entry 1."
    except EntryError as error:
        yield f"its device proof does not hold: {error}"
    if state.fork is not None:
        try:
            check_fork_proof(state.fork)
        except EntryError as error:
            yield f"its fork proof does not hold: {error}"
        if state.fork.feed != state.feed or state.fork.seq != state.fork_seq:
            yield "its fork proof is of another feed or entry."
    elif state.fork_seq is not None:
        yield "it is marked as forked, and has no proof of that."
    if state.revoke is not None:
        try:
            check_revoke(state.revoke, state.account)
        except EntryError as error:
            yield f"its revoke does not hold: {error}"


def _run(connection: sqlite3.Connection, state: FeedState, run: Run) -> Iterator[str]:
    """Walk a run from its start to its end, and compare each head on the way."""
    base = state.key(0)
    first, last = run.before.seq + 1, run.end.seq
    heads = {
        key - base: (entry_id, signature)
        for key, entry_id, signature in connection.execute(
            "SELECT key, id, signature FROM heads WHERE key BETWEEN ? AND ?", (base + first, base + last)
        )
    }
    needed = {seq for seq in range(first, last + 1) if is_kept_head(seq)} | {last}
    if heads.keys() != needed:
        yield f"heads are missing or too many at {sorted(heads.keys() ^ needed)[:5]}."
    link = run.before
    while link.seq < last:
        low, high = link.seq + 1, min(link.seq + _STEP, last)
        items, faults = _items(connection, base, low, high)
        yield from faults
        if items is None:
            return
        try:
            ids = walk(link, items)
        except EntryError as error:
            yield f"entries {low} to {high}: {error}"
            return
        yield from _heads(state, heads, low, ids)
        yield from _waypoints(connection, base, low, ids)
        yield from _tombstones(connection, state, low, items, ids)
        link = Link(high, ids[-1])
    if link.id != run.end.id:
        yield f"its entries do not lead to the id that is held for entry {last}."


def _items(connection: sqlite3.Connection, base: int, first: int, last: int) -> tuple[list[Item] | None, list[str]]:
    """Read entries with their holes; None for the first if the chain can't be walked."""
    keys = (base + first, base + last)
    found = dict(connection.execute("SELECT key, payload FROM entries WHERE key BETWEEN ? AND ?", keys).fetchall())
    holes = {
        key: (length, digest)
        for key, length, digest in connection.execute(
            "SELECT key, length, hash FROM holes WHERE key BETWEEN ? AND ?", keys
        )
    }
    faults = []
    items: list[Item] = []
    for key in range(base + first, base + last + 1):
        payload, hole = found.get(key), holes.get(key)
        if key not in found:
            faults.append(f"entry {key - base} is not there.")
        elif payload is None and hole is None:
            faults.append(f"entry {key - base} has neither a payload nor what stands for it.")
        else:
            if payload is not None and hole is not None:
                faults.append(f"entry {key - base} has both a payload and what stands for it.")
            items.append(payload if payload is not None else holes[key])
    return (items if len(items) == last - first + 1 else None), faults


def _heads(state: FeedState, heads: dict[int, tuple[bytes, bytes]], first: int, ids: list[EntryId]) -> Iterator[str]:
    for seq, (entry_id, signature) in heads.items():
        if first <= seq < first + len(ids):
            if entry_id != ids[seq - first]:
                yield f"the entries up to {seq} do not lead to its head."
            try:
                check_head(state.feed, Link(seq, ids[seq - first]), signature)
            except EntryError as error:
                yield f"the head at {seq} does not hold: {error}"


def _waypoints(connection: sqlite3.Connection, base: int, first: int, ids: list[EntryId]) -> Iterator[str]:
    keys = (base + first, base + first + len(ids) - 1)
    for key, entry_id in connection.execute("SELECT key, id FROM waypoints WHERE key BETWEEN ? AND ?", keys):
        if entry_id != ids[key - base - first]:
            yield f"the id that is kept for entry {key - base} is another one."


def _tombstones(
    connection: sqlite3.Connection, state: FeedState, first: int, items: list[Item], ids: list[EntryId]
) -> Iterator[str]:
    last = first + len(items) - 1
    for seq, named in covering(connection, state.feed, state.account_number, first, last).items():
        item = items[seq - first]
        if isinstance(item, bytes) and ids[seq - first] in named and not is_never_erased(item):
            yield f"entry {seq} was deleted, and its payload is still there."


def _rows(connection: sqlite3.Connection, state: FeedState) -> Iterator[str]:
    """Count what is held of a feed, and find rows outside of its runs."""
    keys = (state.key(0), state.key(2**32 - 1))
    count, size = connection.execute(
        "SELECT count(*), total(coalesce(length(payload), ?)) FROM entries WHERE key BETWEEN ? AND ?",
        (HOLE_BYTES, *keys),
    ).fetchone()
    if count != sum(run.end.seq - run.before.seq for run in state.runs):
        yield "it holds other entries than its runs say."
    (alone,) = connection.execute(
        "SELECT total(? + length(payload) + length(proof)) FROM excerpts WHERE charged = ?", (ROW_BYTES, state.number)
    ).fetchone()
    cost = count * ROW_BYTES + int(size) + int(alone)
    if state.bytes != cost:
        yield f"{state.bytes} bytes are charged to it, and it holds {cost}."
    for table in ("holes", "heads", "waypoints"):
        within = " OR ".join(["key BETWEEN ? AND ?"] * len(state.runs)) or "FALSE"
        ends = [state.key(seq) for run in state.runs for seq in (run.before.seq + 1, run.end.seq)]
        (outside,) = connection.execute(
            f"SELECT count(*) FROM {table} WHERE key BETWEEN ? AND ? AND NOT ({within})", (*keys, *ends)
        ).fetchone()
        if outside:
            yield f"it has {outside} {table} outside of its runs."


def _alone(connection: sqlite3.Connection, state: FeedState) -> Iterator[str]:
    """Check what is held alone of a feed: each proves itself, stands outside of the runs, and is not deleted."""
    for one in alone_between(connection, state.key(0), state.key(2**32 - 1)):
        seq = one.key - state.key(0)
        try:
            if check_excerpt(excerpt_of(state.feed, one)) != one.id:
                yield f"entry {seq}, which is held alone, is not the one of its id."
        except (EntryError, ValueError, TypeError) as error:
            yield f"entry {seq}, which is held alone, is not proven: {error}"
        if state.run_of(seq) is not None:
            yield f"entry {seq} is held alone, and in a run too."
        if seq > shown_limit(state):
            yield f"entry {seq} is held alone, and a fork or revoke hides it."
        if deleter_of(connection, state, ref_of(state.feed, one)) is not None and not is_never_erased(one.payload):
            yield f"entry {seq} was deleted, and is still held alone."


def _orphans(connection: sqlite3.Connection) -> Iterator[str]:
    for table in ("entries", "holes", "heads", "waypoints", "excerpts"):
        (count,) = connection.execute(
            f"SELECT count(*) FROM {table} WHERE key >> 32 NOT IN (SELECT number FROM feeds)"
        ).fetchone()
        if count:
            yield f"{count} {table} belong to no feed."
    for table, parent, rowid, key in connection.execute("PRAGMA foreign_key_check").fetchall():
        yield f"Row {rowid} of {table} names what is not in {parent} (key {key})."


def _deletes(connection: sqlite3.Connection) -> Iterator[str]:
    for feed, seq, entry_id, payload in connection.execute(
        "SELECT t.feed, t.seq, t.id, e.payload FROM tombstones t LEFT JOIN held e ON e.key = t.deleter"
    ):
        try:
            entry = None if payload is None else read(payload)
        except EntryError:
            entry = None
        if entry is None or entry.kind != "delete" or entry.content["ref"] != [feed, seq, entry_id]:
            yield f"A tombstone on {format_ref(feed, seq)} has no delete that says so."


def _counts(connection: sqlite3.Connection) -> Iterator[str]:
    (total,) = connection.execute("SELECT value FROM meta WHERE name = 'bytes'").fetchone()
    (size,) = connection.execute("SELECT total(bytes) FROM feeds").fetchone()
    if total != int(size):
        yield f"{total} bytes are charged in all, and the feeds' sum is {int(size)}."
    (highest,) = connection.execute("SELECT max(change) FROM feeds").fetchone()
    if highest is not None and highest > last_change(connection):
        yield "A feed's change number is above the last one that was given out."
