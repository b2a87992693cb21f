"""The running node: its nursery tree and its public methods.

open_node
  └─ network                                 only where asked for; everything below ends with it
       ├─ serve            connections that come in          ─┐
       ├─ meet             known and announced addresses      ├─ converse: a session, its pump, its questions
       │    └─ mDNS        announcements to and fro          ─┘
       ├─ verify           what came, checked on a thread
       ├─ insert           what was checked, stored on another
       ├─ tick             each second: tell peers what changed, look for other programs' appends
       └─ listen to the local socket
"""

import json
import logging
import os
import secrets
import sqlite3
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import trio

from ..errors import ConfigError, StoreError
from ..ids import AccountId, FeedId, Ref, format_account, format_feed
from ..limits import INGEST_BATCH_ENTRIES, SESSIONS_MAX, SESSIONS_OURS_MIN, UNASKED_QUEUED_MAX_BYTES
from ..net.address import parse_address
from ..net.dial import dial
from ..net.listen import open_listeners, serve
from ..net.pump import Pump
from ..net.tls import OPEN_NETWORK_KEY, Connection, issue_credentials
from ..store.changes import epoch
from ..store.db import open_database, transaction
from ..store.feeds import FeedState, Role
from ..store.lock import NodeLock
from ..store.peers import Address
from ..sync.message import Hello, Message
from ..sync.session import Session
from ..sync.state import State
from ..views import message as messages
from ..views.people import Profile
from .home import Home, find_home
from .housework import Housework
from .intake import Inbound, Intake, verify
from .local import LocalNode, Status, wall_ms
from .meet import Meet
from .offload import Offload, on_thread
from .penalties import Penalties
from .replicate import Arrived, Own, Replicator
from .talk import Talk
from .wake import PEERS, open_wake_socket

log = logging.getLogger(__name__)

T = TypeVar("T")
_SWITCH_INTERVAL_S = 0.0005  # figures.md: three stages share the interpreter; the default of 5 ms makes them wait
_TICK_S = 1.0
_WAKE_BYTES = 64
_TROUBLE_PAUSE_S = 10.0
_HOUSEWORK_PAUSE_S = 0.05  # between steps, so that they take a small part of the time


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How a node takes part in a network."""

    listen: str = ":0"  # HOST:PORT; no host: all interfaces; port 0: any that is free
    mdns: bool = True  # announce this node on the LAN and look for others
    peers: Sequence[str] = ()  # addresses to try, HOST:PORT
    key: bytes = OPEN_NETWORK_KEY  # of the network


@dataclass(frozen=True, slots=True)
class PeerState:
    """Another node, as this one is connected to it or remembers it."""

    account: AccountId | None
    feed: FeedId | None
    address: str
    state: str  # "connected", "connecting", "away"
    since_ms: int  # in this state; when it was last met, if away (0: never)
    bytes_in: int
    bytes_out: int


@asynccontextmanager
async def open_node(
    home: Home | str | os.PathLike[str] | None = None,
    *,
    network: NetworkSettings | None = None,
    create: bool = True,
) -> AsyncIterator["Node"]:
    """Open a home and, if `network` is given, run its node until the block is left.

    Args:
        home: the folder; otherwise the environment's or the platform's.
        network: None writes and reads locally; another program may run the home's node meanwhile.
        create: make an account where there is none.
    Raises:
        ConfigError: the home can't be used, a node runs on it already, or the port is taken.
        StoreError: the database can't be used.

    Cancelling it closes everything within a moment; what was acknowledged stays.
    """
    found = home if isinstance(home, Home) else find_home(home)
    with ExitStack() as stack:
        lock = NodeLock(found.node_lock)
        local = await trio.to_thread.run_sync(lambda: LocalNode.open(found, create=create))
        stack.callback(local.close)
        if network is None:
            yield Node(local)
            return
        for address in network.peers:
            parse_address(address)  # a mistake is told at once
        if not lock.acquire():
            raise ConfigError(f"A node already runs on {found.path}: stop it, or name another --home.")
        stack.callback(lock.release)
        node = NetworkNode(local, network)
        stack.enter_context(node)
        listeners = await open_listeners(*parse_listen(network.listen))
        async with trio.open_nursery() as nursery:
            node.start(nursery)
            node.serve(nursery, listeners)
            yield node
            nursery.cancel_scope.cancel()


def parse_listen(text: str) -> tuple[str, int]:
    """Read HOST:PORT where to listen: no host is all interfaces, port 0 any that is free.

    Raises:
        ConfigError: it can't be read.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ConfigError(f"Where to listen is HOST:PORT or :PORT (0: any that is free), and not {text!r}.")
    checked = parse_address(f"{host or 'localhost'}:{1 if port == '0' else port}")
    return checked[0] if host else "", 0 if port == "0" else checked[1]


