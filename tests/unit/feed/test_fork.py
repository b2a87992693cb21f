"""Fork proofs. Source: protocol/feed.md, "Forks"."""

from dataclasses import replace

import pytest

from p2pmicro.errors import BacklinkError, BadKeyError, ForkError, SeqError, SignatureError, SizeError
from p2pmicro.feed.chain import Link, as_hole, genesis, sign_head, walk
from p2pmicro.feed.fork import ForkProof, Side, check_fork_proof, make_fork_proof
from p2pmicro.ids import EntryId, FeedId
from p2pmicro.limits import PAYLOAD_MAX_BYTES, SEQ_MAX
from tests.made import MadeFeed, private_key

HASH = bytes(32)
FORK_AT = 70


@pytest.fixture(scope="module")
def other(feed: MadeFeed) -> MadeFeed:
    return feed.branch(FORK_AT, 80)


@pytest.fixture(scope="module")
def proof(feed: MadeFeed, other: MadeFeed) -> ForkProof:
    return make_fork_proof(feed.feed, feed.links[FORK_AT - 1], feed.side(FORK_AT, 90), other.side(FORK_AT, 75))


def test_two_branches_prove_a_fork_whoever_comes_first(feed: MadeFeed, other: MadeFeed) -> None:
    before, one, two = feed.links[FORK_AT - 1], feed.side(FORK_AT, 90), other.side(FORK_AT, 75)
    proof = make_fork_proof(feed.feed, before, one, two)
    assert proof == make_fork_proof(feed.feed, before, two, one)
    assert proof.seq == FORK_AT
    assert check_fork_proof(proof) == tuple(sorted((feed.links[FORK_AT].id, other.links[FORK_AT].id)))


def test_sides_in_the_other_order_are_refused(proof: ForkProof) -> None:
    with pytest.raises(ForkError):
        check_fork_proof(replace(proof, sides=(proof.sides[1], proof.sides[0])))


def test_two_signatures_over_one_id_are_no_fork(feed: MadeFeed) -> None:
    short, long = feed.side(FORK_AT, 75), feed.side(FORK_AT, 90)
    for sides in ((short, short), (short, long), (long, short)):
        with pytest.raises(ForkError):
            check_fork_proof(ForkProof(feed.feed, feed.links[FORK_AT - 1], sides))
    with pytest.raises(ForkError):
        make_fork_proof(feed.feed, feed.links[FORK_AT - 1], short, long)


def test_proof_that_begins_before_the_fork_is_refused(feed: MadeFeed, other: MadeFeed) -> None:
    with pytest.raises(ForkError):
        make_fork_proof(feed.feed, feed.links[FORK_AT - 2], feed.side(FORK_AT - 1, 90), other.side(FORK_AT - 1, 75))


def test_branch_that_the_key_did_not_sign_is_refused(feed: MadeFeed, proof: ForkProof) -> None:
    forged = [(10, HASH)]
    link = Link(FORK_AT, walk(feed.links[FORK_AT - 1], forged)[0])
    side = Side(forged, sign_head(private_key("thief"), link))
    with pytest.raises(SignatureError):
        make_fork_proof(feed.feed, feed.links[FORK_AT - 1], feed.side(FORK_AT, 90), side)


def test_each_head_is_checked(proof: ForkProof) -> None:
    one, two = proof.sides
    for sides in ((replace(one, head=two.head), two), (one, replace(two, head=one.head))):
        with pytest.raises(SignatureError):
            check_fork_proof(replace(proof, sides=sides))


def test_another_feed_or_place_before_is_refused(feed: MadeFeed, proof: ForkProof) -> None:
    with pytest.raises(BadKeyError):
        check_fork_proof(replace(proof, feed=FeedId((1).to_bytes(32, "little"))))
    for changed in (
        replace(proof, feed=FeedId(private_key("other").public)),
        replace(proof, before=Link(proof.before.seq, EntryId(HASH))),
        replace(proof, before=Link(proof.before.seq - 1, proof.before.id)),
    ):
        with pytest.raises((SignatureError, ForkError)):  # another id before may turn the order round
            check_fork_proof(changed)


def test_side_ends_at_the_page_end_at_the_latest(feed: MadeFeed, other: MadeFeed) -> None:
    before = feed.links[FORK_AT - 1]
    make_fork_proof(feed.feed, before, feed.side(FORK_AT, 128), other.side(FORK_AT, 128))
    with pytest.raises(SizeError):
        make_fork_proof(feed.feed, before, feed.side(FORK_AT, 129), other.side(FORK_AT, 128))


def test_side_of_a_whole_page_is_taken(feed: MadeFeed) -> None:
    other = feed.branch(65, 64)
    proof = make_fork_proof(feed.feed, feed.links[64], feed.side(65, 128), other.side(65, 128))
    assert [len(side.items) for side in proof.sides] == [64, 64]


def test_fork_at_entry_1_is_provable(feed: MadeFeed) -> None:
    other = feed.branch(1, 5)
    assert make_fork_proof(feed.feed, feed.links[0], feed.side(1, 1), other.side(1, 5)).seq == 1


@pytest.mark.parametrize("items", [[], [(0, HASH)], [(PAYLOAD_MAX_BYTES + 1, HASH)], [(-1, HASH)]])
def test_side_keeps_the_limits(proof: ForkProof, items: list[tuple[int, bytes]]) -> None:
    for place in (0, 1):
        sides = list(proof.sides)
        sides[place] = replace(sides[place], items=items)
        with pytest.raises(SizeError):
            check_fork_proof(replace(proof, sides=(sides[0], sides[1])))


@pytest.mark.parametrize("before", [-1, -64, SEQ_MAX, 2**64])
def test_fork_outside_the_seqs_is_refused(proof: ForkProof, before: int) -> None:
    with pytest.raises(SeqError):
        check_fork_proof(replace(proof, before=Link(before, EntryId(HASH)), sides=_short(proof)))


def _short(proof: ForkProof) -> tuple[Side, Side]:
    """Sides of one entry, which pass no page end wherever they begin."""
    one, two = (replace(side, items=side.items[:1]) for side in proof.sides)
    return one, two


def test_fork_at_entry_1_begins_at_id_0() -> None:
    key = private_key("fork at 1")
    false_start = Link(0, EntryId(HASH))
    assert false_start != genesis(FeedId(key.public))
    sides = []
    for payload in (b"a", b"b"):
        items = [as_hole(payload)]
        sides.append(Side(items, sign_head(key, Link(1, walk(false_start, items)[0]))))
    with pytest.raises(BacklinkError):
        make_fork_proof(FeedId(key.public), false_start, sides[0], sides[1])
