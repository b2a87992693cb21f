"""Vectors of ranges with a fault: protocol/feed.md, "Checking a range"."""

from collections.abc import Iterator

from p2pmicro import cbor
from p2pmicro.feed.chain import Link
from p2pmicro.ids import EntryId, format_feed

from . import ed25519
from .cases_range import changed, filled, flipped, of_range
from .form import Vector
from .parties import ENTRY_1, FEED_A, FEED_B, HELLO, LATE, LOG_A, SEQ_MAX, SMALL, Log, head_message, log

_ZEROS_HASH = bytes(32)


def vectors() -> Iterator[Vector]:
    good, page, start = LOG_A.range(2, 5), LOG_A.range(60, 70), LOG_A.range(1, 5)
    feed, _, before_id, items, heads = good
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
        ("items_2049", "One over.", filled(2050, b"\0").range(2, 2050)),
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
        yield of_range(f"shape_{name}", "wire-shape", comment, value, "entry.encoding")
    yield Vector(
        "range/bytes_left_over",
        "content.md#cbor-one",
        "A range and one byte more.",
        cbor.encode(good) + b"\0",
        "entry.encoding",
    )
    yield Vector(
        "range/bytes_cut",
        "content.md#cbor-one",
        "A range without its last byte.",
        cbor.encode(good)[:-1],
        "entry.encoding",
    )
    yield of_range(
        "heads_unsorted", "heads-sorted", "The later one first.", changed(page, 4, page[4][::-1]), "entry.encoding"
    )
    yield of_range(
        "heads_twice", "heads-sorted", "One head twice.", changed(page, 4, [page[4][0], *page[4]]), "entry.encoding"
    )

    for name, comment, length in (("0", "Nothing is no payload.", 0), ("8193", "One over.", 8193)):
        filling = bytes(length)
        late = Log(FEED_A, Link(1, EntryId(LOG_A.id(1))), [HELLO])
        value = changed(late.range(2, 2), 3, 0, filling)
        yield of_range(f"payload_{name}", "payload-size", comment, value, "entry.size")
        hole = changed(late.range(2, 2), 3, 0, [length, _ZEROS_HASH])
        yield of_range(f"hole_{name}", "payload-size", f"{comment[:-1]}, as a hole.", hole, "entry.size")
    yield of_range(
        "hole_huge",
        "payload-size",
        "A length that 4 bytes can't hold.",
        changed(good, 3, 0, [2**63 - 1, _ZEROS_HASH]),
        "entry.size",
    )
    over = filled(130, bytes(8192)).range(2, 130)
    yield of_range(
        "bytes_1048577",
        "range-bytes",
        "One over: 128 payloads of 8,192 bytes and one of 1.",
        Log(FEED_A, Link(1, EntryId(LOG_A.id(1))), [*over[3][:128], b"\0"]).range(2, 130),
        "entry.size",
    )

    yield of_range(
        "seq_over",
        "seq-range",
        "One over the last seq.",
        [FEED_A.public, SEQ_MAX, _ZEROS_HASH, [HELLO], []],
        "entry.seq",
    )
    yield of_range(
        "seq_over_within",
        "seq-range",
        "It begins below the last seq and ends over it.",
        changed(LATE.range(SEQ_MAX - 1, SEQ_MAX), 3, [HELLO, HELLO, HELLO]),
        "entry.seq",
    )
    yield of_range("head_missing", "range-heads", "Nothing proves the last entry.", changed(good, 4, []), "entry.seq")
    yield of_range(
        "head_missing_page_end",
        "range-heads",
        "The head at 70 would prove it, but holders would lack the one at 64.",
        LOG_A.range(60, 70, heads=(70,)),
        "entry.seq",
    )
    yield of_range(
        "head_missing_first",
        "range-heads",
        "The head at 1 belongs to entry 1.",
        LOG_A.range(1, 5, heads=(5,)),
        "entry.seq",
    )
    yield of_range(
        "head_missing_last",
        "range-heads",
        "Only the page end has its head.",
        LOG_A.range(60, 70, heads=(64,)),
        "entry.seq",
    )
    yield of_range(
        "head_missing_page_end_known_end",
        "range-heads",
        "The known id would prove it: refused all the same.",
        LOG_A.range(60, 70, heads=()),
        "entry.seq",
        end=LOG_A.id(70),
    )
    yield of_range(
        "head_missing_first_known_end",
        "range-heads",
        "The known id would prove it: refused all the same.",
        LOG_A.range(1, 3, heads=()),
        "entry.seq",
        end=LOG_A.id(3),
    )
    yield of_range(
        "head_extra",
        "range-heads",
        "An honest head that nobody needs: a check that somebody must pay.",
        LOG_A.range(2, 5, heads=(3, 5)),
        "entry.seq",
    )
    yield of_range(
        "head_extra_known_end",
        "range-heads",
        "The same, with a known end.",
        LOG_A.range(2, 5, heads=(3,)),
        "entry.seq",
        end=LOG_A.id(5),
    )
    yield of_range(
        "head_past_the_end",
        "range-heads",
        "A head of an entry that is not in the range.",
        changed(good, 4, [heads[0], [6, LOG_A.head(6)]]),
        "entry.seq",
    )
    yield of_range(
        "head_before_the_start",
        "range-heads",
        "The same, on the other side.",
        changed(good, 4, [[1, LOG_A.head(1)], heads[0]]),
        "entry.seq",
    )

    yield of_range(
        "start_not_genesis",
        "range-start",
        "Entry 1 that follows another id: signed by the feed's own key.",
        Log(FEED_A, Link(0, EntryId(bytes(32))), LOG_A.payloads[:5]).range(1, 5),
        "entry.backlink",
    )
    yield of_range(
        "start_of_other_feed",
        "range-start",
        "Entry 1 that follows id(0) of feed_b.",
        changed(start, 2, log(FEED_B, ENTRY_1).id(0)),
        "entry.backlink",
    )
    yield of_range(
        "end_not_known",
        "range-end",
        "The receiver holds another entry 5.",
        LOG_A.range(2, 5, heads=()),
        "entry.backlink",
        end=flipped(LOG_A.id(5)),
    )
    yield of_range(
        "end_not_known_with_head",
        "range-end",
        "Honestly signed, but another branch: the seed of a fork proof.",
        good,
        "entry.backlink",
        end=flipped(LOG_A.id(5), 31),
    )
    gap = [*items[:1], *items[2:]]
    yield of_range(
        "gap_known_end",
        "range-end",
        "An entry is missing: the chain ends elsewhere.",
        changed(changed(good, 3, gap), 4, []),
        "entry.backlink",
        end=LOG_A.id(5),
    )
    swapped = [items[1], items[0], *items[2:]]
    yield of_range(
        "swapped_known_end",
        "range-end",
        "Two payloads in the wrong order.",
        changed(changed(good, 3, swapped), 4, []),
        "entry.backlink",
        end=LOG_A.id(5),
    )
    yield of_range(
        "hole_hash_wrong_known_end",
        "range-end",
        "A hole with another hash.",
        changed(changed(good, 3, 0, [len(HELLO), _ZEROS_HASH]), 4, []),
        "entry.backlink",
        end=LOG_A.id(5),
    )

    wrong = "entry.signature"
    yield of_range(
        "gap",
        "range-signatures",
        "An entry is missing: the head is over another id.",
        [feed, 2, before_id, items[1:], heads],
        wrong,
    )
    yield of_range("swapped", "range-signatures", "Two payloads in the wrong order.", changed(good, 3, swapped), wrong)
    yield of_range(
        "before_id_wrong",
        "range-signatures",
        "Forwards from another id: the head proves that one too.",
        changed(good, 2, flipped(before_id)),
        wrong,
    )
    yield of_range(
        "seqs_shifted",
        "range-signatures",
        "The same entries, one seq later.",
        [feed, 2, before_id, items, [[6, head]]],
        wrong,
    )
    yield of_range(
        "payload_changed",
        "range-signatures",
        "One bit of a payload.",
        changed(good, 3, 1, flipped(items[1], -1 % len(items[1]))),
        wrong,
    )
    yield of_range(
        "payload_longer",
        "range-signatures",
        "One byte more in a payload.",
        changed(good, 3, 1, items[1] + b"\0"),
        wrong,
    )
    hole = LOG_A.holes(2, 2)[0]
    yield of_range(
        "hole_hash_wrong",
        "range-signatures",
        "A hole with another hash.",
        changed(good, 3, 0, [hole[0], flipped(hole[1])]),
        wrong,
    )
    yield of_range(
        "hole_length_wrong",
        "range-signatures",
        "A hole with another length: it is under the id.",
        changed(good, 3, 0, [hole[0] + 1, hole[1]]),
        wrong,
    )
    yield of_range(
        "signature_changed", "range-signatures", "One bit of the head.", changed(good, 4, 0, 1, flipped(head)), wrong
    )
    yield of_range(
        "head_of_other_seq",
        "range-signatures",
        "An honest head of entry 4.",
        changed(good, 4, 0, 1, LOG_A.head(4)),
        wrong,
    )
    yield of_range(
        "head_by_other_feed",
        "range-signatures",
        "Signed by feed_b's key.",
        changed(good, 4, 0, 1, FEED_B.sign(LOG_A.message(5))),
        wrong,
    )
    yield of_range(
        "other_feed",
        "range-signatures",
        "feed_a's entries under feed_b's name.",
        changed(good, 0, FEED_B.public),
        wrong,
    )
    bare = FEED_A.sign(LOG_A.id(5))
    yield of_range(
        "head_without_use",
        "range-signatures",
        "Signed without the name of its use.",
        changed(good, 4, 0, 1, bare),
        wrong,
    )
    without_seq = FEED_A.sign(head_message(FEED_A.public, 0, LOG_A.id(5)))
    yield of_range(
        "head_over_seq_0",
        "range-signatures",
        "The seq is under the signature too.",
        changed(good, 4, 0, 1, without_seq),
        wrong,
    )
    yield of_range(
        "page_head_wrong",
        "range-signatures",
        "The last head is right, that of the page end is not.",
        changed(page, 4, 0, 1, flipped(page[4][0][1])),
        wrong,
    )
    yield of_range(
        "first_head_wrong",
        "range-signatures",
        "The last head is right, that of entry 1 is not.",
        changed(start, 4, 0, 1, flipped(start[4][0][1])),
        wrong,
    )
    yield of_range(
        "known_end_head_wrong",
        "range-signatures",
        "The known id proves it, and a wrong head is refused all the same.",
        changed(good, 4, 0, 1, flipped(head)),
        wrong,
        end=LOG_A.id(5),
    )
    yield of_range(
        "s_plus_l",
        "signature-encoding",
        "S + L: a second spelling of the head.",
        changed(good, 4, 0, 1, _plus_l(head)),
        wrong,
    )
    small = Log(FEED_A, Link(1, EntryId(bytes(32))), [HELLO])
    yield of_range(
        "feed_small_order",
        "range-signatures",
        "Under the identity point this signature fits every message.",
        [SMALL, 1, small.before.id, [HELLO], [[2, SMALL + bytes(32)]]],
        "entry.key",
    )


def _plus_l(signature: bytes) -> bytes:
    number = int.from_bytes(signature[32:], "little") + ed25519.L
    return signature[:32] + number.to_bytes(32, "little")
