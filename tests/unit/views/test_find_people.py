"""People are found by what they are called, say, and write about; those whom one knows best come first."""

import pytest

from p2pmicro.feed.content import profile, write
from p2pmicro.store import private
from p2pmicro.store.feeds import Role
from p2pmicro.views.find_people import find_people
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, said

ME = account_id("me")


def found(shelf: Shelf, query: str, limit: int = 50) -> list[str | None]:
    """The names of those who are found, in their order."""
    return [person.petname or person.name for person in find_people(shelf.connection, ME, query, limit).people]


@pytest.fixture
def town(shelf: Shelf) -> Shelf:
    """Some people; whom the person knows how well."""
    people = (
        ("me", "Zoë Me", None, Role.OWN),
        ("ada", "Ada Lovelace", "I bake bread", Role.FOLLOWED),
        ("adam", "Adam", "Boats, and Ada's cousin", Role.FOLLOWED),
        ("near", "Ada", "A hop", Role.HOP),
        ("guest", "Ada Guest", None, Role.GUEST),
        ("gone", "Ada Gone", None, Role.NONE),
        ("ming", "小明", "山里的面包师", Role.HOP),
    )
    for key, name, bio, role in people:
        shelf.feed(key, role=role)
        shelf.put(key, 1, write(NOW_MS, "profile", profile(1, name, bio)))
    shelf.put("ming", 2, said("nice #bread"))
    shelf.put("ada", 2, said("more #Bread"))
    shelf.put("ada", 3, said("and #bread"))
    return shelf


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("ada", ["Ada Lovelace", "Adam", "Ada"]),
        ("ADA love", ["Ada Lovelace"]),
        ("lovelace", ["Ada Lovelace"]),
        ("bread", ["Ada Lovelace"]),
        ("bread ada", ["Ada Lovelace"]),
        ("zoe", ["Zoë Me"]),
        ("小", ["小明"]),
        ("面包", ["小明"]),
        ("#bread", ["Ada Lovelace", "小明"]),
        ("#bread ada", ["Ada Lovelace"]),
        ("#nothing", []),
        ("da", []),
        ("guest", []),
        ("gone", []),
        ("Ada's cousin", ["Adam"]),
    ],
)
def test_found(town: Shelf, query: str, names: list[str]) -> None:
    assert found(town, query) == names


def test_a_petname_comes_first_and_makes_a_stranger_known(town: Shelf) -> None:
    for key, name in (("near", "My Ada"), ("gone", "Ada who left")):
        private.put(town.connection, "petname", account_id(key), name)
    assert found(town, "ada") == ["My Ada", "Ada who left", "Ada Lovelace", "Adam"]  # the first calls itself so
    assert found(town, "ada", 1) == ["My Ada"]


def test_the_muted_are_neither_found_nor_counted(town: Shelf) -> None:
    assert find_people(town.connection, ME, "ada", 50).searched_people == 5
    private.put(town.connection, "mute", b"a" + account_id("adam"), {"until": None})
    private.put(town.connection, "block", account_id("near"), True)
    answer = find_people(town.connection, ME, "ada", 50)
    assert [person.name for person in answer.people] == ["Ada Lovelace"]
    assert answer.searched_people == 3


@pytest.mark.parametrize("query", ["", " ", "#", "...", '"', "\x00", "\ud800", "a" * 5000])
def test_no_query_is_an_error(town: Shelf, query: str) -> None:
    answer = find_people(town.connection, ME, query, 50)
    assert answer.people == []
    assert len(query) > 100 or query in ("\ud800", "#") or "Nothing was asked for" in answer.hints[0]
