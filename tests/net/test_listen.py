"""Taking and making connections: a flood keeps no friend out, and one bad connection ends no other."""

import errno
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from p2pmicro.errors import AuthError, ConfigError, LimitError, RemoteError
from p2pmicro.limits import HALF_OPEN_MAX, HALF_OPEN_PER_ADDRESS_MAX, HANDSHAKE_TIMEOUT_S
from p2pmicro.net.dial import dial
from p2pmicro.net.listen import HalfOpen, Handler, open_listeners, port_of, serve, serve_stream
from p2pmicro.net.tls import Connection, issue_credentials, new_network_key, secure


async def greet(connection: Connection, admit: Callable[[], None]) -> None:
    admit()
    await connection.stream.send_all(b"hello")
    await connection.stream.receive_some()  # until the peer goes


@asynccontextmanager
async def listening(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A node that listens on a free port, which is given."""
    listeners = await open_listeners(host)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, listeners, issue_credentials(), handler)
        yield port_of(listeners)
        nursery.cancel_scope.cancel()


async def say_hello(address: str) -> Connection:
    """Dial a node that greets; the connection is open and the greeting read."""
    connection = await dial(address, issue_credentials())
    assert await connection.stream.receive_some() == b"hello"
    return connection


# --- Half-open connections, in memory, with a clock that jumps ---


class Door:
    """A node's door without sockets: strangers knock from any address."""

    def __init__(self, nursery: trio.Nursery, handler: Handler = greet) -> None:
        self.half_open = HalfOpen()
        self._nursery = nursery
        self._handler = handler
        self._credentials = issue_credentials()

    def knock(self, host: str) -> trio.abc.Stream:
        """Connect from `host`, without TLS so far."""
        ours, theirs = trio.testing.memory_stream_pair()
        self._nursery.start_soon(serve_stream, ours, f"{host}:4000", self._credentials, self._handler, self.half_open)
        return theirs


async def test_silent_connections_are_closed_in_time(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        silent = Door(nursery).knock("10.0.0.1")
        began = trio.current_time()
        assert await silent.receive_some() == b""
        assert trio.current_time() - began == HANDSHAKE_TIMEOUT_S


async def test_half_open_connections_are_bounded(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        door = Door(nursery)
        silent = []
        for number in range(200):
            silent.append(door.knock(f"10.0.0.{number + 1}"))
            await trio.testing.wait_all_tasks_blocked()
            assert len(door.half_open) <= HALF_OPEN_MAX
        began = trio.current_time()
        for stream in silent[:-HALF_OPEN_MAX]:  # the oldest gave way at once
            assert await stream.receive_some() == b""
        assert trio.current_time() == began
        nursery.cancel_scope.cancel()


async def test_half_open_connections_of_one_address_are_bounded(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        door = Door(nursery)
        first = door.knock("10.0.0.1")
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(HALF_OPEN_MAX):
            door.knock("10.0.0.2")
            await trio.testing.wait_all_tasks_blocked()
        assert len(door.half_open) == 1 + HALF_OPEN_PER_ADDRESS_MAX
        connection = await secure(first, issue_credentials(), "memory:1", initiator=True)  # was not pushed out
        assert await connection.stream.receive_some() == b"hello"
        nursery.cancel_scope.cancel()


async def test_friend_gets_in_while_a_flood_stalls(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        door = Door(nursery)
        for _ in range(100):
            door.knock("10.0.0.2")
        await trio.testing.wait_all_tasks_blocked()
        friend = await secure(door.knock("10.0.0.2"), issue_credentials(), "memory:1", initiator=True)
        began = trio.current_time()
        assert await friend.stream.receive_some() == b"hello"
        assert trio.current_time() == began
        nursery.cancel_scope.cancel()


async def test_connection_is_half_open_until_it_is_admitted(autojump_clock: trio.testing.MockClock) -> None:
    """Whoever has finished TLS and says no hello holds no place for ever either."""
    admits: list[Callable[[], None]] = []

    async def wait(connection: Connection, admit: Callable[[], None]) -> None:
        admits.append(admit)
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        door = Door(nursery, wait)
        connections = [
            await secure(door.knock("10.0.0.1"), issue_credentials(), "memory:1", initiator=True) for _ in range(2)
        ]
        await trio.testing.wait_all_tasks_blocked()
        assert len(door.half_open) == 2
        admits[0]()
        assert len(door.half_open) == 1
        for _ in range(HALF_OPEN_PER_ADDRESS_MAX):
            door.knock("10.0.0.1")
            await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BrokenResourceError):
            await connections[1].stream.receive_some()  # pushed out
        with trio.move_on_after(1) as still_open:
            await connections[0].stream.receive_some()
        assert still_open.cancelled_caught
        nursery.cancel_scope.cancel()


# --- Real sockets ---


async def test_nodes_meet_over_tcp_without_delay_of_small_packets() -> None:
    async with listening(greet) as port:
        connection = await say_hello(f"127.0.0.1:{port}")
        assert connection.initiator
        assert connection.address == f"127.0.0.1:{port}"
        transport = connection.stream.transport_stream
        assert isinstance(transport, trio.SocketStream)
        assert transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await trio.aclose_forcefully(connection.stream)


async def test_names_are_looked_up() -> None:
    async with listening(greet) as port:
        connection = await say_hello(f"localhost:{port}")
        await trio.aclose_forcefully(connection.stream)


async def test_all_interfaces_share_one_port() -> None:
    async with listening(greet, host="") as port:
        for host in ("127.0.0.1", "[::1]") if socket.has_ipv6 else ("127.0.0.1",):
            connection = await say_hello(f"{host}:{port}")
            await trio.aclose_forcefully(connection.stream)


async def test_bug_in_one_conversation_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def stumble(connection: Connection, admit: Callable[[], None]) -> None:
        if await connection.stream.receive_some() == b"fall":
            raise ZeroDivisionError
        await connection.stream.send_all(b"hello")

    async with listening(stumble) as port:
        address = f"127.0.0.1:{port}"
        steady = await dial(address, issue_credentials())
        falling = await dial(address, issue_credentials())
        await falling.stream.send_all(b"fall")
        with pytest.raises(trio.BrokenResourceError):
            await falling.stream.receive_some()
        await steady.stream.send_all(b"stand")
        assert await steady.stream.receive_some() == b"hello"
        for connection in (falling, steady):
            await trio.aclose_forcefully(connection.stream)
    assert "ZeroDivisionError" in caplog.text


async def test_peer_that_goes_away_is_no_bug(
    caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        door = Door(nursery)
        connection = await secure(door.knock("10.0.0.1"), issue_credentials(), "memory:1", initiator=True)
        assert await connection.stream.receive_some() == b"hello"
        await trio.aclose_forcefully(connection.stream)
    assert not [record for record in caplog.records if record.levelname != "INFO"]


@pytest.mark.parametrize("noise", [b"", b"\0", b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff", b"\xff" * 20_000])
async def test_noise_ends_its_own_connection_only(noise: bytes) -> None:
    async with listening(greet) as port:
        steady = await say_hello(f"127.0.0.1:{port}")
        stranger = await trio.open_tcp_stream("127.0.0.1", port)
        try:
            await stranger.send_all(noise)
            await stranger.send_eof()
            while await stranger.receive_some():
                pass
        except trio.BrokenResourceError:
            pass
        await stranger.aclose()
        again = await say_hello(f"127.0.0.1:{port}")
        for connection in (steady, again):
            await trio.aclose_forcefully(connection.stream)


async def test_flood_of_sockets_keeps_nobody_out() -> None:
    async with listening(greet) as port:
        flood = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(100)]
        with trio.fail_after(HANDSHAKE_TIMEOUT_S):
            friend = await say_hello(f"127.0.0.1:{port}")
        await trio.aclose_forcefully(friend.stream)
        for stream in flood:
            await stream.aclose()


class TiredSocket:
    """A listening socket whose system is out of files at first."""

    def __init__(self, real: trio.socket.SocketType) -> None:
        self._real = real
        self._tired = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def accept(self) -> tuple[trio.socket.SocketType, object]:
        if self._tired:
            self._tired = False
            raise OSError(errno.EMFILE, "Too many open files")
        return await self._real.accept()


async def test_lack_of_file_descriptors_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    listeners = await open_listeners("127.0.0.1")
    listeners[0].socket = TiredSocket(listeners[0].socket)  # type: ignore[assignment]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, listeners, issue_credentials(), greet)
        connection = await say_hello(f"127.0.0.1:{port_of(listeners)}")
        await trio.aclose_forcefully(connection.stream)
        nursery.cancel_scope.cancel()
    assert "no room" in caplog.text


async def test_end_closes_connections_and_port() -> None:
    async with listening(greet) as port:
        connection = await say_hello(f"127.0.0.1:{port}")
    with pytest.raises(trio.BrokenResourceError):
        await connection.stream.receive_some()
    await trio.aclose_forcefully(connection.stream)
    for listener in await open_listeners("127.0.0.1", port):  # it is free
        await listener.aclose()


async def test_taken_port_has_a_sentence() -> None:
    listeners = await open_listeners("")
    port = port_of(listeners)
    with pytest.raises(ConfigError, match=f"Port {port} is in use.*another port"):
        await open_listeners("", port)
    for listener in listeners:
        await listener.aclose()


@pytest.mark.parametrize(
    ("host", "words"),
    [("203.0.113.1", "does not have the address"), ("no such name", "neither an address nor a name")],
)
async def test_host_that_is_not_ours_has_a_sentence(host: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        await open_listeners(host)


# --- Dialling ---


async def test_nobody_there_has_a_sentence() -> None:
    listeners = await open_listeners("127.0.0.1")
    port = port_of(listeners)
    await listeners[0].aclose()
    with pytest.raises(RemoteError, match=f"127.0.0.1:{port} can't be reached: connection refused"):
        await dial(f"127.0.0.1:{port}", issue_credentials())


async def test_address_that_is_none_has_a_sentence() -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        await dial("127.0.0.1", issue_credentials())


async def test_node_of_another_network_has_a_sentence() -> None:
    async with listening(greet) as port:
        with pytest.raises(AuthError, match="not of this network"):
            await dial(f"127.0.0.1:{port}", issue_credentials(new_network_key()))


async def test_listener_that_never_answers_is_left_in_time() -> None:
    listeners = await open_listeners("127.0.0.1")
    with pytest.raises(LimitError, match=r"within 0\.05 s"):
        await dial(f"127.0.0.1:{port_of(listeners)}", issue_credentials(), timeout_s=0.05)
    await listeners[0].aclose()


class NoNames(trio.abc.HostnameResolver):
    """A machine without a network: no name is known."""

    async def getaddrinfo(self, *arguments: object, **named: object) -> list[object]:  # type: ignore[override]
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, *arguments: object, **named: object) -> tuple[str, str]:
        raise NotImplementedError


async def test_unknown_name_has_a_sentence() -> None:
    trio.socket.set_custom_hostname_resolver(NoNames())
    try:
        with pytest.raises(RemoteError, match="laptop"):
            await dial("laptop.local:4000", issue_credentials())
    finally:
        trio.socket.set_custom_hostname_resolver(None)
