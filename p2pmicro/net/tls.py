"""Networks, their certificates, and TLS over any stream. The only home of certificates.

A network is a 16-byte key. From it comes an Ed25519 CA that never travels; under it each node issues itself a
certificate with a random key and serial at each start. TLS only keeps strangers to a network out: who a peer is, it
proves inside, by its hello. Source: protocol/discovery.md, "Networks" to "TLS".

The certificates are written by hand: they differ in 112 bytes only, so a template is shorter than the calls of an X.509
library, checks a peer's certificate by comparing bytes, and spares a start the 87 ms that `cryptography.x509` costs.
"""

import os
import secrets
import ssl
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import trio
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import AuthError, BadKeyError, ConfigError, LimitError, RemoteError
from ..keys import KEY_BYTES, SIGNATURE_BYTES, PrivateKey, check_public_key
from ..limits import HANDSHAKE_TIMEOUT_S

NETWORK_KEY_BYTES = 16
OPEN_NETWORK_KEY = b"p2pmicro-open-01"
"""The key of the network that everybody is in who says nothing else. Source: protocol/discovery.md, "Networks"."""

SERIAL_BYTES = 16

Stream: TypeAlias = trio.SSLStream[trio.abc.Stream]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a node shows and asks for in TLS, from its start to its end."""

    certificate: bytes  # DER: what the hello of either side signs
    server: ssl.SSLContext = field(repr=False)  # for connections that come in
    client: ssl.SSLContext = field(repr=False)  # for connections that this node dials


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """One TLS connection after its handshake. Who the peer is, is not known yet."""

    stream: Stream
    own_certificate: bytes  # DER
    peer_certificate: bytes  # DER, checked
    address: str  # the peer's, HOST:PORT as numbers; of one that came in, the port is of no use later
    initiator: bool  # whether this node dialled


def new_network_key() -> bytes:
    """Draw the key of a new closed network."""
    while True:
        key = secrets.token_bytes(NETWORK_KEY_BYTES)
        if not _is_text(key):
            return key


def check_network_key(key: bytes) -> None:
    """Refuse what was typed: whoever meets a node could try passphrases against it offline.

    Raises:
        ConfigError: not 16 bytes, or text.
    Source: protocol/discovery.md, "Networks".
    """
    if key == OPEN_NETWORK_KEY:
        return
    if len(key) != NETWORK_KEY_BYTES:
        raise ConfigError(f"A network's key has {NETWORK_KEY_BYTES} random bytes, and this one has {len(key)}.")
    if _is_text(key):
        raise ConfigError("This network's key is text that somebody typed: take a random one, it can't be guessed.")


def issue_credentials(network_key: bytes = OPEN_NETWORK_KEY) -> Credentials:
    """Make this start's certificate and the two TLS contexts; 2 to 4 ms, touches no disk where the system allows it.

    Raises:
        ConfigError: the key is not one of a network.
    Source: protocol/discovery.md, "Certificates" and "TLS".
    """
    check_network_key(network_key)
    ca = network_ca(network_key)
    secret = secrets.token_bytes(KEY_BYTES)
    certificate = issue_certificate(ca, PrivateKey(secret).public)
    trusted = ca_certificate(ca)
    # The certificate stands twice: with a chain of its own OpenSSL sends just that. Without one it completes the chain
    # from its trust store and sends the CA too, whose key would tag a closed network to everybody who connects.
    pem = _pem("PRIVATE KEY", _private_key_info(secret)) + 2 * _pem("CERTIFICATE", certificate)
    with as_file(pem) as path:
        server = _context(ssl.PROTOCOL_TLS_SERVER, path, trusted)
        client = _context(ssl.PROTOCOL_TLS_CLIENT, path, trusted)
    return Credentials(certificate, server, client)


async def secure(
    transport: trio.abc.Stream,
    credentials: Credentials,
    address: str,
    *,
    initiator: bool,
    timeout_s: float = HANDSHAKE_TIMEOUT_S,
) -> Connection:
    """Do the TLS handshake over a stream that has just been opened; the stream is closed if it fails or is cancelled.

    A client's handshake returns success even when the server is about to refuse it (TLS 1.3), so an initiator sends
    nothing that tells anything before the responder's hello.

    Raises:
        AuthError: the peer is of another network, or its certificate is not as it must be.
        LimitError: the handshake took longer than `timeout_s`, however its bytes were spread.
        RemoteError: anything else: the peer went away, or does not speak TLS 1.3.
    Source: protocol/discovery.md, "TLS".
    """
    context = credentials.client if initiator else credentials.server
    stream: Stream = trio.SSLStream(transport, context, server_side=not initiator)
    try:
        with trio.fail_after(timeout_s):
            await stream.do_handshake()
        peer_certificate = peer_certificate_der(stream)
    except BaseException as error:
        # Nothing is said to the peer: a full buffer could hold a goodbye up, and there is nobody known to say it to.
        await trio.aclose_forcefully(transport)
        if isinstance(error, trio.TooSlowError):
            raise LimitError(f"{address} did not finish its TLS handshake within {timeout_s:g} s.") from None
        if isinstance(error, trio.BrokenResourceError | trio.ClosedResourceError):
            raise tls_failure(error, address) from None
        raise
    return Connection(stream, credentials.certificate, peer_certificate, address, initiator)


def peer_certificate_der(stream: Stream) -> bytes:
    """The peer's certificate, after the handshake, whose chain TLS has checked.

    Raises:
        AuthError: there is none, or it is not as "Certificates" says.
    """
    certificate: bytes | None = stream.getpeercert(binary_form=True)
    if certificate is None:
        raise AuthError("The peer showed no certificate.")
    check_certificate(certificate)
    return certificate


def tls_failure(error: BaseException, address: str) -> RemoteError:
    """Say in a sentence why a TLS stream broke; also for a client that is refused after its handshake.

    Args:
        error: what trio raised; OpenSSL's own word is its cause.
    """
    cause = error.__cause__
    reason = getattr(cause, "reason", None) if isinstance(cause, ssl.SSLError) else None
    if reason in _OTHER_NETWORK:
        return AuthError(f"{address} is not of this network: its certificate was refused, or it refused ours.")
    if reason is None or isinstance(cause, ssl.SSLEOFError):
        return RemoteError(f"{address} closed the connection.")
    return RemoteError(f"{address} does not speak TLS 1.3 as this protocol needs it ({reason.lower()}).")


# OpenSSL's names: our own check failed, or the peer's alert said that its check did.
_OTHER_NETWORK = frozenset(
    (
        "CERTIFICATE_VERIFY_FAILED",
        "PEER_DID_NOT_RETURN_A_CERTIFICATE",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV1_ALERT_DECRYPT_ERROR",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    )
)


def _context(protocol: int, path: str, ca_certificate: bytes) -> ssl.SSLContext:
    # Not create_default_context: it loads the system's CAs, and from Python 3.13 on asks for key identifiers.
    context = ssl.SSLContext(protocol)
    context.check_hostname = False  # names are constants; the CA alone decides
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    # RFC 8446 section 4.6.1: a ticket would let a peer come back without the certificate that its hello signs.
    context.options |= ssl.OP_NO_TICKET
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0
    context.load_verify_locations(cadata=ca_certificate)
    context.load_cert_chain(path)
    return context


def network_ca(network_key: bytes) -> PrivateKey:
    """The network's CA: whoever has the network's key has it too. Source: protocol/discovery.md, "Networks"."""
    return PrivateKey(HKDF(SHA256(), KEY_BYTES, salt=b"p2pmicro network 1", info=b"p2pmicro ca 1").derive(network_key))


def _is_text(key: bytes) -> bool:
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True  # of random keys, about one in 14,000


# --- The one form of a certificate. Source: protocol/discovery.md, "Certificates", and RFC 5280 section 4.1 ---


def _der(tag: int, *parts: bytes) -> bytes:
    """One DER element (X.690 section 8.1) of up to 65,535 bytes."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        length = bytes((size,))
    elif size < 0x100:
        length = bytes((0x81, size))
    else:
        length = bytes((0x82, size >> 8, size & 0xFF))
    return bytes((tag,)) + length + body


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, *parts)


