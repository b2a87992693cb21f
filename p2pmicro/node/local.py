"""Everything that a person does without the network, on one home: write, follow, read, check. Blocking, no trio.

The commands use it as it is, so that `p2pmicro post` starts in an instant; `Node` runs it on a thread.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from ..errors import LocalError, P2PMicroError, StoreDamagedError
from ..feed import content
from ..feed.content import clean_text
from ..ids import AccountId, FeedId, Ref, parse_account
from ..keys import check_public_key, seed_words
from ..limits import BIO_MAX_CODE_POINTS, LINK_MAX_CODE_POINTS, NAME_MAX_CODE_POINTS
from ..store import peers
from ..store.db import open_database, read_transaction, transaction
from ..store.feeds import FeedState, Role, accounts_with_roles, feed_state, feed_states
from ..store.lock import NodeLock
from ..views import PEOPLE, SEARCH, TIMELINE
from ..views.message import Message
from ..views.people import Profile
from .home import find_home
from .install import Install, wall_ms
from .status import PeerState, Status


class LocalNode(Install):
    """One home, opened for its owner; used by one thread at a time, closed at the end.

    Args (of `open`):
        home: the folder, where not the environment's or the platform's.
        create: make an account where there is none; otherwise that is a ConfigError.
    """

    # --- Writing ---

    def post(self, text: str) -> Ref:
        """Write a message: on the disk when this returns.

        Raises:
            TextError: empty, over 140 code points, or with characters that can't be sent; nothing was written.
            StoreError: nothing was written.
        """
        clean = clean_text(text)
        return self.append(lambda _: [("post", content.post(clean))])[0]

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
            before = PEOPLE.profile_of(connection, self.account)
            rev = PEOPLE.next_rev(connection, self.account, "profile", None)
            kept = (before.name, before.bio, before.link) if before is not None else ("", None, None)
            new_name, new_bio, new_link = (
                old if new is None else new for new, old in zip((name, bio, link), kept, strict=True)
            )
            return [("profile", content.profile(rev, new_name or "", new_bio or None, new_link or None))]

        return self.append(make)[0]

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
            if (account in PEOPLE.followed(connection, self.account)) is on:
                return []
            rev = PEOPLE.next_rev(connection, self.account, "follow", account)
            return [("follow", content.follow(account, rev, on))]

        refs = self.append(make, refresh=True)
        return refs[0] if refs else None

    # --- Reading ---

    def timeline(self, limit: int = 50, before: tuple[int, int] | None = None) -> list[Message]:
        """The newest messages of oneself and those one follows."""
        with read_transaction(self.connection):
            return TIMELINE.home(self.connection, limit, before)

    def page(self, account: AccountId, limit: int = 50) -> list[Message]:
        """One person's messages, newest first."""
        with read_transaction(self.connection):
            return TIMELINE.page(self.connection, account, limit)

    def message(self, feed: FeedId, seq: int) -> Message | None:
        """One message; None if it is not held or not shown."""
        with read_transaction(self.connection):
            return TIMELINE.message(self.connection, feed, seq)

    def search(self, query: str, limit: int = 50) -> list[Message]:
        """Messages with all of the words, newest first."""
        with read_transaction(self.connection):
            return SEARCH.search(self.connection, query, limit)

    def profile_of(self, account: AccountId) -> Profile | None:
        """Somebody's profile, if one is held."""
        return PEOPLE.profile_of(self.connection, account)

    def following(self) -> list[tuple[AccountId, str | None]]:
        """Whom one follows, with their names."""
        with read_transaction(self.connection):
            accounts = PEOPLE.followed(self.connection, self.account)
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

    def _name(self, account: AccountId) -> str | None:
        profile = PEOPLE.profile_of(self.connection, account)
        return profile.name or None if profile is not None else None

    def status(self) -> Status:
        """How this home is."""
        with read_transaction(self.connection):
            height = self.height()
            entries = self.connection.execute("SELECT count(*) FROM entries WHERE payload IS NOT NULL").fetchone()[0]
            feeds = self.connection.execute("SELECT count(*) FROM feeds").fetchone()[0]
            roles = accounts_with_roles(self.connection)
            followers = len(PEOPLE.followers(self.connection, self.account))
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


def _field(text: str | None, count_max: int, what: str) -> str | None:
    return clean_text(text, count_max, what) if text else text
