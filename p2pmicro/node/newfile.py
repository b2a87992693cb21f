"""Write a file that a person asked for: for its owner alone, and whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC, EROFS
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigError, LocalError, StoreFullError
from ..store.db import sync_folder


def check_place(path: Path, *kept: Path) -> None:
    """See that a file may be written at a place.

    Args:
        kept: folders in which nothing may be: a key file would be gone.
    Raises:
        LocalError: it lies in one of them.
        ConfigError: there is no such folder, or something that is no file is there.
    """
    found = path.resolve()
    for folder in kept:
        if found.is_relative_to(folder.resolve()):
            raise LocalError(f"{path} lies in the folder of your account: choose a place outside of {folder}.")
    if not found.parent.is_dir():
        raise ConfigError(f"There is no folder {path.parent}: make it, or choose another place.")
    if found.exists() and not found.is_file():
        raise ConfigError(f"{path} is not a file: choose another name.")


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write into, which takes its name, in place of the one there, once it is whole and on the disk.

    Raises:
        ConfigError, StoreFullError: it can't be written; nothing is left of it, and what was there before is.
    """
    with _sentences(path):
        number, draft = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)  # with the mode 0600
        try:
            with os.fdopen(number, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(draft).unlink()
            raise
        sync_folder(path.parent)


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn the system's errors into sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise StoreFullError(f"The disk of {path} is full: free some room, or choose another place.") from None
        if error.errno == EROFS or isinstance(error, PermissionError):
            raise ConfigError(f"{path} can't be written: choose a place that you may write to.") from None
        raise ConfigError(f"{path} can't be written: {error.strerror}.") from None
