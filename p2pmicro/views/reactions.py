"""Likes and reposts: state of an account, one value for each message. Source: protocol/content.md, "State"."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from ..ids import AccountId, Ref
from ..limits import REV_MAX
from ..store.view import Row
from .filter import Filter
from .held import marks, target_of
from .message import Who

_KINDS = {"like": 1, "repost": 2}
_ROWS_A_STATEMENT = 5000  # six variables each, under SQLite's 32,766
_WHO_MAX = 1000  # people that one message tells of


class Reaction(IntEnum):
    """What somebody does with a message."""

    LIKE = 1
    REPOST = 2


class _Group(NamedTuple):
    """What one value belongs to."""

    target: bytes  # held.target_of the message's id
    kind: int
    account: int  # accounts.number


class _Statement(NamedTuple):
    rev: int
    key: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Reacted:
    """Who likes a message and who has passed it on, as far as this node knows; the latest to come first."""

    likes: tuple[Who, ...]
    reposts: tuple[Who, ...]


class Reactions:
    """For each account and message what counts, by (rev, feed, seq), never by time: a wrong clock can't stick."""

    # --- As a view ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Merge what new entries state."""
        new: dict[_Group, list[_Statement]] = {}
        for group, statement in _stated(rows):
            new.setdefault(group, []).append(statement)
        if not new:
            return
        order = _Order(connection)
        winners: list[int | bytes] = []
        losers: list[int | bytes] = []
        held = _winners(connection, list(new))
        for group, statements in new.items():
            before = held.get(group)
            ranked = sorted(statements if before is None else [*statements, before], key=order)
            if ranked[-1] != before:
                winners += (*group, *ranked[-1])
            for statement in ranked[:-1]:
                losers += (*group, *statement)
        _put(connection, "REPLACE INTO reactions", winners)
        _put(connection, "INSERT INTO superseded", losers)

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take back what entries stated; where one of them had counted, the best of the others does."""
        stated = [(*group, *statement) for group, statement in _stated(rows)]
        if not stated:
            return
        same = "target = ? AND kind = ? AND account = ? AND rev = ? AND key = ? AND wanted = ?"
        connection.executemany(f"DELETE FROM superseded WHERE {same}", stated)
        lost = [
            _Group(*row[:3])
            for row in stated
            if connection.execute(f"DELETE FROM reactions WHERE {same}", row).rowcount
        ]
        order = _Order(connection)
        for group in lost:
            left = max(_best_of_each_feed(connection, group), key=order, default=None)
            if left is not None:
                connection.execute(f"DELETE FROM superseded WHERE {same}", (*group, *left))
                connection.execute(f"INSERT INTO reactions VALUES ({marks(6)})", (*group, *left))

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        connection.execute("DELETE FROM reactions")
        connection.execute("DELETE FROM superseded")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Nothing to do: what is known counts, whoever it is of."""

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: no text is kept here."""

    # --- Queries ---

    def state(self, connection: sqlite3.Connection, account: AccountId, kind: Reaction, ref: Ref) -> tuple[bool, int]:
        """Whether an account likes or has reposted a message, and the rev of its next word on that.

        At REV_MAX the rev stays there: the seq decides then.
        """
        row = connection.execute(
            "SELECT wanted, rev FROM reactions WHERE target = ? AND kind = ?"
            " AND account = (SELECT number FROM accounts WHERE account = ?)",
            (target_of(ref.id), int(kind), account),
        ).fetchone()
        return (False, 1) if row is None else (bool(row[0]), min(row[1] + 1, REV_MAX))

    def who(self, connection: sqlite3.Connection, ref: Ref, limit: int = _WHO_MAX) -> Reacted:
        """Who likes a message and who has passed it on; those who are muted or blocked are left out."""
        hidden = Filter.read(connection)
        rows = connection.execute(
            "SELECT kind, accounts.account, name, reactions.account FROM reactions"
            " JOIN accounts ON accounts.number = reactions.account"
            " LEFT JOIN profiles ON profiles.account = reactions.account"
            " LEFT JOIN entries ON entries.key = reactions.key"
            " WHERE target = ? AND wanted ORDER BY seen_ms DESC, reactions.key DESC LIMIT ?",
            (target_of(ref.id), limit),
        )
        people: dict[int, list[Who]] = {Reaction.LIKE: [], Reaction.REPOST: []}
        for kind, account, name, number in rows:
            if not hidden.hides_account(number):
                people[kind].append(Who(AccountId(account), name or None))
        return Reacted(tuple(people[Reaction.LIKE]), tuple(people[Reaction.REPOST]))


class _Order:
    """(rev, feed, seq) of a statement: feeds compare by their ids, as their numbers tell in which order they came."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._feeds: dict[int, bytes] = {}

    def __call__(self, statement: _Statement) -> tuple[int, bytes, int]:
        number = statement.key >> 32
        if number not in self._feeds:
            (feed,) = self._connection.execute("SELECT feed FROM feeds WHERE number = ?", (number,)).fetchone()
            self._feeds[number] = feed
        return statement.rev, self._feeds[number], statement.key


def _stated(rows: Iterable[Row]) -> Iterator[tuple[_Group, _Statement]]:
    for row in rows:
        kind = _KINDS.get(row.entry.kind)
        if kind is not None:
            content = row.entry.content
            group = _Group(target_of(content["ref"][2]), kind, row.account)
            yield group, _Statement(content["rev"], row.key, int(content["on"]))


def _winners(connection: sqlite3.Connection, groups: Sequence[_Group]) -> dict[_Group, _Statement]:
    """What counts so far."""
    found: dict[_Group, _Statement] = {}
    for start in range(0, len(groups), _ROWS_A_STATEMENT):
        some = groups[start : start + _ROWS_A_STATEMENT]
        values = ",".join(["(?,?,?)"] * len(some))
        # CROSS JOIN: SQLite must look each of them up, not read the table.
        rows = connection.execute(
            f"SELECT reactions.* FROM (VALUES {values}) AS new CROSS JOIN reactions"
            " ON target = new.column1 AND kind = new.column2 AND account = new.column3",
            [value for group in some for value in group],
        )
        found.update((_Group(*row[:3]), _Statement(*row[3:])) for row in rows)
    return found


def _best_of_each_feed(connection: sqlite3.Connection, group: _Group) -> Iterator[_Statement]:
    """Of the superseded ones with the highest rev the last of each feed: who repeats one for ever costs no more."""
    same = "target = ? AND kind = ? AND account = ?"
    (rev,) = connection.execute(f"SELECT max(rev) FROM superseded WHERE {same}", group).fetchone()
    below = 1 << 63
    while rev is not None:
        row = connection.execute(
            f"SELECT key, wanted FROM superseded WHERE {same} AND rev = ? AND key <= ? ORDER BY key DESC LIMIT 1",
            (*group, rev, below - 1),
        ).fetchone()
        if row is None:
            return
        yield _Statement(rev, *row)
        below = row[0] >> 32 << 32


def _put(connection: sqlite3.Connection, into: str, values: Sequence[int | bytes]) -> None:
    step = 6 * _ROWS_A_STATEMENT
    for start in range(0, len(values), step):
        some = values[start : start + step]
        rows = ",".join(["(?,?,?,?,?,?)"] * (len(some) // 6))
        connection.execute(f"{into} (target, kind, account, rev, key, wanted) VALUES {rows}", some)
