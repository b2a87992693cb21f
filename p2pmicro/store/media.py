"""Pictures on the disk: files by their hashes, which are wanted, and which may go.

A row of `media` stands for each picture that something held here names, as long as it does. A file is written, synced
and only then named, in the transaction that says that it is here; it is unlinked after the one that says that it may.
"""

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ..errors import DiskFailedError, StoreError, StoreFullError, StoreReadOnlyError
from ..ids import AccountId, FeedId
from ..limits import QUOTA_MEDIA_BYTES

_NEW = ".new"


class State(IntEnum):
    """What is known of a picture."""

    WANTED = 0
    HERE = 1
    PRUNED = 2  # it was here, or there was no room for it
    REFUSED = 3  # it came, and is not what the entries that are held say of it


class Wish(NamedTuple):
    """A picture that is wanted for an entry."""

    name: bytes  # its hash
    size_bytes: int  # as the entry says
    key: int  # of the entry
    used_ms: int  # the entry's place in time
    own: bool  # one's own, written on another device or before a restore


class MediaFolder:
    """The folder of the files: 0700, each file 0600, named by the hash of its bytes in hex."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, name: bytes, data: bytes) -> None:
        """Write a file, whole or not at all, and on the disk when this returns.

        Raises:
            StoreError: it can't be written.
        """
        assert sha256(data).digest() == name, "checked before it gets its name"
        path = self._file(name)
        draft = path.with_name(path.name + _NEW)
        with _as_store_errors():
            self._path.mkdir(mode=0o700, exist_ok=True)
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(file, view) :]
                os.fsync(file)
            finally:
                os.close(file)
            draft.replace(path)
            self._sync()

    def load(self, name: bytes) -> bytes | None:
        """Read a file; None if it is not there, or is not what it was: a disk forgets.

        Raises:
            StoreError: it can't be read.
        """
        with _as_store_errors():
            try:
                data = self._file(name).read_bytes()
            except FileNotFoundError:
                return None
        return data if sha256(data).digest() == name else None

    def remove(self, name: bytes) -> None:
        """Unlink a file, if it is there. Whether its bytes are overwritten is the disk's affair.

        Raises:
            StoreError: it can't be.
        """
        path = self._file(name)
        with _as_store_errors():
            for file in (path, path.with_name(path.name + _NEW)):
                file.unlink(missing_ok=True)

    def names(self) -> list[str]:
        """The names of all files, those of half-written ones too.

        Raises:
            StoreError: the folder can't be read.
        """
        with _as_store_errors():
            return os.listdir(self._path) if self._path.exists() else []

    def remove_file(self, name: str) -> None:
        """Unlink a file by its name in the folder.

        Raises:
            StoreError: it can't be.
        """
        with _as_store_errors():
            (self._path / name).unlink(missing_ok=True)

    def _file(self, name: bytes) -> Path:
        assert len(name) == 32, "a hash: nothing else names a file"
        return self._path / name.hex()

    def _sync(self) -> None:
        if os.name == "posix":
            folder = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextmanager
def _as_store_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFullError("The disk is full, so a picture was not kept: free some room.") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StoreReadOnlyError("The folder of pictures can't be used: make it yours and writable.") from error
        if error.errno == errno.EIO:
            raise DiskFailedError("The disk failed at a picture: check it and start again.") from error
        raise StoreError(f"The folder of pictures can't be used: {error.strerror}.") from error


# --- What is wanted, in the caller's transaction ---


def want(connection: sqlite3.Connection, wishes: Iterable[Wish]) -> None:
    """Note pictures to fetch, if nothing is known of them yet, or an entry that is later in time names them again."""
    connection.executemany(
        "INSERT INTO media (hash, state, bytes, key, used_ms, own, chosen) VALUES (?, 0, ?, ?, ?, ?, 0)"
        " ON CONFLICT (hash) DO UPDATE SET own = max(own, excluded.own), key = excluded.key,"
        " state = iif(state <> 1 AND (excluded.used_ms > used_ms OR excluded.own > own), 0, state),"
        " bytes = iif(state = 1, bytes, excluded.bytes), used_ms = max(used_ms, excluded.used_ms)"
        " WHERE excluded.used_ms >= used_ms OR excluded.own > own",
        wishes,
    )


def choose(connection: sqlite3.Connection, wish: Wish) -> None:
    """Note that a person wants a picture: it is asked for first, and stays longest."""
    connection.execute(
        "INSERT INTO media (hash, state, bytes, key, used_ms, own, chosen) VALUES (?, 0, ?, ?, ?, ?, 1)"
        " ON CONFLICT (hash) DO UPDATE SET chosen = 1, used_ms = max(used_ms, excluded.used_ms), tries = 0,"
        " state = iif(state = 1, 1, 0), bytes = iif(state = 1, bytes, excluded.bytes)",
        wish,
    )


def used(connection: sqlite3.Connection, name: bytes, now_ms: int) -> None:
    """Note that a person looks at a picture."""
    connection.execute("UPDATE media SET used_ms = max(used_ms, ?) WHERE hash = ?", (now_ms, name))


def lost(connection: sqlite3.Connection, name: bytes) -> None:
    """A file that should be here is not: it is wanted again."""
    connection.execute("UPDATE media SET state = 0, tries = 0 WHERE hash = ? AND state = 1", (name,))


def wanted(
    connection: sqlite3.Connection, account: AccountId | None, leave_out: Iterable[bytes], limit: int, chosen: bool
) -> list[tuple[bytes, int]]:
    """What to ask a peer for next, hash and size: what its person wrote first, then what was asked for least often.

    Of the same, what people chose, then the newest day, and within it small ones first.

    Args:
        account: the peer's.
        leave_out: what it was asked for already.
        chosen: only what people chose.
    """
    left_out = set(leave_out)
    found = []
    for name, size in connection.execute(
        "SELECT hash, m.bytes FROM media m JOIN feeds f ON f.number = m.key >> 32"
        " LEFT JOIN accounts a ON a.number = f.account"
        f" WHERE state = 0 {'AND chosen = 1' if chosen else ''}"
        " ORDER BY a.account IS NOT ?, tries, NOT chosen, used_ms / 86400000 DESC, m.bytes, hash",
        (account,),
    ):
        if name not in left_out:
            found.append((name, size))
            if len(found) == limit:
                break
    return found


def not_had(connection: sqlite3.Connection, name: bytes, peer: FeedId) -> None:
    """A peer does not have what it was asked for."""
    connection.execute("UPDATE media SET tries = tries + 1, asked = ? WHERE hash = ? AND state = 0", (peer, name))


def refuse(connection: sqlite3.Connection, name: bytes) -> None:
    """What came is not what the entries say: not to be asked for again, unless another entry names it."""
    connection.execute("UPDATE media SET state = 3, chosen = 0 WHERE hash = ? AND state = 0", (name,))


# --- Files that come and go, in the caller's transaction ---


def state_of(connection: sqlite3.Connection, name: bytes) -> State | None:
    """What is known of a picture; None if nothing that is held names it."""
    row = connection.execute("SELECT state FROM media WHERE hash = ?", (name,)).fetchone()
    return None if row is None else State(row[0])


def here(connection: sqlite3.Connection, names: Sequence[bytes]) -> set[bytes]:
    """Which of some pictures are on the disk."""
    rows = connection.execute(
        f"SELECT hash FROM media WHERE state = 1 AND hash IN ({', '.join('?' * len(names))})", names
    )
    return {name for (name,) in rows}


def keep_own(connection: sqlite3.Connection, folder: MediaFolder, data: bytes, now_ms: int) -> bytes:
    """Keep a picture of one's own, before the entry that names it is written; its hash.

    Raises:
        StoreError: it can't be kept.
    """
    name = sha256(data).digest()
    folder.save(name, data)
    connection.execute(
        "INSERT INTO media (hash, state, bytes, key, used_ms, own, chosen) VALUES (?, 1, ?, 0, ?, 1, 0)"
        " ON CONFLICT (hash) DO UPDATE SET state = 1, bytes = excluded.bytes, own = 1, used_ms = excluded.used_ms",
        (name, len(data), now_ms),
    )
    return name


def keep(connection: sqlite3.Connection, folder: MediaFolder, name: bytes, data: bytes) -> bool:
    """Keep a picture that came, checked, if it is still wanted and has room; others are pruned for it.

    Raises:
        StoreError: it can't be kept.
    """
    row = connection.execute("SELECT own, chosen, used_ms FROM media WHERE hash = ? AND state = 0", (name,)).fetchone()
    if row is None:
        return False
    own, chosen, used_ms = row
    if not own and not _make_room(connection, len(data), used_ms, bool(chosen)):
        connection.execute("UPDATE media SET state = 2 WHERE hash = ?", (name,))
        return False
    folder.save(name, data)
    connection.execute("UPDATE media SET state = 1, bytes = ? WHERE hash = ?", (len(data), name))
    return True


def _make_room(connection: sqlite3.Connection, size: int, used_ms: int, chosen: bool) -> bool:
    """Prune what was needed longest ago; whether there is room for one that was needed at `used_ms`."""
    held, _ = stored_bytes(connection)
    leaving: list[bytes] = []
    for name, bytes_, last_ms in connection.execute(
        "SELECT hash, bytes, used_ms FROM media WHERE state = 1 AND own = 0 ORDER BY used_ms, hash"
    ):
        if held + size <= QUOTA_MEDIA_BYTES:
            break
        if last_ms >= used_ms and not chosen:
            return False
        leaving.append(name)
        held -= bytes_
    if held + size > QUOTA_MEDIA_BYTES:
        return False
    connection.executemany("UPDATE media SET state = 2, chosen = 0 WHERE hash = ?", [(name,) for name in leaving])
    connection.executemany("INSERT OR IGNORE INTO media_erasures VALUES (?)", [(name,) for name in leaving])
    return True


def stored_bytes(connection: sqlite3.Connection) -> tuple[int, int]:
    """What is here: of others, and of one's own."""
    rows = dict(connection.execute("SELECT name, value FROM meta WHERE name IN ('media', 'media_own')"))
    return int(rows["media"]), int(rows["media_own"])