def _name(text: str) -> bytes:
    return _sequence(_der(0x31, _sequence(bytes.fromhex("0603550403"), _der(0x0C, text.encode()))))  # commonName


def _extension(oid: str, value: bytes) -> bytes:
    return _sequence(bytes.fromhex(oid), _der(0x01, b"\xff"), _der(0x04, value))  # critical


_BASIC_CONSTRAINTS, _KEY_USAGE = "0603551d13", "0603551d0f"
_ED25519 = _sequence(bytes.fromhex("06032b6570"))  # RFC 8410 section 3: no parameters
_CA_NAME, _NODE_NAME = _name("p2pmicro network"), _name("p2pmicro node")
# From RFC 5280's first year to its "no well-defined expiration date" (section 4.1.2.5): clocks of offline machines lie.
_VALIDITY = _sequence(_der(0x17, b"700101000000Z"), _der(0x18, b"99991231235959Z"))
_NODE_EXTENSIONS = (
    _extension(_BASIC_CONSTRAINTS, _sequence()),  # no CA
    _extension(_KEY_USAGE, bytes.fromhex("03020780")),  # digitalSignature
)
_CA_EXTENSIONS = (
    _extension(_BASIC_CONSTRAINTS, _sequence(_der(0x01, b"\xff"))),
    _extension(_KEY_USAGE, bytes.fromhex("03020204")),  # keyCertSign
)


