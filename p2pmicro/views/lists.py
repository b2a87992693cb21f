"""Lists of people that a person keeps for themselves, each with a timeline of its own.

"list" has each list's name under 16 random bytes; "listed" has who is on it, under the list and the account.
Source: protocol/content.md, "Private state".
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..ids import AccountId
from ..limits import INT_MAX
from ..store import private
from .held import Place
from .message import Message, visible

LIST_BYTES = 16


@dataclass(frozen=True, slots=True)
class PeopleList:
    """Some people under a name; nobody else sees it."""

    id: bytes  # 16 bytes
    name: str
    members: tuple[AccountId, ...]  # in the order of their keys


def people_lists(connection: sqlite3.Connection) -> list[PeopleList]:
    """All lists, by name."""
    members: dict[bytes, list[AccountId]] = {}
    for item in private.items(connection, "listed"):
        members.setdefault(item[:LIST_BYTES], []).append(AccountId(item[LIST_BYTES:]))
    found = [
        PeopleList(item, name, tuple(sorted(members.get(item, ()))))
        for item, name in private.items(connection, "list").items()
        if isinstance(name, str)
    ]
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


def list_timeline(
    connection: sqlite3.Connection, members: Iterable[AccountId], limit: int, before: Place | None = None
) -> list[Message]:
    """The newest messages of some people, as far as they are held for following them or as those of hops.

    Args:
        before: for the next page, the last `Message.place` shown.
    """
    feeds = [
        number
        for account in members
        for (number,) in connection.execute(
            "SELECT feeds.number FROM feeds JOIN accounts ON accounts.number = feeds.account"
            " WHERE accounts.account = ?",
            (account,),
        )
    ]
    return visible(connection, _keys(connection, feeds, before or (INT_MAX, INT_MAX)), limit)


def _keys(connection: sqlite3.Connection, feeds: list[int], before: Place) -> Iterator[int]:
    """One pass over the lists by time, newest first, as far as it is read: who is on a list writes now and then."""
    wanted = ",".join(map(str, feeds))
    rows = connection.execute(
        f"SELECT time_ms, key FROM home WHERE (time_ms, key) < (?1, ?2) AND key >> 32 IN ({wanted})"
        f" UNION ALL SELECT time_ms, key FROM nearby WHERE (time_ms, key) < (?1, ?2) AND key >> 32 IN ({wanted})"
        " ORDER BY time_ms DESC, key DESC",
        before,
    )
    return (key for _, key in rows)