class Counted(NamedTuple):
    """How many pictures there are."""

    here: int
    size_bytes: int  # of those
    wanted: int


def counted(connection: sqlite3.Connection) -> Counted:
    """How many pictures are here and wanted, of others and of one's own."""
    (here_count, wanted_count) = connection.execute(
        "SELECT (SELECT count(*) FROM media WHERE state = 1), (SELECT count(*) FROM media WHERE state = 0)"
    ).fetchone()
    return Counted(here_count, sum(stored_bytes(connection)), wanted_count)


def damaged(connection: sqlite3.Connection, folder: MediaFolder) -> list[bytes]:
    """Read every file that is here: the hashes of those that are gone, or are not what they were."""
    names = [name for (name,) in connection.execute("SELECT hash FROM media WHERE state = 1 ORDER BY hash")]
    return [name for name in names if folder.load(name) is None]


def release(connection: sqlite3.Connection, names: Iterable[bytes]) -> None:
    """Forget those pictures that nothing held here names any more; their files are due to go."""
    for name in set(names):
        (named,) = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM pictures WHERE hash = ?1) OR EXISTS (SELECT 1 FROM avatars WHERE hash = ?1)",
            (name,),
        ).fetchone()
        if not named:
            for (state,) in connection.execute("DELETE FROM media WHERE hash = ? RETURNING state", (name,)).fetchall():
                if state == State.HERE:
                    connection.execute("INSERT OR IGNORE INTO media_erasures VALUES (?)", (name,))


