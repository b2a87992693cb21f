"""Which messages have which tags; what is suggested; what of followed tags stands at home.

Source: protocol/content.md, "Tags".
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import NamedTuple

from ..feed.tags import plain, tags_in
from ..limits import INT_MAX
from ..store import private
from ..store.feeds import Role
from ..store.view import Row
from .filter import Filter
from .held import Place, is_listed
from .message import Message, visible

_ROWS_A_STATEMENT = 8192  # three variables each, under SQLite's 32,766
_PREFIX_END = "\U0010ffff"


class Suggestion(NamedTuple):
    """A tag that fits what was typed so far."""

    name: str  # as it is matched
    messages: int  # that have it here


class Tags:
    """Messages by tag, newest first."""

    # --- As a view ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Note the tags of new messages."""
        found = _tagged(rows)
        if not found:
            return
        for start in range(0, len(found), _ROWS_A_STATEMENT):
            some = found[start : start + _ROWS_A_STATEMENT]
            marks = ",".join(["(?,?,?)"] * len(some))
            connection.execute(
                f"INSERT INTO tags (tag, time_ms, key) VALUES {marks}", [value for row in some for value in row]
            )
        connection.executemany(
            "INSERT INTO tag_names (plain, tag, messages) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET messages = messages + excluded.messages",
            _counted(found),
        )

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Forget the tags of messages."""
        found = _tagged(rows)
        if not found:
            return
        connection.executemany("DELETE FROM tags WHERE tag = ? AND time_ms = ? AND key = ?", found)
        for bare, name, count in _counted(found):
            connection.execute(
                "UPDATE tag_names SET messages = messages - ? WHERE plain = ? AND tag = ?", (count, bare, name)
            )
            connection.execute("DELETE FROM tag_names WHERE plain = ? AND tag = ? AND messages <= 0", (bare, name))

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        connection.execute("DELETE FROM tags")
        connection.execute("DELETE FROM tag_names")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Nothing to do: roles are looked at when a tag is read."""

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: rows that are deleted are overwritten (secure_delete)."""

    # --- Queries ---

    def timeline(
        self, connection: sqlite3.Connection, name: str, limit: int, before: Place | None = None
    ) -> list[Message]:
        """The newest messages with a tag, of oneself, those one follows, and those whom they follow.

        Args:
            name: as `feed.tags.fold` gives it.
            before: for the next page, the last `Message.place` shown.
        """
        return visible(connection, (key for _, key in tag_places(connection, name, before, Role.HOP)), limit)

    def suggestions(self, connection: sqlite3.Connection, begun: str, limit: int) -> list[Suggestion]:
        """The most used tags that begin so, whatever their accents; muted ones are left out.

        Args:
            begun: a folded tag, or the beginning of one; empty: of all tags.
        """
        bare = plain(begun)
        hidden = Filter.read(connection).tags
        rows = connection.execute(
            "SELECT tag, messages FROM tag_names WHERE plain >= ? AND plain < ? ORDER BY messages DESC, tag LIMIT ?",
            (bare, bare + _PREFIX_END, limit + len(hidden)),
        )
        return [Suggestion(*row) for row in rows if row[0] not in hidden][:limit]


def followed_tags(connection: sqlite3.Connection) -> dict[str, str]:
    """The tags that one follows: as they are matched, and as they were typed."""
    items = private.items(connection, "tag")
    return {item.decode(errors="replace"): text for item, text in items.items() if isinstance(text, str)}


def followed_places(
    connection: sqlite3.Connection, names: Sequence[str], before: Place | None
) -> Iterator[tuple[Place, str]]:
    """Where messages with followed tags stand at home, newest first, each with its tag: those of hops.

    Those of oneself and of those one follows stand there anyway.
    """

    def of(name: str) -> Iterator[tuple[Place, str]]:
        return ((place, name) for place in tag_places(connection, name, before, Role.HOP, Role.HOP))

    return merge(*(of(name) for name in names), reverse=True)


def tag_places(
    connection: sqlite3.Connection, name: str, before: Place | None, least: Role, most: Role = Role.OWN
) -> Iterator[Place]:
    """The places of messages with a tag whose authors have a role, newest first, as they are asked for."""
    roles: dict[int, int] = {}
    for time_ms, key in connection.execute(
        "SELECT time_ms, key FROM tags WHERE tag = ? AND (time_ms, key) < (?, ?) ORDER BY time_ms DESC, key DESC",
        (name, *(before or (INT_MAX, INT_MAX))),
    ):
        feed = key >> 32
        if feed not in roles:
            (roles[feed],) = connection.execute(
                "SELECT role FROM feeds JOIN accounts ON accounts.number = feeds.account WHERE feeds.number = ?",
                (feed,),
            ).fetchone()
        if least <= roles[feed] <= most:
            yield time_ms, key


def _tagged(rows: Sequence[Row]) -> list[tuple[str, int, int]]:
    """The tags of the messages among some rows: each with the message's place, once."""
    found = []
    for row in rows:
        if row.entry.kind == "post":
            text = row.entry.content["text"]
            if ("#" in text or "\uff03" in text) and is_listed(row):
                found += [(name, row.time_ms, row.key) for name in dict.fromkeys(tag.name for tag in tags_in(text))]
    return found


def _counted(found: Sequence[tuple[str, int, int]]) -> list[tuple[str, str, int]]:
    return [(plain(name), name, count) for name, count in Counter(name for name, _, _ in found).items()]
