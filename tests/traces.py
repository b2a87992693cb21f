"""What was written into a database between two moments, in whichever table: for tests that nothing was."""

import sqlite3
from collections import Counter
from typing import Any, TypeAlias

Rows: TypeAlias = Counter[tuple[str, tuple[Any, ...]]]


def all_rows(connection: sqlite3.Connection) -> Rows:
    """Every row of every table, with its table's name; of the search index those of the tables that it is kept in."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    names = [name for (name,) in connection.execute(tables)]
    return Counter((name, row) for name in names for row in connection.execute(f'SELECT * FROM "{name}"'))


def written(before: Rows, after: Rows) -> set[str]:
    """The tables that have a row which they did not have."""
    return {name for name, _ in after - before}
