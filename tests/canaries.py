"""Secrets that must not be found elsewhere, in every spelling in which they might be. Source: threats L15, P9, P10."""

import sqlite3
from base64 import b64encode, urlsafe_b64encode
from contextlib import closing

from p2pmicro import keys
from p2pmicro.feed import seal
from p2pmicro.feed.content import read
from p2pmicro.ids import AccountId, FeedId
from p2pmicro.node.home import Home
from tests.vectors.parties import hkdf

GENERATIONS = 3
"""How many generations of an account's box key are looked for; the first is the only one so far."""


def secrets_of(home: Home) -> list[bytes]:
    """All secret keys of a home: those in its files, and those that come of the seed."""
    seed = bytes.fromhex(home.seed.read_text())
    lines = home.feed_key.read_text().split()
    boxes = [hkdf(seed, b"p2pmicro box 1" + generation.to_bytes(4)) for generation in range(GENERATIONS)]
    return [
        seed,
        *(bytes.fromhex(line) for line in lines if len(line) == 64),
        hkdf(seed, b"p2pmicro account 1"),
        *boxes,
    ]


def secrets_within(home: Home) -> dict[str, list[bytes]]:
    """All keys that came in sealed entries or were drawn for them, by what they are for."""
    with closing(sqlite3.connect(home.database)) as connection:
        found = {
            "answers": "SELECT secret FROM secrets WHERE circle IS NULL",
            "circles": "SELECT secret FROM secrets WHERE circle IS NOT NULL UNION SELECT secret FROM given",
            "pictures": "SELECT secret FROM pictures WHERE secret IS NOT NULL",
        }
        kinds = {kind: [bytes(row[0]) for row in connection.execute(query)] for kind, query in found.items()}
        opened = connection.execute(
            "SELECT accounts.account, feeds.feed, held.payload FROM sealed JOIN held ON held.key = sealed.key"
            " JOIN feeds ON feeds.number = sealed.key >> 32 JOIN accounts ON accounts.number = feeds.account"
            " WHERE sealed.plain IS NOT NULL"
        ).fetchall()
    boxes = [hkdf(bytes.fromhex(home.seed.read_text()), b"p2pmicro box 1" + bytes(4))]
    kinds["contents"] = []
    for account, feed, payload in opened:
        kinds["contents"] += _content_keys(account, feed, payload, [*boxes, *kinds["answers"], *kinds["circles"]])
    return kinds


def _content_keys(account: AccountId, feed: FeedId, payload: bytes, secrets: list[bytes]) -> list[bytes]:
    """The content key of a sealed entry, and the key of its body that comes of it."""
    content = read(payload).content
    info = seal._SLOT + account + feed + content["salt"] + content["commit"]
    for secret in secrets:
        for slot in content["slots"]:
            found = seal._open_slot(slot, keys.load_box_private(secret), info)
            if found is not None:
                return [found, seal._derive(found, content["salt"])[0]]
    raise AssertionError("it was opened by none of these keys")


def spellings(secret: bytes) -> list[bytes]:
    """How a secret may stand in a file: raw, hex, as Python shows it, and base64 whatever comes before it."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode(), repr(secret)[2:-1].encode()]
    for shift in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            found.append(encode(bytes(shift) + secret)[4 * bool(shift) : -4])
    return found
