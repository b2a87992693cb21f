"""Who can read a sealed entry does nothing that others do not do: whoever watches a node's wires learns nothing of it.

One world is played twice with the same chance, and differs in one thing: whom Ada seals to. Source: threat P4;
protocol/content.md, "Sealing".
"""

import importlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import trio

from p2pmicro import cbor, keys
from p2pmicro.feed import content
from p2pmicro.feed.content import Content
from p2pmicro.ids import AccountId, Ref
from p2pmicro.limits import FRAME_MAX_BYTES
from p2pmicro.node.local import LocalNode
from p2pmicro.node.newpicture import NewPicture, keep_pictures, strip_pictures
from p2pmicro.sync import coding
from p2pmicro.sync.frame import FrameReader
from p2pmicro.sync.message import Asks, WantMedia
from tests.made import NOW_MS, flipped, secret
from tests.pictures import png
from tests.sim import wire
from tests.sim.schedule import run_world, settle
from tests.sim.world import SimNode, World, _where

ADA, BEN, CLEO, DORA = range(4)
EVE = secret("eve")  # a seed of nobody in this world
ANSWER_KEY, CIRCLE_KEY = secret("answers"), secret("circle")
Shape = tuple[float, int, list[Any]]
"""What was written at once: when, by which of a node's connections, and its frames with every byte string's length."""


@dataclass
class Tap:
    """Listens to all that one node writes."""

    said: list[Shape] = field(default_factory=list)
    _ends: dict[wire.End, tuple[int, FrameReader]] = field(default_factory=dict)

    def take(self, end: wire.End, data: bytes) -> None:
        place, reader = self._ends.setdefault(end, (len(self._ends), FrameReader(FRAME_MAX_BYTES)))
        reader.feed(data, 0.0)
        frames = []
        while (body := reader.next_frame(0.0)) is not None:
            frames.append((len(body), _shape(cbor.decode(body))))
        self.said.append((round(trio.current_time(), 6), place, frames))

    def kinds(self) -> set[type]:
        """The kinds of messages that it wrote."""
        kinds = {number: kind for kind, (number, _) in coding._WRITERS.items()}
        return {kinds[shape[0]] for _, _, frames in self.said for _, shape in frames}


def _shape(value: Any) -> Any:
    match value:
        case bytes():
            return f"{len(value)} bytes"
        case list():
            return [_shape(item) for item in value]
        case dict():
            return {key if isinstance(key, str | int) else _shape(key): _shape(item) for key, item in value.items()}
    return value


class _InOrder(random.Random):
    """Has trio run tasks in their order always: one task more must not change the chance of the others."""

    def random(self) -> float:
        return 0.9


@contextmanager
def tapped(number: int) -> Iterator[Tap]:
    tap = Tap()
    real = wire.End._push

    def push(end: wire.End, data: bytes) -> None:
        where = _where.get()
        if where is not None and where.number == number:
            tap.take(end, data)
        real(end, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("trio._core._run"), "_r", _InOrder())
        patch.setattr(wire.End, "_push", push)
        yield tap


# --- What Ada seals ---


@dataclass(frozen=True)
class Case:
    """What a sealed entry is made of."""

    box: bytes  # of who can read it
    account: AccountId  # theirs
    lacked: Ref  # a public message that Ben does not have
    own: Ref  # a message of Ben's
    friend: AccountId  # whom Ben is connected to


Entry = tuple[str, Content]


def _sealed(node: LocalNode, case: Case, kind: str, fields: Content, tagged: Sequence[bytes] = ()) -> Entry:
    return node.sealing.seal(node.connection, kind, fields, [] if tagged else [case.box], tagged)


def _look(node: LocalNode, *, sealed: bool) -> Content:
    ready = strip_pictures([NewPicture(png(seed=5), "for you")], sealed=sealed)
    return content.post("look", media=keep_pictures(node.connection, node.folder, ready, NOW_MS, sealed=sealed))


def _damaged(node: LocalNode, case: Case) -> list[Entry]:
    kind, whole = _sealed(node, case, "post", content.post("damaged"))
    return [
        (kind, whole | {"body": flipped(whole["body"], 99)}),
        (kind, whole | {"commit": flipped(whole["commit"], 99)}),
        (kind, whole | {"slots": [flipped(slot, 570) for slot in whole["slots"]]}),
        _sealed(node, case, "unknown", {"text": "of a later version"}),
        _sealed(node, case, "post", {"text": 7}),
    ]


