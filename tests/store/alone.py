"""Entries that refer to others, and excerpts as a node's verify stage hands them over."""

from pathlib import Path

from p2pmicro.feed import content
from p2pmicro.feed.chain import check_excerpt, page_end
from p2pmicro.feed.content import Entry, read_many, write
from p2pmicro.feed.device import check_device_proof
from p2pmicro.ids import AccountId, Ref
from p2pmicro.store import blocks
from p2pmicro.store.db import transaction
from p2pmicro.store.excerpts import Proven, Taken, take
from p2pmicro.store.feeds import Role
from p2pmicro.store.verify import verify
from p2pmicro.views import ALL, WANTED
from p2pmicro.views.rebuild import rebuild
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home


def ref(made: MadeFeed, seq: int) -> Ref:
    return Ref(made.feed, seq, made.links[seq].id)


def say(made: MadeFeed, text: str = "hello", **fields: object) -> Ref:
    """Append a message."""
    made.append(write(NOW_MS + made.last * 1000, "post", content.post(text, **fields)))
    return ref(made, made.last)


def answer(made: MadeFeed, parent: Ref, root: Ref | None = None) -> Ref:
    """Append an answer."""
    return say(made, f"answer {made.last}", reply=content.reply(root or parent, parent))


def like(made: MadeFeed, target: Ref, rev: int = 1, on: bool = True) -> Ref:
    made.append(write(NOW_MS, "like", content.reaction(target, rev, on)))
    return ref(made, made.last)


def delete(made: MadeFeed, target: Ref) -> Ref:
    made.append(write(NOW_MS, "delete", content.delete(target)))
    return ref(made, made.last)


def proven(made: MadeFeed, seq: int, named: MadeFeed | None = None) -> Proven:
    """An excerpt that was checked."""
    excerpt = made.excerpt(seq, min(page_end(seq), made.last))
    (entry,) = read_many([excerpt.payload])
    return Proven(
        excerpt,
        check_excerpt(excerpt),
        check_device_proof(made.proof, made.feed),
        None if named is None else check_device_proof(named.proof),
        entry if isinstance(entry, Entry) else None,
    )


class Shelf(Home):
    """A home with all views, and one that counts what they are shown."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.views = [self.seen, *ALL]

    def hold(self, made: MadeFeed, role: Role = Role.FOLLOWED) -> None:
        """Hold all of a feed."""
        self.know(made, role)
        self.take(made.range(1, made.last))

    def hear(self, made: MadeFeed) -> None:
        """Take in the newest entry of a feed that is held."""
        self.take(made.range(made.last, made.last))

    def block(self, account: AccountId) -> None:
        """Block somebody, and drop all of theirs."""
        with transaction(self.connection):
            blocks.begin(self.connection, self.views, account)
            while blocks.drop_step(self.connection, self.views):
                pass

    def bring(self, made: MadeFeed, *seqs: int, named: MadeFeed | None = None, now_ms: int = NOW_MS) -> list[Taken]:
        """Somebody gives excerpts."""
        with transaction(self.connection):
            given = [proven(made, seq, named) for seq in seqs]
            return [take(self.connection, self.views, self.changes, one, now_ms) for one in given]

    def settle(self) -> None:
        """Do all the work that could wait."""
        more = True
        while more:
            with transaction(self.connection):
                more = WANTED.settle_step(self.connection, self.views) or WANTED.step(self.connection)

    @property
    def wanted(self) -> list[Ref]:
        rows = self.connection.execute("SELECT feed, seq, id FROM wanted WHERE NOT hidden ORDER BY number")
        return [Ref(*row) for row in rows]

    def alone(self, made: MadeFeed) -> list[int]:
        """What is held alone of a feed, by seq; as much is shown of it."""
        number = self.feed(made.feed).number
        rows = self.connection.execute("SELECT key FROM excerpts WHERE key >> 32 = ? ORDER BY key", (number,))
        held = [key & 0xFFFFFFFF for (key,) in rows]
        shown = [row.key for row in self.seen.rows.values() if row.alone and row.key >> 32 == number]
        assert held == sorted(key & 0xFFFFFFFF for key in shown)
        return held

    def check(self) -> None:
        """All is whole, and made again with equal rows."""
        self.settle()
        assert verify(self.connection, lambda done, total: None) == []
        shown, wanted = dict(self.seen.rows), set(self.wanted)
        with transaction(self.connection):
            rebuild(self.connection, self.views, lambda done, total: None)
        self.settle()
        assert self.seen.rows == shown
        assert set(self.wanted) == wanted
