"""Ed25519 in plain Python, from RFC 8032 section 5.1: the second opinion on every signature in the vectors.

Slow and not constant in time: for tests alone. It also makes the odd signatures that no library makes.
"""

from hashlib import sha512
from typing import TypeAlias

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, P - 2, P) % P
_ROOT = pow(2, (P - 1) // 4, P)

Point: TypeAlias = tuple[int, int, int, int]
"""Extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z."""
ZERO: Point = (0, 1, 1, 0)


def add(one: Point, other: Point) -> Point:
    """The sum of two points. Source: RFC 8032 section 5.1.4."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * _D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Point) -> Point:
    """The point added to itself `scalar` times (0 and up)."""
    total = ZERO
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def negate(point: Point) -> Point:
    """The point's opposite."""
    return -point[0] % P, point[1], point[2], -point[3] % P


def encode(point: Point) -> bytes:
    """The canonical 32 bytes of a point. Source: RFC 8032 section 5.1.2."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point | None:
    """The point that 32 bytes stand for, or None. Source: RFC 8032 section 5.1.3."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if len(data) != 32 or y >= P:
        return None
    u, v = (y * y - 1) % P, (_D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * _ROOT % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


_BASE_POINT = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
assert _BASE_POINT is not None
BASE: Point = _BASE_POINT


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    """k of RFC 8032 section 5.1.7, step 2."""
    return int.from_bytes(sha512(r + key + message).digest(), "little") % L


def secret_scalar(secret: bytes) -> int:
    """The scalar of a private key. Source: RFC 8032 section 5.1.5."""
    number = int.from_bytes(sha512(secret).digest()[:32], "little")
    return number & ((1 << 254) - 8) | (1 << 254)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature holds by protocol/feed.md, "Signatures": without the cofactor. Keys are judged elsewhere."""
    point = decode(key)
    if point is None or len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    return encode(add(multiply(s, BASE), negate(multiply(challenge(r, key, message), point)))) == r
