"""Queries: who, when, with what and without what; and in what was looked."""

from datetime import datetime
from itertools import pairwise

import pytest

from p2pmicro.feed.content import Entry, post, write
from p2pmicro.store import private
from p2pmicro.store.feeds import Role
from p2pmicro.store.view import Row
from p2pmicro.views import SEARCH
from p2pmicro.views import find as find_module
from p2pmicro.views.find import find_messages, of_feeds
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, named, said


def found(shelf: Shelf, query: str, limit: int = 50) -> list[str]:
    """The texts that are found, newest first."""
    return [message.text for message in find_messages(shelf.connection, query, limit).messages]


def at(text: str) -> int:
    """A time of this place."""
    return int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)


@pytest.fixture
def town(shelf: Shelf) -> Shelf:
    """Some people and what they wrote, a day each."""
    for key, name, role in (("me", "Me", Role.OWN), ("ada", "Ada L", Role.FOLLOWED), ("ben", "Ben", Role.HOP)):
        shelf.feed(key, role=role)
        shelf.put(key, 1, named(name))
    days = (
        ("ada", "ferry late again #harbour", "2024-04-30T23:59"),
        ("ben", "the ferry was late", "2024-05-01T00:00"),
        ("me", "early ferry, no rain #Harbour", "2024-05-02T12:00"),
        ("ada", "rain #harbourmaster", "2024-05-03T23:59"),
        ("ben", "nothing to see #café", "2024-05-04T00:00"),
    )
    seqs = dict.fromkeys(("me", "ada", "ben"), 1)
    for key, text, time in days:
        seqs[key] += 1
        shelf.put(key, seqs[key], said(text, at(time)), at(time))
    row = [bytes(32), "image/png", 100, "a boat"]
    shelf.put("ben", 4, write(at("2024-05-05"), "post", post("look", media=[row])), at("2024-05-05"))
    return shelf


LATE = "ferry late again #harbour"
WAS = "the ferry was late"
EARLY = "early ferry, no rain #Harbour"
RAIN = "rain #harbourmaster"


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("ferry", [EARLY, WAS, LATE]),
        ("ferry -late", [EARLY]),
        ("ferry -rain -again", [WAS]),
        ('ferry -"was late"', [EARLY, LATE]),
        ('ferry -"late was"', [EARLY, WAS, LATE]),
        ("#harbour", [EARLY, LATE]),
        ("#HARBOUR ferry", [EARLY, LATE]),
        ("#harbour -#harbour", []),
        ("ferry -#harbour", [WAS]),
        ("#cafe", []),
        ("#café", ["nothing to see #café"]),
        ("from:ada", [RAIN, LATE]),
        ("from:ADA rain", [RAIN]),
        ('from:"Ada L" ferry', [LATE]),
        ("from:@ben ferry", [WAS]),
        ("from:me", [EARLY]),
        ("ferry -from:ben", [EARLY, LATE]),
        ("from:ada from:ben ferry", [WAS, LATE]),
        ("since:2024-05-03", ["look", "nothing to see #café", RAIN]),
        ("until:2024-04", [LATE]),
        ("since:2024-05-01 until:2024-05-01", [WAS]),
        ("ferry since:2024-05", [EARLY, WAS]),
        ("ferry until:2024-05-01", [WAS, LATE]),
        ("until:2023", []),
        ("since:2024 until:2024 ferry", [EARLY, WAS, LATE]),
        ("has:picture", ["look"]),
        ("has:picture ferry", []),
        ("from:ben -has:picture", ["nothing to see #café", WAS]),
        ("-ferry from:ada", [RAIN]),
        ("FROM:ada SINCE:2024-05-01", [RAIN]),
        ("no-rain", [EARLY]),
        ("la* -early", [WAS, LATE]),
        ('"ferry late" -again', []),
        ('late -"ferry late"', [WAS]),
        ('from:ada -"late again"', [RAIN]),
        ('#harbour -"late again"', [EARLY]),
        ("has:picture -look", []),
    ],
)
@pytest.mark.parametrize(
    ("few", "sorted_max", "many"),
    [(1000, 1500, 2000), (0, 1500, 2000), (0, 0, 2000), (0, 0, 0)],
    ids=["looked up", "walked, then sorted", "walked", "read"],
)
def test_operators(
    town: Shelf, monkeypatch: pytest.MonkeyPatch, few: int, sorted_max: int, many: int, query: str, texts: list[str]
) -> None:
    monkeypatch.setattr(find_module, "_FEW", few)
    monkeypatch.setattr(find_module, "_SORTED_MAX", sorted_max)
    monkeypatch.setattr(find_module, "_BLOCK", 1)
    monkeypatch.setattr(find_module, "_MANY", many)
    monkeypatch.setattr(find_module, "_READ_MAX", many)
    private.put(town.connection, "petname", account_id("ada"), "Ada")
    assert found(town, query) == texts
    assert find_messages(town.connection, query, 50).hints == ()


