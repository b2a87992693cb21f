"""Who is meant by a name: petnames that the person gave, and the names that people give themselves.

A stranger may call itself anything, so the person's own words come first: a petname, then whom one follows, then the
others of whom something is held. A name that fits several of the first group in which it fits any is ambiguous.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import IntEnum
from unicodedata import normalize

from ..errors import LocalError
from ..ids import AccountId, format_account, parse_account, short
from ..limits import MENTIONS_MAX
from ..store import private
from ..store.feeds import Role
from .filter import blocked
from .lookalike import skeletons
from .words import is_apart

_ENDING = re.compile(r"(?:…|\.\.\.)([1-9A-HJ-NP-Za-km-z]{6,})")  # of an account, as narrow columns show it
_ACCOUNT = re.compile(r"did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}")
_MENTION_MAX = 64  # code points behind an @ that are compared with names: a name has at most 50
_SHOWN_MAX = 5  # candidates in one sentence
_ROLES_AND_NAMES = """SELECT accounts.account, role, name
    FROM accounts LEFT JOIN profiles ON profiles.account = accounts.number"""


class Closeness(IntEnum):
    """How well somebody is known: a name is looked for among the closest first."""

    OTHER = 0
    HOP = 1  # whom those follow whom one follows
    FOLLOWED = 2  # and oneself
    PETNAME = 3  # the person gave it a name


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of whom something is held, or whom the person gave a name."""

    account: AccountId
    petname: str | None  # what the person calls them
    name: str | None  # what they call themselves
    closeness: Closeness
    looks_like: AccountId | None = None  # whom one follows, or gave a name, and who may be meant by this one's name

    @property
    def names(self) -> list[tuple[Closeness, str]]:
        """By what they may be named, and how much that counts."""
        own = min(self.closeness, Closeness.FOLLOWED)
        found = [(Closeness.PETNAME, self.petname), (own, self.name)]
        return [(closeness, name) for closeness, name in found if name]


def petnames(connection: sqlite3.Connection) -> dict[AccountId, str]:
    """The names that the person gave to people."""
    items = private.items(connection, "petname")
    return {AccountId(item): text for item, text in items.items() if isinstance(text, str)}


def named(connection: sqlite3.Connection, accounts: Iterable[AccountId]) -> dict[AccountId, Known]:
    """How to call some accounts, each with a warning where it is a stranger who looks like somebody close.

    C3: a stranger's name is never shown alone: some of the account's letters belong beside it (`ids.short`).
    """
    given = petnames(connection)
    wanted = set(accounts)
    found: dict[AccountId, Known] = {}
    marks = ",".join("?" * len(wanted))
    rows = connection.execute(_ROLES_AND_NAMES + f" WHERE accounts.account IN ({marks})", list(wanted)).fetchall()
    held = {account: (role, name) for account, role, name in rows}
    for account in wanted:
        role, name = held.get(account, (Role.NONE, None))
        closeness = Closeness.PETNAME if account in given else _closeness(role)
        found[account] = Known(account, given.get(account), name or None, closeness)
    strangers = {
        one.account: one.name for one in found.values() if one.closeness < Closeness.FOLLOWED and one.name is not None
    }
    for account, like in lookalikes(connection, strangers).items():
        found[account] = replace(found[account], looks_like=like)
    return found


def lookalikes(connection: sqlite3.Connection, strangers: Mapping[AccountId, str]) -> dict[AccountId, AccountId]:
    """Those of some strangers, with their names, who look like somebody close, and like whom."""
    if not strangers:
        return {}
    close = close_skeletons(connection)
    likes = ((account, looks_like(account, name, close)) for account, name in strangers.items())
    return {account: like for account, like in likes if like is not None}


def close_skeletons(connection: sqlite3.Connection) -> dict[str, AccountId]:
    """What those look like whom one follows or gave a name, and oneself: skeletons with an account each."""
    found: dict[str, AccountId] = {}
    rows = connection.execute(_ROLES_AND_NAMES + " WHERE role >= ? AND name <> ''", (int(Role.FOLLOWED),))
    named_by_others = [(AccountId(account), name) for account, _, name in rows]
    for account, name in [*named_by_others, *petnames(connection).items()]:
        found.update(dict.fromkeys(skeletons(name), account))
    return found


def looks_like(account: AccountId, name: str, close: Mapping[str, AccountId]) -> AccountId | None:
    """Who of the `close_skeletons` may be meant by somebody else's name; None if nobody."""
    fitting = (close[form] for form in sorted(skeletons(name)) if form in close)
    return next((other for other in fitting if other != account), None)


