"""Notices as people read them: what is new above what was read, each the newest first, and nothing of who is hidden."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from heapq import merge
from itertools import groupby, islice
from typing import NamedTuple

from ..errors import ContentError, EncodingError
from ..feed.content import Entry, read, read_opened, ref_of
from ..ids import AccountId, FeedId, Ref
from ..limits import INT_MAX
from ..store import private
from ..store.feeds import Role
from .filter import Filter
from .held import marks, target_of
from .message import Message, Who, counted, find, load

_BLOCK = 8  # notices read at once, where a list lacks fewer
_LOOKED_AT_MAX = 2000  # notices that one list reads: about 0.1 s
_CLOCK_SLACK_MS = 60_000
_READ = b"notices"


class Why(IntEnum):
    """What somebody did; of several that one entry tells, the smallest is said."""

    MESSAGE = 1  # wrote to oneself alone, or to a few
    REPLY = 2
    MENTION = 3
    QUOTE = 4
    REPOST = 5
    LIKE = 6
    FOLLOW = 7
    FORK = 8  # a feed of theirs has two versions: its key was stolen, or its home was copied


class NoticePlace(NamedTuple):
    """Where a notice stands: what the next page comes `before`."""

    unread: bool
    time_ms: int
    key: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that concerns oneself."""

    why: Why
    who: Who
    place: NoticePlace
    seen_ms: int  # when it came here, Unix milliseconds
    message: Message | None  # what they wrote; None for likes, reposts, follows and forks
    about: Message | None  # one's own message that it is about; None for others
    feed: FeedId | None = None  # the forked one

    @property
    def unread(self) -> bool:
        """Whether it came after what was marked as read."""
        return self.place.unread


class _Row(NamedTuple):
    place: NoticePlace
    seen_ms: int
    whys: tuple[int, ...]  # ascending


def notices(
    connection: sqlite3.Connection, limit: int, before: NoticePlace | None = None, now_ms: int | None = None
) -> list[Notice]:
    """The newest notices: those that are unread, then the others.

    Args:
        before: for the next page, the last `Notice.place` shown.
        now_ms: Unix milliseconds; None: by the clock.
    """
    hidden = Filter.read(connection)
    rows = islice(_rows(connection, before, _span(connection, now_ms)), _LOOKED_AT_MAX)
    left = (row for row in rows if not hidden.hides_key(row.place.key))
    followers: set[AccountId] = set()  # who followed twice is told of once
    found: list[Notice] = []
    while len(found) < limit and (block := list(islice(left, max(limit - len(found), _BLOCK)))):
        for notice in _resolve(connection, hidden, block):
            if notice.why is Why.FOLLOW:
                if notice.who.account in followers:
                    continue
                followers.add(notice.who.account)
            found.append(notice)
    return found[:limit]


def unread_count(connection: sqlite3.Connection, limit: int = 100, now_ms: int | None = None) -> int:
    """How many notices are unread, counted up to a limit."""
    low, high = _span(connection, now_ms)
    row = connection.execute("SELECT 1 FROM notices WHERE seen_ms > ? AND seen_ms <= ?", (low, high)).fetchone()
    if row is None and not any(low < seen_ms <= high for *_, seen_ms in _forks(connection)):
        return 0
    return sum(notice.unread for notice in notices(connection, limit, None, now_ms))


def mark_read(connection: sqlite3.Connection, now_ms: int | None = None) -> bool:
    """Note that all that is here was read; whether something was not. It follows one's account to other devices."""
    now_ms = _wall_ms() if now_ms is None else now_ms
    changed = unread_count(connection, 1, now_ms) > 0
    return private.put(connection, "read", _READ, [now_ms]) and changed


def _span(connection: sqlite3.Connection, now_ms: int | None) -> tuple[int, int]:
    """What is unread came after the first time, and not after the second.

    A clock that was wrong once neither hides what comes later nor keeps anything unread for ever: a mark of the future
    does not count, nor does what is said to have come then.
    """
    latest = (_wall_ms() if now_ms is None else now_ms) + _CLOCK_SLACK_MS
    value = private.get(connection, "read", _READ)
    mark = value[0] if isinstance(value, list) and value else 0
    return (mark if isinstance(mark, int) and mark <= latest else 0), latest


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


_Noted = tuple[int, int, int, int]
"""time_ms, key, why, seen_ms"""


def _rows(connection: sqlite3.Connection, before: NoticePlace | None, span: tuple[int, int]) -> Iterator[_Row]:
    """What is noted, in order, as it is asked for; what one entry tells is one row."""
    low, high = span
    forks = _forks(connection)
    for unread in (True, False):
        if before is not None and unread and not before.unread:
            continue
        top = (before.time_ms, before.key) if before is not None and before.unread is unread else (INT_MAX, INT_MAX)
        new_forks = [one for one in forks if (low < one[3] <= high) is unread and one[:2] < top]
        noted = merge(_section(connection, unread, top, span), new_forks, reverse=True)
        for (time_ms, key), told in groupby(noted, key=lambda one: one[:2]):
            _, _, whys, seen = zip(*told, strict=True)
            yield _Row(NoticePlace(unread, time_ms, key), seen[0], tuple(sorted(whys)))


def _section(
    connection: sqlite3.Connection, unread: bool, top: tuple[int, int], span: tuple[int, int]
) -> Iterator[_Noted]:
    """What is unread, or what is not, the newest first."""
    by_seen = "SELECT time_ms, key, why, seen_ms FROM notices WHERE seen_ms > ? AND seen_ms <= ?"
    if unread:
        some = connection.execute(by_seen + " LIMIT ?", (*span, _LOOKED_AT_MAX + 1)).fetchall()
        if len(some) <= _LOOKED_AT_MAX:
            yield from sorted((one for one in some if one[:2] < top), reverse=True)
            return
    yield from connection.execute(
        "SELECT time_ms, key, why, seen_ms FROM notices WHERE (time_ms, key) < (?, ?)"
        f" AND {'' if unread else 'NOT'} (seen_ms > ? AND seen_ms <= ?) ORDER BY time_ms DESC, key DESC, why DESC",
        (*top, *span),
    )