def _key_info(public: bytes) -> bytes:
    return _sequence(_ED25519, _der(0x03, b"\0", public))


def _private_key_info(secret: bytes) -> bytes:
    return _sequence(bytes.fromhex("020100"), _ED25519, _der(0x04, _der(0x04, secret)))  # RFC 8410 section 7


def _to_be_signed(serial: bytes, subject: bytes, public: bytes, extensions: tuple[bytes, ...]) -> bytes:
    return _sequence(
        bytes.fromhex("a003020102"),  # version 3
        _der(0x02, serial),
        _ED25519,
        _CA_NAME,
        _VALIDITY,
        subject,
        _key_info(public),
        _der(0xA3, _sequence(*extensions)),
    )


def _certificate(to_be_signed: bytes, signature: bytes) -> bytes:
    return _sequence(to_be_signed, _ED25519, _der(0x03, b"\0", signature))


def ca_certificate(ca: PrivateKey) -> bytes:
    """The CA's own certificate, since TLS libraries want its key in this form. It never travels."""
    to_be_signed = _to_be_signed(b"\x01", _CA_NAME, ca.public, _CA_EXTENSIONS)
    return _certificate(to_be_signed, ca.sign(to_be_signed))


def issue_certificate(ca: PrivateKey, public: bytes) -> bytes:
    """Sign a node's public key under the network's CA, with a random serial."""
    # RFC 5280 section 4.1.2.2: positive. Between 0x40 and 0x7f in front, so that it always has 16 bytes.
    serial = bytes((0x40 | secrets.randbits(6),)) + secrets.token_bytes(SERIAL_BYTES - 1)
    to_be_signed = _to_be_signed(serial, _NODE_NAME, public, _NODE_EXTENSIONS)
    return _certificate(to_be_signed, ca.sign(to_be_signed))


_BLANK = _certificate(_to_be_signed(bytes(16), _NODE_NAME, b"\xff" * 32, _NODE_EXTENSIONS), bytes(64))
_SERIAL_AT = _BLANK.index(bytes(SERIAL_BYTES))
_KEY_AT = _BLANK.index(b"\xff" * KEY_BYTES)


def check_certificate(certificate: bytes) -> None:
    """Check a peer's certificate byte by byte, but for the CA's signature, which TLS checks.

    Raises:
        AuthError: anything in it but serial, key and signature is not as in every other certificate.
    Source: protocol/discovery.md, "Certificates".
    """
    serial = certificate[_SERIAL_AT : _SERIAL_AT + SERIAL_BYTES]
    public = certificate[_KEY_AT : _KEY_AT + KEY_BYTES]
    signature = certificate[-SIGNATURE_BYTES:]
    expected = _certificate(_to_be_signed(serial, _NODE_NAME, public, _NODE_EXTENSIONS), signature)
    if certificate != expected or not 0x40 <= serial[0] <= 0x7F:
        raise AuthError("The peer's certificate is not in the form that this protocol has.")
    try:
        check_public_key(public)
    except BadKeyError:
        raise AuthError("The peer's certificate has a key that is refused.") from None


# --- load_cert_chain reads files only ---


def _pem(label: str, der: bytes) -> bytes:
    text = b64encode(der)
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))  # RFC 7468 section 2
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label.encode(), lines, label.encode())


@contextmanager
def as_file(content: bytes) -> Iterator[str]:
    """Show bytes under a path for a moment: in memory on Linux, elsewhere in a file that its user alone can read."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        memory = os.memfd_create("p2pmicro")
        try:
            os.write(memory, content)
            yield f"/proc/self/fd/{memory}"
        finally:
            os.close(memory)
        return
    file, path = tempfile.mkstemp(prefix="p2pmicro-")  # mode 0600
    try:
        with open(file, "wb") as stream:
            stream.write(content)
        yield path
    finally:
        os.unlink(path)
