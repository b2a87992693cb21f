"""Accounts with their roles, and feeds with what is held of them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from .. import cbor
from ..feed.chain import Link, Run
from ..feed.device import Device, DeviceProof, Revoke
from ..feed.fork import ForkProof
from ..feed.wire import parse_fork_proof
from ..ids import AccountId, EntryId, FeedId
from ..limits import FEEDS_PER_ACCOUNT_MAX, SEQ_MAX

if TYPE_CHECKING:
    from .changes import ChangeNumbers
    from .view import View


class Role(IntEnum):
    """What an account is to this node; a higher one is kept rather than a lower one."""

    NONE = 0  # known by name only: nothing of it is stored
    GUEST = 1  # met on the LAN: a small quota
    HOP = 2  # followed by somebody who is followed
    FOLLOWED = 3
    OWN = 4  # the person's own: no quota


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed and what is held of it."""

    number: int  # feeds.number: the upper half of its keys
    feed: FeedId
    account: AccountId
    account_number: int  # accounts.number
    role: Role
    change: int  # the number of its last change
    bytes: int  # charged to quotas
    newest: Run | None  # None while only the device proof is held
    older: Run | None  # one more, while the gap is being filled
    device: DeviceProof
    fork: ForkProof | None
    fork_seq: int | None  # d: where the branches part
    revoke: Revoke | None

    def key(self, seq: int) -> int:
        """The key of an entry."""
        return (self.number << 32) + seq

    @property
    def runs(self) -> tuple[Run, ...]:
        """What is held, newest first."""
        return tuple(run for run in (self.newest, self.older) if run is not None)

    def run_of(self, seq: int) -> Run | None:
        """The run that holds an entry."""
        for run in self.runs:
            if run.before.seq < seq <= run.end.seq:
                return run
        return None


def shown_limit(state: FeedState) -> int:
    """The last seq that may be shown: what follows a revoke, or a fork that no revoke has settled, is hidden."""
    if state.revoke is not None:
        return state.revoke.seq
    return SEQ_MAX if state.fork_seq is None else state.fork_seq - 1


def shown_end(state: FeedState) -> int:
    """The last seq that is held and shown; 0 if there is none."""
    return 0 if state.newest is None else min(shown_limit(state), state.newest.end.seq)


_SELECT = """\
SELECT f.number, f.feed, a.account, f.account, a.role, f.change, f.bytes,
    f.before_seq, f.before_id, f.last_seq, f.last_id,
    f.older_before_seq, f.older_before_id, f.older_last_seq, f.older_last_id,
    f.device, f.device_head, f.fork, f.fork_seq, f.revoke_seq, f.revoke_id, f.revoke_signature
FROM feeds f JOIN accounts a ON a.number = f.account """


def feed_state(connection: sqlite3.Connection, feed: FeedId) -> FeedState | None:
    """Look a feed up; None if nothing of it is known."""
    row = connection.execute(_SELECT + "WHERE f.feed = ?", (feed,)).fetchone()
    return None if row is None else as_state(row)


def feed_by_number(connection: sqlite3.Connection, number: int) -> FeedState:
    """Look up the feed of a key's upper half, which exists."""
    return as_state(connection.execute(_SELECT + "WHERE f.number = ?", (number,)).fetchone())


def feed_states(connection: sqlite3.Connection) -> list[FeedState]:
    """All feeds, in the order in which they came."""
    return [as_state(row) for row in connection.execute(_SELECT + "ORDER BY f.number")]


def feeds_of(connection: sqlite3.Connection, account: AccountId) -> list[FeedState]:
    """All feeds of an account."""
    return [as_state(row) for row in connection.execute(_SELECT + "WHERE a.account = ? ORDER BY f.number", (account,))]


def has_room(connection: sqlite3.Connection, account: AccountId) -> bool:
    """Whether one more feed of an account is taken."""
    return len(feeds_of(connection, account)) < FEEDS_PER_ACCOUNT_MAX


