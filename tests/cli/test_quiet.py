"""`mute` and `block`: what is not seen any more, and what is not here any more."""

from datetime import datetime, timedelta

import pytest

from p2pmicro import ids
from tests.cli.conftest import Shell
from tests.cli.others import bring, says
from tests.made import MadeFeed


@pytest.fixture
def bob(ada: Shell) -> str:
    """Somebody whom Ada follows, with a name and a message."""
    made = MadeFeed(1, "bob", account="bob")
    says(made, "profile", name="Bob", rev=1)
    says(made, "post", text="The ferry was late, #NightWalk")
    return bring(ada.person, made)


def seen(ada: Shell) -> int:
    """How many messages the timeline has."""
    return len(ada.json("timeline"))


@pytest.mark.parametrize("what", [["Bob"], ["--word", "FERRY was"], ["--tag", "#nightwalk"]])
def test_mute_hides_until_it_is_off(ada: Shell, bob: str, what: list[str]) -> None:
    (muted,) = ada.json("mute", *what)
    assert muted.items() >= {"muted": True, "changed": True, "until": None}.items()
    assert seen(ada) == 0
    assert ada.json("mute", *what)[0]["changed"] is False
    (listed,) = ada.json("mute")
    assert muted == listed | {"muted": True, "changed": True}
    assert ada.json("mute", "--off", *what)[0]["changed"] is True
    assert seen(ada) == 1
    assert ada.json("mute") == []


def test_mute_until_a_day_is_told_as_that_moment(ada: Shell, bob: str) -> None:
    day = (datetime.now() + timedelta(days=3)).date()
    (muted,) = ada.json("mute", "Bob", "--until", day.isoformat())
    assert datetime.fromisoformat(muted["until"]).astimezone().replace(tzinfo=None) == datetime(*day.timetuple()[:3])
    assert seen(ada) == 0
    assert day.isoformat() in ada("mute").out
    assert ada.json("mute", "Bob")[0]["changed"] is True  # for ever, from now on
    assert ada.json("mute")[0]["until"] is None


def test_sentences_name_people_with_the_end_of_their_account(ada: Shell, bob: str) -> None:
    name = f"Bob ({ids.short(ids.parse_account(bob))})"
    assert ada("mute", "Bob").out.startswith(f"You do not see {name} any more. Nobody learns")
    assert ada("mute").out == f"{name}\n"
    assert ada("mute", "Bob", "--off").out == f"You see {name} again.\n"
    assert ada("mute", "Bob", "--off").out == f"You have not muted {name}.\n"
    blocked = ada("block", "Bob").out
    assert blocked.startswith(f"You have nothing more to do with {name}: what was here")
    assert "`p2pmicro unfollow`" in blocked


def test_block_drops_what_is_here_and_keeps_the_follow(ada: Shell, bob: str) -> None:
    own = ada.json("status")[0]
    assert ada.json("block", "Bob") == [{"account": bob, "blocked": True, "changed": True}]
    assert seen(ada) == 0
    after = ada.json("status")[0]
    assert (after["feeds"], after["entries"], after["height"]) == (1, own["height"], own["height"])
    assert [feed["account"] for feed in ada.json("feeds")] == [own["account"]]
    assert [one["account"] for one in ada.json("following")] == [bob]
    assert ada.json("block", bob)[0]["changed"] is False
    assert [one["account"] for one in ada.json("block")] == [bob]
    assert bob in ada("block").out
    assert ada.json("block", "--off", bob)[0] == {"account": bob, "blocked": False, "changed": True}
    assert ada.json("block") == []
    assert ada.json("verify")[0]["faults"] == 0


@pytest.mark.parametrize(
    "line",
    [
        ["mute", "--off"],
        ["mute", "--until", "2999-01-01"],
        ["mute", "Bob", "--word", "x"],
        ["mute", "--word", "..."],
        ["mute", "--word", ""],
        ["mute", "--tag", "a b"],
        ["mute", "--tag", "#"],
        ["mute", "Bob", "--until", "2001-01-01"],
        ["mute", "Bob", "--until", "tomorrow"],
        ["mute", "Nobody"],
        ["mute", "Ada"],
        ["block", "--off"],
        ["block", "Ada"],
        ["block", "did:key:z6Mkno"],
    ],
)
def test_what_cannot_be_muted_or_blocked_is_refused(ada: Shell, bob: str, line: list[str]) -> None:
    status, code, _ = ada.refused(*line)
    assert (status, code.split(".")[0]) == (2, "local")
    assert ada.json("mute") == ada.json("block") == []


def test_empty_lists_say_what_to_do(ada: Shell) -> None:
    for command in ("mute", "block"):
        assert f"p2pmicro {command} NAME" in ada(command).out
