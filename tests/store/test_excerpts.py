"""Entries held alone: wanted because something refers to them, taken if they prove themselves, and gone in time."""

import sqlite3

import pytest

from p2pmicro.feed.chain import check_excerpt
from p2pmicro.feed.device import check_device_proof, make_revoke
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.ids import Ref
from p2pmicro.limits import EXCERPT_STEPS_MAX
from p2pmicro.store import blocks, feeds, peers
from p2pmicro.store.alone import all_alone_rows
from p2pmicro.store.cut import drop_alone, learn_fork, learn_revoke
from p2pmicro.store.db import transaction
from p2pmicro.store.erase import finish, pending
from p2pmicro.store.excerpts import Taken, deletes_after, last_wanted, wanted_after
from p2pmicro.store.excerpts import answer as answer_to
from p2pmicro.store.feeds import Role, add_feed
from p2pmicro.store.forget import forget_account
from p2pmicro.store.peers import Name, Scope
from p2pmicro.views import wanted
from tests.made import NOW_MS, MadeFeed
from tests.store.alone import Shelf, answer, delete, like, ref, say

SECRET = "nobody-should-find-this"


@pytest.fixture
def friend() -> MadeFeed:
    """Somebody who is followed."""
    return MadeFeed(2, "friend", "friend")


@pytest.fixture
def stranger() -> MadeFeed:
    """Somebody of whom nothing is known."""
    return MadeFeed(9, "stranger", "stranger")


def _hold(shelf: Shelf, made: MadeFeed, role: Role = Role.FOLLOWED) -> None:
    shelf.know(made, role)
    shelf.take(made.range(1, made.last))


