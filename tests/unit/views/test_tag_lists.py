"""Messages by tag: which ones, in what order, what is suggested, and what a followed tag brings home."""

import pytest

from p2pmicro.feed.tags import fold
from p2pmicro.store import private
from p2pmicro.store.feeds import Role
from p2pmicro.views import TAGS, TIMELINE
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, named, reacted, said


@pytest.fixture
def people(shelf: Shelf) -> Shelf:
    """One account of each role, by its name."""
    for role in Role:
        shelf.feed(role.name, role=role)
        shelf.put(role.name, 1, named(role.name))
    return shelf


def _tag(shelf: Shelf, typed: str, limit: int = 50) -> list[str]:
    return [message.text for message in TAGS.timeline(shelf.connection, fold(typed), limit)]


def _follow(shelf: Shelf, *tags: str) -> None:
    for tag in tags:
        private.put(shelf.connection, "tag", fold(tag).encode(), tag)


class TestTagTimeline:
    def test_case_and_width_do_not_matter_and_accents_do(self, people: Shelf) -> None:
        for number, text in enumerate(("#Fähre", "#FÄHRE!", "＃ｆähre", "#Fahre", "Fähre"), 2):
            people.put("OWN", number, said(text, NOW_MS + number), NOW_MS + number)
        assert _tag(people, "fähre") == ["＃ｆähre", "#FÄHRE!", "#Fähre"]
        assert _tag(people, "FAHRE") == ["#Fahre"]

    def test_message_stands_under_each_of_its_tags_once(self, people: Shelf) -> None:
        people.put("OWN", 2, said("#a #B #A #b"))
        assert _tag(people, "a") == _tag(people, "b") == ["#a #B #A #b"]
        people.erase("OWN", 2)
        assert _tag(people, "a") == _tag(people, "b") == []

    def test_hops_are_there_and_those_who_are_further_off_are_not(self, people: Shelf) -> None:
        for role in Role:
            people.put(role.name, 2, said(f"#x {role.name}"))
        assert {text.split()[1] for text in _tag(people, "x")} == {"HOP", "FOLLOWED", "OWN"}

    def test_wild_dates_move_no_other_message(self, people: Shelf) -> None:
        for number in range(3):
            people.put("OWN", number + 2, said(f"#x {number}", NOW_MS + number), NOW_MS + number)
        honest = _tag(people, "x")
        for seq, time_ms in enumerate((-(10**18), 10**18, 0), 2):
            people.put("FOLLOWED", seq, said("#x wild", time_ms), NOW_MS + 1)
        assert [text for text in _tag(people, "x") if "wild" not in text] == honest
        assert _tag(people, "x")[0] == "#x 2"

    def test_pages_neither_repeat_nor_skip(self, people: Shelf) -> None:
        people.put_many("OWN", {seq: said(f"#x {seq}") for seq in range(2, 12)})
        shown: list[str] = []
        before = None
        while page := TAGS.timeline(people.connection, "x", 3, before):
            shown += [message.text for message in page]
            before = page[-1].place
        assert shown == [f"#x {seq}" for seq in range(11, 1, -1)]

    def test_muted_people_and_tags_are_not_seen(self, people: Shelf) -> None:
        people.put("FOLLOWED", 2, said("#x #y"))
        private.put(people.connection, "mute", b"ty", {"until": None})
        assert _tag(people, "x") == []


class TestSuggestions:
    def test_accents_do_not_count_and_the_most_used_come_first(self, people: Shelf) -> None:
        people.put("OWN", 2, said("#Fähre #fahrrad"))
        people.put("OWN", 3, said("#fähre #fahre"))
        people.put("FOLLOWED", 2, said("#fahr"))
        assert TAGS.suggestions(people.connection, "fahr", 9) == [
            ("fähre", 2),
            ("fahr", 1),
            ("fahre", 1),
            ("fahrrad", 1),
        ]
        assert TAGS.suggestions(people.connection, "fähre", 9) == [("fähre", 2), ("fahre", 1)]
        assert TAGS.suggestions(people.connection, "", 1) == [("fähre", 2)]
        people.erase("OWN", 2, 3)
        assert TAGS.suggestions(people.connection, "", 9) == [("fahr", 1)]

    def test_muted_tags_are_not_suggested(self, people: Shelf) -> None:
        people.put("OWN", 2, said("#fahre #fahrt"))
        private.put(people.connection, "mute", b"tfahrt", {"until": None})
        assert TAGS.suggestions(people.connection, "f", 1) == [("fahre", 1)]


class TestFollowedTags:
    def test_messages_of_hops_stand_at_home_with_their_tag(self, people: Shelf) -> None:
        _follow(people, "Ferry")
        for role in Role:
            people.put(role.name, 2, said(f"#ferry {role.name}"))
        people.put("HOP", 3, said("nothing to do with it"))
        home = {message.text: message.tag for message in TIMELINE.home(people.connection, 50)}
        assert home == {"#ferry HOP": "Ferry", "#ferry FOLLOWED": None, "#ferry OWN": None}

    def test_home_stays_in_order_and_pages_fit(self, people: Shelf) -> None:
        _follow(people, "a", "b")
        for number in range(2, 12):
            people.put("FOLLOWED", number, said(f"{number}", NOW_MS + number), NOW_MS + number)
            people.put("HOP", number, said(f"#a #b {number}", NOW_MS + number), NOW_MS + number)
        shown = []
        before = None
        while page := TIMELINE.home(people.connection, 3, before):
            shown += page
            before = page[-1].place
        assert len(shown) == 20
        assert shown == sorted(shown, key=lambda message: message.place, reverse=True)

    def test_message_that_is_passed_on_too_stands_once(self, people: Shelf) -> None:
        _follow(people, "ferry")
        people.put("HOP", 2, said("#ferry", NOW_MS - 5), NOW_MS - 5)
        people.put("FOLLOWED", 2, reacted("repost", people.ref("HOP", 2)))
        (message,) = TIMELINE.home(people.connection, 50)
        assert message.relay is not None

    def test_muted_ones_do_not_come_by_their_tag(self, people: Shelf) -> None:
        _follow(people, "ferry")
        people.put("HOP", 2, said("#ferry"))
        private.put(people.connection, "mute", b"a" + account_id("HOP"), {"until": None})
        assert TIMELINE.home(people.connection, 50) == []
