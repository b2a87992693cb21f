"""A block ends sessions at once, and none begins. Source: threats W14, G13."""

import trio

from p2pmicro.store.feeds import feeds_of
from tests.sim.schedule import run_world, settle
from tests.sim.world import SimNode, World


async def _connected(node: SimNode) -> list[str]:
    assert node.node is not None
    return [peer.state for peer in await node.node.peers() if peer.state != "away"]


async def _story(world: World) -> list[object]:
    world.wires.join(0, 1, 0.01)
    world.nodes += [SimNode(world, 0, 0.0), SimNode(world, 1, 0.0)]
    for each in world.nodes:
        await each.start()
    alice, spammer = world.nodes
    assert alice.node is not None
    assert alice.local is not None
    assert spammer.node is not None
    assert spammer.local is not None
    account = spammer.local.account
    await alice.node.follow(account)
    await spammer.node.post("buy")
    found: list[object] = [await settle(world) is not None, await _connected(alice), await _connected(spammer)]

    await alice.node.block(account)
    await trio.sleep(1.0)
    found += [await _connected(alice), await _connected(spammer)]
    sessions = 0
    for _ in range(300):  # both go on trying; nothing comes of it
        await trio.sleep(1.0)
        sessions += (await _connected(alice)).count("connected")  # and not "connecting": who it is, hello tells
    found += [sessions, feeds_of(alice.local.connection, account)]

    await alice.node.unblock(account)
    await spammer.node.post("hello again")
    found += [await settle(world) is not None, [m.text for m in await alice.node.timeline()]]
    return found


def test_sessions_end_within_a_second_and_none_begins_until_the_block_is_lifted() -> None:
    for seed in range(3):
        found = run_world(seed, _story)
        assert found == [True, ["connected"], ["connected"], [], [], 0, [], True, ["hello again", "buy"]], seed
