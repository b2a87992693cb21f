"""Who gets through TLS and who does not: protocol/discovery.md, "TLS". Streams in memory, a clock that jumps."""

import contextlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from p2pmicro.errors import AuthError, LimitError, P2PMicroError, RemoteError
from p2pmicro.limits import HANDSHAKE_TIMEOUT_S
from p2pmicro.net.tls import (
    OPEN_NETWORK_KEY,
    Connection,
    Credentials,
    Stream,
    ca_certificate,
    issue_credentials,
    network_ca,
    new_network_key,
    secure,
    tls_failure,
)

from .strangers import context, minted

FAULTS = {
    "other network": AuthError,
    "signed by itself": AuthError,
    "under a CA of the same name": AuthError,
    "under a node's certificate": AuthError,
    "expired": AuthError,
    "RSA key": AuthError,
    "P-256 key": AuthError,
    "other validity": AuthError,
    "other name": AuthError,
    "key identifiers": AuthError,
    "short serial": AuthError,
    "the CA itself": AuthError,
    "huge chain": RemoteError,
}


async def meet(
    first: Credentials, second: Credentials, talk: Callable[[Connection, Connection], Awaitable[None]]
) -> None:
    """Connect two nodes, the first one dialling."""
    ours, theirs = trio.testing.memory_stream_pair()
    ends: dict[bool, Connection] = {}

    async def connect(stream: trio.abc.Stream, credentials: Credentials, initiator: bool) -> None:
        ends[initiator] = await secure(stream, credentials, "memory:1", initiator=initiator)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect, ours, first, True)
        nursery.start_soon(connect, theirs, second, False)
    await talk(ends[True], ends[False])
    for end in ends.values():
        await trio.aclose_forcefully(end.stream)


async def face(stranger: ssl.SSLContext, *, stranger_dials: bool) -> P2PMicroError:
    """Let a node meet a stranger; what the node says."""
    ours, theirs = trio.testing.memory_stream_pair()
    stream: Stream = trio.SSLStream(theirs, stranger, server_side=not stranger_dials)
    said: list[P2PMicroError] = []

    async def strange() -> None:
        try:
            await stream.do_handshake()
            while await stream.receive_some():
                pass
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(strange)
        with pytest.raises(P2PMicroError) as raised:
            await secure(ours, issue_credentials(), "memory:1", initiator=not stranger_dials)
        said.append(raised.value)
    with pytest.raises(trio.ClosedResourceError):
        await ours.send_all(b"x")  # closed with the error
    return said[0]


async def test_two_nodes_of_a_network_meet(autojump_clock: trio.testing.MockClock) -> None:
    first, second = issue_credentials(), issue_credentials()

    async def talk(dialler: Connection, listener: Connection) -> None:
        assert dialler.initiator
        assert not listener.initiator
        assert dialler.own_certificate == listener.peer_certificate == first.certificate
        assert listener.own_certificate == dialler.peer_certificate == second.certificate
        assert dialler.stream.version() == "TLSv1.3"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listener.stream.send_all, b"hello")
            assert await dialler.stream.receive_some() == b"hello"

    await meet(first, second, talk)


async def test_closed_network_meets_inside_and_not_outside(autojump_clock: trio.testing.MockClock) -> None:
    key = new_network_key()

    async def talk(dialler: Connection, listener: Connection) -> None:
        pass

    await meet(issue_credentials(key), issue_credentials(key), talk)
    with pytest.raises(ExceptionGroup) as raised:
        await meet(issue_credentials(key), issue_credentials(OPEN_NETWORK_KEY), talk)
    assert raised.group_contains(AuthError, match="not of this network")


async def test_stranger_who_has_all_right_is_a_node(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """A node in another language, with its own X.509 library: the certificate below is not made by ours."""
    ours, theirs = trio.testing.memory_stream_pair()
    stream: Stream = trio.SSLStream(theirs, context(False, minted("right"), tmp_path))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.do_handshake)
        connection = await secure(ours, issue_credentials(), "memory:1", initiator=False)
    await trio.aclose_forcefully(connection.stream)
    await trio.aclose_forcefully(stream)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stranger_dials", [True, False], ids=["dials", "listens"])
