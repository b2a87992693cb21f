"""Entries held alone: taken if they are wanted and prove themselves, passed on, and gone in time."""

import pytest

from p2pmicro.feed.chain import check_excerpt
from p2pmicro.feed.device import check_device_proof, make_revoke
from p2pmicro.ids import Ref
from p2pmicro.store import blocks, peers
from p2pmicro.store.cut import learn_revoke
from p2pmicro.store.db import transaction
from p2pmicro.store.excerpts import Taken
from p2pmicro.store.excerpts import answer as answer_to
from p2pmicro.store.feeds import Role, add_feed
from p2pmicro.store.forget import forget_account
from tests.made import NOW_MS, MadeFeed
from tests.store.alone import Shelf, answer, delete, like, ref, say


class TestTaking:
    def test_nothing_is_taken_that_nobody_wants(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        answer(friend, Ref(stranger.feed, 5, ref(stranger, 6).id))  # another id at that seq
        shelf.hold(friend)
        assert shelf.bring(stranger, 5, 6) == [Taken.UNWANTED] * 2
        assert shelf.count("excerpts") == 0
        assert shelf.count("feeds") == 1, "a stranger's feed is not even known"

    def test_nothing_of_the_blocked_is_taken(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        answer(friend, ref(stranger, 5))
        answer(friend, ref(stranger, 6))
        shelf.hold(friend)
        shelf.bring(stranger, 6)
        shelf.block(stranger.account)
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
            shelf.hold(made)
        for made, seq in ((stranger, 5), (other, 3), (other, 4)):
            shelf.bring(made, seq, now_ms=NOW_MS + seq)

        def interest() -> tuple[bytes, list[bytes]]:
            return peers.interest_version(shelf.connection), peers.alone_set(shelf.connection, 100)

        before = interest()
        assert len(before[1]) == 3
        for account in (stranger.account, talker.account):
            shelf.block(account)
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
        shelf.hold(guest, Role.GUEST)
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
        shelf.hold(friend)
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
        shelf.hold(friend)
        assert shelf.bring(dead, 60) == [Taken.BRANCH], "its head at 64 is not what the run follows"
        assert shelf.bring(other, 60) == [Taken.STORED]

    def test_second_device_entry_of_a_feed_is_refused(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        answer(friend, ref(stranger, 5))
        shelf.hold(friend)
        other = MadeFeed(1, "stranger", "somebody else")
        with transaction(shelf.connection):
            add_feed(shelf.connection, shelf.changes, check_device_proof(other.proof))
        assert shelf.bring(stranger, 5) == [Taken.BRANCH]


class TestServing:
    def test_entry_is_given_from_a_run_or_from_what_is_held_alone(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        answer(friend, ref(stranger, 5))
        shelf.hold(friend)
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


class TestLeaving:
    def test_run_takes_in_what_was_held_alone_and_nothing_counts_twice(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        answer(friend, ref(stranger, 5))
        shelf.hold(friend)
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
        shelf.hold(friend)
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
        shelf.hold(friend)
        shelf.bring(stranger, middle.seq)
        shelf.bring(stranger, top.seq)
        assert shelf.alone(stranger) == [2, 3]
        delete(friend, reply)
        shelf.hear(friend)
        shelf.settle()
        assert shelf.alone(stranger) == []
        assert shelf.wanted == []
        shelf.check()

    def test_what_is_liked_no_longer_is_forgotten(self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
        like(friend, ref(stranger, 5))
        like(friend, ref(stranger, 6))
        shelf.hold(friend)
        shelf.bring(stranger, 5, 6)
        like(friend, ref(stranger, 6), rev=2, on=False)
        shelf.hear(friend)
        shelf.settle()
        assert shelf.alone(stranger) == [5]
        shelf.check()

    def test_what_another_refers_to_counts_to_its_quota_from_then_on(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        reply = answer(friend, ref(stranger, 5))
        other = MadeFeed(1, "other", "other")
        answer(other, ref(stranger, 5))
        shelf.hold(friend)
        shelf.bring(stranger, 5)
        shelf.hold(other)
        before = shelf.feed(other.feed).bytes
        delete(friend, reply)
        shelf.hear(friend)
        shelf.settle()
        assert shelf.alone(stranger) == [5]
        assert shelf.feed(other.feed).bytes > before
        shelf.check()

    def test_what_goes_with_its_account_and_others_answer_is_wanted_again(self, shelf: Shelf, friend: MadeFeed) -> None:
        guest = MadeFeed(9, "guest", "guest")
        answer(friend, ref(guest, 5))
        shelf.hold(guest, Role.GUEST)
        shelf.hold(friend)
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
        shelf.hold(friend)
        shelf.hold(guest, Role.GUEST)
        shelf.bring(stranger, 5, 6)
        shelf.role(guest.account, Role.NONE)
        with transaction(shelf.connection):
            forget_account(shelf.connection, shelf.views, guest.account)
            forget_account(shelf.connection, shelf.views, stranger.account)
        shelf.settle()
        assert shelf.alone(stranger) == [5]
        shelf.check()
