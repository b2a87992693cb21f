"""What something refers to and is not here: wanted until it comes, and told to peers as of interest."""

import sqlite3

import pytest

from p2pmicro.ids import Ref
from p2pmicro.limits import EXCERPT_STEPS_MAX
from p2pmicro.store import peers
from p2pmicro.store.excerpts import Taken
from p2pmicro.store.feeds import Role
from p2pmicro.store.peers import Name, Scope
from p2pmicro.views import wanted
from tests.made import NOW_MS, MadeFeed
from tests.store.alone import Shelf, answer, delete, like, ref, say


def _plain(one: Ref) -> list[object]:
    return [one.feed, one.seq, one.id]


class TestWanting:
    def test_what_a_message_answers_is_wanted_until_it_comes(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        answer(friend, ref(stranger, 5), root=ref(stranger, 3))
        shelf.hold(friend)
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
        shelf.hold(friend)
        assert set(shelf.wanted) == {quoted, replaced}

    def test_what_is_held_is_not_wanted_in_whatever_order_it_comes(self, shelf: Shelf, friend: MadeFeed) -> None:
        other = MadeFeed(9, "other", "other")
        answer(friend, ref(other, 5))
        answer(friend, ref(friend, 2))
        shelf.hold(friend)
        assert shelf.wanted == [ref(other, 5)]
        shelf.hold(other)
        assert shelf.wanted == []
        answer(friend, ref(other, 6))
        shelf.hear(friend)
        assert shelf.wanted == []

    def test_only_what_the_followed_like_is_wanted(self, shelf: Shelf, stranger: MadeFeed) -> None:
        for name, role in (("friend", Role.FOLLOWED), ("hop", Role.HOP)):
            made = MadeFeed(1, name, name)
            like(made, ref(stranger, 4 + role), on=True)
            like(made, ref(stranger, 9), on=False)
            shelf.hold(made, role)
        assert shelf.wanted == [ref(stranger, 4 + Role.FOLLOWED)]

    def test_likes_of_who_is_followed_later_are_looked_through(
        self, shelf: Shelf, stranger: MadeFeed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(wanted, "_SLICE_ENTRIES", 4)
        hop = MadeFeed(1, "hop", "hop")
        for seq in range(2, 10):
            like(hop, ref(stranger, seq))
        shelf.hold(hop, Role.HOP)
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
        shelf.hold(friend)
        steps = 0
        while shelf.wanted:
            assert shelf.bring(stranger, shelf.wanted[0].seq) == [Taken.STORED]
            steps += 1
        assert steps == EXCERPT_STEPS_MAX
        answer(friend, ref(stranger, 30))  # what was 12 steps away is one now
        shelf.hear(friend)
        assert [one.seq for one in shelf.wanted] == [41 - EXCERPT_STEPS_MAX + 1]
        shelf.check()

    def test_quoted_message_is_shown_with_what_it_answers_and_no_further(self, shelf: Shelf, friend: MadeFeed) -> None:
        stranger = MadeFeed(1, "stranger", "stranger")
        top = say(stranger)
        middle = answer(stranger, top)
        quoted = answer(stranger, middle)
        say(friend, quote=_plain(quoted))
        shelf.hold(friend)
        shelf.bring(stranger, quoted.seq)
        shelf.bring(stranger, middle.seq)
        assert shelf.alone(stranger) == [middle.seq, quoted.seq]
        assert shelf.wanted == []

    def test_what_something_nearer_refers_to_is_shown_with_what_it_quotes(self, shelf: Shelf, friend: MadeFeed) -> None:
        stranger = MadeFeed(1, "stranger", "stranger")
        aside = say(stranger)
        last = say(stranger, quote=_plain(aside))
        say(friend, quote=_plain(answer(stranger, last)))
        shelf.hold(friend)
        shelf.bring(stranger, last.seq + 1, last.seq)
        assert shelf.wanted == []
        answer(friend, last)
        shelf.hear(friend)
        assert shelf.wanted == [aside]
        shelf.check()

    def test_made_up_refs_of_one_feed_push_out_their_own_alone(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(wanted, "WANTED_OF_FEED_MAX", 5)
        answer(friend, ref(stranger, 9))
        shelf.hold(friend)
        flood = MadeFeed(1, "flood", "flood")
        for seq in range(2, 30):
            answer(flood, Ref(stranger.feed, seq + 1000, ref(stranger, 9).id))
        shelf.hold(flood)
        assert [one.seq for one in shelf.wanted] == [9, *range(1025, 1030)]
        monkeypatch.setattr(wanted, "WANTED_MAX", 3)
        answer(friend, ref(stranger, 8))
        shelf.hear(friend)
        assert len(shelf.wanted) == 3


class TestInterest:
    def test_what_is_held_alone_is_of_interest_by_its_id(
        self, shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
    ) -> None:
        connection: sqlite3.Connection = shelf.connection
        told = ref(stranger, 5)
        reply = answer(friend, told)
        shelf.hold(friend)
        before = peers.set_interest(connection, [friend.account], [], lambda: b"drawn..1")
        shelf.bring(stranger, 5)
        assert peers.interest_delta(connection, before) == ([Name(Scope.ENTRY, told.id)], [])
        held = peers.interest_version(connection)
        assert peers.alone_set(connection, 10) == [told.id]
        assert peers.interest_set(connection) == {friend.account}
        delete(friend, reply)
        shelf.hear(friend)
        shelf.settle()
        assert peers.interest_delta(connection, held) == ([], [Name(Scope.ENTRY, told.id)])
        assert peers.interest_delta(connection, before) == ([], [])
