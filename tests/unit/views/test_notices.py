"""Notices: what concerns oneself, in what order, what is unread, and what no longer holds."""

import pytest

from p2pmicro.ids import EntryId, Ref
from p2pmicro.store import private
from p2pmicro.store.feeds import Role
from p2pmicro.views.notice import Notice, Why, mark_read, notices, unread_count
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, answered, feed_id, followed, named, quoted, reacted, said


@pytest.fixture
def people(shelf: Shelf) -> Shelf:
    """Oneself, with a message at 2; Bob and Carol, who are followed."""
    shelf.feed("me", role=Role.OWN)
    for name in ("bob", "carol"):
        shelf.feed(name)
    for name in ("me", "bob", "carol"):
        shelf.put(name, 1, named(name))
    shelf.put("me", 2, said("mine"))
    return shelf


def _notices(shelf: Shelf, limit: int = 50) -> list[Notice]:
    return notices(shelf.connection, limit, now_ms=NOW_MS + 10_000)


def _told(shelf: Shelf) -> list[str]:
    return [_line(notice) for notice in _notices(shelf)]


def _line(notice: Notice) -> str:
    said_ = "" if notice.message is None else f": {notice.message.text}"
    about = "" if notice.about is None else f" ({notice.about.text})"
    return f"{notice.who.name} {notice.why.name.lower()}{said_}{about}"


