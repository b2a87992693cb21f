"""Read what is held of feeds for a bundle, piece by piece. Source: protocol/bundle.md, "Feeds in it"."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import cbor
from ..feed.bundle import Given
from ..feed.chain import Range, Run
from ..ids import AccountId, FeedId
from ..limits import PAGE_ENTRIES
from . import private
from .alone import alone_between, excerpt_of
from .db import read_transaction
from .feeds import FeedState, Role, feed_state, feed_states, shown_limit
from .serve import read_range

_STEP_ENTRIES = 16 * PAGE_ENTRIES  # of one range: whole pages, and a transaction of some ms
_SURVEYED_AT_ONCE = 4096


@dataclass(slots=True)
class Extent:
    """How much of some feeds there is."""

    feeds: int = 0
    entries: int = 0  # payloads
    bytes: int = 0  # of payloads
    first_ms: int | None = None  # the earliest and the latest time that their authors claim
    last_ms: int | None = None
    pictures: int = 0
    picture_bytes: int = 0


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture that is here, as an entry names it."""

    hash: bytes
    type: str
    size_bytes: int
    secret: bytes | None  # under which it is encrypted


def feeds_to_give(connection: sqlite3.Connection, account: AccountId, everybody: bool) -> list[FeedState]:
    """The feeds that a person's export has: their own, or also what is held of those whom their node wants.

    Never of guests met on the LAN, of those whom nobody here follows any more, or of those whom the person has blocked.
    """
    blocked = private.items(connection, "block").keys() if everybody else ()
    return [
        state
        for state in feed_states(connection)
        if state.account == account or (everybody and state.role >= Role.HOP and state.account not in blocked)
    ]


def survey(connection: sqlite3.Connection, states: Sequence[FeedState], progress: Callable[[int, int], None]) -> Extent:
    """Count what there is of feeds; read in pieces, since a read transaction must not be long."""
    extent = Extent()
    for picture in pictures_to_give(connection, states):
        extent.pictures += 1
        extent.picture_bytes += picture.size_bytes
    total = sum(run.end.seq - run.before.seq for state in states for run in state.runs)
    done = 0
    for state in states:
        extent.feeds += 1
        for run in state.runs:
            for first in range(run.before.seq + 1, run.end.seq + 1, _SURVEYED_AT_ONCE):
                last = min(first + _SURVEYED_AT_ONCE - 1, run.end.seq, shown_limit(state))
                found = connection.execute(
                    "SELECT payload FROM entries WHERE key BETWEEN ? AND ? AND payload IS NOT NULL",
                    (state.key(first), state.key(last)),
                ).fetchall()
                _count(extent, [payload for (payload,) in found])
                done += min(_SURVEYED_AT_ONCE, run.end.seq - first + 1)
                progress(done, total)
    return extent


def pictures_to_give(connection: sqlite3.Connection, states: Sequence[FeedState]) -> list[NamedPicture]:
    """The pictures that are here of messages and profiles of these feeds, each once."""
    found: dict[bytes, NamedPicture] = {}
    for state in states:
        for row in connection.execute(
            "SELECT hash, type, p.bytes, secret FROM pictures p JOIN media m USING (hash)"
            " WHERE state = 1 AND p.key BETWEEN ?1 AND ?2"
            " UNION ALL SELECT hash, type, a.bytes, NULL FROM avatars a JOIN media m USING (hash)"
            " WHERE state = 1 AND a.key BETWEEN ?1 AND ?2",
            (state.key(1), state.key(shown_limit(state))),
        ):
            found.setdefault(row[0], NamedPicture(*row))
    return list(found.values())


def _count(extent: Extent, payloads: Sequence[bytes]) -> None:
    extent.entries += len(payloads)
    extent.bytes += sum(map(len, payloads))
    times = [time_ms for value in cbor.decode_many(payloads) if (time_ms := _claim(value)) is not None]
    if times:
        extent.first_ms = min(times if extent.first_ms is None else (extent.first_ms, *times))
        extent.last_ms = max(times if extent.last_ms is None else (extent.last_ms, *times))


def _claim(value: Any) -> int | None:
    return value[0] if isinstance(value, list) and len(value) == 3 and type(value[0]) is int else None


def records_of(connection: sqlite3.Connection, feed: FeedId) -> Iterator[Given]:
    """What a bundle has of one feed's runs: its device proof, its revoke and fork proof, then ranges, newest first.

    Each comes of a transaction of its own: what is deleted meanwhile is a hole.
    """
    state = feed_state(connection, feed)
    if state is None:  # forgotten meanwhile
        return
    yield state.device
    if state.revoke is not None:
        yield state.revoke
    if state.fork is not None:
        yield state.fork
    for run in state.runs:
        yield from _ranges(connection, feed, run, min(run.end.seq, shown_limit(state)))


def excerpts_of(connection: sqlite3.Connection, feed: FeedId) -> Iterator[Given]:
    """What is held alone of a feed, after its device proof; nothing if there is none."""
    with read_transaction(connection):
        state = feed_state(connection, feed)
        alone = [] if state is None else alone_between(connection, state.key(1), state.key(shown_limit(state)))
    if state is not None and alone:
        yield state.device
        yield from (excerpt_of(feed, one) for one in alone)


def feeds_held_alone(connection: sqlite3.Connection) -> list[FeedId]:
    """The feeds of which single entries are held, without those whose account the person has blocked."""
    blocked = private.items(connection, "block").keys()
    rows = connection.execute(
        "SELECT DISTINCT f.feed, a.account FROM excerpts e JOIN feeds f ON f.number = e.key >> 32"
        " JOIN accounts a ON a.number = f.account ORDER BY f.number"
    )
    return [FeedId(feed) for feed, account in rows if account not in blocked]


def _ranges(connection: sqlite3.Connection, feed: FeedId, run: Run, last: int) -> Iterator[Range]:
    """A run from `last` down, in ranges that begin where pages do."""
    while last > run.before.seq:
        given = _whole_pages(connection, feed, run, last)
        if given is None:
            return
        yield given
        last = given.before.seq


def _whole_pages(connection: sqlite3.Connection, feed: FeedId, run: Run, last: int) -> Range | None:
    """As many pages up to `last` as fit a range: one always does."""
    step = _STEP_ENTRIES
    while True:
        first = max((last - 1) // step * step, run.before.seq) + 1
        with read_transaction(connection):
            given = read_range(connection, feed, first, last, None)
        if given is None or given.before.seq < first or step == PAGE_ENTRIES:
            return given
        step //= 2