class Node:
    """A home in a trio program: each method runs on a thread of its own, one at a time."""

    def __init__(self, local: LocalNode, offload: Offload = on_thread) -> None:
        self._local = local
        self._offload = offload
        self._one = trio.CapacityLimiter(1)
        self._listeners: set[_Subscription] = set()

    async def _do(self, work: Callable[[], T]) -> T:
        """Run on the home's own connection; a cancellation waits for it, so nothing is half done."""
        return await self._offload(work, self._one)

    @property
    def account(self) -> AccountId:
        """Whose node it is."""
        return self._local.account

    @property
    def feed(self) -> FeedId:
        """The feed that it writes."""
        return self._local.feed

    @property
    def renewed(self) -> str | None:
        """Why a new feed was begun at opening, in a sentence; None if it was not."""
        return self._local.renewed

    @property
    def listening(self) -> Sequence[str]:
        """HOST:PORT of each socket; empty without a network."""
        return ()

    async def post(self, text: str) -> Ref:
        """Write a message; see `LocalNode.post`."""
        ref = await self._do(lambda: self._local.post(text))
        self._appended(ref.seq)
        return ref

    async def follow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody; see `LocalNode.follow`."""
        ref = await self._do(lambda: self._local.follow(account))
        self._appended(None)
        return ref

    async def unfollow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody no longer; see `LocalNode.unfollow`."""
        ref = await self._do(lambda: self._local.unfollow(account))
        self._appended(None)
        return ref

    async def profile(self, name: str | None = None, bio: str | None = None, link: str | None = None) -> Ref:
        """Change one's profile; see `LocalNode.profile`."""
        ref = await self._do(lambda: self._local.profile(name, bio, link))
        self._appended(None)
        return ref

    async def timeline(self, limit: int = 50) -> list[messages.Message]:
        """The newest messages of oneself and those one follows."""
        return await self._do(lambda: self._local.timeline(limit))

    async def message(self, feed: FeedId, seq: int) -> messages.Message | None:
        """One message; None if it is not held or not shown."""
        return await self._do(lambda: self._local.message(feed, seq))

    async def search(self, query: str, limit: int = 50) -> list[messages.Message]:
        """Messages with all of the words, newest first."""
        return await self._do(lambda: self._local.search(query, limit))

    async def profile_of(self, account: AccountId) -> Profile | None:
        """Somebody's profile, if one is held."""
        return await self._do(lambda: self._local.profile_of(account))

    async def following(self) -> list[tuple[AccountId, str | None]]:
        """Whom one follows, with their names."""
        return await self._do(self._local.following)

    async def feeds(self) -> list[FeedState]:
        """All feeds that are held."""
        return await self._do(self._local.feeds)

    async def status(self) -> Status:
        """How the home is."""
        return await self._do(self._local.status)

    async def peers(self) -> list[PeerState]:
        """Nodes that this one is connected to, and addresses at which others were met."""
        known = await self._do(self._local.known_peers)
        return [PeerState(None, item.feed, item.address, "away", item.met_ms, 0, 0) for item in known]

    async def arrivals(self) -> AsyncGenerator[messages.Message, None]:
        """Messages of oneself and those one follows as they arrive, from now on.

        A slow reader misses none: what waits is where each feed stood, not the messages.
        """
        subscription = _Subscription()
        self._listeners.add(subscription)
        try:
            while True:
                arrived = await subscription.next()
                for seq in range(arrived.first, arrived.last + 1):
                    found = await self.message(arrived.feed, seq)
                    if found is not None:
                        yield found
        finally:
            self._listeners.discard(subscription)

    def _appended(self, seq: int | None) -> None:
        if seq is not None:
            self._tell(Arrived(self.feed, seq, seq))

    def _tell(self, arrived: Arrived) -> None:
        for subscription in self._listeners:
            subscription.put(arrived)


