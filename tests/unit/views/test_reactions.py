"""Likes and reposts: what counts, who did it, and what it does to the timeline."""

import pytest

from p2pmicro.ids import EntryId, Ref
from p2pmicro.limits import REV_MAX
from p2pmicro.store import private
from p2pmicro.store.feeds import Role
from p2pmicro.views import REACTIONS, TIMELINE
from p2pmicro.views.counts import Counts
from p2pmicro.views.message import Message
from p2pmicro.views.reactions import Reaction
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, answered, feed_id, named, reacted, replaced, said


@pytest.fixture
def people(shelf: Shelf) -> Shelf:
    """Alice, Bob and Carol are followed, Me is oneself; Dave, who is not followed, has written something."""
    for name in ("alice", "bob", "carol"):
        shelf.feed(name)
        shelf.put(name, 1, named(name))
    shelf.feed("me", role=Role.OWN)
    shelf.put("me", 1, named("me"))
    shelf.feed("dave", role=Role.NONE)
    shelf.put("dave", 1, named("dave"))
    shelf.put("dave", 2, said("original", NOW_MS - 1000), NOW_MS - 1000)
    return shelf


def _likes(shelf: Shelf, ref: Ref) -> list[str | None]:
    return [who.name for who in REACTIONS.who(shelf.connection, ref).likes]


def _counts(shelf: Shelf, name: str, seq: int) -> Counts:
    message = TIMELINE.message(shelf.connection, feed_id(name), seq)
    assert message is not None
    return message.counts


def _home(shelf: Shelf) -> list[str]:
    return [_line(message) for message in TIMELINE.home(shelf.connection, 50)]


def _line(message: Message) -> str:
    by = "" if message.relay is None else f" by {', '.join(str(who.name) for who in message.relay.by)}"
    return f"{message.name}: {message.text}{by}"


class TestWhatCounts:
    def test_highest_rev_counts_whatever_the_clock_said(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)
        people.put("bob", 2, reacted("like", ref, rev=1, time_ms=4_070_908_800_000))  # 2099
        people.put("bob", 3, reacted("like", ref, rev=2, on=False, time_ms=0))
        assert _likes(people, ref) == []
        people.put("bob", 4, reacted("like", ref, rev=3, time_ms=-(10**18)))
        assert _likes(people, ref) == ["bob"]

    def test_equal_revs_go_by_feed_id_and_then_seq_in_any_order_of_arrival(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)
        people.feed("bob's phone", "bob")
        low, high = sorted(("bob", "bob's phone"), key=feed_id)
        people.put(high, 9, reacted("like", ref))
        people.put(low, 9, reacted("like", ref, on=False))
        people.put(low, 8, reacted("like", ref, on=False))
        assert _likes(people, ref) == ["bob"]
        people.put(high, 10, reacted("like", ref, on=False))
        assert _likes(people, ref) == []

    def test_erased_statement_gives_way_to_the_best_of_the_others(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)
        for seq, (rev, on) in enumerate(((1, True), (3, True), (2, False), (3, False)), 2):
            people.put("bob", seq, reacted("like", ref, rev, on))
        assert _likes(people, ref) == []
        people.erase("bob", 5)
        assert _likes(people, ref) == ["bob"]
        people.erase("bob", 3)
        assert _likes(people, ref) == []
        people.erase("bob", 4)
        assert _likes(people, ref) == ["bob"]
        people.erase("bob", 2)
        assert _likes(people, ref) == []

    def test_next_rev_is_above_the_highest_known_and_stays_at_the_top(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)

        def state() -> tuple[bool, int]:
            return REACTIONS.state(people.connection, account_id("bob"), Reaction.LIKE, ref)

        assert state() == (False, 1)
        people.put("bob", 2, reacted("like", ref, rev=7))
        assert state() == (True, 8)
        assert REACTIONS.state(people.connection, account_id("bob"), Reaction.REPOST, ref) == (False, 1)
        people.put("bob", 3, reacted("like", ref, rev=REV_MAX, on=False))
        assert state() == (False, REV_MAX)
        people.put("bob", 4, reacted("like", ref, rev=REV_MAX))
        assert state() == (True, REV_MAX)


