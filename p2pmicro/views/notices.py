"""What concerns oneself: who answered, mentioned, quoted, passed on, liked, followed or wrote to one.

What tells of it is noted as it comes. Whether it still holds (not taken back, not deleted, of nobody who is muted) is
looked at when notices are read.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ..feed.content import read
from ..ids import AccountId
from ..store.feeds import Role
from ..store.view import Row, show
from .held import ids_of, marks, target_of
from .notice import Why
from .rebuild import all_rows

_OF_MESSAGES = {"like": Why.LIKE, "repost": Why.REPOST}
_STEP = 8000  # values of one statement, under SQLite's 32,766
T = TypeVar("T")
_Noted = tuple[int, int, int, int]
"""time_ms, key, why, seen_ms"""


class Notices:
    """Entries of others that concern one's own account."""

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Note what concerns oneself; what refers to a message of one's own counts once both are here."""
        mine = [row for row in rows if row[2] == Role.OWN and row.entry.kind == "post"]  # row.role, in half of the time
        if mine:
            walked = ids_of(connection, [row.key for row in mine if row.id is None])
            named = {row.key: row.id or walked[row.key] for row in mine}
            connection.executemany(
                "INSERT OR IGNORE INTO own_messages (key, target, id) VALUES (?, ?, ?)",
                [(key, target_of(entry_id), entry_id) for key, entry_id in named.items()],
            )
            for keys in _blocks(list(named)):
                self._note(connection, _told_before(connection, keys))
        others = [row for row in rows if row[2] != Role.OWN and _may_concern(row)]
        if others:
            self._note(connection, _told(connection, others))

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Forget what erased entries told, and what was told of erased messages."""
        concerning = [row for row in rows if row.role == Role.OWN or _may_concern(row)]
        connection.executemany("DELETE FROM notices WHERE key = ?", [(row.key,) for row in concerning])
        for keys in _blocks([row.key for row in rows if row.role == Role.OWN and row.entry.kind == "post"]):
            gone = _referring(connection, keys)
            connection.executemany("DELETE FROM notices WHERE key = ? AND why = ?", gone)
            connection.execute(f"DELETE FROM own_messages WHERE key IN ({marks(len(keys))})", keys)

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        connection.execute("DELETE FROM notices")
        connection.execute("DELETE FROM own_messages")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Begin anew where it changes whose own account is: once, when the store is new."""
        if Role.OWN in (old, new):
            self.clear(connection)
            for rows in all_rows(connection):
                show(connection, [self], rows)

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: no text is kept here."""

    def _note(self, connection: sqlite3.Connection, told: Iterable[_Noted]) -> None:
        connection.executemany(
            "INSERT OR IGNORE INTO notices (time_ms, key, why, seen_ms) VALUES (?, ?, ?, ?)", list(told)
        )


def _may_concern(row: Row) -> bool:
    kind, content = row.entry.kind, row.entry.content
    if kind == "post":
        return len(content) > 1 or row.sealed
    return kind in ("like", "repost", "follow") and bool(content["on"])


def _told(connection: sqlite3.Connection, rows: Sequence[Row]) -> Iterator[_Noted]:
    """What others' entries tell."""
    own = {
        AccountId(account)
        for (account,) in connection.execute(f"SELECT account FROM accounts WHERE role = {Role.OWN:d}")
    }
    refs = [(row, why, target) for row in rows for why, target in _refs(row)]
    mine: set[bytes] = set()
    for targets in _blocks(list({target for _, _, target in refs})):
        mine.update(
            target
            for (target,) in connection.execute(
                f"SELECT target FROM own_messages WHERE target IN ({marks(len(targets))})", targets
            )
        )
    for row, why, target in refs:
        if target in mine:
            yield row.time_ms, row.key, int(why), row.seen_ms
    for row in rows:
        for why in _named(row, own):
            yield row.time_ms, row.key, int(why), row.seen_ms


def _refs(row: Row) -> Iterator[tuple[Why, bytes]]:
    content = row.entry.content
    if row.entry.kind == "post":
        if "reply" in content:
            yield Why.REPLY, target_of(content["reply"]["parent"][2])
        if "quote" in content:
            yield Why.QUOTE, target_of(content["quote"][2])
    elif row.entry.kind in _OF_MESSAGES:
        yield _OF_MESSAGES[row.entry.kind], target_of(content["ref"][2])


def _named(row: Row, own: set[AccountId]) -> Iterator[Why]:
    content = row.entry.content
    if row.entry.kind == "follow":
        if content["account"] in own:
            yield Why.FOLLOW
    elif row.entry.kind == "post":
        if any(account in own for _, _, account in content.get("mentions", ())):
            yield Why.MENTION
        if row.sealed and "circle" not in content:
            yield Why.MESSAGE


_REFERRING = """
    SELECT replies.key, {reply} FROM own_messages JOIN replies ON parent = target WHERE own_messages.key IN ({keys})
    UNION SELECT refs.key, {quote} FROM own_messages JOIN refs USING (target)
        WHERE kind = 1 AND own_messages.key IN ({keys})
    UNION SELECT reactions.key, CASE kind WHEN 1 THEN {like} ELSE {repost} END
        FROM own_messages JOIN reactions USING (target) WHERE wanted AND own_messages.key IN ({keys})
    UNION SELECT superseded.key, CASE kind WHEN 1 THEN {like} ELSE {repost} END
        FROM own_messages JOIN superseded USING (target) WHERE wanted AND own_messages.key IN ({keys})
"""


def _referring(connection: sqlite3.Connection, keys: Sequence[int]) -> list[tuple[int, int]]:
    """What is held that refers to some of one's own messages: keys and why; one's own too."""
    whys = {why.name.lower(): int(why) for why in (Why.REPLY, Why.QUOTE, Why.LIKE, Why.REPOST)}
    return connection.execute(_REFERRING.format(keys=marks(len(keys)), **whys), [*keys] * 4).fetchall()


def _told_before(connection: sqlite3.Connection, keys: Sequence[int]) -> Iterator[_Noted]:
    """What others' entries that are here already tell of some of one's own messages."""
    for key, why in _referring(connection, keys):
        row = connection.execute(
            "SELECT seen_ms, payload FROM held JOIN feeds ON feeds.number = held.key >> 32"
            " JOIN accounts ON accounts.number = feeds.account WHERE held.key = ? AND role <> ?",
            (key, int(Role.OWN)),
        ).fetchone()
        if row is not None:
            seen_ms, payload = row
            yield min(read(payload).time_ms, seen_ms), key, why, seen_ms


def _blocks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _STEP):
        yield values[start : start + _STEP]
