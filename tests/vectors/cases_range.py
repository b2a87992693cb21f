"""Vectors of ranges: protocol/feed.md, "The chain" to "Checking a range"."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from p2pmicro import cbor
from p2pmicro.errors import P2PMicroError
from p2pmicro.feed.chain import check_range
from p2pmicro.feed.content import read_many
from p2pmicro.feed.wire import parse_range
from p2pmicro.ids import EntryId, format_feed

from .form import Vector, in_runs
from .parties import ENTRY_1, FEED_A, HELLO, LATE, LOG_A, SEQ_MAX, Log, log, payload

_ZEROS_HASH = bytes(32)


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _good_ranges()


def verdicts(items: Any) -> list[list[Any]]:
    """What reading each item as content gives, in runs: "ok", an error code, or "hole"."""
    payloads = [item for item in items if isinstance(item, bytes)]
    read = iter(read_many(payloads))
    codes = []
    for item in items:
        if isinstance(item, bytes):
            entry = next(read)
            codes.append(entry.code if isinstance(entry, P2PMicroError) else "ok")
        else:
            codes.append("hole")
    return in_runs(codes)


def decoded_range(value: Any, end: bytes | None) -> dict[str, Any]:
    """What a reader finds in a good range."""
    checked = check_range(parse_range(value), EntryId(end) if end else None)
    return {
        "feed": format_feed(checked.range.feed),
        "first": checked.range.before.seq + 1,
        "last": checked.end.seq,
        "first_id": checked.ids[0].hex(),
        "last_id": checked.end.id.hex(),
        "entries": verdicts(checked.range.items),
    }


def changed(value: Any, *path_and_new: Any) -> Any:
    """A copy with the item at a path of indexes replaced."""
    *path, last, new = path_and_new
    copy = deepcopy(value)
    inner = copy
    for index in path:
        inner = inner[index]
    inner[last] = new
    return copy


def flipped(data: bytes, place: int = 0) -> bytes:
    """The bytes with one bit changed."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def of_range(
    name: str, rule: str, comment: str, value: Any, expect: str = "ok", end: bytes | None = None, signed: Any = ()
) -> Vector:
    decoded = decoded_range(value, end) if expect == "ok" else None
    given = {"end": end.hex()} if end else {}
    return Vector(
        f"range/{name}",
        f"feed.md#{rule}",
        comment,
        cbor.encode(value),
        expect,
        given,
        value,
        decoded=decoded,
        signed=signed,
    )


def filled(count: int, filling: bytes) -> Log:
    """feed_a with one payload over and over after entry 1."""
    return log(FEED_A, ENTRY_1, *[filling] * (count - 1))


def _good_ranges() -> Iterator[Vector]:
    yield of_range(
        "one_entry",
        "range-signatures",
        "The example of feed.md: the newest entry of a feed that has two.",
        LOG_A.range(2, 2),
        signed=LOG_A.signed(2),
    )
    yield of_range("first_entry", "range-start", "Entry 1 follows id(0).", LOG_A.range(1, 1), signed=LOG_A.signed(1))
    yield of_range(
        "from_the_start", "range-heads", "The head at 1 comes along.", LOG_A.range(1, 5), signed=LOG_A.signed(1, 5)
    )
    yield of_range(
        "first_page", "range-heads", "A whole page: heads at 1 and 64.", LOG_A.range(1, 64), signed=LOG_A.signed(1, 64)
    )
    yield of_range(
        "over_a_page_end",
        "range-heads",
        "The head at 64 comes along.",
        LOG_A.range(60, 70),
        signed=LOG_A.signed(64, 70),
    )
    yield of_range(
        "over_two_page_ends",
        "range-heads",
        "Heads at 64, 128 and 130.",
        LOG_A.range(63, 130),
        signed=LOG_A.signed(64, 128, 130),
    )
    yield of_range(
        "page_end_alone",
        "range-heads",
        "The last entry is a page end: one head.",
        LOG_A.range(64, 64),
        signed=LOG_A.signed(64),
    )
    yield of_range(
        "after_page_end",
        "range-before",
        "Forwards, from an id that the receiver holds.",
        LOG_A.range(65, 68),
        signed=LOG_A.signed(68),
    )
    yield of_range(
        "with_hole",
        "range-signatures",
        "A payload that is not given: the ids are the same.",
        LOG_A.range(2, 5, holes=(3,)),
        signed=LOG_A.signed(5),
    )
    yield of_range(
        "holes_only",
        "range-signatures",
        "No payload at all.",
        LOG_A.range(2, 5, holes=(2, 3, 4, 5)),
        signed=LOG_A.signed(5),
    )
    yield of_range(
        "to_known_end",
        "range-end",
        "Backwards, to an id that the receiver holds: no head is needed.",
        LOG_A.range(2, 5, heads=()),
        end=LOG_A.id(5),
    )
    yield of_range(
        "to_known_end_with_head",
        "range-heads",
        "A head there does no harm.",
        LOG_A.range(2, 5),
        end=LOG_A.id(5),
        signed=LOG_A.signed(5),
    )
    yield of_range(
        "to_known_end_over_page",
        "range-heads",
        "A page end needs its head all the same.",
        LOG_A.range(60, 70, heads=(64,)),
        end=LOG_A.id(70),
        signed=LOG_A.signed(64),
    )
    yield of_range(
        "to_known_end_from_start",
        "range-heads",
        "So does entry 1.",
        LOG_A.range(1, 3, heads=(1,)),
        end=LOG_A.id(3),
        signed=LOG_A.signed(1),
    )
    yield of_range(
        "seq_last",
        "seq-range",
        "At the limit: the last seq of all.",
        LATE.range(SEQ_MAX - 1, SEQ_MAX),
        signed=LATE.signed(SEQ_MAX),
    )

    tiny, full = log(FEED_A, ENTRY_1, b"\0"), log(FEED_A, ENTRY_1, bytes(8192))
    yield of_range("payload_1", "payload-size", "At the limit: one byte, which is no content.", tiny.range(2, 2))
    yield of_range("payload_8192", "payload-size", "At the limit.", full.range(2, 2))
    yield of_range("hole_8192", "payload-size", "At the limit, as a hole.", full.range(2, 2, holes=(2,)))
    yield of_range(
        "bytes_1048576",
        "range-bytes",
        "At the limit: 128 payloads of 8,192 bytes.",
        filled(129, bytes(8192)).range(2, 129),
    )
    yield of_range(
        "holes_uncounted",
        "range-bytes",
        "Holes bring no bytes: 200 of 8,192 stated bytes each.",
        filled(201, bytes(8192)).range(2, 201, holes=range(2, 202)),
    )
    yield of_range("items_2048", "wire-shape", "At the limit.", filled(2049, b"\0").range(2, 2049))

    odd = log(FEED_A, ENTRY_1, payload("poem", {}), b"\xff", payload("post", {"text": 1}), HELLO)
    yield of_range(
        "content_unreadable",
        "content-apart",
        "Bad and unknown content refuses no entry, nor its neighbour.",
        odd.range(2, 5),
    )
    cut = log(FEED_A, ENTRY_1, HELLO + LOG_A.payload(3)[:5], LOG_A.payload(3)[5:], HELLO).range(2, 4)
    yield Vector(
        "range/payloads_cut_wrongly",
        "content.md#cbor-apart",
        "The author cut two payloads at the wrong place. Joined, the bytes read as two good ones; apart, neither does.",
        cbor.encode(cut),
        value=cut,
        decoded=decoded_range(cut, None),
    )
