"""One schedule of a small world: drawn, played and judged."""

import logging
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio
import trio.testing

from p2pmicro.node.node import NetworkNode
from p2pmicro.node.roles import refresh_interest
from p2pmicro.store.db import transaction
from p2pmicro.store.verify import verify
from p2pmicro.views.rebuild import rebuild
from tests.sim.world import SETTLE_MAX_S, SimNode, World, determined
from tests.texts import message

T = TypeVar("T")
_LOOK_EVERY_S = 2.0
_EVENTS = ("post",) * 8 + ("follow", "follow", "unfollow", "profile", "reset", "hang", "hang", "stop", "part")
_VIEWS = ("home", "nearby", "profiles", "follows", "stated", "tallies")


@dataclass(frozen=True)
class Played:
    """What became of a schedule."""

    seed: int
    nodes: int
    settled_s: float | None  # after everything was mended; None: never
    faults: list[str]
    trace: list[str]


def run_world(seed: int, story: Callable[[World], Awaitable[T]]) -> T:
    """Run a story in a new world, whose homes lie in memory where there is a folder for that."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder, determined(seed):
        return trio.run(_run_world, seed, Path(folder), story, clock=trio.testing.MockClock(autojump_threshold=0))


async def _run_world(seed: int, folder: Path, story: Callable[[World], Awaitable[T]]) -> T:
    logger = logging.getLogger("p2pmicro")
    level = logger.level
    async with trio.open_nursery() as nursery:
        world = World(seed, folder, nursery)
        logger.addHandler(world)
        logger.setLevel(logging.DEBUG)
        try:
            result = await story(world)
        finally:
            logger.removeHandler(world)
            logger.setLevel(level)
        nursery.cancel_scope.cancel()
    return result


def play(seed: int) -> Played:
    """Play the schedule of a seed."""
    return run_world(seed, partial(_play, seed))


async def _play(seed: int, world: World) -> Played:
    await _begin(world)
    await _turmoil(world)
    await _mend(world)
    settled = await settle(world)
    if settled is not None:
        await _judge(world)
    return Played(seed, len(world.nodes), settled, world.faults, world.trace)


async def _begin(world: World) -> None:
    """Draw people, links and follows; some join later."""
    draw = world.draw
    count = draw.choice((3, 3, 4, 4, 5, 5, 6, 7, 8))
    every = draw.random() < 0.3  # everybody is linked with everybody
    for number in range(count):
        others = list(range(number))
        linked = others if every else draw.sample(others, min(number, draw.choice((1, 1, 2))))
        for other in linked:
            world.wires.join(number, other, draw.choice((0.0, 0.002, 0.05, 0.3)))
        wrong = draw.choice((0.0, 0.0, 1.0, -3600.0, 10 * 365 * 86400.0, -10 * 365 * 86400.0))
        world.nodes.append(SimNode(world, number, wrong))
    early = max(2, count - draw.choice((0, 0, 1, 2)))
    for each in world.nodes[:early]:
        await each.start()


async def _turmoil(world: World) -> None:
    """Some dozens of events, a while apart."""
    draw = world.draw
    await _follow_some(world, range(sum(each.node is not None for each in world.nodes)))
    for _ in range(draw.randint(10, 40)):
        await trio.sleep(draw.choice((0.0, 0.01, 0.3, 2.0, draw.uniform(0, 20))))
        await _event(world)


async def _follow_some(world: World, numbers: range) -> None:
    draw = world.draw
    known = [each for each in world.nodes if each.home.seed.exists()]
    for number in numbers:
        me = world.nodes[number]
        for other in draw.sample(known, min(len(known), draw.randint(1, 3))):
            if other is not me and other.local is not None:
                account = other.local.account
                await me.do(partial(NetworkNode.follow, account=account))
                world.note(f"{number} follows {other.number}")


async def _event(world: World) -> None:
    draw = world.draw
    link_name = draw.choice(sorted(world.wires.links, key=sorted))
    link = world.wires.links[link_name]
    each = draw.choice(world.nodes)
    match draw.choice(
        ("post",) * 8 + ("follow", "follow", "unfollow", "profile", "reset", "hang", "hang", "stop", "part")
    ):
        case "post" if each.node is not None:
            for _ in range(draw.choice((1, 1, 1, 5, 70))):
                each.posts += 1
                text = message(1000 * each.number + each.posts)
                await each.do(partial(NetworkNode.post, text=text))
            world.note(f"{each.number} posts, {each.posts} by now")
        case "follow" if each.node is not None:
            await _follow_some(world, range(each.number, each.number + 1))
        case "unfollow" if each.local is not None:
            followed = each.local.following()
            if followed:
                account = draw.choice(followed).account
                await each.do(partial(NetworkNode.unfollow, account=account))
                world.note(f"{each.number} unfollows one")
        case "profile" if each.node is not None:
            await each.do(partial(NetworkNode.profile, name=f"N{each.number}", bio=str(each.posts)))
        case "reset":
            link.reset()
            world.note(f"link {sorted(link_name)} is reset")
        case "hang":
            link.set_hanging(not link.hangs)
            world.note(f"link {sorted(link_name)} {'hangs' if link.hangs else 'goes on'}")
        case "part":
            side = {one.number for one in world.nodes if draw.random() < 0.5}
            for pair, cut in world.wires.links.items():
                cut.set_hanging(len(pair & side) == 1)
            world.note(f"only {sorted(side)} are with each other")
        case "stop":
            if each.node is None:
                await each.start()
                world.note(f"{each.number} begins")
            else:
                await each.stop()
                world.note(f"{each.number} stops")


async def _mend(world: World) -> None:
    for link in world.wires.links.values():
        link.set_hanging(False)
    for each in world.nodes:
        if each.node is None:
            await each.start()
    world.note("all is mended")


async def settle(world: World) -> float | None:
    """Wait until all agree, and still do a while later."""
    begun = trio.current_time()
    while (passed := trio.current_time() - begun) < SETTLE_MAX_S:
        if not world.differences():
            await trio.sleep(_LOOK_EVERY_S)  # what is under way may change what is wanted
            if not world.differences():
                return passed
        await trio.sleep(_LOOK_EVERY_S)
    for line in world.differences():
        world.note(line)
    return None


async def _judge(world: World) -> None:
    """Everything held is whole, nothing depends on the order in which it came, and no two sessions go to one peer."""
    for each in world.nodes:
        assert each.local is not None
        assert each.node is not None
        connection = each.local.connection
        world.faults += [f"{each.number}: {fault}" for fault in verify(connection, lambda done, total: None)]
        peers = [peer.feed for peer in await each.node.peers() if peer.state == "connected"]
        if len(peers) != len(set(peers)):
            world.faults.append(f"{each.number} has two sessions with one peer")
        if each.node.trouble is not None:
            world.faults.append(f"{each.number}: {each.node.trouble}")
        if each.local.height() < each.posts:
            world.faults.append(f"{each.number} has lost own entries")
        with transaction(connection):
            if refresh_interest(connection, each.local.views, each.local.account, each.local.feed, bytes):
                world.faults.append(f"{each.number} wants others than it should")
        before = [connection.execute(f"SELECT * FROM {table}").fetchall() for table in _VIEWS]
        rebuild(connection, each.local.views, lambda done, total: None)
        after = [connection.execute(f"SELECT * FROM {table}").fetchall() for table in _VIEWS]
        for table, old, new in zip(_VIEWS, before, after, strict=True):
            if old != new:
                world.faults.append(f"{each.number}: {table} is not what rebuild gives: {len(old)} rows, {len(new)}")
