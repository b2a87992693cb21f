"""A peer written by somebody who means harm: frames of any kind over a real connection."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import trio

from p2pmicro.ids import AccountId
from p2pmicro.keys import PrivateKey
from p2pmicro.limits import FRAME_MAX_BYTES
from p2pmicro.net.dial import dial
from p2pmicro.net.tls import Connection, Credentials, issue_credentials
from p2pmicro.node.home import Home
from p2pmicro.node.node import NetworkSettings, open_node
from p2pmicro.node.offline import Node
from p2pmicro.node.talk import element
from p2pmicro.sync.coding import decode_message_untrusted, encode_message
from p2pmicro.sync.frame import FrameReader, frame
from p2pmicro.sync.message import Close, Hello, Interest, Message, Resume, make_hello
from tests.made import MadeFeed

EPOCH = b"stranger"
SALT = bytes(16)


class Stranger:
    """One end of a connection that it dialled itself."""

    def __init__(self, connection: Connection, made: MadeFeed) -> None:
        self.connection = connection
        self.made = made
        self.certificates = (connection.own_certificate, connection.peer_certificate)
        self.theirs: Hello | None = None
        self._reader = FrameReader(FRAME_MAX_BYTES)

    @classmethod
    async def dial(cls, address: str, made: MadeFeed, credentials: Credentials | None = None) -> Self:
        """Connect over TLS."""
        return cls(await dial(address, credentials or issue_credentials()), made)

    async def send(self, *messages: Message) -> None:
        """Send messages as they should be."""
        await self.send_raw(b"".join(frame(encode_message(message)) for message in messages))

    async def send_body(self, body: bytes) -> None:
        """Send anything in a frame."""
        await self.send_raw(len(body).to_bytes(4) + body)

    async def send_raw(self, data: bytes) -> None:
        """Send anything."""
        with suppress(trio.BrokenResourceError):  # what became of it is for `ending` to tell
            await self.connection.stream.send_all(data)

    async def receive(self) -> Message | None:
        """The next message; None when the stream has ended."""
        while True:
            body = self._reader.next_frame(0.0)
            if body is not None:
                return decode_message_untrusted(body)
            try:
                data = await self.connection.stream.receive_some(65_536)
            except trio.BrokenResourceError:
                return None
            if not data:
                return None
            self._reader.feed(data, 0.0)

    async def until(self, kind: type[Message]) -> Message:
        """The next message of a kind."""
        while not isinstance(message := await self.receive(), kind):
            assert message is not None
            assert not isinstance(message, Close), message
        return message

    async def ending(self) -> str | None:
        """Wait for the end: the code of the peer's close, None without one."""
        while (message := await self.receive()) is not None:
            if isinstance(message, Close):
                return message.code
        return None

    async def hello(self, *, key: PrivateKey | None = None, proof: bool = True) -> None:
        """Answer the peer's hello."""
        theirs = await self.receive()
        assert isinstance(theirs, Hello)
        self.theirs = theirs
        device = self.made.proof if proof else None
        await self.send(make_hello(key or self.made.key, True, self.certificates, EPOCH, frozenset(), device))

    async def meet(self, *wanted: AccountId, proof: bool = True) -> None:
        """Do all that comes before a session is open."""
        await self.hello(proof=proof)
        added = [element(SALT, account) for account in wanted]
        await self.send(Resume(None, 0, None, None), Interest(None, b"version1", SALT, added, []))
        await self.until(Interest)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await trio.aclose_forcefully(self.connection.stream)


@asynccontextmanager
async def victim_and_friend(folder: Path) -> AsyncIterator[tuple[Node, Node]]:
    """A node that strangers attack, and one that it follows and that is connected to it."""
    here = NetworkSettings("127.0.0.1:0", mdns=False)
    async with open_node(Home(folder / "victim", folder / "victim.state"), network=here) as victim:
        there = NetworkSettings("127.0.0.1:0", mdns=False, peers=victim.listening)
        async with open_node(Home(folder / "friend", folder / "friend.state"), network=there) as friend:
            await victim.follow(friend.account)
            await friend.follow(victim.account)
            await lives(victim, friend)
            yield victim, friend


async def eventually(condition: Callable[[], Awaitable[bool]], timeout_s: float = 3.0) -> None:
    """Wait until something holds."""
    with trio.fail_after(timeout_s):
        while not await condition():  # noqa: ASYNC110  # it may hold by another thread's work
            await trio.sleep(0.01)


async def lives(victim: Node, friend: Node) -> None:
    """The victim answers within a second, and goes on hearing from its friend."""
    with trio.fail_after(1):
        await victim.status()
    ref = await friend.post("Still there?")

    async def heard() -> bool:
        return await victim.message(ref.feed, ref.seq) is not None

    await eventually(heard)


async def kept_of_strangers(victim: Node, friend: Node) -> list[str]:
    """Feeds of which the victim has stored anything, but its own and its friend's."""
    return [
        state.feed.hex()
        for state in await victim.feeds()
        if state.newest is not None and state.feed not in (victim.feed, friend.feed)
    ]
