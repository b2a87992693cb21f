"""Where two branches part is found by asking for ids, and proven: threat L5. Source: protocol/sync.md, "Forks"."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product
from random import Random

import pytest

from p2pmicro.feed.chain import as_hole, is_kept_head, page_end
from p2pmicro.feed.fork import ForkProof, Side, check_fork_proof, make_fork_proof
from p2pmicro.ids import EntryId, FeedId
from p2pmicro.limits import IDS_MAX
from p2pmicro.node.hunt import Hunt
from tests.made import MadeFeed

PEER = FeedId(b"p" * 32)


@cache
def author(count: int) -> MadeFeed:
    return MadeFeed(count)


@cache
def branch(count: int, at: int, length: int) -> MadeFeed:
    return author(count).branch(at, length)


def ids(made: MadeFeed, seqs: Iterable[int], first: int = 1) -> list[tuple[int, EntryId]]:
    """What who holds the feed from `first` on answers."""
    return [(seq, made.links[seq].id) for seq in seqs if first <= seq <= made.last]


def hunt(ours: MadeFeed, theirs: MadeFeed, first: int = 1) -> tuple[Hunt, int]:
    """Search as a node does, and count the questions."""
    search = Hunt(ours.feed, PEER, min(ours.last, theirs.last))
    for questions in range(1, 20):
        asked = search.ask()
        assert 1 <= len(asked) <= IDS_MAX
        assert asked == sorted(set(asked))
        answer = ids(theirs, asked, first)
        went_on = search.narrow(answer, dict(ids(ours, [seq for seq, _ in answer])))
        if search.found is not None or not went_on:
            return search, questions
    raise AssertionError("it never ends")


def side(made: MadeFeed, at: int, heads: Sequence[int]) -> Side:
    """A branch from the fork to its next head."""
    end = min(seq for seq in heads if seq >= at)
    return Side([as_hole(payload) for payload in made.payloads[at - 1 : end]], made.head(end))


def prove(ours: MadeFeed, theirs: MadeFeed, at: int, our_heads: Sequence[int], their_heads: Sequence[int]) -> ForkProof:
    return make_fork_proof(ours.feed, ours.links[at - 1], side(ours, at, our_heads), side(theirs, at, their_heads))


def test_every_fork_on_two_branches_of_at_most_12_entries_is_found() -> None:
    for our_last, their_last in product(range(1, 13), repeat=2):
        for at in range(1, min(our_last, their_last) + 1):
            ours, theirs = author(our_last), branch(our_last, at, their_last - at + 1)
            search, questions = hunt(ours, theirs)
            assert search.found == at
            assert questions == 1


@pytest.mark.parametrize(("ours", "theirs"), [(4, 5), (12, 12)])
def test_every_placement_of_heads_proves_the_fork(ours: int, theirs: int) -> None:
    """Heads stand where an append ended; the last entry always has one."""
    placements = 0
    for at in range(2, min(ours, theirs) + 1):
        mine, other = author(ours), branch(ours, at, theirs - at + 1)
        found, _ = hunt(mine, other)
        assert found.found == at
        proofs = {
            (one, two): prove(mine, other, at, [one, ours], [two, theirs])
            for one in range(at, ours + 1)
            for two in range(at, theirs + 1)
        }
        for proof in proofs.values():
            check_fork_proof(proof)
            assert proof.seq == at
            placements += 1
    assert placements == sum((ours - at + 1) * (theirs - at + 1) for at in range(2, min(ours, theirs) + 1))


def test_long_branches_with_heads_at_page_ends_alone(rng: Random) -> None:
    ours = author(200)
    heads = [seq for seq in range(1, 265) if is_kept_head(seq)]
    for at in {1, 2, 63, 64, 65, 128, 129, *(rng.randrange(1, 193) for _ in range(30))}:
        theirs = branch(200, at, 256 - at + 1)
        search, questions = hunt(ours, theirs)
        assert search.found == at
        assert questions <= 2
        proof = prove(ours, theirs, at, [*heads[:4], 200], heads)
        check_fork_proof(proof)
        assert len(proof.sides[0].items) <= page_end(at) - at + 1


def test_four_billion_entries_take_six_questions() -> None:
    """64 ids a question: each narrows the search by 64."""

    class Numbers:
        def __init__(self, fork: int) -> None:
            self.fork = fork

        def at(self, seq: int, ours: bool) -> EntryId:
            return EntryId(seq.to_bytes(31) + bytes([ours and seq >= self.fork]))

    for fork in (1, 2, 12_345, 2**31, 2**32 - 1):
        made, questions = Numbers(fork), 0
        search = Hunt(FeedId(bytes(32)), PEER, 2**32 - 1)
        while search.found is None:
            asked = search.ask()
            search.narrow([(seq, made.at(seq, False)) for seq in asked], {seq: made.at(seq, True) for seq in asked})
            questions += 1
            assert questions <= 6
        assert search.found == fork


class TestNoFork:
    def test_same_feed_ends_the_search(self) -> None:
        search, questions = hunt(author(12), author(12))
        assert search.found is None
        assert questions == 1

    def test_silent_peer_ends_the_search(self) -> None:
        search = Hunt(FeedId(bytes(32)), PEER, 50)
        assert not search.narrow([], {})
        assert search.found is None

    def test_what_is_too_far_back_at_the_peer_is_not_found(self) -> None:
        search, _ = hunt(author(100), branch(100, 20, 100), first=50)
        assert search.found is None
        assert search.high == 50

    def test_ids_outside_of_the_search_change_nothing(self) -> None:
        search = Hunt(FeedId(bytes(32)), PEER, 50, low=10)
        wrong, right = EntryId(bytes(32)), EntryId(b"a" * 32)
        assert not search.narrow([(10, wrong), (51, wrong), (5, wrong)], {10: right, 51: right, 5: right})
        assert (search.low, search.high, search.found) == (10, 50, None)

    def test_liar_gets_no_proof(self) -> None:
        """Ids are believed only as far as to ask for the proof."""
        ours = author(12)
        search = Hunt(ours.feed, PEER, 12)
        asked = search.ask()
        search.narrow(
            [(seq, EntryId(bytes(32)) if seq >= 7 else ours.links[seq].id) for seq in asked], dict(ids(ours, asked))
        )
        assert search.found == 7
        with pytest.raises(Exception, match="one id where they should part"):
            prove(ours, ours, 7, [12], [12])
