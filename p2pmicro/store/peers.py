"""Other nodes: where each stands in our changes and we in theirs, addresses, our interest's log, and what is to do."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from enum import IntEnum
from typing import NamedTuple

from ..ids import AccountId, FeedId
from ..limits import ANNOUNCED_MAX
from .feeds import Role

PEERS_MAX = 1024
"""Peers remembered; one that is forgotten costs a full resume. More would let made-up nodes fill the disk."""
_LOG_SLACK = 4096  # rows of the interest log beyond what is wanted, before it begins anew


@dataclass(frozen=True, slots=True)
class Peer:
    """What is remembered of a node between sessions; the columns of `peers` in their order."""

    feed: FeedId  # its own feed id
    account: AccountId | None  # None while it has proven none
    epoch: bytes  # 8 bytes: its, at the last meeting
    cursor: int  # its changes up to here are stored or noted here
    answered: bytes | None  # 8 bytes: the last version of our interest that it fully answered
    salt: bytes  # 16 bytes, drawn by us: our interest as this peer sees it
    proven: bool  # whether it has had our device proof in this epoch
    their_salt: bytes | None  # 16 bytes
    their_version: bytes | None  # 8 bytes: the version of its interest that we hold
    their_interest: bytes | None  # its elements, 16 bytes each, sorted
    meetings: int  # since the last full resume
    met_ms: int  # Unix milliseconds
    asked: int = 0  # what is wanted up to this number it was asked for, in vain
    asked_change: int = 0  # when it was at this change


class Scope(IntEnum):
    """What an interest names something for: a byte of its element. Source: protocol/sync.md, "Interest"."""

    FEEDS = 0  # an account: all that it writes
    ENTRY = 1  # the id of an entry that is held alone: a delete of it
    DELETES = 2  # an account: its deletes, since what is here of it is not kept up with all that it writes


class Name(NamedTuple):
    """What an interest names."""

    scope: Scope
    name: bytes  # 32 bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer has of a feed and this node lacks: to be asked for."""

    feed: FeedId
    account: AccountId
    first_seq: int  # the oldest payload that the peer holds
    last_seq: int  # and the newest


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node was met, or where a person said that one is."""

    address: str  # HOST:PORT
    feed: FeedId | None  # who answered there last; None if nobody has
    asked: bool  # a person named it: never forgotten by itself
    met_ms: int  # Unix milliseconds; 0 if never


_ALONE = """SELECT id, seen_ms, key FROM excerpts WHERE steps > 0
    UNION SELECT id, seen_ms, key FROM kept_alone WHERE id NOT IN (SELECT id FROM excerpts WHERE steps > 0)"""
_PEER_COLUMNS = ", ".join(field.name for field in fields(Peer))
_PEER_MARKS = ", ".join("?" * len(fields(Peer)))


def load_peer(connection: sqlite3.Connection, feed: FeedId) -> Peer | None:
    """What is remembered of a peer; None if nothing is."""
    row = connection.execute(f"SELECT {_PEER_COLUMNS} FROM peers WHERE feed = ?", (feed,)).fetchone()
    return None if row is None else replace(Peer(*row), proven=bool(row[6]))


def save_peer(connection: sqlite3.Connection, peer: Peer) -> None:
    """Remember a peer; beyond PEERS_MAX, strangers that were met longest ago are forgotten, with their offers."""
    connection.execute(f"REPLACE INTO peers ({_PEER_COLUMNS}) VALUES ({_PEER_MARKS})", astuple(peer))
    (count,) = connection.execute("SELECT count(*) FROM peers").fetchone()
    if count > PEERS_MAX:
        forgotten = connection.execute(
            "SELECT peers.feed FROM peers LEFT JOIN accounts ON accounts.account = peers.account"
            " WHERE peers.feed <> ? ORDER BY coalesce(role, 0) >= ?, met_ms, peers.feed LIMIT ?",
            (peer.feed, int(Role.FOLLOWED), count - PEERS_MAX),
        ).fetchall()
        connection.executemany("DELETE FROM peers WHERE feed = ?", forgotten)
        connection.executemany("DELETE FROM offers WHERE peer = ?", forgotten)


# --- One's own interest ---


def set_interest(
    connection: sqlite3.Connection,
    accounts: Iterable[AccountId],
    deletes_of: Iterable[AccountId],
    draw: Callable[[], bytes],
) -> bytes | None:
    """Write down what changed in the set of wanted accounts.

    Args:
        accounts: all that are wanted now.
        deletes_of: those whose deletes are to be told by themselves.
        draw: gives 8 random bytes; a version each.
    Returns: the newest version, or None where nothing changed.
    """
    wanted = {Name(Scope.FEEDS, account) for account in accounts}
    wanted |= {Name(Scope.DELETES, account) for account in deletes_of}
    before = {Name(scope, name) for scope in (Scope.FEEDS, Scope.DELETES) for name in interest_set(connection, scope)}
    (rows,) = connection.execute("SELECT count(*) FROM interest").fetchone()
    (alone,) = connection.execute("SELECT count(*) FROM excerpts").fetchone()
    changes = [(name, 1) for name in sorted(wanted - before)] + [(name, 0) for name in sorted(before - wanted)]
    if rows + len(changes) > 2 * (len(wanted) + alone) + _LOG_SLACK:
        # The log is mostly of changes that were taken back: it begins anew, and who holds an old version gets it whole.
        connection.execute("DELETE FROM interest")
        changes = [(name, 1) for name in sorted(wanted)]
        connection.execute(
            "INSERT INTO interest (version, scope, name, wanted)"
            f" SELECT randomblob(8), {Scope.ENTRY:d}, id, 1 FROM ({_ALONE})"
        )
    if not changes:
        return None
    connection.executemany(
        "INSERT INTO interest (version, scope, name, wanted) VALUES (?, ?, ?, ?)",
        [(draw(), int(scope), name, on) for (scope, name), on in changes],
    )
    return interest_version(connection)


def hops(connection: sqlite3.Connection) -> int:
    """How far the interest goes along follows: 1, those whom the person follows, or 2, also those whom these follow."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'hops'").fetchone()
    return 2 if row is None else int(row[0])


