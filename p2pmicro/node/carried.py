"""Take in a bundle that somebody carried here, as if its records came in a session.

Source: protocol/bundle.md, "Reading".
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ConfigError, EncodingError, EntryError, LocalError
from ..feed import bundle
from ..feed.bundle import CheckedExcerpt, Manifest, Proven, Reader
from ..feed.chain import CheckedRange, excerpt_at
from ..feed.content import Entry, read_many
from ..feed.device import Device, Revoke
from ..feed.fork import ForkProof
from ..feed.picture import PictureError, look
from ..ids import FeedId
from ..store import excerpts, media
from ..store.blocks import is_blocked, note_feed
from ..store.db import transaction
from ..store.feeds import Role, add_feed, feed_state, feeds_of, has_room, role_of
from ..store.ingest import Checked, Outcome, ingest, learn_fork, learn_revoke
from ..store.lock import NodeLock
from ..views import PICTURES
from .export import Export
from .install import wall_ms
from .roles import refresh_interest

_READ_BYTES = 1 << 18


@dataclass(slots=True)
class Imported:
    """What became of a bundle."""

    manifest: Manifest | None = None  # None: the file is no bundle
    feeds: int = 0  # that this node wants
    unwanted: int = 0  # feeds that were passed over
    entries: int = 0  # that are new here
    pictures: int = 0  # that are new here
    refused: Counter[str] = field(default_factory=Counter)  # records that did not hold, by error code
    fault: str | None = None  # why it could not be read to its end, in a sentence


@dataclass(slots=True)
class _Reading:
    """A bundle while it is read."""

    result: Imported = field(default_factory=Imported)
    feeds: set[FeedId] = field(default_factory=set)  # that it has had so far
    device: Device | None = None  # of the feed that is being read
    pictures_begun: bool = False


class Carried(Export):
    """Import."""

    def import_bundle(
        self, path: str | Path, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> Imported:
        """Take in what a bundle has of those whom this node wants, each part once it is proven.

        A part that does not hold is left out and counted; one's own feed is never continued from a file.

        Raises:
            LocalError: the node runs: its peers would not be told.
            ConfigError: the file can't be read.
            StoreError: what came before it in the file is stored.
        """
        self._start_numbers()
        with NodeLock(self.home.node_lock) as free:
            if not free:
                raise LocalError("Your node is running on this home: stop it, and read the bundle again.")
            return self._import(Path(path), progress)

    def _import(self, path: Path, progress: Callable[[int, int], None]) -> Imported:
        under_way = _Reading()
        result = under_way.result
        reader = Reader(lambda device: self._is_wanted(device, under_way))
        try:
            with path.open("rb") as file:
                total, done = path.stat().st_size, 0
                while data := file.read(_READ_BYTES):
                    for found in reader.receive(data):
                        self._take_in(found, under_way)
                    done += len(data)
                    progress(done, total)
            reader.finish()
        except EncodingError as error:
            result.fault = str(error)
        except OSError as error:
            raise ConfigError(f"{path} can't be read: {error.strerror}.") from None
        result.manifest = reader.manifest
        self.unseal()
        self._refresh_carried()
        return result

    def _is_wanted(self, device: Device, under_way: _Reading) -> bool:
        """Whether a session would ask for a feed or an entry of it, or something is here that its deletes may name."""
        if is_blocked(self.connection, device.account):
            wanted = keeps_some = False
            with transaction(self.connection):
                note_feed(self.connection, device.account, device.feed)
        else:
            wanted = self._is_followed(device) or self._has_wanted(device.feed)
            keeps_some = wanted or feeds_of(self.connection, device.account) != []
        if device.feed not in under_way.feeds:
            under_way.feeds.add(device.feed)
            under_way.result.feeds += wanted
            under_way.result.unwanted += not wanted
        return keeps_some

    def _is_followed(self, device: Device) -> bool:
        """Whether a feed's account has a role here, and there is room for one more of its feeds."""
        if role_of(self.connection, device.account) is Role.NONE:
            return False
        return feed_state(self.connection, device.feed) is not None or has_room(self.connection, device.account)

    def _has_wanted(self, feed: FeedId) -> bool:
        """Whether something held here refers to an entry of a feed that is not here."""
        row = self.connection.execute("SELECT 1 FROM wanted WHERE feed = ?", (feed,)).fetchone()
        return row is not None

    def _take_in(self, found: Proven | EntryError, under_way: _Reading) -> None:
        result = under_way.result
        if isinstance(found, EntryError):
            result.refused[found.code] += 1
            return
        if isinstance(found, bundle.Carried) and not under_way.pictures_begun:
            under_way.pictures_begun = True
            self.unseal()  # what is opened names pictures too
        with transaction(self.connection):
            match found:
                case Device():
                    under_way.device = found
                    if self._is_followed(found):
                        add_feed(self.connection, self.changes, found)
                case Revoke():
                    learn_revoke(self.connection, self.views, self.changes, found)
                case ForkProof():
                    learn_fork(self.connection, self.views, self.changes, found)
                case CheckedRange() if found.range.feed != self.feed:
                    result.entries += self._ingest(found, under_way.device)
                case CheckedRange():
                    pass
                case CheckedExcerpt():
                    result.entries += self._take_excerpt(found, under_way.device)
                case bundle.Carried():
                    result.pictures += self._take_picture(found)
        if isinstance(found, CheckedRange) and found.range.feed == self.feed and found.end.seq > self.height():
            # The mark would have shown it, had it not been taken back with the home: protocol/feed.md, "The mark".
            self.renew_feed(f"The file has entry {found.end.seq} of this install's feed, which is not here.")
            self._take_in(found, under_way)

    def _ingest(self, found: CheckedRange, device: Device | None) -> int:
        entries = iter(read_many([item for item in found.range.items if isinstance(item, bytes)]))
        read = [next(entries) if isinstance(item, bytes) else None for item in found.range.items]
        ((outcome, new),) = ingest(self.connection, self.views, self.changes, [Checked(found, read)], wall_ms())
        if outcome in (Outcome.UNWANTED, Outcome.UNKNOWN_FEED, Outcome.OVER_QUOTA):
            return self._take_deletes(found, read, device)
        return new if outcome is Outcome.STORED else 0

    def _take_deletes(self, found: CheckedRange, read: Sequence[object], device: Device | None) -> int:
        """Of a range that is not stored, let the deletes act on what is here."""
        taken = 0
        for seq, (entry, entry_id) in enumerate(zip(read, found.ids, strict=True), found.range.before.seq + 1):
            if isinstance(entry, Entry) and entry.kind == "delete" and (excerpt := excerpt_at(found, seq)) is not None:
                taken += self._take_excerpt(CheckedExcerpt(excerpt, entry_id), device)
        return taken

    def _take_excerpt(self, found: CheckedExcerpt, device: Device | None) -> int:
        assert device is not None, "a reader gives a proof first"
        (entry,) = read_many([found.excerpt.payload])
        proven = excerpts.Proven(found.excerpt, found.id, device, None, entry if isinstance(entry, Entry) else None)
        taken = excerpts.take(self.connection, self.views, self.changes, proven, wall_ms())
        return int(taken is excerpts.Taken.STORED)

    def _take_picture(self, found: bundle.Carried) -> int:
        """Keep a picture if an entry names it, is of somebody one follows, and says of it what it is."""
        name = found.name
        # Of a message to some it is not asked for, as that would tell who can read it. A file tells nobody.
        media.want(self.connection, PICTURES.sealed_wishes(self.connection, name))
        if media.state_of(self.connection, name) is not media.State.WANTED:
            return 0
        try:
            facts = look(found.data)
        except PictureError:
            facts = None  # encrypted, or none
        if not PICTURES.fits(self.connection, name, found.data, facts):
            return 0
        return int(media.keep(self.connection, self.folder, name, found.data))

    def _refresh_carried(self) -> None:
        """Follows may be among what came: they say who else is wanted."""
        from secrets import token_bytes

        with transaction(self.connection):
            refresh_interest(self.connection, self.views, self.account, self.feed, token_bytes)
