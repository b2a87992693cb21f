"""The running node: its nursery tree and its public methods.

open_node
  └─ network                                 only where asked for; everything below ends with it
       ├─ serve            connections that come in          ─┐
       ├─ meet             known and announced addresses      ├─ converse: a session, its pump, its questions
       │    └─ mDNS        announcements to and fro          ─┘
       ├─ verify           what came, checked on a thread
       ├─ insert           what was checked, stored on another
       ├─ open             what is sealed to this account, in the background
       ├─ keep private     what no message took along, once a day
       ├─ tick             each second: tell peers what changed, look for other programs' appends
       └─ listen to the local socket
"""

import gc
import json
import logging
import os
import secrets
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

import trio

from ..errors import ConfigError, P2PMicroError, StoreError
from ..ids import AccountId
from ..limits import FRONTIER_NOTE_EVERY_S
from ..net.address import parse_address, socket_address
from ..net.dial import dial
from ..net.listen import open_listeners, port_of, serve
from ..net.tls import OPEN_NETWORK_KEY, Connection, check_network_key, issue_credentials
from ..store.changes import epoch
from ..store.db import BULK_CACHE_KIB, open_database, transaction
from ..store.excerpts import last_wanted
from ..store.feeds import Role
from ..store.lock import NodeLock
from ..store.peers import Address, set_hops
from .home import Home, find_home
from .housework import WIPE_EVERY_S, Housework
from .install import wall_ms
from .intake import Intake
from .local import LocalNode
from .meet import Meet
from .offline import Node
from .offload import Offload, on_thread
from .pipeline import Pipeline
from .replicate import Arrived, Replicator
from .sessions import Sessions
from .status import PeerState, peer_json
from .switchboard import Own
from .talk import Talk
from .unsealing import Unsealing
from .waiting import Signal
from .wake import PEERS, open_wake_socket

log = logging.getLogger(__name__)

