"""Opening what others sealed, once and off the event loop: read what is to do, try it, note what came of it.

    todo      on a read connection: some entries, and the keys that this account has
    attempt   the crypto, without the store: on any thread
    settle    on a writing connection: short, as nothing is left but to note it

Source: protocol/content.md, "Sealing".
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ..feed.content import read
from ..feed.seal import Keyring, Opened, open_sealed
from ..ids import AccountId
from ..keys import box_key
from ..store.db import read_transaction, transaction
from ..store.feeds import feeds_of
from ..store.sealed import Shown, Todo, newest_secrets, settle, to_try
from ..store.view import View

BATCH = 64
"""Entries that are tried at once: about 60 ms of work."""


@dataclass(frozen=True, slots=True)
class Work:
    """Some entries that are to be tried, and what to try them with."""

    entries: Sequence[Todo]
    keyring: Keyring


class Unsealing:
    """Opens sealed entries for one account."""

    def __init__(self, account: AccountId, seed: bytes, views: Sequence[View]) -> None:
        self._account = account
        self._seed = seed
        self._views = views

    def todo(self, connection: sqlite3.Connection) -> Work | None:
        """What is to be tried now; None if nothing is."""
        with read_transaction(connection):
            entries = to_try(connection, BATCH)
            if not entries:
                return None
            generation = own_generation(connection, self._account)
            boxes = [box_key(self._seed, gen) for gen in range(generation, -1, -1)]
            return Work(entries, Keyring(boxes, newest_secrets(connection)))

    @staticmethod
    def attempt(work: Work) -> list[tuple[int, Opened | None]]:
        """Try each; keys of entries, and what was inside."""
        return [(one.key, open_sealed(one.account, one.feed, one.content, work.keyring)) for one in work.entries]

    def settle(self, connection: sqlite3.Connection, outcomes: Sequence[tuple[int, Opened | None]]) -> list[Shown]:
        """Note what came of it; what was opened and is shown now."""
        with transaction(connection):
            return settle(connection, self._views, outcomes)

    def run(self, connection: sqlite3.Connection) -> None:
        """Do all that is to do, one after the other, on one connection: for who has no event loop."""
        while (work := self.todo(connection)) is not None:
            self.settle(connection, self.attempt(work))


def own_generation(connection: sqlite3.Connection, account: AccountId) -> int:
    """The newest generation of an account's box key that its feeds name; 0 where none is known."""
    return max((read(state.device.payload).content["gen"] for state in feeds_of(connection, account)), default=0)


def box_of(connection: sqlite3.Connection, account: AccountId) -> bytes | None:
    """The box key (32 bytes) of an account's newest generation, as its proven feeds have it; None if none is held."""
    devices = [read(state.device.payload).content for state in feeds_of(connection, account)]
    if not devices:
        return None
    return bytes(max(devices, key=lambda device: (device["gen"], device["box"]))["box"])
