"""One body that ChaCha20-Poly1305 authenticates under two keys: why a sealed entry commits to its key.

Poly1305 is a polynomial in a key-dependent point: with one free block the two polynomials can be made to agree.
Source: Len, Grubbs, Ristenpart, "Partitioning Oracle Attacks" (2021), section 3; RFC 8439 sections 2.5 and 2.8.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

_P = 2**130 - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
_BLOCK = 16


def two_keys_one_body(first: bytes, second: bytes, aad: bytes, size: int) -> bytes:
    """A ciphertext of `size` bytes (a multiple of 16) and its tag, valid under both keys with a nonce of zeros."""
    points = [_one_time_key(key) for key in (first, second)]
    padded_aad = aad + bytes(-len(aad) % _BLOCK)
    lengths = len(aad).to_bytes(8, "little") + size.to_bytes(8, "little")
    for attempt in range(10_000):
        text = bytearray(size)
        text[-2:] = attempt.to_bytes(2)
        message = padded_aad + bytes(text) + lengths
        blocks = [message[at : at + _BLOCK] for at in range(0, len(message), _BLOCK)]
        free = len(padded_aad) // _BLOCK  # the first block of the text
        # Without the free block, and by what it is multiplied.
        rests = [_evaluate(blocks, r, free) for r, _ in points]
        powers = [pow(r, len(blocks) - free, _P) for r, _ in points]
        difference = (points[1][1] - points[0][1]) % 2**128
        for turn in range(-4, 5):
            wanted = difference + turn * 2**128
            block = (wanted - rests[0] + rests[1]) * pow(powers[0] - powers[1], -1, _P) % _P
            if not 2**128 <= block < 2**129:
                continue
            text[:_BLOCK] = (block - 2**128).to_bytes(_BLOCK, "little")
            tags = {_tag(padded_aad + bytes(text) + lengths, r, s) for r, s in points}
            if len(tags) == 1:
                return bytes(text) + tags.pop()
    raise AssertionError("no such body was found")


def _one_time_key(key: bytes) -> tuple[int, int]:
    """Poly1305's r and s for a nonce of zeros. Source: RFC 8439 section 2.6."""
    stream = Cipher(ChaCha20(key, bytes(16)), None).encryptor().update(bytes(32))
    return int.from_bytes(stream[:16], "little") & _CLAMP, int.from_bytes(stream[16:], "little")


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
