"""Ranges, excerpts, proofs and revokes as CBOR values: how sessions, bundles and the store write them.

A `parse_` function checks the shape alone; what it returns has still to be checked by its `check_` function.
Source: protocol/feed.md, "Wire forms".
"""

from typing import Any

from .. import cbor
from ..errors import EncodingError
from ..ids import EntryId, FeedId
from ..keys import KEY_BYTES, SIGNATURE_BYTES
from ..limits import EXCERPT_TAIL_MAX, FORK_SIDE_MAX, RANGE_MAX_ENTRIES, SEQ_MAX
from .chain import Excerpt, Hole, Link, Range
from .device import DeviceProof, Revoke
from .fork import ForkProof, Side

HASH_BYTES = 32


# --- Writing ---


def range_value(given: Range) -> cbor.Value:
    """`[feed, before seq, before id, [+item], [*[seq, signature]]]`, heads by seq; an item is a payload or a hole."""
    items: list[cbor.Value] = [item if type(item) is bytes else list(item) for item in given.items]
    heads: list[cbor.Value] = [[seq, given.heads[seq]] for seq in sorted(given.heads)]
    return [given.feed, given.before.seq, given.before.id, items, heads]


def excerpt_value(given: Excerpt) -> cbor.Value:
    """`[feed, before seq, before id, payload, [*hole], signature]`."""
    return [given.feed, given.before.seq, given.before.id, given.payload, _holes_value(given.tail), given.head]


def device_proof_value(given: DeviceProof) -> cbor.Value:
    """`[payload(1), signature]`."""
    return [given.payload, given.head]


def fork_proof_value(given: ForkProof) -> cbor.Value:
    """`[feed, before seq, before id, side, side]`; a side is `[[+hole], signature]`."""
    sides = [side_value(side) for side in given.sides]
    return [given.feed, given.before.seq, given.before.id, *sides]


def side_value(given: Side) -> cbor.Value:
    """`[[+hole], signature]`."""
    return [_holes_value(given.items), given.head]


def revoke_value(given: Revoke) -> cbor.Value:
    """`[feed, seq, id, signature]`."""
    return [given.feed, given.seq, given.id, given.signature]


def _holes_value(holes: Any) -> cbor.Value:
    return [[length, digest] for length, digest in holes]


# --- Reading ---


def parse_range(value: object) -> Range:
    """Read a range; see `chain.check_range`.

    Raises:
        EncodingError: another shape, or heads that are not in order.
    """
    feed, seq, before, raw_items, raw_heads = _array(value, 5)
    items = _list(raw_items, 1, RANGE_MAX_ENTRIES)
    if not all(type(item) is bytes for item in items):
        items = [item if type(item) is bytes else _hole(item) for item in items]
    heads: dict[int, bytes] = {}
    last = 0
    for raw in _list(raw_heads, 0, RANGE_MAX_ENTRIES):
        at, signature = _array(raw, 2)
        if _seq(at, 1) <= last:
            raise EncodingError("The heads of a range are not in order.")
        last = at
        heads[at] = _bytes(signature, SIGNATURE_BYTES)
    return Range(_feed(feed), _link(seq, before), items, heads)


def parse_excerpt(value: object) -> Excerpt:
    """Read an excerpt; see `chain.check_excerpt`.

    Raises:
        EncodingError: another shape.
    """
    feed, seq, before, payload, tail, head = _array(value, 6)
    if type(payload) is not bytes:
        raise EncodingError("An excerpt's payload is a byte string.")
    holes = [_hole(item) for item in _list(tail, 0, EXCERPT_TAIL_MAX)]
    return Excerpt(_feed(feed), _link(seq, before), payload, holes, _bytes(head, SIGNATURE_BYTES))


def parse_device_proof(value: object) -> DeviceProof:
    """Read a device proof; see `device.check_device_proof`.

    Raises:
        EncodingError: another shape.
    """
    payload, head = _array(value, 2)
    if type(payload) is not bytes:
        raise EncodingError("A device proof's payload is a byte string.")
    return DeviceProof(payload, _bytes(head, SIGNATURE_BYTES))


def parse_fork_proof(value: object) -> ForkProof:
    """Read a fork proof; see `fork.check_fork_proof`.

    Raises:
        EncodingError: another shape.
    """
    feed, seq, before, one, other = _array(value, 5)
    return ForkProof(_feed(feed), _link(seq, before), (parse_side(one), parse_side(other)))


def parse_side(value: object) -> Side:
    """Read a side of a fork proof.

    Raises:
        EncodingError: another shape.
    """
    items, head = _array(value, 2)
    return Side([_hole(item) for item in _list(items, 1, FORK_SIDE_MAX)], _bytes(head, SIGNATURE_BYTES))


def parse_revoke(value: object) -> Revoke:
    """Read a revoke; see `device.check_revoke`.

    Raises:
        EncodingError: another shape.
    """
    feed, seq, entry_id, signature = _array(value, 4)
    at = _link(_seq(seq, 1), entry_id)
    return Revoke(_feed(feed), at.seq, at.id, _bytes(signature, SIGNATURE_BYTES))


def _array(value: object, length: int) -> list[Any]:
    if type(value) is not list or len(value) != length:
        raise EncodingError(f"An array of {length} is wanted.")
    return value


def _list(value: object, low: int, high: int) -> list[Any]:
    if type(value) is not list or not low <= len(value) <= high:
        raise EncodingError(f"An array of {low} to {high} is wanted.")
    return value


def _bytes(value: object, length: int) -> bytes:
    if type(value) is not bytes or len(value) != length:
        raise EncodingError(f"A byte string of {length} bytes is wanted.")
    return value


def _feed(value: object) -> FeedId:
    return FeedId(_bytes(value, KEY_BYTES))


def _seq(value: object, low: int) -> int:
    if type(value) is not int or not low <= value <= SEQ_MAX:
        raise EncodingError(f"A seq is an integer from {low} to {SEQ_MAX}.")
    return value


def _link(seq: object, entry_id: object) -> Link:
    return Link(_seq(seq, 0), EntryId(_bytes(entry_id, HASH_BYTES)))


def _hole(value: object) -> Hole:
    length, digest = _array(value, 2)
    if type(length) is not int or length < 0:
        raise EncodingError("A length is an integer from 0.")
    return length, _bytes(digest, HASH_BYTES)