def _forks(connection: sqlite3.Connection) -> list[_Noted]:
    """Forked feeds of those one follows, and of oneself, the newest first."""
    rows = connection.execute(
        "SELECT fork_ms, feeds.number << 32 | fork_seq FROM feeds JOIN accounts ON accounts.number = feeds.account"
        f" WHERE fork_ms IS NOT NULL AND role >= {Role.FOLLOWED:d} ORDER BY fork_ms DESC, feeds.number DESC"
    )
    return [(at_ms, key, int(Why.FORK), at_ms) for at_ms, key in rows]


class _Entry(NamedTuple):
    """An entry that is no message."""

    entry: Entry
    who: Who
    account: int  # accounts.number


_OF_MESSAGES = frozenset((Why.MESSAGE, Why.REPLY, Why.MENTION, Why.QUOTE))


def _resolve(connection: sqlite3.Connection, hidden: Filter, rows: Sequence[_Row]) -> Iterator[Notice]:
    """Those of some rows that still hold, and are to be seen."""
    keys = [row.place.key for row in rows if row.whys[0] in _OF_MESSAGES]
    messages = {one.key: one for one in counted(connection, hidden, hidden.shown(load(connection, keys)))}
    others = _entries(connection, [row.place.key for row in rows if row.whys[0] not in _OF_MESSAGES])
    refs = {ref for one in messages.values() for ref in (one.parent, one.quote, one.root) if ref is not None}
    refs |= {ref_of(one.entry.content["ref"]) for one in others.values() if "ref" in one.entry.content}
    originals = find(connection, refs) if refs else {}
    own = {ref: one for ref, one in originals.items() if one.account in hidden.own}
    for row in rows:
        key = row.place.key
        message, other = messages.get(key), others.get(key)
        for why in map(Why, row.whys):
            if message is not None and _holds(why, message, own, originals):
                about = {Why.REPLY: message.parent, Why.QUOTE: message.quote}.get(why)
                who = Who(message.account, message.name)
                yield Notice(why, who, row.place, row.seen_ms, message, None if about is None else own[about])
                break
            if other is not None and _counts(connection, why, key, other, own):
                about = ref_of(other.entry.content["ref"]) if "ref" in other.entry.content else None
                feed = FeedId(_feed(connection, key)) if why is Why.FORK else None
                about_message = None if about is None or why is Why.FORK else own[about]
                yield Notice(why, other.who, row.place, row.seen_ms, None, about_message, feed)
                break


def _holds(why: Why, message: Message, own: dict[Ref, Message], originals: dict[Ref, Message]) -> bool:
    match why:
        case Why.REPLY:
            return message.parent in own
        case Why.QUOTE:
            return message.quote in own
        case Why.MESSAGE:
            began = originals.get(message.root) if message.root is not None else None
            return began is None or began.circle is None  # else it is an answer within a circle
    return why is Why.MENTION


def _counts(connection: sqlite3.Connection, why: Why, key: int, other: _Entry, own: dict[Ref, Message]) -> bool:
    """Whether what somebody stated is what they say last."""
    if why is Why.FORK:
        return True
    content = other.entry.content
    if why is Why.FOLLOW:
        return bool(
            connection.execute(
                "SELECT 1 FROM follows WHERE account = ? AND target = ? AND wanted", (other.account, content["account"])
            ).fetchone()
        )
    ref = ref_of(content["ref"])
    kind = 1 if why is Why.LIKE else 2
    row = connection.execute(
        "SELECT key FROM reactions WHERE target = ? AND kind = ? AND account = ? AND wanted",
        (target_of(ref.id), kind, other.account),
    ).fetchone()
    return ref in own and row is not None and row[0] == key


def _entries(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, _Entry]:
    """What stands at some keys, with who wrote it; at the key of a fork, where the feed parts, there may be nothing."""
    found = {}
    feeds = {
        number: (Who(AccountId(account), name or None), account_number)
        for number, account, name, account_number in connection.execute(
            "SELECT feeds.number, accounts.account, name, accounts.number FROM feeds"
            " JOIN accounts ON accounts.number = feeds.account LEFT JOIN profiles ON profiles.account = feeds.account"
            f" WHERE feeds.number IN ({marks(len(keys))})",
            [key >> 32 for key in keys],
        )
    }
    payloads = dict(
        connection.execute(f"SELECT key, payload FROM held WHERE key IN ({marks(len(keys))})", keys).fetchall()
    )
    for key in keys:
        if key >> 32 in feeds:
            who, account = feeds[key >> 32]
            found[key] = _Entry(_read(connection, key, payloads.get(key)), who, account)
    return found


def _read(connection: sqlite3.Connection, key: int, payload: bytes | None) -> Entry:
    if payload is None:
        return Entry(0, "", {})
    try:
        entry = read(payload)
    except (EncodingError, ContentError):
        return Entry(0, "", {})
    if entry.kind == "sealed":
        row = connection.execute("SELECT plain FROM sealed WHERE key = ? AND state = 2", (key,)).fetchone()
        return entry if row is None else read_opened(entry.time_ms, row[0])
    return entry


def _feed(connection: sqlite3.Connection, key: int) -> bytes:
    (feed,) = connection.execute("SELECT feed FROM feeds WHERE number = ?", (key >> 32,)).fetchone()
    return bytes(feed)
