"""Vectors of tags: protocol/content.md, "Tags". Texts are written here as they are; escapes where nothing is seen."""

import json
from collections.abc import Iterator

from .form import Vector

_CASES: tuple[tuple[str, str, str, str, list[list[str]]], ...] = (
    ("none", "tag-sign", "A text without a sign.", "no tag here", []),
    ("one", "tag-sign", "At the beginning.", "#ferry is late", [["ferry", "ferry"]]),
    ("several", "tag-sign", "Punctuation ends a tag.", "(#one, #two.)", [["one", "one"], ["two", "two"]]),
    (
        "full_width",
        "tag-sign",
        "The sign of East Asian keyboards.",
        "今日は ＃東京タワー",
        [["東京タワー", "東京タワー"]],
    ),
    ("inside_word", "tag-sign", "Behind a letter, a digit and a mark.", "a#b 1#c e\u0301#d", []),
    ("behind_tag", "tag-sign", "Behind a tag: only the first.", "#one#two", [["one", "one"]]),
    ("doubled", "tag-sign", "Two signs.", "##one ＃#two", []),
    ("entity", "tag-sign", "HTML's way to write an apostrophe.", "it&#x27;s &#39;so&#39;", []),
    ("path", "tag-sign", "A part of a page.", "see /page/#part", []),
    ("marks", "tag-word", "Vowel signs belong to words.", "#हिन्दी #ไทย", [["हिन्दी", "हिन्दी"], ["ไทย", "ไทย"]]),
    (
        "digits",
        "tag-word",
        "Digits of any script, and the low line.",
        "#2nd_try #٣خ",
        [["2nd_try", "2nd_try"], ["٣خ", "٣خ"]],
    ),
    (
        "joiners",
        "tag-word",
        "Joiners stand inside.",
        "#col·lega #大阪・京都",
        [["col·lega", "col·lega"], ["大阪・京都", "大阪・京都"]],
    ),
    ("joiner_at_end", "tag-word", "And end none.", "#fin· #ok\u200d", [["fin", "fin"], ["ok", "ok"]]),
    ("joiner_first", "tag-word", "Nor begin one.", "#·a #\u0301b", []),
    ("emoji", "tag-word", "A picture ends a tag.", "#fun\U0001f389 #\U0001f389", [["fun", "fun"]]),
    ("numbers", "tag-letter", "Only digits.", "#1 #2026_07 #_ #٣", []),
    ("number_and_letter", "tag-letter", "One letter is enough.", "#2026年", [["2026年", "2026年"]]),
    ("unseen_letter", "tag-letter", "A letter that nobody sees.", "#\u3164 #1\u115f", []),
    ("link", "tag-link", "Links have signs of their own.", "#a https://x.example/?q#b #c", [["a", "a"], ["c", "c"]]),
    ("case", "tag-match", "Full case folding.", "#Straße #STRASSE", [["Straße", "strasse"], ["STRASSE", "strasse"]]),
    ("greek", "tag-match", "A final sigma is a sigma.", "#ΟΔΟΣ #οδος", [["ΟΔΟΣ", "οδοσ"], ["οδος", "οδοσ"]]),
    (
        "compatible",
        "tag-match",
        "Forms of width.",
        "#ｆｅｒｒｙ #ﾌｪﾘｰ",
        [["ｆｅｒｒｙ", "ferry"], ["ﾌｪﾘｰ", "フェリー"]],
    ),
    ("accents", "tag-match", "Two tags.", "#fähre #fahre", [["fähre", "fähre"], ["fahre", "fahre"]]),
    ("decomposed", "tag-match", "One tag.", "#fa\u0308hre #fähre", [["fa\u0308hre", "fähre"], ["fähre", "fähre"]]),
    (
        "unseen",
        "tag-match",
        "What is not seen tells no tags apart.",
        "#کتاب\u200cها #کتابها #a\ufe0fb",
        [["کتاب\u200cها", "کتابها"], ["کتابها", "کتابها"], ["a\ufe0fb", "ab"]],
    ),
)


def vectors() -> Iterator[Vector]:
    """Every case."""
    for name, rule, comment, text, decoded in _CASES:
        yield Vector(
            f"text/tags_{name}",
            f"content.md#{rule}",
            comment,
            text.encode(),
            given={"form": "tags"},
            diag=json.dumps(text),
            decoded=decoded,
        )
