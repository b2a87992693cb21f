"""Seeds, account and feed keys, signing and verifying, and the keys that are refused. The only home of Ed25519.

Source: protocol/feed.md, "Keys" and "Signatures".
"""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import BadKeyError, LocalError, SignatureError

SEED_BYTES = 32
KEY_BYTES = 32
SIGNATURE_BYTES = 64

_P = 2**255 - 19
_ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# The y coordinates of the eight points of small order. With both signs and the spellings y + p they make 14 encodings;
# under them one signature can fit every message, and OpenSSL loads them all.
_SMALL_ORDER_Y = frozenset((0, 1, _P - 1, _ORDER_8_Y, _P - _ORDER_8_Y))
# Bytes 1 to 30 of those, little-endian, and of y >= p, which has them as p - 1 has: other keys need no further look.
_REFUSED_MIDDLES = frozenset(y.to_bytes(KEY_BYTES, "little")[1:31] for y in _SMALL_ORDER_Y)

# RFC 7748 section 6.1: u coordinates that give an all-zero shared secret.
_SMALL_ORDER_U = frozenset(
    (
        0,
        1,
        _P - 1,
        0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
        0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    )
)


class PrivateKey:
    """An Ed25519 private key of an account or a feed: it signs, and never shows itself in a repr or a log."""

    __slots__ = ("_private", "public")

    def __init__(self, secret: bytes) -> None:
        """Make the key of 32 secret bytes. Source: RFC 8032 section 5.1.5."""
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign; 64 bytes, the same for the same message. Source: RFC 8032 section 5.1.6."""
        return self._private.sign(message)


def check_public_key(key: bytes) -> None:
    """Refuse an Ed25519 public key that is not 32 bytes, not canonical, or of small order.

    Raises:
        BadKeyError: it is one of those.
    Source: protocol/feed.md, "Keys".
    """
    if len(key) != KEY_BYTES:
        raise BadKeyError(f"A key has {KEY_BYTES} bytes, and this one has {len(key)}.")
    if key[1:31] not in _REFUSED_MIDDLES:
        return
    y = int.from_bytes(key, "little") & (2**255 - 1)  # the top bit is the sign of x
    # RFC 8032 section 5.1.3, step 1: y >= p is no encoding. OpenSSL takes it modulo p: two spellings of one key.
    if y >= _P or y in _SMALL_ORDER_Y:
        raise BadKeyError("This key is refused: it is not canonical or of small order, so anybody could sign for it.")


def check_box_key(key: bytes) -> None:
    """Refuse an X25519 public key that is not 32 bytes, not canonical, or of small order.

    Raises:
        BadKeyError: it is one of those.
    Source: protocol/feed.md, "Keys".
    """
    if len(key) != KEY_BYTES:
        raise BadKeyError(f"A key has {KEY_BYTES} bytes, and this one has {len(key)}.")
    u = int.from_bytes(key, "little")  # RFC 7748 section 5 masks the top bit: with it set, a second spelling
    if u >= _P or u in _SMALL_ORDER_U:
        raise BadKeyError("This encryption key is refused: it is not canonical or of small order, so it hides nothing.")


@lru_cache(maxsize=4096)
def _load(key: bytes) -> Ed25519PublicKey:
    check_public_key(key)
    return Ed25519PublicKey.from_public_bytes(key)


def verify(key: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature: RFC 8032 section 5.1.7 without the cofactor, with S < L, under a key that is not refused.

    Raises:
        BadKeyError: the key is refused.
        SignatureError: the signature does not hold.
    Source: protocol/feed.md, "Signatures".
    """
    try:
        _load(key).verify(signature, message)
    except InvalidSignature:
        raise SignatureError("The signature does not hold.") from None
    except ValueError:  # OpenSSL on a key that is no point of the curve, or a signature of the wrong length
        raise SignatureError("The signature or its key is ill-formed.") from None


def account_key(seed: bytes) -> PrivateKey:
    """The account's signing key, from its 32 random bytes. Source: protocol/feed.md, "Account"."""
    return PrivateKey(_derive(seed, b"p2pmicro account 1"))


def box_key(seed: bytes, generation: int) -> X25519PrivateKey:
    """The account's X25519 key of a generation (0 to 2^32-1). Source: protocol/feed.md, "Account"."""
    return X25519PrivateKey.from_private_bytes(_derive(seed, b"p2pmicro box 1" + generation.to_bytes(4)))


def box_public(seed: bytes, generation: int) -> bytes:
    """The 32 public bytes of `box_key`."""
    return box_key(seed, generation).public_key().public_bytes_raw()


@lru_cache(maxsize=2048)
def load_box_private(secret: bytes) -> X25519PrivateKey:
    """An X25519 key of its 32 secret bytes: of a device, a thread's answers, or a circle."""
    return X25519PrivateKey.from_private_bytes(secret)


def load_box_public(key: bytes) -> X25519PublicKey:
    """Somebody's X25519 key, to seal something to.

    Raises:
        BadKeyError: it is refused, as `check_box_key` says.
    """
    check_box_key(key)
    return X25519PublicKey.from_public_bytes(key)


def device_public(secret: bytes) -> bytes:
    """The 32 public bytes of an install's X25519 device key, from its 32 secret ones."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def seed_words(seed: bytes) -> list[str]:
    """The 24 BIP 39 words that encode the seed's 32 bytes directly (no key stretching)."""
    from mnemonic import Mnemonic  # 2,048 words that one command needs

    return Mnemonic("english").to_mnemonic(seed).split()


def parse_seed_words(text: str) -> bytes:
    """Read 24 words back into the 32 bytes; case and spacing do not matter.

    Raises:
        LocalError: a word that is not in the list, another number of words, or a checksum that does not fit.
    """
    from mnemonic import Mnemonic

    words = text.lower().split()
    if len(words) != 24:
        raise LocalError(f"Recovery words are 24, and these are {len(words)}.")
    try:
        return bytes(Mnemonic("english").to_entropy(words))
    except (ValueError, LookupError):
        raise LocalError("These are not recovery words: check the spelling and the order.") from None


def _derive(seed: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=b"p2pmicro seed 1", info=info).derive(seed)
