"""Profiles, follows and interest: who wins, and who is asked for."""

import itertools
from collections.abc import Sequence

import pytest

from p2pmicro.ids import AccountId, FeedId
from p2pmicro.limits import REV_MAX
from p2pmicro.store.feeds import Role
from p2pmicro.views import PEOPLE
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, feed_id, followed, named, snapshot

FEED = FeedId(bytes(32))


def _followed(shelf: Shelf, account: str) -> set[AccountId]:
    return set(PEOPLE.followed(shelf.connection, account_id(account)))


def _ids(*names: str) -> set[AccountId]:
    return {account_id(name) for name in names}


class TestFollows:
    def test_follow_and_unfollow(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, followed("bob"))
        shelf.put("alice", 2, followed("carol"))
        assert _followed(shelf, "alice") == _ids("bob", "carol")
        shelf.put("alice", 3, followed("bob", 2, on=False))
        assert _followed(shelf, "alice") == _ids("carol")
        assert PEOPLE.followers(shelf.connection, account_id("carol")) == [account_id("alice")]
        assert PEOPLE.followers(shelf.connection, account_id("bob")) == []

    def test_higher_rev_wins_whatever_the_clock_says(self, shelf: Shelf) -> None:
        shelf.feed("phone", "alice")
        shelf.feed("laptop", "alice")
        shelf.put("phone", 1, followed("bob", 1, on=False, time_ms=4_070_908_800_000))
        shelf.put("laptop", 1, followed("bob", 2, time_ms=0))
        assert _followed(shelf, "alice") == _ids("bob")

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_equal_revs_are_decided_by_feed_then_seq_in_any_order(self, shelf: Shelf, order: Sequence[int]) -> None:
        low, high = sorted(("phone", "laptop"), key=feed_id)
        # Made known in the other order, so that feed numbers would decide wrongly.
        shelf.feed(high, "alice")
        shelf.feed(low, "alice")
        puts = [
            (low, 9, followed("bob", 5, on=False)),
            (high, 1, followed("bob", 5, on=False)),
            (high, 2, followed("bob", 5)),
        ]
        for place in order:
            shelf.put(*puts[place])
        assert _followed(shelf, "alice") == _ids("bob")

    def test_item_of_a_snapshot_merges_like_a_follow(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 5, followed("bob", 3, on=False))
        shelf.put("alice", 6, snapshot(("bob", 2, True), ("carol", 1, True), ("dave", 4, False)))
        assert _followed(shelf, "alice") == _ids("carol")
        shelf.put("alice", 4, followed("dave", 3))
        assert _followed(shelf, "alice") == _ids("carol")
        state = PEOPLE.follow_state(shelf.connection, account_id("alice"))
        assert sorted(state) == sorted(
            [(account_id("bob"), 3, False), (account_id("carol"), 1, True), (account_id("dave"), 4, False)]
        )

    def test_account_twice_in_one_snapshot_is_off_in_any_order(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.feed("zoe")
        shelf.put("alice", 1, snapshot(("bob", 1, True), ("bob", 1, False)))
        shelf.put("zoe", 1, snapshot(("bob", 1, False), ("bob", 1, True)))
        assert _followed(shelf, "alice") == _followed(shelf, "zoe") == set()

    def test_erased_winner_gives_way_to_the_best_of_the_others(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, snapshot(("bob", 1, True), ("carol", 2, True)))
        shelf.put("alice", 2, followed("bob", 2, on=False))
        shelf.put("alice", 3, followed("bob", 3))
        shelf.put("alice", 4, followed("bob", 4, on=False))
        shelf.erase("alice", 4)
        assert _followed(shelf, "alice") == _ids("bob", "carol")
        shelf.erase("alice", 3, 1)
        assert PEOPLE.follow_state(shelf.connection, account_id("alice")) == [(account_id("bob"), 2, False)]

    def test_erasing_a_loser_changes_nothing(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, followed("bob", 1, on=False))
        shelf.put("alice", 2, followed("bob", 2))
        before = shelf.tables()["follows"]
        shelf.erase("alice", 1)
        assert shelf.tables()["follows"] == before

    def test_what_a_fork_hides_counts_for_nothing(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, followed("bob", 1))
        shelf.put("alice", 2, followed("bob", 9, on=False))
        shelf.end_at("alice", 1)
        assert _followed(shelf, "alice") == _ids("bob")
        assert PEOPLE.next_rev(shelf.connection, account_id("alice"), "follow", account_id("bob")) == 2


class TestProfiles:
    def test_newest_profile_is_shown(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 2, named("Alice B.", 2))
        shelf.put("alice", 1, named("Alice", 1))
        profile = PEOPLE.profile_of(shelf.connection, account_id("alice"))
        assert profile is not None
        assert (profile.name, profile.rev, profile.feed, profile.seq) == ("Alice B.", 2, feed_id("alice"), 2)
        assert (profile.account, profile.bio, profile.link) == (account_id("alice"), None, None)

    def test_equal_revs_are_decided_by_feed(self, shelf: Shelf) -> None:
        low, high = sorted(("phone", "laptop"), key=feed_id)
        shelf.feed(high, "alice")
        shelf.feed(low, "alice")
        shelf.put(high, 1, named("of the higher feed"))
        shelf.put(low, 2, named("of the lower feed"))
        profile = PEOPLE.profile_of(shelf.connection, account_id("alice"))
        assert profile is not None
        assert profile.name == "of the higher feed"

    def test_erased_profile_gives_way(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, named("Alice", 1))
        shelf.put("alice", 2, named("Mistake", 2))
        shelf.erase("alice", 2)
        profile = PEOPLE.profile_of(shelf.connection, account_id("alice"))
        assert profile is not None
        assert profile.name == "Alice"
        shelf.erase("alice", 1)
        assert PEOPLE.profile_of(shelf.connection, account_id("alice")) is None

    def test_unknown_account_has_none(self, shelf: Shelf) -> None:
        assert PEOPLE.profile_of(shelf.connection, account_id("nobody")) is None


class TestNextRev:
    def test_is_one_above_the_highest_known_for_that_key(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        alice, bob = account_id("alice"), account_id("bob")
        assert PEOPLE.next_rev(shelf.connection, alice, "follow", bob) == 1
        assert PEOPLE.next_rev(shelf.connection, alice, "profile", None) == 1
        shelf.put("alice", 1, followed("bob", 7, on=False))
        shelf.put("alice", 2, named("Alice", 3))
        assert PEOPLE.next_rev(shelf.connection, alice, "follow", bob) == 8
        assert PEOPLE.next_rev(shelf.connection, alice, "follow", account_id("carol")) == 1
        assert PEOPLE.next_rev(shelf.connection, alice, "profile", None) == 4

    def test_stays_within_its_limit(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, followed("bob", REV_MAX))
        assert PEOPLE.next_rev(shelf.connection, account_id("alice"), "follow", account_id("bob")) == REV_MAX


class TestInterest:
    def _follow_all(self, shelf: Shelf, name: str, targets: Sequence[str]) -> None:
        shelf.feed(name)
        parts = [targets[start : start + 200] for start in range(0, len(targets), 200)]
        shelf.put_many(
            name, {seq: snapshot(*((target, 1, True) for target in part)) for seq, part in enumerate(parts, 1)}
        )

    def _interest(self, shelf: Shelf, budget: int = 10_000) -> dict[AccountId, Role]:
        return PEOPLE.interest(shelf.connection, account_id("me"), FEED, budget)

    def test_is_oneself_those_followed_and_those_whom_they_follow(self, shelf: Shelf) -> None:
        self._follow_all(shelf, "me", ["alice", "bob"])
        self._follow_all(shelf, "alice", ["bob", "carol", "me"])
        self._follow_all(shelf, "carol", ["dave"])
        assert self._interest(shelf) == {
            account_id("me"): Role.OWN,
            account_id("alice"): Role.FOLLOWED,
            account_id("bob"): Role.FOLLOWED,
            account_id("carol"): Role.HOP,
        }

    def test_newcomer_is_interested_in_oneself(self, shelf: Shelf) -> None:
        assert self._interest(shelf) == {account_id("me"): Role.OWN}

    def test_following_oneself_changes_nothing(self, shelf: Shelf) -> None:
        self._follow_all(shelf, "me", ["me"])
        assert self._interest(shelf) == {account_id("me"): Role.OWN}

    def test_who_follows_very_many_takes_no_more_than_a_fair_share(self, shelf: Shelf) -> None:
        self._follow_all(shelf, "me", ["alice", "bob", "eve"])
        self._follow_all(shelf, "alice", [f"a{number}" for number in range(10)])
        self._follow_all(shelf, "bob", [f"b{number}" for number in range(3)])
        self._follow_all(shelf, "eve", [f"e{number}" for number in range(1000)])
        interest = self._interest(shelf, budget=4 + 33)
        assert len(interest) == 37
        shares = {
            letter: sum(account_id(f"{letter}{number}") in interest for number in range(1000)) for letter in "abe"
        }
        assert shares == {"a": 10, "b": 3, "e": 20}
        tight = self._interest(shelf, budget=4 + 12)
        hops = {account for account, role in tight.items() if role is Role.HOP}
        assert len(hops & _ids(*(f"e{number}" for number in range(1000)))) <= 5
        assert _ids("b0", "b1", "b2") <= hops

    def test_those_followed_are_never_cut(self, shelf: Shelf) -> None:
        self._follow_all(shelf, "me", [f"f{number}" for number in range(20)])
        self._follow_all(shelf, "f1", ["hop"])
        interest = self._interest(shelf, budget=10)
        assert len(interest) == 21
        assert Role.HOP not in interest.values()

    def test_new_follow_of_one_friend_moves_no_more_than_its_own_share(self, shelf: Shelf) -> None:
        names = ["alice", "bob", "carol"]
        self._follow_all(shelf, "me", names)
        for name in names:
            self._follow_all(shelf, name, [f"{name}{number}" for number in range(100)])
        before = set(self._interest(shelf, budget=4 + 60))
        shelf.put("alice", 99, followed("somebody new"))
        after = set(self._interest(shelf, budget=4 + 60))
        assert len(after - before) <= 1

    def test_is_the_same_whatever_the_order_and_differs_between_nodes(self, shelf: Shelf) -> None:
        self._follow_all(shelf, "me", ["alice"])
        self._follow_all(shelf, "alice", [f"a{number}" for number in range(100)])
        one = PEOPLE.interest(shelf.connection, account_id("me"), FEED, 12)
        shelf.put("alice", 50, snapshot(*((f"a{number}", 1, True) for number in reversed(range(100)))))
        assert PEOPLE.interest(shelf.connection, account_id("me"), FEED, 12) == one
        assert PEOPLE.interest(shelf.connection, account_id("me"), feed_id("other"), 12) != one

    def test_common_hop_counts_once(self, shelf: Shelf) -> None:
        self._follow_all(shelf, "me", ["alice", "bob"])
        self._follow_all(shelf, "alice", ["x", "y"])
        self._follow_all(shelf, "bob", ["x", "y"])
        assert len(self._interest(shelf, budget=5)) == 5

    def test_ended_follows_bring_nobody(self, shelf: Shelf) -> None:
        self._follow_all(shelf, "me", ["alice"])
        self._follow_all(shelf, "alice", ["x"])
        shelf.put("me", 9, followed("alice", 2, on=False, time_ms=NOW_MS))
        assert self._interest(shelf) == {account_id("me"): Role.OWN}
