"""Whatever a peer does, it ends its own session at most. Source: threats.md, W6 to W8, W12, G3, G7 and G9.

One node runs over real TLS and goes on hearing from a friend, while strangers do what they should not.
"""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

from p2pmicro import cbor
from p2pmicro.errors import RemoteError
from p2pmicro.feed import content
from p2pmicro.feed.chain import Range
from p2pmicro.feed.device import DeviceProof
from p2pmicro.feed.wire import parse_device_proof
from p2pmicro.ids import EntryId, FeedId, parse_account, parse_feed
from p2pmicro.keys import PrivateKey
from p2pmicro.limits import FRAME_MAX_BYTES, SEQ_MAX, SESSIONS_MAX, WANT_MAX_ITEMS, WANT_QUEUE_MAX
from p2pmicro.net.tls import issue_credentials, new_network_key
from p2pmicro.node import node as node_module
from p2pmicro.node.offline import Node
from p2pmicro.node.replicate import Replicator
from p2pmicro.node.talk import Talk
from p2pmicro.sync.coding import encode_message
from p2pmicro.sync.frame import frame
from p2pmicro.sync.message import (
    AskIds,
    Gone,
    Have,
    HaveItem,
    Hello,
    Ids,
    Interest,
    Message,
    Ping,
    Pong,
    RangeGiven,
    Want,
    Wants,
    make_hello,
)
from tests.made import MadeFeed, flipped
from tests.net.hostile import EPOCH, SALT, Stranger, eventually, kept_of_strangers, lives, victim_and_friend
from tests.sim.schedule import run_world
from tests.sim.world import SimNode, World
from tests.vectors.form import FOLDER, load_hex

Two = tuple[Node, Node]
_MIB = 1 << 20


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """A node under attack and its friend."""
    async with victim_and_friend(tmp_path) as both:
        yield both


def stranger(number: int, count: int = 3) -> MadeFeed:
    """Somebody with a feed of a few entries."""
    return MadeFeed(count, name=f"stranger {number}", account=f"stranger {number}")


def rss_bytes() -> int:
    """The memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# --- Who is let in ---


async def test_peer_of_another_network_gets_nothing(two: Two) -> None:
    victim, friend = two
    other = issue_credentials(new_network_key())
    try:
        async with await Stranger.dial(victim.listening[0], stranger(0), other) as peer:
            assert await peer.receive() is None
    except RemoteError:
        pass  # told in the handshake already
    await lives(victim, friend)


@pytest.mark.parametrize("version", [0, 2, "1", None, -1])
async def test_peer_of_another_version_is_told_so(two: Two, version: object) -> None:
    victim, friend = two
    async with await Stranger.dial(victim.listening[0], stranger(0)) as peer:
        await peer.receive()
        fields = cbor.encode({"v": version, "feed": peer.made.feed, "epoch": EPOCH, "caps": []})  # type: ignore[dict-item]
        await peer.send_body(cbor.encode([0, fields, bytes(64)]))
        assert await peer.ending() == "remote.auth"
    await lives(victim, friend)


async def test_hello_counts_in_its_own_session_alone(two: Two) -> None:
    victim, friend = two
    made = stranger(0)
    async with await Stranger.dial(victim.listening[0], made) as first:
        hello = make_hello(made.key, True, first.certificates, EPOCH, frozenset(), made.proof)
        async with await Stranger.dial(victim.listening[0], made) as second:
            theirs = await second.receive()
            assert isinstance(theirs, Hello)
            await second.send(hello)  # relayed
            assert await second.ending() == "remote.auth"
        async with await Stranger.dial(victim.listening[0], made) as third:
            await third.send(theirs)  # reflected
            await third.receive()
            assert await third.ending() in ("remote.auth", "remote.state")
    await lives(victim, friend)


# --- Who floods ---


async def test_more_wants_than_may_wait_end_the_session(two: Two) -> None:
    victim, friend = two
    async with await Stranger.dial(victim.listening[0], stranger(0)) as peer:
        await peer.meet()
        wants = [Wants([Want(n, victim.feed, 1, SEQ_MAX, None)] * WANT_MAX_ITEMS) for n in range(20)]
        assert WANT_MAX_ITEMS * len(wants) > WANT_QUEUE_MAX
        await peer.send(*wants)
        with trio.fail_after(5):  # and not as a stall, much later
            assert await peer.ending() == "remote.limit"
    await lives(victim, friend)


def _floods(peer: Stranger, victim: Node) -> dict[str, list[Message]]:
    """A few messages of each kind that could be sent for ever."""
    item = HaveItem(FeedId(bytes(32)), peer.made.account, 1, [(1, 1, 9)], bytes(16))
    seqs = list(range(1, 65))
    return {
        "pings": [Ping()] * 1000,
        "asks": [AskIds(victim.feed, seqs)] * 100,
        "interests": [Interest(b"version1", b"version1", None, [bytes(16)], [])] * 100,
        "haves": [Have([item] * 256)] * 10,
        "ranges": [RangeGiven(None, stranger(7, 60).range(1, 60))] * 100,
        "full interests": [Interest(None, b"version1", SALT, [n.to_bytes(16) for n in range(9000)], [])] * 2,
    }


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("kind", ["pings", "asks", "interests", "haves", "ranges", "full interests"])
async def test_flood_that_is_not_read_keeps_memory_flat(two: Two, kind: str) -> None:
    victim, friend = two
    async with await Stranger.dial(victim.listening[0], stranger(0)) as peer:
        await peer.meet()
        data = b"".join(frame(encode_message(message)) for message in _floods(peer, victim)[kind])
        before = rss_bytes()
        with trio.move_on_after(1), suppress(trio.BrokenResourceError):
            while True:
                await peer.connection.stream.send_all(data)
        await lives(victim, friend)
        assert rss_bytes() - before < 24 * _MIB
    assert not await kept_of_strangers(victim, friend)
    await lives(victim, friend)


# --- Who lies ---


def vectors_key(name: str) -> tuple[FeedId, PrivateKey]:
    """A feed of the test vectors and its public secret."""
    known = json.loads((FOLDER / "keys.json").read_text())
    one = next(item for item in known["feeds"] if item["name"] == name)
    return FeedId(bytes.fromhex(one["public"])), PrivateKey(bytes.fromhex(one["secret"]))


def vector(name: str) -> dict[str, Any]:
    """One file of protocol/vectors."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


