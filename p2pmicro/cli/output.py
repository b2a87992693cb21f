"""What people and programs are shown: lines of JSON, or text that no message can spoil."""

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TextIO

from ..feed.hidden import without_hidden
from ..node.plain import rfc3339 as rfc3339

_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_BAR_WIDTH = 30
_PILED_MAX = 8  # C5: more marks on one letter than any script has reach into the lines above
_ANSWER_MAX = 4096  # characters: a wrong file must not be read to its end
# C1: they turn the text around them; what a stranger wrote must not move what stands beside it.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def print_json(fields: Mapping[str, Any]) -> None:
    """Print one JSON object as a line."""
    print(json.dumps(fields, ensure_ascii=False), flush=True)


def printable(text: str) -> str:
    """Make another person's text safe for a terminal: one line of its height.

    Control characters and separators of lines become marks, bidi controls go, and of marks that are piled up on one
    letter a few stay.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = []
    piled = 0
    for letter in text:
        category = unicodedata.category(letter)
        piled = piled + 1 if category in ("Mn", "Me") else 0
        if letter == "\n":
            shown.append(" ⏎ ")
        elif category in ("Cc", "Cs", "Zl", "Zp"):
            shown.append(f"<U+{ord(letter):04X}>")
        elif letter not in _BIDI and piled <= _PILED_MAX:
            shown.append(letter)
    return "".join(shown)


def printable_name(name: str) -> str:
    """A name, safe for a terminal, without what nobody would see: it must not look like another and be none."""
    return printable(without_hidden(name)).strip() or "?"


def colour(stream: TextIO) -> bool:
    """Whether to use colour: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """Bold, on a terminal."""
    return f"{_BOLD}{text}{_RESET}" if colour(sys.stdout) else text


def dim(text: str) -> str:
    """Faint, on a terminal."""
    return f"{_DIM}{text}{_RESET}" if colour(sys.stdout) else text


def local_time(time_ms: int) -> str:
    """A time for people: today's by the clock, others by the day."""
    try:
        moment = datetime.fromtimestamp(time_ms / 1000).astimezone()
    except (OverflowError, OSError, ValueError):
        return rfc3339(time_ms)
    today = datetime.now().astimezone().date()
    return moment.strftime("%H:%M") if moment.date() == today else moment.strftime("%Y-%m-%d %H:%M")


def size(count: int) -> str:
    """A number of bytes for people."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def counted(count: int, one: str, more: str | None = None) -> str:
    """A number with its noun: "1 feed", "2 feeds"."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def agreed(question: str) -> bool:
    """Ask a person at a terminal; anything but a yes is a no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline(_ANSWER_MAX)
    if not answer.endswith("\n"):  # ^D
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")


def print_table(rows: Iterable[tuple[str, ...]], head: tuple[str, ...]) -> None:
    """Print columns, as wide as they have to be."""
    table = [head, *rows]
    widths = [max(_width(row[column]) for row in table) for column in range(len(head))]
    for number, row in enumerate(table):
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        print(dim(line) if number == 0 else line)


def _width(text: str) -> int:
    """Columns that a terminal gives a text: two for wide letters, none for marks."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


class Progress:
    """A bar on standard error while something long goes on; nothing where that is no terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = -1
        self._on = sys.stderr is not None and sys.stderr.isatty()  # closed by `2>&-`

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is."""
        share = 100 * done // total if total else 100
        if self._on and share != self._shown:
            self._shown = share
            filled = _BAR_WIDTH * share // 100
            bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
            sys.stderr.write(f"\r{self._what} {bar} {share:3d} %")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on and self._shown >= 0:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