def test_no_text_is_read_where_the_index_tells(town: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(find_module, "matching")
    assert found(town, "late ferry -early -look") == [WAS, LATE]
    with pytest.raises(NameError):
        found(town, 'ferry -"late again"')


def test_found_ones_stand_by_the_smaller_of_claimed_and_seen(shelf: Shelf) -> None:
    shelf.feed("ada")
    for seq, (claimed_ms, seen_ms) in enumerate(((3, 9), (-70_000, 8), (7, 1), (2**40, 2), (5, 5)), 1):
        shelf.put("ada", seq, said(f"ferry {seq}", claimed_ms), seen_ms)
    assert found(shelf, "ferry") == ["ferry 5", "ferry 1", "ferry 4", "ferry 3", "ferry 2"]


@pytest.mark.parametrize(
    ("query", "texts", "hint"),
    [
        ("ferry since:yesterday", [EARLY, WAS, LATE], "'since:yesterday' was left out: a date is written"),
        ("ferry until:2024-13", [EARLY, WAS, LATE], "'until:2024-13' was left out"),
        ("ferry since:", [EARLY, WAS, LATE], "'since:' was left out"),
        ("ferry -since:2024", [EARLY, WAS, LATE], "a date can't be excluded"),
        ("ferry has:wings", [EARLY, WAS, LATE], "only has:picture is known"),
        ("ferry from:nobody", [], "Nobody here is called 'nobody'"),
        ("ferry -from:nobody", [EARLY, WAS, LATE], "Nobody here is called 'nobody'"),
        ("", [], "Nothing was asked for"),
        ('""', [], "Nothing was asked for"),
    ],
)
def test_a_mistake_is_a_hint(town: Shelf, query: str, texts: list[str], hint: str) -> None:
    answer = find_messages(town.connection, query, 50)
    assert [message.text for message in answer.messages] == texts
    assert hint in answer.hints[-1]
    assert all(hint.endswith(".") for hint in answer.hints)


@pytest.mark.parametrize(
    "query", ["from:", 'from:"', "#", "-", "--a", "-#", "has:", "from:\x00", "since:99999-1", "-from:", "#a#b"]
)
def test_no_query_is_an_error(town: Shelf, query: str) -> None:
    found(town, query)


def test_what_was_searched_is_said(town: Shelf) -> None:
    town.feed("guest", role=Role.GUEST)
    town.put("guest", 1, said("ferry of a guest"))
    answer = find_messages(town.connection, "ferry", 50)
    assert (answer.searched_messages, answer.searched_people) == (6, 3)
    private.put(town.connection, "mute", b"a" + account_id("ben"), {"until": None})
    answer = find_messages(town.connection, "ferry", 50)
    assert (answer.searched_messages, answer.searched_people) == (3, 2)
    answer = find_messages(town.connection, 'from:"Ada L" ferry', 50)
    assert (answer.searched_messages, answer.searched_people) == (2, 1)
    town.erase("ada", 2)
    assert find_messages(town.connection, "ferry", 50).searched_messages == 2


def test_pages_follow_each_other_whatever_is_asked(shelf: Shelf) -> None:
    shelf.feed("ada")
    shelf.put("ada", 1, named("Ada"))
    for number in range(2, 30):
        shelf.put("ada", number, said(f"ferry {number} #x", NOW_MS + number), NOW_MS + number)
    for query in ("ferry", "#x", "from:ada", "from:ada ferry", "since:2000", '"ferry" -nothing'):
        shown: list[int] = []
        before = None
        while page := find_messages(shelf.connection, query, 3, before).messages:
            shown += [message.ref.seq for message in page]
            before = page[-1].place
        assert shown == list(range(29, 1, -1)), query
        assert all(one > other for one, other in pairwise(shown))


def test_a_persons_large_seqs_are_found_with_the_small_ones(shelf: Shelf) -> None:
    number = shelf.feed("ada")
    other = shelf.feed("ben")
    keys = [feed << 32 | seq for feed in (number, other) for seq in (1, 65_535, 65_536, 70_000, 2**32 - 1)]
    entry = Entry(NOW_MS, "post", {"text": "ferry"})
    SEARCH.add(shelf.connection, [Row(key, 1, Role.FOLLOWED, NOW_MS, NOW_MS, entry) for key in keys])
    assert sorted(of_feeds(shelf.connection, '"ferry"', [number])) == keys[:5]
    assert sorted(of_feeds(shelf.connection, '"ferry"', [number, other])) == keys
