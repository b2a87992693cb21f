"""What a node remembers of one session: who it is, what it wants, what it has been told."""

import sqlite3
from collections import OrderedDict, deque
from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from ..feed.device import Device, Revoke
from ..ids import AccountId, EntryId, FeedId
from ..limits import DELETES_TOLD_MAX, TOLD_FEEDS_MAX
from ..store.excerpts import DeletePlace
from ..store.feeds import FeedState, Role
from ..store.peers import Peer, Scope
from ..sync.message import ELEMENT_BYTES
from ..sync.session import Session


@dataclass(frozen=True, slots=True)
class Job:
    """A question to the store: `run` on the thread of a read connection, then `then` on the owner's."""

    run: Callable[[sqlite3.Connection], Any]
    then: Callable[[Any], None]


@dataclass(slots=True)
class Answer:
    """An answer under way: the feeds that a peer is to hear of, by change number."""

    scanned: int  # changes up to here have been looked at
    since: int  # feeds changed after this one are due
    added: Set[bytes] | None  # and all feeds of these elements; None: of all
    version: bytes | None  # the version of the peer's interest that is answered in full with it
    deletes: DeletePlace | None = None  # after the feeds: the place of the last that was looked at


@dataclass(frozen=True, slots=True)
class Told:
    """What a peer is known to know of a feed."""

    first: int
    last: int
    fork_seq: int | None
    revoke: tuple[int, EntryId] | None  # seq and id: of two at one seq the smaller id wins

    def covers(self, state: FeedState) -> bool:
        """Whether there is nothing to tell."""
        run = state.newest
        if run is not None and (run.before.seq + 1 < self.first or run.end.seq > self.last):
            return False
        return state.fork_seq == self.fork_seq and place_of(state.revoke) == self.revoke

    def grown(self, first: int, last: int) -> "Told":
        """The same with more entries: of two runs only the newer counts, or it never hears when the gap is filled."""
        if last < self.first - 1:
            return self
        joined = first <= self.last + 1
        return replace(self, first=min(self.first, first) if joined else first, last=max(self.last, last))


def place_of(revoke: Revoke | None) -> tuple[int, EntryId] | None:
    """The entry that a revoke names as the last one."""
    return None if revoke is None else (revoke.seq, revoke.id)


@dataclass(slots=True)
class Talk:
    """One session and what this node remembers while it lasts."""

    session: Session
    address: str
    since_ms: int
    notify: Callable[[], None]  # wakes whoever moves the session's bytes and runs its jobs
    feed: FeedId | None = None  # None until its hello has been checked
    account: AccountId | None = None
    device: Device | None = None  # what its hello has proven
    role: Role = Role.NONE
    is_blocked: bool = False
    lifted: int = 0  # how often a block had been lifted when the two met
    peer: Peer | None = None  # as it stood when the two met
    jobs: deque[Job] = field(default_factory=deque)
    # Its interest.
    salt: bytes = b""
    interest: set[bytes] = field(default_factory=set)
    interest_version: bytes | None = None
    interest_unsaved: bool = False
    # Ours, as it holds it.
    sent_version: bytes | None = None
    interest_due: bool = False  # it has asked for it; later changes follow
    # What it has been told.
    answers: deque[Answer] = field(default_factory=deque)
    answering: bool = False
    upto: int = 0  # every change up to here has been told
    is_answered: bool = False  # whether its first interest has been: before that, `upto` is only a hope
    told: OrderedDict[FeedId, Told] = field(default_factory=OrderedDict)
    stale: bool = False  # something has changed since
    lost: bool = False  # it told of what could not be taken in: it is asked for everything at the next meeting
    capabilities: frozenset[str] = frozenset()  # what its hello named
    deletes_known: set[bytes] = field(default_factory=set)  # ids of entries of whose deletes it has heard
    strikes: int = 0  # how often it sent what is refused
    broken: bool = False  # something that it brought was not stored: nothing more of it is
    served: bool = False  # whether a want was the last thing that was looked up
    given_bytes: int = 0  # of ranges that it has asked for, and what its questions cost
    given_media_bytes: int = 0  # of pictures
    queued_bytes: int = 0  # of what it sent unasked and is not yet stored

    @property
    def is_open(self) -> bool:
        """Whether the peer is known and both said what they want: before that it takes nothing else."""
        return self.interest_version is not None and self.sent_version is not None

    def close(self, code: str, text: str, now: float) -> None:
        """End the session, with a sentence that goes out before the connection does."""
        self.session.close(code, text, now)
        self.notify()

    def wants(self, account: AccountId) -> bool:
        """Whether the peer's interest has an account."""
        return element(self.salt, account) in self.interest

    def knows_deleted(self, entry_id: EntryId) -> None:
        """Remember that the peer knows of a delete; when they are many, all are forgotten, which costs a repetition."""
        if len(self.deletes_known) >= DELETES_TOLD_MAX:
            self.deletes_known.clear()
        self.deletes_known.add(entry_id)

    def tell(self, feed: FeedId, told: Told) -> None:
        """Remember what the peer knows of a feed; the oldest of many are forgotten, which costs a repetition."""
        self.told[feed] = told
        self.told.move_to_end(feed)
        if len(self.told) > TOLD_FEEDS_MAX:
            self.told.popitem(last=False)


def element(salt: bytes, name: bytes, scope: Scope = Scope.FEEDS) -> bytes:
    """An account, or the id of an entry held alone, in an interest: only who has it can tell.

    Source: protocol/sync.md, "Interest".
    """
    return sha256(salt + scope.to_bytes() + name).digest()[:ELEMENT_BYTES]