def known(connection: sqlite3.Connection) -> list[Known]:
    """Everybody who may be named, in the order of their keys; those who are blocked only by a petname."""
    given = petnames(connection)
    hidden = set(blocked(connection))
    rows = connection.execute(_ROLES_AND_NAMES + " WHERE role > 0 OR name IS NOT NULL")
    found = {}
    for account, role, name in rows:
        petname = given.pop(AccountId(account), None)
        if petname is not None or account not in hidden:
            closeness = Closeness.PETNAME if petname is not None else _closeness(role)
            found[AccountId(account)] = Known(account, petname, name or None, closeness)
    found.update((account, Known(account, name, None, Closeness.PETNAME)) for account, name in given.items())
    return [found[account] for account in sorted(found)]


def _closeness(role: int) -> Closeness:
    if role >= Role.FOLLOWED:
        return Closeness.FOLLOWED
    return Closeness.HOP if role == Role.HOP else Closeness.OTHER


def folded_name(text: str) -> str:
    """A name as it is compared: compatibility forms, case and the kind of space do not count; accents do."""
    return " ".join(normalize("NFKC", normalize("NFKC", text).casefold()).split())


def find_account(connection: sqlite3.Connection, text: str) -> AccountId:
    """Whom a person means: by account, the end of one as columns show it, petname or name.

    Raises:
        LocalError: nobody, or several; the sentence names them.
    """
    if text.startswith("did:"):
        return parse_account(text)
    people = known(connection)
    index = _by_name(people)
    ending = _ENDING.fullmatch(text)
    if ending is not None:
        fitting = [one for one in people if format_account(one.account).endswith(ending[1])]
    else:
        fitting = index.get(folded_name(text.removeprefix("@")), [])
    if not fitting:
        raise LocalError(_nobody(text, index))
    if len(fitting) > 1:
        raise LocalError(_several(text, fitting))
    return fitting[0].account


def mentions_in(connection: sqlite3.Connection, text: str) -> list[tuple[int, int, AccountId]]:
    """Whom a message names by `@`: start and length of each in code points, with the @, and the account.

    After the @ stands an account, a petname or a name, with its spaces or without; the longest that fits counts. A name
    that fits several is nobody's. What is bound is the account: the name may change later.
    """
    found: list[tuple[int, int, AccountId]] = []
    if "@" not in text:
        return found
    index = _by_name(known(connection), squeezed=True)
    start = text.find("@")
    while start >= 0 and len(found) < MENTIONS_MAX:
        end = start + 1
        if start == 0 or is_apart(text[start - 1], "a"):  # else it is an address
            named = _named_at(text, start + 1, index)
            if named is not None:
                end, account = named
                found.append((start, end - start, account))
        start = text.find("@", end)
    return found


def _named_at(text: str, start: int, index: Mapping[str, list[Known]]) -> tuple[int, AccountId] | None:
    """Who is named from a place on, and where the name ends."""
    written = _ACCOUNT.match(text, start)
    if written is not None:
        try:
            return written.end(), parse_account(written.group())
        except LocalError:
            return None
    if text[start : start + 1].isspace():
        return None
    for end in range(min(len(text), start + _MENTION_MAX), start, -1):
        if text[end - 1].isspace() or (end < len(text) and not is_apart(text[end - 1], text[end])):
            continue
        fitting = index.get(folded_name(text[start:end]), ())
        if fitting:
            return (end, fitting[0].account) if len(fitting) == 1 else None
    return None


def _by_name(people: Iterable[Known], squeezed: bool = False) -> dict[str, list[Known]]:
    """Folded names, each with the people of the closest group in which somebody has it.

    Args:
        squeezed: also without their spaces.
    """
    best: dict[str, tuple[Closeness, dict[AccountId, Known]]] = {}
    for one in people:
        for closeness, name in one.names:
            folded = folded_name(name)
            for form in {folded, folded.replace(" ", "")} if squeezed else {folded}:
                if form not in best or closeness > best[form][0]:
                    best[form] = (closeness, {})
                if closeness == best[form][0]:
                    best[form][1][one.account] = one
    return {form: list(group.values()) for form, (_, group) in best.items()}


def _nobody(text: str, index: Mapping[str, list[Known]]) -> str:
    near = get_close_matches(folded_name(text), index, n=1, cutoff=0.75)
    meant = f"; perhaps {_called(index[near[0]][0])} was meant" if near else ""
    return f"Nobody here is called {text[:60]!r}{meant}. Name people by account (did:key:…), petname or name."


def _several(text: str, fitting: list[Known]) -> str:
    them = ", ".join(f"{_called(one)} {format_account(one.account)}" for one in fitting[:_SHOWN_MAX])
    more = f" and {len(fitting) - _SHOWN_MAX} more" if len(fitting) > _SHOWN_MAX else ""
    return f"{len(fitting)} people here fit {text[:60]!r}: {them}{more}. Give the account, or one of them a petname."


def _called(one: Known) -> str:
    return repr(one.petname or one.name or short(one.account))  # what a stranger calls itself must not break the line
