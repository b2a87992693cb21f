"""Tags in texts: the vectors in protocol/vectors/text have the cases; here is what holds for all of them."""

import re
import sys
import unicodedata

import pytest

from p2pmicro.feed.tags import fold, parse_tag, plain, tags_in
from tests.texts import SENTENCES
from tests.vectors.form import FOLDER

PAGE = (FOLDER.parent / "content.md").read_text("utf-8")


def test_table_of_the_page_is_what_the_code_finds() -> None:
    rows = re.findall(r"^\| `([^|]*)` \| (.*) \|$", PAGE.partition("## Tags")[2].partition("## Pictures")[0], re.M)
    assert len(rows) >= 6
    for text, found in rows:
        pairs = re.findall(r"`([^`]*)` → `([^`]*)`", found)
        assert [(tag.text, tag.name) for tag in tags_in(text)] == pairs, text


def test_every_code_point_is_inside_a_tag_or_ends_it_as_the_page_says() -> None:
    joiners = set("\u00b7\u0387\u058a\u05f3\u05f4\u0f0b\u200c\u200d\u30a0\u30fb\uff65")
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        kind = unicodedata.category(letter)
        inside = (
            kind in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Mn", "Mc", "Me", "Nd") or letter == "_" or letter in joiners
        )
        (tag, *_) = tags_in(f"#a{letter}b")
        assert (tag.text == f"a{letter}b") is inside, hex(code)


def test_folding_twice_is_folding_once() -> None:
    for code in range(sys.maxunicode + 1):
        once = fold(chr(code)) if unicodedata.category(chr(code)) != "Cs" else ""
        assert fold(once) == once, hex(code)


def test_places_are_counted_in_code_points() -> None:
    text = "🦉 #owl and ＃フクロウ"
    assert [(tag.start, text[tag.start + 1 :][: len(tag.text)]) for tag in tags_in(text)] == [
        (2, "owl"),
        (11, "フクロウ"),
    ]


@pytest.mark.parametrize("text", SENTENCES)
def test_texts_without_a_sign_have_no_tags_and_words_become_tags(text: str) -> None:
    assert tags_in(text.replace("#", "")) == []
    words = re.findall(r"[a-zA-Z]+", text)
    assert [tag.text for tag in tags_in(" ".join("#" + word for word in words))] == words


@pytest.mark.parametrize(
    ("typed", "name"), [("Ferry", "ferry"), ("#Ferry", "ferry"), ("＃東京", "東京"), ("2026年", "2026年")]
)
def test_one_tag_is_read_with_its_sign_or_without(typed: str, name: str) -> None:
    tag = parse_tag(typed)
    assert tag is not None
    assert (tag.name, tag.text) == (name, typed.lstrip("#＃"))


@pytest.mark.parametrize(
    "typed", ["", "#", "##a", "1", "#1", "two words", "a#b", "a.", "·a", "a·", "https://x.example"]
)
def test_what_is_no_tag_is_none(typed: str) -> None:
    assert parse_tag(typed) is None


@pytest.mark.parametrize(
    ("name", "bare"),
    [("fähre", "fahre"), ("crème", "creme"), ("ελιά", "ελια"), ("ไทย", "ไทย"), ("हिन्दी", "हिन्दी"), ("ferry", "ferry")],
)
def test_suggestions_ignore_accents_and_keep_vowel_signs(name: str, bare: str) -> None:
    assert plain(fold(name)) == bare
