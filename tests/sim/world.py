"""Whole nodes on one thread and one mock clock: real stores, sessions and dialling; only wires and threads are made up.

A schedule is drawn from its seed alone: who follows whom, who is linked with whom, and what goes wrong when. After some
turmoil everything is mended, and then linked nodes must come to agree within a bounded time.
"""

import contextvars
import importlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
import trio

from p2pmicro.errors import P2PMicroError
from p2pmicro.feed import seal
from p2pmicro.ids import short
from p2pmicro.net.tls import Connection
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.node.meet import Meet
from p2pmicro.node.node import NetworkNode, NetworkSettings
from p2pmicro.store.feeds import FeedState, Role, accounts_with_roles, feed_states
from p2pmicro.store.lock import NodeLock
from tests.hpke import DrawnSuite
from tests.sim.wire import Listener, Wires

T = TypeVar("T")

SETTLE_MAX_S = 450.0  # a dead session is found within 91 s, and nobody waits longer than 300 s to dial again
_EPOCH_NS = 1_700_000_000 * 10**9
_LATE = ("No hello", "The peer did not answer", "The peer does not read", "The peer stopped", "A frame came too slowly")
_where: contextvars.ContextVar["SimNode | None"] = contextvars.ContextVar("where", default=None)


@contextmanager
def determined(seed: int) -> Iterator[None]:
    """Take all chance from a seed, and wall time from trio's clock and the running node's clock error."""
    scheduler: Any = importlib.import_module("trio._core._run")
    drawn = random.Random(f"chance {seed}")
    seal._spare_slot()  # made once in a process: not in this world, whose chance it would take for itself
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random, "_urandom", drawn.randbytes)  # secrets and SystemRandom draw from it
        patch.setattr(seal, "_SUITE", DrawnSuite(drawn.randbytes))
        patch.setattr(time, "time_ns", _wall_ns)
        # trio runs tasks that are due together in random order: that is chance too.
        patch.setattr(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
        scheduler._r.seed(f"order {seed}")
        yield


def _wall_ns() -> int:
    where = _where.get()
    return _EPOCH_NS + int((trio.current_time() + (where.clock_error_s if where is not None else 0.0)) * 1e9)


class SimNode:
    """A person with a home; the node on it runs, stops and begins again."""

    def __init__(self, world: "World", number: int, clock_error_s: float) -> None:
        self.world = world
        self.number = number
        self.home = Home(world.folder / f"home{number}", world.folder / f"state{number}")
        self.clock_error_s = clock_error_s
        self.posts = 0
        self.node: NetworkNode | None = None
        self.local: LocalNode | None = None
        self._scope = trio.CancelScope()
        self._stopped = trio.Event()

    async def start(self) -> None:
        """Run it."""
        self._scope, self._stopped, started = trio.CancelScope(), trio.Event(), trio.Event()
        self.world.nursery.start_soon(self._run, started)
        await started.wait()

    async def stop(self) -> None:
        """End it in the midst of whatever it does."""
        self._scope.cancel()
        await self._stopped.wait()

    async def do(self, work: Callable[[NetworkNode], Awaitable[object]]) -> None:
        """Let its person do something, by its clock."""
        assert self.node is not None
        token = _where.set(self)
        try:
            await work(self.node)
        finally:
            _where.reset(token)

    async def act(self, work: Callable[[LocalNode], T]) -> T:
        """Let its person do something as with a command, beside the running node."""
        assert self.local is not None
        return self.by_its_clock(partial(work, self.local))

    def by_its_clock(self, work: Callable[[], T]) -> T:
        """Do something at its computer's time."""
        token = _where.set(self)
        try:
            return work()
        finally:
            _where.reset(token)

    async def _run(self, started: trio.Event) -> None:
        _where.set(self)  # for this task and all that come of it
        wires = self.world.wires
        with self._scope, ExitStack() as stack:
            stack.callback(self._stopped.set)
            local = stack.enter_context(LocalNode.open(self.home, create=True))
            lock = NodeLock(self.home.node_lock)
            assert lock.acquire()
            stack.callback(lock.release)
            peers = [wires.address(other) for other in wires.neighbours(self.number)]
            settings = NetworkSettings(mdns=False, peers=peers, hops=self.world.hops)
            node = stack.enter_context(NetworkNode(local, settings, self.world.offload))
            self.local, self.node = local, node
            stack.callback(self._forget)
            async with trio.open_nursery() as nursery:
                certificate = self.world.draw.randbytes(32)  # as at each start
                wires.listening[self.number] = Listener(
                    certificate, lambda connection: nursery.start_soon(self._serve, node, connection)
                )
                stack.callback(wires.listening.pop, self.number)
                node.start(nursery)
                meet = Meet(node, lambda address: wires.dial(self.number, address, certificate), 4000)
                nursery.start_soon(meet.run)
                started.set()

    def _forget(self) -> None:
        self.node = self.local = None

    async def _serve(self, node: NetworkNode, connection: Connection) -> None:
        try:
            await node.converse(connection)
        except P2PMicroError as error:
            self.world.note(f"refuses {connection.address}: {error.code}: {error}")
        finally:
            await trio.aclose_forcefully(connection.stream)


class World(logging.Handler):
    """Some people, their homes and what links them; listens to what the nodes log."""

    def __init__(self, seed: int, folder: Path, nursery: trio.Nursery) -> None:
        super().__init__(logging.DEBUG)
        self.draw = random.Random(f"schedule {seed}")
        self.folder = folder
        self.nursery = nursery
        self.wires = Wires()
        self.nodes: list[SimNode] = []
        self.trace: list[str] = []
        self.faults: list[str] = []
        self.hops: Literal[1, 2] = 2  # how far nodes ask for people along follows
        self.logged: list[str] = []  # what the nodes logged, without their times
        self.work_s = self.draw.choice((0.0, 0.001, 0.02))  # what a piece of work takes, in the mean

    def note(self, what: str) -> None:
        """Write down what happens."""
        where = _where.get()
        self.trace.append(f"{trio.current_time():9.3f} {'-' if where is None else where.number} {what}")

    def emit(self, record: logging.LogRecord) -> None:
        """Note what a node says; among honest nodes nobody is at fault and nothing is a bug."""
        text = record.getMessage()
        if record.exc_info is not None:
            text += f" {record.exc_info[1]!r}"
        self.logged.append(text)
        if record.levelno < logging.INFO:
            return
        self.note(text)
        late = any(sentence in text for sentence in _LATE)
        accused = "session ends" in text or "refused" in text or "refuses" in text
        if record.levelno >= logging.ERROR or (accused and not late and "connection refused" not in text):
            self.faults.append(self.trace[-1])

    async def offload(self, work: Callable[[], T], limiter: trio.CapacityLimiter) -> T:
        """Do a node's work in place; it takes a while of the mock clock, as on a thread."""
        async with limiter:
            with trio.CancelScope(shield=True):
                await trio.sleep(self.draw.expovariate(1 / self.work_s) if self.work_s else 0)
            return work()

    # --- Do they agree? ---

    def blocks(self, one: int, other: int) -> bool:
        """Whether one of two people whose nodes run has blocked the other: their nodes do not talk."""
        locals_ = [self.nodes[number].local for number in (one, other)]
        accounts = [local.account for local in locals_ if local is not None]
        return any(account in local.blocked() for local in locals_ if local is not None for account in accounts)

    def apart(self) -> list[str]:
        """Where one of two linked nodes that run has no session with the other."""
        feeds, met = {}, {}
        for each in self.nodes:
            if each.local is not None and each.node is not None:
                feeds[each.number] = each.local.feed
                met[each.number] = {talk.feed for talk in each.node.sessions.talks if talk.is_open}
        pairs = [sorted(pair) for pair in self.wires.links if pair <= met.keys() and not self.blocks(*pair)]
        ways = [way for one, other in pairs for way in ((one, other), (other, one))]
        return [f"{one} is not connected to {other}" for one, other in ways if feeds[other] not in met[one]]

    def differences(self) -> list[str]:
        """Where two linked nodes that run differ in what one of them wants; empty if all is settled."""
        found = []
        roles, states = {}, {}
        for each in self.nodes:
            if each.local is not None:
                roles[each.number] = accounts_with_roles(each.local.connection)
                states[each.number] = {state.feed: state for state in feed_states(each.local.connection)}
        for pair in self.wires.links:
            if not pair <= states.keys() or self.blocks(*pair):
                continue
            for one, other in (sorted(pair), sorted(pair, reverse=True)):
                for feed, theirs in states[other].items():
                    if roles[one].get(theirs.account, Role.NONE) is Role.NONE:
                        continue
                    lack = _lack(states[one].get(feed), theirs)
                    if lack is not None:
                        found.append(f"{one} lacks of {other} feed {short(feed)}: {lack}")
        return found


def _lack(mine: FeedState | None, theirs: FeedState) -> str | None:
    if theirs.newest is None:
        return None
    if mine is None or mine.newest is None:
        return "everything"
    if mine.fork_seq != theirs.fork_seq or mine.revoke != theirs.revoke:
        return f"a fork or revoke: {mine.fork_seq} {theirs.fork_seq}"
    if _hidden(mine) and _hidden(theirs):
        return None
    if mine.newest.end.seq < theirs.newest.end.seq:
        return f"{mine.newest.end.seq + 1} to {theirs.newest.end.seq}"
    if mine.newest.end.seq == theirs.newest.end.seq and mine.newest.end != theirs.newest.end:
        return "another branch"
    if mine.newest.before.seq > theirs.newest.before.seq:
        return f"{theirs.newest.before.seq + 1} to {mine.newest.before.seq}"
    return None


def _hidden(state: FeedState) -> bool:
    return state.fork_seq is not None or state.revoke is not None
