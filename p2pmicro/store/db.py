"""Open, migrate and guard the one SQLite file of a home; every error of SQLite becomes a sentence here.

Source: the SQLite manual, "Write-Ahead Logging", "PRAGMA statements" and "Result and Error Codes".
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from ..errors import (
    ConfigError,
    DiskFailedError,
    SchemaTooNewError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
)

_SCHEMA = Path(__file__).with_name("schema")
_APPLICATION_ID = 0x7032706D  # "p2pm": so that another program's database is never taken for ours
_BUSY_TIMEOUT_MS = 10_000
CACHE_KIB = 4 << 10  # pages that one connection keeps; the system keeps the rest
BULK_CACHE_KIB = 16 << 10  # for a connection that writes much


class Cursor(sqlite3.Cursor):
    """A cursor whose errors are ours."""

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        """Run one statement. Raises: StoreError."""
        try:
            return super().execute(sql, parameters)
        except sqlite3.DatabaseError as error:
            raise _as_store_error(error) from error

    def executemany(self, sql: str, parameters: Any, /) -> Self:
        """Run one statement for many rows. Raises: StoreError."""
        try:
            return super().executemany(sql, parameters)
        except sqlite3.DatabaseError as error:
            raise _as_store_error(error) from error

    def fetchone(self) -> Any:
        """Give the next row, or None. Raises: StoreError."""
        try:
            return super().fetchone()
        except sqlite3.DatabaseError as error:
            raise _as_store_error(error) from error

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        """Give up to `size` rows. Raises: StoreError."""
        try:
            return super().fetchmany(size)
        except sqlite3.DatabaseError as error:
            raise _as_store_error(error) from error

    def fetchall(self) -> list[Any]:
        """Give the rows that are left. Raises: StoreError."""
        try:
            return super().fetchall()
        except sqlite3.DatabaseError as error:
            raise _as_store_error(error) from error

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.DatabaseError as error:
            raise _as_store_error(error) from error


class Connection(sqlite3.Connection):
    """A connection whose errors are ours."""

    failed = False  # whether a write or sync failed: nothing more is written through it

    def cursor(self, factory: Any = Cursor) -> Any:
        """Make a cursor."""
        return super().cursor(factory)

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Run one statement; the cursor with its rows. Raises: StoreError."""
        return self.cursor().execute(sql, parameters)  # the inherited one makes a plain cursor

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        """Run one statement for many rows. Raises: StoreError."""
        return self.cursor().executemany(sql, parameters)


