"""Ids, heads and pages: make and check a range, an excerpt. Source: protocol/feed.md, "The chain" to "Excerpts".

id(0) = SHA-256("p2pmicro feed 1" || feed)
id(n) = SHA-256(id(n-1) || u64be(n) || u32be(length) || SHA-256(payload(n)))
head  = Ed25519 by the feed key over "p2pmicro head 1" || feed || u64be(n) || id(n)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import TypeAlias, cast

from ..errors import BacklinkError, SeqError, SizeError
from ..ids import EntryId, FeedId
from ..keys import PrivateKey, verify
from ..limits import (
    EXCERPT_TAIL_MAX,
    PAGE_ENTRIES,
    PAYLOAD_MAX_BYTES,
    RANGE_MAX_BYTES,
    RANGE_MAX_ENTRIES,
    SEQ_MAX,
)

Hole: TypeAlias = tuple[int, bytes]
"""What stands for a payload that is not given: its length in bytes (1 to 8,192) and its SHA-256."""
Item: TypeAlias = bytes | Hole

_SEQ_AND_LENGTH = Struct(">QI").pack
_SEQ = Struct(">Q").pack


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a feed: its seq (0 before the first entry) and the 32-byte id there."""

    seq: int
    id: EntryId


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive entries that a node holds: those after `before`, up to `end`."""

    before: Link
    end: Link


@dataclass(frozen=True, slots=True)
class Range:
    """Consecutive entries of one feed with their proof, as they travel; nothing of it is checked yet."""

    feed: FeedId
    before: Link  # what the first item follows
    items: Sequence[Item]  # 1 to 2,048, payloads of at most 1 MiB in all
    heads: Mapping[int, bytes]  # seq to 64-byte signature: seq 1, page ends, the last entry

    @property
    def last_seq(self) -> int:
        """The seq of the last item."""
        return self.before.seq + len(self.items)


@dataclass(frozen=True, slots=True)
class CheckedRange:
    """A range that `check_range` has proven; the only form that the store takes."""

    range: Range
    ids: Sequence[EntryId]  # one an item

    @property
    def end(self) -> Link:
        """The last entry's place."""
        return Link(self.range.last_seq, self.ids[-1])


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One entry with what proves it alone, but for the device proof of its feed."""

    feed: FeedId
    before: Link
    payload: bytes
    tail: Sequence[Hole]  # what follows, up to the next head: at most 63
    head: bytes  # 64-byte signature at before.seq + 1 + len(tail)


def genesis(feed: FeedId) -> Link:
    """The place before a feed's first entry: seq 0 and id(0)."""
    return Link(0, EntryId(sha256(b"p2pmicro feed 1" + feed).digest()))


def next_link(before: Link, payload: bytes) -> Link:
    """The place of a payload that follows `before`."""
    return Link(before.seq + 1, _walk(before, (payload,))[0])


def as_hole(payload: bytes) -> Hole:
    """What stands for a payload when it is not given."""
    return len(payload), sha256(payload).digest()


def hole_of(item: Item) -> Hole:
    """What stands for an item of a range, whether its payload is given or not."""
    return as_hole(item) if isinstance(item, bytes) else item


