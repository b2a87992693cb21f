"""A network in memory: streams with a delay, links that reset or hang. Whole nodes talk over it, on a mock clock."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import cast

import trio

from p2pmicro.errors import LimitError, RemoteError
from p2pmicro.limits import HANDSHAKE_TIMEOUT_S
from p2pmicro.net.tls import Connection, Stream

_IN_FLIGHT_MAX_BYTES = 65_536  # as a TCP connection, a sender waits when its peer does not read


class Link:
    """What joins two hosts: how long a byte takes, and whether it passes at all."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.bytes_per_s = inf  # each way
        self.hangs = False  # nothing passes and nobody is told, as after a cable was pulled
        self.ends: list[tuple[End, End]] = []
        self.sent: list[bytearray] | None = None  # once it is a list: what each end of new connections sends
        self._changed = trio.Event()

    def set_hanging(self, hangs: bool) -> None:
        """Hold everything up, or let it pass again: what was sent meanwhile arrives then, as TCP sends it again."""
        self.hangs = hangs
        self.tell()

    def reset(self) -> None:
        """Break all connections; both sides are told."""
        for pair in self.ends:
            for end in pair:
                end.broken = True
        self.ends.clear()
        self.tell()

    def connect(self) -> tuple["End", "End"]:
        """A new connection's two ends."""
        pair = End(self), End(self)
        if self.sent is not None:
            self.sent += [end.sent for end in pair]
        pair[0].peer, pair[1].peer = pair[1], pair[0]
        self.ends.append(pair)
        return pair

    def tell(self) -> None:
        """Something has changed: whoever waits looks again."""
        event, self._changed = self._changed, trio.Event()
        event.set()

    async def change(self, until: float) -> None:
        """Wait for a change, at most until then."""
        with trio.move_on_at(until):
            await self._changed.wait()


class End(trio.abc.Stream):
    """One end of a connection."""

    peer: "End"

    def __init__(self, link: Link) -> None:
        self._link = link
        self.sent = bytearray()
        self._busy_until = 0.0  # when the last byte has left this end
        self._coming: deque[tuple[float, bytes]] = deque()  # (when it arrives, bytes); b"" is the end
        self._in_flight = 0
        self.closed = False
        self.broken = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        peer = self.peer
        while peer._in_flight >= _IN_FLIGHT_MAX_BYTES:
            self._check()
            await self._link.change(trio.current_time() + 3600)
        self._check()
        if peer.closed and not self._link.hangs:
            raise trio.BrokenResourceError("the other end is closed")
        self._push(bytes(data))

    def _push(self, data: bytes) -> None:
        peer = self.peer
        if self._link.sent is not None:
            self.sent += data
        self._busy_until = max(self._busy_until, trio.current_time()) + len(data) / self._link.bytes_per_s
        peer._coming.append((self._busy_until + self._link.delay_s, data))
        peer._in_flight += len(data)
        self._link.tell()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        while True:
            self._check()
            now = trio.current_time()
            if not self._coming or self._link.hangs:
                await self._link.change(now + 3600)
            elif self._coming[0][0] > now:
                await self._link.change(self._coming[0][0])
            else:
                break
        at, data = self._coming.popleft()
        if not data:
            self._coming.appendleft((at, b""))
            return b""
        if max_bytes is not None and len(data) > max_bytes:
            self._coming.appendleft((at, data[max_bytes:]))
            data = data[:max_bytes]
        self._in_flight -= len(data)
        self._link.tell()
        return data

    async def aclose(self) -> None:
        if not self.closed:
            self.closed = True
            self._push(b"")
        await trio.lowlevel.checkpoint()

    def _check(self) -> None:
        if self.closed:
            raise trio.ClosedResourceError
        if self.broken:
            raise trio.BrokenResourceError("the link was reset")


@dataclass(frozen=True)
class Listener:
    """What takes connections to a host."""

    certificate: bytes
    take: Callable[[Connection], None]


class Wires:
    """All links between hosts with a number each."""

    def __init__(self) -> None:
        self.links: dict[frozenset[int], Link] = {}
        self.listening: dict[int, Listener] = {}
        self._port = 50_000

    @staticmethod
    def address(host: int) -> str:
        """Where a host listens."""
        return f"10.0.0.{host + 1}:4000"

    def join(self, one: int, other: int, delay_s: float) -> None:
        """Lay a link."""
        self.links[frozenset((one, other))] = Link(delay_s)

    def neighbours(self, host: int) -> list[int]:
        """Whom a host can reach when all is well."""
        return sorted(other for pair in self.links if host in pair for other in pair if other != host)

    async def dial(self, host: int, address: str, certificate: bytes) -> Connection:
        """Connect a host to an address; each side learns the other's certificate, as by TLS.

        Raises:
            RemoteError, LimitError: as over a real network.
        """
        other = int(address.rpartition(":")[0].rpartition(".")[2]) - 1
        link = self.links.get(frozenset((host, other)))
        if link is None or link.hangs:
            await trio.sleep(HANDSHAKE_TIMEOUT_S)
            raise LimitError(f"{address} did not answer.")
        await trio.sleep(3 * link.delay_s)
        listener = self.listening.get(other)
        if listener is None:
            raise RemoteError(f"{address} can't be reached: connection refused.")
        near, far = link.connect()
        self._port += 1
        caller = f"10.0.0.{host + 1}:{self._port}"
        listener.take(Connection(cast(Stream, far), listener.certificate, certificate, caller, False))
        return Connection(cast(Stream, near), certificate, listener.certificate, address, True)
