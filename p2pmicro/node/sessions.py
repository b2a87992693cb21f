"""The conversations of a node: who is let in, and the tasks that move each."""

import logging
import secrets
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import trio

from ..errors import StoreError
from ..ids import FeedId
from ..limits import SESSIONS_MAX, SESSIONS_OURS_MIN, UNASKED_QUEUED_MAX_BYTES
from ..net.pump import Pump
from ..net.tls import Connection
from ..store.feeds import Role
from ..sync.message import Hello, Message
from ..sync.session import Session
from ..sync.state import State
from .blocked import NO_PLACE
from .install import wall_ms
from .penalties import Penalties
from .pipeline import Pipeline
from .replicate import Replicator
from .talk import Talk
from .waiting import Signal

log = logging.getLogger(__name__)


class Read(Protocol):
    """Runs a query on the read connection."""

    async def __call__(self, query: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run it and give what it returns."""


@dataclass(slots=True)
class Running:
    """A session and what moves it."""

    talk: Talk
    pump: Pump
    connection: Connection
    over: trio.Event = field(default_factory=trio.Event)


class Sessions:
    """All sessions of a node.

    Args:
        read: runs a query.
        pipeline: where what peers send goes.
        met: called with each peer that this node has reached.
    """

    def __init__(self, read: Read, pipeline: Pipeline, met: Callable[[Talk], Awaitable[None]]) -> None:
        self._running: dict[int, Running] = {}  # by the id of the talk
        self._read = read
        self._pipeline = pipeline
        self._met = met
        self._penalties = Penalties()

    def use(self, replicator: Replicator) -> None:
        """Talk for a replicator; again after the node has begun another feed."""
        self.replicator = replicator

    @property
    def talks(self) -> list[Talk]:
        """Every session, those not yet let in too."""
        return [running.talk for running in self._running.values()]

    def close_all(self, text: str) -> None:
        """End every session, with a sentence."""
        for talk in self.talks:  # those not yet let in too: they have said hello as who this node was
            talk.close("bye", text, trio.current_time())
            self.replicator.end(talk)

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
        work = Signal()

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
                        nursery.start_soon(self._met, talk)
            else:
                replicator.on_message(talk, message)
                while talk.queued_bytes >= UNASKED_QUEUED_MAX_BYTES and session.state is not State.CLOSED:
                    await self._pipeline.taken.wait()
            notify()

        running = self._running[id(talk)] = Running(talk, pump, connection)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._answer, talk, pump, work, replicator)
                replicator.begin(talk)
                await pump.run(handle)
                nursery.cancel_scope.cancel()
        finally:
            if talk.strikes and talk.feed is not None:
                self._penalties.strike(talk.feed, trio.current_time())
            del self._running[id(talk)]
            replicator.end(talk)
            running.over.set()
        return talk

    async def over(self, feed: FeedId) -> None:
        """Wait until there is no session with a peer."""
        while (talk := self.replicator.talks.get(feed)) is not None:
            await self._running[id(talk)].over.wait()

    async def _answer(self, talk: Talk, pump: Pump, work: Signal, replicator: Replicator) -> None:
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
                self._pipeline.on_trouble(error)
                talk.close(error.code, "The store can't be read now.", trio.current_time())
                return
            job.then(result)

    def _let_in(self, talk: Talk, connection: Connection) -> bool:
        """Decide about places and duplicates; a session that is not let in is closed."""
        assert talk.feed is not None
        if talk.is_blocked:
            talk.close("busy", NO_PLACE, trio.current_time())
            return False
        if self._penalties.is_out(talk.feed, trio.current_time()):
            talk.close("busy", "This node does not talk to yours for a while.", trio.current_time())
            return False
        other = self.replicator.talks.get(talk.feed)
        if other is not None:
            running = self._running[id(other)]
            if running.connection.peer_certificate == connection.peer_certificate:
                # Both know both: of two initiators the smaller feed id's session stays. One that dials again knows
                # that the first is dead.
                initiators = [
                    self.replicator.own.feed if each.session.initiator else talk.feed for each in (other, talk)
                ]
                if initiators[0] < initiators[1]:
                    talk.close("duplicate", "There is a session already.", trio.current_time())
                    return False
            other.close("duplicate", "A newer session takes its place.", trio.current_time())
            self.replicator.end(other)
        elif len(self.replicator.talks) >= SESSIONS_MAX:
            leaving = self._weakest(talk)
            if leaving is None:
                talk.close("busy", NO_PLACE, trio.current_time())
                return False
            leaving.close("busy", "The place is needed: try again later.", trio.current_time())
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
