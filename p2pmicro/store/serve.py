"""Read what peers ask for: ranges, ids, excerpts, fork sides and changed feeds."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import accumulate

from ..feed.chain import Excerpt, Item, Link, Range, Run, as_hole, hole_of, walk
from ..feed.fork import Side
from ..ids import EntryId, FeedId
from ..limits import FORK_SIDE_MAX, RANGE_MAX_BYTES, RANGE_MAX_ENTRIES
from .effects import covering, is_never_erased
from .feeds import FeedState, as_state, feed_state, select_changed
from .links import fill_holes, ids_in_runs, link_at, load_items


def read_range(
    connection: sqlite3.Connection, feed: FeedId, first: int, last: int, known: bytes | None
) -> Range | None:
    """Read what a peer asked for, in a `read_transaction`.

    It ends at `last` if `known` is the id there, and else at the next head held, at most 63 further. It begins at
    `first`, or later where the run does or a range would be too large: newest first.

    Args:
        known: the first 16 bytes of the id at `last`, where the peer knows it.
    Returns: a range; None if `last` is not held, or `known` is of another branch.
    """
    state = feed_state(connection, feed)
    run = None if state is None else state.run_of(last)
    if state is None or run is None or not 1 <= first <= last:
        return None
    base = state.key(0)
    if known is not None:
        if link_at(connection, base, run, last).id[:16] != known:
            return None
        end = last
    else:
        end = _next_head(connection, state, run, last)
    first = max(first, run.before.seq + 1, end - RANGE_MAX_ENTRIES + 1)
    first, items = _newest_items(connection, base, first, end)
    before = link_at(connection, base, run, first - 1)
    if None in items:
        fill_holes(connection, base + first, items)
    _cover(connection, state, before, items)
    heads = connection.execute(
        "SELECT key - ?, signature FROM heads WHERE key BETWEEN ? AND ?", (base, base + first, base + end)
    ).fetchall()
    return Range(feed, before, items, dict(heads))


def entry_ids(connection: sqlite3.Connection, feed: FeedId, seqs: Sequence[int]) -> list[EntryId | None]:
    """The ids of entries, None for those that are not held."""
    row = connection.execute("SELECT number << 32 FROM feeds WHERE feed = ?", (feed,)).fetchone()
    if row is None:
        return [None] * len(seqs)
    found = ids_in_runs(connection, [row[0] + seq for seq in seqs])
    return [found.get(row[0] + seq) for seq in seqs]


def read_excerpt(connection: sqlite3.Connection, feed: FeedId, seq: int) -> Excerpt | None:
    """Read one entry with what proves it; None if its payload is not held."""
    found = _to_next_head(connection, feed, seq)
    if found is None:
        return None
    before, items, head = found
    payload = items[0]
    if not isinstance(payload, bytes):
        return None
    return Excerpt(feed, before, payload, [hole_of(item) for item in items[1:]], head)


def fork_side(connection: sqlite3.Connection, feed: FeedId, seq: int) -> tuple[Link, Side] | None:
    """Read this store's side of a fork at `seq`, and the place before it; None if it is not held."""
    found = _to_next_head(connection, feed, seq)
    if found is None:
        return None
    before, items, head = found
    return before, Side([hole_of(item) for item in items], head)


def changed_feeds(connection: sqlite3.Connection, after: int) -> Iterator[FeedState]:
    """Read the feeds that changed after a number, in that order; in one `read_transaction`, as they may be many."""
    for row in select_changed(connection, after):
        yield as_state(row)


def first_payload(connection: sqlite3.Connection, state: FeedState) -> int:
    """The first seq of the newest run from which on payloads are held; the one after its end if none is."""
    if state.newest is None:
        return 1
    row = connection.execute(
        "SELECT key FROM entries WHERE key BETWEEN ? AND ? AND payload IS NOT NULL ORDER BY key LIMIT 1",
        (state.key(state.newest.before.seq + 1), state.key(state.newest.end.seq)),
    ).fetchone()
    return state.newest.end.seq + 1 if row is None else int(row[0]) - state.key(0)


def _next_head(connection: sqlite3.Connection, state: FeedState, run: Run, seq: int) -> int:
    """The seq of the first head at `seq` or after it; a run has one at each page end and at its own."""
    row = connection.execute(
        "SELECT min(key) FROM heads WHERE key BETWEEN ? AND ?", (state.key(seq), state.key(run.end.seq))
    ).fetchone()
    return run.end.seq if row[0] is None else int(row[0]) - state.key(0)


def _newest_items(connection: sqlite3.Connection, base: int, first: int, last: int) -> tuple[int, list[Item]]:
    """Read payloads, None for holes, down from `last` until a range is full; the first seq of them, and them."""
    cursor = connection.execute(
        "SELECT payload FROM entries WHERE key BETWEEN ? AND ? ORDER BY key DESC", (base + first, base + last)
    )
    items: list[Item] = []
    size = 0
    while size < RANGE_MAX_BYTES and (rows := cursor.fetchmany(256)):
        part = [payload for (payload,) in rows]
        sizes = list(accumulate((len(payload) if payload else 0 for payload in part), initial=size))[1:]
        size = sizes[-1]
        if size > RANGE_MAX_BYTES:
            part = [payload for payload, upto in zip(part, sizes, strict=True) if upto <= RANGE_MAX_BYTES]
        items += part
    cursor.close()
    items.reverse()
    return last - len(items) + 1, items


def _cover(connection: sqlite3.Connection, state: FeedState, before: Link, items: list[Item]) -> None:
    """Put holes for payloads that a tombstone covers: none is left in the store, and none would leave it."""
    first = before.seq + 1
    tombstones = covering(connection, state.feed, state.account_number, first, before.seq + len(items))
    held = {seq: ids for seq, ids in tombstones.items() if isinstance(items[seq - first], bytes)}
    if held:
        links = walk(before, items)
        for seq, ids in held.items():
            payload = items[seq - first]
            if links[seq - first] in ids and isinstance(payload, bytes) and not is_never_erased(payload):
                items[seq - first] = as_hole(payload)


def _to_next_head(connection: sqlite3.Connection, feed: FeedId, seq: int) -> tuple[Link, list[Item], bytes] | None:
    """An entry and those up to the next head, the place before it, and that head's signature."""
    state = feed_state(connection, feed)
    run = None if state is None else state.run_of(seq)
    if state is None or run is None:
        return None
    base = state.key(0)
    end = _next_head(connection, state, run, seq)
    if end - seq >= FORK_SIDE_MAX:
        return None
    before = link_at(connection, base, run, seq - 1)
    items = load_items(connection, base, seq, end)
    _cover(connection, state, before, items)
    (signature,) = connection.execute("SELECT signature FROM heads WHERE key = ?", (base + end,)).fetchone()
    return before, items, signature
