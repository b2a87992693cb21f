"""Lists of messages by time, one's home among them, and a person's own page.

Place in a list: (min(claimed, first seen), feed, seq), fixed on arrival; a repost has a place of its own, and what
several pass on stands where the newest of them does. Source: protocol/content.md, "Time".
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from itertools import islice

from ..ids import AccountId, FeedId
from ..limits import INT_MAX
from ..store.feeds import FeedState, Role, feed_by_number, feed_state, feeds_of, shown_end, shown_limit
from ..store.view import Row, shown_rows
from .filter import Filter
from .held import Place, is_listed, target_of
from .message import Message, counted, load, visible
from .relays import each_once, newest_only
from .tags import followed_places, followed_tags

SLICE_ENTRIES = 8192
"""Entries that one change of a role, or one idle step, brings into a list: about 60 ms of work."""
_TOP = (INT_MAX, INT_MAX)
_ROWS_A_STATEMENT = 8192  # two variables each, under SQLite's 32,766


class Timeline:
    """Home (posts and reposts of oneself and of those one follows) and nearby (posts of hops), newest first."""

    def __init__(self, slice_entries: int = SLICE_ENTRIES) -> None:
        self._slice_entries = slice_entries

    # --- As a view ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Put new posts in their list."""
        _insert(connection, "home", [row for row in rows if row.role >= Role.FOLLOWED])
        _insert(connection, "nearby", [row for row in rows if row.role == Role.HOP])

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take posts out, whichever list they are in."""
        _delete(connection, "home", rows)
        _delete(connection, "nearby", rows)

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        for table in ("home", "nearby", "list_todo"):
            connection.execute(f"DELETE FROM {table}")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Move an account's posts between the lists: the newest slice of each feed at once, the rest by `step`."""
        left, entered = _list_of(old), _list_of(new)
        if left == entered:
            return
        (key,) = connection.execute("SELECT account FROM accounts WHERE number = ?", (account,)).fetchone()
        for state in feeds_of(connection, AccountId(key)):
            if left is not None:
                self._leave(connection, state, left)
            self._bring(connection, state, shown_end(state), entered)

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: no text is kept here."""

    def step(self, connection: sqlite3.Connection) -> bool:
        """Bring in one more slice of a large follow, in the caller's transaction; False once nothing is left to do."""
        todo = connection.execute("SELECT feed, seq FROM list_todo LIMIT 1").fetchone()
        if todo is None:
            return False
        state = feed_by_number(connection, todo[0])
        self._bring(connection, state, todo[1], _list_of(state.role))
        return True

    def _leave(self, connection: sqlite3.Connection, state: FeedState, table: str) -> None:
        """Take a feed out of a list at once: by its rows while it is small, else by one pass over the list."""
        if shown_end(state) <= self._slice_entries:
            for rows in shown_rows(connection, state):
                _delete(connection, table, rows)
        else:
            connection.execute(f"DELETE FROM {table} WHERE key >> 32 = ?", (state.number,))

    def _bring(self, connection: sqlite3.Connection, state: FeedState, last: int, table: str | None) -> None:
        """Bring a feed's newest slice up to `last`, as far as it is shown, into a list, and note what is left to do."""
        first = max(1, last - self._slice_entries + 1)
        if table is not None:
            for rows in shown_rows(connection, state, first, last):
                _insert(connection, table, rows)
        if table is None or first == 1:
            connection.execute("DELETE FROM list_todo WHERE feed = ?", (state.number,))
        else:
            connection.execute("REPLACE INTO list_todo VALUES (?, ?)", (state.number, first - 1))

    # --- Queries ---

    def home(self, connection: sqlite3.Connection, limit: int, before: Place | None = None) -> list[Message]:
        """The newest messages that oneself and those one follows wrote or passed on, each once.

        With them those of hops that have a tag which one follows: `Message.tag` says which.

        Args:
            before: for the next page, the last `Message.place` shown.
        """
        tags = followed_tags(connection)
        tagged: dict[int, str] = {}
        keys = _home_keys(connection, before, list(tags), tagged)
        found = visible(connection, keys, limit, partial(newest_only, connection))
        if not tagged:
            return found
        return [one._replace(tag=tags[tagged[one.place[1]]]) if one.place[1] in tagged else one for one in found]

    def nearby(self, connection: sqlite3.Connection, limit: int, before: Place | None = None) -> list[Message]:
        """The newest messages of those whom the followed ones follow."""
        return visible(connection, (key for _, key in places(connection, "nearby", before)), limit)

    def page(
        self,
        connection: sqlite3.Connection,
        account: AccountId,
        limit: int,
        before: Mapping[int, int] | None = None,
    ) -> list[Message]:
        """What one person wrote and passed on, each feed by seq, newest first; several devices are merged by time.

        Args:
            account: whose; of any role.
            limit: messages at most.
            before: for the next page, the smallest seq shown of each feed by its number, as `page_end` gives it; a
                feed of which nothing was shown is absent. One time could not say it: below a dated back message of
                one device, newer ones may stand.
        """
        return visible(connection, _page_keys(connection, account, limit, dict(before or {})), limit, each_once)

    def message(self, connection: sqlite3.Connection, feed: FeedId, seq: int) -> Message | None:
        """One message, or what a repost passes on, muted or not.

        None where it is not held, erased, hidden by a fork or a revoke, or no message.
        """
        state = feed_state(connection, feed)
        if state is None or not 1 <= seq <= shown_limit(state):
            return None
        found = load(connection, [state.key(seq)])
        return counted(connection, Filter.read(connection), found)[0] if found else None


