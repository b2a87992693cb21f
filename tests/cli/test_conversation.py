"""Answers, quotes, threads, likes, reposts, bookmarks, corrections and deletion, through the command line."""

import pytest

from p2pmicro import ids
from tests.cli.conftest import Shell
from tests.cli.others import bring, says
from tests.made import MadeFeed

QUESTION = "Who has seen the ferry?"


@pytest.fixture
def ref(ada: Shell) -> str:
    """What Bob asks, whom Ada follows."""
    made = MadeFeed(1, "bob", account="bob")
    says(made, "profile", name="Bob", rev=1)
    says(made, "post", text=QUESTION)
    bring(ada.person, made)
    return ids.format_ref(made.feed, 3)


def _by_ref(ada: Shell) -> dict[str, dict[str, object]]:
    return {message["ref"]: message for message in ada.json("timeline")}


def test_answer_stands_under_what_it_answers(ada: Shell, ref: str) -> None:
    (answer,) = ada.json("reply", ref, "I have, @Bob", "--lang", "en")
    assert answer.keys() == {"ref", "id", "account", "seq"}
    top, below = ada.json("thread", ref)
    assert (top["ref"], top["depth"], top["state"], top["focus"], top["replies"]) == (ref, 0, "here", True, 1)
    assert (below["ref"], below["depth"], below["parent"], below["lang"]) == (answer["ref"], 1, ref, "en")
    assert [(one["start"], one["length"]) for one in below["mentions"]] == [(8, 4)]
    assert ada.json("thread", answer["ref"]) == [top | {"focus": False}, below | {"focus": True}]
    said = ada("thread", ref).out
    assert f"\n  {QUESTION}\n" in said
    assert "\n    I have, @Bob\n" in said
    shown = ada("timeline").out
    assert f"answers Bob (…{ref.partition('/')[0][-8:]}" not in shown  # the account's letters, not the feed's
    assert f": {QUESTION}\n" in shown


def test_what_is_not_here_is_said_and_counted(ada: Shell) -> None:
    made = MadeFeed(1, "bob", account="bob")
    gone = [MadeFeed(1, "nobody").feed, 7, bytes(32)]
    says(made, "post", text="to what?", reply={"root": gone, "parent": gone})
    bring(ada.person, made)
    ref = ids.format_ref(made.feed, 2)
    missing, here = ada.json("thread", ref)
    assert missing == {"ref": ids.format_ref(gone[0], 7), "depth": 0, "state": "not here", "focus": False}  # type: ignore[arg-type]
    assert here["text"] == "to what?"
    assert "1 message is not here" in ada("thread", ref).out
    asked_for = ada.json("thread", missing["ref"])
    assert asked_for == [missing | {"focus": True}, here | {"focus": False}], "it can be asked for by its ref"
    assert "answers a message that is not here" in ada("timeline").out


def test_quote_is_shown_with_what_it_quotes(ada: Shell, ref: str) -> None:
    (quote,) = ada.json("quote", ref, "Good question")
    assert _by_ref(ada)[quote["ref"]]["quote"] == ref
    assert "quotes Bob (" in ada("timeline").out


def test_like_counts_until_it_is_taken_back(ada: Shell, ref: str) -> None:
    (first,) = ada.json("like", ref)
    assert first.items() >= {"target": ref, "liked": True, "changed": True}.items()
    assert ada.json("like", ref) == [{"target": ref, "liked": True, "changed": False, "ref": None}]
    (shown,) = ada.json("show", ref)
    assert (shown["likes"], shown["liked"], [one["name"] for one in shown["liked_by"]]) == (1, True, ["Ada"])
    assert "1 like (yours too)" in ada("show", ref).out
    assert "liked by Ada (" in ada("show", ref).out
    assert ada("unlike", ref).out == "You like it no longer.\n"
    assert ada("unlike", ref).out == "You did not like it.\n"
    assert ada.json("show", ref)[0]["likes"] == 0


def test_repost_stands_in_the_timeline_under_its_authors_name(ada: Shell, ref: str) -> None:
    made = MadeFeed(1, "carol", account="carol")
    says(made, "profile", name="Carol", rev=1)
    says(made, "post", text="newer")
    bring(ada.person, made)
    assert ada.json("repost", ref)[0]["changed"] is True
    top = ada.json("timeline")[0]
    assert (top["ref"], top["name"], [one["name"] for one in top["reposted_by"]]) == (ref, "Bob", ["Ada"])
    assert [message["ref"] for message in ada.json("timeline")].count(ref) == 1
    assert "passed on by Ada (" in ada("timeline").out
    assert ada("repost", ref).out == "You have passed it on already.\n"
    assert ada.json("repost", "--undo", ref)[0] | {"ref": ""} == {
        "target": ref,
        "reposted": False,
        "changed": True,
        "ref": "",
    }
    assert ada("repost", "--undo", ref).out == "You had not passed it on.\n"
    assert not any(message["reposted_by"] for message in ada.json("timeline"))


