"""Make all views again from the log."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence

from ..store.alone import all_alone_rows
from ..store.feeds import feed_states
from ..store.view import Row, View, show, shown_rows


def rebuild(connection: sqlite3.Connection, views: Sequence[View], progress: Callable[[int, int], None]) -> None:
    """Clear all views and give them every readable and shown entry again, in the caller's transaction.

    The rows are equal to those that grew as the entries came.

    Args:
        connection: of a transaction: a view that is half full is worse than an old one.
        views: all of them.
        progress: told how many of all entries are done.
    """
    (total,) = connection.execute("SELECT count(*) FROM entries WHERE payload IS NOT NULL").fetchone()
    for view in views:
        view.clear(connection)
    done = 0
    for rows in all_rows(connection):
        show(connection, views, rows)
        done += len(rows)
        progress(min(done, total), total)
    progress(total, total)


def all_rows(connection: sqlite3.Connection) -> Iterator[Sequence[Row]]:
    """Every readable and shown entry, some thousand at a time; of sealed ones, what is outside."""
    for state in feed_states(connection):
        yield from shown_rows(connection, state)
    yield from all_alone_rows(connection)
