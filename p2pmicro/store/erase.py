"""Make erased texts leave the disk: the index, the write-ahead log, and only then the note that it is due.

SQLite overwrites what is deleted (`secure_delete`), but the full-text index keeps deleted words until its segments are
merged, the write-ahead log keeps old pages until it is cut, and split pages keep old bytes until they are scrubbed.
Source: protocol/feed.md, "Deletes"; SQLite FTS5 manual, section 6.8.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from .db import transaction
from .scrub import scrub
from .view import View

_TRIES_MAX = 1024  # slices of the file, and times that somebody wrote between the checkpoint and a slice


def wipe(connection: sqlite3.Connection, keys: Iterable[int]) -> None:
    """Note that texts which are gone may still lie in a file of the home, in the caller's transaction; 0: a draft's."""
    connection.executemany("INSERT INTO erasures (key) VALUES (?)", [(key,) for key in keys])


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
    path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
    start = 0
    for _ in range(_TRIES_MAX):
        # SQLite manual, "PRAGMA wal_checkpoint": the first column is 0 when the log could be cut to nothing.
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            return False
        with transaction(connection):
            after = scrub(connection, path, start)
            if after is None:
                connection.execute("DELETE FROM erasures WHERE number <= ?", (last,))
                return True
            connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'scrubbed'")
            start = after
    return False
