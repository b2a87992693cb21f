"""Everything that a person does without the network, on one home: write, follow, read, check. Blocking, no trio.

The commands use it as it is, so that `p2pmicro post` starts in an instant; `Node` runs it on a thread.
"""

import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..errors import ConfigError, FeedBehindError, LocalError, P2PMicroError, StoreDamagedError
from ..feed import content
from ..feed.content import clean_text
from ..feed.device import Device, check_device_proof, make_device
from ..ids import AccountId, FeedId, Ref, format_account, format_feed, parse_account
from ..keys import account_key, box_public, check_public_key, device_public, parse_seed_words, seed_words
from ..limits import (
    BIO_MAX_CODE_POINTS,
    FOLLOWS_PART_MAX,
    LINK_MAX_CODE_POINTS,
    NAME_MAX_CODE_POINTS,
    SNAPSHOT_EVERY_ENTRIES,
)
from ..store import peers
from ..store.append import append_with, check_own, create_feed
from ..store.changes import ChangeNumbers, new_epoch
from ..store.db import open_database, read_transaction, transaction
from ..store.feeds import FeedState, Role, account_number, accounts_with_roles, feed_state, feed_states, set_role
from ..store.lock import NodeLock
from ..store.mark import MarkFile
from ..store.view import View
from ..views.message import Message
from ..views.people import People, Profile
from ..views.search import Search
from ..views.timeline import Timeline
from .home import Home, Keys, find_home, keys_lock, load_keys, make_feed_keys, make_seed, prepare
from .roles import refresh_interest
from .wake import wake_node

log = logging.getLogger(__name__)

_KEYS_LOCK_TIMEOUT_S = 10.0
_SNAPSHOT_PART = 180  # follows: with the highest revs they still fit a payload
Make = Callable[[sqlite3.Connection], list[tuple[str, content.Content]]]


@dataclass(frozen=True, slots=True)
class Status:
    """How a home is."""

    account: AccountId
    feed: FeedId
    name: str | None
    height: int  # the last seq of one's own feed
    entries: int  # payloads held, of all feeds
    feeds: int
    following: int
    followers: int  # as far as this node has heard
    store_bytes: int  # on the disk
    erasures_pending: int  # deleted texts that may still lie in the database's files
    running: bool  # whether a node runs on this home


@dataclass(frozen=True, slots=True)
class PeerState:
    """Another node, as this one is connected to it or remembers it."""

    account: AccountId | None  # None while it has proven none
    name: str | None  # as its profile says
    feed: FeedId | None
    address: str
    state: str  # "connected", "connecting", "away"
    since_ms: int  # in this state; when it was last met, if away (0: never)
    bytes_in: int
    bytes_out: int


