"""Full text: which messages have these words.

The index (FTS5, in store/schema/0003_views.sql) has no texts, sizes or positions. It takes posts of every role, so that
a change of a role costs nothing; who is not at least a hop is left out of what a query finds.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice

from ..feed.content import Entry, read_many
from ..limits import INT_MAX
from ..store.feeds import Role
from ..store.view import Row
from .message import Message, visible
from .timeline import Place
from .words import Query, matching, parse, spaced

MERGE_PAGES = 64
"""Index pages that one idle step merges: a few milliseconds."""

_ROWS_A_STATEMENT = 8192  # two variables each, under SQLite's 32,766
_LARGE_BATCH = 512  # posts
_POSTS_A_PAGE = 32  # merged a page: about 60 posts fill one, and most are moved two or three times until all is merged
_FEW = 1000  # found: up to here each one's time is looked up; above, the lists by time are walked until enough fit
_MANY = 50_000  # found: above, so much fits that the texts of the lists are read instead
_CHECKED_MAX = 10_000  # texts that one query reads to check phrases: about 0.4 s
_BLOCK = 64  # texts checked at once: most phrases that people type fit most of what has their words


class Search:
    """The index of the words of all posts."""

    # --- As a view ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Index new posts.

        There is no bulk mode to switch: what a transaction adds is flushed once, at its commit (or at 16 MiB), so a
        batch of thousands becomes one sorted segment and a single message a tiny one. A large batch also merges in
        proportion, about 5 ms: with none of it, a first sync leaves hundreds of segments; with FTS5's own merging, a
        batch now and then takes 0.8 s. Tiny ones are left to `merge_step`.
        """
        for some in _blocks(rows):
            count = len(some) // 2
            marks = ",".join(["(?,?)"] * count)
            connection.execute(f"INSERT INTO search (rowid, text) VALUES {marks}", some)
            if count >= _LARGE_BATCH:
                self.merge_step(connection, count // _POSTS_A_PAGE)

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take posts out, by the text that they had: the index can't tell which words they brought."""
        for some in _blocks(rows):
            marks = ",".join(["('delete',?,?)"] * (len(some) // 2))
            connection.execute(f"INSERT INTO search (search, rowid, text) VALUES {marks}", some)

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        connection.execute("INSERT INTO search (search) VALUES ('delete-all')")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Nothing to do: roles are looked at when searching."""

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Merge the whole index into one segment: until then the words of removed posts stand in the older ones."""
        connection.execute("INSERT INTO search (search) VALUES ('optimize')")

    def merge_step(self, connection: sqlite3.Connection, pages: int = MERGE_PAGES) -> bool:
        """Merge a little, in the caller's transaction; an idle node calls it until it is False."""
        before = connection.total_changes
        connection.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
        # The SQLite manual, "FTS5", section 6.8: a difference below 2 means that there was nothing to merge.
        return connection.total_changes - before >= 2

    # --- Queries ---

    def search(
        self, connection: sqlite3.Connection, query: str, limit: int, before: Place | None = None
    ) -> list[Message]:
        """The newest messages that have all words, "phrases" and prefix* of a query.

        Case and accents do not count. Chinese, Japanese, Korean, Thai, Lao, Khmer and Myanmar are found by any two
        letters in a row. A phrase that is rarer than its words is looked for in the newest 10,000 that have those.

        Args:
            query: what a person typed; nothing in it is an error.
            limit: messages at most.
            before: for the next page, the last `Message.place` shown.
        """
        return visible(connection, keys_of(connection, query, before), limit)


def keys_of(connection: sqlite3.Connection, query: str, before: Place | None = None) -> Iterator[int]:
    """The keys of what `Search.search` finds, as they are asked for, those that are hidden too."""
    wanted = parse(connection, query)
    if wanted is None:
        return iter(())
    top = before or (INT_MAX, INT_MAX)
    some = connection.execute(
        "SELECT rowid FROM search WHERE search MATCH ? LIMIT ?", (wanted.index, _FEW + 1)
    ).fetchall()
    many = len(some) > _FEW and _is_many(connection, wanted)
    if many:
        found = _walk(connection, top)
    elif len(some) > _FEW:
        found = _walk(connection, top, wanted)
    else:
        found = iter(_by_time(connection, [_key(number) for (number,) in some], top))
    if many or not wanted.exact:
        found = _checked(connection, wanted, islice(found, _CHECKED_MAX))
    return found


def _is_many(connection: sqlite3.Connection, wanted: Query) -> bool:
    (count,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)", (wanted.index, _MANY + 1)
    ).fetchone()
    return bool(count > _MANY)


def _number(key: int) -> int:
    """A key as the index has it: a list of them is written as differences, and 32 bits of seq would cost two bytes more
    wherever a word goes from feed to feed: a tenth of the whole store."""
    seq = key & 0xFFFFFFFF
    return key >> 32 << 16 | seq if seq < 1 << 16 else -key


def _key(number: int) -> int:
    return number >> 16 << 32 | number & 0xFFFF if number > 0 else -number


_KEY_SQL = "CASE WHEN rowid > 0 THEN ((rowid >> 16) << 32) | (rowid & 65535) ELSE -rowid END"


def _blocks(rows: Sequence[Row]) -> Iterator[list[int | str]]:
    """The numbers and texts of the posts among some rows, flat, as SQLite takes them, in blocks of one statement.

    In ascending order: FTS5 flushes what it holds in memory whenever a smaller number follows.
    """
    posts = sorted(
        (_number(row.key), row.entry.content["text"]) for row in rows if row.entry.kind == "post" and not row.alone
    )
    for start in range(0, len(posts), _ROWS_A_STATEMENT):
        values: list[int | str] = []
        for number, text in posts[start : start + _ROWS_A_STATEMENT]:
            values += (number, spaced(text))
        yield values


def _by_time(connection: sqlite3.Connection, keys: Sequence[int], top: Place) -> list[int]:
    """Some keys, newest first: those below `top`, of accounts that are at least hops."""
    apart = {
        number
        for (number,) in connection.execute(
            "SELECT feeds.number FROM feeds JOIN accounts ON accounts.number = feeds.account WHERE role < ?",
            (int(Role.HOP),),
        )
    }
    places = []
    wanted = [key for key in keys if key >> 32 not in apart]
    for key, seen_ms, entry in _entries(connection, wanted):
        place = (min(entry.time_ms, seen_ms), key)
        if place < top:
            places.append(place)
    return [key for _, key in sorted(places, reverse=True)]


def _walk(connection: sqlite3.Connection, top: Place, wanted: Query | None = None) -> Iterator[int]:
    """The keys of posts of hops and above, newest first, as they are asked for: all, or those that the index has."""
    test = "" if wanted is None else f"AND key IN (SELECT {_KEY_SQL} FROM search WHERE search MATCH ?3)"
    rows = connection.execute(
        f"SELECT time_ms, key FROM home WHERE (time_ms, key) < (?1, ?2) {test}"
        f" UNION ALL SELECT time_ms, key FROM nearby WHERE (time_ms, key) < (?1, ?2) {test}"
        " ORDER BY time_ms DESC, key DESC",
        top if wanted is None else (*top, wanted.index),
    )
    return (key for _, key in rows)


def _checked(connection: sqlite3.Connection, wanted: Query, keys: Iterator[int]) -> Iterator[int]:
    """Those of some keys whose text fits, in their order."""
    while block := list(islice(keys, _BLOCK)):
        texts = {key: entry.content["text"] for key, _, entry in _entries(connection, block)}
        fitting = matching(connection, wanted, texts)
        yield from (key for key in block if key in fitting)


def _entries(connection: sqlite3.Connection, keys: Sequence[int]) -> Iterator[tuple[int, int, Entry]]:
    """The posts of some keys: key, first seen, entry; in any order."""
    rows = connection.execute(
        f"SELECT key, seen_ms, payload FROM entries WHERE payload IS NOT NULL AND key IN ({','.join('?' * len(keys))})",
        keys,
    ).fetchall()
    for (key, seen_ms, _), entry in zip(rows, read_many([payload for _, _, payload in rows]), strict=True):
        if isinstance(entry, Entry) and entry.kind == "post":
            yield key, seen_ms, entry
