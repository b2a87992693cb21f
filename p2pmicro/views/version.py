"""Whether the views were made by this version of the program, and with its Unicode: else they are made again."""

import sqlite3
import unicodedata
from collections.abc import Callable, Sequence

from ..store.view import View
from .rebuild import rebuild

VERSION = 1
"""Grows whenever a view makes other rows of the same entries, or a new one is there."""


def stamp() -> str:
    """What the store notes: our version, and Unicode's, by whose properties tags are found."""
    return f"{VERSION} {unicodedata.unidata_version}"


def are_current(connection: sqlite3.Connection) -> bool:
    """Whether the views are as this program would make them."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'views'").fetchone()
    return row is not None and row[0] == stamp()


def make_again(connection: sqlite3.Connection, views: Sequence[View], progress: Callable[[int, int], None]) -> None:
    """Make all views from the log, and note by whom, in the caller's transaction."""
    rebuild(connection, views, progress)
    connection.execute("REPLACE INTO meta (name, value) VALUES ('views', ?)", (stamp(),))
