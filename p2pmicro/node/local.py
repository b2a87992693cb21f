"""One home and all that its person does with it, without the network. Blocking, no trio.

The commands use it as it is, so that `p2pmicro post` starts in an instant; `Node` runs it on a thread. Each room of it
is a class in a file of its own, on top of the one before:

    Install     install.py     keys, feed, mark, appending
    Naming      naming.py      who is meant: accounts, petnames, names
    Quiet       quiet.py       mutes and blocks
    Lists       lists.py       lists of people
    People      people.py      profile, follows, who is who
    Circles     circles.py     circles, and messages to some alone
    Inbox       inbox.py       conversations
    Reading     reading.py     lists, threads, one message
    Pictures    pictures.py    pictures, shown and erased
    Pinning     pinning.py     what is first on one's page
    Messages    messages.py    writing and deleting
    Reacting    reacting.py    likes, reposts, bookmarks
    Tagging     tagging.py     tags, read and followed
    Noticing    noticing.py    what concerns oneself
    Finding     finding.py     search
    Drafts      drafts.py      what is not posted yet
    Export      export.py      everything of oneself in a file
    Carried     carried.py     a bundle that somebody brought
    LocalNode   here           how the home is, and checking it
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ..errors import P2PMicroError, StoreDamagedError
from ..ids import FeedId
from ..keys import seed_words
from ..store import erase, media, peers
from ..store.db import open_database, read_transaction, transaction
from ..store.feeds import FeedState, Role, accounts_with_roles, feed_state, feed_states
from ..store.lock import NodeLock
from ..views import PEOPLE
from ..views.version import make_again
from .carried import Carried
from .home import find_home
from .install import wall_ms
from .status import PeerState, Status


class LocalNode(Carried):
    """One home, opened for its owner; used by one thread at a time, closed at the end.

    Args (of `open`):
        home: the folder, where not the environment's or the platform's.
        create: make an account where there is none; otherwise that is a ConfigError.
    """

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

    def note_address(self, address: str, feed: FeedId | None, asked: bool) -> None:
        """Remember where a node was reached."""
        with transaction(self.connection):
            peers.note_address(self.connection, address, feed, asked, wall_ms())

    def status(self) -> Status:
        """How this home is."""
        with read_transaction(self.connection):
            height = self.height()
            entries = self.connection.execute("SELECT count(*) FROM entries WHERE payload IS NOT NULL").fetchone()[0]
            feeds = self.connection.execute("SELECT count(*) FROM feeds WHERE last_seq IS NOT NULL").fetchone()[0]
            roles = accounts_with_roles(self.connection)
            followers = len(PEOPLE.followers(self.connection, self.account))
            pending = erase.pending(self.connection) + media.erasures_pending(self.connection)
            name = self._name(self.account)
            pictures = media.counted(self.connection)
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
            pictures,
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

        return verify(self.connection, progress) + self.mend_pictures()

    def rebuild(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Throw the views away and compute them again from the log."""
        with transaction(self.connection):
            make_again(self.connection, self.views, progress)


def is_damaged(home: str | Path | None) -> bool:
    """Whether SQLite finds fault with a home's database: asked when something failed that nothing else explains."""
    try:
        with closing(open_database(find_home(home).database, read_only=True)) as connection:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok")
    except P2PMicroError as error:
        return isinstance(error, StoreDamagedError)
