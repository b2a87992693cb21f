"""One install of an account: its keys, its feed and its mark, and what may be appended.

A copied or restored home never forks its feed: what the mark does not agree with is left alone, and the install goes on
under a new feed of the same account. Source: protocol/feed.md, "The mark".
"""

import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Self

from ..errors import ConfigError, FeedBehindError, LocalError, StoreDamagedError
from ..feed import content
from ..feed.device import Device, check_device_proof, make_device
from ..ids import AccountId, FeedId, Ref
from ..keys import account_key, box_public, device_public, parse_seed_words
from ..limits import FOLLOWS_PART_MAX, SNAPSHOT_EVERY_ENTRIES
from ..store import private as private_state
from ..store.append import append_with, check_own, create_feed
from ..store.changes import ChangeNumbers, new_epoch
from ..store.db import open_database, transaction
from ..store.feeds import Role, account_number, accounts_with_roles, feed_state, set_role
from ..store.lock import NodeLock
from ..store.mark import MarkFile
from ..store.media import MediaFolder
from ..store.view import View
from ..views import ALL, PEOPLE, PICTURES
from ..views.pins import pinned_refs
from ..views.version import are_current, make_again
from .home import Home, Keys, find_home, keys_lock, load_keys, make_feed_keys, make_seed, prepare
from .roles import refresh_interest
from .sealing import Sealing, forget_due, is_due
from .unsealing import Unsealing
from .wake import wake_node

log = logging.getLogger(__name__)

_KEYS_LOCK_TIMEOUT_S = 10.0
_SNAPSHOT_PART = 180  # follows: with the highest revs they still fit a payload
Make = Callable[[sqlite3.Connection], list[tuple[str, content.Content]]]
"""Gives entries to append, kind and content, from what is there."""


Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


