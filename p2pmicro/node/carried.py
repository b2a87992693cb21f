"""Take in a bundle that somebody carried here, as if its records came in a session.

Source: protocol/bundle.md, "Reading".
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ConfigError, EncodingError, EntryError, LocalError
from ..feed.bundle import CheckedExcerpt, Manifest, Proven, Reader
from ..feed.chain import CheckedRange
from ..feed.content import read_many
from ..feed.device import Device, Revoke
from ..feed.fork import ForkProof
from ..limits import FEEDS_PER_ACCOUNT_MAX
from ..store import private
from ..store.db import transaction
from ..store.feeds import Role, add_feed, feed_state, feeds_of, role_of
from ..store.ingest import Checked, Outcome, ingest, learn_fork, learn_revoke
from ..store.lock import NodeLock
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
    refused: Counter[str] = field(default_factory=Counter)  # records that did not hold, by error code
    fault: str | None = None  # why it could not be read to its end, in a sentence


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
        result = Imported()
        reader = Reader(lambda device: self._is_wanted(device, result))
        try:
            with path.open("rb") as file:
                total, done = path.stat().st_size, 0
                while data := file.read(_READ_BYTES):
                    for found in reader.receive(data):
                        self._take_in(found, result)
                    done += len(data)
                    progress(done, total)
            reader.finish()
        except EncodingError as error:
            result.fault = str(error)
        except OSError as error:
            raise ConfigError(f"{path} can't be read: {error.strerror}.") from None
        result.manifest = reader.manifest
        self._refresh_carried()
        return result

    def _is_wanted(self, device: Device, result: Imported) -> bool:
        """Whether a session would ask for a feed: its account has a role here and is not blocked, and there is room."""
        wanted = (
            role_of(self.connection, device.account) > Role.NONE
            and private.get(self.connection, "block", device.account) is None
            and (
                feed_state(self.connection, device.feed) is not None
                or len(feeds_of(self.connection, device.account)) < FEEDS_PER_ACCOUNT_MAX
            )
        )
        result.feeds += wanted
        result.unwanted += not wanted
        return wanted

    def _take_in(self, found: Proven | EntryError, result: Imported) -> None:
        if isinstance(found, EntryError):
            result.refused[found.code] += 1
            return
        with transaction(self.connection):
            match found:
                case Device():
                    add_feed(self.connection, self.changes, found)
                case Revoke():
                    learn_revoke(self.connection, self.views, self.changes, found)
                case ForkProof():
                    learn_fork(self.connection, self.views, self.changes, found)
                case CheckedRange() if found.range.feed != self.feed:
                    result.entries += self._ingest(found)
                case CheckedRange() | CheckedExcerpt():
                    pass
        if isinstance(found, CheckedRange) and found.range.feed == self.feed and found.end.seq > self.height():
            # The mark would have shown it, had it not been taken back with the home: protocol/feed.md, "The mark".
            self.renew_feed(f"The file has entry {found.end.seq} of this install's feed, which is not here.")
            self._take_in(found, result)

    def _ingest(self, found: CheckedRange) -> int:
        entries = iter(read_many([item for item in found.range.items if isinstance(item, bytes)]))
        read = [next(entries) if isinstance(item, bytes) else None for item in found.range.items]
        ((outcome, new),) = ingest(self.connection, self.views, self.changes, [Checked(found, read)], wall_ms())
        return new if outcome is Outcome.STORED else 0

    def _refresh_carried(self) -> None:
        """Follows may be among what came: they say who else is wanted."""
        from secrets import token_bytes

        with transaction(self.connection):
            refresh_interest(self.connection, self.views, self.account, self.feed, token_bytes)