T = TypeVar("T")
_SWITCH_INTERVAL_S = 0.0005  # figures.md: three stages share the interpreter; the default of 5 ms makes them wait
_GC_THRESHOLD = (50_000, 20, 20)  # a batch makes 16,000 short-lived objects without cycles: by default, 11 % of a sync
_OPEN_EVERY_S = 10.0  # what another program took in, from a file, is looked for
_PRIVATE_EVERY_S = 60.0  # whether private state has waited long enough
_PAUSE_S = 5.0  # before a task that failed begins anew
_LOCK_TIMEOUT_S = 1.0  # a command that appends holds the lock for a moment
_WAKE_BYTES = 64
_PICTURE_PAUSE_S = 0.5
_ANSWER_TIMEOUT_S = 0.5
_HOUSEWORK_PAUSE_S = 0.05  # between steps, so that they take a small part of the time


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How a node takes part in a network."""

    listen: str = ":0"  # HOST:PORT; no host: all interfaces; port 0: any that is free
    mdns: bool = True  # announce this node on the LAN and look for others
    peers: Sequence[str] = ()  # addresses to try, HOST:PORT
    key: bytes = field(default=OPEN_NETWORK_KEY, repr=False)  # of the network
    hops: Literal[1, 2] = 2  # whom the node asks for: those one follows, or also those whom these follow


@asynccontextmanager
async def open_node(
    home: Home | str | os.PathLike[str] | None = None,
    *,
    network: NetworkSettings | None = None,
    create: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> AsyncIterator["Node"]:
    """Open a home and, if `network` is given, run its node until the block is left.

    Args:
        home: the folder; otherwise the environment's or the platform's.
        network: None writes and reads locally; another program may run the home's node meanwhile.
        create: make an account where there is none.
        progress: told, on another thread, how many of all entries are done while an update has views made anew.
    Raises:
        ConfigError: the home can't be used, a node runs on it already, or the port is taken.
        StoreError: the database can't be used.

    Cancelling it closes everything within a moment; what was acknowledged stays.
    """
    found = home if isinstance(home, Home) else find_home(home)
    with ExitStack() as stack:
        lock = NodeLock(found.node_lock)
        local = await trio.to_thread.run_sync(lambda: LocalNode.open(found, create=create, progress=progress))
        stack.callback(local.close)
        if network is None:
            yield Node(local)
            return
        for address in network.peers:
            parse_address(address)  # a mistake is told at once
        check_network_key(network.key)
        if not await trio.to_thread.run_sync(lock.acquire, _LOCK_TIMEOUT_S):
            raise ConfigError(f"A node already runs on {found.path}: stop it, or name another --home.")
        stack.callback(lock.release)
        node = NetworkNode(local, network)
        stack.enter_context(node)
        listeners = await open_listeners(*parse_listen(network.listen))
        try:
            async with trio.open_nursery() as nursery:
                node.start(nursery)
                node.serve(nursery, listeners)
                yield node
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            # The node's own tasks raise nothing: what comes out is the caller's, and comes as it was raised.
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None
            raise


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


class NetworkNode(Node):
    """A node with its network running.

    `open_node` is the common way to one. A program with connections of its own enters one as a context, calls `start`,
    and hands them to `converse`.
    """

    def __init__(self, local: LocalNode, settings: NetworkSettings, offload: Offload = on_thread) -> None:
        super().__init__(local, offload)
        local.opens_beside = True
        self.settings = settings
        self._reading = trio.CapacityLimiter(1)
        self._opening = trio.CapacityLimiter(1)
        self._changed = Signal()
        self._pictures = trio.Event()
        self._stack = ExitStack()
        self._listening: list[str] = []
        self._is_copy = False  # a peer has shown that this home is one

    def __enter__(self) -> "NetworkNode":
        local = self._local
        with transaction(local.connection):
            local.changes.start(local.connection)
            set_hops(local.connection, self.settings.hops)
        with ExitStack() as stack:
            self._read_connection = open_database(local.home.database, durable=False)
            stack.callback(self._read_connection.close)
            self._ingest_connection = open_database(local.home.database, durable=False, cache_kib=BULK_CACHE_KIB)
            stack.callback(self._ingest_connection.close)
            self._pipeline = Pipeline(self._offload, self._ingest_connection)
            self.sessions = Sessions(self._read, self._pipeline, self._note_address)
            wake = open_wake_socket(local.home.wake)
            self._wake = None if wake is None else trio.socket.from_stdlib_socket(wake)
            if self._wake is not None:
                stack.callback(self._close_wake)
            stack.callback(sys.setswitchinterval, sys.getswitchinterval())
            sys.setswitchinterval(_SWITCH_INTERVAL_S)
            stack.callback(gc.set_threshold, *gc.get_threshold())
            gc.set_threshold(*_GC_THRESHOLD)
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
        self._intake = Intake(
            local.account, local.feed, local.views, local.changes, secrets.token_bytes, wall_ms, local.folder
        )
        self.replicator = Replicator(
            own,
            trio.current_time,
            self._pipeline.notify,
            self._tell,
            self._own_ahead,
            local.folder,
            self._on_picture,
        )
        self.replicator.start_own(local.height())
        self._pipeline.use(self.replicator, self._intake)
        self.sessions.use(self.replicator)

    def start(self, nursery: trio.Nursery) -> None:
        """Start what needs no network: to store what comes, and to look for what other programs append."""
        nursery.start_soon(self._guard, self._pipeline.run)
        nursery.start_soon(self._guard, self._tick)
        nursery.start_soon(self._guard, self._do_housework)
        nursery.start_soon(self._guard, self._open_sealed)
        nursery.start_soon(self._guard, self._keep_private)
        if self._wake is not None:
            nursery.start_soon(self._guard, self._listen_locally)

    def serve(self, nursery: trio.Nursery, listeners: Sequence[trio.SocketListener]) -> None:
        """Take connections, and look for other nodes."""
        self._listening = sorted({socket_address(listener.socket.getsockname()) for listener in listeners})
        port = port_of(listeners)
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
            except (P2PMicroError, OSError) as error:  # a disk that was pulled out, a home that was moved away
                log.warning("%s", error)
                log.debug("a task of the node begins anew", exc_info=error)
                await trio.sleep(_PAUSE_S)
            except Exception:
                log.exception("a task of the node failed; it begins anew")
                await trio.sleep(_PAUSE_S)

    @property
    def listening(self) -> Sequence[str]:
        """HOST:PORT of each socket."""
        return self._listening

    @property
    def trouble(self) -> str | None:
        """Why nothing is being stored, in a sentence; None if all is well."""
        return self._pipeline.trouble

    # --- Sessions ---

    async def converse(self, connection: Connection, known: Callable[[], None] = lambda: None) -> Talk:
        """Talk over a connection until it ends; see `Sessions.converse`."""
        return await self.sessions.converse(connection, known)

    async def known_addresses(self) -> list[Address]:
        """Where other nodes were met, or a person said that they are."""
        return await self._do(self._local.addresses)

    async def _note_address(self, talk: Talk) -> None:
        """Remember where a node was reached."""
        asked = talk.address in self.settings.peers
        try:
            await self._do(lambda: self._local.note_address(talk.address, talk.feed, asked))
        except StoreError as error:
            log.warning("%s: %s", error.code, error)

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return await self._offload(partial(query, self._read_connection), self._reading)

    def _own_ahead(self) -> None:
        self._is_copy = True

    async def _renew(self) -> None:
        """A peer has more of one's own feed than this store: a copied or restored home. Begin another feed."""
        if self._local.feed == self.replicator.own.feed:
            why = "Another node has entries of this feed that this home lacks: it is a copy."
            await self._do(lambda: self._local.renew_feed(why))
        else:  # begun by an append, or here and not brought to its end
            await self._do(self._local.check_feed)
        self.sessions.close_all("This node goes on under another feed.")
        await self._do(self._begin)
        self._is_copy = False

    async def _do_housework(self) -> None:
        """One small step after another while nothing comes, once something has changed; and when a wipe may be due."""
        work = Housework(self._local.views, self._local.folder)
        while True:
            with trio.move_on_after(WIPE_EVERY_S):
                await self._changed.wait()
            more = True
            while more and not self.replicator.is_busy:
                step = partial(work.step, self._ingest_connection, trio.current_time())
                more = await self._offload(step, self._pipeline.inserting)
                await trio.sleep(_HOUSEWORK_PAUSE_S)

    async def _open_sealed(self) -> None:
        """Open what is sealed to this account, once something may have come: in the background, a batch at a time."""
        while True:
            taken = self._pipeline.taken  # before looking: what is stored meanwhile is looked at next
            local = self._local
            work = Unsealing(local.account, local.keys.seed, local.views)
            while (todo := await self._read(work.todo)) is not None:
                tried = await self._offload(partial(work.attempt, todo), self._opening)
                settle = partial(work.settle, self._ingest_connection, tried)
                shown = await self._offload(settle, self._pipeline.inserting)
                if any(one.row.entry.kind == "state" and one.row.role == Role.OWN for one in shown):
                    self.replicator.tick(refresh=True)  # whom one blocks, as another install has it
                for seq, feed in ((one.row.key & 0xFFFFFFFF, one.feed) for one in shown if not one.row.alone):
                    self._tell(Arrived(feed, seq, seq))
            with trio.move_on_after(_OPEN_EVERY_S):
                await taken.wait()

    async def _keep_private(self) -> None:
        """Write private state that no message took along, at a random time of the day."""
        while True:
            await trio.sleep(_PRIVATE_EVERY_S)
            await self._do(self._local.append_private)

    # --- Other programs on this home ---

    async def _tick(self) -> None:
        version = -1
        while True:
            await trio.sleep(FRONTIER_NOTE_EVERY_S)
            found = await self._read(_data_version)
            if found != version:
                version = found
                self._changed.set()
                await self._look()
                self.replicator.wanted(await self._read(last_wanted))  # housework finds what nobody brought
                if await self._do(self._local.is_renewed):  # by another program, which found that the home is a copy
                    self._is_copy = True
            self.replicator.tick(self._intake.refresh_is_due())
            if self._is_copy or self._local.feed != self.replicator.own.feed:
                await self._renew()

    async def _listen_locally(self) -> None:
        assert self._wake is not None
        while True:
            data, sender = await self._wake.recvfrom(_WAKE_BYTES)
            if data == PEERS and sender:
                lines = [json.dumps(peer_json(peer)) for peer in await self.peers()]
                with suppress(OSError), trio.move_on_after(_ANSWER_TIMEOUT_S):  # who asks may not read
                    await self._wake.sendto("\n".join(lines).encode(), sender)
            else:
                await self._look()

    async def _look(self) -> None:
        """Look whether one's own feed has grown, somebody is blocked, or a picture is wanted."""
        for job in (self.replicator.own_job(), self.replicator.blocked.job()):
            job.then(await self._read(job.run))
        self.replicator.gallery.wake()
        self.replicator.gallery.tick()

    def _on_picture(self) -> None:
        self._pictures.set()
        self._pictures = trio.Event()

    async def _picture_comes(self) -> None:
        with trio.move_on_after(_PICTURE_PAUSE_S):  # one that came just before is not waited for for ever
            await self._pictures.wait()

    def _appended(self, seq: int) -> None:
        pass  # the local socket tells, whoever appended

    async def peers(self) -> list[PeerState]:
        """Nodes that this one is connected to, and addresses at which others were met."""
        talks = self.sessions.talks
        accounts = [talk.account for talk in talks if talk.account is not None]
        names: dict[AccountId, str | None] = await self._do(partial(self._local.names, accounts))
        found = []
        for talk in talks:
            state = "connected" if talk.is_open else "connecting"
            name = names.get(talk.account) if talk.account is not None else None
            count_in, count_out = talk.session.bytes_in, talk.session.bytes_out
            where = (talk.feed, talk.address, state, talk.since_ms)
            found.append(PeerState(talk.account, name, *where, count_in, count_out))
        connected = {peer.feed for peer in found if peer.feed is not None} | {peer.address for peer in found}
        away = [peer for peer in await super().peers() if not connected & {peer.feed, peer.address}]
        return found + away


def _data_version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection has written."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
