"""Change numbers: each change of a feed takes the next one, and peers ask for what came after the last they know.

After a power cut the database may be older than what peers were told. So numbers are reserved in blocks, whose end is
kept in the mark, and who takes the node's lock goes on above it. Source: protocol/sync.md, "Change numbers".
"""

import sqlite3

from ..limits import CHANGE_BLOCK
from .mark import MarkFile


class ChangeNumbers:
    """Gives out change numbers, each once, upwards."""

    def __init__(self, mark: MarkFile) -> None:
        """Reserve them in the mark of the feed that is in use here."""
        self.mark = mark
        self._reserved = 0  # others may have reserved more since: asked when it is reached

    def start(self, connection: sqlite3.Connection) -> None:
        """Go on above all that may have been given out; for who has just taken the node's lock, in a transaction.

        Raises:
            FeedBehindError: there is no mark.
        """
        found = self.mark.read()
        reserved = 0 if found is None else found.reserved
        self._reserved = self.mark.reserve(max(reserved, last_change(connection)) + CHANGE_BLOCK)
        connection.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'change'", (reserved,))

    def take(self, connection: sqlite3.Connection, count: int = 1) -> int:
        """Take `count` numbers, in a transaction; the first of them.

        Raises:
            FeedBehindError: there is no mark to reserve them in.
        """
        row = connection.execute(
            "UPDATE meta SET value = value + ? WHERE name = 'change' RETURNING value", (count,)
        ).fetchone()
        last = int(row[0])
        if last > self._reserved:
            found = self.mark.read()
            self._reserved = 0 if found is None else found.reserved
            if last > self._reserved:
                self._reserved = self.mark.reserve(last + CHANGE_BLOCK)
        return last - count + 1


def last_change(connection: sqlite3.Connection) -> int:
    """The highest change number that was given out."""
    return int(connection.execute("SELECT value FROM meta WHERE name = 'change'").fetchone()[0])


def epoch(connection: sqlite3.Connection) -> bytes:
    """The 8 random bytes under which this store's change numbers mean anything."""
    return bytes(connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()[0])


def new_epoch(connection: sqlite3.Connection, random8: bytes) -> None:
    """Begin a new epoch: peers forget what they knew of this store's change numbers."""
    connection.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (random8,))
