"""Hello, both ways: who a peer is, and what was known of it. Source: protocol/sync.md, "Hello" and "Resume"."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

from ..errors import EntryError, RemoteError, StateError
from ..feed.device import Device, DeviceProof, check_device_proof
from ..limits import INTEREST_MAX_KNOWN
from ..store import peers
from ..store.blocks import is_blocked, is_blocked_feed, unblocked_count
from ..store.changes import last_change
from ..store.feeds import Role, accounts_with_roles
from ..store.peers import Peer
from ..sync.message import EXCERPTS, SALT_BYTES, Hello, make_hello
from ..sync.state import State
from .switchboard import Switchboard
from .talk import Job, Talk

CAPABILITIES = frozenset((EXCERPTS,))
"""Reconciling by ranges of fingerprints and lazy links will each be one more."""
_FULL_RESUME_EVERY = 100  # meetings


@dataclass(frozen=True, slots=True)
class _Greeting:
    peer: Peer
    role: Role
    change: int
    blocked: bool
    lifted: int


class Greeting:
    """Says hello for this node, and looks up who says it."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board

    def say_hello(self, talk: Talk, device: DeviceProof | None) -> None:
        """Prove who this node is; with its device proof, unless the peer has had it."""
        session, own = talk.session, self._board.own
        hello = make_hello(own.key, session.initiator, session.certificates, own.epoch, CAPABILITIES, device)
        self._board.send(talk, hello)

    def greet(self, talk: Talk, hello: Hello, then: Callable[[], None]) -> None:
        """Look up who a checked hello is from; `then` decides whether to `admit`.

        Raises:
            RemoteError: it is this node itself, or its device proof is wrong.
        """
        if hello.feed == self._board.own.feed:
            raise StateError("This node has dialled itself.")
        talk.feed, talk.capabilities = hello.feed, hello.capabilities
        device: Device | None = None
        if hello.device is not None:
            try:
                device = check_device_proof(hello.device, hello.feed)
            except EntryError as error:
                raise RemoteError(f"A hello's device proof is wrong: {error}") from None

        def run(connection: sqlite3.Connection) -> _Greeting:
            return self._look_up(connection, hello, device)

        def found(greeting: _Greeting) -> None:
            if talk.session.state is State.CLOSED:
                return
            talk.peer, talk.role = greeting.peer, greeting.role
            talk.account = greeting.peer.account
            talk.upto = greeting.change
            talk.is_blocked, talk.lifted = greeting.blocked, greeting.lifted
            if greeting.role >= Role.HOP:
                talk.session.interest_kept_max = INTEREST_MAX_KNOWN
            talk.device = device
            then()

        self._board.do(talk, Job(run, found))

    def _look_up(self, connection: sqlite3.Connection, hello: Hello, device: Device | None) -> _Greeting:
        peer = peers.load_peer(connection, hello.feed)
        if peer is None:
            # Not drawn: two sessions may begin before either is noted, and both must show the peer the same salt.
            salt = sha256(self._board.own.key.sign(b"p2pmicro salt 1" + hello.feed)).digest()[:SALT_BYTES]
            peer = Peer(hello.feed, None, hello.epoch, 0, None, salt, False, None, None, None, 0, 0)
        if peer.epoch != hello.epoch:  # its store is another: what either knew of the other's changes is void
            peer = replace(peer, epoch=hello.epoch, cursor=0, answered=None, proven=False, asked=0, asked_change=0)
        meetings = peer.meetings + 1
        if meetings >= _FULL_RESUME_EVERY:  # now and then from the beginning: whatever went wrong heals
            peer, meetings = replace(peer, cursor=0, answered=None, asked=0, asked_change=0), 0
        peer = replace(peer, meetings=meetings)
        if device is not None:
            peer = replace(peer, account=device.account)
        roles = accounts_with_roles(connection)
        role = roles.get(peer.account, Role.NONE) if peer.account is not None else Role.NONE
        blocked = is_blocked_feed(connection, hello.feed)
        blocked |= peer.account is not None and is_blocked(connection, peer.account)
        return _Greeting(peer, role, last_change(connection), blocked, unblocked_count(connection))
