"""Pictures of sealed messages: encrypted under a key of their own, which stands beside their hash in the message.

Source: protocol/content.md, "Pictures".
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ...keys import KEY_BYTES
from .parts import PictureError

SEAL_BYTES = 16
"""By how much a sealed picture is longer."""
_NONCE = bytes(12)  # a key seals one picture and nothing else
_INFO = b"p2pmicro picture 1"


def seal(data: bytes, key: bytes) -> bytes:
    """A picture as it is kept and travels.

    Args:
        data: the picture, stripped.
        key: 32 fresh random bytes: never used for another picture.
    """
    assert len(key) == KEY_BYTES
    return ChaCha20Poly1305(key).encrypt(_NONCE, data, _INFO)


def unseal(data: bytes, key: bytes) -> bytes:
    """The picture again; its hash was checked, so that all readers have the same bytes and, by the message, one key.

    Raises:
        PictureError: it was not sealed under this key.
    """
    try:
        return ChaCha20Poly1305(key).decrypt(_NONCE, data, _INFO)
    except (InvalidTag, ValueError):  # the latter: shorter than a tag
        raise PictureError("This is not the picture that the message names: it does not open.") from None
