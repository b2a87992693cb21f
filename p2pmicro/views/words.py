"""How a text falls into words, for the index and for queries alike. Source: the SQLite manual, "FTS5", section 4.3.1.

FTS5's unicode61 does it: letters, digits and marks are words, case and accents are folded. Scripts that are written
without spaces are cut into pairs of letters before, so that any two letters in a row are found.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import add
from unicodedata import category, normalize

TOKENIZER = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
"""The same as in store/schema/0003_views.sql."""

# Fixed ranges, not Unicode properties: an erasure must cut a text as it was cut when it came, whatever Python runs it.
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ece"  # Lao
    "\u1000-\u1049\u1050-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f"  # Myanmar
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul: spaced, but endings cling to words
    "\u1780-\u17d3"  # Khmer
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # Chinese and Japanese marks of repetition, numerals
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # Chinese
)
_RUN = re.compile(f"[{_UNSPACED}]+")
# Pictures are no words; but unicode61 takes those that it does not know for letters of the word that they stand behind.
_PICTURES = re.compile("[\u2190-\u2bff\ufe0e\ufe0f\U0001f000-\U0001fbff]+")

# What unicode61 does not fold: full-width forms of ASCII (common in Japanese), Greek accents, Arabic and Hebrew points,
# and the Russian io, which is mostly written without its dots.
_UNFOLDED = re.compile("[\uff01-\uff5e\u0386-\u03ce\u1f00-\u1fff\u0401\u0451\u0591-\u05c7\u0640\u064b-\u0652\u0670]")
_FOLDED: dict[int, str | None] = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    # Decompositions never change once a character exists (Unicode Normalization Stability).
    **{code: normalize("NFD", chr(code))[0] for code in (*range(0x386, 0x3CF), *range(0x1F00, 0x2000))},
    **dict.fromkeys((*range(0x591, 0x5BE), 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7)),
    **dict.fromkeys((0x640, *range(0x64B, 0x653), 0x670)),
    0x401: "\u0415",
    0x451: "\u0435",
}

_CHUNK = re.compile(r'"([^"]*)"?(\*?)|([^\s"]+)')
_TERMS_MAX = 64  # words of one query: more than 140 characters can hold in earnest


def spaced(text: str) -> str:
    """The text with runs of unspaced scripts as pairs (`日本語`: `日本 本語`), and folded where unicode61 does not."""
    if text.isascii():
        return text
    if _UNFOLDED.search(text):
        text = text.translate(_FOLDED)
    text = _PICTURES.sub(" ", text)
    return _RUN.sub(_pairs, text)


def _pairs(run: re.Match[str]) -> str:
    letters = run.group()
    if len(letters) > 2:  # else a pair, or one letter by itself
        letters = " ".join(map(add, letters, letters[1:]))
    return f" {letters} "


@dataclass(frozen=True, slots=True)
class Query:
    """A person's query in FTS5's words."""

    index: str  # for the index, which knows no positions: all words, in any order
    text: str  # for the texts: the phrases as well
    exact: bool  # whether the index alone decides


def parse(connection: sqlite3.Connection, query: str) -> Query | None:
    """Read words, "phrases" and prefix*, all of which a message must have; None where there is no word at all.

    Anything else (punctuation, FTS5's operators, an open quote) has no meaning, and is no error.
    """
    words: dict[str, None] = {}  # in order, each once
    phrases: dict[str, None] = {}
    exact = True
    query = query.encode(errors="replace").decode()  # half of a surrogate pair comes in by JSON
    for quoted, star_behind, word in _CHUNK.findall(query):
        prefix = star_behind or word.endswith("*")
        terms = _terms(connection, spaced(quoted or word))[:_TERMS_MAX]
        if not terms:
            continue
        # One letter of an unspaced script: the pairs that begin with it.
        star = " *" if prefix or (len(terms) == 1 and len(terms[0]) == 1 and _RUN.match(terms[0])) else ""
        words.update(dict.fromkeys(f'"{term}"' for term in terms[:-1]))
        words[f'"{terms[-1]}"{star}'] = None
        phrases[f'"{" ".join(terms)}"{star}'] = None
        exact = exact and len(terms) == 1
    if not words:
        return None
    return Query(" AND ".join(list(words)[:_TERMS_MAX]), " AND ".join(list(phrases)[:_TERMS_MAX]), exact)


def any_of(connection: sqlite3.Connection, texts: Iterable[str]) -> Query | None:
    """A query that a text fits if it has one of some words or phrases; None where there is no word at all.

    In a script without spaces, two letters or more are found wherever they stand in a row.
    """
    found = [_terms(connection, spaced(text))[:_TERMS_MAX] for text in texts]
    phrases = dict.fromkeys(f'"{" ".join(terms)}"' for terms in found if terms)
    either = " OR ".join(phrases)
    return Query(either, either, all(" " not in phrase for phrase in phrases)) if phrases else None


def has_words(connection: sqlite3.Connection, text: str) -> bool:
    """Whether there is anything in a text that a search could find."""
    return bool(_terms(connection, spaced(text)))


def is_letter(text: str) -> bool:
    """Whether a text is one letter of a script without spaces: in a longer run, the index has it in pairs only."""
    return len(text) == 1 and _RUN.match(text) is not None


def is_apart(left: str, right: str) -> bool:
    """Whether one word ends and another begins between two letters: in a script without spaces, anywhere."""
    return not (_is_of_word(left) and _is_of_word(right)) or bool(_RUN.match(left) or _RUN.match(right))


def _is_of_word(letter: str) -> bool:
    return letter == "_" or category(letter)[0] in "LNM"


def matching(connection: sqlite3.Connection, query: Query, texts: Mapping[int, str]) -> set[int]:
    """Which of some texts a query fits, phrases included: by a small index of them alone, with positions."""
    if not texts:
        return set()
    _probe(connection)
    values: list[int | str] = []
    for key in sorted(texts):  # FTS5 flushes before a smaller number, and after a statement outside of a transaction
        values += (key, spaced(texts[key]))
    marks = ",".join(["(?,?)"] * len(texts))
    connection.execute(f"INSERT INTO temp.probe (rowid, text) VALUES {marks}", values)
    return {key for (key,) in connection.execute("SELECT rowid FROM temp.probe WHERE probe MATCH ?", (query.text,))}


def _terms(connection: sqlite3.Connection, text: str) -> list[str]:
    """The words of a text as the index has them."""
    _probe(connection)
    connection.execute("INSERT INTO temp.probe (rowid, text) VALUES (0, ?)", (text,))
    return [term for (term,) in connection.execute("SELECT term FROM temp.probe_terms ORDER BY offset")]


def _probe(connection: sqlite3.Connection) -> None:
    """An empty index beside the database, in memory: so the same tokenizer decides everywhere."""
    connection.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.probe USING fts5 (text, content = '', tokenize = \"{TOKENIZER}\")"
    )
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.probe_terms USING fts5vocab (temp, probe, instance)")
    connection.execute("INSERT INTO temp.probe (probe) VALUES ('delete-all')")