def erasures_pending(connection: sqlite3.Connection) -> int:
    """How many files are due to go."""
    return int(connection.execute("SELECT count(*) FROM media_erasures").fetchone()[0])


def erase_files(connection: sqlite3.Connection, folder: MediaFolder, limit: int = 64) -> bool:
    """Unlink files that are due to go; False if there were none.

    The write lock is held meanwhile: a file that has come back is not unlinked after it was written.

    Raises:
        StoreError: one can't be; it stays due.
    """
    due = connection.execute(
        "SELECT e.hash, coalesce(state, 0) FROM media_erasures e LEFT JOIN media m ON m.hash = e.hash LIMIT ?", (limit,)
    ).fetchall()
    for name, state in due:
        if state != State.HERE:
            folder.remove(name)
        connection.execute("DELETE FROM media_erasures WHERE hash = ?", (name,))
    return bool(due)


def sweep(connection: sqlite3.Connection, folder: MediaFolder) -> None:
    """Unlink what no row stands for: what a transaction wrote that was rolled back, or a process that was killed.

    The write lock is held meanwhile, as by everybody who writes files: none is taken that is just being written.

    Raises:
        StoreError: one can't be unlinked.
    """
    known = {name.hex() for (name,) in connection.execute("SELECT hash FROM media WHERE state = 1")}
    for name in folder.names():
        if name not in known:
            folder.remove_file(name)
