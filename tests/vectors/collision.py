"""One body that ChaCha20-Poly1305 authenticates under two keys: why a sealed entry commits to its key.

Poly1305 is a polynomial in a key-dependent point: with one free block the two polynomials can be made to agree.
Source: Len, Grubbs, Ristenpart, "Partitioning Oracle Attacks" (2021), section 3; RFC 8439 sections 2.5 and 2.8.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

_P = 2**130 - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
_BLOCK = 16


def two_keys_one_body(first: bytes, second: bytes, aad: bytes, text: Callable[[int], bytes], free_at: int) -> bytes:
    """A ciphertext and its tag, valid under both keys with a nonce of zeros.

    Args:
        text: one ciphertext an attempt, each of the same length, a multiple of 16.
        free_at: where in it 16 bytes, at a multiple of 16, may become others.
    """
    points = [_one_time_key(key) for key in (first, second)]
    padded_aad = aad + bytes(-len(aad) % _BLOCK)
    for attempt in range(10_000):
        found = bytearray(text(attempt))
        lengths = len(aad).to_bytes(8, "little") + len(found).to_bytes(8, "little")
        message = padded_aad + bytes(found) + lengths
        blocks = [message[at : at + _BLOCK] for at in range(0, len(message), _BLOCK)]
        free = (len(padded_aad) + free_at) // _BLOCK
        # Without the free block, and by what it is multiplied.
        rests = [_evaluate(blocks, r, free) for r, _ in points]
        powers = [pow(r, len(blocks) - free, _P) for r, _ in points]
        difference = (points[1][1] - points[0][1]) % 2**128
        for turn in range(-4, 5):
            wanted = difference + turn * 2**128
            block = (wanted - rests[0] + rests[1]) * pow(powers[0] - powers[1], -1, _P) % _P
            if not 2**128 <= block < 2**129:
                continue
            found[free_at : free_at + _BLOCK] = (block - 2**128).to_bytes(_BLOCK, "little")
            tags = {_tag(padded_aad + bytes(found) + lengths, r, s) for r, s in points}
            if len(tags) == 1:
                return bytes(found) + tags.pop()
    raise AssertionError("no such body was found")


def stream(key: bytes, data: bytes, counter: int = 1) -> bytes:
    """ChaCha20 with a nonce of zeros, which is its own inverse. Source: RFC 8439 section 2.4."""
    return Cipher(ChaCha20(key, counter.to_bytes(4, "little") + bytes(12)), None).encryptor().update(data)


def _one_time_key(key: bytes) -> tuple[int, int]:
    """Poly1305's r and s. Source: RFC 8439 section 2.6."""
    block = stream(key, bytes(32), 0)
    return int.from_bytes(block[:16], "little") & _CLAMP, int.from_bytes(block[16:], "little")


def _evaluate(blocks: list[bytes], r: int, free: int) -> int:
    total = 0
    for place, block in enumerate(blocks):
        value = 0 if place == free else int.from_bytes(block, "little") + 2**128
        total = (total + value) * r % _P
    return total


def _tag(message: bytes, r: int, s: int) -> bytes:
    total = 0
    for at in range(0, len(message), _BLOCK):
        total = (total + int.from_bytes(message[at : at + _BLOCK], "little") + 2**128) * r % _P
    return ((total + s) % 2**128).to_bytes(_BLOCK, "little")