class NetworkNode(Node):
    """A node with its network running.

    `open_node` is the common way to one. A program with connections of its own enters one as a context, calls `start`,
    and hands them to `converse`.
    """

    def __init__(self, local: LocalNode, settings: NetworkSettings, offload: Offload = on_thread) -> None:
        super().__init__(local, offload)
        self.settings = settings
        self.trouble: str | None = None  # why nothing is being stored, in a sentence
        self._reading = trio.CapacityLimiter(1)
        self._verifying = trio.CapacityLimiter(1)
        self._inserting = trio.CapacityLimiter(1)
        self._inbox = trio.Event()
        self._taken = trio.Event()  # renewed after each batch
        self._changed = _Signal()
        self._penalties = Penalties()
        self._stack = ExitStack()
        self._sessions: dict[int, _Running] = {}
        self._listening: list[str] = []
        self._is_copy = False  # a peer has shown that this home is one
        self._switch_interval = sys.getswitchinterval()

    def __enter__(self) -> "NetworkNode":
        local = self._local
        with transaction(local.connection):
            local.changes.start(local.connection)
        with ExitStack() as stack:
            self._read_connection = open_database(local.home.database, durable=False)
            stack.callback(self._read_connection.close)
            self._ingest_connection = open_database(local.home.database, durable=False)
            stack.callback(self._ingest_connection.close)
            wake = open_wake_socket(local.home.wake)
            self._wake = None if wake is None else trio.socket.from_stdlib_socket(wake)
            if self._wake is not None:
                stack.callback(self._close_wake)
            sys.setswitchinterval(_SWITCH_INTERVAL_S)
            stack.callback(sys.setswitchinterval, self._switch_interval)
            self._stack = stack.pop_all()
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _close_wake(self) -> None:
        assert self._wake is not None
        self._wake.close()
        self._local.home.wake.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Set up for the feed that is now one's own."""
        local = self._local
        device = local.device()
        own = Own(local.keys.feed, local.feed, local.account, device.proof, epoch(local.connection))
        self._intake = Intake(local.account, local.feed, local.views, local.changes, secrets.token_bytes, wall_ms)
        self.replicator = Replicator(
            own, secrets.token_bytes, trio.current_time, self._put, self._on_arrived, self._own_ahead
        )
        self.replicator.start_own(local.height())

    def start(self, nursery: trio.Nursery) -> None:
        """Start what needs no network: to store what comes, and to look for what other programs append."""
        nursery.start_soon(self._guard, self._verify)
        nursery.start_soon(self._guard, self._tick)
        nursery.start_soon(self._guard, self._do_housework)
        if self._wake is not None:
            nursery.start_soon(self._guard, self._listen_locally)

    def serve(self, nursery: trio.Nursery, listeners: Sequence[trio.SocketListener]) -> None:
        """Take connections, and look for other nodes."""
        self._listening = sorted({_socket_name(listener) for listener in listeners})
        port = listeners[0].socket.getsockname()[1]
        credentials = issue_credentials(self.settings.key)
        host = parse_listen(self.settings.listen)[0]
        only = [listener.socket.getsockname()[0] for listener in listeners] if host else []
        meet = Meet(self, lambda address: dial(address, credentials), port, only)
        nursery.start_soon(serve, listeners, credentials, self.converse)
        nursery.start_soon(self._guard, meet.run)

    async def _guard(self, work: Callable[[], Any]) -> None:
        """Keep a task of the node alive: a bug in one turn is logged, and the next turn goes on."""
        while True:
            try:
                await work()
                return
            except Exception:
                log.exception("a task of the node failed; it begins anew")
                await trio.sleep(_TICK_S)

    @property
    def listening(self) -> Sequence[str]:
        """HOST:PORT of each socket."""
        return self._listening

    # --- Sessions ---

    async def converse(self, connection: Connection, known: Callable[[], None] = lambda: None) -> Talk:
        """Talk over a connection until it ends.

        Args:
            connection: after its TLS handshake.
            known: called once the peer's hello has been checked and it was let in.
        Returns: what became of it.
        """
        certificates = (connection.own_certificate, connection.peer_certificate)
        if not connection.initiator:
            certificates = certificates[::-1]
        session = Session(connection.initiator, certificates, trio.current_time())
        pump = Pump(connection.stream, session)
        work = _Signal()

        def notify() -> None:
            pump.wake()
            work.set()

        talk = Talk(session, connection.address, wall_ms(), notify)
        replicator = self.replicator
        greeted = trio.Event()

        async def handle(message: Message) -> None:
            if isinstance(message, Hello):
                replicator.greet(talk, message, greeted.set)
                await greeted.wait()
                if self._let_in(talk, connection):
                    known()
                    replicator.admit(talk)
                    if connection.initiator:
                        nursery.start_soon(self._note_address, talk)
            else:
                replicator.on_message(talk, message)
                while talk.queued_bytes >= UNASKED_QUEUED_MAX_BYTES and session.state is not State.CLOSED:
                    await self._taken.wait()
            notify()

        running = self._sessions[id(talk)] = _Running(talk, pump, connection)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._answer, talk, pump, work, replicator)
                replicator.begin(talk)
                await pump.run(handle)
                nursery.cancel_scope.cancel()
        finally:
            if talk.strikes and talk.feed is not None:
                self._penalties.strike(talk.feed, trio.current_time())
            del self._sessions[id(talk)]
            replicator.end(talk)
            running.over.set()
        return talk

    async def session_over(self, feed: FeedId) -> None:
        """Wait until there is no session with a peer."""
        while (talk := self.replicator.talks.get(feed)) is not None:
            await self._sessions[id(talk)].over.wait()

    async def known_addresses(self) -> list[Address]:
        """Where other nodes were met, or a person said that they are."""
        return await self._do(self._local.known_peers)

    async def _note_address(self, talk: Talk) -> None:
        """Remember where a node was reached."""
        asked = talk.address in self.settings.peers
        try:
            await self._do(lambda: self._local.note_address(talk.address, talk.feed, asked))
        except StoreError as error:
            log.warning("%s: %s", error.code, error)

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return await self._offload(partial(query, self._read_connection), self._reading)

    async def _answer(self, talk: Talk, pump: Pump, work: "_Signal", replicator: Replicator) -> None:
        """Look up what a session wants to know, as long as its peer reads."""
        while True:
            await pump.drained()
            job = replicator.next_job(talk)
            if job is None:
                await work.wait()
                continue
            try:
                result = await self._read(job.run)
            except StoreError as error:
                self._on_trouble(error)
                talk.session.close(error.code, "The store can't be read now.", trio.current_time())
                pump.wake()
                return
            job.then(result)

    def _let_in(self, talk: Talk, connection: Connection) -> bool:
        """Decide about places and duplicates; a session that is not let in is closed."""
        assert talk.feed is not None
        if self._penalties.is_out(talk.feed, trio.current_time()):
            talk.session.close("busy", "This node does not talk to yours for a while.", trio.current_time())
            return False
        other = self.replicator.talks.get(talk.feed)
        if other is not None:
            running = self._sessions[id(other)]
            if running.connection.peer_certificate == connection.peer_certificate:
                # Both know both: of two initiators the smaller feed id's session stays. One that dials again knows
                # that the first is dead.
                initiators = [self.feed if each.session.initiator else talk.feed for each in (other, talk)]
                if initiators[0] < initiators[1]:
                    talk.session.close("duplicate", "There is a session already.", trio.current_time())
                    return False
            other.session.close("duplicate", "A newer session takes its place.", trio.current_time())
            running.pump.wake()
            self.replicator.end(other)
        elif len(self.replicator.talks) >= SESSIONS_MAX:
            leaving = self._weakest(talk)
            if leaving is None:
                talk.session.close("busy", "All places are taken: try again later.", trio.current_time())
                return False
            leaving.session.close("busy", "The place is needed: try again later.", trio.current_time())
            leaving.notify()
            self.replicator.end(leaving)
        return True

    def _weakest(self, newcomer: Talk) -> Talk | None:
        """The session that gives its place to a newcomer; None if the newcomer has to wait."""
        talks = list(self.replicator.talks.values())
        ours = [talk for talk in talks if talk.session.initiator]
        keep_ours = len(ours) <= SESSIONS_OURS_MIN  # G1: strangers that dialled may not be all that this node hears
        free = [talk for talk in talks if talk.role < Role.FOLLOWED and not (keep_ours and talk in ours)]
        wanted = newcomer.role >= Role.FOLLOWED or (newcomer.session.initiator and len(ours) < SESSIONS_OURS_MIN)
        return secrets.choice(free) if wanted and free else None

    # --- The pipeline ---

    def _put(self) -> None:
        self._inbox.set()

    async def _verify(self) -> None:
        send, receive = trio.open_memory_channel[list[Inbound]](1)
        async with send, trio.open_nursery() as nursery:
            nursery.start_soon(self._insert, receive)
            while True:
                batch = self.replicator.take_inbox(2 * INGEST_BATCH_ENTRIES)
                if not batch:
                    self._inbox = trio.Event()
                    await self._inbox.wait()
                    continue
                await self._offload(partial(verify, batch), self._verifying)
                await send.send(batch)

    async def _insert(self, receive: trio.MemoryReceiveChannel[list[Inbound]]) -> None:
        async for batch in receive:
            try:
                work = partial(self._intake.insert, self._ingest_connection, batch)
                results = await self._offload(work, self._inserting)
            except StoreError as error:
                self._on_trouble(error)
                await trio.sleep(_TROUBLE_PAUSE_S)
                continue
            except Exception:  # W10: what breaks us ends the sessions that brought it, and no other
                log.exception("what came could not be stored")
                for talk in {id(inbound.talk): inbound.talk for inbound in batch}.values():
                    if talk is not None:
                        talk.strikes += 1
                        talk.session.close("bug", "This node could not take what it was sent.", trio.current_time())
                        talk.notify()
                continue
            finally:
                self.replicator.taken(batch)
                self._taken.set()
                self._taken = trio.Event()
            self.trouble = None
            self.replicator.apply(results)

    def _on_trouble(self, error: StoreError) -> None:
        """Nothing can be stored: say so, and let the sessions go; what was not stored is asked for again."""
        if self.trouble is None:
            log.error("%s: %s", error.code, error)
        self.trouble = str(error)
        for talk in list(self.replicator.talks.values()):
            talk.session.close("busy", "This node can't store anything now.", trio.current_time())
            talk.notify()

    def _on_arrived(self, arrived: Arrived) -> None:
        self._tell(arrived)

    def _own_ahead(self) -> None:
        self._is_copy = True

    async def _renew(self) -> None:
        """A peer has more of one's own feed than this store: a copied or restored home. Begin another feed."""
        self._is_copy = False
        why = "Another node has entries of this feed that this home lacks: it is a copy."
        await self._do(lambda: self._local.renew_feed(why))
        for talk in list(self.replicator.talks.values()):
            talk.session.close("bye", "This node goes on under another feed.", trio.current_time())
            talk.notify()
            self.replicator.end(talk)
        await self._do(self._begin)

    async def _do_housework(self) -> None:
        """One small step after another while nothing comes, once something has changed."""
        work = Housework(self._local.views)
        while True:
            await self._changed.wait()
            more = True
            while more and not self.replicator.is_busy:
                step = partial(work.step, self._ingest_connection, trio.current_time())
                more = await self._offload(step, self._inserting)
                await trio.sleep(_HOUSEWORK_PAUSE_S)

    # --- Other programs on this home ---

    async def _tick(self) -> None:
        version = -1
        while True:
            await trio.sleep(_TICK_S)
            found = await self._read(_data_version)
            if found != version:
                version = found
                self._changed.set()
                await self._look()
                if await self._do(self._local.is_renewed):  # by another program, which found that the home is a copy
                    self._is_copy = True
            self.replicator.tick(self._intake.refresh_is_due())
            if self._is_copy:
                await self._renew()

    async def _listen_locally(self) -> None:
        assert self._wake is not None
        while True:
            data, sender = await self._wake.recvfrom(_WAKE_BYTES)
            if data == PEERS and sender:
                lines = [json.dumps(peer_json(peer)) for peer in await self.peers()]
                with suppress(OSError):
                    await self._wake.sendto("\n".join(lines).encode(), sender)
            else:
                await self._look()

    async def _look(self) -> None:
        """Look whether one's own feed has grown."""
        job = self.replicator.own_job()
        job.then(await self._read(job.run))

    def _appended(self, seq: int | None) -> None:
        pass  # the local socket tells, whoever appended

    async def peers(self) -> list[PeerState]:
        """Nodes that this one is connected to, and addresses at which others were met."""
        found = []
        for running in self._sessions.values():
            talk = running.talk
            state = "connected" if talk.is_open else "connecting"
            session = talk.session
            found.append(
                PeerState(
                    talk.account, talk.feed, talk.address, state, talk.since_ms, session.bytes_in, session.bytes_out
                )
            )
        connected = {peer.feed for peer in found if peer.feed is not None} | {peer.address for peer in found}
        away = [peer for peer in await super().peers() if not connected & {peer.feed, peer.address}]
        return found + away