class TestCounts:
    def test_each_person_counts_once_for_each_thing(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)
        for name in ("alice", "bob", "me"):
            people.put(name, 2, reacted("like", ref))
            people.put(name, 3, reacted("like", ref, rev=2))
        people.put("bob", 4, reacted("repost", ref))
        people.put("bob", 5, answered(ref))
        people.put("bob", 6, answered(ref))
        assert _counts(people, "dave", 2) == Counts(2, 1, 3, reposted=False, liked=True)
        assert set(_likes(people, ref)) == {"alice", "bob", "me"}
        assert [who.name for who in REACTIONS.who(people.connection, ref).reposts] == ["bob"]

    def test_what_names_another_id_does_not_count(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)
        forged = Ref(ref.feed, ref.seq, EntryId(bytes(32)))
        people.put("bob", 2, reacted("like", forged))
        people.put("bob", 3, answered(forged))
        assert _counts(people, "dave", 2) == Counts(0, 0, 0, reposted=False, liked=False)

    def test_muted_people_and_words_do_not_count(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)
        for name in ("alice", "bob"):
            people.put(name, 2, reacted("like", ref))
            people.put(name, 3, reacted("repost", ref))
            people.put(name, 4, answered(ref, text=f"{name} says"))
        private.put(people.connection, "mute", b"a" + account_id("bob"), {"until": None})
        assert _counts(people, "dave", 2) == Counts(1, 1, 1, reposted=False, liked=False)
        assert _likes(people, ref) == ["alice"]
        private.put(people.connection, "mute", b"w" + b"says", {"until": None})
        assert _counts(people, "dave", 2).replies == 0

    def test_answers_to_earlier_wordings_count(self, people: Shelf) -> None:
        old = people.ref("dave", 2)
        people.put("bob", 2, answered(old))
        people.put("dave", 3, replaced(old))
        people.put("bob", 3, answered(people.ref("dave", 3)))
        people.erase("dave", 2)
        assert _counts(people, "dave", 3).replies == 2


class TestHome:
    def test_repost_shows_the_original_and_names_its_author(self, people: Shelf) -> None:
        people.put("bob", 2, reacted("repost", people.ref("dave", 2)))
        (message,) = TIMELINE.home(people.connection, 50)
        assert _line(message) == "dave: original by bob"
        assert message.relay is not None
        assert (message.account, message.time_ms) == (account_id("dave"), NOW_MS - 1000)
        assert message.place == (NOW_MS, people.key("bob", 2))

    def test_several_reposts_are_one_message_where_the_newest_stands(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)
        people.put("alice", 2, said("between", NOW_MS + 1), NOW_MS + 1)
        people.put("bob", 2, reacted("repost", ref), NOW_MS)
        people.put("carol", 2, reacted("repost", ref, time_ms=NOW_MS + 2), NOW_MS + 2)
        assert _home(people) == ["dave: original by carol, bob", "alice: between"]
        (first,) = TIMELINE.home(people.connection, 1)
        assert [_line(one) for one in TIMELINE.home(people.connection, 9, first.place)] == ["alice: between"]

    def test_repost_of_what_is_in_the_list_brings_it_up_once(self, people: Shelf) -> None:
        people.put("alice", 2, said("mine", NOW_MS - 5), NOW_MS - 5)
        people.put("alice", 3, said("later", NOW_MS - 4), NOW_MS - 4)
        people.put("bob", 2, reacted("repost", people.ref("alice", 2)))
        assert _home(people) == ["alice: mine by bob", "alice: later"]
        people.put("bob", 3, reacted("repost", people.ref("alice", 2), 2, on=False))
        assert _home(people) == ["alice: later", "alice: mine"]

    def test_repost_dated_back_takes_no_message_down(self, people: Shelf) -> None:
        people.put("alice", 2, said("mine", NOW_MS - 5), NOW_MS - 5)
        people.put("bob", 2, reacted("repost", people.ref("alice", 2), time_ms=0))
        assert _home(people) == ["alice: mine"]

    def test_hidden_reposter_neither_shows_nor_holds_back(self, people: Shelf) -> None:
        ref = people.ref("dave", 2)
        people.put("bob", 2, reacted("repost", ref))
        people.put("carol", 2, reacted("repost", ref, time_ms=NOW_MS + 2), NOW_MS + 2)
        private.put(people.connection, "mute", b"a" + account_id("carol"), {"until": None})
        assert _home(people) == ["dave: original by bob"]
        private.put(people.connection, "mute", b"a" + account_id("dave"), {"until": None})
        assert _home(people) == []

    @pytest.mark.parametrize("wrong", ["id", "not held", "deleted", "no message"])
    def test_repost_without_its_verified_original_shows_nothing(self, people: Shelf, wrong: str) -> None:
        ref = people.ref("dave", 2)
        named = {
            "id": Ref(ref.feed, 2, EntryId(bytes(32))),
            "not held": Ref(feed_id("nobody"), 2, ref.id),
            "no message": people.ref("dave", 1),
        }.get(wrong, ref)
        people.put("bob", 2, reacted("repost", named))
        if wrong == "deleted":
            people.erase("dave", 2)
        assert _home(people) == []

    def test_only_those_one_follows_bring_others_messages_home(self, people: Shelf) -> None:
        people.put("bob", 2, reacted("repost", people.ref("dave", 2)))
        for role in Role:
            people.set_role("bob", role)
            assert _home(people) == (["dave: original by bob"] if role >= Role.FOLLOWED else [])

    def test_page_has_what_its_person_passed_on(self, people: Shelf) -> None:
        people.put("bob", 2, said("own"))
        people.put("bob", 3, reacted("repost", people.ref("dave", 2)))
        people.put("bob", 4, reacted("repost", people.ref("bob", 2)))
        people.put("bob", 5, reacted("like", people.ref("dave", 2)))
        page = TIMELINE.page(people.connection, account_id("bob"), 50)
        assert [_line(message) for message in page] == ["bob: own by bob", "dave: original by bob"]