Make = Callable[[LocalNode, Case], list[Entry]]
SEALED: dict[str, Make] = {
    "message": lambda n, c: [
        _sealed(n, c, "post", content.post("only for you") | {"key": ANSWER_KEY, "to": [c.account]})
    ],
    "picture": lambda n, c: [_sealed(n, c, "post", _look(n, sealed=True))],
    "quote of what the reader lacks": lambda n, c: [
        _sealed(n, c, "post", content.post("see", quote=content.ref_value(c.lacked)))
    ],
    "answer to what the reader lacks": lambda n, c: [
        _sealed(n, c, "post", content.post("no", reply=content.reply(c.lacked, c.lacked)))
    ],
    "like of the reader's": lambda n, c: [_sealed(n, c, "like", content.reaction(c.own, 1, True))],
    "mention": lambda n, c: [_sealed(n, c, "post", content.post("@Ben!", mentions=[[0, 4, c.account]]))],
    "circle's key, and what is tagged by it": lambda n, c: [
        _sealed(n, c, "circle-key", {"circle": bytes(16), "gen": 0, "key": CIRCLE_KEY}),
        _sealed(n, c, "post", content.post("for the circle"), [CIRCLE_KEY]),
    ],
    "state of another": lambda n, c: [_sealed(n, c, "state", {"items": [["block", c.friend, 1, True]]})],
    "damaged": _damaged,
    "many": lambda n, c: [_sealed(n, c, "post", content.post(f"number {number}")) for number in range(70)],
}


PUBLIC: dict[str, Make] = {
    "picture": lambda n, c: [("post", _look(n, sealed=False))],
    "quote of what the reader lacks": lambda n, c: [("post", content.post("see", quote=content.ref_value(c.lacked)))],
}


def _write(node: LocalNode, make: Make, case: Case) -> None:
    node.append(lambda _: make(node, case))


# --- The world ---


async def _play(world: World, makes: Sequence[Make], addressed: bool, tap: Tap) -> set[str]:
    """Play it, from Ada's messages on with the tap; what Ben can read of those that she sealed."""
    world.work_s, world.hops = 0.0, 1
    for pair in ((ADA, BEN), (BEN, CLEO), (ADA, DORA)):
        world.wires.join(*pair, 0.01)
    for number in range(4):
        world.nodes.append(SimNode(world, number, 0.0))
        await world.nodes[number].start()
    ada, ben, cleo, dora = world.nodes
    accounts = [await each.act(lambda local: local.account) for each in world.nodes]
    for each, followed in ((ada, (BEN, DORA)), (ben, (ADA, CLEO)), (cleo, (ADA, BEN))):
        for other in followed:
            await each.act(partial(LocalNode.follow, account=accounts[other]))
    lacked = await dora.act(partial(LocalNode.post, text="far away"))
    own = await ben.act(partial(LocalNode.post, text="hello"))
    assert await settle(world) is not None
    seed = bytes.fromhex(ben.home.seed.read_text()) if addressed else EVE
    account = accounts[BEN] if addressed else AccountId(keys.account_key(EVE).public)
    case = Case(keys.box_public(seed, 0), account, lacked, own, accounts[CLEO])

    tap.said.clear()
    for make in makes:
        await ada.act(partial(_write, make=make, case=case))
        await trio.sleep(3.0)
    await trio.sleep(120.0)
    for link in world.wires.links.values():
        link.reset()
    await trio.sleep(60.0)
    await ben.stop()
    await ada.act(lambda local: _write(local, makes[0], case))
    await ben.start()
    await trio.sleep(60.0)
    await ben.act(partial(LocalNode.post, text="good night"))
    await ada.act(partial(LocalNode.post, text="good night"))
    assert await settle(world) is not None
    assert world.faults == []
    return await ben.act(_read)


def _read(node: LocalNode) -> set[str]:
    return {message.text for one in node.inbox(500) for message in node.conversation(one.id, 500)}


def _played(seed: int, makes: Sequence[Make], addressed: bool) -> tuple[Tap, set[str]]:
    with tapped(BEN) as tap:
        texts = run_world(seed, partial(_play, makes=makes, addressed=addressed, tap=tap))
    return tap, texts


@pytest.mark.parametrize("seed", range(2))
def test_who_can_read_sends_the_same_as_who_can_not(seed: int, soak: int) -> None:
    """At the same times, over the same connections, the same but for bytes that are random or of the entries."""
    makes = [*SEALED.values()]
    random.Random(seed).shuffle(makes)
    for some in (makes, *([[one] for one in makes] if soak > 1 else ())):
        (reader, read), (other, nothing) = (_played(seed, some, addressed) for addressed in (True, False))
        if some is makes:
            assert {"only for you", "look", "see", "@Ben!", "for the circle", "number 69"} <= read
        assert nothing == set()
        assert len(reader.said) > 20
        assert reader.said == other.said


@pytest.mark.parametrize(("what", "asked"), [("picture", WantMedia), ("quote of what the reader lacks", Asks)])
def test_what_public_messages_bring_about_does_show(what: str, asked: type) -> None:
    """The tap sees what a sealed message must not bring about, where the same message is for all."""
    (sealed, _), (public, _) = (_played(1, [kinds[what]], True) for kinds in (SEALED, PUBLIC))
    assert asked in public.kinds() - sealed.kinds()
