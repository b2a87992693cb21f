"""Texts that a person has begun and not posted: here alone, and gone from the disk when they are dropped."""

import sqlite3
from dataclasses import dataclass

from .erase import wipe


@dataclass(frozen=True, slots=True)
class Draft:
    """One of them."""

    number: int  # never used again for another
    saved_ms: int  # Unix milliseconds
    text: str


def save(connection: sqlite3.Connection, text: str, now_ms: int, number: int | None = None) -> int | None:
    """Keep a text, in the caller's transaction; in place of draft `number` if it is given.

    Returns: its number; None if there is no such draft.
    """
    if number is None:
        row = connection.execute(
            "INSERT INTO drafts (saved_ms, text) VALUES (?, ?) RETURNING number", (now_ms, text)
        ).fetchone()
    else:
        row = connection.execute(
            "UPDATE drafts SET saved_ms = ?, text = ? WHERE number = ? RETURNING number", (now_ms, text, number)
        ).fetchone()
        wipe(connection, [0])
    return None if row is None else int(row[0])


def load(connection: sqlite3.Connection) -> list[Draft]:
    """All of them, oldest first."""
    return [Draft(*row) for row in connection.execute("SELECT number, saved_ms, text FROM drafts ORDER BY number")]


def find(connection: sqlite3.Connection, number: int) -> Draft | None:
    """One of them; None if there is none of that number."""
    row = connection.execute("SELECT number, saved_ms, text FROM drafts WHERE number = ?", (number,)).fetchone()
    return None if row is None else Draft(*row)


def drop(connection: sqlite3.Connection, number: int) -> bool:
    """Take one away, in the caller's transaction; False if there is none of that number."""
    gone = connection.execute("DELETE FROM drafts WHERE number = ?", (number,)).rowcount > 0
    if gone:
        wipe(connection, [0])
    return gone
