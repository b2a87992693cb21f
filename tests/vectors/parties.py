"""Who signs in the vectors: fixed keys, and the feeds that they write. Nobody may use these keys for anything else."""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from p2pmicro import cbor, keys
from p2pmicro.feed.chain import Item, Link, as_hole, genesis, page_end, walk
from p2pmicro.ids import EntryId, FeedId, format_account, format_feed
from p2pmicro.keys import PrivateKey

SEQ_MAX = 2**32 - 1
SMALL = bytes([1]) + bytes(31)  # the identity point as a key: anybody can sign under it
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def secret(name: str) -> bytes:
    """32 bytes that everybody can make again."""
    return sha256(f"p2pmicro test key: {name}".encode()).digest()


def hkdf(seed: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 for 32 bytes, by itself, so that the vectors do not repeat a fault of keys.py. Source: RFC 5869."""
    extracted = hmac.digest(b"p2pmicro seed 1", seed, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


SEED_A, SEED_B = secret("seed a"), secret("seed b")
ACCOUNT_A = PrivateKey(hkdf(SEED_A, b"p2pmicro account 1"))
ACCOUNT_B = PrivateKey(hkdf(SEED_B, b"p2pmicro account 1"))
FEED_A, FEED_B = PrivateKey(secret("feed a")), PrivateKey(secret("feed b"))
BOTH = PrivateKey(secret("feed and account"))  # to offer what it signs for one use for another
DEVICE_A = keys.device_public(secret("device a"))
BOX_A = keys.device_public(hkdf(SEED_A, b"p2pmicro box 1" + bytes(4)))


def known_keys() -> dict[str, Any]:
    """The document keys.json."""

    def account(name: str, seed: bytes) -> dict[str, Any]:
        derived = hkdf(seed, b"p2pmicro account 1")
        boxes = [hkdf(seed, b"p2pmicro box 1" + generation.to_bytes(4)) for generation in (0, 1)]
        return {
            "name": name,
            "seed": seed.hex(),
            "words": " ".join(keys.seed_words(seed)),
            "secret": derived.hex(),
            "public": PrivateKey(derived).public.hex(),
            "text": format_account(PrivateKey(derived).public),
            "box": [
                {"generation": generation, "secret": box.hex(), "public": keys.device_public(box).hex()}
                for generation, box in enumerate(boxes)
            ],
        }

    def feed(name: str, key_secret: bytes) -> dict[str, Any]:
        public = PrivateKey(key_secret).public
        return {"name": name, "secret": key_secret.hex(), "public": public.hex(), "text": format_feed(public)}

    def element(scope: int, name: bytes) -> dict[str, Any]:
        salt = secret("interest")[:16]
        made = sha256(salt + bytes([scope]) + name).digest()[:16]
        return {"salt": salt.hex(), "scope": scope, "name": name.hex(), "element": made.hex()}

    return {
        "comment": "Test keys: their secrets are public. `both` is a feed and an account at once.",
        "accounts": [account("account_a", SEED_A), account("account_b", SEED_B)],
        "feeds": [
            feed("feed_a", secret("feed a")),
            feed("feed_b", secret("feed b")),
            feed("both", secret("feed and account")),
        ],
        "devices": [{"name": "device_a", "secret": secret("device a").hex(), "public": DEVICE_A.hex()}],
        "elements": [
            element(0, ACCOUNT_A.public),
            element(1, LOG_A.id(3)),
            element(2, ACCOUNT_A.public),
        ],
    }


# --- To-be-signed bytes, written out here a second time ---


def head_message(feed: bytes, seq: int, entry_id: bytes) -> bytes:
    """What a head signs."""
    return b"p2pmicro head 1" + feed + seq.to_bytes(8) + entry_id


def revoke_message(feed: bytes, seq: int, entry_id: bytes) -> bytes:
    """What a revoke signs."""
    return b"p2pmicro revoke 1" + feed + seq.to_bytes(8) + entry_id


def device_message(content: dict[str, Any]) -> bytes:
    """What an account signs of a device entry."""
    unsigned = {key: value for key, value in content.items() if key != "sig"}
    return b"p2pmicro device 1" + sha256(cbor.encode(unsigned)).digest()


# --- Payloads and logs ---


def payload(kind: str, content: Any, time_ms: int = START_MS) -> bytes:
    """A payload, checked by nothing but the CBOR profile."""
    return cbor.encode([time_ms, kind, content])


def device_content(
    account: PrivateKey = ACCOUNT_A,
    feed: bytes = FEED_A.public,
    without: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """The content of an entry 1; `changes` come before the signature, and the field `without` is left out of it."""
    content: dict[str, Any] = {"feed": feed, "account": account.public, "device": DEVICE_A, "box": BOX_A, "gen": 0}
    content.update(changes)
    content.pop(without or "", None)
    if without != "sig":
        content["sig"] = account.sign(device_message(content))
    return content


@dataclass(frozen=True)
class Log:
    """A feed written from `before` on: its payloads, and the id of each."""

    key: PrivateKey
    before: Link
    payloads: Sequence[bytes]

    @property
    def ids(self) -> list[bytes]:
        """The id before the first payload, and that of each."""
        items: list[Item] = list(self.payloads)
        return [self.before.id, *walk(self.before, items)]

    def id(self, seq: int) -> bytes:
        """The id at a seq."""
        return self.ids[seq - self.before.seq]

    def payload(self, seq: int) -> bytes:
        """The payload at a seq."""
        return self.payloads[seq - self.before.seq - 1]

    def message(self, seq: int) -> bytes:
        """What the head at a seq signs."""
        return head_message(self.key.public, seq, self.id(seq))

    def head(self, seq: int) -> bytes:
        """The head at a seq."""
        return self.key.sign(self.message(seq))

    def range(self, first: int, last: int, holes: Collection[int] = (), heads: Collection[int] | None = None) -> Any:
        """The wire form of a range; `heads` as the text wants them unless they are given."""
        ids = self.ids
        base = self.before.seq
        if heads is None:
            heads = {last, *({1} if first == 1 else ()), *range(page_end(first), last, 64)}
        items: list[Any] = []
        for seq in range(first, last + 1):
            given = self.payloads[seq - base - 1]
            items.append(list(as_hole(given)) if seq in holes else given)
        signed = [[seq, self.key.sign(head_message(self.key.public, seq, ids[seq - base]))] for seq in sorted(heads)]
        return [self.key.public, first - 1, ids[first - 1 - base], items, signed]

    def holes(self, first: int, last: int) -> Any:
        """The holes of first..last."""
        return [list(as_hole(self.payload(seq))) for seq in range(first, last + 1)]

    def excerpt(self, seq: int, last: int) -> Any:
        """The wire form of an excerpt of `seq` under the head at `last`."""
        return [
            self.key.public,
            seq - 1,
            self.id(seq - 1),
            self.payload(seq),
            self.holes(seq + 1, last),
            self.head(last),
        ]

    def side(self, first: int, last: int) -> Any:
        """The wire form of a side of a fork proof."""
        return [self.holes(first, last), self.head(last)]

    def signed(self, *seqs: int) -> tuple[tuple[str, bytes, bytes, bytes], ...]:
        """What a vector tells of the heads at some seqs."""
        return tuple(("head", self.key.public, self.message(seq), self.head(seq)) for seq in seqs)


def log(key: PrivateKey, *payloads: bytes) -> Log:
    """A feed from its beginning."""
    return Log(key, genesis(FeedId(key.public)), payloads)


ENTRY_1 = payload("device", device_content(), START_MS - 1000)
HELLO = payload("post", {"text": "Hello"})
_TEXTS = [payload("post", {"text": f"This is entry {seq}."}, START_MS + 1000 * (seq - 2)) for seq in range(3, 201)]
LOG_A = log(FEED_A, ENTRY_1, HELLO, *_TEXTS)
"""200 entries: a device, "Hello", and posts."""
LATE = Log(FEED_A, Link(SEQ_MAX - 5, EntryId(bytes(32))), [HELLO] * 6)
"""Up to the last seq and one over."""
