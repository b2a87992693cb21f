"""A store of made feeds for the tests of views: rows are written as they come, and the views are told."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from p2pmicro import cbor
from p2pmicro.feed.chain import Link, as_hole, genesis, walk
from p2pmicro.feed.content import follow, follows, post, profile, reaction, read, ref_value, reply, write
from p2pmicro.ids import AccountId, EntryId, FeedId, Ref
from p2pmicro.keys import PrivateKey
from p2pmicro.store.db import open_database
from p2pmicro.store.feeds import Role, account_number, feed_by_number, set_role, shown_end
from p2pmicro.store.view import Row, View
from p2pmicro.views import ALL

NOW_MS = 1_700_000_000_000
DEVICE = write(0, "post", post("a device stands here"))  # nobody reads entry 1 in these tests


@cache
def account_id(name: str) -> AccountId:
    """A key that any schema takes."""
    return AccountId(PrivateKey(sha256(b"account " + name.encode()).digest()).public)


@cache
def feed_id(name: str) -> FeedId:
    """A feed id that any schema takes; no signature is checked here."""
    return FeedId(PrivateKey(sha256(b"feed " + name.encode()).digest()).public)


def said(text: str, time_ms: int = NOW_MS) -> bytes:
    """A message."""
    return write(time_ms, "post", post(text))


def answered(parent: Ref, root: Ref | None = None, text: str = "yes", time_ms: int = NOW_MS, **fields: object) -> bytes:
    """An answer; without `root`, the parent began the thread."""
    return write(time_ms, "post", post(text, reply=reply(root or parent, parent), **fields))


def quoted(ref: Ref, text: str = "see", time_ms: int = NOW_MS) -> bytes:
    """A message that quotes one."""
    return write(time_ms, "post", post(text, quote=ref_value(ref)))


def replaced(*refs: Ref, text: str = "better", time_ms: int = NOW_MS, **fields: object) -> bytes:
    """A message in the place of others."""
    return write(time_ms, "post", post(text, replaces=[ref_value(ref) for ref in refs], **fields))


def shown(pictures: Sequence[str], time_ms: int = NOW_MS) -> bytes:
    """A message with pictures, by short names."""
    media: list[cbor.Value] = [[picture_hash(name), "image/png", 100, name] for name in pictures]
    return write(time_ms, "post", post("look", media=media))


def picture_hash(name: str) -> bytes:
    """The hash of a picture of which only the name exists."""
    return sha256(b"picture " + name.encode()).digest()


def reacted(kind: str, ref: Ref, rev: int = 1, on: bool = True, time_ms: int = NOW_MS) -> bytes:
    """A like or a repost, or its end."""
    return write(time_ms, kind, reaction(ref, rev, on))


def named(name: str, rev: int = 1, picture: str | None = None) -> bytes:
    """A profile."""
    avatar: cbor.Value = None if picture is None else [picture_hash(picture), "image/png", 100]
    return write(NOW_MS, "profile", profile(rev, name, avatar=avatar))


def followed(target: str, rev: int = 1, on: bool = True, time_ms: int = NOW_MS) -> bytes:
    """A follow or an unfollow."""
    return write(time_ms, "follow", follow(account_id(target), rev, on))


def snapshot(*items: tuple[str, int, bool]) -> bytes:
    """A snapshot of follows in one part."""
    return write(NOW_MS, "follows", follows(0, 1, [(account_id(name), rev, on) for name, rev, on in items]))


class Shelf:
    """A database in a transaction; feeds are known by short names, entries by (feed, seq)."""

    def __init__(self, folder: Path, views: Sequence[View] = ALL) -> None:
        self.connection = open_database(folder / "store.db", durable=False)
        self.connection.execute("BEGIN")
        self.views = views
        self._payloads: dict[str, dict[int, bytes]] = {}
        self._planned: dict[str, list[bytes]] = {}

    def close(self) -> None:
        """Give it back."""
        self.connection.close()

    def feed(self, name: str, account: str | None = None, role: Role = Role.FOLLOWED) -> int:
        """Make a feed known; its number."""
        owner = account_id(account or name)
        set_role(self.connection, self.views, owner, role)
        (number,) = self.connection.execute(
            "INSERT INTO feeds (feed, account, device, device_head, change)"
            " SELECT ?, ?, x'00', x'00', count(*) + 1 FROM feeds RETURNING number",
            (feed_id(name), account_number(self.connection, owner)),
        ).fetchone()
        self._payloads[name] = {}
        return int(number)

    def number(self, name: str) -> int:
        """The number of a feed."""
        (number,) = self.connection.execute("SELECT number FROM feeds WHERE feed = ?", (feed_id(name),)).fetchone()
        return int(number)

    def key(self, name: str, seq: int) -> int:
        """The key of an entry."""
        return self.number(name) << 32 | seq

    def put(self, name: str, seq: int, payload: bytes, seen_ms: int = NOW_MS) -> None:
        """One entry comes, at any place of its feed."""
        self.put_many(name, {seq: payload}, seen_ms)

    def put_many(self, name: str, payloads: dict[int, bytes], seen_ms: int = NOW_MS) -> None:
        """Entries come together."""
        number = self.number(name)
        self._payloads[name].update(payloads)
        self.connection.executemany("DELETE FROM holes WHERE key = ?", [(number << 32 | seq,) for seq in payloads])
        self.connection.executemany(
            "REPLACE INTO entries (key, seen_ms, payload) VALUES (?, ?, ?)",
            [(number << 32 | seq, seen_ms, payload) for seq, payload in payloads.items()],
        )
        held = self._payloads[name]
        start = genesis(feed_id(name))
        last = max(held)
        if name not in self._planned:
            ids = walk(start, [held.get(seq, DEVICE) for seq in range(1, last + 1)]) if last < 10_000 else [start.id]
            self._set_run(number, start.id, last, ids[-1])
        rows = self.rows(name, list(payloads))
        rows = [row for row in rows if row.key & 0xFFFFFFFF <= shown_end(feed_by_number(self.connection, number))]
        for view in self.views:
            view.add(self.connection, rows)

    def plan(self, name: str, payloads: Sequence[bytes]) -> None:
        """What a feed has from seq 1 on is known and missing, so that its ids stand; `put` brings one."""
        number = self.number(name)
        start = genesis(feed_id(name))
        ids = walk(start, payloads)
        for seq, payload in enumerate(payloads, 1):
            self.connection.execute("INSERT INTO entries VALUES (?, 0, NULL)", (number << 32 | seq,))
            self.connection.execute("INSERT INTO holes VALUES (?, ?, ?, 3)", (number << 32 | seq, *as_hole(payload)))
        if payloads:
            self._set_run(number, start.id, len(payloads), ids[-1])
        self._planned[name] = list(payloads)

    def _set_run(self, number: int, before_id: bytes, last: int, last_id: bytes) -> None:
        self.connection.execute(
            "UPDATE feeds SET before_seq = 0, before_id = ?, last_seq = ?, last_id = ? WHERE number = ?",
            (before_id, last, last_id, number),
        )

    def say(self, name: str, *texts: str, time_ms: int = NOW_MS) -> None:
        """Messages come at the end of a feed, all seen when they are claimed."""
        last = max(self._payloads[name], default=0)
        if last == 0:
            self.put(name, 1, write(0, "delete", {"ref": [account_id("x"), 1, bytes(32)]}))
            last = 1
        for seq, text in enumerate(texts, last + 1):
            self.put(name, seq, said(text, time_ms), time_ms)

    def rows(self, name: str, seqs: Sequence[int]) -> list[Row]:
        """Entries as views take them."""
        state = feed_by_number(self.connection, self.number(name))
        found = []
        for seq in seqs:
            seen_ms, payload = self.connection.execute(
                "SELECT seen_ms, payload FROM entries WHERE key = ?", (state.key(seq),)
            ).fetchone()
            entry = read(payload)
            place_ms = min(entry.time_ms, seen_ms)
            found.append(Row(state.key(seq), state.account_number, state.role, place_ms, seen_ms, entry))
        return found

    def erase(self, name: str, *seqs: int) -> None:
        """Payloads go, as a `delete` makes them; then the views hear of it."""
        rows = self.rows(name, seqs)
        for row in rows:
            seq = row.key & 0xFFFFFFFF
            self.connection.execute(
                "INSERT INTO holes (key, length, hash, why) VALUES (?, ?, ?, 1)",
                (row.key, *as_hole(self._payloads[name][seq])),
            )
            self.connection.execute(
                "INSERT INTO tombstones (feed, seq, deleter, id) VALUES (?, ?, ?, ?)",
                (feed_id(name), seq, row.key, self.link(name, seq).id),
            )
            self.connection.execute("UPDATE entries SET payload = NULL WHERE key = ?", (row.key,))
        for view in self.views:
            view.remove(self.connection, rows)

    def end_at(self, name: str, seq: int) -> None:
        """A fork is proven at seq + 1: what follows is hidden."""
        hidden = self.rows(name, [at for at in self._payloads[name] if at > seq])
        self.connection.execute("UPDATE feeds SET fork_seq = ? WHERE number = ?", (seq + 1, self.number(name)))
        for view in self.views:
            view.remove(self.connection, hidden)

    def set_role(self, account: str, role: Role) -> None:
        """What an account is to this node changes."""
        set_role(self.connection, self.views, account_id(account), role)

    def tables(self) -> dict[str, list[tuple[object, ...]]]:
        """What all views hold; of the index, which words stand where."""
        self.connection.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab (main, search, instance)"
        )
        names = (
            "home",
            "nearby",
            "list_todo",
            "stated",
            "profiles",
            "follows",
            "tallies",
            "pictures",
            "avatars",
            "replies",
            "refs",
            "reactions",
            "superseded",
            "tags",
            "tag_names",
            "own_messages",
            "notices",
        )
        tables = {name: self.connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in names}
        tables["words"] = self.connection.execute("SELECT term, doc FROM temp.words ORDER BY 1, 2").fetchall()
        return tables

    def ref(self, name: str, seq: int) -> Ref:
        """How others name an entry; those before it must be there already, or stay away."""
        return Ref(feed_id(name), seq, EntryId(self.link(name, seq).id))

    def link(self, name: str, seq: int) -> Link:
        """The place of an entry."""
        held = self._payloads[name]
        payloads = self._planned.get(name, [held.get(at, DEVICE) for at in range(1, seq + 1)])[:seq]
        return Link(seq, walk(genesis(feed_id(name)), payloads)[-1])