@dataclass(slots=True)
class _Running:
    """A session and what moves it."""

    talk: Talk
    pump: Pump
    connection: Connection
    over: trio.Event = field(default_factory=trio.Event)


class _Signal:
    """Set by whoever has news, waited for by one task."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()
        self._event = trio.Event()


class _Subscription:
    """What one reader of arrivals has not yet read: a stretch a feed."""

    def __init__(self) -> None:
        self._waiting: dict[FeedId, Arrived] = {}
        self._signal = _Signal()

    def put(self, arrived: Arrived) -> None:
        before = self._waiting.get(arrived.feed)
        first = min(before.first, arrived.first) if before is not None else arrived.first
        self._waiting[arrived.feed] = Arrived(arrived.feed, first, arrived.last)
        self._signal.set()

    async def next(self) -> Arrived:
        while not self._waiting:
            await self._signal.wait()
        return self._waiting.pop(next(iter(self._waiting)))


def peer_json(peer: PeerState) -> dict[str, Any]:
    """A peer as the commands print it."""
    return {
        "account": None if peer.account is None else format_account(peer.account),
        "feed": None if peer.feed is None else format_feed(peer.feed),
        "address": peer.address,
        "state": peer.state,
        "since_ms": peer.since_ms,
        "bytes_in": peer.bytes_in,
        "bytes_out": peer.bytes_out,
    }


def _data_version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection has written."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _socket_name(listener: trio.SocketListener) -> str:
    host, port = listener.socket.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
