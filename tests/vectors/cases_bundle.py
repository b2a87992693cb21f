"""Vectors of bundles: protocol/bundle.md. A record that is refused stands in `decoded` with its code."""

from collections.abc import Iterator, Sequence
from typing import Any

from p2pmicro import cbor
from p2pmicro.errors import EntryError
from p2pmicro.feed.bundle import Carried, CheckedExcerpt, Proven, Reader
from p2pmicro.feed.chain import CheckedRange
from p2pmicro.feed.device import Device, Revoke
from p2pmicro.feed.fork import ForkProof
from p2pmicro.ids import format_account, format_feed

from .cases_fork import branch_of, proof_of
from .cases_range import flipped
from .form import Vector, diagnostic
from .parties import (
    ACCOUNT_A,
    ACCOUNT_B,
    ENTRY_1,
    FEED_A,
    FEED_B,
    HELLO,
    LOG_A,
    START_MS,
    device_content,
    log,
    payload,
    revoke_message,
)

RECORD_MAX = 1_179_648
PICTURE_MAX = 1_048_576
MAGIC = "p2pmicro bundle 1"
_NO_FEED: dict[str, Any] = {"made": START_MS, "feeds": 0, "entries": 0, "first": None, "last": None}
_ONE_FEED: dict[str, Any] = {"made": START_MS, "feeds": 1, "entries": 4, "first": START_MS, "last": START_MS + 4000}

LOG_B = log(FEED_B, payload("device", device_content(ACCOUNT_B, FEED_B.public)), HELLO)
_PROOF_A = [0, [ENTRY_1, LOG_A.head(1)]]
_PROOF_B = [0, [LOG_B.payload(1), LOG_B.head(1)]]
_REVOKE = [1, [FEED_A.public, 5, LOG_A.id(5), ACCOUNT_A.sign(revoke_message(FEED_A.public, 5, LOG_A.id(5)))]]
_RANGE = [3, LOG_A.range(2, 5)]
_RANGE_TWISTED = [3, [*LOG_A.range(2, 5)[:4], [[5, flipped(LOG_A.head(5))]]]]
_PICTURE = b"\x89PNG, as far as a bundle is concerned"
_EXCERPT = [4, LOG_A.excerpt(7, 9)]

EVERYTHING: Sequence[Any] = (
    _PROOF_A,
    _REVOKE,
    [2, proof_of(4, (LOG_A, 5), (branch_of(3, "another"), 4))],
    [3, LOG_A.range(65, 128)],
    [3, LOG_A.range(1, 64)],
    _EXCERPT,
    _PROOF_B,
    [3, LOG_B.range(1, 2)],
    [5, _PICTURE],
)
"""A record of each type, and a second feed."""


def decoded_bundle(data: bytes) -> dict[str, Any]:
    """What a reader finds in a bundle that it can read to its end."""
    reader = Reader()
    records = [_told(found) for found in reader.receive(data)]
    reader.finish()
    header = reader.manifest
    assert header is not None
    return {
        "made": header.made_ms,
        "feeds": header.feeds,
        "entries": header.entries,
        "first": header.first_ms,
        "last": header.last_ms,
        "records": records,
    }


def _told(found: Proven | EntryError) -> list[Any]:
    match found:
        case Device():
            return ["device", format_feed(found.feed), format_account(found.account)]
        case Revoke():
            return ["revoke", found.seq]
        case ForkProof():
            return ["fork", found.seq]
        case CheckedRange():
            return ["range", found.range.before.seq + 1, found.end.seq]
        case CheckedExcerpt():
            return ["excerpt", found.excerpt.before.seq + 1]
        case Carried():
            return ["picture", found.name.hex()]
        case EntryError():
            return ["refused", found.code]


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _whole()
    yield from _with_a_refused_record()
    yield from _ending()


def _bundle(name: str, rule: str, comment: str, *records: Any, header: Any = None, expect: str = "ok") -> Vector:
    values = [header or [MAGIC, _ONE_FEED], *records]
    data = b"".join(cbor.encode(cbor.encode(value)) for value in values)
    return _raw(name, rule, comment, data, expect, [f"<<{diagnostic(value)}>>" for value in values])


def _raw(
    name: str,
    rule: str,
    comment: str,
    data: bytes,
    expect: str,
    diag: Sequence[str] = (),
    parts: Sequence[tuple[bytes, int]] = (),
) -> Vector:
    return Vector(
        f"bundle/{name}",
        f"bundle.md#{rule}",
        comment,
        data,
        expect,
        diag=", ".join(diag) if diag and len(data) <= 1024 else None,
        decoded=decoded_bundle(data) if expect == "ok" else None,
        parts=tuple(parts) if parts else ((data, 1),),
    )


