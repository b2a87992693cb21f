"""`search`: what is found, in what it was looked for, and what was not understood."""

import pytest

from p2pmicro import ids
from tests.cli.conftest import Shell
from tests.cli.others import bring, says
from tests.made import MadeFeed


@pytest.fixture
def bob(ada: Shell) -> str:
    """Somebody whom Ada follows, with two messages."""
    made = MadeFeed(1, "bob", account="bob")
    says(made, "profile", name="Bob", rev=1, bio="I row")
    says(made, "post", text="The ferry was late #harbour")
    says(made, "post", text="Quiet today")
    return bring(ada.person, made)


def test_messages_come_with_what_was_searched(ada: Shell, bob: str) -> None:
    ada.json("post", "No ferry here")
    *messages, end = ada.json("search", "ferry")
    assert [m["text"] for m in messages] == ["No ferry here", "The ferry was late #harbour"]
    assert messages[0].keys() >= {"ref", "id", "account", "name", "time", "text", "seen", "kind", "marks"}
    assert end == {"searched_messages": 3, "searched_people": 2, "hints": []}
    assert ada("search", "ferry").out.endswith("Searched 3 messages of 2 people that you hold.\n")
    assert ada("search", "nothing").out == "Nothing found: searched 3 messages of 2 people that you hold.\n"


@pytest.mark.parametrize(
    "query", [["ferry", "from:bob"], ["ferry from:Bob #harbour -quiet"], ["--limit", "1", "ferry", "late"]]
)
def test_words_are_one_query_however_they_are_given(ada: Shell, bob: str, query: list[str]) -> None:
    assert [m["text"] for m in ada.json("search", *query)[:-1]] == ["The ferry was late #harbour"]


def test_mistake_is_a_hint_and_no_error(ada: Shell, bob: str) -> None:
    said = ada("search", "ferry since:soon")
    assert said.status == 0
    assert "'since:soon' was left out: a date is written as 2030, 2030-12 or 2030-12-31.\n" in said.out
    assert ada.json("search", "ferry from:Zed")[-1]["hints"][0].startswith("Nobody here is called 'Zed'")


def test_people_are_found_with_how_one_stands_to_them(ada: Shell, bob: str) -> None:
    *people, end = ada.json("search", "--people", "row")
    assert [(one["account"], one["you_follow"]) for one in people] == [(bob, True)]
    assert end == {"searched_people": 2, "hints": []}
    assert [one["account"] for one in ada.json("search", "--people", "#harbour")[:-1]] == [bob]
    said = ada("search", "--people", "bob").out
    assert f"Bob ({ids.short(ids.parse_account(bob))})  you follow" in said
    assert said.endswith("Searched 2 people of whom you hold something.\n")


def test_the_muted_and_blocked_are_not_found(ada: Shell, bob: str) -> None:
    ada.json("mute", "Bob")
    assert ada.json("search", "ferry") == [{"searched_messages": 0, "searched_people": 0, "hints": []}]
    assert ada.json("search", "--people", "bob")[:-1] == []
    ada.json("mute", "Bob", "--off")
    ada.json("block", "Bob")
    assert ada.json("search", "ferry")[:-1] == []
    assert ada.json("search", "--people", "bob")[:-1] == []