def select_changed(connection: sqlite3.Connection, after: int) -> sqlite3.Cursor:
    """Select the feeds that changed after a number, in that order; for `as_state`."""
    return connection.execute(_SELECT + "WHERE f.change > ? ORDER BY f.change", (after,))


def as_state(row: Sequence[Any]) -> FeedState:
    """Make a feed's state of what was selected."""
    (number, feed, account, account_number, role, change, size, *runs, device, head, fork, fork_seq) = row[:19]
    revoke_seq, revoke_id, signature = row[19:]
    return FeedState(
        number,
        FeedId(feed),
        AccountId(account),
        account_number,
        Role(role),
        change,
        size,
        as_run(*runs[:4]),
        as_run(*runs[4:]),
        DeviceProof(device, head),
        None if fork is None else parse_fork_proof(cbor.decode(fork)),
        fork_seq,
        None if revoke_seq is None else Revoke(FeedId(feed), revoke_seq, EntryId(revoke_id), signature),
    )


def as_run(before_seq: int | None, before_id: Any, last_seq: int | None, last_id: Any) -> Run | None:
    """Make a run of its four columns; None where there is none."""
    if before_seq is None or last_seq is None:
        return None
    return Run(Link(before_seq, before_id), Link(last_seq, last_id))


def run_columns(run: Run | None) -> tuple[int | None, bytes | None, int | None, bytes | None]:
    """A run as its four columns."""
    return (None,) * 4 if run is None else (run.before.seq, run.before.id, run.end.seq, run.end.id)


def account_number(connection: sqlite3.Connection, account: AccountId) -> int:
    """The number of an account, which is made known where it was not."""
    row = connection.execute("SELECT number FROM accounts WHERE account = ?", (account,)).fetchone()
    if row is None:
        row = connection.execute("INSERT INTO accounts (account) VALUES (?) RETURNING number", (account,)).fetchone()
    return int(row[0])


def set_role(connection: sqlite3.Connection, views: Sequence["View"], account: AccountId, role: Role) -> None:
    """Set what an account is to this node, and tell the views."""
    number = account_number(connection, account)
    old = connection.execute("SELECT role FROM accounts WHERE number = ?", (number,)).fetchone()[0]
    if old != role:
        connection.execute("UPDATE accounts SET role = ? WHERE number = ?", (int(role), number))
        for view in views:
            view.role_changed(connection, number, old, int(role))


def role_of(connection: sqlite3.Connection, account: AccountId) -> Role:
    """What an account is to this node; it may be unknown."""
    row = connection.execute("SELECT role FROM accounts WHERE account = ?", (account,)).fetchone()
    return Role.NONE if row is None else Role(row[0])


def accounts_with_roles(connection: sqlite3.Connection, only: Role | None = None) -> dict[AccountId, Role]:
    """All accounts that are more than known by name, or those of one role."""
    if only is None:
        rows = connection.execute("SELECT account, role FROM accounts WHERE role > 0")
    else:
        rows = connection.execute(
            f"SELECT account, role FROM accounts WHERE role = {int(only)}"
        )  # so that its index is used
    return {AccountId(account): Role(role) for account, role in rows}


def add_feed(connection: sqlite3.Connection, changes: "ChangeNumbers", device: Device) -> FeedState:
    """Make a feed known, by its checked device proof; one that is known stays as it is."""
    known = feed_state(connection, device.feed)
    if known is not None:
        return known
    connection.execute(
        "INSERT INTO feeds (feed, account, device, device_head, change) VALUES (?, ?, ?, ?, ?)",
        (
            device.feed,
            account_number(connection, device.account),
            device.proof.payload,
            device.proof.head,
            changes.take(connection),
        ),
    )
    # A revoke that came before the feed that it names has waited for it; one that another account signed is void.
    connection.execute(
        "UPDATE feeds SET (revoke_seq, revoke_id, revoke_signature) = "
        "(SELECT seq, id, signature FROM revokes WHERE feed = ?1 AND account = ?2) WHERE feed = ?1",
        (device.feed, device.account),
    )
    connection.execute("DELETE FROM revokes WHERE feed = ?", (device.feed,))
    state = feed_state(connection, device.feed)
    assert state is not None
    return state