def _whole() -> Iterator[Vector]:
    yield _bundle("empty", "bundle-header", "The example of bundle.md: no feed.", header=[MAGIC, _NO_FEED])
    yield _bundle("one_feed", "bundle-order", "A feed of five entries: proof and range.", _PROOF_A, _RANGE)
    yield _bundle("everything", "bundle-record", "A record of each type, and a second feed.", *EVERYTHING)
    yield _bundle("feed_twice", "bundle-order", "A reader takes any order: the feed comes in two parts.", _PROOF_A,
                  [3, LOG_A.range(1, 2)], _PROOF_B, _PROOF_A, _EXCERPT)  # fmt: skip
    yield _bundle("picture_alone", "bundle-picture", "A picture is of no feed; what it shows is judged elsewhere.",
                  [5, _PICTURE], _PROOF_A, [5, b"x"], _RANGE)  # fmt: skip
    yield _bundle("with_hole", "bundle-no-deleted", "An erased payload is a hole.", _PROOF_A,
                  [3, LOG_A.range(2, 5, holes=(4,))])  # fmt: skip
    yield _bundle("type_unknown", "bundle-later", "Types of a later version, in a feed and before any.",
                  [23, "later"], _PROOF_A, [2**40, None], _RANGE)  # fmt: skip
    yield _bundle("header_unknown_field", "bundle-header", "An unknown field is ignored.",
                  header=[MAGIC, {**_NO_FEED, "tool": "x"}])  # fmt: skip
    yield _bundle("header_lies", "bundle-hints", "The header promises a million feeds, and there is none.",
                  header=[MAGIC, {**_NO_FEED, "feeds": 10**6, "first": -(10**15)}])  # fmt: skip


def _with_a_refused_record() -> Iterator[Vector]:
    yield _bundle("range_twisted", "bundle-range-proven", "One range is damaged; what comes after it is taken.",
                  _PROOF_A, _RANGE_TWISTED, _EXCERPT)  # fmt: skip
    yield _bundle("range_without_head", "bundle-range-proven", "A range that only a known end could prove.",
                  _PROOF_A, [3, LOG_A.range(2, 5, heads=())], _RANGE)  # fmt: skip
    yield _bundle("range_before_proof", "bundle-proof-first", "A range before any proof.", _RANGE, _PROOF_A, _RANGE)
    yield _bundle("range_of_other_feed", "bundle-proof-first", "A range of feed_a after the proof of feed_b.",
                  _PROOF_A, _PROOF_B, _RANGE)  # fmt: skip
    yield _bundle("proof_twisted", "bundle-proof-first", "After a faulty proof a feed is nobody's, up to the next.",
                  _PROOF_B, [0, [ENTRY_1, flipped(LOG_A.head(1))]], _RANGE, [3, LOG_B.range(1, 2)],
                  _PROOF_A, _RANGE)  # fmt: skip
    yield _bundle("revoke_by_other", "bundle-record", "Another account's revoke.", _PROOF_A,
                  [1, [FEED_A.public, 5, LOG_A.id(5), ACCOUNT_B.sign(revoke_message(FEED_A.public, 5, LOG_A.id(5)))]],
                  _RANGE)  # fmt: skip
    yield _bundle("fork_of_one_branch", "bundle-record", "A fork proof that proves nothing.", _PROOF_A,
                  [2, proof_of(4, (LOG_A, 5), (LOG_A, 5))], _RANGE)  # fmt: skip
    yield _bundle("record_of_3", "bundle-record", "A record of three.", _PROOF_A, [3, LOG_A.range(2, 5), 0], _RANGE)
    yield _bundle("record_map", "bundle-record", "A map as a record.", _PROOF_A, {"range": 3}, _RANGE)
    yield _bundle("type_negative", "bundle-record", "A type below 0 is none.", _PROOF_A, [-1, None], _RANGE)
    yield _bundle("type_text", "bundle-record", "A type that is a text is none.", _PROOF_A, ["range", None], _RANGE)
    yield _bundle("picture_empty", "bundle-picture", "No picture.", [5, b""], [5, _PICTURE])
    yield _bundle("picture_text", "bundle-record", "A text is no picture.", [5, "PNG"], [5, _PICTURE])
    good = _items([MAGIC, _ONE_FEED], _PROOF_A)
    for name, comment, length in (
        ("picture_largest", "At the limit.", PICTURE_MAX),
        ("picture_too_large", "One byte over.", PICTURE_MAX + 1),
    ):
        item = _items([5, bytes(length)])
        yield _raw(name, "bundle-picture", comment, good + item + _items(_RANGE), "ok",
                   parts=[(good + item[:-length], 1), (b"\x00", length), (_items(_RANGE), 1)])  # fmt: skip
    for name, comment, record in (
        ("record_empty", "An empty record.", b""),
        ("record_not_cbor", "A record that is no CBOR.", b"\xff\x00"),
        ("record_left_over", "Bytes left over in a record.", cbor.encode([23, None]) + b"\x00"),
    ):
        yield _raw(name, "bundle-record", comment, good + cbor.encode(record) + _items(_RANGE), "ok")
    large = cbor.encode(bytes(RECORD_MAX + 1))
    parts = [(good + large[:5], 1), (b"\x00", RECORD_MAX + 1), (_items(_RANGE), 1)]
    yield _raw("record_too_large", "bundle-size", "One byte over: passed over, and the next is read.",
               good + large + _items(_RANGE), "ok", parts=parts)  # fmt: skip
    parts[0] = (good + b"\x5a" + RECORD_MAX.to_bytes(4), 1)
    parts[1] = (b"\x00", RECORD_MAX)
    yield _raw("record_largest", "bundle-size", "At the limit: read, and what it holds is judged (bytes left over).",
               good + cbor.encode(bytes(RECORD_MAX)) + _items(_RANGE), "ok", parts=parts)  # fmt: skip


