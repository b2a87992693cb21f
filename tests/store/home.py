"""A store in a folder, a view that remembers what it was told, and what the node's verify stage would hand over."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from p2pmicro.feed.chain import Range, check_range
from p2pmicro.feed.content import read_many
from p2pmicro.feed.device import check_device_proof
from p2pmicro.ids import AccountId, EntryId, FeedId, Ref
from p2pmicro.keys import PrivateKey
from p2pmicro.store.append import append, create_feed
from p2pmicro.store.changes import ChangeNumbers
from p2pmicro.store.db import open_database, transaction
from p2pmicro.store.feeds import FeedState, Role, add_feed, feed_state, set_role
from p2pmicro.store.ingest import Checked, Outcome, ingest
from p2pmicro.store.mark import MarkFile
from p2pmicro.store.view import Row, View
from tests.made import NOW_MS, MadeFeed, private_key


class Seen:
    """A view: the rows that are shown, by key. It complains of a row that comes twice or goes without having come."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.roles: list[tuple[int, int, int]] = []
        self.erased = 0

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        for row in rows:
            assert row.key not in self.rows
            self.rows[row.key] = row._replace(id=None)  # a hint: not everybody who makes a row has it

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        for row in rows:
            assert self.rows.pop(row.key) == row._replace(id=None)

    def clear(self, connection: sqlite3.Connection) -> None:
        self.rows.clear()

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        self.roles.append((account, old, new))
        self.rows |= {key: row._replace(role=new) for key, row in self.rows.items() if row.account == account}

    def erase_text(self, connection: sqlite3.Connection) -> None:
        self.erased += 1


class Home:
    """A node's store with its mark: `own` is its feed, which nothing was written to yet."""

    def __init__(self, folder: Path, name: str = "own feed") -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "store.db"
        self.state = folder / "state"
        self.state.mkdir(exist_ok=True)
        self.key: PrivateKey = private_key(name)
        self.own = MadeFeed(1, name, account="owner")
        self.mark = MarkFile(self.state, FeedId(self.key.public))
        self.mark.create()
        self.changes = ChangeNumbers(self.mark)
        self.seen = Seen()
        self.views: list[View] = [self.seen]
        self.connection = open_database(self.path, durable=False)

    def close(self) -> None:
        self.connection.close()

    def role(self, account: AccountId, role: Role) -> None:
        with transaction(self.connection):
            set_role(self.connection, self.views, account, role)

    def know(self, made: MadeFeed, role: Role = Role.FOLLOWED) -> None:
        """Take in a feed's device proof, and give its account a role."""
        self.role(made.account, role)
        with transaction(self.connection):
            add_feed(self.connection, self.changes, check_device_proof(made.proof))

    def take(self, *given: Range, end: EntryId | None = None, now_ms: int = NOW_MS) -> list[tuple[Outcome, int]]:
        """Check ranges, and take them in as one batch."""
        with transaction(self.connection):
            return ingest(self.connection, self.views, self.changes, [checked(one, end) for one in given], now_ms)

    def create(self) -> list[Ref]:
        """Begin the own feed."""
        self.role(self.own.account, Role.OWN)
        device = check_device_proof(self.own.proof)
        return create_feed(self.connection, self.views, self.changes, self.mark, self.key, device, NOW_MS)

    def append(self, *payloads: bytes) -> list[Ref]:
        return append(self.connection, self.views, self.changes, self.mark, self.key, payloads, NOW_MS)

    def feed(self, feed: FeedId) -> FeedState:
        found = feed_state(self.connection, feed)
        assert found is not None
        return found

    def shown(self, feed: FeedId) -> list[int]:
        """The seqs that the views were shown."""
        number = self.feed(feed).number
        return sorted(key & 0xFFFFFFFF for key in self.seen.rows if key >> 32 == number)

    def count(self, table: str) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def checked(given: Range, end: EntryId | None = None) -> Checked:
    """What the verify stage makes of a range."""
    proven = check_range(given, end)
    payloads = [item for item in given.items if isinstance(item, bytes)]
    entries = iter(read_many(payloads))
    return Checked(proven, [next(entries) if isinstance(item, bytes) else None for item in given.items])
