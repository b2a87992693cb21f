"""Fixed keys, and feeds made of real messages: what the tests of the format start from."""

from collections.abc import Collection
from functools import lru_cache
from hashlib import sha256

from p2pmicro import keys
from p2pmicro.feed.chain import Excerpt, Item, Link, Range, as_hole, genesis, is_kept_head, next_link, sign_head
from p2pmicro.feed.content import post, write
from p2pmicro.feed.device import DeviceProof, make_device
from p2pmicro.feed.fork import Side
from p2pmicro.ids import AccountId, FeedId
from p2pmicro.keys import PrivateKey
from tests.texts import message

NOW_MS = 1_700_000_000_000


def secret(name: str) -> bytes:
    """32 bytes that are the same each time: never for a real key."""
    return sha256(b"p2pmicro test " + name.encode()).digest()


@lru_cache
def private_key(name: str) -> PrivateKey:
    """The Ed25519 key of a name."""
    return PrivateKey(secret(name))


class MadeFeed:
    """A feed of `count` entries, the first its device, the rest messages; `start` chooses which messages."""

    def __init__(self, count: int, name: str = "feed", account: str = "alice", start: int = 0) -> None:
        self.key = private_key(name)
        self.feed = FeedId(self.key.public)
        self.account_key = keys.account_key(secret(account))
        self.account = AccountId(self.account_key.public)
        device_key = keys.device_public(secret(name + " device"))
        self.proof: DeviceProof = make_device(
            self.account_key, self.key, device_key, keys.box_public(secret(account), 0), 0, NOW_MS
        )
        self.payloads = [self.proof.payload]
        self.links = [genesis(self.feed)]  # links[seq]
        self.links.append(next_link(self.links[0], self.proof.payload))
        for seq in range(2, count + 1):
            self.append(write(NOW_MS + seq * 1000, "post", post(message(start + seq))))

    def append(self, payload: bytes) -> None:
        """Go on with a payload."""
        self.payloads.append(payload)
        self.links.append(next_link(self.links[-1], payload))

    @property
    def last(self) -> int:
        """The seq of the last entry."""
        return len(self.payloads)

    def head(self, seq: int) -> bytes:
        """The signature at a seq."""
        return sign_head(self.key, self.links[seq])

    def range(self, first: int, last: int, holes: Collection[int] = (), known: bool = False) -> Range:
        """Entries first to last as they travel; `holes` without their payloads; `known`: no head for the end alone."""
        seqs = range(first, last + 1)
        items: list[Item] = [as_hole(self.payloads[s - 1]) if s in holes else self.payloads[s - 1] for s in seqs]
        heads = {s: self.head(s) for s in seqs if is_kept_head(s) or (s == last and not known)}
        return Range(self.feed, self.links[first - 1], items, heads)

    def excerpt(self, seq: int, end: int) -> Excerpt:
        """Entry `seq` alone, proven by the head at `end`."""
        tail = [as_hole(payload) for payload in self.payloads[seq:end]]
        return Excerpt(self.feed, self.links[seq - 1], self.payloads[seq - 1], tail, self.head(end))

    def side(self, first: int, end: int) -> Side:
        """Entries first to end as a side of a fork proof."""
        return Side([as_hole(payload) for payload in self.payloads[first - 1 : end]], self.head(end))

    def branch(self, at: int, count: int, start: int = 100_000) -> "MadeFeed":
        """Another feed under the same key that parts at `at` and has `count` entries from there."""
        other = MadeFeed.__new__(MadeFeed)
        other.__dict__.update(self.__dict__)
        other.payloads, other.links = self.payloads[: at - 1], self.links[:at]
        for seq in range(at, at + count):
            other.append(write(NOW_MS + seq * 1000, "post", post(message(start + seq))))
        return other


def flipped(data: bytes, bit: int) -> bytes:
    """The bytes with one bit turned over."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def after(link: Link, seq: int) -> Link:
    """The same id, said to stand at another seq."""
    return Link(seq, link.id)