def open_database(
    path: Path, *, durable: bool = True, read_only: bool = False, cache_kib: int = CACHE_KIB
) -> sqlite3.Connection:
    """Open the database, made (0600) and migrated where needed; used by one thread at a time, closed by the caller.

    Args:
        path: the file; its folder exists.
        durable: whether a commit is on the disk when it returns; without, a power cut may lose the last commits,
            which is right for what peers can send again.
        read_only: open what exists, and change nothing.
        cache_kib: KiB of pages that are kept in memory.
    Raises:
        ConfigError: no such folder or file, or another user's file.
        SchemaTooNewError: a newer version wrote it; it was not touched.
        StoreReadOnlyError, StoreDamagedError, StoreLockedError, StoreFullError: as their names say.
    """
    _check_file(path, create=not read_only)
    connection = _connect_to_read(path)
    try:
        # By a connection that can't write: a newer version's file stays as it is, its log not even folded in.
        version = _version(connection, path)
        if read_only and version < _migrations()[-1][0]:
            raise StoreReadOnlyError(f"{path} is of an older version: open it once where it may be written.")
    except BaseException:
        connection.close()
        raise
    if not read_only:
        connection.close()
        connection = _connect(path, "rw")
    try:
        connection.execute(f"PRAGMA cache_size={-cache_kib}")
        connection.execute("PRAGMA mmap_size=0")  # an I/O error in a mapped file kills the process
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")  # or words of messages would lie in a file elsewhere
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
        if not read_only:
            _set_wal(connection)
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write in one transaction: all of it is committed, or nothing.

    Raises:
        StoreLockedError: another process writes for longer than 10 s.
        DiskFailedError: this connection failed before, and is not used to write again.
    """
    if isinstance(connection, Connection) and connection.failed:
        raise DiskFailedError("The disk failed before, so nothing more is written: check the disk and start again.")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        if isinstance(error, DiskFailedError) and isinstance(connection, Connection):
            # A kernel may drop the pages that it failed to write: a second fsync would say yes to lost data.
            connection.failed = True
        if connection.in_transaction:
            with suppress(StoreError):
                connection.execute("ROLLBACK")
        raise


@contextmanager
def read_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Read one consistent snapshot; at most a second, since it keeps the write-ahead log from shrinking."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _check_file(path: Path, create: bool) -> None:
    """Make the file with its narrow mode, or check that the one that is there is ours.

    Raises:
        ConfigError: it is not.
    """
    try:
        if create:
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
                sync_folder(path.parent)  # SQLite does so for files that it makes itself
        found = path.stat()
    except FileNotFoundError:
        raise ConfigError(f"There is no {path}: run `p2pmicro init`, or name another home.") from None
    except PermissionError:
        raise StoreReadOnlyError(f"{path} can't be opened: this user has no right to it.") from None
    except OSError as error:
        if error.errno == 30:  # EROFS
            raise StoreReadOnlyError(f"{path.parent} can be read and not written: make it writable.") from None
        raise ConfigError(f"{path} can't be opened: {error.strerror}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{path} is not a file: name another home.")
    if os.name == "posix":
        if found.st_uid != os.geteuid():
            raise ConfigError(f"{path} belongs to another user: use a home of your own.")
        if found.st_mode & 0o077 and create:
            with suppress(OSError):  # on a medium without modes there is nothing to narrow
                path.chmod(0o600)


def sync_folder(folder: Path) -> None:
    """Bring the names of new and renamed files to the disk; Windows has no such call.

    Raises:
        OSError: the disk failed.
    """
    if os.name == "posix":
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _connect(path: Path, mode: str) -> Connection:
    try:
        return sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            timeout=_BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
            cached_statements=256,
        )
    except sqlite3.DatabaseError as error:
        raise _as_store_error(error) from error


def _connect_to_read(path: Path) -> Connection:
    connection = _connect(path, "ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema")
    except StoreReadOnlyError:
        # SQLite can't make its shared memory file in a read-only folder. Without a log nothing is in it.
        connection.close()
        if _has_log(path):
            raise
        return _connect(path, "ro&immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _has_log(path: Path) -> bool:
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        return False


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Read the version of a database and check that it is ours.

    Raises:
        ConfigError: another program's. SchemaTooNewError: a newer version's.
    """
    # One snapshot: another process may be making it at this moment, and all of that counts, or nothing.
    with nullcontext() if connection.in_transaction else read_transaction(connection):
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != _APPLICATION_ID and (tables or version):
        raise ConfigError(f"{path} is the database of another program: name another home.")
    newest = _migrations()[-1][0]
    if version > newest:
        raise SchemaTooNewError(
            f"{path} was written by a newer p2pmicro (schema {version}, this one knows {newest}): update this one."
        )
    return version


def _set_wal(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise StoreReadOnlyError("This disk can't hold a write-ahead log: put the home on a local disk.")


def _migrations() -> list[tuple[int, Path]]:
    return sorted((int(path.name[:4]), path) for path in _SCHEMA.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply the schema files that the database lacks, all in one transaction."""
    newest = _migrations()[-1][0]
    if _version(connection, path) == newest:
        return
    with transaction(connection):
        version = _version(connection, path)  # again: another process may have been first
        for number, file in _migrations():
            if number > version:
                for statement in _statements(file.read_text(encoding="utf-8")):
                    connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={newest}")


def _statements(script: str) -> Iterator[str]:
    """Cut a script into statements; `executescript` would commit on its own."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _as_store_error(error: sqlite3.DatabaseError) -> Exception:
    """The error that the rest of p2pmicro knows; a wrong use of the API stays as it is: a bug."""
    if isinstance(error, sqlite3.ProgrammingError):
        return error
    code = getattr(error, "sqlite_errorcode", 0)
    if code in (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMOPEN):  # no room for the shared memory file
        return StoreFullError("There is no room on the disk: free some and try again.")
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreFullError("The disk is full, and nothing was written: free some room and try again.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return StoreReadOnlyError("The database can't be written: make its folder and files writable for you.")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreDamagedError(
                f"The database is damaged ({error}): move it out of the home; your node makes another and fetches its "
                "feeds again."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreLockedError("Another program has held the database for 10 seconds: end it and try again.")
        case sqlite3.SQLITE_IOERR:
            return DiskFailedError(f"The disk failed ({error}), so nothing more is written: check it and start again.")
        case sqlite3.SQLITE_NOMEM:
            return StoreError("There is not enough memory: end other programs and try again.")
    return StoreError(f"The database refused: {error}.")
