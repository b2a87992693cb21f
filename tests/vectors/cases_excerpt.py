"""Vectors of excerpts: protocol/feed.md, "Excerpts"."""

from collections.abc import Iterator
from typing import Any

from p2pmicro import cbor
from p2pmicro.feed.chain import Link, check_excerpt
from p2pmicro.feed.wire import parse_excerpt
from p2pmicro.ids import EntryId, format_feed

from .cases_range import changed, flipped, verdicts
from .form import Vector
from .parties import ENTRY_1, FEED_A, FEED_B, HELLO, LATE, LOG_A, SEQ_MAX, SMALL, Log, log, payload

_ZEROS_HASH = bytes(32)


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _good_excerpts()
    yield from _bad_excerpts()


def decoded_excerpt(value: Any) -> dict[str, Any]:
    """What a reader finds in a good excerpt."""
    given = parse_excerpt(value)
    return {
        "feed": format_feed(given.feed),
        "seq": given.before.seq + 1,
        "id": check_excerpt(given).hex(),
        "entries": verdicts([given.payload]),
    }


def _excerpt(name: str, rule: str, comment: str, value: Any, expect: str = "ok", signed: Any = ()) -> Vector:
    decoded = decoded_excerpt(value) if expect == "ok" else None
    return Vector(
        f"excerpt/{name}",
        f"feed.md#{rule}",
        comment,
        cbor.encode(value),
        expect,
        {},
        value,
        decoded=decoded,
        signed=signed,
    )


def _good_excerpts() -> Iterator[Vector]:
    yield _excerpt(
        "with_tail", "excerpt-signature", "Entry 2 under the head at 5.", LOG_A.excerpt(2, 5), signed=LOG_A.signed(5)
    )
    yield _excerpt(
        "no_tail", "excerpt-tail", "Entry 5 under its own head.", LOG_A.excerpt(5, 5), signed=LOG_A.signed(5)
    )
    yield _excerpt(
        "first_entry", "excerpt-start", "Entry 1 follows id(0).", LOG_A.excerpt(1, 1), signed=LOG_A.signed(1)
    )
    yield _excerpt(
        "tail_63",
        "excerpt-tail",
        "At the limit: entry 65 under the head at 128.",
        LOG_A.excerpt(65, 128),
        signed=LOG_A.signed(128),
    )
    yield _excerpt(
        "page_end", "excerpt-tail", "Entry 64 is a page end.", LOG_A.excerpt(64, 64), signed=LOG_A.signed(64)
    )
    yield _excerpt(
        "seq_last",
        "seq-range",
        "Up to the last seq of all.",
        LATE.excerpt(SEQ_MAX - 1, SEQ_MAX),
        signed=LATE.signed(SEQ_MAX),
    )
    odd = log(FEED_A, ENTRY_1, payload("poem", {}))
    yield _excerpt(
        "content_unknown",
        "content-apart",
        "An unknown kind can be proven too.",
        odd.excerpt(2, 2),
        signed=odd.signed(2),
    )


def _bad_excerpts() -> Iterator[Vector]:
    good = LOG_A.excerpt(2, 5)
    for name, comment, value in (
        ("array_of_5", "The signature is missing.", good[:5]),
        ("payload_hole", "The entry itself is never a hole.", changed(good, 3, LOG_A.holes(2, 2)[0])),
        ("tail_64", "One over.", LOG_A.excerpt(65, 129)),
        ("tail_payload", "What follows is holes only.", changed(good, 4, 0, LOG_A.payload(3))),
        ("tail_null", "An empty list says that there is no tail.", changed(LOG_A.excerpt(5, 5), 4, None)),
        ("signature_65", "One byte over.", changed(good, 5, good[5] + b"\0")),
        ("before_seq_negative", "Seqs before the first begin at 0.", changed(good, 1, -1)),
    ):
        yield _excerpt(f"shape_{name}", "wire-shape", comment, value, "entry.encoding")
    yield _excerpt("payload_0", "payload-size", "Nothing is no payload.", changed(good, 3, b""), "entry.size")
    yield _excerpt("payload_8193", "payload-size", "One over.", changed(good, 3, bytes(8193)), "entry.size")
    yield _excerpt(
        "tail_length_0", "payload-size", "A hole of nothing.", changed(good, 4, 0, [0, _ZEROS_HASH]), "entry.size"
    )
    yield _excerpt(
        "tail_length_8193", "payload-size", "One over.", changed(good, 4, 0, [8193, _ZEROS_HASH]), "entry.size"
    )
    yield _excerpt(
        "tail_over_page_end",
        "excerpt-tail",
        "Entry 64 under the head at 65: the head at 64 is nearer.",
        LOG_A.excerpt(64, 65),
        "entry.size",
    )
    yield _excerpt(
        "tail_over_page_end_long", "excerpt-tail", "Entry 2 under the head at 65.", LOG_A.excerpt(2, 65), "entry.size"
    )
    yield _excerpt(
        "tail_over_last_seq",
        "excerpt-tail",
        "The tail goes one over the last seq.",
        LATE.excerpt(SEQ_MAX, SEQ_MAX + 1),
        "entry.seq",
    )
    yield _excerpt(
        "seq_over",
        "seq-range",
        "One over the last seq.",
        changed(LATE.excerpt(SEQ_MAX, SEQ_MAX), 1, SEQ_MAX),
        "entry.seq",
    )
    yield _excerpt(
        "start_not_genesis",
        "excerpt-start",
        "Entry 1 that follows another id, signed by the feed's own key.",
        Log(FEED_A, Link(0, EntryId(bytes(32))), LOG_A.payloads[:2]).excerpt(1, 1),
        "entry.backlink",
    )
    wrong = "entry.signature"
    yield _excerpt(
        "payload_changed", "excerpt-signature", "One bit of the payload.", changed(good, 3, flipped(good[3], 20)), wrong
    )
    yield _excerpt(
        "payload_of_other_seq",
        "excerpt-signature",
        "Entry 3's payload in the place of entry 2's.",
        changed(good, 3, LOG_A.payload(3)),
        wrong,
    )
    yield _excerpt(
        "tail_swapped", "excerpt-signature", "Two holes in the wrong order.", changed(good, 4, good[4][::-1]), wrong
    )
    yield _excerpt("tail_short", "excerpt-signature", "A hole is missing.", changed(good, 4, good[4][:-1]), wrong)
    yield _excerpt(
        "before_id_wrong", "excerpt-signature", "Another id before it.", changed(good, 2, flipped(good[2])), wrong
    )
    yield _excerpt("seq_wrong", "excerpt-signature", "The same entry, one seq later.", changed(good, 1, 2), wrong)
    yield _excerpt(
        "signature_changed", "excerpt-signature", "One bit of the head.", changed(good, 5, flipped(good[5], 40)), wrong
    )
    yield _excerpt(
        "other_feed", "excerpt-signature", "feed_a's entry under feed_b's name.", changed(good, 0, FEED_B.public), wrong
    )
    small = [SMALL, 1, bytes(32), HELLO, [], SMALL + bytes(32)]
    yield _excerpt(
        "feed_small_order",
        "excerpt-signature",
        "Under the identity point this signature fits every message.",
        small,
        "entry.key",
    )
