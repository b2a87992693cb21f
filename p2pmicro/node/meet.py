"""Finding other nodes: addresses that a person named, where nodes were met, and what is announced on the LAN."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from random import SystemRandom
from typing import TYPE_CHECKING, TypeAlias

import trio

from ..errors import P2PMicroError, StateError
from ..limits import ANNOUNCED_MAX, SESSIONS_MAX, SESSIONS_OURS_MIN
from ..net.backoff import DialPlan
from ..net.tls import Connection
from ..store.feeds import Role

if TYPE_CHECKING:
    from .node import NetworkNode

log = logging.getLogger(__name__)

Dial: TypeAlias = Callable[[str], Awaitable[Connection]]
"""Connects to an address; raises a P2PMicroError where that fails."""

_LOOK_AGAIN_S = 5.0
_SWAP_EVERY_S = 60.0


class Meet:
    """Dials other nodes, each in its turn.

    Args:
        node: whose sessions come of it.
        dial: how to connect to an address.
        port: where the node listens, for its announcements.
        only: the addresses on which it listens, if not on all.
    """

    def __init__(self, node: "NetworkNode", dial: Dial, port: int, only: Iterable[str] = ()) -> None:
        self._node = node
        self._dial_to = dial
        self._port = port
        self._only = list(only)
        self._plan = DialPlan(SystemRandom())
        self._news = trio.Event()
        self._told: set[str] = (
            set()
        )  # named addresses that were reached, or of which the person has heard that they can't be

    async def run(self) -> None:
        """Dial until cancelled."""
        now = trio.current_time()
        for named in self._node.settings.peers:
            self._plan.know(named, now)
        for known in await self._node.known_addresses():
            self._plan.know(known.address, now)
        async with trio.open_nursery() as nursery:
            if self._node.settings.mdns:
                nursery.start_soon(self._announce)
            nursery.start_soon(self._swap)
            while True:
                now = trio.current_time()
                address = self._plan.take(now) if self._has_room() else None
                if address is not None:
                    nursery.start_soon(self._dial, address)
                    continue
                due = self._plan.next_timeout()
                wait_s = _LOOK_AGAIN_S if due is None else min(_LOOK_AGAIN_S, max(0.05, due - now))
                self._news = trio.Event()
                with trio.move_on_after(wait_s):
                    await self._news.wait()

    def _has_room(self) -> bool:
        talks = self._node.replicator.talks.values()
        if len(talks) < SESSIONS_MAX:
            return True
        # G1: strangers that dialled may not be all that this node hears: one of them gives its place to who is dialled.
        ours = sum(talk.session.initiator for talk in talks)
        return ours < SESSIONS_OURS_MIN and any(
            talk.role < Role.FOLLOWED and not talk.session.initiator for talk in talks
        )

    async def _dial(self, address: str) -> None:
        """One address, from the dial to the end of the session that comes of it."""
        met = False
        try:
            connection = await self._dial_to(address)
            talk = await self._node.converse(connection)
            if talk.feed == self._node.feed:
                self._plan.forget(address)
                return
            met = talk.is_open and not talk.strikes
            self._told.add(address)
            # Two nodes may reach each other at several addresses: one session is enough.
            if talk.feed in self._node.replicator.talks:
                met = True
                await self._node.sessions.over(talk.feed)
        except StateError as error:
            log.info("%s", error)
        except P2PMicroError as error:
            named = address in self._node.settings.peers and address not in self._told
            self._told.add(address)
            log.log(logging.WARNING if named else logging.INFO, "%s", error)
        except Exception:  # W6: a bug in one conversation ends that one
            log.exception("the session with %s failed", address)
        self._plan.settle(address, trio.current_time(), met=met)
        self._news.set()

    async def _announce(self) -> None:
        from ..net.mdns import run_mdns  # zeroconf takes 0.13 s to import: the node is ready before

        send, receive = trio.open_memory_channel[str](ANNOUNCED_MAX)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hear, receive)
            await run_mdns(self._port, send, only=self._only, on_change=self._on_new_network)

    async def _hear(self, receive: trio.MemoryReceiveChannel[str]) -> None:
        async for address in receive:
            self._plan.announce(address, trio.current_time())
            self._news.set()

    def _on_new_network(self) -> None:
        self._plan.hurry(trio.current_time())
        self._news.set()

    async def _swap(self) -> None:
        """Each minute a full node lets one stranger go for another, so that no clique forms."""
        while True:
            await trio.sleep(_SWAP_EVERY_S)
            talks = list(self._node.replicator.talks.values())
            strangers = [talk for talk in talks if talk.role < Role.FOLLOWED]
            if len(talks) >= SESSIONS_MAX and strangers:
                leaving = secrets.choice(strangers)
                leaving.close("busy", "Others want a turn: try again later.", trio.current_time())
                self._news.set()
