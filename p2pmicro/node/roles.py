"""Whom a node asks its peers for, brought up to date with whom the person follows.

Source: protocol/sync.md, "Interest".
"""

import sqlite3
from collections.abc import Callable, Sequence

from ..ids import AccountId, FeedId
from ..store import peers
from ..store.feeds import Role, accounts_with_roles, set_role
from ..store.view import View
from ..views import PEOPLE


def refresh_interest(
    connection: sqlite3.Connection,
    views: Sequence[View],
    account: AccountId,
    feed: FeedId,
    draw: Callable[[int], bytes],
) -> bool:
    """Give every account its role again, and log what changed of the interest; in the caller's transaction.

    Guests keep their place unless they are now followed.
    Returns: whether anything changed.
    """
    wanted = PEOPLE.interest(connection, account, feed)
    before = accounts_with_roles(connection)
    for known, role in before.items():
        if role is Role.GUEST:
            wanted.setdefault(known, Role.GUEST)
    changed = False
    for known in sorted(before.keys() | wanted.keys()):
        role = wanted.get(known, Role.NONE)
        if before.get(known, Role.NONE) is not role:
            set_role(connection, views, known, role)
            changed = True
    logged = peers.set_interest(connection, wanted, lambda: draw(8))
    return changed or logged is not None