class Install:
    """A home, opened for its owner; used by one thread at a time, closed at the end."""

    views: Sequence[View] = ALL

    def __init__(self, home: Home, keys: Keys, connection: sqlite3.Connection) -> None:
        self.home = home
        self.keys = keys
        self.connection = connection
        self.opens_beside = False  # whether a node opens what is sealed on threads of its own: no call waits for it
        self.renewed: str | None = None  # why a new feed was begun at opening, in a sentence
        self._numbers_started = False
        self._use(keys)

    @classmethod
    def open(
        cls,
        home: Home | str | Path | None = None,
        *,
        create: bool = False,
        words: str | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Self:
        """Open a home, with its account and feed made where `create` asks for it.

        What another version of the program made of the log, or one with another version of Unicode, is made anew: that
        takes about a minute for a million messages.

        Args:
            progress: told how many of all entries are done, if so.
        Raises:
            ConfigError, StoreError: as `home.prepare`, `home.load_keys` and `db.open_database`.
            LocalError: the recovery words are wrong, or there is an account already.
        """
        found = home if isinstance(home, Home) else find_home(home)
        seed = parse_seed_words(words) if words is not None else None
        if not prepare(found, create=create) or not found.feed_key.exists():
            _make_keys(found, seed)
        elif seed is not None:
            raise LocalError("There is an account in this home already: name another --home for the recovered one.")
        with ExitStack() as stack:
            keys = load_keys(found)
            connection = open_database(found.database)
            stack.callback(connection.close)
            node = cls(found, keys, connection)
            node.renew_views(progress)
            node.check_feed()
            stack.pop_all()
        return node

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def renew_views(self, progress: Progress) -> None:
        """Make the views anew if another version of the program made them."""
        if not are_current(self.connection):
            with transaction(self.connection):
                if not are_current(self.connection):  # else another program was first
                    make_again(self.connection, self.views, progress)

    # --- Whose feed it is ---

    @property
    def account(self) -> AccountId:
        """Whose home it is."""
        return self.keys.account_id

    @property
    def feed(self) -> FeedId:
        """The feed that this install writes."""
        return self.keys.feed_id

    def _use(self, keys: Keys) -> None:
        self.keys = keys
        self.mark = MarkFile(self.home.state, keys.feed_id)
        self.changes = ChangeNumbers(self.mark)
        self.sealing = Sealing(self.account, self.feed, keys.seed)

    def check_feed(self) -> None:
        """See that the feed may be written; make it where it is new, or another where this is a copied home."""
        if self.connection.execute("SELECT count(*) FROM meta WHERE name IN ('change', 'epoch')").fetchone()[0] != 2:
            raise StoreDamagedError(f"{self.home.database} is damaged: move it away and fetch its feeds again.")
        try:
            end = check_own(self.connection, self.mark, self.feed)
        except FeedBehindError as error:
            self.renew_feed(str(error))
        else:
            if end.seq == 0:
                self._begin_feed()

    def renew_feed(self, why: str) -> None:
        """Stop using the feed and begin a new one of the same account: a copied or restored home must not fork."""
        with _keys_lock(self.home):
            current = load_keys(self.home)
            if current.feed_id == self.feed:
                # Before the keys: should this end here, peers must not take the copy's changes for those of the other.
                with transaction(self.connection):
                    new_epoch(self.connection, secrets.token_bytes(8))
                _begin_keys(self.home)
                current = load_keys(self.home)
        self._use(current)
        self.renewed = f"{why} This install goes on under a new feed of the same account, so that nothing is forked."
        log.warning("%s", self.renewed)
        if check_own(self.connection, self.mark, self.feed).seq == 0:
            self._begin_feed()

    def is_renewed(self) -> bool:
        """Whether another program of this home has begun another feed."""
        return load_keys(self.home).feed_id != self.feed

    def _begin_feed(self) -> None:
        with transaction(self.connection):
            account_number(self.connection, self.account)
            set_role(self.connection, self.views, self.account, Role.OWN)
        proof = make_device(
            self.keys.account,
            self.keys.feed,
            device_public(self.keys.device),
            box_public(self.keys.seed, 0),
            0,
            wall_ms(),
        )
        device = check_device_proof(proof, self.feed, self.account)
        try:
            create_feed(self.connection, self.views, self.changes, self.mark, self.keys.feed, device, wall_ms())
        except FeedBehindError:
            return  # another program of this home was first
        with transaction(self.connection):
            refresh_interest(self.connection, self.views, self.account, self.feed, secrets.token_bytes)
        self.append(lambda connection: self._snapshot(connection, force=True))

    def device(self) -> Device:
        """Whose feed it is, proven."""
        state = feed_state(self.connection, self.feed)
        assert state is not None, "made at opening"
        return check_device_proof(state.device, self.feed, self.account)

    def height(self) -> int:
        """The last seq of one's own feed."""
        own = feed_state(self.connection, self.feed)
        return own.newest.end.seq if own is not None and own.newest is not None else 0

    @property
    def folder(self) -> MediaFolder:
        """Where pictures are kept."""
        return MediaFolder(self.home.media)

    # --- Appending ---

    def append(self, make: Make, *, refresh: bool = False, private: bool = False) -> list[Ref]:
        """Append what `make` gives, with what else is due; then wake the node.

        Args:
            make: gives the entries; nothing else is written where it gives none, unless `private`.
            refresh: whether whom to ask for is to be computed again.
            private: whether private state that waits is written even if nothing goes with it.
        Returns: the refs of what `make` gave.
        """
        now_ms = wall_ms()
        count = 0

        def payloads(connection: sqlite3.Connection) -> list[bytes]:
            nonlocal count
            entries = make(connection)
            count = len(entries)
            if entries or private:
                entries += self._snapshot(connection, force=False) + self.sealing.private(connection)
                forget_due(connection)
            return [content.write(now_ms, kind, fields) for kind, fields in entries]

        self._start_numbers()
        try:
            refs = append_with(self.connection, self.views, self.changes, self.mark, self.keys.feed, payloads, now_ms)
        except FeedBehindError as error:
            self.renew_feed(str(error))
            refs = append_with(self.connection, self.views, self.changes, self.mark, self.keys.feed, payloads, now_ms)
        if refresh:  # also where nothing was to write: it may have been written, and this left undone
            with transaction(self.connection):
                refresh_interest(self.connection, self.views, self.account, self.feed, secrets.token_bytes)
        if refs:
            self._unseal(self.feed)  # what was written is read like everybody's; others' wait for who reads
            wake_node(self.home.wake)
        return refs[:count]

    def append_private(self) -> bool:
        """Write private state that has waited long enough for a message to go with; whether anything was due."""
        if not private_state.is_due(self.connection):
            return False
        with transaction(self.connection):
            due = is_due(self.connection, wall_ms())
        if due:
            self.append(lambda _: [], private=True)
        return due

    def unseal(self) -> None:
        """Open what is sealed to this account and was not yet tried, unless a node does so beside its calls."""
        if not self.opens_beside:
            self._unseal()

    def _unseal(self, feed: FeedId | None = None) -> None:
        Unsealing(self.account, self.keys.seed, self.views).run(self.connection, feed)

    def _start_numbers(self) -> None:
        """Go on above reserved change numbers if no node runs here; a running one has done so."""
        if not self._numbers_started:
            with NodeLock(self.home.node_lock) as free:
                if free:
                    with transaction(self.connection):
                        self.changes.start(self.connection)
            self._numbers_started = True

    def _snapshot(self, connection: sqlite3.Connection, *, force: bool) -> list[tuple[str, content.Content]]:
        """Profile and follows again, so that a newcomer has them with the newest entries. Source: content.md."""
        state = feed_state(connection, self.feed)
        end = state.newest.end.seq if state is not None and state.newest is not None else 0
        row = connection.execute("SELECT value FROM meta WHERE name = 'snapshot'").fetchone()
        if not force and end - (int(row[0]) if row is not None else 0) < SNAPSHOT_EVERY_ENTRIES - FOLLOWS_PART_MAX:
            return []
        connection.execute("REPLACE INTO meta (name, value) VALUES ('snapshot', ?)", (end,))
        entries: list[tuple[str, content.Content]] = []
        mine = PEOPLE.profile_of(connection, self.account)
        if mine is not None:
            avatar = PICTURES.avatar_value(connection, self.account)
            pins = pinned_refs(connection, self.account)
            entries.append(("profile", content.profile(mine.rev, mine.name, mine.bio, mine.link, avatar, pins)))
        follows = PEOPLE.follow_state(connection, self.account)
        parts = -(-len(follows) // _SNAPSHOT_PART)
        for part in range(parts):
            items = follows[part * _SNAPSHOT_PART : (part + 1) * _SNAPSHOT_PART]
            entries.append(("follows", content.follows(part, parts, items)))
        return entries


def wall_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


def _make_keys(home: Home, seed: bytes | None) -> None:
    """Make the account and this install's keys, unless another program just has."""
    with _keys_lock(home):
        if not home.seed.exists():
            _refuse_other_account(home, seed)
            make_seed(home, seed)
        if not home.feed_key.exists():
            _begin_keys(home)


def _refuse_other_account(home: Home, seed: bytes | None) -> None:
    """A home whose seed got lost is its account's still: nobody else moves in beside the feeds that it wrote."""
    if seed is None and (home.feed_key.exists() or home.database.exists()):
        raise ConfigError(
            f"The key file {home.seed} is missing: bring it back from a copy, or from its words with "
            "`p2pmicro init --recover`."
        )
    if seed is not None and home.database.exists():
        with closing(open_database(home.database)) as connection:
            own = [account for account, role in accounts_with_roles(connection).items() if role is Role.OWN]
        if own and account_key(seed).public not in own:
            raise LocalError(f"These words are of another account than {home.path}: name another --home for it.")


def _begin_keys(home: Home) -> None:
    """Make keys of a new feed and its mark: a feed key without a mark on this computer is never written with."""
    make_feed_keys(home)
    MarkFile(home.state, load_keys(home).feed_id).create()


@contextmanager
def _keys_lock(home: Home) -> Iterator[None]:
    lock = keys_lock(home)
    if not lock.acquire(_KEYS_LOCK_TIMEOUT_S):
        raise LocalError("Another program is changing the keys of this home: try again.")
    try:
        yield
    finally:
        lock.release()
