"""`tag`: messages of a tag, following one, and what is suggested."""

import pytest

from tests.cli.conftest import Shell


def test_tag_shows_its_messages_whatever_the_case(ada: Shell) -> None:
    for text in ("#Harbour is full", "no tag", "back at the #HARBOUR"):
        ada.json("post", text)
    for name in ("harbour", "#Harbour", "＃ＨＡＲＢＯＵＲ"):
        assert [message["text"] for message in ada.json("tag", name)] == ["back at the #HARBOUR", "#Harbour is full"]
    assert len(ada.json("tag", "harbour", "--limit", "1")) == 1


def test_tag_without_messages_is_told_what_there_is(ada: Shell) -> None:
    ada.json("post", "late #Fähre")
    assert ada("tag", "fahre").out == "Nothing here has this tag. There is: #fähre (1).\n"
    assert ada.json("tag", "fahre") == []


def test_tags_are_followed_until_they_are_not(ada: Shell) -> None:
    height = ada.json("status")[0]["height"]
    assert ada.json("tag", "東京", "--follow") == [{"tag": "東京", "following": True, "changed": True}]
    assert ada("tag", "#東京", "--follow").out == "You follow this tag already.\n"
    assert ada.json("tag") == [{"tag": "東京", "following": True}]
    assert ada("tag").out == "You follow #東京.\n"
    assert ada.json("tag", "東京", "--unfollow")[0]["changed"] is True
    assert ada("tag", "東京", "--unfollow").out == "You do not follow this tag.\n"
    assert ada.json("tag") == []
    assert ada.json("status")[0]["height"] == height


def test_the_most_used_are_listed(ada: Shell) -> None:
    ada.json("post", "#one #two")
    ada.json("post", "#two")
    assert ada("tag").out == "You follow no tag.\nThe most used here: #two (2 messages), #one (1 message).\n"


@pytest.mark.parametrize("name", ["", "1", "two words", "a.b", "#", "\x1b"])
def test_what_is_no_tag_is_refused(ada: Shell, name: str) -> None:
    assert ada.refused("tag", name)[0] == 2
    assert ada.refused("tag", name, "--follow")[0] == 2


def test_following_nothing_is_refused(ada: Shell) -> None:
    assert "Which tag" in ada.refused("tag", "--follow")[2]
