"""Make erased texts leave the disk: the index, the write-ahead log, and only then the note that it is due.

SQLite overwrites what is deleted (`secure_delete`), but the full-text index keeps deleted words until its segments are
merged, and the write-ahead log keeps old pages until it is cut.
Source: protocol/feed.md, "Deletes"; SQLite FTS5 manual, section 6.8.
"""

import sqlite3
from collections.abc import Sequence

from .db import transaction
from .view import View


def pending(connection: sqlite3.Connection) -> int:
    """How many erased texts may still lie in a file of the home."""
    return int(connection.execute("SELECT count(*) FROM erasures").fetchone()[0])


def finish(connection: sqlite3.Connection, views: Sequence[View]) -> bool:
    """Erase for good what is pending; outside of a transaction, at most once a minute, as the index is written anew.

    Returns: whether nothing of it is left; a reader elsewhere may hold the log back, and then it stays pending.
    Raises:
        StoreError: as `db.transaction`; it stays pending.
    """
    (last,) = connection.execute("SELECT max(number) FROM erasures").fetchone()
    if last is None:
        return True
    with transaction(connection):
        for view in views:
            view.erase_text(connection)
    # SQLite manual, "PRAGMA wal_checkpoint": the first column is 0 when the log could be cut to nothing.
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        return False
    with transaction(connection):
        connection.execute("DELETE FROM erasures WHERE number <= ?", (last,))
    return True
