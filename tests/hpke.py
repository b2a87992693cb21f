"""HPKE a second time, for tests: base mode, one message, with the sender's key given. Source: RFC 9180.

Of DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305. The library draws the sender's key by itself, and
vectors and simulated worlds have to be the same bytes each time.
"""

import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_KEM_SUITE = b"KEM" + (0x0020).to_bytes(2)
_SUITE = b"HPKE" + (0x0020).to_bytes(2) + (0x0001).to_bytes(2) + (0x0003).to_bytes(2)


def _extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    """LabeledExtract, section 4."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def _expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand, section 4; at most 32 bytes."""
    return hmac.digest(secret, length.to_bytes(2) + b"HPKE-v1" + suite + label + info + b"\x01", "sha256")[:length]


def _context(dh: bytes, enc: bytes, public: bytes, info: bytes) -> tuple[ChaCha20Poly1305, bytes]:
    """The key and nonce of the first message, sections 4.1 and 5.1."""
    extracted = _extract(_KEM_SUITE, b"", b"eae_prk", dh)
    shared = _expand(_KEM_SUITE, extracted, b"shared_secret", enc + public, 32)
    ids = b"\x00" + _extract(_SUITE, b"", b"psk_id_hash", b"") + _extract(_SUITE, b"", b"info_hash", info)
    secret = _extract(_SUITE, shared, b"secret", b"")
    return ChaCha20Poly1305(_expand(_SUITE, secret, b"key", ids, 32)), _expand(_SUITE, secret, b"base_nonce", ids, 12)


def encrypt(plain: bytes, public: bytes, info: bytes, sender: bytes, aad: bytes = b"") -> bytes:
    """The sender's public key (32 bytes) and the ciphertext; `sender`: its 32 secret bytes, used once."""
    private = X25519PrivateKey.from_private_bytes(sender)
    enc = private.public_key().public_bytes_raw()
    aead, nonce = _context(private.exchange(X25519PublicKey.from_public_bytes(public)), enc, public, info)
    return enc + aead.encrypt(nonce, plain, aad)


def decrypt(sealed: bytes, secret: bytes, info: bytes) -> bytes:
    """What was encrypted; raises InvalidTag where it was not to this key."""
    private, enc = X25519PrivateKey.from_private_bytes(secret), sealed[:32]
    public = private.public_key().public_bytes_raw()
    aead, nonce = _context(private.exchange(X25519PublicKey.from_public_bytes(enc)), enc, public, info)
    return aead.decrypt(nonce, sealed[32:], b"")


class DrawnSuite:
    """Stands in for the library's suite where all chance comes from a seed."""

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        self._draw = draw
        self._real = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)

    def encrypt(self, plain: bytes, public: X25519PublicKey, info: bytes) -> bytes:
        """As the library's, but for where the sender's key comes from."""
        return encrypt(plain, public.public_bytes_raw(), info, self._draw(32))

    def decrypt(self, sealed: bytes, private: X25519PrivateKey, info: bytes) -> bytes:
        """The library's own."""
        return self._real.decrypt(sealed, private, info)
