"""Finding messages: what a person typed, by the index, the lists by time, and the texts where those do not tell.

Newest first, of oneself, those one follows and those near them; whom the person muted or blocked is neither found nor
counted among what was searched.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from .. import cbor
from ..feed.content import Entry, read_many, read_opened
from ..ids import AccountId
from ..limits import INT_MAX
from ..store.feeds import Role
from .filter import Filter
from .held import Place, marks
from .message import Message, visible
from .query import Wanted, read_query
from .search import KEY_SQL, key_of
from .tags import tag_places
from .words import matching

_FEW = 2000  # found: up to here each one's time is looked up; above, the lists by time are walked until enough fit
_SORTED_MAX = 10_000  # found: up to here the walk stops at a part of them, and the times of all are looked up then
_WALKED_PART = 32
_MANY = 50_000  # found: above, so much fits that the texts of the lists are read instead
_CHECKED_MAX = 10_000  # texts that one query reads to check phrases: about 0.4 s
_BLOCK = 64  # texts checked at once: most phrases that people type fit most of what has their words
_BLOCK_MAX = 1024  # and later, where less than a quarter fits
_READ_MAX = 3000  # posts of a person that are read to put them in order, some 25 ms; those of who wrote more are walked
_TOP = (INT_MAX, INT_MAX)
_Times = Callable[[sqlite3.Connection, Sequence[int]], Iterator[Place]]
_NOTHING = "Nothing was asked for: type a word, a #tag, or from:NAME."


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and in what it was looked for."""

    messages: list[Message]
    searched_messages: int  # that are held of those who are searched
    searched_people: int
    hints: tuple[str, ...]  # what of the query was left out, and why: a sentence each


def find_messages(connection: sqlite3.Connection, text: str, limit: int, before: Place | None = None) -> Found:
    """The newest messages that have all that a query asks for: see query.py.

    Case and accents do not count. Chinese, Japanese, Korean, Thai, Lao, Khmer and Myanmar are found by any two letters
    in a row. What only texts tell, as a phrase, is looked for in the newest 10,000 messages that the index gives.

    Args:
        text: what a person typed; nothing in it is an error.
        limit: messages at most.
        before: for the next page, the last `Message.place` shown.
    """
    wanted = read_query(connection, text)
    hidden = Filter.read(connection)
    searched = _extent(connection, hidden, wanted.people)
    if wanted.is_empty:
        return Found([], *searched, (*wanted.hints, _NOTHING))
    return Found(visible(connection, keys_of(connection, wanted, before), limit), *searched, wanted.hints)


def keys_of(connection: sqlite3.Connection, wanted: Wanted, before: Place | None = None) -> Iterator[int]:
    """The keys of what is wanted, newest first, as they are asked for, those that are hidden too."""
    top = before or _TOP
    if wanted.until_ms is not None:
        top = min(top, (wanted.until_ms, 0))
    found, in_texts = _candidates(connection, wanted, top)
    if wanted.since_ms is not None:
        since_ms = wanted.since_ms
        found = takewhile(lambda place: place[0] >= since_ms, found)
    for tag in wanted.tags:
        found = _with_tag(connection, found, tag, True)
    for tag in wanted.without_tags:
        found = _with_tag(connection, found, tag, False)
    keys: Iterator[int] = (key for _, key in found)
    if wanted.without_people:
        apart = set(_feeds_of(connection, wanted.without_people))
        keys = (key for key in keys if key >> 32 not in apart)
    if wanted.picture is not None:
        keys = _with_picture(connection, keys, wanted.picture)
    if in_texts:
        keys = _checked(connection, wanted, islice(keys, _CHECKED_MAX))
    return keys


