"""Finding people: by petname, name, what they say of themselves, and the tags that they write about.

Those whom the person knows best come first; of those, whoever is called so rather than only says so. Guests and
strangers are not searched, unless they have a petname: made-up names cost nothing. Source: threats X9.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from unicodedata import category, normalize

from ..feed.tags import fold
from ..ids import AccountId
from .filter import Filter
from .find import keys_of
from .names import Closeness, Known, known
from .person import Person, people
from .query import read_query

_TAGGED_MAX = 2000  # messages with a tag that are looked at to see who writes about it
_NOTHING = "Nothing was asked for: type a name, a word, or a #tag."


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """Who was found, and among how many."""

    people: list[Person]
    searched_people: int
    hints: tuple[str, ...]


def find_people(connection: sqlite3.Connection, own: AccountId, text: str, limit: int) -> FoundPeople:
    """People who fit all words and #tags of a query, each word by its beginning.

    Args:
        text: what a person typed; nothing in it is an error.
        limit: people at most.
    """
    hidden = Filter.read(connection)
    searched = [one for one in known(connection) if one.closeness >= Closeness.HOP]
    searched = [one for one in searched if not hidden.hides_person(one.account)]
    parts = text.encode(errors="replace").decode().split()
    tags = {fold(part.removeprefix("#")) for part in parts if part.startswith("#") and len(part) > 1}
    words = [folded for part in parts if not part.startswith("#") and (folded := _folded(part).strip())]
    if not tags and not words:
        return FoundPeople([], len(searched), (_NOTHING,))
    tagged = _writes_about(connection, tags) if tags else {}
    bios = _bios(connection)
    ranked = []
    for one in searched:
        rank = _rank(one, bios.get(one.account, ""), words)
        if rank is not None and (not tags or one.account in tagged):
            name = one.petname or one.name or ""
            ranked.append((-one.closeness, rank, -tagged.get(one.account, 0), name, one.account))
    found = [account for *_, account in sorted(ranked)[:limit]]
    return FoundPeople(people(connection, own, found), len(searched), ())


def _rank(one: Known, bio: str, words: Sequence[str]) -> int | None:
    """0: a name is what was typed; 1: its words begin so; 2: some stand in what they say; None: no."""
    names = [_folded(name) for _, name in one.names]
    if not words or any(" ".join(words) == " ".join(name.split()) for name in names):
        return 0
    if all(any(_has(name, word) for name in names) for word in words):
        return 1
    texts = [*names, _folded(bio)]
    return 2 if all(any(_has(text, word) for text in texts) for word in words) else None


def _has(text: str, word: str) -> bool:
    """Whether a word of a text begins so; in other scripts than those with spaces, anything may begin anywhere."""
    return f" {word}" in f" {text}" or (not word.isascii() and word in text)


@lru_cache(maxsize=32_768)
def _folded(text: str) -> str:
    """Small letters without accents, and spaces for all signs."""
    if text.isascii():
        plain = text.lower()
    else:
        plain = "".join(letter for letter in normalize("NFKD", text.casefold()) if category(letter) != "Mn")
    return "".join(letter if letter.isalnum() or category(letter)[0] == "M" else " " for letter in plain)


def _bios(connection: sqlite3.Connection) -> dict[AccountId, str]:
    rows = connection.execute(
        "SELECT accounts.account, bio FROM profiles JOIN accounts ON accounts.number = profiles.account"
        " WHERE bio IS NOT NULL"
    )
    return {AccountId(account): bio for account, bio in rows}


def _writes_about(connection: sqlite3.Connection, tags: Iterable[str]) -> dict[AccountId, int]:
    """Who wrote messages with all of some tags, and how many of the newest 2,000 with them."""
    wanted = read_query(connection, " ".join(f"#{tag}" for tag in tags))
    counts = Counter(key >> 32 for key in islice(keys_of(connection, wanted), _TAGGED_MAX))
    found: dict[AccountId, int] = {}
    for feed, count in counts.items():
        row = connection.execute(
            "SELECT accounts.account FROM feeds JOIN accounts ON accounts.number = feeds.account"
            " WHERE feeds.number = ?",
            (feed,),
        ).fetchone()
        if row is not None:
            found[AccountId(row[0])] = found.get(AccountId(row[0]), 0) + count
    return found
