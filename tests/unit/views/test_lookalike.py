"""Strangers who call themselves like a friend, or nearly so, are shown as what they are. Source: threats C3."""

from random import Random
from unicodedata import category

import pytest

from p2pmicro.ids import AccountId
from p2pmicro.store import private
from p2pmicro.store.feeds import Role
from p2pmicro.views.lookalike import skeletons
from p2pmicro.views.names import Closeness, find_account, mentions_in, named
from tests.unit.views.shelf import Shelf, account_id
from tests.unit.views.test_names import person

confusables = pytest.importorskip("confusable_homoglyphs.confusables", reason="confusable-homoglyphs is not installed")


def listed_pairs() -> list[tuple[str, str]]:
    """All letters, and strings of letters, that Unicode lists as alike."""
    pairs = [
        (text.replace("\u200e", ""), other["c"].replace("\u200e", ""))
        for text, others in confusables.confusables_data.items()
        for other in others
    ]
    return [pair for pair in pairs if all(category(letter)[0] in "LN" for letter in "".join(pair))]


def looks_like(shelf: Shelf, key: str) -> AccountId | None:
    """Whom the person's node warns of when it shows somebody."""
    return named(shelf.connection, [account_id(key)])[account_id(key)].looks_like


def test_pairs_are_warned_of(shelf: Shelf) -> None:
    pairs = listed_pairs()
    assert len(pairs) > 8000
    for number, (letter, other) in enumerate(Random(1).sample(pairs, 200)):
        friend = person(shelf, f"friend {number}", f"Mar{letter}a {number} of the hills")
        person(shelf, f"stranger {number}", f"Mar{other}a {number} of the hills", Role.HOP)
        assert looks_like(shelf, f"stranger {number}") == friend, (letter, other)


def test_every_listed_pair_looks_alike() -> None:
    assert [pair for pair in listed_pairs() if not skeletons(f"Mar{pair[0]}a") & skeletons(f"Mar{pair[1]}a")] == []


@pytest.mark.parametrize(
    ("friend", "stranger"),
    [
        ("Ada", "Ada"),
        ("Ada", "ADA"),
        ("Ada", "Ａｄａ"),
        ("Ada", "Аda"),
        ("Ada", "Ada ✔"),
        ("Ada", " A d a"),
        ("Zoë", "Zoe"),
        ("Ada Lovelace", "AdaLovelace"),
        ("Ida", "lda"),
        ("Ida", "1DA"),
        ("Oskar", "0skar"),
        ("Paul", "Pau|"),
        ("Emma", "Emrna"),
        ("Ada", "A\u200dda"),
        ("🦉", "🦉"),
    ],
)
def test_who_looks_like_a_friend_is_told_apart(shelf: Shelf, friend: str, stranger: str) -> None:
    account = person(shelf, "friend", friend)
    person(shelf, "stranger", stranger, Role.HOP)
    assert looks_like(shelf, "stranger") == account
    assert looks_like(shelf, "friend") is None
    # Never merged: what names the friend is the friend's.
    assert find_account(shelf.connection, friend) == account
    assert {who for _, _, who in mentions_in(shelf.connection, f"@{friend}")} == {account}


@pytest.mark.parametrize(("friend", "stranger"), [("Ada", "Eda"), ("小明", "小朋"), ("🦉", "🦊"), ("Ada", "Adam")])
def test_other_names_are_not_warned_of(shelf: Shelf, friend: str, stranger: str) -> None:
    person(shelf, "friend", friend)
    person(shelf, "stranger", stranger, Role.HOP)
    assert looks_like(shelf, "stranger") is None


def test_petnames_count_and_who_has_one_is_no_stranger(shelf: Shelf) -> None:
    friend = person(shelf, "friend", "Somebody")
    person(shelf, "stranger", "Mum", Role.HOP)
    private.put(shelf.connection, "petname", friend, "Mum")
    assert looks_like(shelf, "stranger") == friend
    private.put(shelf.connection, "petname", account_id("stranger"), "not Mum")
    assert looks_like(shelf, "stranger") is None
    found = named(shelf.connection, [account_id("stranger"), friend, account_id("never met")])
    assert (found[friend].petname, found[friend].name, found[friend].closeness) == (
        "Mum",
        "Somebody",
        Closeness.PETNAME,
    )
    assert found[account_id("never met")].names == []


def test_who_takes_ones_own_name_is_warned_of(shelf: Shelf) -> None:
    me = person(shelf, "me", "Ada", Role.OWN)
    person(shelf, "stranger", "Ada", Role.GUEST)
    assert looks_like(shelf, "stranger") == me


def test_two_strangers_of_one_name_are_not_each_others_warning(shelf: Shelf) -> None:
    for key in ("one", "two"):
        person(shelf, key, "Ada", Role.HOP)
        assert looks_like(shelf, key) is None
