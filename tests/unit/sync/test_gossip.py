"""What is asked of whom. A small simulation plays the peers. Source: protocol/sync.md, "Fetching"."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from p2pmicro.feed.chain import Link, Range
from p2pmicro.ids import EntryId, FeedId
from p2pmicro.limits import (
    FETCH_QUEUED_MAX_BYTES,
    PAGE_ENTRIES,
    RANGE_MAX_ENTRIES,
    WANT_MAX_ITEMS,
    WANT_OUTSTANDING_MAX_BYTES,
    WANT_QUEUE_MAX,
)
from p2pmicro.sync.gossip import Gossip, Held
from p2pmicro.sync.message import Want

FEED = FeedId(b"f" * 32)
ALICE, BOB, CAROL = (FeedId(name * 32) for name in (b"a", b"b", b"c"))
SIZE = 100  # bytes of a payload


def feed(number: int) -> FeedId:
    return FeedId(number.to_bytes(32))


def given(want: Want, first: int | None = None, last: int | None = None) -> Range:
    """An answer to a want: by the rules it ends at the next head."""
    first, last = first or want.first, last or want.last
    return Range(want.feed, Link(first - 1, EntryId(bytes(32))), [bytes(SIZE)] * (last - first + 1), {})


def joined(held: Held, first: int, last: int) -> Held:
    """What is held once a range came, by the store's rules; the same if it does not connect."""
    runs = [(held.before, held.end)] if held.end else []
    if held.older_before is not None and held.older_end is not None:
        runs.append((held.older_before, held.older_end))
    low, high = first - 1, last
    met = [run for run in runs if low <= run[1] and high >= run[0]]
    if runs and not met and (low < held.end or len(runs) == 2):
        return held
    merged = (min([low, *(run[0] for run in met)]), max([high, *(run[1] for run in met)]))
    after = sorted([run for run in runs if run not in met] + [merged], reverse=True)
    (before, end), (older_before, older_end) = after[0], after[1] if len(after) == 2 else (None, None)
    return Held(before, end, older_before, older_end, held.limit, held.closed)


