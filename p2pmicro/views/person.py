"""People as they are shown: in lists, each with how one stands to them; and one of them with all that is known here."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..feed.content import Entry, read_many
from ..feed.tags import tags_in
from ..ids import AccountId
from ..store.feeds import FeedState, feeds_of, shown_end
from .filter import ACCOUNT, Filter, blocked, mutes
from .names import Closeness, Known, named
from .people import People, Profile
from .timeline import Timeline

_PEOPLE, _TIMELINE = People(), Timeline()
_COMMON_MAX = 100  # people in common that one portrait names
_TAGGED_ENTRIES = 500  # of each feed that are read for tags: some 5 ms
_TAGS_MAX = 5


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a list; nothing that they say of themselves is trusted."""

    account: AccountId
    petname: str | None  # what the person calls them
    name: str | None  # what they call themselves; never to be shown alone: `ids.short` belongs beside it
    closeness: Closeness
    looks_like: AccountId | None  # whom one knows and who may be meant by this name
    you_follow: bool
    follows_you: bool  # as far as is known here
    muted: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class Portrait:
    """All that is known here of one account."""

    person: Person
    profile: Profile | None  # None while none is held
    followers: int  # as far as is known here; whom the person muted or blocked does not count
    following: int
    common: Sequence[Person]  # those whom oneself follows and who follow this one, at most 100
    feeds: int  # installs of which something is held
    entries: int  # held, messages and others
    first_seen_ms: int | None  # when the first of them came here
    newest_ms: int | None  # the place in time of the newest message
    tags: Sequence[str]  # what they write about of late, as typed, the most used first, at most 5


def people(connection: sqlite3.Connection, own: AccountId, accounts: Iterable[AccountId]) -> list[Person]:
    """Some accounts as people, in their order."""
    accounts = list(accounts)
    names = named(connection, accounts)
    followed = set(_PEOPLE.followed(connection, own))
    followers = set(_PEOPLE.followers(connection, own))
    muted = {mute.value for mute in mutes(connection) if mute.kind == ACCOUNT}
    barred = set(blocked(connection))
    return [_person(names[one], one in followed, one in followers, one in muted, one in barred) for one in accounts]


def _person(known: Known, you_follow: bool, follows_you: bool, muted: bool, barred: bool) -> Person:
    return Person(
        known.account, known.petname, known.name, known.closeness, known.looks_like,
        you_follow, follows_you, muted, barred,
    )  # fmt: skip


def following(connection: sqlite3.Connection, own: AccountId, account: AccountId) -> list[Person]:
    """Whom an account follows; of others' lists those are left out whom the person muted or blocked."""
    found = _PEOPLE.followed(connection, account)
    return people(connection, own, found if account == own else _seen(connection, found))


def followers(connection: sqlite3.Connection, own: AccountId, account: AccountId) -> list[Person]:
    """Who follows an account, as far as is known here, but for those whom the person muted or blocked."""
    return people(connection, own, _seen(connection, _PEOPLE.followers(connection, account)))


def portrait(connection: sqlite3.Connection, own: AccountId, account: AccountId) -> Portrait:
    """Somebody with all that is known here."""
    (person,) = people(connection, own, [account])
    followers = _seen(connection, _PEOPLE.followers(connection, account))
    following = _seen(connection, _PEOPLE.followed(connection, account))
    mine = set(_PEOPLE.followed(connection, own))
    common = [one for one in followers if one in mine][:_COMMON_MAX]
    states = feeds_of(connection, account)
    entries, first_ms = 0, None
    for state in states:
        count, seen_ms = connection.execute(
            "SELECT count(payload), min(seen_ms) FROM entries WHERE key BETWEEN ? AND ?",
            (state.key(0), state.key(0xFFFFFFFF)),
        ).fetchone()
        entries += count
        first_ms = min((one for one in (first_ms, seen_ms) if one is not None), default=None)
    newest = _TIMELINE.page(connection, account, 1)
    return Portrait(
        person,
        _PEOPLE.profile_of(connection, account),
        len(followers),
        len(following),
        people(connection, own, common),
        len(states),
        entries,
        first_ms,
        newest[0].time_ms if newest else None,
        _tags_of(connection, states),
    )


def _tags_of(connection: sqlite3.Connection, states: Sequence[FeedState]) -> list[str]:
    """The tags of the newest entries that can be read, but for muted ones."""
    hidden = Filter.read(connection).tags
    typed: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for state in states:
        rows = connection.execute(
            "SELECT payload FROM entries WHERE key BETWEEN ? AND ? AND payload IS NOT NULL ORDER BY key DESC LIMIT ?",
            (state.key(1), state.key(shown_end(state)), _TAGGED_ENTRIES),
        ).fetchall()
        for entry in read_many([payload for (payload,) in rows]):
            if isinstance(entry, Entry) and entry.kind == "post":
                for tag in tags_in(entry.content["text"]):
                    typed.setdefault(tag.name, tag.text)
                    counts[tag.name] += tag.name not in hidden
    return [typed[name] for name, count in counts.most_common(_TAGS_MAX) if count]


def _seen(connection: sqlite3.Connection, accounts: Iterable[AccountId]) -> list[AccountId]:
    hidden = Filter.read(connection)
    return [account for account in accounts if not hidden.hides_person(account)]
