"""What is deleted leaves every honest node, and comes back to none. Source: threats P7; protocol/feed.md, "Deletes".

Five nodes hold a message; then it is deleted while one of them is away. After the next contact and two minutes of
housework no file of any home has a word of it, and a sixth node, which comes later, never gets it.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from p2pmicro.ids import Ref, format_account
from p2pmicro.node.housework import WIPE_EVERY_S
from p2pmicro.node.local import LocalNode
from p2pmicro.node.newpicture import NewPicture
from tests.pictures import png
from tests.sim.schedule import run_world, settle
from tests.sim.world import SimNode, World

MARKER = "qzxjquokkaqzxj"
"""Lower case, and like no other word: the index folds words, and leaves out what one shares with the one before it."""
HOLDERS, AUTHOR, AWAY, LATE = 5, 0, 3, 5

Say = Callable[[LocalNode], Ref]
"""Says the marker somehow; the ref of the entry that has it."""


def as_post(node: LocalNode) -> Ref:
    return node.post(f"Have you seen the {MARKER}?")


def as_reply(node: LocalNode) -> Ref:
    return node.reply(node.post("Which animal is that?"), f"It is a {MARKER}.")


def as_quote(node: LocalNode) -> Ref:
    return node.quote(node.post("Which animal is that?"), f"It is a {MARKER}.")


def as_profile(node: LocalNode) -> Ref:
    ref = node.profile(name=MARKER, bio=f"I am a {MARKER}.", avatar=png(seed=1))
    node.profile(name="Ada", bio="On the hills", avatar=b"")
    return ref


def as_picture(node: LocalNode) -> Ref:
    return node.post("Look", [NewPicture(png(seed=2), f"A {MARKER} in a tree")])


def as_draft(node: LocalNode) -> Ref:
    return node.post_draft(node.save_draft(f"Have you seen the {MARKER}?").number)


def as_earlier_wording(node: LocalNode) -> Ref:
    return node.post("Have you seen it?", replace=node.post(f"Have you seen the {MARKER}?"))


def as_sealed(node: LocalNode) -> Ref:
    """To all those who hold it; its picture is encrypted."""
    friends = [format_account(person.account) for person in node.following()]
    return node.post(f"Have you seen the {MARKER}?", [NewPicture(png(seed=3), f"A {MARKER}")], to=friends)


def as_sealed_answer(node: LocalNode) -> Ref:
    friends = [format_account(person.account) for person in node.following()]
    return node.reply(node.post("Which animal is that?", to=friends), f"It is a {MARKER}.")


def files_with(home: Path, text: str) -> list[str]:
    """The files below a folder that have a text, or the most of it, in them."""
    needle = text[2:].encode()
    return [path.name for path in sorted(home.rglob("*")) if path.is_file() and needle in path.read_bytes().lower()]


async def _delete_everywhere(world: World, say: Say) -> tuple[dict[str, list[str]], list[bytearray]]:
    """Play it; the files in which the marker is found in the end, and all that went over wires since the delete."""
    for number in range(LATE + 1):
        world.nodes.append(SimNode(world, number, 0.0))
        for other in range(number):
            world.wires.join(number, other, world.draw.choice((0.0, 0.01, 0.3)))
    holders, author, away, late = world.nodes[:LATE], world.nodes[AUTHOR], world.nodes[AWAY], world.nodes[LATE]
    for each in holders:
        await each.start()
    accounts = [await each.act(lambda local: local.account) for each in holders]
    for each in holders:
        for account in accounts:
            if account != accounts[each.number]:
                await each.act(partial(LocalNode.follow, account=account))
    assert await settle(world) is not None
    ref = await author.act(say)
    assert await settle(world) is not None
    if say is not as_earlier_wording:
        for each in holders:
            assert files_with(each.home.path, MARKER), "everybody holds it before it is deleted"

    await away.stop()
    await author.act(partial(LocalNode.delete, ref=ref))
    assert await settle(world) is not None
    sent: list[bytearray] = []
    for link in world.wires.links.values():
        link.sent = sent
        link.reset()
    await away.start()
    assert await settle(world) is not None
    await late.start()
    await late.act(partial(LocalNode.follow, account=accounts[AUTHOR]))
    assert await settle(world) is not None
    await trio.sleep(2 * WIPE_EVERY_S)
    for each in world.nodes:  # and no picture is left that was posted with it
        assert await each.act(lambda local: local.folder.names()) == []
    folders = [folder for each in world.nodes for folder in (each.home.path, each.home.state)]
    return {folder.name: found for folder in folders if (found := files_with(folder, MARKER))}, sent


SAYINGS = (
    as_post,
    as_reply,
    as_quote,
    as_profile,
    as_picture,
    as_draft,
    as_earlier_wording,
    as_sealed,
    as_sealed_answer,
)


@pytest.mark.parametrize("say", SAYINGS)
@pytest.mark.parametrize("seed", range(2))
def test_deleted_text_is_in_no_file_of_any_node(say: Say, seed: int) -> None:
    found, sent = run_world(seed, partial(_delete_everywhere, say=say))
    assert found == {}
    assert sum(map(len, sent)) > 10_000
    assert not [one for one in sent if MARKER.encode() in one]


async def _delete_twice_and_then_be_quiet(world: World) -> int:
    world.nodes.append(SimNode(world, 0, 0.0))
    (each,) = world.nodes
    await each.start()
    for _ in range(2):
        ref = await each.act(as_post)
        await each.act(partial(LocalNode.delete, ref=ref))
        await trio.sleep(WIPE_EVERY_S / 4)
    await trio.sleep(2 * WIPE_EVERY_S)
    return (await each.act(LocalNode.status)).erasures_pending


def test_deleted_soon_after_another_it_is_wiped_though_nothing_else_happens() -> None:
    assert run_world(0, _delete_twice_and_then_be_quiet) == 0
