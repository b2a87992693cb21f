"""Whom a node asks its peers for, brought up to date with whom the person follows.

Source: protocol/sync.md, "Interest".
"""

import sqlite3
from collections.abc import Callable, Sequence

from ..ids import AccountId, FeedId
from ..store import blocks, peers
from ..store.blocks import blocked_accounts
from ..store.feeds import Role, accounts_with_roles, set_role
from ..store.quota import kept_in_part
from ..store.view import View
from ..views import PEOPLE
from ..views.people import INTEREST_BUDGET


def refresh_interest(
    connection: sqlite3.Connection,
    views: Sequence[View],
    account: AccountId,
    feed: FeedId,
    draw: Callable[[int], bytes],
) -> bool:
    """Give every account its role again, and log what changed of the interest; in the caller's transaction.

    Guests keep their place unless they are now followed. Blocked accounts have no role, and stay in the interest.
    Returns: whether anything changed.
    """
    _settle_blocks(connection, views, account)
    interest = PEOPLE.interest(connection, account, feed, INTEREST_BUDGET if peers.hops(connection) > 1 else 0)
    blocked = blocked_accounts(connection)
    wanted = {one: role for one, role in interest.items() if one not in blocked}
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
    asked = {*interest, *wanted, *(one for one, was_guest in blocked.items() if was_guest)}
    # A block must not show here either: who was named before it stays so, and who was not is not.
    deletes_of = set(kept_in_part(connection)) - blocked.keys()
    deletes_of |= peers.interest_set(connection, peers.Scope.DELETES) & blocked.keys()
    logged = peers.set_interest(connection, asked, deletes_of, lambda: draw(8))
    return changed or logged is not None


def _settle_blocks(connection: sqlite3.Connection, views: Sequence[View], own: AccountId) -> None:
    """Bring the blocks in force in line with what the person wants, here or on another device."""
    new, lifted = blocks.wishes(connection)
    for account in new:
        if account != own:
            PEOPLE.keep_follows(connection, account, peers.interest_set(connection))
            blocks.begin(connection, views, account)
    for account in lifted:
        blocks.end(connection, account)
    PEOPLE.drop_kept_follows(connection)
