"""What a person types to find messages: words, phrases and prefixes, and who, when and with what.

    ferry late      both words            from:Ada          of a person, by any name that `names.find_account` takes
    "ferry was"     in a row              #tag              with a tag
    fer*            words that begin so   since:2024-05     from the first of May on
    -early          without it            until:2024-05-03  to the end of that day
                                          has:picture       with a picture

Nothing is an error: what can't be understood is left out, and a hint says so.
"""

import re
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import LocalError
from ..feed.tags import fold
from ..ids import AccountId
from ..store.feeds import Role, accounts_with_roles
from .names import find_account
from .words import Query, any_of, parse

_PART = re.compile(r'(?:(?<=\s)|^)(-?)(?:(from|since|until|has):(?:"([^"]*)"?|(\S*))|(#\w+))(?=\s|$)', re.I)
_WITHOUT = re.compile(r'(?:(?<=\s)|^)-(?:"([^"]*)"?|([^\s"]+))')
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_SHOWN_MAX = 40  # characters of what was typed, to say it back


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a message must have; all of it."""

    words: Query | None  # None: no word is asked for
    without: Query | None  # and what its text must not have
    tags: frozenset[str]  # folded
    without_tags: frozenset[str]
    people: frozenset[AccountId] | None  # None: of anybody
    without_people: frozenset[AccountId]
    since_ms: int | None  # its place in time, Unix milliseconds
    until_ms: int | None  # before this
    picture: bool | None  # None: with or without
    hints: tuple[str, ...]  # what was left out, and why: a sentence each

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        asked = (self.words, self.without, self.people, self.since_ms, self.until_ms, self.picture)
        return asked == (None,) * 6 and not (self.tags or self.without_tags or self.without_people)


def read_query(connection: sqlite3.Connection, text: str) -> Wanted:
    """Read what a person typed."""
    reader = _Reader(connection)
    text = text.encode(errors="replace").decode()  # half of a surrogate pair comes in by JSON
    rest = _PART.sub(reader.take, text)
    without = [quoted or word for quoted, word in _WITHOUT.findall(rest)]
    return Wanted(
        parse(connection, _WITHOUT.sub(" ", rest)),
        any_of(connection, without),
        frozenset(reader.tags),
        frozenset(reader.without_tags),
        frozenset(reader.people) if reader.people or reader.nobody else None,
        frozenset(reader.without_people),
        reader.since_ms,
        reader.until_ms,
        reader.picture,
        tuple(reader.hints),
    )


class _Reader:
    """Takes the parts that are no words out of a query."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.tags: set[str] = set()
        self.without_tags: set[str] = set()
        self.people: set[AccountId] = set()
        self.without_people: set[AccountId] = set()
        self.nobody = False  # somebody was asked for who is not known: nothing is found
        self.since_ms: int | None = None
        self.until_ms: int | None = None
        self.picture: bool | None = None
        self.hints: list[str] = []

    def take(self, part: re.Match[str]) -> str:
        """Take one in; what is left in its place."""
        without, operator, quoted, value, tag = part.groups()
        if tag is not None:
            (self.without_tags if without else self.tags).add(fold(tag.removeprefix("#")))
            return " "
        value = quoted if quoted is not None else value
        match operator.lower():
            case "from":
                self._take_person(value, bool(without))
            case "has":
                self._take_has(value, bool(without))
            case _ if without:
                self.hints.append(f"{part.group().strip()[:_SHOWN_MAX]!r} was left out: a date can't be excluded.")
            case "since":
                self.since_ms = self._date(value, "since", 0)
            case _:
                self.until_ms = self._date(value, "until", 1)
        return " "

    def _take_person(self, value: str, without: bool) -> None:
        try:
            account = self._find(value)
        except LocalError as error:
            self.hints.append(str(error))
            self.nobody |= not without
        else:
            (self.without_people if without else self.people).add(account)

    def _find(self, value: str) -> AccountId:
        try:
            return find_account(self._connection, value)
        except LocalError:
            own = list(accounts_with_roles(self._connection, Role.OWN))
            if value.lower() == "me" and own:
                return own[0]
            raise

    def _take_has(self, value: str, without: bool) -> None:
        if value.lower() in ("picture", "pictures"):
            self.picture = not without
        else:
            self.hints.append(f"'has:{value[:_SHOWN_MAX]}' was left out: only has:picture is known.")

    def _date(self, value: str, operator: str, after: int) -> int | None:
        """The beginning of a year, month or day of this place, or (`after` 1) of the next one."""
        found = _DATE.fullmatch(value)
        try:
            if found is None:
                raise ValueError
            year, month, day = (None if part is None else int(part) for part in found.groups())
            start = datetime(year or 0, month or 1, day or 1)
            if after:
                start = _next(start, month is not None, day is not None)
            return int(start.astimezone().timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            typed = f"{operator}:{value[:_SHOWN_MAX]}"
            self.hints.append(f"{typed!r} was left out: a date is written as 2030, 2030-12 or 2030-12-31.")
            return None


def _next(start: datetime, month: bool, day: bool) -> datetime:
    if day:
        return start + timedelta(days=1)
    if month:
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start.replace(year=start.year + 1)
