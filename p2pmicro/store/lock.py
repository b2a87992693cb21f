"""Lock files: who runs the node of a home, and who appends to its feed. A lock ends with its process."""

import os
import time
from pathlib import Path
from types import TracebackType

if os.name == "nt":
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]

    def _give(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


_POLL_S = 0.002  # flock has no deadline of its own


class FileLock:
    """A lock on a file (made with 0600 where absent, never removed: a removed one could be held twice)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._file is not None

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Take the lock, for which another holder is waited `timeout_s`; False if it did not come free.

        Raises:
            OSError: the file can't be made.
        """
        assert self._file is None, "held already"
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                _take(file)
            except OSError:
                if time.monotonic() >= deadline:
                    os.close(file)
                    return False
                time.sleep(_POLL_S)
            else:
                self._file = file
                return True

    def release(self) -> None:
        """Give the lock back; nothing if it is not held."""
        if self._file is not None:
            file, self._file = self._file, None
            _give(file)
            os.close(file)


class NodeLock(FileLock):
    """What the running node of a home holds, from its start to its end.

    Use it as a context manager, or call `acquire` (False: another node runs) and `release`.
    """

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
