"""Refs whose feed is named by its last letters alone."""

import pytest

from p2pmicro.ids import ends_with, format_feed, parse_short_ref
from tests.made import private_key


@pytest.mark.parametrize("length", [1, 4, 8, 43, 44])
def test_a_key_ends_with_its_last_letters_and_no_others(length: int) -> None:
    for name in ("one", "two"):
        key = private_key(name).public
        text = format_feed(key)
        assert ends_with(key, text[-length:])
        wrong = ("2" if text[-length] != "2" else "3") + text[-length:][1:]
        assert not ends_with(key, wrong)


@pytest.mark.parametrize("text", ["…abcdefgh/12", "...abcdefgh/12", "abcdefgh/12"])
def test_dots_may_stand_before(text: str) -> None:
    assert parse_short_ref(text) == ("abcdefgh", 12)


@pytest.mark.parametrize(
    "text", ["", "/", "abcd", "abc/1", "abcd/", "abcd/0", "abcd/01", "abcd/4294967296", "abcd/1 ", "ab0d/1", "abcd/٣"]
)
def test_what_is_no_short_ref_is_none(text: str) -> None:
    assert parse_short_ref(text) is None


def test_whole_feed_is_no_short_ref() -> None:
    assert parse_short_ref(f"{format_feed(private_key('one').public)}/1") is None
