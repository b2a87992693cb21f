"""Sealed entries in the store: what is to be tried, what was opened, and the keys that it brought.

An entry is tried once, whatever comes of it: the outcome is kept beside the log, so that `rebuild` opens nothing. Each
new key is searched for once among the closed entries, after all that came with it is tried, and those that bear its
tag are tried again. Crypto and hashes are done by whoever asks for what is to do, outside of any transaction.
Source: protocol/content.md, "Sealing".
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import EntryError
from ..feed.content import Content, Entry, read, read_opened
from ..feed.seal import Opened, tags_of
from ..ids import AccountId, FeedId
from ..limits import REPLY_KEYS_MAX
from . import private
from .feeds import Role, feed_by_number, shown_limit
from .view import CLOSED, OPENED, TO_TRY, Row, View

_CLOSED_MAX = 10_000
"""Closed entries that a new key is searched for in, the newest: a hash and a look at each, 30 ms in all."""
_NEW_SECRETS = 32
"""Keys that are searched for at once: 250 ms at most, beside what else runs."""


@dataclass(frozen=True, slots=True)
class Todo:
    """A sealed entry that is to be tried."""

    key: int
    account: AccountId  # whose it is, proven
    feed: FeedId
    content: Content
    secret: bytes | None = field(repr=False)  # the key whose tag it bears, if that was found by a search


@dataclass(frozen=True, slots=True)
class Search:
    """Closed entries in which new keys are to be searched for."""

    secrets: Sequence[bytes] = field(repr=False)
    closed: Sequence[tuple[int, bytes, bytes]]  # key, salt, payload

    def run(self) -> list[tuple[int, bytes]]:
        """The entries that bear a tag of one of the keys, each with that key."""
        return [
            (key, secret)
            for key, salt, payload in self.closed
            for secret, tag in zip(self.secrets, tags_of(self.secrets, salt), strict=True)
            if tag in payload
        ]


class Shown(NamedTuple):
    """A sealed entry that was opened, as views take it."""

    feed: FeedId
    row: Row


def to_try(connection: sqlite3.Connection, limit: int, feed: FeedId | None = None) -> list[Todo]:
    """Sealed entries that are to be tried, of `feed` or of all, the newest first: at most `limit`."""
    rows = connection.execute(
        "SELECT sealed.key, accounts.account, feeds.feed, held.payload, secret"
        " FROM sealed JOIN held ON held.key = sealed.key"
        " JOIN feeds ON feeds.number = sealed.key >> 32 JOIN accounts ON accounts.number = feeds.account"
        f" WHERE sealed.state = {TO_TRY} AND feeds.feed = coalesce(?, feeds.feed) ORDER BY sealed.key DESC LIMIT ?",
        (feed, limit),
    ).fetchall()
    return [
        Todo(key, AccountId(account), FeedId(feed), read(payload).content, secret)
        for key, account, feed, payload, secret in rows
    ]


def to_search(connection: sqlite3.Connection) -> Search | None:
    """New keys, and the closed entries that they may open; None if there are no new ones."""
    rows = connection.execute("SELECT DISTINCT secret FROM secrets WHERE looked = 0 LIMIT ?", (_NEW_SECRETS,))
    new = [secret for (secret,) in rows]
    if not new:
        return None
    closed = connection.execute(
        "SELECT sealed.key, salt, payload FROM sealed JOIN held ON held.key = sealed.key"
        f" WHERE state = {CLOSED} ORDER BY sealed.key DESC LIMIT ?",
        (_CLOSED_MAX,),
    ).fetchall()
    return Search(new, closed)


def note_search(connection: sqlite3.Connection, search: Search, found: Iterable[tuple[int, bytes]]) -> None:
    """Have what a search found tried again, in the caller's transaction."""
    connection.executemany(
        f"UPDATE sealed SET state = {TO_TRY}, secret = ? WHERE key = ? AND state = {CLOSED}",
        [(secret, key) for key, secret in found],
    )
    connection.executemany("UPDATE secrets SET looked = 1 WHERE secret = ?", [(secret,) for secret in search.secrets])


def settle(
    connection: sqlite3.Connection, views: Sequence[View], outcomes: Iterable[tuple[int, Opened | None]]
) -> list[Shown]:
    """Note what came of trying some entries, in the caller's transaction, and show what was opened.

    Returns: those that were opened and may be shown.
    """
    shown: list[Shown] = []
    for key, opened in outcomes:
        row = connection.execute(
            "SELECT held.seen_ms, held.payload, held.alone FROM sealed JOIN held ON held.key = sealed.key"
            f" WHERE sealed.key = ? AND state = {TO_TRY}",
            (key,),
        ).fetchone()
        if row is None:  # erased meanwhile, or another program was first
            continue
        seen_ms, payload, alone = row
        entry = None if opened is None else _read(read(payload).time_ms, opened.plain)
        state = feed_by_number(connection, key >> 32)
        if opened is None or entry is None or not _is_in_its_thread(connection, state.role, entry, opened.by):
            connection.execute(f"UPDATE sealed SET state = {CLOSED}, secret = NULL WHERE key = ?", (key,))
            continue
        connection.execute(
            f"UPDATE sealed SET state = {OPENED}, plain = ?, secret = NULL WHERE key = ?", (opened.plain, key)
        )
        place_ms = min(entry.time_ms, seen_ms)
        _take_in(connection, key, state.feed, state.role, place_ms, entry)
        if key & 0xFFFFFFFF <= shown_limit(state):
            row_of_it = Row(key, state.account_number, state.role, place_ms, seen_ms, entry, True, bool(alone))
            shown.append(Shown(state.feed, row_of_it))
    if shown:
        for view in views:
            view.add(connection, [one.row for one in shown])
    return shown


