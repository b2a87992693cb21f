"""Connect to an address. Source: protocol/discovery.md, "TLS"."""

import os
import socket

import trio

from ..errors import LimitError, RemoteError
from ..limits import HANDSHAKE_TIMEOUT_S
from .address import parse_address, socket_address
from .tls import Connection, Credentials, secure


async def dial(address: str, credentials: Credentials, *, timeout_s: float = HANDSHAKE_TIMEOUT_S) -> Connection:
    """Connect and do the TLS handshake; when cancelled, nothing stays open.

    Args:
        address: HOST:PORT; a name is looked up, and all its addresses are tried.
        timeout_s: for the connection, and again for the handshake.
    Raises:
        ConfigError: the address can't be read.
        AuthError: the peer is of another network.
        LimitError: it took too long.
        RemoteError: nobody answers there, or it is no node.
    """
    host, port = parse_address(address)
    try:
        with trio.fail_after(timeout_s):
            transport = await trio.open_tcp_stream(host, port)
    except trio.TooSlowError:
        raise LimitError(f"{address} did not answer within {timeout_s:g} s.") from None
    except socket.gaierror:
        raise RemoteError(f"No computer with the name {host} is known here.") from None
    except OSError as error:
        raise RemoteError(f"{address} can't be reached: {_reason(error)}.") from None
    return await secure(transport, credentials, _numbers(transport, address), initiator=True, timeout_s=timeout_s)


def _numbers(transport: trio.SocketStream, address: str) -> str:
    try:
        return socket_address(transport.socket.getpeername())
    except OSError:  # it went away already: the handshake will say so
        return address


def _reason(error: OSError) -> str:
    """The system's own words; of several addresses tried, the last one's."""
    if isinstance(error.__cause__, BaseExceptionGroup):
        error = next((e for e in reversed(error.__cause__.exceptions) if isinstance(e, OSError)), error)
    return os.strerror(error.errno).lower() if error.errno else str(error)