def _candidates(connection: sqlite3.Connection, wanted: Wanted, top: Place) -> tuple[Iterator[Place], bool]:
    """The places of what may fit, newest first, and whether texts must tell if they do."""
    index = _index_of(wanted)
    if wanted.people is not None:
        feeds = _feeds_of(connection, wanted.people)
        if index is None and _posts_of(connection, feeds) > _READ_MAX:  # many: they stand close together in the lists
            return _walk(connection, top, feeds=feeds), True
        if index is None:
            return iter(_by_time(connection, _keys_of(connection, feeds), top, _times_of_posts)), _in_texts(wanted)
        return iter(_by_time(connection, of_feeds(connection, index, feeds), top)), _in_texts(wanted)
    if wanted.tags:
        return _tagged(connection, wanted, index, top)
    if index is None and wanted.picture:
        pictures = connection.execute("SELECT DISTINCT key FROM pictures LIMIT ?", (_READ_MAX + 1,)).fetchall()
        if len(pictures) <= _READ_MAX:  # more stand close together in the lists
            return iter(_by_time(connection, [key for (key,) in pictures], top)), _in_texts(wanted)
    if index is None:
        return _walk(connection, top), True
    some = _found(connection, index, _FEW + 1)
    if len(some) <= _FEW:
        return iter(_by_time(connection, some, top)), _in_texts(wanted)
    count = _count(connection, index)
    if count > _MANY:
        return _walk(connection, top), True
    if count > _SORTED_MAX:
        return _walk(connection, top, index), _in_texts(wanted)
    return _walk_then_sort(connection, top, index, count // _WALKED_PART), _in_texts(wanted)


def _tagged(
    connection: sqlite3.Connection, wanted: Wanted, index: str | None, top: Place
) -> tuple[Iterator[Place], bool]:
    """The places of messages with a tag that the index has too, unless it has very many: then texts must tell."""
    places = tag_places(connection, min(wanted.tags), top, Role.HOP)
    if index is None:
        return places, _in_texts(wanted)
    keys = set(_found(connection, index, _MANY + 1))
    if len(keys) > _MANY:
        return places, True
    return (place for place in places if place[1] in keys), _in_texts(wanted)


def _index_of(wanted: Wanted) -> str | None:
    """What to ask of the index, which has no positions; None if no word is asked for."""
    if wanted.words is None:
        return None
    if wanted.without is None or not wanted.without.exact:
        return wanted.words.index
    return f"({wanted.words.index}) NOT ({wanted.without.index})"


def _in_texts(wanted: Wanted) -> bool:
    """Whether there is something of words that the index was not asked, or can't tell."""
    if wanted.words is None:
        return wanted.without is not None
    return not wanted.words.exact or (wanted.without is not None and not wanted.without.exact)


def _found(connection: sqlite3.Connection, index: str, limit: int) -> list[int]:
    """The keys of what the index has, in no order of time."""
    rows = connection.execute("SELECT rowid FROM search WHERE search MATCH ? LIMIT ?", (index, limit))
    return [key_of(number) for (number,) in rows]


def _count(connection: sqlite3.Connection, index: str) -> int:
    """How much the index has, up to one more than _MANY."""
    (count,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)", (index, _MANY + 1)
    ).fetchone()
    return int(count)


def _feeds_of(connection: sqlite3.Connection, people: Iterable[AccountId]) -> list[int]:
    """The numbers of the feeds of some people."""
    return [
        number
        for account in people
        for (number,) in connection.execute(
            "SELECT feeds.number FROM feeds JOIN accounts ON accounts.number = feeds.account"
            " WHERE accounts.account = ?",
            (account,),
        )
    ]


def _posts_of(connection: sqlite3.Connection, feeds: Sequence[int]) -> int:
    """How many posts the index has of some feeds."""
    (count,) = connection.execute(
        f"SELECT coalesce(sum(posts), 0) FROM tallies WHERE feed IN ({marks(len(feeds))})", feeds
    ).fetchone()
    return int(count)


def _keys_of(connection: sqlite3.Connection, feeds: Iterable[int]) -> list[int]:
    """The keys of all that can be read of some feeds."""
    return [
        key
        for feed in feeds
        for (key,) in connection.execute(
            "SELECT key FROM entries WHERE key BETWEEN ? AND ? AND payload IS NOT NULL",
            (feed << 32, feed << 32 | 0xFFFFFFFF),
        )
    ]


def of_feeds(connection: sqlite3.Connection, index: str, feeds: Iterable[int]) -> list[int]:
    """The keys that the index gives of some feeds, of each the newest 10,000: its numbers go feed by feed."""
    found: list[int] = []
    for feed in feeds:
        for low, high, order in (
            (-(feed << 32 | 0xFFFFFFFF), -(feed << 32 | 0x10000), "ASC"),  # the larger seqs: search.number_of
            (feed << 16, feed << 16 | 0xFFFF, "DESC"),
        ):
            rows = connection.execute(
                "SELECT rowid FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ?"
                f" ORDER BY rowid {order} LIMIT ?",
                (index, low, high, _CHECKED_MAX),
            )
            found += [key_of(number) for (number,) in rows]
    return found


def _times(connection: sqlite3.Connection, keys: Sequence[int]) -> Iterator[Place]:
    """The places of some keys, all of posts."""
    for key, seen_ms, begun in connection.execute(
        "SELECT key, seen_ms, substr(payload, 1, 10) FROM entries"
        f" WHERE payload IS NOT NULL AND key IN ({marks(len(keys))})",
        keys,
    ):
        time_ms = cbor.first_integer(begun)
        yield (seen_ms if time_ms is None else min(time_ms, seen_ms)), key


def _times_of_posts(connection: sqlite3.Connection, keys: Sequence[int]) -> Iterator[Place]:
    """The places of those of some keys that are posts."""
    return ((min(entry.time_ms, seen_ms), key) for key, seen_ms, entry in _entries(connection, keys))