def _read(time_ms: int, plain: bytes) -> Entry | None:
    """What was inside; None where it is no kind or shape that this version knows."""
    try:
        return read_opened(time_ms, plain)
    except EntryError:
        return None


def _is_in_its_thread(connection: sqlite3.Connection, role: Role, entry: Entry, by: bytes | None) -> bool:
    """Whether an answer went to those who read what began its thread: otherwise it would have our answer go to others.

    One's own are opened by one's box key, and tell the truth.
    Source: protocol/content.md, "Sealing", sealed-key.
    """
    if entry.kind != "post" or "reply" not in entry.content or role is Role.OWN:
        return True
    feed, seq, _ = entry.content["reply"]["root"]
    row = connection.execute(
        "SELECT 1 FROM secrets JOIN feeds ON feeds.number = secrets.key >> 32"
        " WHERE secret = ? AND circle IS NULL AND feed = ? AND secrets.key & 4294967295 = ?",
        (by, feed, seq),
    ).fetchone()
    return row is not None


def _take_in(connection: sqlite3.Connection, key: int, feed: FeedId, role: Role, place_ms: int, entry: Entry) -> None:
    """Keep what is no message: keys for answers and of circles, and one's own private state."""
    content = entry.content
    if entry.kind == "post" and "key" in content:
        _keep_secret(connection, content["key"], key, place_ms, None, None)
    elif entry.kind == "circle-key":
        _keep_secret(connection, content["key"], key, place_ms, content["circle"], content["gen"])
    elif entry.kind == "state" and role is Role.OWN:
        items = [private.Item(*item) for item in content["items"]]
        private.merge(connection, items, feed, key & 0xFFFFFFFF)


def _keep_secret(
    connection: sqlite3.Connection, secret: bytes, key: int, time_ms: int, circle: bytes | None, gen: int | None
) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO secrets (secret, key, time_ms, circle, gen) VALUES (?, ?, ?, ?, ?)",
        (secret, key, time_ms, circle, gen),
    )


# --- Keys ---


def newest_secrets(connection: sqlite3.Connection) -> list[bytes]:
    """The reply and circle keys that are tried on what comes, the newest first."""
    rows = connection.execute("SELECT secret FROM secrets ORDER BY time_ms DESC, key DESC LIMIT ?", (REPLY_KEYS_MAX,))
    return list(dict.fromkeys(secret for (secret,) in rows))


def answer_secret(connection: sqlite3.Connection, root_key: int) -> bytes | None:
    """The key for answers in the thread that an entry began; None where it was not addressed to this account."""
    row = connection.execute("SELECT secret FROM secrets WHERE key = ? AND circle IS NULL", (root_key,)).fetchone()
    return None if row is None else bytes(row[0])


def circle_secret(
    connection: sqlite3.Connection, circle: bytes, feed: FeedId, members: Collection[AccountId]
) -> bytes | None:
    """The key of a circle that was given in `feed` to these members and to nobody else; None if there is none."""
    rows = connection.execute("SELECT account, secret FROM given WHERE circle = ? AND feed = ?", (circle, feed))
    secrets = dict(rows.fetchall())
    return bytes(secrets.popitem()[1]) if secrets and secrets.keys() == set(members) else None


def note_given(
    connection: sqlite3.Connection, circle: bytes, feed: FeedId, members: Iterable[AccountId], secret: bytes
) -> None:
    """Note to whom a circle's new key is given, in the transaction that appends it; the one before is used no more."""
    connection.execute("DELETE FROM given WHERE circle = ?", (circle,))
    connection.executemany(
        "INSERT INTO given (circle, account, feed, secret) VALUES (?, ?, ?, ?)",
        [(circle, account, feed, secret) for account in members],
    )


def next_generation(connection: sqlite3.Connection, circle: bytes, account: int) -> int:
    """One above the generations of a circle's key that are known of its owner (accounts.number); 0 for the first."""
    (newest,) = connection.execute(
        "SELECT max(gen) FROM secrets JOIN feeds ON feeds.number = secrets.key >> 32"
        " WHERE circle = ? AND feeds.account = ?",
        (circle, account),
    ).fetchone()
    return 0 if newest is None else int(newest) + 1


def is_closed(connection: sqlite3.Connection, feed: FeedId, seq: int) -> bool:
    """Whether an entry is a sealed one that this account could not open."""
    row = connection.execute(
        "SELECT state FROM sealed WHERE key = (SELECT number << 32 | ? FROM feeds WHERE feed = ?)", (seq, feed)
    ).fetchone()
    return row is not None and row[0] == CLOSED
