"""What a store's views hold, as it stands in their tables."""

import sqlite3

_NOT_COMPARED = frozenset(("list_todo", "liked_todo", "wanted", "unsettled", "erasures", "meta", "sqlite_sequence"))
"""What is still to be done, or tells of the file and not of messages."""

_COLUMNS = {"excerpts": "key, seen_ms, id, payload, proof"}
"""Of what is held alone: not for whose sake, which of several feeds that may be."""
Tables = dict[str, list[tuple[object, ...]]]


def tables(connection: sqlite3.Connection) -> Tables:
    """Every row of every table; of an index, which words stand where."""
    names = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
    indexes = [name for name, sql in names if sql.startswith("CREATE VIRTUAL TABLE")]
    found: Tables = {}
    for name, _ in names:
        if name in indexes:
            connection.execute(
                f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.words_of_{name} USING fts5vocab (main, {name}, instance)"
            )
            rows = connection.execute(f"SELECT term, doc FROM temp.words_of_{name}").fetchall()
        elif name in _NOT_COMPARED or any(name.startswith(f"{index}_") for index in indexes):
            continue
        else:
            columns = _COLUMNS.get(name, "*")
            rows = connection.execute(f"SELECT {columns} FROM {name}").fetchall()
        found[name] = sorted(rows, key=repr)
    return found


def differing(before: Tables, after: Tables) -> list[str]:
    """The tables that are not the same, with what only one side has."""
    found = []
    for name in before.keys() | after.keys():
        one, other = before.get(name, []), after.get(name, [])
        if one != other:
            lost = [row for row in one if row not in other][:3]
            come = [row for row in other if row not in one][:3]
            found.append(f"{name}: {len(one)} rows, {len(other)} after; gone {lost}, come {come}")
    return found
