"""Forget accounts of which nothing is wanted any more: their feeds, with all that the views made of them."""

import sqlite3
from collections.abc import Sequence

from ..ids import AccountId
from .cut import hide
from .feeds import Role, feeds_of, shown_limit
from .quota import stored_bytes
from .view import View


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