def _home_keys(
    connection: sqlite3.Connection, before: Place | None, tags: Sequence[str], tagged: dict[int, str]
) -> Iterator[int]:
    """The keys of home, as they are asked for; `tagged` learns for which tag one stands there."""
    rows: Iterator[tuple[Place, str]] = ((place, "") for place in places(connection, "home", before))
    if tags:
        rows = merge(rows, followed_places(connection, tags, before), reverse=True)
    last = None
    for (_, key), tag in rows:
        if key != last:
            if tag:
                tagged[key] = tag
            yield key
            last = key


def page_end(shown: Iterable[Message]) -> dict[int, int]:
    """What the next part of a person's page comes before."""
    end: dict[int, int] = {}
    for message in shown:
        if message.pinned:
            continue
        _, key = message.place
        end[key >> 32] = min(key & 0xFFFFFFFF, end.get(key >> 32, key & 0xFFFFFFFF))
    return end


def places(connection: sqlite3.Connection, table: str, before: Place | None = None) -> Iterator[Place]:
    """The places of a list (`home` or `nearby`) below `before`, newest first, as they are asked for."""
    return iter(
        connection.execute(
            f"SELECT time_ms, key FROM {table} WHERE (time_ms, key) < (?, ?) ORDER BY time_ms DESC, key DESC",
            before or _TOP,
        )
    )


def _page_keys(connection: sqlite3.Connection, account: AccountId, limit: int, before: dict[int, int]) -> Iterator[int]:
    """The keys of a person's messages, `limit` at a time, as they are asked for."""
    states = {state.number: state for state in feeds_of(connection, account)}
    while True:
        feeds = [_posts_below(connection, state, before.get(state.number), limit) for state in states.values()]
        keys = [key for _, key in islice(merge(*feeds, reverse=True), limit)]
        yield from keys
        if len(keys) < limit:
            return
        before.update((key >> 32, key & 0xFFFFFFFF) for key in keys)


def _list_of(role: int) -> str | None:
    if role >= Role.FOLLOWED:
        return "home"
    return "nearby" if role == Role.HOP else None


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    values: list[int] = []
    reposts: list[tuple[int, int, bytes]] = []
    for row in rows:
        if row.entry.kind == "post":
            if is_listed(row):
                values += (row.time_ms, row.key)
        elif table == "home" and _is_repost(row):
            reposts.append((row.time_ms, row.key, target_of(row.entry.content["ref"][2])))
    for start in range(0, len(values), 2 * _ROWS_A_STATEMENT):
        some = values[start : start + 2 * _ROWS_A_STATEMENT]
        rows_ = ",".join(["(?,?)"] * (len(some) // 2))
        connection.execute(f"INSERT OR IGNORE INTO {table} (time_ms, key) VALUES {rows_}", some)
    if reposts:
        connection.executemany("INSERT OR IGNORE INTO home (time_ms, key, target) VALUES (?, ?, ?)", reposts)


def _delete(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    # One by one: for a list of pairs, SQLite reads the whole table.
    listed = [(row.time_ms, row.key) for row in rows if row.entry.kind in ("post", "repost")]
    if listed:
        connection.executemany(f"DELETE FROM {table} WHERE time_ms = ? AND key = ?", listed)


def _is_repost(row: Row) -> bool:
    return row.entry.kind == "repost" and bool(row.entry.content["on"]) and not row.alone


def _posts_below(connection: sqlite3.Connection, state: FeedState, seq: int | None, limit: int) -> list[Place]:
    """A feed's newest posts below `seq`, newest first, each with a time that never rises on the way down."""
    last = shown_end(state) if seq is None else min(seq - 1, shown_end(state))
    posts: list[Row] = []
    while last > 0 and len(posts) < limit:
        first = max(1, last - 2 * limit + 1)
        shown = (row for some in shown_rows(connection, state, first, last) for row in some)
        rows = [row for row in shown if (row.entry.kind == "post" and is_listed(row)) or _is_repost(row)]
        posts = rows + posts
        last = first - 1
    found = []
    time_ms = -INT_MAX
    for row in posts[-limit:]:
        time_ms = max(time_ms, row.time_ms)  # a dated back message must not hold up those below it
        found.append((time_ms, row.key))
    found.reverse()
    return found
