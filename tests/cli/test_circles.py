"""`circle`, `post --to` and `inbox`, typed by somebody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pmicro.ids import format_account, format_ref
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from tests.cli.conftest import Shell
from tests.unit.node.town import Town


def bring(shell: Shell, node: LocalNode) -> None:
    """Take in what somebody has, as a file."""
    path = node.home.path.with_suffix(".p2pb")
    node.export(node.plan_export(path))
    with LocalNode.open(Home(shell.person.home, shell.person.state)) as taker:
        taker.import_bundle(path)


@pytest.fixture
def known(ada: Shell, tmp_path: Path) -> Iterator[Town]:
    """A town in which Ben and Cleo live, whom Ada at the terminal knows."""
    with Town(tmp_path / "town", "Ben", "Cleo") as town:
        for name in ("Ben", "Cleo"):
            ada.json("follow", format_account(town[name].account))
            bring(ada, town[name])
        yield town


def test_circle_is_made_filled_listed_and_forgotten(ada: Shell, known: Town) -> None:
    (made,) = ada.json("circle", "create", "hill walkers", "Ben")
    assert made.keys() == {"circle", "id", "members"}
    (added,) = ada.json("circle", "add", "Hill Walkers", "Cleo", "Ben")
    assert len(added["changed"]) == 1
    assert len(added["members"]) == 2
    assert "Ben" in ada("circle", "list").out
    (removed,) = ada.json("circle", "remove", "hill walkers", "Cleo")
    assert len(removed["members"]) == 1
    assert ada.json("circle", "delete", "hill walkers")[0]["deleted"]
    assert ada.json("circle", "list") == []


def test_message_to_a_circle_stands_in_the_inbox(ada: Shell, known: Town) -> None:
    ada.json("circle", "create", "walkers", "Ben", "Cleo")
    ada.json("post", "--to", "walkers", "Sunday at nine")
    (one,) = ada.json("inbox")
    assert (one["circle"], one["unread"], one["newest"]["text"]) == ("walkers", 0, "Sunday at nine")
    assert [message["text"] for message in ada.json("inbox", "walkers")] == ["Sunday at nine"]
    assert 'inbox "walkers"' in ada("inbox").out


def test_what_cannot_be_done_with_circles_is_told_in_a_sentence(ada: Shell, known: Town) -> None:
    assert ada.refused("circle", "add", "nobody", "Ben")[1] == "local"
    ada.json("circle", "create", "empty")
    assert "circle add" in ada.refused("post", "--to", "empty", "hello")[2]
    assert "circle add" in ada.refused("circle", "create", "Empty")[2]
    assert ada.refused("post", "--to", "Nemo", "hello")[1] == "local"
    assert ada.json("timeline") == []


def test_sealed_message_for_others_is_said_to_be_one(ada: Shell, known: Town) -> None:
    known.know("Ben", "Cleo")
    ref = known["Ben"].post("for Cleo", to=["Cleo"])
    bring(ada, known["Ben"])
    assert "sealed for others" in ada.refused("show", format_ref(ref.feed, ref.seq))[2]


def test_conversation_says_what_an_answer_answers_and_who_sees_a_like(ada: Shell, known: Town) -> None:
    ada.json("post", "--to", "Ben", "Sunday?")
    (asked,) = ada.json("inbox", "Ben")
    ada.json("reply", asked["ref"], "Or Monday?")
    said = ada("inbox", "Ben").out
    assert "not here" not in said
    assert said.count("Sunday?") == 2
    assert ada("like", asked["ref"]).out == "You like it; who can read it can see that.\n"
