"""What a person keeps for themselves and finds again on each device: mutes, blocks, bookmarks, circles and the like.

Each is a value under a name and an item, and the newest counts by (rev, feed, seq), as with public state. It is noted
here at once, and sealed into the log with the next message. Source: protocol/content.md, "Private state".
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from .. import cbor
from ..ids import FeedId
from ..limits import REV_MAX


class Item(NamedTuple):
    """One value, as a sealed entry lists it."""

    name: str  # at most 20 code points: "mute", "block" …
    item: bytes  # at most 600 bytes: what it is of
    rev: int
    value: cbor.Value  # None: taken back


def put(connection: sqlite3.Connection, name: str, item: bytes, value: cbor.Value) -> bool:
    """Set a value (None: take it back), in the caller's transaction; False where it is so already."""
    row = connection.execute("SELECT rev, value FROM private WHERE name = ? AND item = ?", (name, item)).fetchone()
    encoded = None if value is None else cbor.encode(value)
    if (None if row is None else row[1]) == encoded:
        return False
    rev = 1 if row is None else min(row[0] + 1, REV_MAX)
    connection.execute("REPLACE INTO private VALUES (?, ?, ?, x'', 0, ?)", (name, item, rev, encoded))
    return True


def get(connection: sqlite3.Connection, name: str, item: bytes) -> cbor.Value:
    """A value; None where there is none."""
    row = connection.execute("SELECT value FROM private WHERE name = ? AND item = ?", (name, item)).fetchone()
    return None if row is None or row[0] is None else cbor.decode(row[0])


def items(connection: sqlite3.Connection, name: str) -> dict[bytes, cbor.Value]:
    """All values of a name that count, by their items."""
    rows = connection.execute("SELECT item, value FROM private WHERE name = ? AND value IS NOT NULL", (name,))
    return {item: cbor.decode(value) for item, value in rows}


def due(connection: sqlite3.Connection) -> list[Item]:
    """What waits to be sealed."""
    rows = connection.execute("SELECT name, item, rev, value FROM private WHERE seq = 0 ORDER BY name, item")
    return [Item(name, item, rev, None if value is None else cbor.decode(value)) for name, item, rev, value in rows]


def is_due(connection: sqlite3.Connection) -> bool:
    """Whether anything waits to be sealed."""
    return connection.execute("SELECT 1 FROM private WHERE seq = 0 LIMIT 1").fetchone() is not None


def merge(connection: sqlite3.Connection, stated: Sequence[Item], feed: FeedId, seq: int) -> None:
    """Take in what an entry of one's own states: what was due is so no longer where it is what was written."""
    connection.executemany(
        "INSERT INTO private (name, item, rev, feed, seq, value) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name, item) DO UPDATE SET rev = excluded.rev, feed = excluded.feed, seq = excluded.seq,"
        " value = excluded.value"
        # Of two words on who belongs to a circle with one rev, the one that says no: nobody reads on by a race.
        " WHERE (excluded.rev, name = 'member' AND excluded.value IS NULL, excluded.feed, excluded.seq)"
        " > (rev, name = 'member' AND value IS NULL, feed, seq)",
        [
            (one.name, one.item, one.rev, feed, seq, None if one.value is None else cbor.encode(one.value))
            for one in stated
        ],
    )
