"""Overwrite what SQLite leaves behind in the unused part of its pages.

`secure_delete` overwrites what is deleted. But when a full page is split, SQLite moves rows to a new page and leaves
their old bytes in the unused middle of the old one, where a later delete does not reach them: of 600 erased texts, 2
were still in the file (tests/store/test_scrub.py has the case). Short of writing the whole file anew (VACUUM), only
this overwrites them. The unused middle of a page means nothing to SQLite, so zeros there are right at any moment.

Source: the SQLite database file format, section 1.6, "B-tree Pages".
"""

import os
import sqlite3
import threading
from pathlib import Path
from struct import Struct

from ..errors import DiskFailedError, StoreFullError

SLICE_PAGES = 65_536  # scrubbed under one write lock: 256 MiB, a third of a second
_READ_PAGES = 256  # a mebibyte
_PAGES_MAX = 1 << 25  # above, the first byte of an overflow page may look like the kind of a tree's page
_HEADER = Struct(">BHHH").unpack_from  # kind, first free block, number of cells, where their content begins
_HEADER_BYTES = {0x02: 12, 0x05: 12, 0x0A: 8, 0x0D: 8}  # by kind

# POSIX takes away all locks of a process on a file when the process closes any descriptor of it, SQLite's too: another
# process would then believe that nobody has the database open. So what is opened here is never closed.
_files: dict[tuple[int, int], int] = {}
_lock = threading.Lock()


def scrub(connection: sqlite3.Connection, path: Path, start: int) -> int | None:
    """Overwrite the unused part of pages, from number `start` (0 first); in a `transaction`, after a truncated log.

    The write lock keeps others from the file: with an empty write-ahead log there is nothing to check in, and readers
    do not look at unused bytes. The caller changes a row after it, so that all connections read their pages anew.

    Returns: where to go on: at `start` again if somebody has written since the checkpoint; None at the end.
    Raises:
        DiskFailedError: the file could not be read or written.
    """
    assert connection.in_transaction
    log = path.with_name(path.name + "-wal")
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    try:
        if log.exists() and log.stat().st_size > 0:
            return start
        pages = path.stat().st_size // size
        if pages >= _PAGES_MAX:
            raise StoreFullError(f"{path} is too large for deleted texts to be overwritten.")
        end = min(start + SLICE_PAGES, pages)
        with _lock:
            file = _descriptor(path)
            for first in range(start, end, _READ_PAGES):
                _scrub_pages(file, size, first, min(_READ_PAGES, end - first))
            os.fsync(file)
    except OSError as error:
        raise DiskFailedError(f"The disk of {path} failed ({error.strerror}): check it and start again.") from None
    connection.execute("PRAGMA shrink_memory")  # or this connection's cache would write the old bytes again
    return end if end < pages else None


def _scrub_pages(file: int, size: int, first: int, count: int) -> None:
    os.lseek(file, first * size, os.SEEK_SET)
    data = os.read(file, count * size)
    for at in range(0, len(data) - size + 1, size):
        low, high = _unused(data, at, size, 100 if first + at == 0 else 0)
        if low < high and data.count(0, low, high) < high - low:
            os.lseek(file, first * size + low, os.SEEK_SET)
            os.write(file, bytes(high - low))


def _unused(data: bytes, at: int, size: int, skip: int) -> tuple[int, int]:
    """Where the unused middle of the page at `at` begins and ends; nothing if it holds no tree."""
    kind, _, cells, content = _HEADER(data, at + skip)
    if kind not in _HEADER_BYTES:
        return 0, 0
    low, high = skip + _HEADER_BYTES[kind] + 2 * cells, content or 65_536
    return (at + low, at + high) if low <= high <= size else (0, 0)


def _descriptor(path: Path) -> int:
    found = path.stat()
    key = (found.st_dev, found.st_ino)
    if key not in _files:
        _files[key] = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    return _files[key]
