"""Quotas: how much of the disk feeds may take, charged in the transaction that stores them.

A feed is charged 32 bytes for each entry, and its payload or 32 bytes for a hole. What would pass a quota is refused as
a whole range. One's own feeds have none, and use up nobody's: gossip can't take one's own room.
"""

import sqlite3
from collections.abc import Sequence

from ..feed.chain import Item
from ..ids import AccountId
from ..limits import GUEST_FEEDS_MAX, GUEST_MAX_BYTES, QUOTA_FEED_BYTES, QUOTA_TOTAL_BYTES
from .feeds import Role

ROW_BYTES = 32  # charged for each entry beside its payload: a million empty ones fill a disk too
HOLE_BYTES = 32  # charged instead of a payload


def cost_of(items: Sequence[Item]) -> int:
    """What is charged for entries."""
    return ROW_BYTES * len(items) + sum(len(item) if type(item) is bytes else HOLE_BYTES for item in items)


def stored_bytes(connection: sqlite3.Connection) -> int:
    """What is charged for all feeds, one's own too."""
    return int(connection.execute("SELECT value FROM meta WHERE name = 'bytes'").fetchone()[0])


def kept_in_part(connection: sqlite3.Connection) -> list[AccountId]:
    """Accounts of which not all that they write comes in, and something is held or may be.

    These are guests, who lost their role, and by whom a quota is nearly used up.
    """
    rows = connection.execute(
        "SELECT DISTINCT a.account FROM feeds f JOIN accounts a ON a.number = f.account"
        " WHERE a.role = ?1 OR f.last_seq IS NOT NULL AND (a.role = ?2 OR a.role <> ?3 AND (f.bytes > ?4 OR ?5))",
        (
            int(Role.GUEST),
            int(Role.NONE),
            int(Role.OWN),
            _nearly(QUOTA_FEED_BYTES),
            stored_bytes(connection) > _nearly(QUOTA_TOTAL_BYTES),
        ),
    )
    return [AccountId(account) for (account,) in rows]


def _nearly(quota: int) -> int:
    return quota - quota // 16


class Quotas:
    """What is left, while a batch is taken in."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Ask the database once it is needed; `charge` sees all that changes until the batch is written."""
        self._connection = connection
        self._total: int | None = None
        self._guests: int | None = None

    def charge(self, role: Role, held: int, cost: int, begins: bool, erases: bool = False) -> bool:
        """Charge a feed; False, with nothing charged, if a quota would be passed.

        Args:
            held: the bytes that are charged to the feed already.
            begins: whether it is the first that is stored of the feed.
            erases: whether it is a delete of what is here: there is an eighth more room for these.
        """
        if role == Role.OWN:
            return True
        room = 8 + erases
        if held + cost > (GUEST_MAX_BYTES if role == Role.GUEST else QUOTA_FEED_BYTES) * room // 8:
            return False
        if self._total is None:
            self._total = self._bytes_of_others()
        if self._total + cost > QUOTA_TOTAL_BYTES * room // 8:
            return False
        if role == Role.GUEST and begins:
            if self._guests is None:
                self._guests = self._guest_feeds()
            if self._guests >= GUEST_FEEDS_MAX:
                return False
            self._guests += 1
        self._total += cost
        return True

    def _bytes_of_others(self) -> int:
        (own,) = self._connection.execute(
            "SELECT total(f.bytes) FROM accounts a JOIN feeds f ON f.account = a.number WHERE a.role = 4"
        ).fetchone()
        return stored_bytes(self._connection) - int(own)

    def _guest_feeds(self) -> int:
        (stored,) = self._connection.execute(
            "SELECT count(*) FROM accounts a JOIN feeds f ON f.account = a.number "
            "WHERE a.role = 1 AND f.last_seq IS NOT NULL"
        ).fetchone()
        return int(stored)