def _hold_secret(shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> tuple[Ref, Ref]:
    """A stranger's message is held alone, since a friend answers it; both."""
    told = say(stranger, SECRET)
    answered = answer(friend, told)
    _hold(shelf, friend)
    assert shelf.bring(stranger, told.seq) == [Taken.STORED]
    return told, answered


class TestWanting:
    def test_what_a_message_answers_is_wanted_until_it_comes(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        answer(friend, ref(stranger, 5), root=ref(stranger, 3))
        _hold(shelf, friend)
        assert shelf.wanted == [ref(stranger, 5), ref(stranger, 3)]
        assert shelf.bring(stranger, 5, now_ms=NOW_MS + 7) == [Taken.STORED]
        assert shelf.wanted == [ref(stranger, 3)]
        assert shelf.bring(stranger, 5) == [Taken.UNWANTED]
        assert shelf.alone(stranger) == [5]
        (row,) = [row for row in shelf.seen.rows.values() if row.alone]
        assert (row.role, row.seen_ms) == (Role.NONE, NOW_MS + 7)
        shelf.check()

    def test_quotes_and_what_a_message_takes_the_place_of_are_wanted(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        quoted, replaced = ref(stranger, 4), Ref(friend.feed, 60, ref(stranger, 6).id)
        say(friend, quote=[*_plain(quoted)], replaces=[_plain(replaced)])
        _hold(shelf, friend)
        assert set(shelf.wanted) == {quoted, replaced}

    def test_what_is_held_is_not_wanted_in_whatever_order_it_comes(self, shelf: Shelf, friend: MadeFeed) -> None:
        other = MadeFeed(9, "other", "other")
        answer(friend, ref(other, 5))
        answer(friend, ref(friend, 2))
        _hold(shelf, friend)
        assert shelf.wanted == [ref(other, 5)]
        _hold(shelf, other)
        assert shelf.wanted == []
        answer(friend, ref(other, 6))
        shelf.take(friend.range(friend.last, friend.last))
        assert shelf.wanted == []

    def test_only_what_the_followed_like_is_wanted(self, shelf: Shelf, stranger: MadeFeed) -> None:
        for name, role in (("friend", Role.FOLLOWED), ("hop", Role.HOP)):
            made = MadeFeed(1, name, name)
            like(made, ref(stranger, 4 + role), on=True)
            like(made, ref(stranger, 9), on=False)
            _hold(shelf, made, role)
        assert shelf.wanted == [ref(stranger, 4 + Role.FOLLOWED)]

    def test_likes_of_who_is_followed_later_are_looked_through(
        self, shelf: Shelf, stranger: MadeFeed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(wanted, "_SLICE_ENTRIES", 4)
        hop = MadeFeed(1, "hop", "hop")
        for seq in range(2, 10):
            like(hop, ref(stranger, seq))
        _hold(shelf, hop, Role.HOP)
        assert shelf.wanted == []
        shelf.role(hop.account, Role.FOLLOWED)
        assert 0 < len(shelf.wanted) < 8
        shelf.settle()
        assert len(shelf.wanted) == 8

    def test_answers_are_followed_up_for_32_steps(self, shelf: Shelf, friend: MadeFeed) -> None:
        stranger = MadeFeed(1, "stranger", "stranger")
        above = say(stranger)
        for _ in range(40):
            above = answer(stranger, above)
        answer(friend, above)
        _hold(shelf, friend)
        steps = 0
        while shelf.wanted:
            assert shelf.bring(stranger, shelf.wanted[0].seq) == [Taken.STORED]
            steps += 1
        assert steps == EXCERPT_STEPS_MAX
        answer(friend, ref(stranger, 30))  # what was 12 steps away is one now
        shelf.take(friend.range(friend.last, friend.last))
        assert [one.seq for one in shelf.wanted] == [41 - EXCERPT_STEPS_MAX + 1]
        shelf.check()

    def test_quoted_message_is_shown_with_what_it_answers_and_no_further(self, shelf: Shelf, friend: MadeFeed) -> None:
        stranger = MadeFeed(1, "stranger", "stranger")
        top = say(stranger)
        middle = answer(stranger, top)
        quoted = answer(stranger, middle)
        say(friend, quote=_plain(quoted))
        _hold(shelf, friend)
        shelf.bring(stranger, quoted.seq)
        shelf.bring(stranger, middle.seq)
        assert shelf.alone(stranger) == [middle.seq, quoted.seq]
        assert shelf.wanted == []

    def test_what_something_nearer_refers_to_is_shown_with_what_it_quotes(self, shelf: Shelf, friend: MadeFeed) -> None:
        stranger = MadeFeed(1, "stranger", "stranger")
        aside = say(stranger)
        last = say(stranger, quote=_plain(aside))
        say(friend, quote=_plain(answer(stranger, last)))
        _hold(shelf, friend)
        shelf.bring(stranger, last.seq + 1, last.seq)
        assert shelf.wanted == []
        answer(friend, last)
        shelf.take(friend.range(friend.last, friend.last))
        assert shelf.wanted == [aside]
        shelf.check()

    def test_made_up_refs_of_one_feed_push_out_their_own_alone(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(wanted, "WANTED_OF_FEED_MAX", 5)
        answer(friend, ref(stranger, 9))
        _hold(shelf, friend)
        flood = MadeFeed(1, "flood", "flood")
        for seq in range(2, 30):
            answer(flood, Ref(stranger.feed, seq + 1000, ref(stranger, 9).id))
        _hold(shelf, flood)
        assert [one.seq for one in shelf.wanted] == [9, *range(1025, 1030)]
        monkeypatch.setattr(wanted, "WANTED_MAX", 3)
        answer(friend, ref(stranger, 8))
        shelf.take(friend.range(friend.last, friend.last))
        assert len(shelf.wanted) == 3


def _plain(one: Ref) -> list[object]:
    return [one.feed, one.seq, one.id]


class TestTaking:
    def test_nothing_is_taken_that_nobody_wants(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        answer(friend, Ref(stranger.feed, 5, ref(stranger, 6).id))  # another id at that seq
        _hold(shelf, friend)
        assert shelf.bring(stranger, 5, 6) == [Taken.UNWANTED] * 2
        assert shelf.count("excerpts") == 0
        assert shelf.count("feeds") == 1, "a stranger's feed is not even known"

    def test_nothing_of_the_blocked_is_taken(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        answer(friend, ref(stranger, 5))
        answer(friend, ref(stranger, 6))
        _hold(shelf, friend)
        shelf.bring(stranger, 6)
        with transaction(shelf.connection):
            blocks.begin(shelf.connection, shelf.views, stranger.account)
            while blocks.drop_step(shelf.connection, shelf.views):
                pass
        assert shelf.bring(stranger, 5) == [Taken.UNWANTED]
        assert shelf.count("excerpts") == 0
        assert blocks.is_blocked_feed(shelf.connection, stranger.feed), "and it is not asked for again"
        shelf.check()

    def test_block_leaves_the_interest_as_it_was(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        """P1: neither what is held alone of the blocked, nor what only they referred to, leaves it."""
        talker, other = MadeFeed(1, "talker", "talker"), MadeFeed(9, "other", "other")
        answer(friend, ref(stranger, 5))
        answer(friend, ref(other, 3))
        answer(talker, ref(other, 4))
        for made in (friend, talker):
            _hold(shelf, made)
        for made, seq in ((stranger, 5), (other, 3), (other, 4)):
            shelf.bring(made, seq, now_ms=NOW_MS + seq)

        def interest() -> tuple[bytes, list[bytes]]:
            return peers.interest_version(shelf.connection), peers.alone_set(shelf.connection, 100)

        before = interest()
        assert len(before[1]) == 3
        for account in (stranger.account, talker.account):
            with transaction(shelf.connection):
                blocks.begin(shelf.connection, shelf.views, account)
                while blocks.drop_step(shelf.connection, shelf.views):
                    pass
        shelf.settle()
        assert shelf.count("excerpts") == 1
        assert interest() == before
        for account in (stranger.account, talker.account):
            with transaction(shelf.connection):
                blocks.end(shelf.connection, account)
        assert shelf.bring(stranger, 5, now_ms=NOW_MS + 99) == [Taken.STORED], "it is wanted again"
        assert (interest()[0], set(interest()[1])) == (before[0], set(before[1]))
        shelf.check()

    def test_excerpt_counts_to_the_quota_of_the_feed_that_refers_to_it(
        self, shelf: Shelf, stranger: MadeFeed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        guest = MadeFeed(1, "guest", "guest")
        for seq in (5, 6):
            answer(guest, ref(stranger, seq))
        _hold(shelf, guest, Role.GUEST)
        before = shelf.feed(guest.feed).bytes
        assert shelf.bring(stranger, 5) == [Taken.STORED]
        cost = shelf.feed(guest.feed).bytes - before
        assert cost > len(stranger.payloads[4])
        assert shelf.feed(stranger.feed).bytes == 0
        monkeypatch.setattr("p2pmicro.store.quota.GUEST_MAX_BYTES", before + cost)
        assert shelf.bring(stranger, 6) == [Taken.OVER_QUOTA]
        assert shelf.alone(stranger) == [5]
        (refused,) = shelf.connection.execute("SELECT refused FROM wanted").fetchone()
        assert refused == 1
        shelf.check()

    def test_excerpt_that_contradicts_a_run_is_of_a_branch(self, shelf: Shelf, friend: MadeFeed) -> None:
        other = MadeFeed(70, "other", "other")
        dead = other.branch(5, 8)
        for made, seq in ((dead, 5), (dead, 12), (other, 4)):
            answer(friend, ref(made, seq))
        shelf.know(other)
        shelf.take(other.range(65, 70))  # not yet what lies below
        _hold(shelf, friend)
        assert shelf.bring(dead, 5, 12) == [Taken.STORED] * 2, "nothing here speaks against it yet"
        shelf.take(other.range(1, 64))
        assert shelf.alone(other) == []
        assert 5 in shelf.shown(other.feed)
        shelf.check()
        assert shelf.bring(dead, 5) == [Taken.UNWANTED]

    def test_excerpt_beside_a_run_must_meet_it(self, shelf: Shelf, friend: MadeFeed) -> None:
        other = MadeFeed(70, "other", "other")
        dead = other.branch(5, 66)
        for made in (dead, other):
            answer(friend, ref(made, 60))
        shelf.know(other)
        shelf.take(other.range(65, 70))
        _hold(shelf, friend)
        assert shelf.bring(dead, 60) == [Taken.BRANCH], "its head at 64 is not what the run follows"
        assert shelf.bring(other, 60) == [Taken.STORED]

    def test_second_device_entry_of_a_feed_is_refused(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        answer(friend, ref(stranger, 5))
        _hold(shelf, friend)
        other = MadeFeed(1, "stranger", "somebody else")
        with transaction(shelf.connection):
            add_feed(shelf.connection, shelf.changes, check_device_proof(other.proof))
        assert shelf.bring(stranger, 5) == [Taken.BRANCH]


class TestForks:
    def test_dead_branch_is_not_taken(self, shelf: Shelf, friend: MadeFeed) -> None:
        other = MadeFeed(20, "other", "other")
        dead = other.branch(11, 5)
        shelf.know(other, Role.HOP)
        proof = make_fork_proof(other.feed, other.links[10], other.side(11, 20), dead.side(11, 15))
        for made, seq in ((other, 9), (other, 12), (dead, 12)):
            answer(friend, ref(made, seq))
        _hold(shelf, friend)
        with transaction(shelf.connection):
            learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
        assert [one.seq for one in shelf.wanted] == [9]
        answer(friend, ref(dead, 13))
        shelf.take(friend.range(friend.last, friend.last))
        assert [one.seq for one in shelf.wanted] == [9], "what is hidden is not asked for"
        assert shelf.bring(dead, 12) == [Taken.UNWANTED]
        assert shelf.bring(other, 9) == [Taken.STORED]

    def test_what_a_fork_or_revoke_hides_goes(self, shelf: Shelf, friend: MadeFeed) -> None:
        other = MadeFeed(20, "other", "other")
        dead = other.branch(11, 5)
        for seq in (9, 12):
            answer(friend, ref(other, seq))
        _hold(shelf, friend)
        shelf.bring(other, 9, 12)
        with transaction(shelf.connection):
            proof = make_fork_proof(other.feed, other.links[10], other.side(11, 20), dead.side(11, 15))
            learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
        assert shelf.alone(other) == [9]
        with transaction(shelf.connection):
            revoke = make_revoke(other.account_key, other.feed, other.links[8])
            learn_revoke(shelf.connection, shelf.views, shelf.changes, revoke)
        assert shelf.alone(other) == []
        shelf.check()

    def test_what_a_revoke_shows_again_is_asked_for_again(self, shelf: Shelf, friend: MadeFeed) -> None:
        """What was held alone when the fork was learnt, what was wanted then, and what came to be wanted since."""
        other = MadeFeed(20, "other", "other")
        dead = other.branch(11, 5)
        for seq in (12, 13, 20):
            answer(friend, ref(other, seq))
        _hold(shelf, friend)
        shelf.bring(other, 12)
        with transaction(shelf.connection):
            proof = make_fork_proof(other.feed, other.links[10], other.side(11, 20), dead.side(11, 15))
            learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
        answer(friend, ref(other, 14))
        shelf.take(friend.range(friend.last, friend.last))
        shelf.settle()
        assert shelf.wanted == []
        asked_upto = last_wanted(shelf.connection)
        with transaction(shelf.connection):
            revoke = make_revoke(other.account_key, other.feed, other.links[19])
            learn_revoke(shelf.connection, shelf.views, shelf.changes, revoke)
        again = {ref(other, seq) for seq in (12, 13, 14)}
        assert {one for _, one in wanted_after(shelf.connection, asked_upto, 100)[1]} == again
        shelf.check()
        assert set(shelf.wanted) == again
        assert shelf.bring(other, 12) == [Taken.STORED]

    def test_past_a_fork_an_excerpt_must_reach_the_revoke(self, shelf: Shelf, friend: MadeFeed) -> None:
        other = MadeFeed(20, "other", "other")
        dead = other.branch(11, 10)
        shelf.know(other, Role.HOP)
        for made in (other, dead):
            answer(friend, ref(made, 12))
        _hold(shelf, friend)
        with transaction(shelf.connection):
            proof = make_fork_proof(other.feed, other.links[10], other.side(11, 20), dead.side(11, 20))
            learn_revoke(
                shelf.connection,
                shelf.views,
                shelf.changes,
                make_revoke(other.account_key, other.feed, other.links[20]),
            )
            learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
            shelf.views[-1].clear(shelf.connection)
            for one in (dead, other):  # as if they had been wanted before
                shelf.connection.execute(
                    "INSERT INTO wanted (feed, seq, id, time_ms, steps, charged) VALUES (?, 12, ?, 0, 1, 1)",
                    (one.feed, one.links[12].id),
                )
        assert shelf.bring(dead, 12) == [Taken.BRANCH]
        assert shelf.bring(other, 12) == [Taken.STORED]

    def test_thousand_excerpts_of_deleted_or_forked_entries_show_nothing(self, shelf: Shelf, friend: MadeFeed) -> None:
        """X10 of the threats."""
        gone, forked = MadeFeed(502, "gone", "gone"), MadeFeed(501, "forked", "forked")
        dead = forked.branch(2, 500)
        for seq in range(2, 502):
            delete(gone, ref(gone, seq))
        for made in (gone, dead):
            for seq in range(2, 502):
                answer(friend, ref(made, seq))
        shelf.know(gone)
        shelf.take(gone.range(503, gone.last))  # the deletes alone: what they name lies below
        shelf.know(forked, Role.HOP)
        with transaction(shelf.connection):
            proof = make_fork_proof(forked.feed, forked.links[1], forked.side(2, 64), dead.side(2, 64))
            learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
        _hold(shelf, friend)
        with transaction(shelf.connection):  # as if all had been wanted before
            for made in (gone, dead):
                shelf.connection.executemany(
                    "INSERT OR REPLACE INTO wanted (feed, seq, id, time_ms, steps, charged) VALUES (?, ?, ?, 0, 1, 1)",
                    [(made.feed, seq, made.links[seq].id) for seq in range(2, 502)],
                )
        outcomes = [*shelf.bring(gone, *range(2, 502)), *shelf.bring(dead, *range(2, 502))]
        assert outcomes == [Taken.DELETED] * 500 + [Taken.BRANCH] * 500
        assert not any(row.alone for row in shelf.seen.rows.values())
        assert list(all_alone_rows(shelf.connection)) == []


class TestLeaving:
    def test_run_takes_in_what_was_held_alone_and_nothing_counts_twice(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        answer(friend, ref(stranger, 5))
        _hold(shelf, friend)
        before = shelf.feed(friend.feed).bytes
        shelf.bring(stranger, 5, now_ms=NOW_MS + 7)
        shelf.role(stranger.account, Role.FOLLOWED)
        shelf.take(stranger.range(1, 9), now_ms=NOW_MS + 1000)
        assert shelf.alone(stranger) == []
        assert shelf.shown(stranger.feed) == [*range(1, 10)]
        assert shelf.feed(friend.feed).bytes == before
        (seen_ms,) = shelf.connection.execute(
            "SELECT seen_ms FROM entries WHERE key = ?", (shelf.feed(stranger.feed).key(5),)
        ).fetchone()
        assert seen_ms == NOW_MS + 7, "when it was first here"
        shelf.check()

    def test_payload_that_a_range_lacks_is_kept(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        answer(friend, ref(stranger, 5))
        _hold(shelf, friend)
        shelf.bring(stranger, 5)
        shelf.role(stranger.account, Role.FOLLOWED)
        shelf.take(stranger.range(1, 9, holes=[4, 5]))
        assert shelf.shown(stranger.feed) == [1, 2, 3, 5, 6, 7, 8, 9]
        shelf.check()

    def test_what_nothing_refers_to_any_more_is_forgotten(self, shelf: Shelf, friend: MadeFeed) -> None:
        stranger = MadeFeed(1, "stranger", "stranger")
        top = say(stranger)
        middle = answer(stranger, top)
        reply = answer(friend, middle)
        _hold(shelf, friend)
        shelf.bring(stranger, middle.seq)
        shelf.bring(stranger, top.seq)
        assert shelf.alone(stranger) == [2, 3]
        delete(friend, reply)
        shelf.take(friend.range(friend.last, friend.last))
        shelf.settle()
        assert shelf.alone(stranger) == []
        assert shelf.wanted == []
        shelf.check()

    def test_what_is_liked_no_longer_is_forgotten(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        like(friend, ref(stranger, 5))
        like(friend, ref(stranger, 6))
        _hold(shelf, friend)
        shelf.bring(stranger, 5, 6)
        like(friend, ref(stranger, 6), rev=2, on=False)
        shelf.take(friend.range(friend.last, friend.last))
        shelf.settle()
        assert shelf.alone(stranger) == [5]
        shelf.check()

    def test_what_another_refers_to_counts_to_its_quota_from_then_on(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        reply = answer(friend, ref(stranger, 5))
        other = MadeFeed(1, "other", "other")
        answer(other, ref(stranger, 5))
        _hold(shelf, friend)
        shelf.bring(stranger, 5)
        _hold(shelf, other)
        before = shelf.feed(other.feed).bytes
        delete(friend, reply)
        shelf.take(friend.range(friend.last, friend.last))
        shelf.settle()
        assert shelf.alone(stranger) == [5]
        assert shelf.feed(other.feed).bytes > before
        shelf.check()

    def test_what_goes_with_its_account_and_others_answer_is_wanted_again(self, shelf: Shelf, friend: MadeFeed) -> None:
        guest = MadeFeed(9, "guest", "guest")
        answer(friend, ref(guest, 5))
        _hold(shelf, guest, Role.GUEST)
        _hold(shelf, friend)
        assert shelf.wanted == []
        shelf.role(guest.account, Role.NONE)
        with transaction(shelf.connection):
            forget_account(shelf.connection, shelf.views, guest.account)
        shelf.settle()
        assert shelf.wanted == [ref(guest, 5)]
        assert shelf.bring(guest, 5) == [Taken.STORED]
        shelf.check()

    def test_forgotten_account_leaves_what_others_refer_to(self, shelf: Shelf, friend: MadeFeed) -> None:
        stranger, guest = MadeFeed(9, "stranger", "stranger"), MadeFeed(1, "guest", "guest")
        answer(friend, ref(stranger, 5))
        answer(guest, ref(stranger, 6))
        _hold(shelf, friend)
        _hold(shelf, guest, Role.GUEST)
        shelf.bring(stranger, 5, 6)
        shelf.role(guest.account, Role.NONE)
        with transaction(shelf.connection):
            forget_account(shelf.connection, shelf.views, guest.account)
            forget_account(shelf.connection, shelf.views, stranger.account)
        shelf.settle()
        assert shelf.alone(stranger) == [5]
        shelf.check()


class TestDeletes:
    def test_delete_told_by_an_excerpt_erases_for_good(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        told, _ = _hold_secret(shelf, friend, stranger)
        gone = delete(stranger, told)
        assert shelf.bring(stranger, gone.seq) == [Taken.STORED]
        assert shelf.alone(stranger) == [gone.seq]
        assert pending(shelf.connection) == 1
        assert finish(shelf.connection, shelf.views)
        assert not any(SECRET.encode() in path.read_bytes() for path in shelf.path.parent.glob("store.db*"))
        answer(friend, told)
        shelf.take(friend.range(friend.last, friend.last))
        assert shelf.wanted == [], "nobody asks for what is deleted"
        with transaction(shelf.connection):
            found = answer_to(shelf.connection, told)
        assert found is not None
        assert check_excerpt(found.excerpt) == gone.id, "who asks for it is told of the delete"
        shelf.check()

    def test_delete_answers_who_wants_what_it_names(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        answer(friend, ref(stranger, 5))
        _hold(shelf, friend)
        gone = delete(stranger, ref(stranger, 5))
        assert shelf.bring(stranger, gone.seq) == [Taken.STORED]
        assert shelf.wanted == []
        assert shelf.bring(stranger, 5) == [Taken.UNWANTED]
        shelf.check()

    def test_delete_by_another_device_needs_proof_of_whose_feed_it_names(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        phone, foe = MadeFeed(1, "phone", "stranger"), MadeFeed(1, "foe", "foe")
        answer(friend, ref(stranger, 5))
        _hold(shelf, friend)
        for made in (foe, phone):
            delete(made, ref(stranger, 5))
        assert shelf.bring(foe, 2) == [Taken.UNWANTED]
        assert shelf.bring(foe, 2, named=stranger) == [Taken.UNWANTED], "it is nobody's own"
        assert shelf.bring(phone, 2) == [Taken.UNWANTED]
        assert shelf.wanted == [ref(stranger, 5)]
        assert shelf.bring(phone, 2, named=stranger) == [Taken.STORED]
        assert shelf.wanted == []
        with transaction(shelf.connection):
            found = answer_to(shelf.connection, ref(stranger, 5))
        assert found is not None
        assert list(found.devices) == [phone.proof, stranger.proof]
        shelf.check()

    def test_delete_that_nobody_needs_is_not_kept(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        _hold(shelf, friend)
        gone = delete(stranger, ref(stranger, 5))
        assert shelf.bring(stranger, gone.seq) == [Taken.UNWANTED]
        assert shelf.count("tombstones") == 0

    def test_delete_of_who_is_wanted_waits_for_what_it_names(self, shelf: Shelf, friend: MadeFeed) -> None:
        """Nothing of the feed is known; later its run comes of somebody who has not heard of the delete."""
        gone = delete(friend, ref(friend, 2))
        shelf.role(friend.account, Role.FOLLOWED)
        assert shelf.bring(friend, gone.seq) == [Taken.STORED]
        shelf.take(friend.range(1, 2))
        assert shelf.shown(friend.feed) == [1, gone.seq]
        shelf.check()

    def test_delete_of_who_has_too_many_feeds_is_not_kept(
        self, shelf: Shelf, friend: MadeFeed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feeds, "FEEDS_PER_ACCOUNT_MAX", 1)
        _hold(shelf, friend)
        phone = MadeFeed(2, "friend's phone", "friend")
        assert shelf.bring(phone, delete(phone, ref(phone, 2)).seq) == [Taken.UNWANTED]

    def test_delete_in_a_run_erases_what_is_held_alone(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        phone = MadeFeed(1, "phone", "stranger")
        delete(phone, ref(stranger, 5))
        answer(friend, ref(stranger, 5))
        _hold(shelf, friend)
        shelf.bring(stranger, 5)
        _hold(shelf, phone)
        assert shelf.alone(stranger) == []
        assert pending(shelf.connection) == 1
        shelf.check()

    def test_delete_that_comes_with_what_was_held_alone_erases_it(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        told, _ = _hold_secret(shelf, friend, stranger)
        delete(stranger, told)
        _hold(shelf, stranger)
        assert shelf.alone(stranger) == []
        assert pending(shelf.connection) == 1
        shelf.check()

    @pytest.mark.parametrize("how", ["nothing refers to it", "a fork hides it"])
    def test_what_leaves_is_wiped_as_a_delete_may_name_it_when_it_is_not_looked_for(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed, how: str
    ) -> None:
        told, answered = _hold_secret(shelf, friend, stranger)
        if how == "a fork hides it":
            with transaction(shelf.connection):
                drop_alone(shelf.connection, shelf.views, shelf.feed(stranger.feed), told.seq, told.seq)
            assert pending(shelf.connection) == 1
        else:
            delete(friend, answered)
            shelf.take(friend.range(friend.last, friend.last))
            shelf.settle()
            assert pending(shelf.connection) == 2
        assert shelf.alone(stranger) == []
        assert finish(shelf.connection, shelf.views)
        assert not any(SECRET.encode() in path.read_bytes() for path in shelf.path.parent.glob("store.db*"))

    def test_deletes_are_told_by_their_changes(self, shelf: Shelf, friend: MadeFeed) -> None:
        _hold(shelf, friend)
        change = shelf.feed(friend.feed).change
        for seq in (2, 1):  # a delete of entry 1 is void, and told like others
            delete(friend, ref(friend, seq))
        shelf.take(friend.range(3, 3))
        shelf.take(friend.range(4, 4))
        told = list(deletes_after(shelf.connection, (change + 1, b"", 0, 0)))
        assert [noted.named for noted in told] == [friend.links[2].id, friend.links[1].id]
        assert [noted.alone for noted in told] == [False, False]
        assert list(deletes_after(shelf.connection, told[0].place)) == told[1:]


class TestServing:
    def test_entry_is_given_from_a_run_or_from_what_is_held_alone(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        answer(friend, ref(stranger, 5))
        _hold(shelf, friend)
        shelf.bring(stranger, 5)
        for made, seq in ((friend, 2), (stranger, 5)):
            found = answer_to(shelf.connection, ref(made, seq))
            assert found is not None
            assert check_excerpt(found.excerpt) == made.links[seq].id
            assert list(found.devices) == [made.proof]
            assert answer_to(shelf.connection, Ref(made.feed, seq, made.links[1].id)) is None, "another id"
        assert answer_to(shelf.connection, ref(stranger, 6)) is None
        with transaction(shelf.connection):
            revoke = make_revoke(friend.account_key, friend.feed, friend.links[1])
            learn_revoke(shelf.connection, shelf.views, shelf.changes, revoke)
        assert answer_to(shelf.connection, ref(friend, 2)) is None, "hidden"


class TestInterest:
    def test_what_is_held_alone_is_of_interest_by_its_id(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        connection: sqlite3.Connection = shelf.connection
        told = ref(stranger, 5)
        reply = answer(friend, told)
        _hold(shelf, friend)
        before = peers.set_interest(connection, [friend.account], [], lambda: b"drawn..1")
        shelf.bring(stranger, 5)
        assert peers.interest_delta(connection, before) == ([Name(Scope.ENTRY, told.id)], [])
        held = peers.interest_version(connection)
        assert peers.alone_set(connection, 10) == [told.id]
        assert peers.interest_set(connection) == {friend.account}
        delete(friend, reply)
        shelf.take(friend.range(friend.last, friend.last))
        shelf.settle()
        assert peers.interest_delta(connection, held) == ([], [Name(Scope.ENTRY, told.id)])
        assert peers.interest_delta(connection, before) == ([], [])
