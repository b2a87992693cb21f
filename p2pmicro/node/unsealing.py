"""Opening what others sealed, once and off the event loop: read what is to do, try it, note what came of it.

    todo      on a read connection: some entries, and the keys that this account has; or new keys, and closed entries
    attempt   the crypto, without the store: on any thread
    settle    on a writing connection: short, as nothing is left but to note it

Source: protocol/content.md, "Sealing".
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..feed.content import read
from ..feed.seal import Keyring, Opened, open_sealed
from ..ids import AccountId, FeedId
from ..keys import box_key
from ..limits import REPLY_KEYS_MAX
from ..store.db import read_transaction, transaction
from ..store.feeds import feeds_of
from ..store.sealed import Search, Shown, Todo, newest_secrets, note_search, settle, to_search, to_try
from ..store.view import View

BATCH = 64
"""Entries that are tried at once: about 60 ms of work."""


@dataclass(frozen=True, slots=True)
class Work:
    """Some entries that are to be tried, and what to try them with; a search for new keys once none is left."""

    entries: Sequence[Todo]
    keyring: Keyring
    search: Search | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of some work."""

    work: Work
    outcomes: Sequence[tuple[int, Opened | None]]  # keys of entries, and what was inside
    found: Sequence[tuple[int, bytes]] = field(repr=False)  # closed entries that a new key may open, and that key


class Unsealing:
    """Opens sealed entries for one account."""

    def __init__(self, account: AccountId, seed: bytes, views: Sequence[View]) -> None:
        self._account = account
        self._seed = seed
        self._views = views

    def todo(self, connection: sqlite3.Connection, feed: FeedId | None = None) -> Work | None:
        """What is to be tried now, of `feed` alone where it is given; None if nothing is."""
        with read_transaction(connection):
            entries = to_try(connection, BATCH, feed)
            search = to_search(connection) if not entries and feed is None else None
            if not entries and search is None:
                return None
            generation = own_generation(connection, self._account)
            boxes = [box_key(self._seed, gen) for gen in range(generation, -1, -1)]
            return Work(entries, Keyring(boxes, newest_secrets(connection)), search)

    @staticmethod
    def attempt(work: Work) -> Tried:
        """Try each."""
        outcomes = [
            (one.key, open_sealed(one.account, one.feed, one.content, _keys(work, one))) for one in work.entries
        ]
        return Tried(work, outcomes, [] if work.search is None else work.search.run())

    def settle(self, connection: sqlite3.Connection, tried: Tried) -> list[Shown]:
        """Note what came of it; what was opened and is shown now."""
        with transaction(connection):
            if tried.work.search is not None:
                note_search(connection, tried.work.search, tried.found)
            return settle(connection, self._views, tried.outcomes)

    def run(self, connection: sqlite3.Connection, feed: FeedId | None = None) -> None:
        """Do all that is to do, one after the other, on one connection: for who has no event loop."""
        while (work := self.todo(connection, feed)) is not None:
            self.settle(connection, self.attempt(work))


def _keys(work: Work, entry: Todo) -> Keyring:
    """What to try an entry with: the newest keys, or in place of the last of them the one that found it."""
    if entry.secret is None:
        return work.keyring
    return Keyring(work.keyring.boxes, [entry.secret, *work.keyring.tagged[: REPLY_KEYS_MAX - 1]])


def own_generation(connection: sqlite3.Connection, account: AccountId) -> int:
    """The newest generation of an account's box key that its feeds name; 0 where none is known."""
    return max((read(state.device.payload).content["gen"] for state in feeds_of(connection, account)), default=0)


def box_of(connection: sqlite3.Connection, account: AccountId) -> bytes | None:
    """The box key (32 bytes) of an account's newest generation, as its proven feeds have it; None if none is held."""
    devices = [read(state.device.payload).content for state in feeds_of(connection, account)]
    if not devices:
        return None
    return bytes(max(devices, key=lambda device: (device["gen"], device["box"]))["box"])
