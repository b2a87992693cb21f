"""Ids, heads, pages, ranges and excerpts. Source: protocol/feed.md, "The chain" to "Excerpts"."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

import pytest

from p2pmicro.errors import BacklinkError, BadKeyError, SeqError, SignatureError, SizeError
from p2pmicro.feed.chain import (
    Excerpt,
    Item,
    Link,
    Range,
    as_hole,
    check_excerpt,
    check_head,
    check_range,
    genesis,
    is_kept_head,
    next_link,
    page_end,
    sign_head,
    walk,
)
from p2pmicro.ids import EntryId, FeedId
from p2pmicro.limits import PAYLOAD_MAX_BYTES, RANGE_MAX_BYTES, RANGE_MAX_ENTRIES, SEQ_MAX
from tests.made import MadeFeed, flipped, private_key

KEY = private_key("chain")
FEED = FeedId(KEY.public)
HASH = bytes(32)


def _ranged(items: Sequence[Item], before: Link | None = None, heads: Mapping[int, bytes] | None = None) -> Range:
    """A range of any items under KEY with the heads that it needs."""
    start = before or genesis(FEED)
    last = start.seq + len(items)
    if heads is None:
        ids = walk(start, items)
        needed = [seq for seq in range(start.seq + 1, last + 1) if is_kept_head(seq) or seq == last]
        heads = {seq: sign_head(KEY, Link(seq, ids[seq - start.seq - 1])) for seq in needed}
    return Range(FEED, start, items, heads)


def _at(seq: int) -> Link:
    """A place in the middle of a feed, somewhere."""
    return Link(seq, EntryId(sha256(b"%d" % seq).digest()))


# --- Ids and heads ---


def test_ids_are_the_hashes_that_the_protocol_says() -> None:
    first = sha256(b"p2pmicro feed 1" + FEED).digest()
    assert genesis(FEED) == Link(0, EntryId(first))
    second = sha256(first + (1).to_bytes(8) + (5).to_bytes(4) + sha256(b"hello").digest()).digest()
    assert next_link(genesis(FEED), b"hello") == Link(1, EntryId(second))
    third = sha256(second + (2).to_bytes(8) + (2).to_bytes(4) + sha256(b"ho").digest()).digest()
    assert walk(genesis(FEED), [b"hello", b"ho"]) == [second, third]


def test_hole_stands_for_its_payload() -> None:
    assert as_hole(b"ho") == (2, sha256(b"ho").digest())
    assert walk(genesis(FEED), [b"hello", as_hole(b"ho")]) == walk(genesis(FEED), [b"hello", b"ho"])


def test_length_is_under_the_id() -> None:
    assert walk(_at(1), [(2, sha256(b"ho").digest())]) != walk(_at(1), [(3, sha256(b"ho").digest())])


def test_head_signs_feed_seq_and_id() -> None:
    link = _at(9)
    assert sign_head(KEY, link) == KEY.sign(b"p2pmicro head 1" + FEED + (9).to_bytes(8) + link.id)
    check_head(FEED, link, sign_head(KEY, link))


def test_head_of_another_seq_id_or_feed_is_refused() -> None:
    signature = sign_head(KEY, _at(9))
    for feed, link in (
        (FEED, Link(10, _at(9).id)),
        (FEED, Link(9, _at(10).id)),
        (FeedId(private_key("other").public), _at(9)),
    ):
        with pytest.raises(SignatureError):
            check_head(feed, link, signature)


@pytest.mark.parametrize(("seq", "end"), [(1, 64), (2, 64), (64, 64), (65, 128), (128, 128), (129, 192)])
def test_page_is_64_entries(seq: int, end: int) -> None:
    assert page_end(seq) == end


def test_heads_that_everyone_keeps() -> None:
    assert [seq for seq in range(1, 200) if is_kept_head(seq)] == [1, 64, 128, 192]


# --- Ranges ---


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 2), (1, 63), (1, 64), (1, 200), (2, 2), (60, 70), (64, 64)])
def test_range_is_proven_by_its_heads(feed: MadeFeed, first: int, last: int) -> None:
    checked = check_range(feed.range(first, last))
    assert list(checked.ids) == [link.id for link in feed.links[first : last + 1]]
    assert checked.end == feed.links[last]


def test_range_of_holes_is_proven_as_well(feed: MadeFeed) -> None:
    for holes in (range(1, 201), range(3, 200, 2), [200]):
        assert check_range(feed.range(1, 200, holes=holes)).end == feed.links[200]


def test_known_end_takes_the_place_of_its_head(feed: MadeFeed) -> None:
    check_range(feed.range(70, 100, known=True), feed.links[100].id)
    check_range(feed.range(70, 100), feed.links[100].id)  # the head may come all the same
    with pytest.raises(SeqError):
        check_range(feed.range(70, 100, known=True))


def test_known_end_spares_no_page_end(feed: MadeFeed) -> None:
    given = feed.range(70, 130, known=True)
    with pytest.raises(SeqError, match="128"):
        check_range(replace(given, heads={}), feed.links[130].id)


def test_known_end_that_is_another_carries_both_ids(feed: MadeFeed) -> None:
    with pytest.raises(BacklinkError) as caught:
        check_range(feed.range(70, 100), EntryId(HASH))
    assert (caught.value.seq, caught.value.expected, caught.value.found) == (100, HASH, feed.links[100].id)


@pytest.mark.parametrize("missing", [1, 64, 128, 150])
def test_range_without_a_head_that_it_needs_is_refused(feed: MadeFeed, missing: int) -> None:
    given = feed.range(1, 150)
    heads = {seq: head for seq, head in given.heads.items() if seq != missing}
    with pytest.raises(SeqError):
        check_range(replace(given, heads=heads))


@pytest.mark.parametrize("more", [0, 2, 63, 65, 151, 192, -1, SEQ_MAX + 1])
def test_head_elsewhere_is_refused(feed: MadeFeed, more: int) -> None:
    given = feed.range(1, 150)
    with pytest.raises(SeqError):
        check_range(replace(given, heads={**given.heads, more: bytes(64)}))


@pytest.mark.parametrize("at", [1, 64, 128, 150])
def test_every_head_is_checked(feed: MadeFeed, at: int) -> None:
    given = feed.range(1, 150)
    with pytest.raises(SignatureError):
        check_range(replace(given, heads={**given.heads, at: flipped(given.heads[at], 100)}))
    with pytest.raises(SignatureError):
        check_range(replace(given, heads={**given.heads, at: feed.head(at + 1)}))


def test_head_that_comes_with_a_known_end_is_checked(feed: MadeFeed) -> None:
    given = feed.range(70, 100)
    with pytest.raises(SignatureError):
        check_range(replace(given, heads={100: bytes(64)}), feed.links[100].id)


def test_beginning_is_id_0(feed: MadeFeed) -> None:
    given = feed.range(1, 10)
    with pytest.raises(BacklinkError) as caught:
        check_range(replace(given, before=Link(0, EntryId(HASH))))
    assert (caught.value.seq, caught.value.expected, caught.value.found) == (0, feed.links[0].id, HASH)


def test_wrong_place_before_is_refused_by_the_head(feed: MadeFeed) -> None:
    given = feed.range(5, 10)
    for before in (Link(4, feed.links[3].id), Link(3, feed.links[4].id), Link(5, feed.links[4].id)):
        heads = {before.seq + 6: given.heads[10]}
        with pytest.raises(SignatureError):
            check_range(replace(given, before=before, heads=heads))


def test_order_of_items_is_under_the_head(feed: MadeFeed) -> None:
    given = feed.range(5, 10)
    items = list(given.items)
    items[1], items[2] = items[2], items[1]
    with pytest.raises(SignatureError):
        check_range(replace(given, items=items))


def test_refused_feed_key_is_named(feed: MadeFeed) -> None:
    given = replace(feed.range(5, 10), feed=FeedId((1).to_bytes(32, "little")))
    with pytest.raises(BadKeyError):
        check_range(given)


@pytest.mark.parametrize("size", [1, PAYLOAD_MAX_BYTES])
def test_payload_at_its_limits_is_taken(size: int) -> None:
    for item in (bytes(size), as_hole(bytes(size))):
        assert len(check_range(_ranged([b"a", item])).ids) == 2


@pytest.mark.parametrize("size", [0, PAYLOAD_MAX_BYTES + 1])
def test_payload_over_its_limits_is_refused_given_or_not(size: int) -> None:
    for item in (bytes(size), (size, HASH), (-1, HASH), (2**64, HASH)):
        with pytest.raises(SizeError):
            walk(genesis(FEED), [item])
        for items in ([item], [b"a", item], [item, b"a"], [(3, HASH), item]):
            with pytest.raises(SizeError):
                check_range(Range(FEED, genesis(FEED), items, {}))


def test_range_has_at_least_one_entry() -> None:
    with pytest.raises(SizeError):
        check_range(Range(FEED, genesis(FEED), [], {}))


def test_range_has_at_most_2048_entries() -> None:
    assert RANGE_MAX_ENTRIES == 2048
    items = [(1, HASH)] * RANGE_MAX_ENTRIES
    assert len(check_range(_ranged(items, _at(64))).ids) == RANGE_MAX_ENTRIES
    with pytest.raises(SizeError):
        check_range(_ranged([*items, (1, HASH)], _at(64)))


def test_range_has_at_most_a_mebibyte_of_payloads() -> None:
    assert RANGE_MAX_BYTES == 128 * PAYLOAD_MAX_BYTES
    items: list[Item] = [bytes(PAYLOAD_MAX_BYTES)] * 128
    check_range(_ranged(items, _at(64)))
    check_range(_ranged([*items, as_hole(b"not counted")], _at(64)))
    with pytest.raises(SizeError):
        check_range(_ranged([*items, b"a"], _at(64)))


def test_seqs_end_where_they_end() -> None:
    assert check_range(_ranged([b"a"], _at(SEQ_MAX - 1))).end.seq == SEQ_MAX
    for before in (SEQ_MAX, SEQ_MAX + 1, 2**53, 2**64 - 2, 2**64, -1, -2, -64):
        with pytest.raises(SeqError):
            check_range(Range(FEED, Link(before, EntryId(HASH)), [b"a"], {before + 1: bytes(64)}))
    with pytest.raises(SeqError):
        check_range(Range(FEED, _at(SEQ_MAX - 1), [b"a", b"b"], {SEQ_MAX + 1: bytes(64)}))


def test_oversize_payload_is_refused_at_the_same_seq_as_bytes_and_as_hash() -> None:
    size = PAYLOAD_MAX_BYTES + 1
    for item in (bytes(size), as_hole(bytes(size))):
        with pytest.raises(SizeError):
            check_range(Range(FEED, genesis(FEED), [b"a", item], {}))


def test_sizes_are_checked_before_anything_is_hashed_or_verified() -> None:
    with pytest.raises(SizeError):
        check_range(Range(FeedId(b""), Link(-5, EntryId(b"")), [b"a", b""], {99: b""}))


# --- Excerpts ---


@pytest.mark.parametrize(("seq", "end"), [(1, 1), (1, 64), (2, 64), (64, 64), (65, 65), (65, 128), (100, 128), (5, 9)])
def test_entry_is_proven_alone(feed: MadeFeed, seq: int, end: int) -> None:
    assert check_excerpt(feed.excerpt(seq, end)) == feed.links[seq].id


def test_excerpt_past_a_page_end_is_refused(feed: MadeFeed) -> None:
    for seq, end in ((64, 65), (60, 65), (1, 65), (65, 129)):
        with pytest.raises(SizeError):
            check_excerpt(feed.excerpt(seq, end))


def test_excerpt_of_other_content_is_refused(feed: MadeFeed) -> None:
    given = feed.excerpt(70, 80)
    changes: list[Excerpt] = [
        replace(given, payload=given.payload[:-1] + b"x"),
        replace(given, feed=FeedId(private_key("other").public)),
        replace(given, before=Link(given.before.seq, EntryId(HASH))),
        replace(given, before=Link(given.before.seq + 1, given.before.id)),
        replace(given, tail=given.tail[:-1]),
        replace(given, tail=[*given.tail, (1, HASH)]),
        replace(given, tail=[(given.tail[0][0] + 1, given.tail[0][1]), *given.tail[1:]]),
        replace(given, head=feed.head(79)),
        replace(given, head=b""),
    ]
    for changed in changes:
        with pytest.raises(SignatureError):
            check_excerpt(changed)


def test_excerpt_keeps_the_limits(feed: MadeFeed) -> None:
    given = feed.excerpt(70, 80)
    for changed in (
        replace(given, payload=b""),
        replace(given, payload=bytes(PAYLOAD_MAX_BYTES + 1)),
        replace(given, tail=[(0, HASH)]),
        replace(given, tail=[(PAYLOAD_MAX_BYTES + 1, HASH)]),
    ):
        with pytest.raises(SizeError):
            check_excerpt(changed)
    for seq in (-1, -2, SEQ_MAX, 2**64):
        with pytest.raises((SeqError, SizeError)):
            check_excerpt(replace(given, before=Link(seq, EntryId(HASH)), tail=[]))


def test_excerpt_of_entry_1_begins_at_id_0(feed: MadeFeed) -> None:
    with pytest.raises(BacklinkError):
        check_excerpt(replace(feed.excerpt(1, 1), before=Link(0, EntryId(HASH))))