class TestWhatConcernsOneself:
    def test_each_kind_is_told_with_who_and_what(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        mention = [[0, 3, account_id("me")]]
        payloads = [
            answered(mine, text="yes", time_ms=NOW_MS + 2),
            answered(people.ref("bob", 1), text="@me see", time_ms=NOW_MS + 3, mentions=mention),
            quoted(mine, "look", NOW_MS + 4),
            reacted("repost", mine, time_ms=NOW_MS + 5),
            reacted("like", mine, time_ms=NOW_MS + 6),
            followed("me", time_ms=NOW_MS + 7),
        ]
        for seq, payload in enumerate(payloads, 2):
            people.put("bob", seq, payload, NOW_MS + seq)
        assert _told(people) == [
            "bob follow",
            "bob like (mine)",
            "bob repost (mine)",
            "bob quote: look (mine)",
            "bob mention: @me see",
            "bob reply: yes (mine)",
        ]
        assert _notices(people)[0].who.account == account_id("bob")

    def test_one_entry_is_told_once_by_its_strongest_reason(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        value = [mine.feed, mine.seq, mine.id]
        people.put("bob", 2, answered(mine, text="@me", quote=value, mentions=[[0, 3, account_id("me")]]))
        assert _told(people) == ["bob reply: @me (mine)"]

    def test_what_one_does_oneself_or_others_among_themselves_is_no_news(self, people: Shelf) -> None:
        people.put("me", 3, answered(people.ref("me", 2)))
        people.put("me", 4, reacted("like", people.ref("me", 2)))
        people.put("bob", 2, said("bob's"))
        people.put("carol", 2, answered(people.ref("bob", 2)))
        people.put("carol", 3, reacted("like", people.ref("bob", 2)))
        people.put("carol", 4, followed("bob"))
        assert _told(people) == []

    def test_what_names_another_id_of_ones_feed_is_no_news(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        people.put("bob", 2, answered(Ref(mine.feed, mine.seq, EntryId(bytes(32)))))
        people.put("bob", 3, reacted("like", Ref(feed_id("carol"), 1, mine.id)))
        assert _told(people) == []

    def test_ones_own_message_may_come_after_what_refers_to_it(self, people: Shelf) -> None:
        people.feed("my phone", "me", Role.OWN)
        people.plan("my phone", [named("me"), said("from the phone")])
        mine = people.ref("my phone", 2)
        people.put("bob", 2, reacted("like", mine))
        people.put("bob", 3, answered(mine))
        assert _told(people) == []
        people.put("my phone", 2, said("from the phone"))
        assert _told(people) == ["bob reply: yes (from the phone)", "bob like (from the phone)"]

    def test_fork_of_somebody_followed_or_of_oneself_is_told(self, people: Shelf) -> None:
        people.feed("stranger", role=Role.HOP)
        for name in ("carol", "me", "stranger"):
            people.connection.execute(
                "UPDATE feeds SET fork_seq = 2, fork_ms = ? WHERE number = ?", (NOW_MS, people.number(name))
            )
        told = [(notice.who.name, notice.why, notice.feed) for notice in _notices(people)]
        assert sorted(told) == [("carol", Why.FORK, feed_id("carol")), ("me", Why.FORK, feed_id("me"))]


class TestWhatNoLongerHolds:
    def test_taken_back_or_deleted_is_not_told(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        people.put("bob", 2, reacted("like", mine))
        people.put("bob", 3, answered(mine))
        people.put("bob", 4, followed("me"))
        people.put("bob", 5, reacted("like", mine, 2, on=False))
        people.put("bob", 6, followed("me", 2, on=False))
        assert _told(people) == ["bob reply: yes (mine)"]
        people.erase("bob", 3)
        assert _told(people) == []

    def test_liked_again_is_told_once(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        for seq, on in ((2, True), (3, False), (4, True)):
            people.put("bob", seq, reacted("like", mine, seq, on, NOW_MS + seq), NOW_MS + seq)
            people.put("carol", seq, followed("me", seq, on, NOW_MS + seq), NOW_MS + seq)
        assert _told(people) == ["carol follow", "bob like (mine)"]
        assert [notice.seen_ms for notice in _notices(people)] == [NOW_MS + 4] * 2

    def test_what_was_about_a_deleted_message_is_gone(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        people.put("bob", 2, reacted("like", mine))
        people.put("bob", 3, answered(mine, text="@me", mentions=[[0, 3, account_id("me")]]))
        people.erase("me", 2)
        assert _told(people) == ["bob mention: @me"]

    def test_muted_people_and_words_tell_nothing(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        people.put("bob", 2, reacted("like", mine))
        people.put("carol", 2, answered(mine, text="the ferry"))
        people.put("carol", 3, reacted("like", mine))
        private.put(people.connection, "mute", b"a" + account_id("bob"), {"until": None})
        private.put(people.connection, "mute", b"wferry", {"until": None})
        assert _told(people) == ["carol like (mine)"]
        assert unread_count(people.connection, now_ms=NOW_MS + 10_000) == 1


class TestOrder:
    def test_wild_dates_move_no_other_notice(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        for seq in (2, 3, 4):
            people.put("bob", seq, answered(mine, text=f"honest {seq}", time_ms=NOW_MS + seq), NOW_MS + seq)
        honest = _told(people)
        for seq, time_ms in enumerate((-(10**18), 0, 10**18), 2):
            people.put("carol", seq, answered(mine, text="wild", time_ms=time_ms), NOW_MS + 3)
        assert [line for line in _told(people) if "wild" not in line] == honest
        assert _told(people)[0] == honest[0]

    def test_what_comes_late_stands_above_what_was_read(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        people.put("bob", 2, answered(mine, text="newer", time_ms=NOW_MS), NOW_MS)
        assert mark_read(people.connection, NOW_MS + 1)
        people.put("carol", 2, answered(mine, text="older", time_ms=NOW_MS - 1000), NOW_MS + 5)
        assert [(notice.message.text, notice.unread) for notice in _notices(people) if notice.message is not None] == [
            ("older", True),
            ("newer", False),
        ]

    def test_pages_neither_repeat_nor_skip(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        for seq in range(2, 12):
            people.put("bob", seq, answered(mine, text=f"{seq}", time_ms=NOW_MS + seq % 3), NOW_MS + seq)
        mark_read(people.connection, NOW_MS + 6)
        whole = [notice.place for notice in _notices(people)]
        assert (len(whole), sum(place.unread for place in whole)) == (10, 5)
        shown = []
        before = None
        while page := notices(people.connection, 3, before, NOW_MS + 10_000):
            shown += [notice.place for notice in page]
            before = page[-1].place
        assert shown == whole == sorted(whole, reverse=True)


class TestReadMark:
    def test_all_is_read_until_something_comes(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        people.put("bob", 2, reacted("like", mine))
        assert unread_count(people.connection, now_ms=NOW_MS) == 1
        assert mark_read(people.connection, NOW_MS)
        assert not mark_read(people.connection, NOW_MS)
        assert unread_count(people.connection, now_ms=NOW_MS + 1) == 0
        people.put("bob", 3, answered(mine), NOW_MS + 1)
        assert unread_count(people.connection, now_ms=NOW_MS + 1) == 1

    def test_count_ends_at_its_limit(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        people.put_many("bob", {seq: answered(mine) for seq in range(2, 20)})
        assert unread_count(people.connection, 7, NOW_MS) == 7

    def test_clock_that_was_wrong_once_hides_nothing_for_ever(self, people: Shelf) -> None:
        mine = people.ref("me", 2)
        late_ms = NOW_MS + 10**12
        people.put("bob", 2, reacted("like", mine), late_ms)  # the clock was decades ahead
        mark_read(people.connection, late_ms)
        people.put("carol", 2, reacted("like", mine), NOW_MS + 1)
        assert unread_count(people.connection, now_ms=NOW_MS + 1) == 1
        mark_read(people.connection, NOW_MS + 1)
        assert unread_count(people.connection, now_ms=NOW_MS + 2) == 0
