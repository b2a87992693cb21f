"""Tags: the words behind a # in a text, in every script. Source: protocol/content.md, "Tags"."""

import re
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category, combining, normalize

SIGNS = "#\uff03"
"""What a tag begins with: the number sign, and the full-width one of East Asian keyboards."""

# Letters' companions that are no letters: the joiners of Persian and Indian scripts, the middle dots of Catalan, Greek
# and Japanese, Hebrew abbreviation marks, the Tibetan dot between syllables, the Armenian and Japanese hyphens.
# Unicode Standard Annex 31, tables 3 and 3a, has most of them.
_JOINERS = frozenset("\u200c\u200d\u00b7\u0387\u058a\u05f3\u05f4\u0f0b\u30a0\u30fb\uff65")
# Letters, marks and joiners that are not seen: they may stand in a tag, and tell none apart.
_UNSEEN = frozenset(
    [*"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u200c\u200d\u3164\uffa0"]
    + [chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))]
)
_APART = frozenset("&/" + SIGNS)  # `&#39;`, `path/#part`, `##`: no tags
_SIGN = re.compile(f"[{SIGNS}]")
_LINK = re.compile(r"https?://\S*")
_ACCENT_CLASSES = 200  # canonical combining classes from here on are those of accents; vowel signs and tones are below


class Tag(NamedTuple):
    """A tag in a text."""

    start: int  # of its sign, in code points
    text: str  # as it was typed, without the sign
    name: str  # how it is matched: tags with equal names are one


def tags_in(text: str) -> list[Tag]:
    """The tags of a text, in order.

    Source: protocol/content.md, "Tags".
    """
    if "#" not in text and "\uff03" not in text:  # most messages
        return []
    if "://" in text:
        text = _LINK.sub(lambda link: " " * len(link.group()), text)
    found = []
    for sign in _SIGN.finditer(text):
        at = sign.start()
        if at > 0 and (text[at - 1] in _APART or _is_inside(text[at - 1])):
            continue
        word = text[at + 1 : _end(text, at + 1)]
        if any(map(_is_letter, word)):
            found.append(Tag(at, word, fold(word)))
    return found


def parse_tag(text: str) -> Tag | None:
    """Read one tag as a person types it, with its sign or without; None if it is none."""
    sign = "" if text[:1] in SIGNS and text else "#"
    found = tags_in(sign + text)
    return found[0] if len(found) == 1 and found[0].start + 1 + len(found[0].text) == len(sign + text) else None


def fold(word: str) -> str:
    """How a tag is matched: compatibility forms, case and what is not seen do not count; accents do."""
    if word.isascii():
        return word.lower()
    # The Unicode Standard, section 3.13, D146: a compatibility caseless match.
    folded = normalize("NFKC", normalize("NFKC", normalize("NFD", word).casefold()).casefold())
    return "".join(letter for letter in folded if letter not in _UNSEEN)


def plain(name: str) -> str:
    """A folded tag without accents, for suggestions alone: `fähre` and `fahre` are two tags."""
    if name.isascii():
        return name
    return normalize("NFC", "".join(x for x in normalize("NFD", name) if combining(x) < _ACCENT_CLASSES))


def _end(text: str, start: int) -> int:
    """Where the word from `start` on ends; a mark or a joiner begins none, and a joiner ends none."""
    if start >= len(text) or not _is_first(text[start]):
        return start
    end = start
    while end < len(text) and _is_inside(text[end]):
        end += 1
    while text[end - 1] in _JOINERS:
        end -= 1
    return end


@lru_cache(maxsize=4096)
def _is_first(letter: str) -> bool:
    return letter == "_" or category(letter)[0] == "L" or category(letter) in ("Nd", "Nl")


@lru_cache(maxsize=4096)
def _is_inside(letter: str) -> bool:
    return _is_first(letter) or category(letter)[0] == "M" or letter in _JOINERS


@lru_cache(maxsize=4096)
def _is_letter(letter: str) -> bool:
    return letter not in _UNSEEN and (category(letter)[0] == "L" or category(letter) == "Nl")