def _ending() -> Iterator[Vector]:
    bad = "entry.encoding"
    good = _items([MAGIC, _ONE_FEED], _PROOF_A, _RANGE)
    for name, rule, comment, data in (
        ("cut", "bundle-cut", "The last byte is missing.", good[:-1]),
        ("cut_in_head", "bundle-cut", "It ends within the head of an item.", good + b"\x59\x01"),
        ("nothing", "bundle-header", "An empty file.", b""),
        ("item_array", "bundle-item", "An array that stands bare.", good + cbor.encode(_RANGE)),
        ("item_text", "bundle-item", "A text string.", good + b"\x61a"),
        ("item_indefinite", "bundle-item", "A byte string of indefinite length.", good + b"\x5f\x41\x00\xff"),
        ("item_length_too_wide", "bundle-item", "The length 3 in two bytes.", good + b"\x58\x03\x82\x17\xf6"),
        ("item_length_8_too_wide", "bundle-item", "2^32-1 in eight bytes.", good + b"\x5b" + bytes(4) + b"\xff" * 4),
        ("item_bare_header", "bundle-item", "The header is no byte string.", cbor.encode([MAGIC, _NO_FEED])),
        ("item_endless", "bundle-cut", "2^63-1 bytes: nothing is reserved for them.", good + b"\x5b\x7f" + b"\xff" * 7),
    ):  # fmt: skip
        yield _raw(name, rule, comment, data, bad)
    for name, comment, header in (
        ("header_later", "A later version.", ["p2pmicro bundle 2", _NO_FEED]),
        ("header_critical", "A field that must not be overlooked.", [MAGIC, {**_NO_FEED, "!sealed": True}]),
        ("header_other", "Another program's file.", ["bundle", {}]),
        ("header_map", "A map in its place.", _NO_FEED),
        ("header_of_1", "No fields.", [MAGIC]),
        ("header_no_made", "`made` is missing.", [MAGIC, _without("made")]),
        ("header_no_feeds", "`feeds` is missing.", [MAGIC, _without("feeds")]),
        ("header_no_first", "`first` is missing: null is wanted.", [MAGIC, _without("first")]),
        ("header_feeds_negative", "Fewer than none.", [MAGIC, {**_NO_FEED, "feeds": -1}]),
        ("header_entries_text", "A text for a number.", [MAGIC, {**_NO_FEED, "entries": "0"}]),
        ("header_last_text", "A text for a time.", [MAGIC, {**_NO_FEED, "last": "2026"}]),
        ("header_missing", "A range comes first.", _RANGE),
    ):
        yield _bundle(name, "bundle-header", comment, _PROOF_A, header=header, expect=bad)
    large = cbor.encode(bytes(RECORD_MAX + 1))
    yield _raw("header_too_large", "bundle-size", "What comes first is no header.", large, bad,
               parts=[(large[:5], 1), (b"\x00", RECORD_MAX + 1)])  # fmt: skip


def _items(*values: Any) -> bytes:
    return b"".join(cbor.encode(cbor.encode(value)) for value in values)


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in _NO_FEED.items() if name != key}
