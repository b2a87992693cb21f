"""Whatever a peer does, it ends its own session at most. Source: threats.md, W6 to W8, W12, G3, G7 and G9.

One node runs over real TLS and goes on hearing from a friend, while strangers do what they should not.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from contextlib import suppress
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
from p2pmicro.limits import SEQ_MAX, SESSIONS_MAX, WANT_MAX_ITEMS, WANT_QUEUE_MAX
from p2pmicro.net.tls import issue_credentials, new_network_key
from p2pmicro.node import node as node_module
from p2pmicro.node.node import Node
from p2pmicro.node.replicate import Replicator
from p2pmicro.node.talk import Talk
from p2pmicro.sync.frame import frame
from p2pmicro.sync.message import (
    AskIds,
    Close,
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
    Resume,
    Want,
    Wants,
    encode_message,
    make_hello,
)
from tests.made import MadeFeed, flipped
from tests.net.hostile import EPOCH, SALT, Stranger, eventually, kept_of_strangers, lives, victim_and_friend
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