def test_bookmarks_are_kept_and_told_to_nobody(ada: Shell, ref: str) -> None:
    height = ada.json("status")[0]["height"]
    assert ada("bookmarks").out == "You keep nothing yet: `p2pmicro bookmark REF` does.\n"
    assert ada.json("bookmark", ref) == [{"target": ref, "bookmarked": True, "changed": True}]
    assert ada.json("bookmark", ref)[0]["changed"] is False
    assert [message["ref"] for message in ada.json("bookmarks")] == [ref]
    assert ada.json("status")[0]["height"] == height
    assert ada.json("bookmark", "--remove", ref) == [{"target": ref, "bookmarked": False, "changed": True}]
    assert ada.json("bookmarks") == []


def test_correction_takes_the_place_of_what_it_replaces(ada: Shell, ref: str) -> None:
    (old,) = ada.json("reply", ref, "I hvae")
    (new,) = ada.json("post", "--replace", old["ref"], "I have")
    assert [(one["ref"], one["depth"]) for one in ada.json("thread", ref)] == [(ref, 0), (new["ref"], 1)]
    assert _by_ref(ada)[new["ref"]]["replaces"] == [old["ref"]]
    assert "deleted it" in ada.refused("show", old["ref"])[2]
    assert "Only your own" in ada.refused("post", "--replace", ref, "mine now")[2]


def test_deleted_message_is_gone_and_others_stay(ada: Shell, ref: str) -> None:
    posted = ada.json("post", "quartzword")[0]["ref"]
    (gone,) = ada.json("delete", posted)
    assert gone.items() >= {"deleted": True, "changed": True}.items()
    assert ada.json("delete", posted) == [{"deleted": True, "changed": False, "ref": None}]
    assert [message["ref"] for message in ada.json("timeline")] == [ref]
    again = ada.json("post", "quartzword")[0]["ref"]
    assert ada("delete", again).out.startswith("Deleted. It is gone from this disk, and every honest node")
    files = b"".join(path.read_bytes() for path in ada.person.home.rglob("*") if path.is_file())
    assert b"uartzword" not in files
    assert "Only your own" in ada.refused("delete", ref)[2]


@pytest.mark.parametrize(
    "command",
    [["reply", "REF", "yes"], ["quote", "REF", "yes"], ["repost"], ["like"], ["unlike"], ["bookmark"], ["thread"]],
)
@pytest.mark.parametrize("other", ["no ref", "…2222/3", "1", "9"])
def test_what_is_no_message_here_is_refused_and_nothing_written(
    ada: Shell, ref: str, command: list[str], other: str
) -> None:
    height = ada.json("status")[0]["height"]
    given = other if "/" in other or " " in other else f"{ref.partition('/')[0]}/{other}"
    argv = [given if word == "REF" else word for word in command]
    status, code, _ = ada.refused(*argv, *[given] * (len(command) == 1))
    assert (status, code) == (2, "local")
    assert ada.json("status")[0]["height"] == height


def test_ref_may_be_given_by_the_last_letters_of_its_feed(ada: Shell, ref: str) -> None:
    feed, _, seq = ref.partition("/")
    assert ada.json("show", f"…{feed[-8:]}/{seq}") == ada.json("show", ref)


def test_answer_in_several_words_is_told_to_be_quoted(ada: Shell, ref: str) -> None:
    assert "put quotes around it" in ada("reply", ref, "two", "words").err


def test_pinned_message_stands_first_on_ones_page(ada: Shell, ref: str) -> None:
    first = ada.json("post", "first")[0]["ref"]
    ada.json("post", "second")
    assert ada.json("pin", first)[0].items() >= {"target": first, "pinned": True, "changed": True}.items()
    assert [(one["text"], one["pinned"]) for one in ada.json("timeline", "Ada")] == [("first", True), ("second", False)]
    assert "[pinned]" in ada("timeline", "Ada").out
    assert ada("pin", first).out == "It is pinned already.\n"
    assert ada("pin", "--remove", first).out == "It is pinned no longer.\n"
    assert "Only your own" in ada.refused("pin", ref)[2]
    assert [one["text"] for one in ada.json("timeline", "Bob")] == [QUESTION]
