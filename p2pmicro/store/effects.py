"""What deletes do to what is held: tombstones, erased payloads, and the way back when a delete is hidden.

A delete counts where it is shown, names an entry of the same proven account with the right (feed, seq, id), and that
entry is neither a feed's first nor of a kind that is never erased. Source: protocol/feed.md, "Deletes".
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .. import cbor
from ..errors import EncodingError
from ..feed.chain import as_hole
from ..feed.content import NEVER_ERASED, Entry, read_many
from ..ids import FeedId, Ref
from .alone import alone_at, drop_wanted, let_go, look_again
from .changes import ChangeNumbers
from .erase import wipe
from .feeds import FeedState, feed_state, shown_limit
from .links import link_at
from .quota import HOLE_BYTES
from .view import Row, View, unshow

DELETED, PRUNED, MISSING = 1, 2, 3  # holes.why


class Delete(NamedTuple):
    """A delete that is shown."""

    key: int  # of the delete itself
    account: int  # accounts.number of its author
    ref: Ref  # what it names


def is_never_erased(payload: bytes) -> bool:
    """Whether a payload's kind makes a delete void; by its kind alone, as a newer version's schema may be unknown."""
    try:
        value = cbor.decode(payload)
    except EncodingError:
        return False
    return type(value) is list and len(value) == 3 and value[1] in NEVER_ERASED


def covering(
    connection: sqlite3.Connection, feed: FeedId, account: int, first: int, last: int
) -> dict[int, set[bytes]]:
    """The tombstones of a feed's account on its entries `first` to `last`: seq to the ids that they name."""
    found: dict[int, set[bytes]] = {}
    for seq, entry_id in connection.execute(
        "SELECT t.seq, t.id FROM tombstones t JOIN feeds f ON f.number = t.deleter >> 32 "
        "WHERE t.feed = ? AND t.seq BETWEEN ? AND ? AND f.account = ?",
        (feed, max(first, 2), last, account),  # entry 1 is never erased
    ):
        found.setdefault(seq, set()).add(entry_id)
    return found


def add_tombstones(connection: sqlite3.Connection, changes: ChangeNumbers, deletes: Sequence[Delete]) -> None:
    """Note deletes for whatever comes later: a change, of which whoever holds alone what they name is told."""
    if not deletes:
        return
    change = changes.take(connection)
    connection.executemany(
        "INSERT OR IGNORE INTO tombstones (feed, seq, deleter, id, change) VALUES (?, ?, ?, ?, ?)",
        [(delete.ref.feed, delete.ref.seq, delete.key, delete.ref.id, change) for delete in deletes],
    )


def deleter_of(connection: sqlite3.Connection, state: FeedState, ref: Ref) -> int | None:
    """The key of a delete that names an entry of a feed of its own account."""
    row = connection.execute(
        "SELECT t.deleter FROM tombstones t JOIN feeds f ON f.number = t.deleter >> 32"
        " WHERE t.feed = ? AND t.seq = ? AND t.id = ? AND f.account = ? AND t.seq > 1 LIMIT 1",
        (ref.feed, ref.seq, ref.id, state.account_number),
    ).fetchone()
    return None if row is None else int(row[0])


def erase_named(
    connection: sqlite3.Connection, views: Sequence[View], changes: ChangeNumbers, deletes: Iterable[Delete]
) -> None:
    """Erase what is held of the entries that deletes name."""
    for delete in deletes:
        ref = delete.ref
        state = feed_state(connection, ref.feed)
        if state is None or state.account_number != delete.account or ref.seq == 1:
            continue
        drop_wanted(connection, ref)
        run = state.run_of(ref.seq)
        if run is None:
            _erase_alone(connection, views, changes, state, ref)
        elif link_at(connection, state.number << 32, run, ref.seq).id == ref.id:
            _erase(connection, views, changes, state, ref.seq)


def _erase_alone(
    connection: sqlite3.Connection, views: Sequence[View], changes: ChangeNumbers, state: FeedState, ref: Ref
) -> None:
    """Erase what is held alone; nothing stands for it but the tombstone."""
    one = alone_at(connection, state.key(ref.seq))
    if one is None or one.id != ref.id or is_never_erased(one.payload):
        return
    let_go(connection, views, [one])
    changes.take(connection)  # who asks for it again, since this node's changes have moved, hears of the delete


def _erase(
    connection: sqlite3.Connection, views: Sequence[View], changes: ChangeNumbers, state: FeedState, seq: int
) -> None:
    key = state.key(seq)
    seen_ms, payload = connection.execute("SELECT seen_ms, payload FROM entries WHERE key = ?", (key,)).fetchone()
    if payload is None:
        connection.execute("UPDATE holes SET why = ? WHERE key = ? AND why = ?", (DELETED, key, MISSING))
        return
    if is_never_erased(payload):
        return
    connection.execute("UPDATE entries SET payload = NULL WHERE key = ?", (key,))
    connection.execute(
        "INSERT INTO holes (key, length, hash, why) VALUES (?, ?, ?, ?)", (key, *as_hole(payload), DELETED)
    )
    wipe(connection, [key])
    connection.execute(
        "UPDATE feeds SET bytes = bytes + ?, change = ? WHERE number = ?",
        (HOLE_BYTES - len(payload), changes.take(connection), state.number),
    )
    entry = read_many([payload])[0]
    if isinstance(entry, Entry) and seq <= shown_limit(state):
        row = Row(key, state.account_number, state.role, min(entry.time_ms, seen_ms), seen_ms, entry)
        unshow(connection, views, [row])
    connection.execute("DELETE FROM sealed WHERE key = ?", (key,))


def withdraw(connection: sqlite3.Connection, deletes: Sequence[Delete]) -> None:
    """Take back deletes that are hidden now: what they alone erased is missing from here on, and may be asked for."""
    for delete in deletes:
        ref = delete.ref
        connection.execute(
            "DELETE FROM tombstones WHERE feed = ? AND seq = ? AND deleter = ?", (ref.feed, ref.seq, delete.key)
        )
        state = feed_state(connection, ref.feed)
        if state is None or state.account_number != delete.account:
            continue
        look_again(connection, [ref])
        if ref.id not in covering(connection, ref.feed, delete.account, ref.seq, ref.seq).get(ref.seq, ()):
            connection.execute(
                "UPDATE holes SET why = ? WHERE key = ? AND why = ?", (MISSING, state.key(ref.seq), DELETED)
            )


def deletes_in(rows: Iterable[Row]) -> list[Delete]:
    """The deletes among shown entries."""
    return [
        Delete(row.key, row.account, Ref(FeedId(feed), seq, entry_id))
        for row in rows
        if row.entry.kind == "delete"
        for feed, seq, entry_id in (row.entry.content["ref"],)
    ]
