"""Conversations: what answers, quotes or takes the place of what."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..ids import Ref
from ..store.view import Row
from .filter import Filter
from .held import TARGET_BYTES, ids_of, marks, target_of
from .message import Message, counted, find, load
from .tree import RefKind, Thread, Tree, order_of, replacing

THREAD_MAX = 2000
"""Messages of a thread that are loaded at once: some 60 ms; a hostile one may have millions."""
_ROWS_A_STATEMENT = 8000  # four variables each, under SQLite's 32,766


class Threads:
    """Which messages answer, quote or replace which."""

    # --- As a view ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Note the refs of new messages."""
        referring = _referring(rows)
        if not referring:
            return
        replies = [row for row in referring if "reply" in row.entry.content]
        walked = ids_of(connection, [row.key for row in replies if row.id is None])
        values: list[int | bytes | None] = []
        for row in replies:
            parent, root = _reply_targets(row)
            values += (row.key, row.id or walked[row.key], parent, None if root == parent else root)
        _insert(connection, "replies (key, id, parent, root)", values, 4)
        _insert(connection, "refs (target, kind, key)", [value for ref in _refs(referring) for value in ref], 3)

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Forget the refs of messages."""
        referring = _referring(rows)
        connection.executemany("DELETE FROM replies WHERE key = ?", [(row.key,) for row in referring])
        connection.executemany("DELETE FROM refs WHERE target = ? AND kind = ? AND key = ?", list(_refs(referring)))

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        connection.execute("DELETE FROM replies")
        connection.execute("DELETE FROM refs")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Nothing to do: a thread has everybody."""

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: no text is kept here."""

    # --- Queries ---

    def thread(self, connection: sqlite3.Connection, message: Message, limit: int = THREAD_MAX) -> Thread:
        """The whole thread of a message, which is shown even if it is muted.

        What an answer names and is not held stands there as missing or deleted. A message that replaces deleted ones of
        its own author has their answers.
        """
        top = message.root or message.ref
        found, more = _around(connection, message, top, limit)
        highest = _climb(connection, found, message, limit)
        began = highest.ref if highest.parent is None else highest.root or top
        if began != top:  # a root that lies
            top = began
            found, more = _around(connection, message, top, limit)
            _climb(connection, found, message, limit)
        hidden = Filter.read(connection)
        seen = {one.ref: one for one in (*hidden.shown(list(found.values())), message)}
        shown = {one.ref: one for one in counted(connection, hidden, list(seen.values()))}
        return Thread(tuple(Tree(connection, found, shown, top).slots(message.ref)), message.ref, more)

    def around(self, connection: sqlite3.Connection, absent: Ref) -> Thread | None:
        """The thread of a message that is not here, by what takes its place or answers it; None if nothing does."""
        newer = replacing(connection, [absent]).get(absent)
        there = [newer] if newer is not None else _answers_to(connection, absent)
        shown = Filter.read(connection).shown(there)
        if not shown:
            return None
        thread = self.thread(connection, min(shown, key=order_of))
        return replace(thread, focus=absent) if any(slot.ref == absent for slot in thread.slots) else thread


def _around(connection: sqlite3.Connection, message: Message, top: Ref, limit: int) -> tuple[dict[Ref, Message], bool]:
    """The messages that belong to the thread which `top` began, and whether there are more of them."""
    began = find(connection, [top])
    newer = replacing(connection, [top])
    there = [message, *began.values(), *newer.values()]
    seeds = {top, *(ref for one in there for ref in (one.ref, *one.replaces))}
    keys = _members(connection, [target_of(ref.id) for ref in seeds], limit + 1)
    return {one.ref: one for one in (*load(connection, keys[:limit]), *there)}, len(keys) > limit


def _answers_to(connection: sqlite3.Connection, ref: Ref) -> list[Message]:
    """What answers a message at once."""
    rows = connection.execute("SELECT key FROM replies WHERE parent = ? LIMIT ?", (target_of(ref.id), THREAD_MAX))
    return [one for one in load(connection, [key for (key,) in rows]) if one.parent == ref]


def _climb(connection: sqlite3.Connection, found: dict[Ref, Message], message: Message, limit: int) -> Message:
    """Bring in what a message answers, and what that answers: all is there already where roots are honest.

    Returns: the highest that is here.
    """
    at = message
    for _ in range(limit):
        if at.parent is None:
            break
        above = found.get(at.parent) or find(connection, [at.parent]).get(at.parent)
        if above is None:
            break
        found[above.ref] = at = above
    return at


def _members(connection: sqlite3.Connection, seeds: Sequence[bytes], limit: int) -> list[int]:
    """The keys of all that answers some targets, and of what answers those; each once, the nearest first.

    Then those that only say that they belong here, since what they answer is not held, and what answers them.
    """
    found = dict.fromkeys(_answers(connection, seeds, limit))
    rows = connection.execute(
        f"SELECT key FROM replies WHERE root IN ({marks(len(seeds))}) LIMIT ?", (*seeds, limit)
    ).fetchall()
    apart = [key for (key,) in rows if key not in found]
    if apart:
        found.update(dict.fromkeys(apart))
        ids = connection.execute(f"SELECT id FROM replies WHERE key IN ({marks(len(apart))})", apart).fetchall()
        found.update(dict.fromkeys(_answers(connection, [target_of(one) for (one,) in ids], limit)))
    return list(found)[:limit]


def _answers(connection: sqlite3.Connection, seeds: Sequence[bytes], limit: int) -> list[int]:
    # UNION drops what is there already: no circle, however it was made up, goes on for ever.
    rows = connection.execute(
        f"""
        WITH RECURSIVE member (target, key) AS (
            SELECT column1, NULL FROM (VALUES {",".join(["(?)"] * len(seeds))})
            UNION SELECT substr(id, 1, {TARGET_BYTES}), replies.key FROM member JOIN replies ON parent = target
        )
        SELECT key FROM member WHERE key IS NOT NULL LIMIT ?
        """,
        (*seeds, limit),
    ).fetchall()
    return [key for (key,) in rows]


def _referring(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.entry.kind == "post" and len(row.entry.content) > 1]


def _reply_targets(row: Row) -> tuple[bytes, bytes]:
    reply = row.entry.content["reply"]
    return target_of(reply["parent"][2]), target_of(reply["root"][2])


def _refs(rows: Iterable[Row]) -> Iterator[tuple[bytes, int, int]]:
    for row in rows:
        content = row.entry.content
        if "quote" in content:
            yield target_of(content["quote"][2]), int(RefKind.QUOTES), row.key
        for target in {target_of(ref[2]) for ref in content.get("replaces", ())}:
            yield target, int(RefKind.REPLACES), row.key


def _insert(connection: sqlite3.Connection, into: str, values: Sequence[int | bytes | None], width: int) -> None:
    step = width * _ROWS_A_STATEMENT
    for start in range(0, len(values), step):
        part = values[start : start + step]
        rows = ",".join(["(" + marks(width) + ")"] * (len(part) // width))
        connection.execute(f"INSERT INTO {into} VALUES {rows}", part)
