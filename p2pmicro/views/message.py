"""A message as people read it, and how it is loaded from the log."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .. import cbor
from ..errors import ContentError, EncodingError
from ..feed.content import read_many
from ..ids import AccountId, EntryId, FeedId, Ref
from ..store.serve import entry_ids
from .filter import Filter

FUTURE_MARK_MS = 5 * 60_000
"""How far a claim may run ahead of when it was first seen: clocks differ by minutes, and nobody cheats by so little."""
FROM_THE_FUTURE = "from the future"
DATED_BACK = "dated back"
_BLOCK = 8  # messages loaded at once, where a list lacks fewer
_LOADED_MAX = 10_000  # messages that one list loads: about 0.4 s


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready to be shown; nothing in it is trusted: names and text may hold any character."""

    ref: Ref
    key: int  # of its row in this store: feed number << 32 | seq
    account: AccountId
    name: str | None  # from the account's profile; None while there is none, or an empty one
    time_ms: int  # min(claimed, first seen), Unix milliseconds: its place in a list
    seen_ms: int  # when it was first stored here
    claimed_ms: int  # what its author says
    kind: str
    text: str  # at most 140 code points
    marks: tuple[str, ...]  # of "from the future", "dated back"

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in a list by time: what the next page comes `before`."""
        return self.time_ms, self.key


def visible(connection: sqlite3.Connection, keys: Iterable[int], limit: int) -> list[Message]:
    """The first `limit` messages of these keys that the person wants to see, in their order: what every list is.

    At most _LOADED_MAX are looked at: what stands behind more than so many hidden ones in a row is not found.
    """
    hidden = Filter.read(connection)
    left = islice((key for key in keys if not hidden.hides_key(key)), _LOADED_MAX)
    found: list[Message] = []
    while len(found) < limit and (block := list(islice(left, max(limit - len(found), _BLOCK)))):
        found += hidden.shown(load(connection, block))
    return found[:limit]


def load(connection: sqlite3.Connection, keys: Sequence[int]) -> list[Message]:
    """The messages of these keys in their order, muted ones too: for what a person opens by its ref.

    Those that are not held, not readable or no message are left out.
    """
    rows = select(connection, keys)
    ids = _ids(connection, [(row[0], FeedId(row[4])) for row in rows])
    previous_ms = iter(_claims([row[3] for row in rows if row[3] is not None]))
    messages = {}
    for row, entry in zip(rows, read_many([row[2] for row in rows]), strict=True):
        key, seen_ms, _, previous, feed, account, name = row
        before_ms = None if previous is None else next(previous_ms)
        if isinstance(entry, EncodingError | ContentError) or entry.kind != "post" or key not in ids:
            continue
        marks = []
        if entry.time_ms > seen_ms + FUTURE_MARK_MS:
            marks.append(FROM_THE_FUTURE)
        # Against the feed alone, not against anybody's clock: the same on every node that holds both.
        if before_ms is not None and entry.time_ms < before_ms:
            marks.append(DATED_BACK)
        messages[key] = Message(
            Ref(feed, key & 0xFFFFFFFF, ids[key]),
            key,
            account,
            name or None,
            min(entry.time_ms, seen_ms),
            seen_ms,
            entry.time_ms,
            entry.kind,
            entry.content["text"],
            tuple(marks),
        )
    return [messages[key] for key in keys if key in messages]


def select(connection: sqlite3.Connection, keys: Sequence[int]) -> list[tuple[Any, ...]]:
    """What SQLite has to say of some entries: all that `load` needs but their ids."""
    return connection.execute(
        f"""
        SELECT entry.key, entry.seen_ms, entry.payload, previous.payload, feed, accounts.account, name
        FROM entries AS entry
        JOIN feeds ON feeds.number = entry.key >> 32
        JOIN accounts ON accounts.number = feeds.account
        LEFT JOIN profiles ON profiles.account = feeds.account
        LEFT JOIN entries AS previous ON previous.key = entry.key - 1
        WHERE entry.payload IS NOT NULL AND entry.key IN ({", ".join("?" * len(keys))})
        """,
        keys,
    ).fetchall()


def _ids(connection: sqlite3.Connection, wanted: Sequence[tuple[int, FeedId]]) -> dict[int, EntryId]:
    """The id of each key: asked for by feed, since an id is walked to from a head."""
    by_feed: dict[FeedId, list[int]] = defaultdict(list)
    for key, feed in wanted:
        by_feed[feed].append(key)
    found = {}
    for feed, keys in by_feed.items():
        for key, entry_id in zip(keys, entry_ids(connection, feed, [key & 0xFFFFFFFF for key in keys]), strict=True):
            if entry_id is not None:
                found[key] = entry_id
    return found


def _claims(payloads: Sequence[bytes]) -> list[int | None]:
    """The time that each payload claims, whatever its kind; None where there is none to read."""
    claims: list[int | None] = []
    for value in cbor.decode_many(payloads):
        time_ms = value[0] if isinstance(value, list) and len(value) == 3 else None
        claims.append(time_ms if type(time_ms) is int else None)
    return claims
