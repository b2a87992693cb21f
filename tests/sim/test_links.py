"""What links between honest nodes may be like: narrow, and full both ways."""

import trio

from p2pmicro.feed import content
from tests.sim.schedule import run_world, settle
from tests.sim.world import SimNode, World
from tests.texts import message

_LONG = "漢" * 130  # 390 bytes


async def _two_with_much_to_say(world: World, bytes_per_s: float) -> float | None:
    """Two nodes with 3,000 messages each, 1.2 MB, who follow each other before they meet."""
    world.wires.join(0, 1, 0.01)
    (link,) = world.wires.links.values()
    link.bytes_per_s = bytes_per_s
    link.set_hanging(True)
    world.nodes += [SimNode(world, 0, 0.0), SimNode(world, 1, 0.0)]
    accounts = []
    for each in world.nodes:
        await each.start()
        assert each.local is not None
        each.local.append(lambda connection: [("post", content.post(_LONG + message(at)[:10])) for at in range(3000)])
        accounts.append(each.local.account)
    for each, account in zip(world.nodes, reversed(accounts), strict=True):
        assert each.node is not None
        await each.node.follow(account)
    link.set_hanging(False)
    return await settle(world)


def _settled(bytes_per_s: float) -> tuple[float | None, list[str]]:
    async def story(world: World) -> tuple[float | None, list[str]]:
        return await _two_with_much_to_say(world, bytes_per_s), [line for line in world.trace if "ends" in line]

    return run_world(1, story)


def test_two_who_both_have_much_to_say_do_not_wait_for_each_other() -> None:
    settled, ended = _settled(10e6)
    assert not ended
    assert settled is not None
    assert settled < 10


def test_long_answer_over_a_slow_link_is_no_stall() -> None:
    settled, ended = _settled(16_000)  # 128 kbit/s
    assert not ended
    assert settled is not None
    assert settled < 120  # 1.2 MB each way take 75 s


def test_two_who_dial_each_other_at_once_keep_one_session() -> None:
    async def story(world: World) -> list[int]:
        world.wires.join(0, 1, world.draw.choice((0.0, 0.001, 0.05)))
        world.nodes += [SimNode(world, 0, 0.0), SimNode(world, 1, 0.0)]
        for each in world.nodes:
            await each.start()
        await trio.sleep(2)
        before = await _sessions(world)
        await world.nodes[0].stop()  # and once more after one has come back
        await world.nodes[0].start()
        await trio.sleep(3)
        return before + await _sessions(world)

    assert [run_world(seed, story) for seed in range(20)] == [[1, 1, 1, 1]] * 20


async def _sessions(world: World) -> list[int]:
    """How many sessions each node is in, open or not."""
    found = []
    for each in world.nodes:
        assert each.node is not None
        found.append(sum(peer.state != "away" for peer in await each.node.peers()))
    return found
