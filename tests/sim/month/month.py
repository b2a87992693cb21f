"""Twelve people, thirty days, one seed: drawn, played and judged."""

from functools import partial

import trio

from p2pmicro.node.housework import WIPE_EVERY_S
from p2pmicro.node.local import LocalNode
from tests.sim.month import deeds
from tests.sim.month.deeds import DEEDS, Month
from tests.sim.month.judge import judge
from tests.sim.month.shown import complete
from tests.sim.schedule import Played, run_world, settle
from tests.sim.world import SimNode, World

PEOPLE, DAYS = 12, 30
DAY_S = 86_400
_LINKS_MAX = 7  # a node has places for 8: in a month nobody has to wait for one
_EARLY = 8  # people who are there on the first day
_LIVED_S = 20.0  # of a day on the nodes' monotonic clock: the rest of it is night


def play_month(seed: int) -> Played:
    """Play the month of a seed."""
    return run_world(seed, partial(_play, seed))


async def _play(seed: int, world: World) -> Played:
    month = Month(world)
    await _begin(month)
    for day in range(DAYS):
        await _day(month, day)
    await _mend(month)
    settled = await settle(world)
    faults = world.faults
    if settled is not None:
        await trio.sleep(2 * WIPE_EVERY_S)
        faults = faults + await judge(month)
        await _all_follow_all(month)
        if await settle(world) is None:
            faults.append("those who all follow each other do not come to agree")
        await trio.sleep(2 * WIPE_EVERY_S)
        faults += [*await judge(month), *complete(month)]
    return Played(seed, len(world.nodes), settled, faults, world.trace)


async def _begin(month: Month) -> None:
    """Two villages with a road between them; most of the people are there, and follow some of the others."""
    world, draw = month.world, month.draw
    for number in range(PEOPLE):
        free = [other for other in range(number) if len(world.wires.neighbours(other)) < _LINKS_MAX]
        neighbours = [other for other in free if other % 2 == number % 2] or free
        for other in draw.sample(neighbours, min(len(neighbours), draw.choice((1, 2, 2, 3)))):
            world.wires.join(number, other, draw.choice((0.0, 0.002, 0.05, 0.3)))
        wrong = draw.choice((0.0, 0.0, 0.0, 1.0, -3600.0, 40.0 * DAY_S))
        world.nodes.append(SimNode(world, number, wrong))
    for each in world.nodes[:_EARLY]:
        await _start(month, each)
    for each in world.nodes[:_EARLY]:
        await _follow_some(month, each)


async def _day(month: Month, day: int) -> None:
    """Some deeds, and then the clocks go on to the next morning."""
    draw = month.draw
    for each in month.world.nodes:
        if each.local is None and draw.random() < 0.6:
            await _start(month, each)
    for _ in range(draw.randint(5, 14)):
        await trio.sleep(draw.choice((0.0, 0.0, 0.05, 0.5, draw.uniform(0, _LIVED_S / 4))))
        awake = month.running()
        if awake:
            (deed,) = draw.choices(list(DEEDS), list(DEEDS.values()))
            await _do(month, draw.choice(awake), deed)
    for each in month.world.nodes:
        each.clock_error_s += DAY_S
    month.world.note(f"day {day + 1} is over")


async def _do(month: Month, each: SimNode, deed: deeds.Deed) -> None:
    done = await deed(month, each)
    if done is not None:
        month.world.note(f"{each.number} {done}")


async def _start(month: Month, each: SimNode) -> None:
    await each.start()
    month.world.note(f"{each.number} starts")
    if each.number not in month.accounts:
        month.accounts[each.number] = await each.act(lambda local: local.account)
        await _follow_some(month, each)


async def _follow_some(month: Month, each: SimNode) -> None:
    for _ in range(month.draw.randint(1, 3)):
        await _do(month, each, deeds.follow)


async def _mend(month: Month) -> None:
    await deeds.join(month, month.world.nodes[0])
    for each in month.world.nodes:
        if each.local is None:
            await _start(month, each)
    month.world.note("all is mended")


async def _all_follow_all(month: Month) -> None:
    for each in month.world.nodes:
        for muted in await each.act(LocalNode.mutes):
            await each.act(partial(LocalNode.unmute, what=muted))
        for blocked in await each.act(LocalNode.blocked):
            await each.act(partial(LocalNode.unblock, account=blocked))
        for number, account in month.accounts.items():
            if number != each.number:
                await each.act(partial(LocalNode.follow, account=account))
    month.world.note("everybody follows everybody")
