"""The high-water mark: how far a feed has been acknowledged, kept outside the home so that no restore can take it back.

A restored or copied home that appended at a seq which others know already would fork its feed. So an append is
compared with the mark first, and raises it before it is acknowledged. Source: protocol/feed.md, "The mark".
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from errno import EACCES, EDQUOT, ENOENT, ENOSPC, EPERM, EROFS
from hashlib import sha256
from pathlib import Path
from struct import Struct

from ..errors import (
    ConfigError,
    DiskFailedError,
    FeedBehindError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
)
from ..feed.chain import genesis
from ..ids import EntryId, FeedId
from .db import sync_folder
from .lock import FileLock

_RECORD = Struct(">16s32sQ32sQ")  # name, feed, seq, id, reserved; then SHA-256 of it
_NAME = b"p2pmicro mark 1\n"
_LOCK_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Mark:
    """What the file says."""

    seq: int  # the last entry that was acknowledged; 0 before the first
    id: EntryId  # its 32-byte id
    reserved: int  # change numbers up to here may have been seen by peers


class MarkFile:
    """The mark of one feed. The lock order is: the database first, then the mark."""

    def __init__(self, folder: Path, feed: FeedId) -> None:
        """Name the mark of a feed in the state folder, which exists; nothing is read or made."""
        self.feed = feed
        self._folder = folder
        self._path = folder / f"{feed.hex()}.mark"
        self._beside = folder / f"{feed.hex()}.new"
        self._lock = FileLock(folder / f"{feed.hex()}.lock")
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._prepared: Mark | None = None  # written beside the mark, while the lock is held

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep others from appending and raising; a thread that holds it may take it again.

        Raises:
            StoreLockedError: another process holds it for longer than 10 s.
            ConfigError: the state folder can't be used.
        """
        with self._thread_lock:
            if self._depth == 0:
                try:
                    if not self._lock.acquire(_LOCK_TIMEOUT_S):
                        raise StoreLockedError(
                            "Another program has held the mark for 10 seconds: end it and try again."
                        )
                except OSError as error:
                    raise _as_error(self._folder, error) from None
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._prepared = None
                    self._lock.release()

    def read(self) -> Mark | None:
        """Read the mark; None if there is none.

        Raises:
            StoreDamagedError: it is not what was written, or another feed's.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _as_error(self._folder, error) from None
        record, check = data[: _RECORD.size], data[_RECORD.size :]
        if len(record) == _RECORD.size and check == sha256(record).digest():
            name, feed, seq, entry_id, reserved = _RECORD.unpack(record)
            if name == _NAME and feed == self.feed:
                return Mark(seq, EntryId(entry_id), reserved)
        raise StoreDamagedError(f"The mark {self._path} is damaged: move it away, and a new feed will be made.")

    def create(self) -> None:
        """Make the mark of a feed that has no entry yet; nothing if there is one."""
        with self.lock():
            if self.read() is None:
                self._write(Mark(0, genesis(self.feed).id, 0))

    def prepare(self, seq: int, entry_id: EntryId) -> None:
        """Write what `raise_to` puts in place, under the lock: so a full disk stops an append before its commit.

        Raises:
            FeedBehindError: there is no mark.
            StoreFullError, StoreReadOnlyError, DiskFailedError: it can't be written.
        """
        assert self._depth, "under the lock"
        self._save_beside(replace(self._existing(), seq=seq, id=entry_id))

    def raise_to(self, seq: int, entry_id: EntryId) -> None:
        """Raise the mark to an entry, on the disk when this returns; a mark that is there already stays as it is.

        Raises:
            FeedBehindError: there is no mark, it is above `seq`, or it names another entry there.
        """
        with self.lock():
            mark = self._existing()
            if mark.seq > seq or (mark.seq == seq and mark.id != entry_id):
                raise FeedBehindError(f"The mark stands at entry {mark.seq} of this feed: it is never lowered.")
            if mark.seq < seq:
                wanted = replace(mark, seq=seq, id=entry_id)
                if self._prepared != wanted:
                    self._save_beside(wanted)
                self._put_in_place()

    def reserve(self, upto: int) -> int:
        """Reserve change numbers up to `upto`, on the disk when this returns; what is reserved now.

        Raises:
            FeedBehindError: there is no mark.
        """
        with self.lock():
            mark = self._existing()
            if mark.reserved >= upto:
                return mark.reserved
            self._write(replace(mark, reserved=upto))
            return upto

    def _existing(self) -> Mark:
        mark = self.read()
        if mark is None:
            # A mark made here would be believed later on: then a lost mark would go unseen.
            raise FeedBehindError("This feed has no mark on this computer: its home is a copy or was restored.")
        return mark

    def _write(self, mark: Mark) -> None:
        """Replace the file as a whole: a record written in place could be torn, and would then look damaged."""
        self._save_beside(mark)
        self._put_in_place()

    def _save_beside(self, mark: Mark) -> None:
        self._prepared = None
        record = _RECORD.pack(_NAME, self.feed, mark.seq, mark.id, mark.reserved)
        try:
            file = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(file, record + sha256(record).digest())
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise _as_error(self._folder, error) from None
        self._prepared = mark

    def _put_in_place(self) -> None:
        self._prepared = None
        try:
            os.replace(self._beside, self._path)
            sync_folder(self._folder)
        except OSError as error:
            raise _as_error(self._folder, error) from None


def _as_error(folder: Path, error: OSError) -> StoreError | ConfigError:
    if error.errno in (ENOSPC, EDQUOT):
        return StoreFullError(f"The disk of {folder} is full: free some room and try again.")
    if error.errno in (EACCES, EPERM, EROFS):
        return StoreReadOnlyError(f"{folder} can't be written: make it writable for you.")
    if error.errno == ENOENT:
        return ConfigError(f"There is no {folder}: it holds the marks of your feeds.")
    return DiskFailedError(f"The disk of {folder} failed ({error.strerror}): check it and start again.")
