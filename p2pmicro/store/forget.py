"""Forget accounts of which nothing is wanted any more: their feeds, with all that the views made of them."""

import sqlite3
from collections.abc import Sequence

from ..feed.chain import Run, page_end
from ..ids import AccountId
from ..limits import SEQ_MAX
from .alone import alone_between
from .cut import drop, drop_alone, head_at, hide, set_runs
from .feeds import FeedState, Role, feeds_of, shown_limit
from .quota import stored_bytes
from .view import View

_STEP_ENTRIES = 4096  # taken out in one transaction: about 0.1 s, in which nothing else is written


def make_room(connection: sqlite3.Connection, views: Sequence[View], full_bytes: int) -> bool:
    """Forget one account that has no role any more, once the store is nearly full; in the caller's transaction.

    Until then what was unfollowed stays readable, and need not be fetched again when it is followed again. The smallest
    first: it takes the least time.

    Args:
        full_bytes: what is charged to quotas, where the store counts as nearly full.
    Returns: whether one was forgotten.
    """
    if stored_bytes(connection) < full_bytes:
        return False
    row = connection.execute(
        "SELECT a.account FROM feeds f JOIN accounts a ON a.number = f.account"
        " WHERE a.role = 0 AND f.last_seq IS NOT NULL GROUP BY a.number ORDER BY sum(f.bytes), a.number LIMIT 1"
    ).fetchone()
    if row is None:
        return False
    forget_account(connection, views, AccountId(row[0]))
    return True


def forget_step(connection: sqlite3.Connection, views: Sequence[View], account: AccountId) -> None:
    """Take about _STEP_ENTRIES of an account without a role out of the store, oldest first, or all if it has fewer."""
    states = feeds_of(connection, account)
    held = [(run.end.seq - run.before.seq, state, run) for state in states for run in state.runs]
    if sum(count for count, _, _ in held) <= _STEP_ENTRIES:
        forget_account(connection, views, account, alone=True)
        return
    _, state, run = max(held, key=lambda item: item[0])
    last = page_end(run.before.seq + _STEP_ENTRIES)
    hide(connection, views, state, run.before.seq + 1, min(last, run.end.seq, shown_limit(state)))
    link = None if last >= run.end.seq else head_at(connection, state, last)
    drop(connection, state, run.before.seq + 1, min(last, run.end.seq))
    kept = (
        [one for one in state.runs if one is not run]
        if link is None
        else [Run(link, run.end) if one is run else one for one in state.runs]
    )
    set_runs(connection, state, kept)


def forget_account(
    connection: sqlite3.Connection, views: Sequence[View], account: AccountId, *, alone: bool = False
) -> None:
    """Take an account without a role out of the store, in the caller's transaction, as if it had never been met.

    Args:
        alone: also what is held alone of it, since others refer to it; otherwise that stays, with its feeds.
    """
    for state in feeds_of(connection, account):
        assert state.role is Role.NONE
        for run in state.runs:
            hide(connection, views, state, run.before.seq + 1, min(run.end.seq, shown_limit(state)))
        keys = (state.key(0), state.key(0xFFFFFFFF))
        for table in ("entries", "holes", "heads", "waypoints", "sealed", "secrets"):
            connection.execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", keys)
        connection.execute("DELETE FROM offers WHERE feed = ?", (state.feed,))
        if alone:
            drop_alone(connection, views, state, 1, SEQ_MAX)
        _charge_nobody(connection, state)
        set_runs(connection, state, [])
        connection.execute("UPDATE feeds SET bytes = 0 WHERE number = ?", (state.number,))  # a trigger keeps their sum
        if not alone_between(connection, *keys):
            connection.execute("DELETE FROM feeds WHERE number = ?", (state.number,))
    if not feeds_of(connection, account):
        connection.execute("DELETE FROM revokes WHERE account = ?", (account,))
        connection.execute("DELETE FROM accounts WHERE account = ?", (account,))


def _charge_nobody(connection: sqlite3.Connection, state: FeedState) -> None:
    """What a feed that goes referred to is wanted for others that refer to it, or of no use."""
    connection.execute(
        "INSERT OR IGNORE INTO unsettled (feed, seq, id) SELECT feed, seq, id FROM wanted WHERE charged = ?1"
        " UNION SELECT feed, key & 0xFFFFFFFF, id FROM excerpts JOIN feeds ON number = key >> 32"
        " WHERE charged = ?1 AND steps > 0",
        (state.number,),
    )
    connection.execute("DELETE FROM wanted WHERE charged = ?", (state.number,))
    connection.execute("UPDATE excerpts SET charged = 0 WHERE charged = ?", (state.number,))