async def test_stranger_is_refused(
    fault: str, stranger_dials: bool, tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    stranger = context(not stranger_dials, minted(fault), tmp_path)
    assert type(await face(stranger, stranger_dials=stranger_dials)) is FAULTS[fault]


async def test_dialler_without_a_certificate_is_refused(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    error = await face(context(False, None, tmp_path), stranger_dials=True)
    assert type(error) is AuthError


@pytest.mark.parametrize("stranger_dials", [True, False], ids=["dials", "listens"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_1_2_is_refused(stranger_dials: bool, tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    stranger = context(not stranger_dials, minted("right"), tmp_path)
    stranger.maximum_version = ssl.TLSVersion.TLSv1_2
    error = await face(stranger, stranger_dials=stranger_dials)
    assert isinstance(error, RemoteError)
    assert "TLS 1.3" in str(error) or "closed" in str(error)


async def test_what_is_not_tls_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    for noise in (b"GET / HTTP/1.1\r\n\r\n" * 20, b"\x16\x03\x01\xff\xff" + bytes(70_000), b"\x80" * 100):
        ours, theirs = trio.testing.memory_stream_pair()
        await theirs.send_all(noise)
        with pytest.raises(RemoteError, match="memory:1"):
            await secure(ours, issue_credentials(), "memory:1", initiator=False)


async def test_peer_that_goes_away_is_no_traceback(autojump_clock: trio.testing.MockClock) -> None:
    for initiator in (True, False):
        ours, theirs = trio.testing.memory_stream_pair()
        await theirs.aclose()
        with pytest.raises(RemoteError, match="closed the connection"):
            await secure(ours, issue_credentials(), "memory:1", initiator=initiator)


@pytest.mark.parametrize("initiator", [True, False])
async def test_silent_peer_is_left_in_time(initiator: bool, autojump_clock: trio.testing.MockClock) -> None:
    ours, _theirs = trio.testing.memory_stream_pair()
    began = trio.current_time()
    with pytest.raises(LimitError, match="within 5 s"):
        await secure(ours, issue_credentials(), "memory:1", initiator=initiator)
    assert trio.current_time() - began == HANDSHAKE_TIMEOUT_S


async def test_trickled_handshake_is_left_in_the_same_time(autojump_clock: trio.testing.MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()

    async def trickle() -> None:
        record = b"\x16\x03\x01\x20\x00" + bytes(8192)  # a long record, honest in form
        with contextlib.suppress(trio.BrokenResourceError):
            for byte in record:
                await theirs.send_all(bytes((byte,)))
                await trio.sleep(0.9)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trickle)
        began = trio.current_time()
        with pytest.raises(LimitError):
            await secure(ours, issue_credentials(), "memory:1", initiator=False)
        assert trio.current_time() - began == HANDSHAKE_TIMEOUT_S


async def test_cancelled_handshake_closes_the_stream(autojump_clock: trio.testing.MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    with trio.move_on_after(1):
        await secure(ours, issue_credentials(), "memory:1", initiator=False)
    assert await theirs.receive_some() == b""


async def test_scanner_sees_no_ca(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """OpenSSL sends the CA along if it can: its key is the same at all nodes of a network, and names it."""
    key = new_network_key()
    ours, theirs = trio.testing.memory_stream_pair()
    scanner: Stream = trio.SSLStream(theirs, context(False, None, tmp_path))

    async def serve() -> None:
        with pytest.raises(AuthError):
            await secure(ours, issue_credentials(key), "memory:1", initiator=False)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        await scanner.do_handshake()
    # The public method comes with Python 3.13.
    chain = scanner._ssl_object._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    seen = [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain]
    ca = network_ca(key)
    assert seen
    assert ca_certificate(ca) not in seen
    assert not any(ca.public in certificate for certificate in seen)
    await trio.aclose_forcefully(scanner)


async def test_no_session_can_be_resumed(autojump_clock: trio.testing.MockClock) -> None:
    async def talk(dialler: Connection, listener: Connection) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listener.stream.send_all, b"hello")
            await dialler.stream.receive_some()  # a ticket would come with the first bytes
        session = dialler.stream.session
        assert session is None or not session.has_ticket

    await meet(issue_credentials(), issue_credentials(), talk)


async def test_refusal_after_the_handshake_has_a_sentence(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """A TLS 1.3 client learns only when it reads that the server refused its certificate."""
    stranger = context(True, minted("right"), tmp_path)
    stranger.verify_mode = ssl.CERT_REQUIRED  # with no CA: it refuses everybody, and says so
    ours, theirs = trio.testing.memory_stream_pair()

    async def refuse() -> None:
        stream: Stream = trio.SSLStream(theirs, stranger, server_side=True)
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()
        await theirs.send_all(stream._outgoing.read())  # the alert, which trio does not send
        await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(refuse)
        connection = await secure(ours, issue_credentials(), "memory:1", initiator=True)
        with pytest.raises(trio.BrokenResourceError) as raised:
            await connection.stream.receive_some()
    error = tls_failure(raised.value, "memory:1")
    assert type(error) is AuthError
    assert "memory:1" in str(error)
    await trio.aclose_forcefully(connection.stream)
