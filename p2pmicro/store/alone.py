"""What is held alone: single entries with their proofs, because something held here refers to them.

They are charged to the feed that refers to them. Where a run of its feed covers one, it leaves by `remove`; whatever
else comes of it (its author deletes it, a fork hides it, nothing refers to it any more), by `let_go`, which wipes its
text: who deletes it later may not be heard here any more. Both tell the views.
Source: protocol/feed.md, "Excerpts".
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from .. import cbor
from ..feed.chain import Excerpt
from ..feed.content import Entry, read_many
from ..feed.wire import excerpt_value, parse_excerpt
from ..ids import EntryId, FeedId, Ref
from ..limits import INGEST_BATCH_ENTRIES
from .erase import wipe
from .feeds import FeedState, feed_by_number
from .quota import ROW_BYTES
from .view import Row, View, show, unshow


class Alone(NamedTuple):
    """One entry that is held alone; the columns of `excerpts` in their order."""

    key: int
    seen_ms: int
    id: EntryId
    payload: bytes
    proof: bytes  # CBOR: [before id, tail, head signature]
    steps: int  # from an entry of a run to this one, along answers; 0: a delete
    charged: int  # the number of the feed whose quota it counts to

    @property
    def cost(self) -> int:
        """What is charged for it, in bytes."""
        return ROW_BYTES + len(self.payload) + len(self.proof)


def alone_between(connection: sqlite3.Connection, first: int, last: int) -> list[Alone]:
    """What is held alone, by the keys from `first` to `last`."""
    found = connection.execute("SELECT * FROM excerpts WHERE key BETWEEN ? AND ? ORDER BY key", (first, last))
    return [Alone(*row) for row in found.fetchall()]


def alone_at(connection: sqlite3.Connection, key: int) -> Alone | None:
    """What is held alone under a key."""
    row = connection.execute("SELECT * FROM excerpts WHERE key = ?", (key,)).fetchone()
    return None if row is None else Alone(*row)


def ref_of(feed: FeedId, one: Alone) -> Ref:
    """The ref of what is held alone."""
    return Ref(feed, one.key & 0xFFFFFFFF, one.id)


def make_proof(excerpt: Excerpt) -> bytes:
    """What proves an excerpt, as it is stored: all but its feed, seq and payload."""
    _, _, before, _, tail, head = cast("list[Any]", excerpt_value(excerpt))
    return cbor.encode([before, tail, head])


def excerpt_of(feed: FeedId, one: Alone) -> Excerpt:
    """What is held alone, as it travels."""
    before, tail, head = cast("list[Any]", cbor.decode(one.proof))
    return parse_excerpt([feed, (one.key & 0xFFFFFFFF) - 1, before, one.payload, tail, head])


def keep(connection: sqlite3.Connection, views: Sequence[View], one: Alone) -> None:
    """Hold an entry alone, and charge for it."""
    connection.execute("INSERT INTO excerpts VALUES (?, ?, ?, ?, ?, ?, ?)", one)
    connection.execute("UPDATE feeds SET bytes = bytes + ? WHERE number = ?", (one.cost, one.charged))
    rows = rows_of(connection, [one])
    if rows:
        show(connection, views, rows)


def remove(connection: sqlite3.Connection, views: Sequence[View], ones: Sequence[Alone]) -> None:
    """Hold entries alone no longer, as runs have them; what they are charged is given back by `give_back`."""
    if not ones:
        return
    rows = rows_of(connection, ones)
    connection.executemany("DELETE FROM excerpts WHERE key = ?", [(one.key,) for one in ones])
    if rows:
        unshow(connection, views, rows)
    connection.executemany("DELETE FROM sealed WHERE key = ?", [(one.key,) for one in ones])


def give_back(connection: sqlite3.Connection, ones: Iterable[Alone]) -> None:
    """Charge no longer for what was held alone."""
    connection.executemany(
        "UPDATE feeds SET bytes = bytes - ? WHERE number = ?", [(one.cost, one.charged) for one in ones]
    )


def let_go(connection: sqlite3.Connection, views: Sequence[View], ones: Sequence[Alone]) -> None:
    """Hold entries alone no longer, and charge nobody for them; their texts leave the disk."""
    remove(connection, views, ones)
    give_back(connection, ones)
    wipe(connection, [one.key for one in ones])


def charge_to(connection: sqlite3.Connection, one: Alone, charged: int, steps: int) -> None:
    """Let an entry that is held alone count to the quota of another feed that refers to it."""
    give_back(connection, [one])
    connection.execute("UPDATE feeds SET bytes = bytes + ? WHERE number = ?", (one.cost, charged))
    connection.execute("UPDATE excerpts SET charged = ?, steps = ? WHERE key = ?", (charged, steps, one.key))


def rows_of(connection: sqlite3.Connection, ones: Sequence[Alone]) -> list[Row]:
    """What the views are shown of entries that are held alone; those that can't be read are left out."""
    rows = []
    states: dict[int, FeedState] = {}
    for one, entry in zip(ones, read_many([one.payload for one in ones]), strict=True):
        if not isinstance(entry, Entry):
            continue
        number = one.key >> 32
        state = states.get(number) or states.setdefault(number, feed_by_number(connection, number))
        time_ms = min(entry.time_ms, one.seen_ms)
        rows.append(Row(one.key, state.account_number, state.role, time_ms, one.seen_ms, entry, alone=True, id=one.id))
    return rows


def all_alone_rows(connection: sqlite3.Connection) -> Iterator[list[Row]]:
    """What the views are shown of all that is held alone, about 2,048 rows at a time."""
    key = 0
    while found := connection.execute(
        "SELECT * FROM excerpts WHERE key >= ? ORDER BY key LIMIT ?", (key, INGEST_BATCH_ENTRIES)
    ).fetchall():
        key = found[-1][0] + 1
        yield rows_of(connection, [Alone(*row) for row in found])


# --- What is wanted, and what is to be looked at again ---


def drop_wanted(connection: sqlite3.Connection, ref: Ref) -> None:
    """Ask no longer for an entry: it is here, or deleted."""
    connection.execute("DELETE FROM wanted WHERE feed = ? AND seq = ? AND id = ?", (ref.feed, ref.seq, ref.id))


def hide_wanted(connection: sqlite3.Connection, feed: FeedId, limit: int) -> None:
    """Ask not for what stands after `limit` in a feed, and ask anew for what was hidden and is not any more."""
    connection.execute("UPDATE wanted SET hidden = 1 WHERE feed = ? AND seq > ?", (feed, limit))
    shown = connection.execute(
        "DELETE FROM wanted WHERE feed = ? AND seq <= ? AND hidden RETURNING feed, seq, id, time_ms, steps, charged",
        (feed, limit),
    ).fetchall()
    connection.executemany(
        "INSERT INTO wanted (feed, seq, id, time_ms, steps, charged) VALUES (?, ?, ?, ?, ?, ?)", shown
    )


def look_again(connection: sqlite3.Connection, refs: Iterable[Ref]) -> None:
    """Have it settled anew, at leisure, whether entries are wanted, held alone, or of no use."""
    connection.executemany(
        "INSERT OR IGNORE INTO unsettled (feed, seq, id) VALUES (?, ?, ?)",
        [(ref.feed, ref.seq, ref.id) for ref in refs],
    )
