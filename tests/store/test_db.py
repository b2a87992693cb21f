"""Opening: whose file, which version, which damage; and what SQLite's errors become."""

import os
import sqlite3
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from p2pmicro.errors import (
    ConfigError,
    DiskFailedError,
    SchemaTooNewError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
)
from p2pmicro.store.db import Connection, open_database, read_transaction, transaction
from p2pmicro.store.erase import pending

AS_ROOT = os.name == "posix" and os.geteuid() == 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database that was made and closed."""
    path = tmp_path / "store.db"
    open_database(path).close()
    return path


def test_new_database_is_for_its_owner_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_wider_mode_is_narrowed(path: Path) -> None:
    path.chmod(0o644)
    open_database(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_log_of_an_open_database_is_for_its_owner_alone(path: Path) -> None:
    connection = open_database(path)
    with transaction(connection):
        connection.execute("UPDATE meta SET value = 1 WHERE name = 'change'")
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    connection.close()


def test_pragmas_hold_on_every_connection(path: Path) -> None:
    for durable, synchronous in ((True, 2), (False, 1)):
        connection = open_database(path, durable=durable)
        wanted = {
            "journal_mode": "wal",
            "synchronous": synchronous,
            "secure_delete": 1,
            "foreign_keys": 1,
            "mmap_size": 0,
            "cache_size": -4096,
            "temp_store": 2,
            "busy_timeout": 10_000,
        }
        assert {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
        connection.close()


def test_newer_version_is_refused_and_not_touched(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=9999")
    connection.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(SchemaTooNewError, match="update"):
            open_database(path, read_only=read_only)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE photos (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="another program"):
        open_database(path)
    assert path.read_bytes() == before


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a file away")
def test_another_users_file_is_refused(path: Path) -> None:
    os.chown(path, 12345, -1)
    with pytest.raises(ConfigError, match="another user"):
        open_database(path)


def test_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        open_database(tmp_path)


@pytest.mark.parametrize("read_only", [False, True])
def test_missing_folder_or_file_is_said(tmp_path: Path, read_only: bool) -> None:
    with pytest.raises(ConfigError, match="no "):
        open_database(tmp_path / "nowhere" / "store.db", read_only=read_only)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look" * 20, b"SQLite format 3\0"])
def test_file_that_is_no_database_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StoreDamagedError, match="move it out"):
        open_database(path)
    assert path.read_bytes() == content


def test_damaged_page_is_damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xaa" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreDamagedError):
        open_database(path)


def test_read_only_connection_reads_and_does_not_write(path: Path) -> None:
    connection = open_database(path, read_only=True)
    assert pending(connection) == 0
    with pytest.raises(StoreReadOnlyError, match="writable"), transaction(connection):
        connection.execute("DELETE FROM meta")
    connection.close()


def test_older_version_is_not_brought_up_to_date_by_a_reader(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=0")
    connection.close()
    with pytest.raises(StoreReadOnlyError, match="older version"):
        open_database(path, read_only=True)


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_read_only_home_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        open_database(path).close()
        path.chmod(0o400)
        path.parent.chmod(0o500)
        if AS_ROOT:  # whom no mode stops
            os.chown(path, 12345, -1)
            os.chown(path.parent, 12345, -1)
            os.seteuid(12345)
        try:
            with pytest.raises(StoreReadOnlyError, match="writ"):
                open_database(path)
            reader = open_database(path, read_only=True)
            assert pending(reader) == 0
            reader.close()
        finally:
            if AS_ROOT:
                os.seteuid(0)
            path.parent.chmod(0o700)


def test_full_disk_rolls_back_as_a_whole(path: Path) -> None:
    connection = open_database(path)
    connection.execute(f"PRAGMA max_page_count={connection.execute('PRAGMA page_count').fetchone()[0] + 4}")

    def write() -> None:
        with transaction(connection):
            connection.execute("INSERT INTO entries VALUES (1, 1, x'00')")
            connection.execute("INSERT INTO entries VALUES (2, 1, zeroblob(100000))")

    with pytest.raises(StoreFullError, match="full"):
        write()
    assert not connection.in_transaction
    assert connection.execute("SELECT count(*) FROM entries").fetchone() == (0,)
    connection.close()


def test_writer_in_another_connection_is_waited_for_and_then_said(path: Path) -> None:
    one, other = open_database(path), open_database(path)
    other.execute("PRAGMA busy_timeout=10")
    with transaction(one):
        with pytest.raises(StoreLockedError, match="10 seconds"), transaction(other):
            pass
        assert pending(other) == 0  # readers are not kept
    one.close()
    other.close()


def test_transaction_that_raises_leaves_nothing(path: Path) -> None:
    connection = open_database(path)

    def write() -> None:
        with transaction(connection):
            connection.execute("INSERT INTO erasures (key) VALUES (1)")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert pending(connection) == 0
    connection.close()


def test_read_transaction_sees_one_moment(path: Path) -> None:
    reader, writer = open_database(path), open_database(path)
    with read_transaction(reader):
        assert pending(reader) == 0
        with transaction(writer):
            writer.execute("INSERT INTO erasures (key) VALUES (1)")
        assert pending(reader) == 0
    assert pending(reader) == 1
    reader.close()
    writer.close()


def test_two_that_create_at_once_make_one_database(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    failed: list[BaseException] = []

    def create() -> None:
        try:
            open_database(path).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    connection = open_database(path)
    assert connection.execute("SELECT count(*) FROM meta WHERE name IN ('epoch', 'change')").fetchone() == (2,)
    connection.close()


class _FailingDisk(Connection):
    """A connection to a disk that fails to sync."""

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        if sql == "COMMIT":
            raise DiskFailedError("The disk failed.")
        return super().execute(sql, parameters)


def test_failed_sync_is_never_retried(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None, factory=_FailingDisk)

    def write() -> None:
        with transaction(connection):
            connection.execute("INSERT INTO erasures (key) VALUES (1)")

    with pytest.raises(DiskFailedError, match="failed"):
        write()
    assert not connection.in_transaction
    with pytest.raises(DiskFailedError, match="before"):
        write()
    assert pending(connection) == 0
    connection.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_FULL", StoreFullError),
        ("SQLITE_READONLY_DBMOVED", StoreReadOnlyError),
        ("SQLITE_CANTOPEN", StoreReadOnlyError),
        ("SQLITE_CORRUPT_INDEX", StoreDamagedError),
        ("SQLITE_NOTADB", StoreDamagedError),
        ("SQLITE_BUSY_SNAPSHOT", StoreLockedError),
        ("SQLITE_IOERR_FSYNC", DiskFailedError),
        ("SQLITE_IOERR_SHMSIZE", StoreFullError),
        ("SQLITE_NOMEM", StoreError),
        ("SQLITE_CONSTRAINT_UNIQUE", StoreError),
    ],
)
def test_each_error_of_sqlite_has_its_kind(path: Path, name: str, kind: type[StoreError]) -> None:
    def fail() -> int:
        error = sqlite3.OperationalError("it did")
        error.sqlite_errorcode = getattr(sqlite3, name)
        raise error

    class Parameters(dict[str, int]):
        """What raises while SQLite binds it, as SQLite itself would."""

        def __getitem__(self, key: str) -> int:
            return fail()

    connection = open_database(path)
    with pytest.raises(kind) as caught:
        connection.execute("SELECT :it", Parameters())
    assert type(caught.value) is kind
    connection.close()


def test_wrong_use_stays_a_bug(path: Path) -> None:
    connection = open_database(path)
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
