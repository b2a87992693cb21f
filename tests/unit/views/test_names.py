"""Who is meant by a name, and whom a message names."""

import pytest

from p2pmicro.errors import LocalError
from p2pmicro.ids import AccountId, format_account, short
from p2pmicro.store import private
from p2pmicro.store.feeds import Role
from p2pmicro.views.names import find_account, folded_name, mentions_in
from tests.unit.views.shelf import Shelf, account_id, named


def person(shelf: Shelf, key: str, name: str, role: Role = Role.FOLLOWED) -> AccountId:
    """Somebody with a profile."""
    shelf.feed(key, role=role)
    shelf.put(key, 2, named(name))
    return account_id(key)


def petname(shelf: Shelf, key: str, name: str) -> None:
    """The person's own name for somebody."""
    private.put(shelf.connection, "petname", account_id(key), name)


def test_found_by_account_its_end_petname_or_name(shelf: Shelf) -> None:
    alice = person(shelf, "alice", "Alice  Ångström")
    petname(shelf, "alice", "Ali")
    for text in (format_account(alice), short(alice), "..." + short(alice)[1:], "Ali", "@ali", "ALICE ÅNGSTRÖM"):
        assert find_account(shelf.connection, text) == alice
    stranger = account_id("nobody here")
    assert find_account(shelf.connection, format_account(stranger)) == stranger


def test_petname_first_then_whom_one_follows_then_others(shelf: Shelf) -> None:
    """C3: who calls itself like a friend is never taken for the friend, nor makes the friend's name unclear."""
    stranger = person(shelf, "stranger", "Ada", Role.NONE)
    assert find_account(shelf.connection, "Ada") == stranger
    hop = person(shelf, "hop", "Ada", Role.HOP)
    assert find_account(shelf.connection, "Ada") == hop
    friend = person(shelf, "friend", "Ada")
    assert find_account(shelf.connection, "Ada") == friend
    petname(shelf, "hop", "ada")
    assert find_account(shelf.connection, "Ada") == hop
    petname(shelf, "never met", "Bob")
    assert find_account(shelf.connection, "bob") == account_id("never met")


def test_a_name_of_several_is_refused_and_they_are_told(shelf: Shelf) -> None:
    both = [person(shelf, "one", "Ada"), person(shelf, "two", "ADA")]
    with pytest.raises(LocalError) as caught:
        find_account(shelf.connection, "ada")
    for account in both:
        assert format_account(account) in str(caught.value)


@pytest.mark.parametrize("text", ["Bob", "", "@", "…abcdefgh", "…ab", "z6Mk", "did:key:z6Mkno", "did:web:example.org"])
def test_nobody_is_said_in_a_sentence(shelf: Shelf, text: str) -> None:
    person(shelf, "alice", "Alice")
    with pytest.raises(LocalError, match=r"^(Nobody here is called|This is not an account).*\.$"):
        find_account(shelf.connection, text)


def test_a_near_miss_is_told_and_cannot_break_the_line(shelf: Shelf) -> None:
    person(shelf, "alice", "Alice\x1b[2J")
    with pytest.raises(LocalError, match=r"perhaps 'Alice\\x1b\[2J' was meant"):
        find_account(shelf.connection, "Alicia\x1b[2J")


def test_who_is_blocked_is_named_by_petname_alone(shelf: Shelf) -> None:
    spam = person(shelf, "spam", "Spam")
    friend = person(shelf, "friend", "Spam", Role.HOP)
    private.put(shelf.connection, "block", spam, True)
    assert find_account(shelf.connection, "spam") == friend
    petname(shelf, "spam", "the spammer")
    assert find_account(shelf.connection, "The Spammer") == spam


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@alice", ["@alice"]),
        ("hello @Alice!", ["@Alice"]),
        ("@alice,@bob", ["@alice", "@bob"]),
        ("@Alice Liddell is here", ["@Alice Liddell"]),
        ("@aliceliddell is here", ["@aliceliddell"]),
        ("@alicelid", []),
        ("mail alice@alice.example", []),
        ("@@alice", ["@alice"]),
        ("(@alice)", ["@alice"]),
        ("@小明你好", ["@小明"]),
        ("你好@小明", ["@小明"]),
        ("@ alice", []),
        ("@", []),
        ("@twin", []),
        ("@friend of mine", ["@friend of mine"]),
        ("🙂@alice🙂", ["@alice"]),
        ("@ＡＬＩＣＥ", ["@ＡＬＩＣＥ"]),
    ],
)
def test_mentions(shelf: Shelf, text: str, named: list[str]) -> None:
    people = {"alice": "Alice", "liddell": "Alice Liddell", "bob": "Bob", "ming": "小明", "t1": "Twin", "t2": "twin"}
    for key, name in people.items():
        person(shelf, key, name)
    petname(shelf, "bob", "Friend of mine")
    found = mentions_in(shelf.connection, text)
    assert [text[start : start + length] for start, length, _ in found] == named


def test_a_mention_is_bound_to_the_account(shelf: Shelf) -> None:
    alice = person(shelf, "alice", "Alice")
    stranger = account_id("stranger")
    text = f"@Alice meet @{format_account(stranger)}: friends"
    assert mentions_in(shelf.connection, text) == [(0, 6, alice), (12, 57, stranger)]
    assert mentions_in(shelf.connection, f"@{format_account(stranger)[:-1]}") == []


def test_no_more_mentions_than_a_message_may_have(shelf: Shelf) -> None:
    person(shelf, "a", "a")
    assert len(mentions_in(shelf.connection, "@a " * 46)) == 32


def test_names_fold_to_themselves() -> None:
    for name in ("Straße", "ﬁne", "İstanbul", "Ａ\u3000b", "\u0345\u0301"):
        assert folded_name(folded_name(name)) == folded_name(name)