FEED_A, KEY_A = vectors_key("feed_a")
ACCOUNT_A = parse_account(vector("device/good_expected")["given"]["account"])
PROOF_A = parse_device_proof(cbor.decode(load_hex(vector("device/good_expected")["hex"])))


def offer(last: int, proof: DeviceProof = PROOF_A) -> Have:
    """Says that all entries up to `last` of vectors' feed A can be had."""
    return Have([HaveItem(FEED_A, ACCOUNT_A, 1, [(1, 1, last)], bytes(16), proof)], 1, b"version1")


async def test_answers_that_nobody_asked_for_end_the_session(two: Two) -> None:
    victim, friend = two
    made = stranger(9)
    unasked: list[Message] = [
        RangeGiven(77, made.range(1, 3)),
        Gone(77),
        Ids(made.feed, [(1, EntryId(bytes(32)))]),
        Interest(b"anything", b"version2", None, [], []),
    ]
    for number, message in enumerate(unasked):
        async with await Stranger.dial(victim.listening[0], stranger(number)) as peer:
            await peer.meet()
            await peer.send(message)
            assert await peer.ending() == "remote.state"
    assert not await kept_of_strangers(victim, friend)
    await lives(victim, friend)


async def test_false_head_brings_its_teller_a_few_questions_and_no_more(two: Two) -> None:
    victim, friend = two
    await victim.follow(ACCOUNT_A)
    async with await Stranger.dial(victim.listening[0], stranger(0)) as peer:
        await peer.meet()
        asked = 0
        await peer.send(offer(SEQ_MAX))
        wants = await peer.until(Wants)
        while isinstance(wants, Wants):
            asked += len(wants.items)
            await peer.send(*(Gone(want.number) for want in wants.items))
            await peer.send(Ping())
            found = await peer.receive()
            while not isinstance(found, Wants | Pong):
                assert found is not None
                found = await peer.receive()
            wants = found
        assert asked < 1000
        await peer.send(offer(5))  # it is still heard
        await peer.until(Wants)
    assert not await kept_of_strangers(victim, friend)
    await lives(victim, friend)