class LocalNode:
    """One home, opened for its owner; used by one thread at a time, closed at the end.

    Args (of `open`):
        home: the folder, where not the environment's or the platform's.
        create: make an account where there is none; otherwise that is a ConfigError.
    """

    def __init__(self, home: Home, keys: Keys, connection: sqlite3.Connection) -> None:
        self.home = home
        self.keys = keys
        self.connection = connection
        self.timeline_view, self.people, self.search_view = Timeline(), People(), Search()
        self.views: Sequence[View] = (self.timeline_view, self.people, self.search_view)
        self.renewed: str | None = None  # why a new feed was begun at opening, in a sentence
        self._numbers_started = False
        self._use(keys)

    @classmethod
    def open(cls, home: Home | str | Path | None = None, *, create: bool = False, words: str | None = None) -> Self:
        """Open a home, with its account and feed made where `create` asks for it.

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
            node._check_feed()
            stack.pop_all()
        return node

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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

    def _check_feed(self) -> None:
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
                _begin_keys(self.home)
                current = load_keys(self.home)
        self._use(current)
        with transaction(self.connection):
            new_epoch(self.connection, secrets.token_bytes(8))
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
        self._append(lambda connection: self._snapshot(connection, force=True))

    def device(self) -> Device:
        """Whose feed it is, proven."""
        state = feed_state(self.connection, self.feed)
        assert state is not None, "made at opening"
        return check_device_proof(state.device, self.feed, self.account)

    # --- Writing ---

    def post(self, text: str) -> Ref:
        """Write a message: on the disk when this returns.

        Raises:
            TextError: empty, over 140 code points, or with characters that can't be sent; nothing was written.
            StoreError: nothing was written.
        """
        clean = clean_text(text)
        return self._append(lambda _: [("post", content.post(clean))])[0]

    def profile(self, name: str | None = None, bio: str | None = None, link: str | None = None) -> Ref:
        """Change one's profile; what is not given stays, an empty text takes away.

        Raises:
            TextError: too long, or with characters that can't be sent.
        """
        name = _field(name, NAME_MAX_CODE_POINTS, "name")
        bio = _field(bio, BIO_MAX_CODE_POINTS, "bio")
        link = _field(link, LINK_MAX_CODE_POINTS, "link")
        if link and not link.startswith(("https://", "http://")):
            raise LocalError("A profile's link begins with https:// or http://.")

        def make(connection: sqlite3.Connection) -> list[tuple[str, content.Content]]:
            before = self.people.profile_of(connection, self.account)
            rev = self.people.next_rev(connection, self.account, "profile", None)
            kept = (before.name, before.bio, before.link) if before is not None else ("", None, None)
            new_name, new_bio, new_link = (
                old if new is None else new for new, old in zip((name, bio, link), kept, strict=True)
            )
            return [("profile", content.profile(rev, new_name or "", new_bio or None, new_link or None))]

        return self._append(make)[0]

    def follow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody; None if one does already.

        Raises:
            LocalError: no account, a refused key, or oneself.
        """
        return self._set_follow(account, True)

    def unfollow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody no longer; None if one does not."""
        return self._set_follow(account, False)

    def _set_follow(self, given: AccountId | str, on: bool) -> Ref | None:
        account = parse_account(given) if isinstance(given, str) else given
        check_public_key(account)
        if account == self.account:
            raise LocalError("This is your own account: your own messages are in your timeline anyway.")

        def make(connection: sqlite3.Connection) -> list[tuple[str, content.Content]]:
            if (account in self.people.followed(connection, self.account)) is on:
                return []
            rev = self.people.next_rev(connection, self.account, "follow", account)
            return [("follow", content.follow(account, rev, on))]

        refs = self._append(make, refresh=True)
        return refs[0] if refs else None

    def _append(self, make: Make, *, refresh: bool = False) -> list[Ref]:
        """Append what `make` gives, and a snapshot where one is due; then wake the node."""
        now_ms = wall_ms()
        count = 0

        def payloads(connection: sqlite3.Connection) -> list[bytes]:
            nonlocal count
            entries = make(connection)
            count = len(entries)
            if entries:
                entries += self._snapshot(connection, force=False)
            return [content.write(now_ms, kind, fields) for kind, fields in entries]

        self._start_numbers()
        try:
            refs = append_with(self.connection, self.views, self.changes, self.mark, self.keys.feed, payloads, now_ms)
        except FeedBehindError as error:
            self.renew_feed(str(error))
            refs = append_with(self.connection, self.views, self.changes, self.mark, self.keys.feed, payloads, now_ms)
        if refs and refresh:
            with transaction(self.connection):
                refresh_interest(self.connection, self.views, self.account, self.feed, secrets.token_bytes)
        if refs:
            wake_node(self.home.wake)
        return refs[:count]

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
        mine = self.people.profile_of(connection, self.account)
        if mine is not None:
            entries.append(("profile", content.profile(mine.rev, mine.name, mine.bio, mine.link)))
        follows = self.people.follow_state(connection, self.account)
        parts = -(-len(follows) // _SNAPSHOT_PART)
        for part in range(parts):
            items = follows[part * _SNAPSHOT_PART : (part + 1) * _SNAPSHOT_PART]
            entries.append(("follows", content.follows(part, parts, items)))
        return entries

    # --- Reading ---

    def timeline(self, limit: int = 50, before: tuple[int, int] | None = None) -> list[Message]:
        """The newest messages of oneself and those one follows."""
        with read_transaction(self.connection):
            return self.timeline_view.home(self.connection, limit, before)

    def page(self, account: AccountId, limit: int = 50) -> list[Message]:
        """One person's messages, newest first."""
        with read_transaction(self.connection):
            return self.timeline_view.page(self.connection, account, limit)

    def message(self, feed: FeedId, seq: int) -> Message | None:
        """One message; None if it is not held or not shown."""
        with read_transaction(self.connection):
            return self.timeline_view.message(self.connection, feed, seq)

    def search(self, query: str, limit: int = 50) -> list[Message]:
        """Messages with all of the words, newest first."""
        with read_transaction(self.connection):
            return self.search_view.search(self.connection, query, limit)

    def profile_of(self, account: AccountId) -> Profile | None:
        """Somebody's profile, if one is held."""
        return self.people.profile_of(self.connection, account)

    def following(self) -> list[tuple[AccountId, str | None]]:
        """Whom one follows, with their names."""
        with read_transaction(self.connection):
            accounts = self.people.followed(self.connection, self.account)
            return [(account, self._name(account)) for account in accounts]

    def feeds(self) -> list[FeedState]:
        """All feeds that are held."""
        with read_transaction(self.connection):
            return feed_states(self.connection)

    def addresses(self) -> list[peers.Address]:
        """Addresses at which nodes were met, or which a person named."""
        return peers.addresses(self.connection)

    def known_peers(self) -> list[PeerState]:
        """Nodes that were met, as far as they are remembered; none of them is connected to this object."""
        found = []
        with read_transaction(self.connection):
            for item in peers.addresses(self.connection):
                state = feed_state(self.connection, item.feed) if item.feed is not None else None
                account = state.account if state is not None else None
                name = self._name(account) if account is not None else None
                found.append(PeerState(account, name, item.feed, item.address, "away", item.met_ms, 0, 0))
        return found

    def names(self, accounts: Iterable[AccountId]) -> dict[AccountId, str | None]:
        """What accounts call themselves."""
        return {account: self._name(account) for account in accounts}

    def note_address(self, address: str, feed: FeedId | None, asked: bool) -> None:
        """Remember where a node was reached."""
        with transaction(self.connection):
            peers.note_address(self.connection, address, feed, asked, wall_ms())

    def height(self) -> int:
        """The last seq of one's own feed."""
        own = feed_state(self.connection, self.feed)
        return own.newest.end.seq if own is not None and own.newest is not None else 0

    def _name(self, account: AccountId) -> str | None:
        profile = self.people.profile_of(self.connection, account)
        return profile.name or None if profile is not None else None

    def status(self) -> Status:
        """How this home is."""
        with read_transaction(self.connection):
            height = self.height()
            entries = self.connection.execute("SELECT count(*) FROM entries WHERE payload IS NOT NULL").fetchone()[0]
            feeds = self.connection.execute("SELECT count(*) FROM feeds").fetchone()[0]
            roles = accounts_with_roles(self.connection)
            followers = len(self.people.followers(self.connection, self.account))
            pending = self.connection.execute("SELECT count(*) FROM erasures").fetchone()[0]
            name = self._name(self.account)
        files = [self.home.database, *(Path(f"{self.home.database}-{end}") for end in ("wal", "shm"))]
        return Status(
            self.account,
            self.feed,
            name,
            height,
            entries,
            feeds,
            sum(role is Role.FOLLOWED for role in roles.values()),
            followers,
            sum(file.stat().st_size for file in files if file.exists()),
            pending,
            self.is_running(),
        )

    def is_running(self) -> bool:
        """Whether a node runs on this home."""
        lock = NodeLock(self.home.node_lock)
        free = lock.acquire()
        lock.release()
        return not free

    def words(self) -> list[str]:
        """The 24 words that are the account: who has them can write as it for ever."""
        return seed_words(self.keys.seed)

    # --- Checking ---

    def verify(self, progress: Callable[[int, int], None] = lambda done, total: None) -> list[str]:
        """Read everything again and check it; one sentence a fault."""
        from ..store.verify import verify  # not needed to post

        return verify(self.connection, progress)

    def rebuild(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Throw the views away and compute them again from the log."""
        from ..views.rebuild import rebuild

        rebuild(self.connection, self.views, progress)


def is_damaged(home: str | Path | None) -> bool:
    """Whether SQLite finds fault with a home's database: asked when something failed that nothing else explains."""
    try:
        with closing(open_database(find_home(home).database, read_only=True)) as connection:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok")
    except P2PMicroError as error:
        return isinstance(error, StoreDamagedError)


def peer_json(peer: PeerState) -> dict[str, Any]:
    """A peer as the commands print it."""
    return {
        "account": None if peer.account is None else format_account(peer.account),
        "name": peer.name,
        "feed": None if peer.feed is None else format_feed(peer.feed),
        "address": peer.address,
        "state": peer.state,
        "since_ms": peer.since_ms,
        "bytes_in": peer.bytes_in,
        "bytes_out": peer.bytes_out,
    }


def wall_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


def _field(text: str | None, count_max: int, what: str) -> str | None:
    return clean_text(text, count_max, what) if text else text


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