def page_end(seq: int) -> int:
    """The last seq of the page that holds `seq` (1 and up)."""
    return -(-seq // PAGE_ENTRIES) * PAGE_ENTRIES


def is_kept_head(seq: int) -> bool:
    """Whether everyone keeps the head at this seq: 1 and the page ends."""
    return seq == 1 or seq % PAGE_ENTRIES == 0


def sign_head(key: PrivateKey, link: Link) -> bytes:
    """Sign a feed up to `link` with its feed key; 64 bytes."""
    return key.sign(_head_message(FeedId(key.public), link))


def check_head(feed: FeedId, link: Link, signature: bytes) -> None:
    """Check that the feed's key signed the feed up to `link`.

    Raises:
        BadKeyError: the feed id is a refused key.
        SignatureError: the signature does not hold.
    """
    verify(feed, _head_message(feed, link), signature)


def check_range(given: Range, end: EntryId | None = None) -> CheckedRange:
    """Check that items follow `given.before` in the feed and that their heads, or the known `end`, prove it.

    The caller has checked that `given.before` is what it knows (id(0), or an id that it holds), or, for the newest
    entries of a feed, takes it from the range: the heads prove it as well.

    Args:
        given: the range; `before.seq` 0 must come with id(0).
        end: the id of the last item where the receiver knows it, or None.
    Returns: the range with the id of each entry.
    Raises:
        SizeError: no item, too many, or one over its limit; nothing was hashed.
        SeqError: a page end, entry 1 or the last entry without its head, or a head elsewhere.
        BacklinkError: the chain does not begin at id(0) or does not reach `end`; carries both ids.
        SignatureError: a head's signature is wrong.
    Source: protocol/feed.md, "Checking a range".
    """
    items, first, last = given.items, given.before.seq + 1, given.last_seq
    _check_sizes(items)
    if first < 1 or last > SEQ_MAX:
        raise SeqError(f"Entries {first} to {last} lie outside 1 to {SEQ_MAX}.")
    needed = set(range(page_end(first), last + 1, PAGE_ENTRIES))
    if first == 1:
        needed.add(1)
    allowed = needed | {last}
    if end is None:
        needed.add(last)
    if not needed <= given.heads.keys() <= allowed:
        raise SeqError(f"Entries {first} to {last} need heads at {sorted(needed)}, and have {sorted(given.heads)}.")
    if first == 1 and given.before != (start := genesis(given.feed)):
        raise BacklinkError("The range does not begin where its feed does.", 0, start.id, given.before.id)
    ids = _walk(given.before, items)
    if end is not None and ids[-1] != end:
        raise BacklinkError(f"Entry {last} is not the one that is known.", last, end, ids[-1])
    for seq, signature in given.heads.items():
        check_head(given.feed, Link(seq, ids[seq - first]), signature)
    return CheckedRange(given, ids)


def check_excerpt(given: Excerpt) -> EntryId:
    """Check one entry that came alone; its device proof is checked apart.

    Returns: the entry's id.
    Raises:
        SizeError: a payload over its limit, or a tail that passes a page end.
        BacklinkError: entry 1 that does not follow id(0).
        SignatureError: the head is wrong.
    Source: protocol/feed.md, "Excerpts".
    """
    seq = given.before.seq + 1
    items: list[Item] = [given.payload, *given.tail]
    _check_sizes(items)
    if len(given.tail) > EXCERPT_TAIL_MAX or seq + len(given.tail) > page_end(seq):
        raise SizeError("An excerpt ends at the next head, which is at the page's end at the latest.")
    if seq < 1 or seq + len(given.tail) > SEQ_MAX:
        raise SeqError(f"Entry {seq} lies outside 1 to {SEQ_MAX}.")
    if seq == 1 and given.before != (start := genesis(given.feed)):
        raise BacklinkError("The excerpt does not begin where its feed does.", 0, start.id, given.before.id)
    ids = _walk(given.before, items)
    check_head(given.feed, Link(seq + len(given.tail), ids[-1]), given.head)
    return ids[0]


def excerpt_at(given: CheckedRange, seq: int) -> Excerpt | None:
    """One entry of a proven range alone; None where its payload, or a head after it in its page, is not given."""
    held, place = given.range, seq - given.range.before.seq - 1
    payload = held.items[place]
    head = min((at for at in held.heads if seq <= at <= page_end(seq)), default=None)
    if head is None or not isinstance(payload, bytes):
        return None
    before = held.before if place == 0 else Link(seq - 1, given.ids[place - 1])
    tail = [hole_of(item) for item in held.items[place + 1 : head - held.before.seq]]
    return Excerpt(held.feed, before, payload, tail, held.heads[head])


def walk(before: Link, items: Sequence[Item]) -> list[EntryId]:
    """The id of each of the items that follow `before`.

    Raises:
        SizeError: an item is empty or over its limit.
    """
    for item in items:
        _check_size(item)
    return _walk(before, items)


def _walk(before: Link, items: Sequence[Item]) -> list[EntryId]:
    ids: list[bytes] = []
    add, hashed, pack = ids.append, sha256, _SEQ_AND_LENGTH  # local names: a first sync takes 100,000 steps of this
    link: bytes = before.id
    for seq, item in enumerate(items, before.seq + 1):
        if isinstance(item, bytes):
            link = hashed(link + pack(seq, len(item)) + hashed(item).digest()).digest()
        else:
            length, digest = item
            link = hashed(link + pack(seq, length) + digest).digest()
        add(link)
    return cast("list[EntryId]", ids)


def _check_sizes(items: Sequence[Item]) -> None:
    if not 1 <= len(items) <= RANGE_MAX_ENTRIES:
        raise SizeError(f"A range has 1 to {RANGE_MAX_ENTRIES} entries, and this one has {len(items)}.")
    total = 0
    for item in items:
        total += _check_size(item)
    if total > RANGE_MAX_BYTES:
        raise SizeError(f"A range has at most {RANGE_MAX_BYTES} bytes of payloads, and this one has {total}.")


def _check_size(item: Item) -> int:
    """Check one item's length; the bytes that it brings."""
    if isinstance(item, bytes):
        length = given = len(item)
    else:
        length, given = item[0], 0
    if not 1 <= length <= PAYLOAD_MAX_BYTES:
        raise SizeError(f"A payload has 1 to {PAYLOAD_MAX_BYTES} bytes, and this one has {length}.")
    return given


def _head_message(feed: FeedId, link: Link) -> bytes:
    return b"p2pmicro head 1" + feed + _SEQ(link.seq) + link.id