def set_hops(connection: sqlite3.Connection, count: int) -> None:
    """Set how far the interest goes, for all programs on this home; what is wanted by it is computed later."""
    connection.execute("REPLACE INTO meta (name, value) VALUES ('hops', ?)", (count,))


def interest_version(connection: sqlite3.Connection) -> bytes:
    """The newest version of one's own interest; 8 zero bytes, which nobody draws, while there is none."""
    row = connection.execute("SELECT version FROM interest ORDER BY n DESC LIMIT 1").fetchone()
    return bytes(8) if row is None else bytes(row[0])


def interest_set(connection: sqlite3.Connection, scope: Scope = Scope.FEEDS) -> set[AccountId]:
    """The accounts that are wanted now, for all that they write or for their deletes."""
    rows = connection.execute(  # wanted: of the last row
        "SELECT name, wanted, max(n) FROM interest WHERE scope = ? GROUP BY name", (int(scope),)
    )
    return {AccountId(account) for account, wanted, _ in rows if wanted}


def alone_set(connection: sqlite3.Connection, limit: int) -> list[bytes]:
    """The ids of entries that are held alone, or were until a block, of which deletes are wanted; the last first."""
    rows = connection.execute(f"SELECT id FROM ({_ALONE}) ORDER BY seen_ms DESC, key DESC LIMIT ?", (limit,))
    return [entry_id for (entry_id,) in rows]


def interest_delta(connection: sqlite3.Connection, version: bytes | None) -> tuple[list[Name], list[Name]] | None:
    """What was added and what taken away since a version; None for one that is unknown: send it in full."""
    known = connection.execute("SELECT n FROM interest WHERE version = ?", (version,)).fetchone()
    if known is None:
        return None
    first: dict[Name, int] = {}
    last: dict[Name, int] = {}
    for scope, named, wanted in connection.execute(
        "SELECT scope, name, wanted FROM interest WHERE n > ? ORDER BY n", known
    ):
        name = Name(Scope(scope), named)
        first.setdefault(name, wanted)
        last[name] = wanted
    # Each row is a change. What was added and taken away again is no change; what was taken away and added again is
    # added, since news of it that came between was not taken in.
    added = [name for name in last if last[name]]
    return added, [name for name in last if not last[name] and not first[name]]


# --- What peers have and we lack ---


def note_offers(connection: sqlite3.Connection, peer: FeedId, items: Sequence[Offer]) -> None:
    """Note what a peer has; a newer offer of a feed replaces its older one."""
    connection.executemany(
        "REPLACE INTO offers (feed, peer, account, first_seq, last_seq) VALUES (?, ?, ?, ?, ?)",
        [(item.feed, peer, item.account, item.first_seq, item.last_seq) for item in items],
    )


def drop_offer(connection: sqlite3.Connection, feed: FeedId, peer: FeedId, only: tuple[int, int] | None = None) -> None:
    """Forget what a peer has of a feed: it is here, or the peer no longer has it.

    Args:
        only: the first and last seq of the offer; one that came later stays.
    """
    connection.execute(
        "DELETE FROM offers WHERE feed = ?1 AND peer = ?2 AND (?3 IS NULL OR (first_seq, last_seq) = (?3, ?4))",
        (feed, peer, *(only or (None, None))),
    )


def offers_of(connection: sqlite3.Connection, peer: FeedId) -> list[Offer]:
    """What a peer has and this node lacks, in the order of the feeds' ids."""
    rows = connection.execute(
        "SELECT feed, account, first_seq, last_seq FROM offers WHERE peer = ? ORDER BY feed", (peer,)
    )
    return [Offer(*row) for row in rows]


def drop_offers_of(connection: sqlite3.Connection, peer: FeedId) -> None:
    """Forget all that a peer has: its epoch is another, so it tells everything again."""
    connection.execute("DELETE FROM offers WHERE peer = ?", (peer,))


# --- Addresses ---


def note_address(connection: sqlite3.Connection, address: str, feed: FeedId | None, asked: bool, met_ms: int) -> None:
    """Remember where a node is; what is known already (who, when, that a person named it) is not lost.

    Of those that no person named, the ANNOUNCED_MAX that were met last stay.
    """
    connection.execute(
        "INSERT INTO addresses (address, feed, asked, met_ms) VALUES (?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET"
        " feed = coalesce(excluded.feed, feed), asked = max(excluded.asked, asked),"
        " met_ms = max(excluded.met_ms, met_ms)",
        (address, feed, int(asked), met_ms),
    )
    connection.execute(
        "DELETE FROM addresses WHERE NOT asked AND address <> ? AND address NOT IN"
        " (SELECT address FROM addresses WHERE NOT asked ORDER BY met_ms DESC, address LIMIT ?)",
        (address, ANNOUNCED_MAX),
    )


def addresses(connection: sqlite3.Connection) -> list[Address]:
    """All known addresses: those that a person named first, then those met last."""
    rows = connection.execute(
        "SELECT address, feed, asked, met_ms FROM addresses ORDER BY asked DESC, met_ms DESC, address"
    )
    return [Address(address, feed, bool(asked), met_ms) for address, feed, asked, met_ms in rows]


def forget_address(connection: sqlite3.Connection, address: str) -> None:
    """Forget an address."""
    connection.execute("DELETE FROM addresses WHERE address = ?", (address,))
