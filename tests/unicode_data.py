"""Unicode's data files, as Debian's package `unicode-data` has them: what our own tables are held against."""

import bz2
from pathlib import Path

import pytest

_FOLDER = Path("/usr/share/unicode")


def lines(name: str) -> list[str]:
    """The lines of a file that are no comments; the test that needs it is skipped where it is absent."""
    path, packed = _FOLDER / name, _FOLDER / f"{name}.bz2"
    if path.is_file():
        text = path.read_text("utf-8")
    elif packed.is_file():
        text = bz2.decompress(packed.read_bytes()).decode()
    else:
        pytest.skip(f"no {path}: install the package unicode-data")
    return [line for line in text.splitlines() if line and line[0] not in "#@"]
