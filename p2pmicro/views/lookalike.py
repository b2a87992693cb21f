"""Names that look alike: what a stranger may call itself to be taken for a friend.

A skeleton is what is left of a name when letters that look alike are written alike, and case, accents, spaces and signs
are dropped: two names with a skeleton in common can be confused. The letters are those of Unicode's list.
Source: Unicode Technical Standard 39, section 4.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from unicodedata import category, normalize

_HIDDEN = re.compile("\u200e")  # the list has these marks around letters that run from right to left


@lru_cache(maxsize=8192)
def skeletons(name: str) -> frozenset[str]:
    """What a name looks like, as typed and in small letters: I looks like l, and i looks like neither."""
    found = {_skeleton(name), _skeleton(name.casefold()), _skeleton(name.upper())} - {""}
    return frozenset(found or {name.casefold()})  # of signs alone: only itself looks like it


def _skeleton(name: str) -> str:
    letters = _prototypes()
    text = normalize("NFC", name)
    for _ in range(2):  # a prototype of two letters may hold some that have prototypes
        text = _plain("".join(letters.get(letter, letter) for letter in text))
    return "".join(letter for letter in _plain(text.casefold()) if category(letter)[0] in "LN")


def _plain(text: str) -> str:
    """Compatibility forms and accents do not count."""
    decomposed = normalize("NFD", normalize("NFKC", text))
    return "".join(letter for letter in decomposed if category(letter)[0] != "M") or decomposed


@cache
def _prototypes() -> dict[str, str]:
    """One spelling for each letter that looks like others; made when it is first needed, in some 60 ms."""
    from confusable_homoglyphs.confusables import confusables_data

    found: dict[str, str] = {}
    for group in _groups(confusables_data):
        # Of two letters, as rn for m, only the one can be written for the other.
        spellings = [text for text in group if any(category(letter)[0] in "LN" for letter in text)]
        if spellings:
            prototype = min(spellings, key=lambda text: (not text.isascii(), -len(text), text))
            found.update((text, prototype) for text in group if len(text) == 1 and text != prototype)
    return found


def _groups(listed: dict[str, list[dict[str, str]]]) -> Iterator[Iterable[str]]:
    """What looks alike, all that does so by way of others too."""
    first: dict[str, str] = {}

    def find(text: str) -> str:
        while (next_one := first.setdefault(text, text)) != text:
            text = next_one
        return text

    for text, others in listed.items():
        for other in others:
            one, two = find(_HIDDEN.sub("", text)), find(_HIDDEN.sub("", other["c"]))
            first[max(one, two)] = min(one, two)
    groups: dict[str, list[str]] = {}
    for text in first:
        groups.setdefault(find(text), []).append(text)
    yield from groups.values()