class Node:
    """One node's plan with its store, and what its peers have of feeds."""

    def __init__(self) -> None:
        self.gossip = Gossip()
        self.held: dict[FeedId, Held] = {}
        self.has: dict[tuple[FeedId, FeedId], tuple[int, int]] = {}  # (peer, feed): run
        self.asked: list[tuple[FeedId, Want]] = []
        self.answer: Callable[[FeedId, Want], Range | None] = self.honest

    def honest(self, peer: FeedId, want: Want) -> Range | None:
        first, last = self.has.get((peer, want.feed), (1, 0))
        if not first <= want.last <= last:
            return None
        end = min(last, -(-want.last // PAGE_ENTRIES) * PAGE_ENTRIES)
        return given(want, max(first, want.first, end - RANGE_MAX_ENTRIES + 1), end)

    def offer(self, peer: FeedId, what: FeedId, first: int, last: int, has: bool = True) -> None:
        if has:
            self.has[peer, what] = (first, last)
        self.gossip.offered(peer, what, first, last, self.held.get(what, Held()))

    def ask(self, peer: FeedId) -> list[Want]:
        wants = self.gossip.wants(peer)
        self.asked += [(peer, want) for want in wants]
        return wants

    def take(self, peer: FeedId, want: Want, answer: Range | None) -> None:
        """An answer comes, and is stored as far as it connects."""
        if self.gossip.answered(peer, want.number, answer) is not None and answer is not None:
            before = self.held.get(want.feed, Held())
            self.held[want.feed] = joined(before, answer.before.seq + 1, answer.last_seq)
            self.gossip.stored(peer, want.number, want.feed, self.held[want.feed])

    def run(self, *peers: FeedId, wants_max: int = 500) -> None:
        """Ask and answer until nothing is asked any more."""
        open_wants: list[tuple[FeedId, Want]] = []
        while True:
            for peer in peers:
                open_wants += [(peer, want) for want in self.ask(peer)]
            if not open_wants:
                return
            assert len(self.asked) < wants_max, "it never ends"
            peer, want = open_wants.pop(0)
            self.take(peer, want, self.answer(peer, want))


@pytest.fixture
def node() -> Node:
    return Node()


class TestHeld:
    @pytest.mark.parametrize(
        ("held", "first", "last", "lacks", "misses"),
        [
            (Held(), 1, 9, True, True),
            (Held(0, 9), 1, 9, False, False),
            (Held(0, 9), 1, 10, True, True),
            (Held(0, 9), 20, 30, True, True),  # a gap stays below
            (Held(5, 9), 1, 9, True, True),
            (Held(5, 9), 6, 9, False, False),
            (Held(5, 9), 1, 3, False, True),  # it would not connect
            (Held(5, 9), 1, 5, True, True),
            (Held(50, 90, 0, 20), 51, 90, False, False),
            (Held(50, 90, 0, 20), 1, 90, True, True),
            (Held(50, 90, 0, 20), 51, 99, True, True),
            (Held(50, 90, 0, 20), 92, 99, False, True),
            (Held(50, 90, 0, 20), 1, 30, True, True),
            (Held(50, 90, 0, 20), 22, 30, False, True),
            (Held(50, 90, 0, 20), 1, 20, False, False),
            (Held(50, 90, 5, 20), 1, 20, False, True),
            (Held(0, 9, limit=9), 1, 50, False, False),
            (Held(0, 5, limit=9), 1, 50, True, True),
            (Held(0, 5, limit=9), 10, 50, False, False),
            (Held(0, 5, closed=True), 1, 50, False, False),
        ],
    )
    def test_what_could_be_asked_for_now_and_what_is_missing(
        self, held: Held, first: int, last: int, lacks: bool, misses: bool
    ) -> None:
        assert held.lacks(first, last) is lacks
        assert held.misses(first, last) is misses


class TestOrder:
    def test_newest_entries_of_every_feed_come_first(self, node: Node) -> None:
        for number in range(5):
            node.offer(ALICE, feed(number), 1, 10_000)
        wants = node.ask(ALICE)
        assert [(want.feed, want.last) for want in wants[:5]] == [(feed(number), 10_000) for number in range(5)]
        assert all(want.last - want.first < 3 * PAGE_ENTRIES for want in wants[:5])
        assert wants[5].feed == feed(0)
        assert wants[5].last == wants[0].first - 1

    def test_past_of_a_feed_comes_backward_and_each_want_ends_at_a_page(self, node: Node) -> None:
        node.offer(ALICE, FEED, 1, 5000)
        node.run(ALICE)
        assert node.held[FEED] == Held(0, 5000)
        wants = [want for _, want in node.asked]
        assert all(after.last == before.first - 1 for before, after in pairwise(wants))
        assert all(want.last % PAGE_ENTRIES == 0 for want in wants[1:])

    def test_only_what_is_lacked_is_asked_for(self, node: Node) -> None:
        node.held[FEED] = Held(0, 90)
        node.offer(ALICE, FEED, 1, 95)
        assert [(want.first, want.last) for want in node.ask(ALICE)] == [(91, 95)]

    def test_peer_is_asked_only_for_what_it_has(self, node: Node) -> None:
        node.offer(ALICE, FEED, 40, 95)
        node.run(ALICE)
        assert node.held[FEED] == Held(39, 95)
        assert min(want.first for _, want in node.asked) == 40

    def test_feed_is_asked_of_one_peer_at_a_time(self, node: Node) -> None:
        for peer in (ALICE, BOB):
            node.offer(peer, FEED, 1, 5000)
        assert node.ask(ALICE)
        assert not node.ask(BOB)

    def test_who_has_the_newest_is_asked(self, node: Node) -> None:
        node.gossip.offered(ALICE, FEED, 1, 50, Held())
        node.gossip.peer_left(ALICE)
        for peer, last in ((ALICE, 90), (BOB, 99)):
            node.offer(peer, FEED, 1, last)
        node.run(ALICE, BOB)
        assert node.held[FEED] == Held(0, 99)


class TestBounds:
    def test_bytes_under_way_are_bounded(self, node: Node) -> None:
        for number in range(50):
            node.offer(ALICE, feed(number), 1, 100_000)
        wants = []
        while some := node.ask(ALICE):
            wants += some
        assert sum(want.last - want.first + 1 for want in wants) * 300 <= 2 * WANT_OUTSTANDING_MAX_BYTES

    def test_wants_under_way_fit_the_queue_of_a_peer(self, node: Node) -> None:
        for number in range(1000):
            node.offer(ALICE, feed(number), 1, 1)
        wants = []
        while some := node.ask(ALICE):
            assert len(some) <= WANT_MAX_ITEMS
            wants += some
        assert len(wants) < WANT_QUEUE_MAX
        for want in wants:
            node.take(ALICE, want, node.honest(ALICE, want))
        node.run(ALICE, wants_max=1001)
        assert all(node.held[feed(number)] == Held(0, 1) for number in range(1000))

    def test_what_is_not_yet_stored_is_bounded(self, node: Node) -> None:
        node.offer(ALICE, FEED, 1, 10_000_000)
        waiting = 0
        for _ in range(1000):
            wants = node.ask(ALICE)
            if not wants:
                break
            for want in wants:
                assert node.gossip.answered(ALICE, want.number, given(want)) is not None
                waiting += (want.last - want.first + 1) * SIZE
        assert FETCH_QUEUED_MAX_BYTES <= waiting <= FETCH_QUEUED_MAX_BYTES + 2 * WANT_OUTSTANDING_MAX_BYTES


class TestFaults:
    def test_gone_turns_to_another_peer(self, node: Node) -> None:
        node.offer(BOB, FEED, 1, 200, has=False)
        node.offer(ALICE, FEED, 1, 150)
        node.run(ALICE, BOB)
        assert node.held[FEED] == Held(0, 150)
        assert [failed[:2] for failed in node.gossip.take_failed()] == [(FEED, BOB)]
        assert node.gossip.take_done() == [FEED]

    def test_liars_head_costs_a_few_wants(self, node: Node) -> None:
        """G7: a head at 2^32-1."""
        node.offer(ALICE, FEED, 1, 200)
        node.gossip.peer_left(ALICE)
        liars = [FeedId(bytes([200 + number]) * 32) for number in range(50)]
        for liar in liars:
            node.offer(liar, FEED, 1, 2**32 - 1, has=False)
        node.offer(ALICE, FEED, 1, 200)
        node.run(ALICE, *liars)
        assert node.held[FEED] == Held(0, 200)
        assert len(node.asked) <= 50 * 10 + 5

    def test_answers_that_do_not_connect_end_the_plan(self, node: Node) -> None:
        node.held[FEED] = Held(0, 100)
        node.answer = lambda peer, want: given(want)
        node.offer(ALICE, FEED, 1, 10**9)
        wants = node.ask(ALICE)
        for want in wants:
            assert node.gossip.answered(ALICE, want.number, given(want)) is not None
            node.gossip.stored(ALICE, want.number, FEED, node.held[FEED])  # refused: it is another branch
        assert not node.ask(ALICE)
        assert [failed[:2] for failed in node.gossip.take_failed()] == [(FEED, ALICE)]

    @pytest.mark.parametrize("wrong", ["other feed", "too early", "too late", "too far"])
    def test_other_range_than_asked_for_is_dropped(self, node: Node, wrong: str) -> None:
        node.offer(ALICE, FEED, 1, 100)
        want = node.ask(ALICE)[0]
        answers = {
            "other feed": Range(feed(7), Link(want.first - 1, EntryId(bytes(32))), [b"a"] * (want.last), {}),
            "too early": given(want, want.first, want.last - 1),
            "too late": given(want, want.last + 1, want.last + 2),
            "too far": given(want, want.first, want.last + PAGE_ENTRIES + 1),
        }
        assert node.gossip.answered(ALICE, want.number, answers[wrong]) is None
        assert not node.ask(ALICE)

    def test_answer_to_nothing_is_dropped(self, node: Node) -> None:
        node.offer(ALICE, FEED, 1, 100)
        [want] = node.ask(ALICE)
        assert node.gossip.answered(BOB, want.number, given(want)) is None
        assert node.gossip.answered(ALICE, want.number + 100, given(want)) is None

    def test_short_answers_are_completed(self, node: Node) -> None:
        def short(peer: FeedId, want: Want) -> Range:
            return given(want, max(want.first, want.last - 99))

        node.answer = short
        node.offer(ALICE, FEED, 1, 3000)
        node.run(ALICE)
        assert node.held[FEED] == Held(0, 3000)

    def test_peer_that_leaves_is_replaced(self, node: Node) -> None:
        node.offer(BOB, FEED, 1, 300)
        node.offer(ALICE, FEED, 1, 200)
        assert node.ask(BOB)
        assert not node.ask(ALICE)
        node.gossip.peer_left(BOB)
        node.run(ALICE)
        assert node.held[FEED] == Held(0, 200)

    def test_feed_of_a_peer_that_left_is_done_and_its_offer_did_not_fail(self, node: Node) -> None:
        node.offer(BOB, FEED, 1, 300)
        node.ask(BOB)
        node.gossip.peer_left(BOB)
        assert node.gossip.take_done() == [FEED]
        assert node.gossip.take_failed() == []
        assert node.gossip.fetching == 0

    def test_offer_made_twice_before_it_was_asked_is_kept(self, node: Node) -> None:
        for _ in range(2):
            node.offer(ALICE, FEED, 1, 300)
        node.run(ALICE)
        assert node.held[FEED] == Held(0, 300)

    def test_closed_feed_is_asked_for_no_longer(self, node: Node) -> None:
        node.offer(ALICE, FEED, 1, 1_000_000)
        wants = node.ask(ALICE)
        node.gossip.changed(FEED, Held(closed=True))
        for want in wants:
            node.gossip.answered(ALICE, want.number, given(want))
            node.gossip.stored(ALICE, want.number, FEED, Held(closed=True))
        assert not node.ask(ALICE)
        assert node.gossip.take_done() == [FEED]

    def test_hidden_entries_are_not_asked_for(self, node: Node) -> None:
        node.held[FEED] = Held(limit=69)
        node.offer(ALICE, FEED, 1, 500)
        node.run(ALICE)
        assert node.held[FEED].end == 128, "up to the next head"
        assert max(want.last for _, want in node.asked) == 69


class TestGaps:
    def test_new_entries_above_a_gap_come_first_and_the_gap_is_filled(self, node: Node) -> None:
        node.held[FEED] = Held(0, 100)
        node.offer(ALICE, FEED, 1, 3000)
        node.run(ALICE)
        assert node.held[FEED] == Held(0, 3000)
        assert node.asked[0][1].last == 3000

    def test_gap_is_filled_before_a_third_run_is_opened(self, node: Node) -> None:
        node.held[FEED] = Held(500, 600, 0, 100)
        node.offer(ALICE, FEED, 1, 5000)
        node.run(ALICE)
        assert node.held[FEED] == Held(0, 5000)
        assert node.asked[0][1].last == 500

    @pytest.mark.parametrize(
        ("run", "result"),
        [
            ((400, 900), Held(399, 900, 0, 100)),  # it reaches into the gap, and above
            ((501, 2900), Held(500, 2900, 0, 100)),
            ((90, 400), Held(500, 600, 0, 400)),  # from below
            ((200, 400), Held(500, 600, 0, 100)),  # connects to nothing
            ((700, 900), Held(500, 600, 0, 100)),
        ],
    )
    def test_what_a_peer_can_give_while_there_is_a_gap(self, node: Node, run: tuple[int, int], result: Held) -> None:
        node.held[FEED] = Held(500, 600, 0, 100)
        node.offer(ALICE, FEED, *run)
        node.run(ALICE)
        assert node.held[FEED] == result

    def test_offer_that_does_not_connect_waits_until_it_does(self, node: Node) -> None:
        node.held[FEED] = Held(500, 600, 0, 100)
        node.offer(ALICE, FEED, 700, 900)
        assert not node.ask(ALICE)
        assert node.gossip.take_done() == []
        node.offer(BOB, FEED, 1, 700)
        node.run(ALICE, BOB)
        assert node.held[FEED] == Held(0, 900)

    def test_pushed_entries_above_a_gap_while_the_past_is_under_way(self, node: Node) -> None:
        node.offer(ALICE, FEED, 1, 3000)
        wants = node.ask(ALICE)
        first = wants.pop(0)
        node.take(ALICE, first, node.honest(ALICE, first))
        node.has[ALICE, FEED] = (1, 3100)
        node.held[FEED] = joined(node.held[FEED], 3090, 3100)
        node.gossip.stored(ALICE, None, FEED, node.held[FEED])
        node.offer(ALICE, FEED, 1, 3100)
        for want in wants:
            node.take(ALICE, want, node.honest(ALICE, want))
        node.run(ALICE)
        assert node.held[FEED] == Held(0, 3100)
