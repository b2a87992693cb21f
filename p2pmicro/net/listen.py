"""Take connections that come in; no flood of them keeps a friend out. Source: protocol/discovery.md, "Limits"."""

import errno
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import trio

from ..errors import ConfigError, P2PMicroError
from ..limits import HALF_OPEN_MAX, HALF_OPEN_PER_ADDRESS_MAX
from .address import SocketAddress, socket_address
from .tls import Connection, Credentials, secure, tls_failure

logger = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[Connection, Callable[[], None]], Awaitable[object]]
"""What is called with each connection after its TLS handshake, and with `admit`.

It calls `admit()` once the peer's hello is checked: until then the connection is half open, and a newer one may push it
out. The connection is closed when it returns or raises."""

_BACKLOG = 64  # connections that the system holds while the loop is busy
_SAME_PORT_TRIES = 16  # a port that is free on IPv6 and taken on IPv4 is rare
_NO_ROOM = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_NO_ROOM_PAUSE_S = 0.1


async def open_listeners(host: str = "", port: int = 0) -> list[trio.SocketListener]:
    """Listen on TCP.

    Args:
        host: an address or a name of this machine; empty: all interfaces, IPv4 and IPv6, on the same port.
        port: 0 takes any that is free.
    Raises:
        ConfigError: the port is taken or not allowed, or the host is not this machine's; says what to do.
    """
    wanted = await _resolve(host)
    for _ in range(_SAME_PORT_TRIES):
        try:
            opened = _listen(wanted, port, all_interfaces=not host)
        except OSError as error:
            if port == 0 and error.errno == errno.EADDRINUSE:
                continue  # the port that the first took is not free for the second
            raise ConfigError(_why_not(error, host, port)) from None
        return [trio.SocketListener(trio.socket.from_stdlib_socket(listener)) for listener in opened]
    raise ConfigError("No port is free on all interfaces: name one that is.")


def port_of(listeners: Sequence[trio.SocketListener]) -> int:
    """The port that `open_listeners` took."""
    port: int = listeners[0].socket.getsockname()[1]
    return port


class HalfOpen:
    """The connections whose peer is not known yet: a few at once, and a new one pushes the oldest out.

    Pushing out instead of refusing: who sends nothing keeps a place until somebody wants it, and an honest peer, which
    is done within milliseconds, gets in through a flood of hundreds a second, even from the flood's own address.
    """

    def __init__(self) -> None:
        self._hosts: dict[trio.CancelScope, str] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._hosts)

    @contextmanager
    def place(self, host: str) -> Iterator[Callable[[], None]]:
        """Hold a place for a connection from `host`; what is yielded gives it back early. Pushed out is cancelled."""
        same = [scope for scope, other in self._hosts.items() if other == host]
        if len(same) >= HALF_OPEN_PER_ADDRESS_MAX:
            self._push_out(same[0])
        elif len(self._hosts) >= HALF_OPEN_MAX:
            self._push_out(next(iter(self._hosts)))
        with trio.CancelScope() as scope:
            self._hosts[scope] = host
            try:
                yield lambda: self._leave(scope)
            finally:
                self._leave(scope)

    def _push_out(self, scope: trio.CancelScope) -> None:
        logger.info("A half-open connection from %s gives way to a newer one.", self._hosts.pop(scope))
        scope.cancel()

    def _leave(self, scope: trio.CancelScope) -> None:
        self._hosts.pop(scope, None)


async def serve(listeners: Sequence[trio.SocketListener], credentials: Credentials, handler: Handler) -> None:
    """Take connections until cancelled; then all of them and the listeners are closed.

    Whatever goes wrong in a connection ends that connection only, a bug in the handler included.
    """
    half_open = HalfOpen()
    async with trio.open_nursery() as nursery:
        for listener in listeners:
            nursery.start_soon(_accept, listener, credentials, handler, half_open, nursery)


async def serve_stream(
    transport: trio.abc.Stream, address: str, credentials: Credentials, handler: Handler, half_open: HalfOpen
) -> None:
    """One connection that came in, from its first byte to its end; raises nothing but cancellation."""
    try:
        with half_open.place(address.rpartition(":")[0]) as admit:
            connection = await secure(transport, credentials, address, initiator=False)
            await handler(connection, admit)
    except P2PMicroError as error:
        logger.info("%s: %s", error.code, error)
    except (
        trio.BrokenResourceError,
        trio.ClosedResourceError,
    ) as error:  # the peer went away: no bug, and no traceback
        logger.info("%s", tls_failure(error, address))
    except Exception:  # threats W6: a bug in one conversation must not end the others
        logger.exception("The connection from %s failed.", address)
    finally:
        await trio.aclose_forcefully(transport)


async def _accept(
    listener: trio.SocketListener,
    credentials: Credentials,
    handler: Handler,
    half_open: HalfOpen,
    nursery: trio.Nursery,
) -> None:
    async with listener:
        while True:
            try:
                transport = await listener.accept()
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                logger.warning("The system has no room for another connection: %s.", error.strerror)
                await trio.sleep(_NO_ROOM_PAUSE_S)
                continue
            try:
                address = socket_address(transport.socket.getpeername())
            except OSError:  # it is gone already
                transport.socket.close()
                continue
            nursery.start_soon(serve_stream, transport, address, credentials, handler, half_open)


async def _resolve(host: str) -> list[tuple[int, SocketAddress]]:
    """The families and socket addresses to listen on, IPv6 first, with port 0."""
    try:
        found = await trio.socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise ConfigError(f"{host} is neither an address nor a name of this computer.") from None
    wanted = {(int(family), sockaddr) for family, _, _, _, sockaddr in found}
    return sorted(wanted, key=lambda family_and_address: family_and_address[0] != socket.AF_INET6)


def _listen(wanted: Sequence[tuple[int, SocketAddress]], port: int, *, all_interfaces: bool) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for family, (address, _, *zone) in wanted:
            try:
                listener = socket.socket(family, socket.SOCK_STREAM)
            except OSError:
                if all_interfaces and family == socket.AF_INET6:
                    continue  # a kernel without IPv6
                raise
            opened.append(listener)
            if os.name == "posix":  # on Windows it would let two programs have one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, port, *zone))
            listener.listen(_BACKLOG)
            port = listener.getsockname()[1]
    except OSError:
        for listener in opened:
            listener.close()
        raise
    return opened


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use, perhaps by another node of yours: stop it, or choose another port (0: any)."
    if error.errno == errno.EACCES:
        return f"The system does not allow port {port}: choose one from 1024 to 65535 (0: any)."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This computer does not have the address {host}: choose one that it has, or none for all."
    return f"It is not possible to listen on port {port}: {error.strerror}."
