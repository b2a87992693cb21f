"""Secrets that must not be found elsewhere, in every spelling in which they might be. Source: threats L15, P9, P10."""

from base64 import b64encode, urlsafe_b64encode

from p2pmicro.node.home import Home
from tests.vectors.parties import hkdf


def secrets_of(home: Home) -> list[bytes]:
    """All secret keys of a home: those in its files, and those that come of the seed."""
    seed = bytes.fromhex(home.seed.read_text())
    lines = home.feed_key.read_text().split()
    derived = [hkdf(seed, info) for info in (b"p2pmicro account 1", b"p2pmicro box 1" + bytes(4))]
    return [seed, *(bytes.fromhex(line) for line in lines if len(line) == 64), *derived]


def spellings(secret: bytes) -> list[bytes]:
    """How a secret may stand in a file: raw, hex, and base64 whatever comes before it."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for shift in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            found.append(encode(bytes(shift) + secret)[4 * bool(shift) : -4])
    return found