async def test_wrong_answers_are_not_stored(two: Two) -> None:
    victim, friend = two
    await victim.follow(ACCOUNT_A)
    good = vector("range/from_start") if (FOLDER / "range" / "from_start.json").exists() else None
    assert good is None or good["expect"] == "ok"
    made = stranger(9)
    whole = made.range(1, 3)
    wrong = {
        "another feed": whole,
        "a wrong head": Range(FEED_A, whole.before, [PROOF_A.payload], {1: flipped(PROOF_A.head, 7)}),
        "a wrong payload": Range(FEED_A, whole.before, [b"\x80"], {1: PROOF_A.head}),
    }
    for number, (what, given) in enumerate(wrong.items()):
        async with await Stranger.dial(victim.listening[0], stranger(number)) as peer:
            await peer.meet()
            await peer.send(offer(1))
            wants = await peer.until(Wants)
            assert isinstance(wants, Wants)
            await peer.send(RangeGiven(wants.items[0].number, given))
            if what != "another feed":  # which is no crime, but no use either
                assert (await peer.ending() or "").startswith("entry."), what
        assert not await kept_of_strangers(victim, friend)
    await lives(victim, friend)


# --- Every faulty vector, over the wire ---


def faulty(folder: str) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each file of a folder with a fault that shows by itself."""
    for path in sorted((FOLDER / folder).glob("*.json")):
        found = json.loads(path.read_text())
        if found["expect"] != "ok" and "end" not in found.get("given", {}):
            yield found, load_hex(found["hex"])


def array_head(count: int) -> bytes:
    """How a CBOR array of a few items begins."""
    return bytes((0x80 | count,))


def have_with(key: str, raw: bytes, feed: FeedId = FEED_A, account: bytes = ACCOUNT_A) -> bytes:
    """A have whose one item has raw bytes beside it."""
    values: list[cbor.Value] = [feed, account, 1, [[1, 1, 1]], bytes(16)]
    head = b"".join(cbor.encode(value) for value in values)
    item = array_head(6) + head + b"\xa1" + cbor.encode(key) + raw
    return array_head(4) + b"\x03" + array_head(1) + item + b"\x01" + cbor.encode(b"version1")


def cases() -> Iterator[tuple[str, str, bytes]]:
    """(where from, the code to expect, a message's bytes) for an open session."""
    for found, raw in faulty("cbor"):
        yield found["name"], "remote.message", raw or b"\x80"
        yield found["name"] + " in a have", "remote.message", have_with("device", raw)
    for found, raw in faulty("range"):
        yield found["name"], found["expect"], array_head(3) + b"\x05\xf6" + raw
    for found, raw in faulty("device"):
        given = found.get("given", {})
        feed = parse_feed(given["feed"]) if "feed" in given else FEED_A
        account = parse_account(given["account"]) if "account" in given else ACCOUNT_A
        yield found["name"], found["expect"], have_with("device", raw, feed, account)
    for found, raw in faulty("fork"):
        yield found["name"], found["expect"], have_with("fork", raw)
    for found, raw in faulty("revoke"):
        account = parse_account(found["given"]["account"])
        yield found["name"], found["expect"], have_with("revoke", raw, account=account)


async def test_every_faulty_vector_ends_its_session_and_stores_nothing(two: Two) -> None:
    victim, friend = two
    await victim.follow(ACCOUNT_A)
    waiting = list(enumerate(cases()))
    assert len(waiting) > 300
    wrong = []

    async def worker() -> None:
        while waiting:
            number, (name, code, body) = waiting.pop()
            async with await Stranger.dial(victim.listening[0], stranger(number, 1)) as peer:
                await peer.meet(proof=False)
                await peer.send_body(body)
                ended = "nothing"
                with trio.move_on_after(3):
                    ended = str(await peer.ending())
                # Of a proof in a have it is looked at first whose it is.
                other = "entry.device" if name.startswith("device/") else "remote.message"
                if ended not in (code, other, "remote.message"):
                    wrong.append((name, code, ended))
            if number % 50 == 0:
                await lives(victim, friend)

    async with trio.open_nursery() as nursery:
        for _ in range(3):  # more half-open ones of one address push each other out
            nursery.start_soon(worker)
    assert wrong == []
    assert not await kept_of_strangers(victim, friend)
    await lives(victim, friend)


def hello_cases() -> Iterator[tuple[str, bytes]]:
    """(where from, the signed fields of a hello)."""
    for found, raw in faulty("cbor"):
        yield found["name"], raw
    plain = cbor.encode({"v": 1, "caps": [], "feed": FEED_A, "epoch": EPOCH})
    assert plain[0] == 0xA4
    for found, raw in faulty("device"):
        if "given" not in found:  # a hello claims no account
            yield found["name"], b"\xa5" + plain[1:] + cbor.encode("device") + raw


async def test_every_faulty_vector_in_a_hello_ends_the_session(two: Two) -> None:
    victim, friend = two
    waiting = list(enumerate(hello_cases()))
    assert len(waiting) > 100
    wrong = []

    async def worker() -> None:
        while waiting:
            number, (name, fields) = waiting.pop()
            async with await Stranger.dial(victim.listening[0], stranger(number, 1)) as peer:
                await peer.receive()
                right = make_hello(KEY_A, True, peer.certificates, EPOCH, frozenset(), None)
                signed = KEY_A.sign(_hello_signed(peer, fields))
                assert len(signed) == len(right.signature)
                await peer.send_body(cbor.encode([0, fields, signed]))
                ended = "nothing"
                with trio.move_on_after(3):
                    ended = str(await peer.ending())
                if ended not in ("remote.message", "remote", "remote.frame"):
                    wrong.append((name, ended))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(worker)
    assert wrong == []
    assert not await kept_of_strangers(victim, friend)
    await lives(victim, friend)


def _hello_signed(peer: Stranger, fields: bytes) -> bytes:
    """What a hello's signature is over, written from the text of sync.md."""
    digests = b"".join(sha256(part).digest() for part in (*peer.certificates, fields))
    return b"p2pmicro hello 1\x00" + digests


async def test_unreadable_content_is_kept_and_shown_to_nobody(two: Two) -> None:
    victim, friend = two
    made = stranger(0, 1)
    texts = 0
    for found, raw in faulty("entry"):
        if raw:
            made.append(raw)
            texts += "post" in found["name"]
    made.append(content.write(1_700_000_000_000, "post", content.post("the last and only one")))
    await victim.follow(made.account)
    async with await Stranger.dial(victim.listening[0], made) as peer:
        await peer.meet()
        await peer.send(Have([HaveItem(made.feed, made.account, 1, [(1, 1, made.last)], bytes(16), made.proof)], 1))
        wants = await peer.until(Wants)
        while isinstance(wants, Wants):
            for want in wants.items:
                await peer.send(RangeGiven(want.number, made.range(want.first, want.last)))

            async def shown() -> bool:
                return await victim.message(made.feed, made.last) is not None

            await eventually(shown)
            with trio.move_on_after(0.3) as waited:
                wants = await peer.until(Wants)
            if waited.cancelled_caught:
                break
    held = {state.feed: state for state in await victim.feeds()}[made.feed]
    assert held.newest is not None
    assert (held.newest.before.seq, held.newest.end.seq) == (0, made.last)
    timeline = [message.text for message in await victim.timeline(500) if message.ref.feed == made.feed]
    assert timeline == ["the last and only one"]
    assert texts > 20
    await lives(victim, friend)


async def test_noise_ends_the_session(two: Two) -> None:
    victim, friend = two
    rng = Random(1)
    for number in range(40):
        async with await Stranger.dial(victim.listening[0], stranger(number)) as peer:
            if number % 2:
                await peer.meet()
            noise = rng.randbytes(rng.randint(5, 3000))
            if number % 4 < 2:
                await peer.send_body(noise)
            else:
                await peer.send_raw(b"\xff" + noise)  # a length beyond any frame
            assert await peer.ending() in ("remote.frame", "remote.message")
    for size in (0, FRAME_MAX_BYTES + 1, 1 << 31, (1 << 32) - 1):
        async with await Stranger.dial(victim.listening[0], stranger(99)) as peer:
            await peer.meet()
            await peer.send_raw(size.to_bytes(4))
            assert await peer.ending() == "remote.frame"
    await lives(victim, friend)


# --- All at once, and our own faults ---


async def test_eight_sessions_at_once_and_one_that_breaks_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Buggy(Replicator):
        """Has a bug that one message brings out."""

        def on_message(self, talk: Talk, message: Message) -> None:
            if message == Have([], 666):
                raise ZeroDivisionError
            super().on_message(talk, message)

    monkeypatch.setattr(node_module, "Replicator", Buggy)
    async with victim_and_friend(tmp_path) as (victim, friend), AsyncExitStack() as stack:
        peers = []
        for number in range(SESSIONS_MAX - 1):
            peer = await stack.enter_async_context(await Stranger.dial(victim.listening[0], stranger(number)))
            await peer.meet(victim.account)
            await peer.until(Have)  # until it is told what there is, news comes as a have and not as a range
            peers.append(peer)
        assert sum(peer.state == "connected" for peer in await victim.peers()) == SESSIONS_MAX
        await peers[0].send(Have([], 666))
        assert await peers[0].ending() is None  # without a word: nothing of a broken session is trusted

        async def logged() -> bool:
            return "ZeroDivisionError" in caplog.text

        await eventually(logged)
        ref = await victim.post("to the other six")
        for peer in peers[1:]:
            with trio.fail_after(2):
                while True:
                    given = await peer.until(RangeGiven)
                    assert isinstance(given, RangeGiven)
                    if given.range.last_seq == ref.seq:
                        break
        await lives(victim, friend)


async def test_ninth_stranger_waits_and_a_friend_does_not(two: Two) -> None:
    victim, friend = two
    followed = stranger(100)
    await victim.follow(followed.account)
    async with AsyncExitStack() as stack:
        peers = []
        for number in range(SESSIONS_MAX - 1):
            peer = await stack.enter_async_context(await Stranger.dial(victim.listening[0], stranger(number)))
            await peer.meet()
            peers.append(peer)
        async with await Stranger.dial(victim.listening[0], stranger(50)) as ninth:
            await ninth.hello()
            assert await ninth.ending() == "busy"
        async with await Stranger.dial(victim.listening[0], followed) as tenth:
            await tenth.meet()
            await tenth.send(Ping())
            await tenth.until(Pong)
        await lives(victim, friend)


# --- Who stalls: on the mock clock ---


async def _stalled(world: World, act: Callable[[Stranger], Awaitable[None]]) -> tuple[str | None, float]:
    """How, and after how many seconds, a node ends a session with somebody who does something and then nothing."""
    world.work_s = 0.0
    world.wires.join(0, 1, 0.0)
    world.nodes.append(SimNode(world, 0, 0.0))
    await world.nodes[0].start()
    peer = Stranger(await world.wires.dial(1, world.wires.address(0), bytes(32)), stranger(0))
    begun = trio.current_time()
    with trio.move_on_after(300):
        await act(peer)
        code = await peer.ending()
        return code, trio.current_time() - begun
    return "never", 300.0


async def _nothing(peer: Stranger) -> None:
    pass


async def _half_a_hello(peer: Stranger) -> None:
    await peer.send_raw(b"\0\0\1\0half")


async def _a_hello(peer: Stranger) -> None:
    await peer.hello()


async def _half_a_frame(peer: Stranger) -> None:
    await peer.meet()
    await peer.send_raw((160_000).to_bytes(4) + b"half")


async def _a_trickle(peer: Stranger) -> None:
    await peer.meet()
    await peer.send_raw((160_000).to_bytes(4))
    for _ in range(40):
        await trio.sleep(1)
        await peer.send_raw(b"x")


async def _silence(peer: Stranger) -> None:
    await peer.meet()


async def _no_answer(peer: Stranger) -> None:
    await peer.meet()
    offered = peer.made
    await peer.send(Have([HaveItem(offered.feed, offered.account, 1, [(1, 1, 3)], bytes(16), offered.proof)], 1))
    await peer.until(Wants)


async def _no_reading(peer: Stranger) -> None:
    await peer.meet()
    assert peer.theirs is not None
    one = [Want(1, peer.theirs.feed, 1, 1, None)] * WANT_MAX_ITEMS
    for _ in range(4):  # some 100 kB of answers, more than the wire holds
        await peer.send(Wants(one))
    await trio.sleep(40)


@pytest.mark.parametrize(
    ("act", "code", "seconds"),
    [
        (_nothing, "remote.limit", 5),
        (_half_a_hello, "remote.limit", 5),
        (_a_hello, "remote.limit", 30),
        (_half_a_frame, "remote.limit", 20),
        (_a_trickle, "remote.limit", 40),
        (_silence, "remote.limit", 90),
        (_no_answer, "remote.limit", 30),
        (_no_reading, None, 40),  # gone after 30, and its last words with it
    ],
)
def test_who_stalls_is_let_go_in_time(
    act: Callable[[Stranger], Awaitable[None]], code: str | None, seconds: float
) -> None:
    ended, after_s = run_world(1, partial(_stalled, act=act))
    assert ended == code
    assert seconds - 1 <= after_s <= seconds + 3