def _by_time(connection: sqlite3.Connection, keys: Sequence[int], top: Place, times: _Times = _times) -> list[Place]:
    """The places of some keys, newest first: those below `top`, of accounts that are at least hops."""
    apart = {
        number
        for (number,) in connection.execute(
            "SELECT feeds.number FROM feeds JOIN accounts ON accounts.number = feeds.account WHERE role < ?",
            (int(Role.HOP),),
        )
    }
    wanted = [key for key in keys if key >> 32 not in apart]
    places: list[Place] = []
    for start in range(0, len(wanted), _CHECKED_MAX):
        places += times(connection, wanted[start : start + _CHECKED_MAX])
    return sorted((place for place in places if place < top), reverse=True)


def _walk(
    connection: sqlite3.Connection, top: Place, index: str | None = None, feeds: Sequence[int] | None = None
) -> Iterator[Place]:
    """The places of hops and above, newest first, as they are asked for: all, what the index has, or some feeds'."""
    test = "" if index is None else f"AND key IN (SELECT {KEY_SQL} FROM search WHERE search MATCH ?3)"
    if feeds is not None:
        test += f" AND key >> 32 IN ({','.join(map(str, feeds))})"
    rows = connection.execute(
        f"SELECT time_ms, key FROM home WHERE (time_ms, key) < (?1, ?2) {test}"
        f" UNION ALL SELECT time_ms, key FROM nearby WHERE (time_ms, key) < (?1, ?2) {test}"
        " ORDER BY time_ms DESC, key DESC",
        top if index is None else (*top, index),
    )
    return iter(rows)


def _walk_then_sort(connection: sqlite3.Connection, top: Place, index: str, walked: int) -> Iterator[Place]:
    """The places of what the index has, newest first: what fits is mostly among the first that a walk comes upon.

    If it is not, the lists would be walked to their ends: all that is left is put in order instead.
    """
    place = top
    for place in islice(_walk(connection, top, index), walked):
        yield place
    yield from _by_time(connection, _found(connection, index, _SORTED_MAX), place)


def _with_tag(connection: sqlite3.Connection, places: Iterator[Place], tag: str, has: bool) -> Iterator[Place]:
    """Those of some places whose message has a tag, or has it not."""
    for place in places:
        row = connection.execute(
            "SELECT 1 FROM tags WHERE tag = ? AND time_ms = ? AND key = ?", (tag, *place)
        ).fetchone()
        if (row is not None) is has:
            yield place


def _with_picture(connection: sqlite3.Connection, keys: Iterator[int], picture: bool) -> Iterator[int]:
    """Those of some keys that have a picture, or have none."""
    for key in keys:
        row = connection.execute("SELECT 1 FROM pictures WHERE key = ?", (key,)).fetchone()
        if (row is not None) is picture:
            yield key


def _checked(connection: sqlite3.Connection, wanted: Wanted, keys: Iterator[int]) -> Iterator[int]:
    """Those of some keys that are messages and whose text fits, in their order."""
    size = _BLOCK
    while block := list(islice(keys, size)):
        texts = {key: entry.content["text"] for key, _, entry in _entries(connection, block)}
        fitting = set(texts) if wanted.words is None else matching(connection, wanted.words, texts)
        if wanted.without is not None:
            fitting -= matching(connection, wanted.without, {key: texts[key] for key in fitting})
        yield from (key for key in block if key in fitting)
        if len(fitting) < size // 4:
            size = min(2 * size, _BLOCK_MAX)


def _entries(connection: sqlite3.Connection, keys: Sequence[int]) -> Iterator[tuple[int, int, Entry]]:
    """The posts of some keys: key, first seen, entry; in any order."""
    rows = connection.execute(
        "SELECT entries.key, seen_ms, payload, plain FROM entries LEFT JOIN sealed ON sealed.key = entries.key"
        f" WHERE payload IS NOT NULL AND entries.key IN ({marks(len(keys))})",
        keys,
    ).fetchall()
    for (key, seen_ms, _, plain), entry in zip(rows, read_many([row[2] for row in rows]), strict=True):
        if isinstance(entry, Entry):
            inner = entry if plain is None else read_opened(entry.time_ms, plain)
            if inner.kind == "post":
                yield key, seen_ms, inner


def _extent(connection: sqlite3.Connection, hidden: Filter, people: Iterable[AccountId] | None) -> tuple[int, int]:
    """How many messages of how many people are searched."""
    test = f" AND accounts.number NOT IN ({','.join(map(str, hidden.accounts))})"
    if people is not None:
        test += f" AND feeds.number IN ({','.join(map(str, _feeds_of(connection, people)))})"
    messages, persons = connection.execute(
        "SELECT coalesce(sum(posts), 0), count(DISTINCT accounts.number) FROM tallies"
        " JOIN feeds ON feeds.number = tallies.feed JOIN accounts ON accounts.number = feeds.account"
        f" WHERE role >= ? {test}",
        (int(Role.HOP),),
    ).fetchone()
    return messages, persons
