"""Blocks in force: whose data is not fetched, stored or carried on.

Every way into the log tables asks here. The interest and what a peer is told of one's cursors stay as they are, so that
a block does not show by what is missing. Source: protocol/sync.md, "Interest".
"""

import sqlite3
from collections.abc import Sequence

from ..ids import AccountId, FeedId
from ..limits import FEEDS_PER_ACCOUNT_MAX
from . import private
from .erase import wipe
from .feeds import Role, feeds_of, role_of, set_role
from .forget import forget_step
from .view import View


def is_blocked(connection: sqlite3.Connection, account: AccountId) -> bool:
    """Whether nothing of an account may come in."""
    return connection.execute("SELECT 1 FROM blocks WHERE account = ?", (account,)).fetchone() is not None


def is_blocked_feed(connection: sqlite3.Connection, feed: FeedId) -> bool:
    """Whether a feed is known to be of a blocked account."""
    return connection.execute("SELECT 1 FROM blocked_feeds WHERE feed = ?", (feed,)).fetchone() is not None


def blocked_accounts(connection: sqlite3.Connection) -> dict[AccountId, bool]:
    """All accounts that are blocked, and whether they were guests then."""
    rows = connection.execute("SELECT account, guest FROM blocks")
    return {AccountId(account): bool(guest) for account, guest in rows}


def blocked_feeds(connection: sqlite3.Connection) -> list[FeedId]:
    """The feeds that are known to be of blocked accounts."""
    return [FeedId(feed) for (feed,) in connection.execute("SELECT feed FROM blocked_feeds")]


def note_feed(connection: sqlite3.Connection, account: AccountId, feed: FeedId) -> None:
    """Remember a feed that is proven to be of a blocked account."""
    connection.execute(
        "INSERT OR IGNORE INTO blocked_feeds (feed, account) SELECT ?1, ?2"
        " WHERE (SELECT count(*) FROM blocked_feeds WHERE account = ?2) < ?3",
        (feed, account, FEEDS_PER_ACCOUNT_MAX),
    )


def wishes(connection: sqlite3.Connection) -> tuple[list[AccountId], list[AccountId]]:
    """What the person wants otherwise than it is in force: whom to block, and whom no longer."""
    wanted = {AccountId(item) for item in private.items(connection, "block")}
    now = blocked_accounts(connection).keys()
    return sorted(wanted - now), sorted(now - wanted)


def is_due(connection: sqlite3.Connection) -> bool:
    """Whether the person wants otherwise than it is in force: another of their devices said so."""
    return wishes(connection) != ([], [])


def begin(connection: sqlite3.Connection, views: Sequence[View], account: AccountId) -> None:
    """Put a block in force, in the caller's transaction; what is held is dropped by `drop_step`."""
    role = role_of(connection, account)
    connection.execute("INSERT INTO blocks (account, guest) VALUES (?, ?)", (account, role is Role.GUEST))
    for state in feeds_of(connection, account):
        note_feed(connection, account, state.feed)
        connection.execute(
            "INSERT OR IGNORE INTO kept_alone (id, seen_ms, key) SELECT id, seen_ms, key FROM excerpts"
            " WHERE steps > 0 AND (key >> 32 = ?1 OR charged = ?1)",
            (state.number,),
        )
        # The words may stand in the index for long: they are wiped like those of deleted messages.
        wipe(connection, [state.key(1)])
    if role is not Role.NONE:
        set_role(connection, views, account, Role.NONE)


def end(connection: sqlite3.Connection, account: AccountId) -> None:
    """Lift a block, in the caller's transaction.

    Every peer is asked for all that it has, as after a loss: it told of this account's feeds when they were refused,
    and to ask for that account alone would show the block that was.
    """
    connection.execute("DELETE FROM blocks WHERE account = ?", (account,))
    connection.execute("DELETE FROM blocked_feeds WHERE account = ?", (account,))
    connection.execute("UPDATE peers SET cursor = 0, answered = NULL, asked = 0")
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('unblocked', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
    )


def unblocked_count(connection: sqlite3.Connection) -> int:
    """How often a block was lifted: a node that sees it grow asks its peers for everything."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'unblocked'").fetchone()
    return 0 if row is None else int(row[0])


def drop_step(connection: sqlite3.Connection, views: Sequence[View]) -> bool:
    """Drop a little of what is held of a blocked account, in the caller's transaction; False once nothing is left."""
    row = connection.execute(
        "SELECT account FROM blocks WHERE account IN (SELECT account FROM accounts) LIMIT 1"
    ).fetchone()
    if row is None:
        return False
    forget_step(connection, views, AccountId(row[0]))
    return True
