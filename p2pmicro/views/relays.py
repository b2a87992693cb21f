"""What several people pass on stands in a list once."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ..ids import AccountId, Ref
from .filter import Filter
from .held import marks, target_of
from .message import Message, Who


def each_once(_hidden: Filter, found: list[Message]) -> list[Message]:
    """Those of some messages that do not stand further up already: passed on by their own author, perhaps."""
    first: dict[Ref, Message] = {}
    for message in found:
        first.setdefault(message.ref, message)
    return list(first.values())


def newest_only(connection: sqlite3.Connection, hidden: Filter, found: list[Message]) -> list[Message]:
    """Those of some messages that stand at home where the newest repost of them does, with all who passed them on."""
    relays = _relays(connection, hidden, found)
    kept = []
    for message in found:
        others = relays.get(target_of(message.ref.id), [])
        if others and others[0].place > message.place:
            continue
        if message.relay is not None:
            if others[1:]:
                message = message._replace(relay=replace(message.relay, by=tuple(one.who for one in others)))
            own = (message.time_ms, message.key)
            if own > message.place and _is_home(connection, own):
                continue  # passed on by a clock that runs behind: it stands above by itself
        kept.append(message)
    return kept


def _is_home(connection: sqlite3.Connection, place: tuple[int, int]) -> bool:
    row = connection.execute("SELECT 1 FROM home WHERE time_ms = ? AND key = ?", place).fetchone()
    return row is not None


class _Relayed(NamedTuple):
    place: tuple[int, int]  # (time_ms, key) of the repost
    who: Who


def _relays(connection: sqlite3.Connection, hidden: Filter, found: Sequence[Message]) -> dict[bytes, list[_Relayed]]:
    """The reposts of some messages that stand at home and count, newest first, by what they pass on."""
    targets = list({target_of(message.ref.id) for message in found})
    relays: dict[bytes, list[_Relayed]] = {}
    for target, time_ms, key, account, name in connection.execute(
        f"SELECT home.target, time_ms, home.key, accounts.account, name FROM home"
        " JOIN feeds ON feeds.number = home.key >> 32 JOIN accounts ON accounts.number = feeds.account"
        " JOIN reactions ON reactions.target = home.target AND reactions.kind = 2"
        " AND reactions.account = feeds.account AND reactions.key = home.key AND wanted"
        f" LEFT JOIN profiles ON profiles.account = feeds.account WHERE home.target IN ({marks(len(targets))})"
        " ORDER BY time_ms DESC, home.key DESC",
        targets,
    ):
        if not hidden.hides_key(key):
            relays.setdefault(target, []).append(_Relayed((time_ms, key), Who(AccountId(account), name or None)))
    return relays
