"""What of the log can be read and shown, looked up by key and by ref, however it is held: in a run, or alone."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ..ids import AccountId, EntryId, FeedId, Ref
from ..limits import SEQ_MAX
from ..store.effects import covering
from ..store.feeds import feed_state
from ..store.links import ids_in_runs
from ..store.view import Row

Place = tuple[int, int]
"""(time_ms, key): where a message stands in a list by time."""
TARGET_BYTES = 16
"""Of an id, where views name what is referred to."""


def marks(count: int) -> str:
    """Question marks for a list of values."""
    return ",".join("?" * count)


def target_of(entry_id: bytes) -> bytes:
    """How the tables of views name what is referred to."""
    return entry_id[:TARGET_BYTES]


def is_listed(row: Row) -> bool:
    """Whether a message stands in lists by time: not what is held alone, nor what is only for the few who are named."""
    return not row.alone and (not row.sealed or "circle" in row.entry.content)


def named_at(connection: sqlite3.Connection, feed: FeedId, seq: int) -> Ref | None:
    """The ref of an entry, as it is held, deleted or asked for here; None if nothing names it."""
    state = feed_state(connection, feed)
    key = 0 if state is None else state.key(seq)
    entry_id = ids_of(connection, [key]).get(key)
    if entry_id is None:
        row = connection.execute(
            "SELECT id FROM tombstones WHERE feed = ?1 AND seq = ?2"
            " UNION ALL SELECT id FROM wanted WHERE feed = ?1 AND seq = ?2 LIMIT 1",
            (feed, seq),
        ).fetchone()
        entry_id = None if row is None else EntryId(row[0])
    return None if entry_id is None else Ref(feed, seq, entry_id)


def select(connection: sqlite3.Connection, keys: Sequence[int]) -> list[tuple[Any, ...]]:
    """What SQLite has to say of some entries.

    Returns: key, first seen, payload, how the one before it begins (the time that it claims), feed, account, its role,
        its name, id, and whether it is held alone. The id is None where it has to be walked to; those held alone come
        last, and nothing is known of what is before them.
    """
    rows: list[tuple[Any, ...]] = connection.execute(
        f"""
        SELECT entry.key, entry.seen_ms, entry.payload, substr(previous.payload, 1, 10), feed, accounts.account, role,
            name, coalesce(replies.id, own_messages.id), 0
        FROM entries AS entry
        JOIN feeds ON feeds.number = entry.key >> 32
        JOIN accounts ON accounts.number = feeds.account
        LEFT JOIN profiles ON profiles.account = feeds.account
        LEFT JOIN entries AS previous ON previous.key = entry.key - 1
        LEFT JOIN replies ON replies.key = entry.key
        LEFT JOIN own_messages ON own_messages.key = entry.key
        WHERE entry.payload IS NOT NULL AND entry.key IN ({marks(len(keys))})
        """,
        keys,
    ).fetchall()
    if len(rows) < len(keys):
        apart = list(set(keys) - {row[0] for row in rows})
        rows += connection.execute(
            f"""
            SELECT entry.key, entry.seen_ms, entry.payload, NULL, feed, accounts.account, role, name, entry.id, 1
            FROM excerpts AS entry
            JOIN feeds ON feeds.number = entry.key >> 32
            JOIN accounts ON accounts.number = feeds.account
            LEFT JOIN profiles ON profiles.account = feeds.account
            WHERE entry.payload IS NOT NULL AND entry.key IN ({marks(len(apart))})
            """,
            apart,
        ).fetchall()
    return rows


def ids_of(connection: sqlite3.Connection, keys: Collection[int]) -> dict[int, EntryId]:
    """The ids of some entries, as far as they are held."""
    found = ids_in_runs(connection, keys) if keys else {}
    alone = [key for key in keys if key not in found]
    if alone:
        rows = connection.execute(f"SELECT key, id FROM excerpts WHERE key IN ({marks(len(alone))})", alone)
        found.update((key, EntryId(entry_id)) for key, entry_id in rows)
    return found


def keys_of(connection: sqlite3.Connection, refs: Iterable[Ref]) -> dict[Ref, int]:
    """The keys of those refs whose place may be shown; whether it is held, and with that id, is for who loads it."""
    refs = set(refs)
    feeds = list({ref.feed for ref in refs})
    limits = {}
    for feed, number, fork_seq, revoke_seq in connection.execute(
        f"SELECT feed, number, fork_seq, revoke_seq FROM feeds WHERE feed IN ({marks(len(feeds))})", feeds
    ):
        # As store.feeds.shown_limit.
        limit = revoke_seq if revoke_seq is not None else SEQ_MAX if fork_seq is None else fork_seq - 1
        limits[feed] = (number << 32, limit)
    return {ref: limits[ref.feed][0] + ref.seq for ref in refs if ref.feed in limits and ref.seq <= limits[ref.feed][1]}


def is_deleted(connection: sqlite3.Connection, ref: Ref) -> bool:
    """Whether an entry was deleted by its author, as far as this node knows."""
    state = feed_state(connection, ref.feed)
    if state is None:
        return False
    named = covering(connection, ref.feed, state.account_number, ref.seq, ref.seq)
    return ref.id in named.get(ref.seq, ())


def account_of(connection: sqlite3.Connection, feed: FeedId) -> AccountId | None:
    """Whose feed it is, where that is proven here."""
    row = connection.execute(
        "SELECT accounts.account FROM feeds JOIN accounts ON accounts.number = feeds.account WHERE feed = ?", (feed,)
    ).fetchone()
    return None if row is None else AccountId(row[0])


def account_of_key(connection: sqlite3.Connection, key: int) -> AccountId:
    """Whose entry it is."""
    row = connection.execute(
        "SELECT accounts.account FROM feeds JOIN accounts ON accounts.number = feeds.account WHERE feeds.number = ?",
        (key >> 32,),
    ).fetchone()
    return AccountId(row[0])
