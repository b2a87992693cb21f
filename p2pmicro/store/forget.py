"""Forget accounts of which nothing is wanted any more: their feeds, with all that the views made of them."""

import sqlite3
from collections.abc import Sequence

from ..feed.chain import Run, page_end
from ..ids import AccountId
from .cut import drop, head_at, hide, set_runs
from .feeds import Role, feeds_of, shown_limit
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
        "SELECT a.account FROM feeds f JOIN accounts a ON a.number = f.account WHERE a.role = 0"
        " GROUP BY a.number ORDER BY sum(f.bytes), a.number LIMIT 1"
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
        forget_account(connection, views, account)
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


def forget_account(connection: sqlite3.Connection, views: Sequence[View], account: AccountId) -> None:
    """Take an account without a role out of the store, in the caller's transaction, as if it had never been met."""
    for state in feeds_of(connection, account):
        assert state.role is Role.NONE
        for run in state.runs:
            hide(connection, views, state, run.before.seq + 1, min(run.end.seq, shown_limit(state)))
        keys = (state.key(0), state.key(0xFFFFFFFF))
        for table in ("entries", "holes", "heads"):
            connection.execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", keys)
        connection.execute("DELETE FROM offers WHERE feed = ?", (state.feed,))
        connection.execute("UPDATE feeds SET bytes = 0 WHERE number = ?", (state.number,))  # a trigger keeps their sum
        connection.execute("DELETE FROM feeds WHERE number = ?", (state.number,))
    connection.execute("DELETE FROM revokes WHERE account = ?", (account,))
    connection.execute("DELETE FROM accounts WHERE account = ?", (account,))
