"""Vectors of ranges and excerpts: protocol/feed.md, "The chain" to "Excerpts"."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from p2pmicro import cbor
from p2pmicro.errors import P2PMicroError
from p2pmicro.feed.chain import Link, check_excerpt, check_range
from p2pmicro.feed.content import read_many
from p2pmicro.feed.wire import parse_excerpt, parse_range
from p2pmicro.ids import EntryId, format_feed

from .form import Vector, in_runs
from .parties import ENTRY_1, FEED_A, FEED_B, HELLO, LOG_A, Log, head_message, log, payload

SEQ_MAX = 2**32 - 1
_SMALL = bytes([1]) + bytes(31)
_ZEROS_HASH = bytes(32)
_LATE = Log(FEED_A, Link(SEQ_MAX - 5, EntryId(bytes(32))), [HELLO] * 6)  # up to the last seq and one over


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _good_ranges()
    yield from _bad_ranges()
    yield from _good_excerpts()
    yield from _bad_excerpts()


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


def decoded_excerpt(value: Any) -> dict[str, Any]:
    """What a reader finds in a good excerpt."""
    given = parse_excerpt(value)
    return {
        "feed": format_feed(given.feed),
        "seq": given.before.seq + 1,
        "id": check_excerpt(given).hex(),
        "entries": verdicts([given.payload]),
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


def _range(
    name: str, rule: str, comment: str, value: Any, expect: str = "ok", end: bytes | None = None, signed: Any = ()
) -> Vector:
    decoded = decoded_range(value, end) if expect == "ok" else None
    given = {"end": end.hex()} if end else {}
    return Vector(
        f"range/{name}", f"feed.md#{rule}", comment, cbor.encode(value), expect, given, value,
        decoded=decoded, signed=signed,
    )  # fmt: skip


def _filled(count: int, filling: bytes) -> Log:
    """feed_a with one payload over and over after entry 1."""
    return log(FEED_A, ENTRY_1, *[filling] * (count - 1))


def _good_ranges() -> Iterator[Vector]:
    yield _range("one_entry", "range-signatures", "The example of feed.md: the newest entry of a feed that has two.",
                 LOG_A.range(2, 2), signed=LOG_A.signed(2))  # fmt: skip
    yield _range("first_entry", "range-start", "Entry 1 follows id(0).", LOG_A.range(1, 1), signed=LOG_A.signed(1))
    yield _range("from_the_start", "range-heads", "The head at 1 comes along.", LOG_A.range(1, 5), signed=LOG_A.signed(1, 5))
    yield _range("first_page", "range-heads", "A whole page: heads at 1 and 64.", LOG_A.range(1, 64),
                 signed=LOG_A.signed(1, 64))  # fmt: skip
    yield _range("over_a_page_end", "range-heads", "The head at 64 comes along.", LOG_A.range(60, 70),
                 signed=LOG_A.signed(64, 70))  # fmt: skip
    yield _range("over_two_page_ends", "range-heads", "Heads at 64, 128 and 130.", LOG_A.range(63, 130),
                 signed=LOG_A.signed(64, 128, 130))  # fmt: skip
    yield _range("page_end_alone", "range-heads", "The last entry is a page end: one head.", LOG_A.range(64, 64),
                 signed=LOG_A.signed(64))  # fmt: skip
    yield _range("after_page_end", "range-before", "Forwards, from an id that the receiver holds.", LOG_A.range(65, 68),
                 signed=LOG_A.signed(68))  # fmt: skip
    yield _range("with_hole", "range-signatures", "A payload that is not given: the ids are the same.", LOG_A.range(2, 5, holes=(3,)),
                 signed=LOG_A.signed(5))  # fmt: skip
    yield _range("holes_only", "range-signatures", "No payload at all.", LOG_A.range(2, 5, holes=(2, 3, 4, 5)),
                 signed=LOG_A.signed(5))  # fmt: skip
    yield _range("to_known_end", "range-end", "Backwards, to an id that the receiver holds: no head is needed.",
                 LOG_A.range(2, 5, heads=()), end=LOG_A.id(5))  # fmt: skip
    yield _range("to_known_end_with_head", "range-heads", "A head there does no harm.", LOG_A.range(2, 5), end=LOG_A.id(5),
                 signed=LOG_A.signed(5))  # fmt: skip
    yield _range("to_known_end_over_page", "range-heads", "A page end needs its head all the same.",
                 LOG_A.range(60, 70, heads=(64,)), end=LOG_A.id(70), signed=LOG_A.signed(64))  # fmt: skip
    yield _range("to_known_end_from_start", "range-heads", "So does entry 1.", LOG_A.range(1, 3, heads=(1,)), end=LOG_A.id(3),
                 signed=LOG_A.signed(1))  # fmt: skip
    yield _range("seq_last", "seq-range", "At the limit: the last seq of all.", _LATE.range(SEQ_MAX - 1, SEQ_MAX),
                 signed=_LATE.signed(SEQ_MAX))  # fmt: skip

    tiny, full = log(FEED_A, ENTRY_1, b"\0"), log(FEED_A, ENTRY_1, bytes(8192))
    yield _range("payload_1", "payload-size", "At the limit: one byte, which is no content.", tiny.range(2, 2))
    yield _range("payload_8192", "payload-size", "At the limit.", full.range(2, 2))
    yield _range("hole_8192", "payload-size", "At the limit, as a hole.", full.range(2, 2, holes=(2,)))
    yield _range("bytes_1048576", "range-bytes", "At the limit: 128 payloads of 8,192 bytes.",
                 _filled(129, bytes(8192)).range(2, 129))  # fmt: skip
    yield _range("holes_uncounted", "range-bytes", "Holes bring no bytes: 200 of 8,192 stated bytes each.",
                 _filled(201, bytes(8192)).range(2, 201, holes=range(2, 202)))  # fmt: skip
    yield _range("items_2048", "wire-shape", "At the limit.", _filled(2049, b"\0").range(2, 2049))

    odd = log(FEED_A, ENTRY_1, payload("poem", {}), b"\xff", payload("post", {"text": 1}), HELLO)
    yield _range("content_unreadable", "content-apart", "Bad and unknown content refuses no entry, and not the good one beside it.",
                 odd.range(2, 5))  # fmt: skip
    cut = log(FEED_A, ENTRY_1, HELLO + LOG_A.payload(3)[:5], LOG_A.payload(3)[5:], HELLO).range(2, 4)
    yield Vector(
        "range/payloads_cut_wrongly",
        "content.md#cbor-apart",
        "The author cut two payloads at the wrong place. Joined, the bytes read as two good ones; apart, neither does.",
        cbor.encode(cut),
        value=cut,
        decoded=decoded_range(cut, None),
    )


def _bad_ranges() -> Iterator[Vector]:
    good, page, start = LOG_A.range(2, 5), LOG_A.range(60, 70), LOG_A.range(1, 5)
    feed, before_seq, before_id, items, heads = good
    head = heads[0][1]

    for name, comment, value in (
        ("array_of_4", "The heads are missing.", good[:4]),
        ("array_of_6", "A field too many.", [*good, None]),
        ("map", "An array is wanted.", {"feed": feed}),
        ("feed_31", "One byte short.", changed(good, 0, feed[:31])),
        ("feed_text", "The text form has no place here.", changed(good, 0, format_feed(feed))),
        ("before_seq_negative", "Seqs before the first begin at 0.", changed(good, 1, -1)),
        ("before_seq_over", "One over the last seq.", changed(good, 1, SEQ_MAX + 1)),
        ("before_seq_bool", "True is no integer.", changed(good, 1, True)),
        ("before_id_31", "One byte short.", changed(good, 2, before_id[:31])),
        ("before_id_null", "Always given.", changed(good, 2, None)),
        ("no_items", "A range of nothing.", changed(good, 3, [])),
        ("items_2049", "One over.", _filled(2050, b"\0").range(2, 2050)),
        ("items_bytes", "A list is wanted.", changed(good, 3, items[0])),
        ("item_text", "A payload is a byte string.", changed(good, 3, 0, "Hello")),
        ("item_null", "A payload that is not given is a hole.", changed(good, 3, 0, None)),
        ("hole_of_1", "The hash is missing.", changed(good, 3, 0, [37])),
        ("hole_of_3", "A part too many.", changed(good, 3, 0, [37, _ZEROS_HASH, 0])),
        ("hole_hash_31", "One byte short.", changed(good, 3, 0, [37, bytes(31)])),
        ("hole_length_negative", "No length.", changed(good, 3, 0, [-1, _ZEROS_HASH])),
        ("hole_length_text", "An integer is wanted.", changed(good, 3, 0, ["37", _ZEROS_HASH])),
        ("head_of_1", "The signature is missing.", changed(good, 4, 0, [5])),
        ("head_seq_0", "Heads begin at 1.", changed(good, 4, [[0, head], heads[0]])),
        ("signature_63", "One byte short.", changed(good, 4, 0, 1, head[:63])),
        ("heads_map", "A list is wanted.", changed(good, 4, {})),
    ):
        yield _range(f"shape_{name}", "wire-shape", comment, value, "entry.encoding")
    yield Vector("range/bytes_left_over", "content.md#cbor-one", "A range and one byte more.", cbor.encode(good) + b"\0", "entry.encoding")
    yield Vector("range/bytes_cut", "content.md#cbor-one", "A range without its last byte.", cbor.encode(good)[:-1], "entry.encoding")
    yield _range("heads_unsorted", "heads-sorted", "The later one first.", changed(page, 4, page[4][::-1]), "entry.encoding")
    yield _range("heads_twice", "heads-sorted", "One head twice.", changed(page, 4, [page[4][0], *page[4]]), "entry.encoding")

    for name, comment, length in (("0", "Nothing is no payload.", 0), ("8193", "One over.", 8193)):
        filling = bytes(length)
        late = Log(FEED_A, Link(1, EntryId(LOG_A.id(1))), [HELLO])
        value = changed(late.range(2, 2), 3, 0, filling)
        yield _range(f"payload_{name}", "payload-size", comment, value, "entry.size")
        hole = changed(late.range(2, 2), 3, 0, [length, _ZEROS_HASH])
        yield _range(f"hole_{name}", "payload-size", f"{comment[:-1]}, as a hole.", hole, "entry.size")
    yield _range("hole_huge", "payload-size", "A length that 4 bytes can't hold.", changed(good, 3, 0, [2**63 - 1, _ZEROS_HASH]), "entry.size")
    over = _filled(130, bytes(8192)).range(2, 130)
    yield _range("bytes_1048577", "range-bytes", "One over: 128 payloads of 8,192 bytes and one of 1.",
                 Log(FEED_A, Link(1, EntryId(LOG_A.id(1))), [*over[3][:128], b"\0"]).range(2, 130), "entry.size")  # fmt: skip

    yield _range("seq_over", "seq-range", "One over the last seq.", changed(_LATE.range(SEQ_MAX, SEQ_MAX), 1, SEQ_MAX)[:3]
                 + [[HELLO], []], "entry.seq")  # fmt: skip
    yield _range("seq_over_within", "seq-range", "It begins below the last seq and ends over it.",
                 changed(_LATE.range(SEQ_MAX - 1, SEQ_MAX), 3, [HELLO, HELLO, HELLO]), "entry.seq")  # fmt: skip
    yield _range("head_missing", "range-heads", "Nothing proves the last entry.", changed(good, 4, []), "entry.seq")
    yield _range("head_missing_page_end", "range-heads", "The head at 70 would prove it: refused, or holders would lack the head at 64.",
                 LOG_A.range(60, 70, heads=(70,)), "entry.seq")  # fmt: skip
    yield _range("head_missing_first", "range-heads", "The head at 1 belongs to entry 1.", LOG_A.range(1, 5, heads=(5,)), "entry.seq")
    yield _range("head_missing_last", "range-heads", "Only the page end has its head.", LOG_A.range(60, 70, heads=(64,)), "entry.seq")
    yield _range("head_missing_page_end_known_end", "range-heads", "The known id would prove it: refused all the same.",
                 LOG_A.range(60, 70, heads=()), "entry.seq", end=LOG_A.id(70))  # fmt: skip
    yield _range("head_missing_first_known_end", "range-heads", "The known id would prove it: refused all the same.",
                 LOG_A.range(1, 3, heads=()), "entry.seq", end=LOG_A.id(3))  # fmt: skip
    yield _range("head_extra", "range-heads", "An honest head that nobody needs: a check that somebody must pay.",
                 LOG_A.range(2, 5, heads=(3, 5)), "entry.seq")  # fmt: skip
    yield _range("head_extra_known_end", "range-heads", "The same, with a known end.", LOG_A.range(2, 5, heads=(3,)), "entry.seq", end=LOG_A.id(5))
    yield _range("head_past_the_end", "range-heads", "A head of an entry that is not in the range.", changed(good, 4, [heads[0], [6, LOG_A.head(6)]]), "entry.seq")
    yield _range("head_before_the_start", "range-heads", "The same, on the other side.", changed(good, 4, [[1, LOG_A.head(1)], heads[0]]), "entry.seq")

    yield _range("start_not_genesis", "range-start", "Entry 1 that follows another id: signed by the feed's own key.",
                 Log(FEED_A, Link(0, EntryId(bytes(32))), LOG_A.payloads[:5]).range(1, 5), "entry.backlink")  # fmt: skip
    yield _range("start_of_other_feed", "range-start", "Entry 1 that follows id(0) of feed_b.",
                 changed(start, 2, log(FEED_B, ENTRY_1).id(0)), "entry.backlink")  # fmt: skip
    yield _range("end_not_known", "range-end", "The receiver holds another entry 5.", LOG_A.range(2, 5, heads=()), "entry.backlink", end=flipped(LOG_A.id(5)))
    yield _range("end_not_known_with_head", "range-end", "Honestly signed, but another branch: the seed of a fork proof.", good, "entry.backlink", end=flipped(LOG_A.id(5), 31))
    gap = [*items[:1], *items[2:]]
    yield _range("gap_known_end", "range-end", "An entry is missing: the chain ends elsewhere.", changed(changed(good, 3, gap), 4, []), "entry.backlink", end=LOG_A.id(5))
    swapped = [items[1], items[0], *items[2:]]
    yield _range("swapped_known_end", "range-end", "Two payloads in the wrong order.", changed(changed(good, 3, swapped), 4, []), "entry.backlink", end=LOG_A.id(5))
    yield _range("hole_hash_wrong_known_end", "range-end", "A hole with another hash.", changed(changed(good, 3, 0, [len(HELLO), _ZEROS_HASH]), 4, []), "entry.backlink", end=LOG_A.id(5))

    wrong = "entry.signature"
    yield _range("gap", "range-signatures", "An entry is missing: the head is over another id.", [feed, 2, before_id, items[1:], heads], wrong)
    yield _range("swapped", "range-signatures", "Two payloads in the wrong order.", changed(good, 3, swapped), wrong)
    yield _range("before_id_wrong", "range-signatures", "Forwards from another id: the head proves that one too.", changed(good, 2, flipped(before_id)), wrong)
    yield _range("seqs_shifted", "range-signatures", "The same entries, one seq later.", [feed, 2, before_id, items, [[6, head]]], wrong)
    yield _range("payload_changed", "range-signatures", "One bit of a payload.", changed(good, 3, 1, flipped(items[1], -1 % len(items[1]))), wrong)
    yield _range("payload_longer", "range-signatures", "One byte more in a payload.", changed(good, 3, 1, items[1] + b"\0"), wrong)
    hole = LOG_A.holes(2, 2)[0]
    yield _range("hole_hash_wrong", "range-signatures", "A hole with another hash.", changed(good, 3, 0, [hole[0], flipped(hole[1])]), wrong)
    yield _range("hole_length_wrong", "range-signatures", "A hole with another length: it is under the id.", changed(good, 3, 0, [hole[0] + 1, hole[1]]), wrong)
    yield _range("signature_changed", "range-signatures", "One bit of the head.", changed(good, 4, 0, 1, flipped(head)), wrong)
    yield _range("head_of_other_seq", "range-signatures", "An honest head of entry 4.", changed(good, 4, 0, 1, LOG_A.head(4)), wrong)
    yield _range("head_by_other_feed", "range-signatures", "Signed by feed_b's key.", changed(good, 4, 0, 1, FEED_B.sign(LOG_A.message(5))), wrong)
    yield _range("other_feed", "range-signatures", "feed_a's entries under feed_b's name.", changed(good, 0, FEED_B.public), wrong)
    bare = FEED_A.sign(LOG_A.id(5))
    yield _range("head_without_use", "range-signatures", "Signed without the name of its use.", changed(good, 4, 0, 1, bare), wrong)
    without_seq = FEED_A.sign(head_message(FEED_A.public, 0, LOG_A.id(5)))
    yield _range("head_over_seq_0", "range-signatures", "The seq is under the signature too.", changed(good, 4, 0, 1, without_seq), wrong)
    yield _range("page_head_wrong", "range-signatures", "The last head is right, that of the page end is not.", changed(page, 4, 0, 1, flipped(page[4][0][1])), wrong)
    yield _range("first_head_wrong", "range-signatures", "The last head is right, that of entry 1 is not.", changed(start, 4, 0, 1, flipped(start[4][0][1])), wrong)
    yield _range("known_end_head_wrong", "range-signatures", "The known id proves it, and a wrong head is refused all the same.", changed(good, 4, 0, 1, flipped(head)), wrong, end=LOG_A.id(5))
    yield _range("s_plus_l", "signature-encoding", "S + L: a second spelling of the head.", changed(good, 4, 0, 1, _plus_l(head)), wrong)
    small = Log(FEED_A, Link(1, EntryId(bytes(32))), [HELLO])
    yield _range("feed_small_order", "range-signatures", "Under the identity point this signature fits every message.",
                 [_SMALL, 1, small.before.id, [HELLO], [[2, _SMALL + bytes(32)]]], "entry.key")  # fmt: skip


def _plus_l(signature: bytes) -> bytes:
    order = 2**252 + 27742317777372353535851937790883648493
    number = int.from_bytes(signature[32:], "little") + order
    return signature[:32] + number.to_bytes(32, "little")


def _excerpt(name: str, rule: str, comment: str, value: Any, expect: str = "ok", signed: Any = ()) -> Vector:
    decoded = decoded_excerpt(value) if expect == "ok" else None
    return Vector(
        f"excerpt/{name}", f"feed.md#{rule}", comment, cbor.encode(value), expect, {}, value,
        decoded=decoded, signed=signed,
    )  # fmt: skip


def _good_excerpts() -> Iterator[Vector]:
    yield _excerpt("with_tail", "excerpt-signature", "Entry 2 under the head at 5.", LOG_A.excerpt(2, 5), signed=LOG_A.signed(5))
    yield _excerpt("no_tail", "excerpt-tail", "Entry 5 under its own head.", LOG_A.excerpt(5, 5), signed=LOG_A.signed(5))
    yield _excerpt("first_entry", "excerpt-start", "Entry 1 follows id(0).", LOG_A.excerpt(1, 1), signed=LOG_A.signed(1))
    yield _excerpt("tail_63", "excerpt-tail", "At the limit: entry 65 under the head at 128.", LOG_A.excerpt(65, 128), signed=LOG_A.signed(128))
    yield _excerpt("page_end", "excerpt-tail", "Entry 64 is a page end.", LOG_A.excerpt(64, 64), signed=LOG_A.signed(64))
    yield _excerpt("seq_last", "seq-range", "Up to the last seq of all.", _LATE.excerpt(SEQ_MAX - 1, SEQ_MAX), signed=_LATE.signed(SEQ_MAX))
    odd = log(FEED_A, ENTRY_1, payload("poem", {}))
    yield _excerpt("content_unknown", "content-apart", "An unknown kind can be proven too.", odd.excerpt(2, 2), signed=odd.signed(2))


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
    yield _excerpt("tail_length_0", "payload-size", "A hole of nothing.", changed(good, 4, 0, [0, _ZEROS_HASH]), "entry.size")
    yield _excerpt("tail_length_8193", "payload-size", "One over.", changed(good, 4, 0, [8193, _ZEROS_HASH]), "entry.size")
    yield _excerpt("tail_over_page_end", "excerpt-tail", "Entry 64 under the head at 65: the head at 64 is nearer.", LOG_A.excerpt(64, 65), "entry.size")
    yield _excerpt("tail_over_page_end_long", "excerpt-tail", "Entry 2 under the head at 65.", LOG_A.excerpt(2, 65), "entry.size")
    yield _excerpt("tail_over_last_seq", "excerpt-tail", "The tail goes one over the last seq.", _LATE.excerpt(SEQ_MAX, SEQ_MAX + 1), "entry.seq")
    yield _excerpt("seq_over", "seq-range", "One over the last seq.", changed(_LATE.excerpt(SEQ_MAX, SEQ_MAX), 1, SEQ_MAX), "entry.seq")
    yield _excerpt("start_not_genesis", "excerpt-start", "Entry 1 that follows another id, signed by the feed's own key.",
                   Log(FEED_A, Link(0, EntryId(bytes(32))), LOG_A.payloads[:2]).excerpt(1, 1), "entry.backlink")  # fmt: skip
    wrong = "entry.signature"
    yield _excerpt("payload_changed", "excerpt-signature", "One bit of the payload.", changed(good, 3, flipped(good[3], 20)), wrong)
    yield _excerpt("payload_of_other_seq", "excerpt-signature", "Entry 3's payload in the place of entry 2's.", changed(good, 3, LOG_A.payload(3)), wrong)
    yield _excerpt("tail_swapped", "excerpt-signature", "Two holes in the wrong order.", changed(good, 4, good[4][::-1]), wrong)
    yield _excerpt("tail_short", "excerpt-signature", "A hole is missing.", changed(good, 4, good[4][:-1]), wrong)
    yield _excerpt("before_id_wrong", "excerpt-signature", "Another id before it.", changed(good, 2, flipped(good[2])), wrong)
    yield _excerpt("seq_wrong", "excerpt-signature", "The same entry, one seq later.", changed(good, 1, 2), wrong)
    yield _excerpt("signature_changed", "excerpt-signature", "One bit of the head.", changed(good, 5, flipped(good[5], 40)), wrong)
    yield _excerpt("other_feed", "excerpt-signature", "feed_a's entry under feed_b's name.", changed(good, 0, FEED_B.public), wrong)
    small = [_SMALL, 1, bytes(32), HELLO, [], _SMALL + bytes(32)]
    yield _excerpt("feed_small_order", "excerpt-signature", "Under the identity point this signature fits every message.", small, "entry.key")
