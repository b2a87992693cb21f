"""What came, verified on one thread and inserted on another, in its order."""

import logging
import sqlite3
from collections.abc import Sequence
from functools import partial

import trio

from ..errors import StoreError
from ..limits import INGEST_BATCH_ENTRIES
from .inbound import Inbound, verify
from .intake import Intake
from .offload import Offload
from .replicate import Replicator
from .talk import Talk
from .waiting import Signal

log = logging.getLogger(__name__)

_TROUBLE_PAUSE_S = 10.0


class Pipeline:
    """The way from the replicator's inbox into the store.

    Args:
        offload: where the work is done.
        connection: the ingest connection: all that uses it holds `inserting`.
    """

    def __init__(self, offload: Offload, connection: sqlite3.Connection) -> None:
        self.inserting = trio.CapacityLimiter(1)
        self.trouble: str | None = None  # why nothing is being stored, in a sentence
        self.taken = trio.Event()  # renewed after each batch
        self._verifying = trio.CapacityLimiter(1)
        self._offload = offload
        self._connection = connection
        self._news = Signal()

    def use(self, replicator: Replicator, intake: Intake) -> None:
        """Serve a replicator; again after the node has begun another feed."""
        self._replicator = replicator
        self._intake = intake

    def notify(self) -> None:
        """The inbox has something."""
        self._news.set()

    async def run(self) -> None:
        """Verify and insert until cancelled."""
        send, receive = trio.open_memory_channel[list[Inbound]](1)
        async with send, trio.open_nursery() as nursery:
            nursery.start_soon(self._insert, receive)
            while True:
                batch = self._replicator.take_inbox(2 * INGEST_BATCH_ENTRIES)
                if not batch:
                    await self._news.wait()
                    continue
                try:
                    await self._offload(partial(verify, batch), self._verifying)
                except Exception:
                    self._give_up(batch)
                    self._taken(batch)
                    continue
                await send.send(batch)

    async def _insert(self, receive: trio.MemoryReceiveChannel[list[Inbound]]) -> None:
        async for batch in receive:
            try:
                await self._store(batch)
            except StoreError as error:
                self._break(batch)
                self._taken(batch)
                self.on_trouble(error)
                await trio.sleep(_TROUBLE_PAUSE_S)
            else:
                self._taken(batch)

    async def _store(self, batch: Sequence[Inbound]) -> None:
        # Of a session of which something was given up nothing more is taken: its cursor would pass over that.
        sound = [inbound for inbound in batch if inbound.talk is None or not inbound.talk.broken]
        try:
            results = await self._offload(partial(self._intake.insert, self._connection, sound), self.inserting)
        except StoreError:
            raise
        except Exception:
            parts = _by_talk(sound)
            if len(parts) <= 1:
                self._give_up(batch)
            for part in parts if len(parts) > 1 else ():  # alone, each shows whether it is the one that breaks us
                await self._store(part)
        else:
            self.trouble = None
            self._replicator.apply(results)

    def _give_up(self, batch: Sequence[Inbound]) -> None:
        """What breaks us ends the sessions that brought it, and no other. Source: threats W10."""
        log.exception("what came could not be taken")
        for talk in self._break(batch):
            talk.strikes += 1
            talk.close("bug", "This node could not take what it was sent.", trio.current_time())

    @staticmethod
    def _break(batch: Sequence[Inbound]) -> list[Talk]:
        """Mark the sessions of a batch that was not stored."""
        talks = list({id(inbound.talk): inbound.talk for inbound in batch if inbound.talk is not None}.values())
        for talk in talks:
            talk.broken = True
        return talks

    def _taken(self, batch: Sequence[Inbound]) -> None:
        self._replicator.taken(batch)
        self.taken.set()
        self.taken = trio.Event()

    def on_trouble(self, error: StoreError) -> None:
        """Nothing can be stored: say so, and let the sessions go; what was not stored is asked for again."""
        if self.trouble is None:
            log.error("%s: %s", error.code, error)
        self.trouble = str(error)
        for talk in list(self._replicator.talks.values()):
            talk.close("busy", "This node can't store anything now.", trio.current_time())


def _by_talk(batch: Sequence[Inbound]) -> list[list[Inbound]]:
    """A batch by the sessions that brought it, each in its order."""
    parts: dict[int, list[Inbound]] = {}
    for inbound in batch:
        parts.setdefault(id(inbound.talk), []).append(inbound)
    return list(parts.values())
