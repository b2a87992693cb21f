"""No silent holes: every reply that is shown has what it answers, as soon as any connected peer has that.

Made-up people follow each other at random, and their nodes ask for nobody else (hops: 1). They answer, quote, like,
pass on and delete what they see, while links fail and nodes stop. When all is mended, the feeds have settled and
all who are linked are connected, each node must, a moment later, show what each reply that it shows answers, if one of
those that it is linked with can.
"""

from contextlib import suppress
from functools import partial
from random import Random

import pytest
import trio

from p2pmicro.errors import LocalError
from p2pmicro.ids import Ref
from p2pmicro.limits import EXCERPT_STEPS_MAX
from p2pmicro.node.local import LocalNode
from p2pmicro.store.db import transaction
from p2pmicro.store.effects import deleter_of
from p2pmicro.store.feeds import feed_state
from p2pmicro.store.verify import verify
from p2pmicro.views.message import find, load
from p2pmicro.views.rebuild import rebuild
from tests.sim.playing import check_schedules
from tests.sim.schedule import Played, run_world, settle
from tests.sim.world import SETTLE_MAX_S, SimNode, World

SCHEDULES = 24
MOMENT_S = 10.0  # some round trips of 0.3 s a step, for a few steps up a thread
_STORED = ("replies", "refs", "reactions")


def play(seed: int) -> Played:
    """Play the schedule of a seed."""
    return run_world(seed, partial(_play, seed))


async def _play(seed: int, world: World) -> Played:
    draw = world.draw
    world.hops = 1
    count = draw.choice((4, 5, 6, 7, 8))
    for number in range(count):
        world.nodes.append(SimNode(world, number, draw.choice((0.0, 0.0, 1.0, -3600.0))))
        for other in draw.sample(range(number), min(number, draw.choice((1, 1, 2)))):
            world.wires.join(number, other, draw.choice((0.0, 0.01, 0.3)))
    for each in world.nodes:
        await each.start()
    accounts = [await each.act(lambda local: local.account) for each in world.nodes]
    for each in world.nodes:
        others = [account for number, account in enumerate(accounts) if number != each.number]
        for account in draw.sample(others, draw.randint(1, min(3, len(others)))):
            await each.act(partial(LocalNode.follow, account=account))
    refs: list[Ref] = []
    for _ in range(draw.randint(20, 60)):
        await trio.sleep(draw.choice((0.0, 0.3, 2.0, draw.uniform(0, 10))))
        await _event(world, refs)
    for link in world.wires.links.values():
        link.set_hanging(False)
    for each in world.nodes:
        if each.node is None:
            await each.start()
    world.note("all is mended")
    settled = await settle(world)
    if settled is not None:
        apart = world.apart()
        with trio.move_on_after(SETTLE_MAX_S):
            while apart:
                await trio.sleep(0.5)
                apart = world.apart()
        lacking = apart or _lacking(world)
        with trio.move_on_after(MOMENT_S):
            while lacking:
                await trio.sleep(0.5)
                lacking = _lacking(world)
        world.faults += lacking
        for each in world.nodes:
            world.faults += _judge(each)
    return Played(seed, count, settled, world.faults, world.trace)


async def _event(world: World, refs: list[Ref]) -> None:
    """Somebody does something, or something fails."""
    draw = world.draw
    each = draw.choice(world.nodes)
    link = world.wires.links[draw.choice(sorted(world.wires.links, key=sorted))]
    match draw.choice(("post", "post", *("reply",) * 6, "quote", "like", "repost", "delete", "reset", "hang", "stop")):
        case "reset":
            link.reset()
        case "hang":
            link.set_hanging(not link.hangs)
        case "stop" if each.node is not None:
            await each.stop()
        case "stop":
            await each.start()
        case deed if each.local is not None:
            await each.act(partial(_do, deed, draw, refs))


def _do(deed: str, draw: Random, refs: list[Ref], local: LocalNode) -> None:
    """Do something with a message that the person sees, mostly a late one."""
    shown = find(local.connection, refs[-30:])
    seen = [ref for ref in refs[-30:] if ref in shown]
    if deed == "post" or not seen:
        refs.append(local.post(f"message {len(refs)}"))
        return
    ref = draw.choice(seen)
    match deed:
        case "reply":
            refs.append(local.reply(ref, f"answer {len(refs)}"))
        case "quote":
            refs.append(local.quote(ref, f"see {len(refs)}"))
        case "like":
            local.like(ref)
        case "repost":
            local.repost(ref)
        case "delete":
            with suppress(LocalError):  # somebody else's
                local.delete(ref)


def _lacking(world: World) -> list[str]:
    """What nodes lack of what they refer to, and could have of one that they are linked with."""
    found = []
    for each in world.nodes:
        assert each.local is not None
        peers = [world.nodes[other].local for other in world.wires.neighbours(each.number)]
        for ref in _referred_to(each.local):
            if _is_deleted(each.local, ref) or find(each.local.connection, [ref]):
                continue
            if any(peer is not None and find(peer.connection, [ref]) for peer in peers):
                found.append(f"{each.number} lacks what a message answers: {ref.feed.hex()[:6]} {ref.seq}")
    return found


def _referred_to(local: LocalNode) -> list[Ref]:
    """What the messages that a node shows answer or quote, but for the last that is asked for up a thread."""
    rows = local.connection.execute(
        "SELECT key FROM entries UNION SELECT key FROM excerpts WHERE steps < ?", (EXCERPT_STEPS_MAX,)
    )
    keys = [key for (key,) in rows]
    messages = [one for at in range(0, len(keys), 500) for one in load(local.connection, keys[at : at + 500])]
    return [ref for one in messages for ref in (one.parent, one.quote) if ref is not None]


def _is_deleted(local: LocalNode, ref: Ref) -> bool:
    state = feed_state(local.connection, ref.feed)
    return state is not None and deleter_of(local.connection, state, ref) is not None


def _judge(each: SimNode) -> list[str]:
    """All that a node holds is whole, and what it made of it is what `rebuild` makes."""
    assert each.local is not None
    local = each.local
    faults = verify(local.connection, lambda done, total: None)
    with transaction(local.connection):
        before = [local.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() for table in _STORED]
        rebuild(local.connection, local.views, lambda done, total: None)
        after = [local.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() for table in _STORED]
    for table, old, new in zip(_STORED, before, after, strict=True):
        if old != new:
            faults.append(f"{table} is not what rebuild gives")
    return [f"{each.number}: {fault}" for fault in faults]


def test_every_visible_reply_has_what_it_answers(request: pytest.FixtureRequest) -> None:
    check_schedules(request.config, play, SCHEDULES, "tests/sim/test_excerpts.py")
