"""Verify finds any bit that was turned over, and every row that is missing or too many."""

from random import Random

import pytest

from p2pmicro.feed.content import delete, write
from p2pmicro.feed.device import make_revoke
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.ids import Ref
from p2pmicro.store.cut import learn_fork, learn_revoke
from p2pmicro.store.db import open_database, transaction
from p2pmicro.store.verify import verify
from tests.made import NOW_MS, MadeFeed, flipped
from tests.store.home import Home


@pytest.fixture
def full(home: Home) -> Home:
    """Two runs, holes, a delete, a fork and a revoke."""
    made = MadeFeed(70, "laptop")
    made.append(write(NOW_MS, "delete", delete(Ref(made.feed, 5, made.links[5].id))))
    other = made.branch(60, 10)
    home.know(made)
    home.take(made.range(1, 30, holes=[9]), made.range(50, 71))
    with transaction(home.connection):
        side, twin = made.side(60, 64), other.side(60, 64)
        proof = make_fork_proof(made.feed, made.links[59], side, twin)
        assert learn_fork(home.connection, home.views, home.changes, proof)
        revoke = make_revoke(made.account_key, made.feed, made.links[71])
        assert learn_revoke(home.connection, home.views, home.changes, revoke)
    home.take(MadeFeed(3, "bob", "bob").range(1, 3))
    assert _faults(home) == []
    return home


def _faults(home: Home) -> list[str]:
    return verify(home.connection, lambda done, of: None)


COLUMNS = [
    *(("entries", "payload"), ("holes", "hash"), ("heads", "id"), ("heads", "signature")),
    ("waypoints", "id"),
    *(("feeds", column) for column in ("feed", "device", "device_head", "before_id", "last_id")),
    *(("feeds", column) for column in ("older_before_id", "older_last_id", "fork", "revoke_id", "revoke_signature")),
    *(("accounts", "account"), ("tombstones", "id")),
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_any_flipped_bit_is_found(full: Home, rng: Random, table: str, column: str) -> None:
    key = "number" if table in ("feeds", "accounts") else "deleter" if table == "tombstones" else "key"
    connection = full.connection
    rows = connection.execute(f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
    if table == "accounts":
        rows = rows[:1]  # the other has no feed: nothing says what it should be
    for at, value in rng.sample(rows, min(8, len(rows))):
        bit = rng.randrange(8 * len(value))
        change = f"UPDATE {table} SET {column} = ? WHERE {key} = ?"
        connection.execute(change, (flipped(value, bit), at))
        assert _faults(full), (table, column, at, bit)
        connection.execute(change, (value, at))
        assert _faults(full) == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM entries WHERE key & 255 = 7",
        "DELETE FROM entries WHERE key & 255 = 71",
        "DELETE FROM heads WHERE key & 255 = 64",
        "DELETE FROM heads WHERE key & 255 = 30",
        "DELETE FROM holes WHERE key & 255 = 9",
        "UPDATE holes SET length = length + 1",
        "UPDATE entries SET payload = NULL WHERE key & 255 = 7",
        "UPDATE entries SET payload = zeroblob(9000) WHERE key & 255 = 7",
        "INSERT INTO entries VALUES ((1 << 32) + 200, 1, x'00')",
        "INSERT INTO entries VALUES ((77 << 32) + 2, 1, x'00')",
        "INSERT INTO holes VALUES ((1 << 32) + 7, 1, x'00', 3)",
        "INSERT INTO holes VALUES ((1 << 32) + 40, 1, x'00', 3)",
        "INSERT INTO heads VALUES ((1 << 32) + 7, x'00', x'00')",
        "INSERT INTO heads VALUES ((1 << 32) + 40, x'00', x'00')",
        "INSERT INTO waypoints VALUES ((1 << 32) + 40, x'00')",
        "UPDATE feeds SET last_seq = last_seq + 1",
        "UPDATE feeds SET last_seq = last_seq - 1",
        "UPDATE feeds SET before_seq = before_seq - 1",
        "UPDATE feeds SET older_last_seq = before_seq + 1",
        "UPDATE feeds SET fork_seq = fork_seq + 1",
        "UPDATE feeds SET fork = NULL",
        "UPDATE feeds SET fork = x'ff'",
        "UPDATE feeds SET revoke_seq = revoke_seq + 1",
        "UPDATE feeds SET bytes = bytes + 1",
        "UPDATE meta SET value = value + 1 WHERE name = 'bytes'",
        "UPDATE meta SET value = 0 WHERE name = 'change'",
        "UPDATE tombstones SET deleter = deleter + 1",
    ],
)
def test_rows_that_contradict_each_other_are_found(full: Home, change: str) -> None:
    assert full.connection.execute(change).rowcount > 0
    faults = _faults(full)
    assert faults
    assert all(fault.endswith(".") for fault in faults)


def test_progress_is_told_feed_by_feed(full: Home) -> None:
    told: list[tuple[int, int]] = []
    verify(full.connection, lambda done, of: told.append((done, of)))
    assert told == [(1, 1)]


def test_damaged_file_is_said(full: Home) -> None:
    (page,) = full.connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'holes'").fetchone()
    full.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    full.close()
    data = bytearray(full.path.read_bytes())
    data[4096 * (page - 1) : 4096 * page] = bytes(4096)
    full.path.write_bytes(data)
    full.connection = open_database(full.path)
    assert any("damaged" in fault for fault in _faults(full))
