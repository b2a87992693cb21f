"""Home, nearby, a person's page: who stands in them, and in what order."""

import pytest

from p2pmicro.feed.content import write
from p2pmicro.store.feeds import Role
from p2pmicro.views import TIMELINE
from p2pmicro.views.timeline import Timeline, page_end
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, feed_id, followed, named, said


def _home(shelf: Shelf, limit: int = 50) -> list[str]:
    return [message.text for message in TIMELINE.home(shelf.connection, limit)]


def _page(shelf: Shelf, account: str, limit: int = 50) -> list[str]:
    return [message.text for message in TIMELINE.page(shelf.connection, account_id(account), limit)]


class TestHome:
    def test_holds_those_one_follows_and_oneself(self, shelf: Shelf) -> None:
        for role in Role:
            shelf.feed(role.name, role=role)
            shelf.say(role.name, role.name)
        assert sorted(_home(shelf)) == ["FOLLOWED", "OWN"]
        assert [message.text for message in TIMELINE.nearby(shelf.connection, 50)] == ["HOP"]

    def test_newest_first_then_by_feed_and_seq(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.feed("bob")
        shelf.say("bob", "bob 1", "bob 2")
        shelf.say("alice", "alice 1", "alice 2")
        shelf.say("alice", "late", time_ms=NOW_MS + 1)
        assert _home(shelf) == ["late", "bob 2", "bob 1", "alice 2", "alice 1"]

    def test_pages_neither_repeat_nor_skip_where_times_are_equal(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.say("alice", *(f"{number}" for number in range(10)))
        shown: list[str] = []
        before = None
        while page := TIMELINE.home(shelf.connection, 3, before):
            shown += [message.text for message in page]
            before = page[-1].place
        assert shown == [f"{number}" for number in reversed(range(10))]

    def test_other_kinds_are_not_messages(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, named("Alice"))
        shelf.put("alice", 2, followed("bob"))
        assert _home(shelf) == []
        assert TIMELINE.message(shelf.connection, feed_id("alice"), 2) is None

    def test_message_tells_all_that_a_listing_needs(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, named("Alice"))
        shelf.put("alice", 2, said("hello", NOW_MS + 1), NOW_MS + 6)
        (message,) = TIMELINE.home(shelf.connection, 50)
        assert (message.ref.feed, message.ref.seq) == (feed_id("alice"), 2)
        assert message.ref.id == shelf.link("alice", 2).id
        assert (message.account, message.name) == (account_id("alice"), "Alice")
        assert (message.time_ms, message.claimed_ms, message.seen_ms) == (NOW_MS + 1, NOW_MS + 1, NOW_MS + 6)
        assert (message.kind, message.text, message.marks) == ("post", "hello", ())
        assert message.place == (NOW_MS + 1, shelf.key("alice", 2))
        assert TIMELINE.message(shelf.connection, feed_id("alice"), 2) == message

    def test_no_or_empty_profile_is_no_name(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.say("alice", "one")
        assert TIMELINE.home(shelf.connection, 1)[0].name is None
        shelf.put("alice", 3, named(""))
        assert TIMELINE.home(shelf.connection, 1)[0].name is None


class TestTime:
    def test_future_claim_stands_where_it_was_first_seen(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.feed("bob")
        shelf.put("alice", 1, said("2099", 4_070_908_800_000), NOW_MS)
        shelf.put("bob", 1, said("honest", NOW_MS + 1), NOW_MS + 1)
        newest, pinned = TIMELINE.home(shelf.connection, 50)
        assert newest.text == "honest"
        assert (pinned.time_ms, pinned.marks) == (NOW_MS, ("from the future",))

    def test_clock_that_runs_a_little_ahead_is_not_marked(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put("alice", 1, said("a minute ahead", NOW_MS + 60_000), NOW_MS)
        assert TIMELINE.home(shelf.connection, 1)[0].marks == ()

    def test_dated_back_is_claimed_before_the_predecessor(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        for seq, time_ms in enumerate((10, 20, 15, 15, 16), 1):
            shelf.put("alice", seq, said(f"{seq}", time_ms), NOW_MS)
        marked = {message.text: message.marks for message in TIMELINE.home(shelf.connection, 50)}
        assert marked == {"1": (), "2": (), "3": ("dated back",), "4": (), "5": ()}

    def test_predecessor_of_an_unknown_kind_counts_and_a_hole_does_not(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put_many("alice", {1: named("Alice"), 2: said("first", NOW_MS - 1), 3: said("second", NOW_MS - 2)})
        shelf.erase("alice", 2)
        marked = {message.text: message.marks for message in TIMELINE.home(shelf.connection, 50)}
        assert marked == {"second": ()}
        assert TIMELINE.message(shelf.connection, feed_id("alice"), 2) is None

    def test_late_old_message_takes_its_own_place(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.feed("bob")
        shelf.say("alice", "newer", time_ms=NOW_MS)
        shelf.put("bob", 1, said("older", NOW_MS - 1000), NOW_MS + 5000)
        assert _home(shelf) == ["newer", "older"]

    @pytest.mark.parametrize("time_ms", [-(2**63 - 1), -(10**18), -1, 0, 10**18, 2**63 - 1])
    def test_wild_date_moves_no_other(self, shelf: Shelf, time_ms: int) -> None:
        shelf.feed("alice")
        shelf.feed("bob")
        for seq in range(1, 4):
            shelf.put("bob", seq, said(f"bob {seq}", NOW_MS + seq * 10), NOW_MS + seq * 10)
        before = _home(shelf)
        shelf.put("alice", 1, said("wild", time_ms), NOW_MS)
        after = _home(shelf)
        assert [text for text in after if text != "wild"] == before
        assert after[0] == "bob 3"
        assert [m.text for m in TIMELINE.home(shelf.connection, 50, (NOW_MS, 0))] in (["wild"], [])


class TestFollowing:
    def test_follow_and_unfollow_add_and_remove_rows(self, shelf: Shelf) -> None:
        shelf.feed("alice", role=Role.HOP)
        shelf.feed("alice phone", "alice", Role.HOP)
        shelf.say("alice", "laptop")
        shelf.say("alice phone", "phone")
        assert _home(shelf) == []
        shelf.set_role("alice", Role.FOLLOWED)
        assert sorted(_home(shelf)) == ["laptop", "phone"]
        assert shelf.tables()["nearby"] == []
        shelf.set_role("alice", Role.HOP)
        assert _home(shelf) == []
        assert len(shelf.tables()["nearby"]) == 2
        shelf.set_role("alice", Role.NONE)
        assert shelf.tables()["nearby"] == []

    def test_large_follow_brings_the_newest_slice_at_once_and_the_rest_by_steps(self, shelf: Shelf) -> None:
        timeline = Timeline(slice_entries=10)
        shelf.views = (timeline,)
        shelf.feed("alice", role=Role.NONE)
        shelf.put_many("alice", {seq: said(f"{seq}", NOW_MS + seq) for seq in range(1, 36)}, NOW_MS + 100)
        shelf.set_role("alice", Role.FOLLOWED)
        assert _home(shelf) == [f"{seq}" for seq in range(35, 25, -1)]
        shelf.put("alice", 36, said("36", NOW_MS + 36), NOW_MS + 100)
        assert timeline.step(shelf.connection)
        assert len(_home(shelf)) == 21
        while timeline.step(shelf.connection):
            pass
        assert _home(shelf) == [f"{seq}" for seq in range(36, 0, -1)]

    def test_unfollow_of_a_large_account_removes_all_at_once_and_forgets_what_was_to_do(self, shelf: Shelf) -> None:
        timeline = Timeline(slice_entries=10)
        shelf.views = (timeline,)
        shelf.feed("alice")
        shelf.feed("bob")
        shelf.put_many("alice", {seq: said(f"{seq}") for seq in range(1, 36)})
        shelf.say("bob", "stays")
        shelf.set_role("alice", Role.NONE)
        assert _home(shelf) == ["stays"]
        shelf.set_role("alice", Role.FOLLOWED)
        shelf.set_role("alice", Role.NONE)
        assert not timeline.step(shelf.connection)
        assert _home(shelf) == ["stays"]

    def test_step_brings_in_nothing_that_a_fork_has_hidden_since(self, shelf: Shelf) -> None:
        timeline = Timeline(slice_entries=10)
        shelf.views = (timeline,)
        shelf.feed("alice", role=Role.NONE)
        shelf.put_many("alice", {seq: said(f"{seq}") for seq in range(1, 26)})
        shelf.set_role("alice", Role.FOLLOWED)
        shelf.end_at("alice", 3)
        while timeline.step(shelf.connection):
            pass
        assert _home(shelf) == ["3", "2", "1"]

    def test_what_a_fork_hides_is_gone_from_every_list(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put_many("alice", {seq: said(f"{seq}") for seq in range(1, 6)})
        shelf.end_at("alice", 3)
        assert _home(shelf) == ["3", "2", "1"]
        assert _page(shelf, "alice") == ["3", "2", "1"]
        assert TIMELINE.message(shelf.connection, feed_id("alice"), 4) is None
        shelf.set_role("alice", Role.NONE)
        shelf.set_role("alice", Role.FOLLOWED)
        assert _home(shelf) == ["3", "2", "1"]


class TestPage:
    def test_goes_by_seq_and_not_by_date(self, shelf: Shelf) -> None:
        shelf.feed("alice", role=Role.NONE)
        for seq, time_ms in enumerate((50, 10, 99, 20), 1):
            shelf.put("alice", seq, said(f"{seq}", time_ms))
        assert _page(shelf, "alice") == ["4", "3", "2", "1"]

    def test_merges_devices_by_time_and_keeps_each_by_seq(self, shelf: Shelf) -> None:
        shelf.feed("laptop", "alice")
        shelf.feed("phone", "alice")
        for seq, time_ms in enumerate((10, 30, 50), 1):
            shelf.put("laptop", seq, said(f"laptop {time_ms}", time_ms))
        for seq, time_ms in enumerate((20, 40, 5), 1):
            shelf.put("phone", seq, said(f"phone {time_ms}", time_ms))
        assert _page(shelf, "alice") == ["laptop 50", "phone 5", "phone 40", "laptop 30", "phone 20", "laptop 10"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_pages_neither_repeat_nor_skip_whatever_the_dates(self, shelf: Shelf, limit: int) -> None:
        shelf.feed("laptop", "alice")
        shelf.feed("phone", "alice")
        for seq in range(1, 9):
            shelf.put("laptop", seq, said(f"laptop {seq}", (seq * 7919) % 13))
            shelf.put("phone", seq, named("x", seq) if seq % 3 == 0 else said(f"phone {seq}", (seq * 104729) % 17))
        shown: list[str] = []
        before: dict[int, int] = {}
        while page := TIMELINE.page(shelf.connection, account_id("alice"), limit, before):
            shown += [message.text for message in page]
            before |= page_end(page)
        for name, seqs in (("laptop", range(8, 0, -1)), ("phone", (8, 7, 5, 4, 2, 1))):
            assert [text for text in shown if name in text] == [f"{name} {seq}" for seq in seqs]
        assert len(shown) == 14

    def test_passes_over_long_stretches_without_messages(self, shelf: Shelf) -> None:
        shelf.feed("alice")
        shelf.put_many("alice", {1: said("first"), **{seq: followed("bob", seq) for seq in range(2, 40)}})
        assert _page(shelf, "alice", 1) == ["first"]

    def test_unknown_account_has_an_empty_page(self, shelf: Shelf) -> None:
        assert _page(shelf, "nobody") == []
        assert TIMELINE.message(shelf.connection, feed_id("nobody"), 1) is None


def test_hostile_text_is_kept_as_it_is(shelf: Shelf) -> None:
    shelf.feed("alice")
    shelf.put("alice", 1, write(NOW_MS, "post", {"text": "a\x00b\u202ec\x1b[31m"}))
    assert _home(shelf) == ["a\x00b\u202ec\x1b[31m"]


def test_unfollow_of_an_account_without_feeds_is_nothing(shelf: Shelf) -> None:
    shelf.set_role("alice", Role.FOLLOWED)
    shelf.set_role("alice", Role.NONE)
    assert _home(shelf) == []
