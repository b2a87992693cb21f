"""Excerpts on their way in and out: entries that are wanted by ref, and deletes that name what is held alone.

An excerpt proves itself, so anybody may bring it. It is kept if somebody here wants it, and if it does not contradict
what is known of its feed. Source: protocol/sync.md, "Excerpts".
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ..feed.chain import Excerpt, genesis, next_link, walk
from ..feed.content import Entry, ref_of
from ..feed.device import Device, DeviceProof
from ..ids import AccountId, EntryId, FeedId, Ref
from .alone import Alone, alone_at, drop_wanted, excerpt_of, keep, make_proof
from .blocks import is_blocked, note_feed
from .changes import ChangeNumbers
from .effects import Delete, add_tombstones, deleter_of, erase_named, is_never_erased
from .feeds import FeedState, Role, add_feed, feed_by_number, feed_state, has_room, role_of, shown_limit
from .links import link_at
from .quota import Quotas
from .serve import read_excerpt
from .view import View


@dataclass(frozen=True, slots=True)
class Proven:
    """An excerpt that was checked, with its device proof, and its payload read."""

    excerpt: Excerpt
    id: EntryId
    device: Device  # of its feed
    named: Device | None  # of the feed of what it deletes, where that came with it
    entry: Entry | None  # None if it can't be read: it counts all the same

    @property
    def ref(self) -> Ref:
        """What it is."""
        return Ref(self.excerpt.feed, self.excerpt.before.seq + 1, self.id)

    @property
    def deletes(self) -> Ref | None:
        """What it deletes, if it is a delete."""
        if self.entry is None or self.entry.kind != "delete":
            return None
        return ref_of(self.entry.content["ref"])


class Taken(Enum):
    """What became of an excerpt; nothing of it is stored but with STORED."""

    STORED = "stored"
    HELD = "held"  # it is here already
    DELETED = "deleted"  # a delete names it
    UNWANTED = "unwanted"  # nobody asks for it (any more), or its account is blocked
    BRANCH = "branch"  # it contradicts what is known of its feed, or may do so
    OVER_QUOTA = "over quota"  # of the feed that refers to it


@dataclass(frozen=True, slots=True)
class _Wish:
    """Why an excerpt is wanted."""

    steps: int
    charged: int
    erases: bool = False  # it is a delete of what is here


# --- In ---


def take(
    connection: sqlite3.Connection, views: Sequence[View], changes: ChangeNumbers, given: Proven, now_ms: int
) -> Taken:
    """Take in an excerpt, in the caller's transaction."""
    ref, named = given.ref, given.deletes
    if is_blocked(connection, given.device.account):
        note_feed(connection, given.device.account, ref.feed)
        return Taken.UNWANTED
    wish = _wish(connection, ref) or (_wish_of_delete(connection, changes, given, named) if named is not None else None)
    if wish is None:
        return Taken.UNWANTED
    state = feed_state(connection, ref.feed)
    if state is not None:
        outcome = _judge(connection, state, given)
        if outcome is Taken.BRANCH:
            _refuse(connection, ref)
        elif outcome is not None:
            drop_wanted(connection, ref)
        if outcome is Taken.HELD and named is not None:  # it came when the feed that it names was not known
            _let_act(connection, views, changes, given, state, named)
        if outcome is not None:
            return outcome
    one = Alone(
        0, now_ms, given.id, given.excerpt.payload, make_proof(given.excerpt), 0 if named else wish.steps, wish.charged
    )
    if not _charge(connection, one, wish.erases):
        _refuse(connection, ref)
        return Taken.OVER_QUOTA
    state = add_feed(connection, changes, given.device)
    keep(connection, views, one._replace(key=state.key(ref.seq)))
    drop_wanted(connection, ref)
    if named is None:
        changes.take(connection)  # whoever asked in vain when it was not here may ask again
    else:
        _let_act(connection, views, changes, given, state, named)
    return Taken.STORED


def _let_act(
    connection: sqlite3.Connection,
    views: Sequence[View],
    changes: ChangeNumbers,
    given: Proven,
    state: FeedState,
    named: Ref,
) -> None:
    """Let a delete act."""
    if given.named is not None:
        add_feed(connection, changes, given.named)
    deletes = [Delete(state.key(given.ref.seq), state.account_number, named)]
    add_tombstones(connection, changes, deletes)
    erase_named(connection, views, changes, deletes)


def _wish(connection: sqlite3.Connection, ref: Ref) -> _Wish | None:
    row = connection.execute(
        "SELECT steps, charged FROM wanted WHERE feed = ? AND seq = ? AND id = ? AND NOT hidden",
        (ref.feed, ref.seq, ref.id),
    ).fetchone()
    return None if row is None else _Wish(*row)


def _wish_of_delete(connection: sqlite3.Connection, changes: ChangeNumbers, given: Proven, named: Ref) -> _Wish | None:
    """A delete is wanted as what it names is, where that is here, or may come; by its own account, and by none else."""
    state = feed_state(connection, named.feed)
    device = given.device if named.feed == given.ref.feed else given.named
    if state is not None:
        account = state.account
    elif device is not None and device.feed == named.feed:
        account = device.account
    else:
        return None
    if account != given.device.account or named.seq == 1:
        return None
    wish = _wish(connection, named)
    if wish is not None:
        return wish
    if state is None:
        if role_of(connection, account) is Role.NONE or not has_room(connection, account):
            return None
        assert device is not None
        state = add_feed(connection, changes, device)  # its entries will be asked for
    held, run = alone_at(connection, state.key(named.seq)), state.run_of(named.seq)
    if held is not None and held.id == named.id:
        return _Wish(held.steps, held.charged, erases=True)
    if deleter_of(connection, state, named) is not None:
        return None
    if run is not None and link_at(connection, state.number << 32, run, named.seq).id == named.id:
        return _Wish(0, state.number, erases=True)
    return None if run is not None or state.role is Role.NONE else _Wish(0, state.number)


def _judge(connection: sqlite3.Connection, state: FeedState, given: Proven) -> Taken | None:
    """Compare an excerpt with what is known of its feed; None if nothing speaks against it."""
    seq, excerpt = given.ref.seq, given.excerpt
    if state.account != given.device.account or state.device.payload != given.device.proof.payload:
        return Taken.BRANCH  # forked at its first entry
    ids = walk(excerpt.before, [excerpt.payload, *excerpt.tail])
    links = {excerpt.before.seq: excerpt.before.id} | dict(enumerate(ids, seq))
    if seq > shown_limit(state) or not _fits_marks(state, links):
        return Taken.BRANCH
    for run in state.runs:
        at = min(seq + len(excerpt.tail), run.end.seq)  # an id names all before it: the highest common one decides
        met = at >= max(excerpt.before.seq, run.before.seq)
        if met and link_at(connection, state.number << 32, run, at).id != links[at]:
            return Taken.BRANCH
    if state.run_of(seq) is not None:
        return Taken.HELD
    held = alone_at(connection, state.key(seq))
    if held is not None:
        return Taken.HELD if held.id == given.id else Taken.BRANCH
    if deleter_of(connection, state, given.ref) is not None and not is_never_erased(excerpt.payload):
        return Taken.DELETED
    return None


def _fits_marks(state: FeedState, links: dict[int, EntryId]) -> bool:
    """Whether ids agree with entry 1, the revoke and the fork that are proven of a feed."""
    revoke, fork_seq = state.revoke, state.fork_seq
    if 1 in links and links[1] != next_link(genesis(state.feed), state.device.payload).id:
        return False
    if revoke is None:
        return True
    if revoke.seq in links:
        return links[revoke.seq] == revoke.id
    # Past a fork, an excerpt that does not reach the revoke may be of either branch.
    return fork_seq is None or max(links) < fork_seq


def _charge(connection: sqlite3.Connection, one: Alone, erases: bool) -> bool:
    """Whether the quota of the feed that refers to it has room."""
    if connection.execute("SELECT 1 FROM feeds WHERE number = ?", (one.charged,)).fetchone() is None:
        return False
    payer = feed_by_number(connection, one.charged)
    return Quotas(connection).charge(payer.role, payer.bytes, one.cost, begins=False, erases=erases)


def _refuse(connection: sqlite3.Connection, ref: Ref) -> None:
    """Ask nobody for what can't be kept, until the node begins anew."""
    connection.execute(
        "UPDATE wanted SET refused = 1 WHERE feed = ? AND seq = ? AND id = ?", (ref.feed, ref.seq, ref.id)
    )


def ask_again_for_refused(connection: sqlite3.Connection) -> None:
    """At a node's start: what could not be kept may be by now."""
    connection.execute("UPDATE wanted SET refused = 0 WHERE refused")


def wanted_after(connection: sqlite3.Connection, number: int, limit: int) -> tuple[int, list[tuple[int, Ref]]]:
    """What peers may be asked for: the highest number given so far, and what has a number above `number`.

    Returns: at most `limit` of them, those first that the newest messages refer to.
    """
    found = connection.execute(
        "SELECT number, feed, seq, id FROM wanted WHERE number > ? AND NOT refused AND NOT hidden"
        " AND feed NOT IN (SELECT feed FROM blocked_feeds) ORDER BY time_ms DESC, number DESC LIMIT ?",
        (number, limit),
    ).fetchall()
    return last_wanted(connection), [(at, Ref(FeedId(feed), seq, EntryId(name))) for at, feed, seq, name in found]


def last_wanted(connection: sqlite3.Connection) -> int:
    """The highest number that was given to what is wanted."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'wanted'").fetchone()
    return 0 if row is None else int(row[0])


# --- Out ---


@dataclass(frozen=True, slots=True)
class Told:
    """An excerpt as it is given, with the device proofs that go with it."""

    excerpt: Excerpt
    devices: Sequence[DeviceProof]

    @property
    def size_bytes(self) -> int:
        """About what it takes to give it."""
        return len(self.excerpt.payload) + 38 * len(self.excerpt.tail) + 500 * len(self.devices)


def answer(connection: sqlite3.Connection, ref: Ref) -> Told | None:
    """Find what a peer asks for: the entry, or the delete that names it; None if neither is held and shown."""
    state = feed_state(connection, ref.feed)
    if state is None:
        return None
    found = _excerpt(connection, state, ref)
    deleter = deleter_of(connection, state, ref)
    if deleter is not None and (found is None or not is_never_erased(found.payload)):
        return tell_delete(connection, deleter, ref.feed)
    return None if found is None else Told(found, [state.device])


def tell_delete(connection: sqlite3.Connection, key: int, named: FeedId) -> Told | None:
    """A delete as an excerpt, with the device proof of the feed that it names, where that is another.

    Args:
        key: of the delete.
    """
    state = feed_by_number(connection, key >> 32)
    found = read_excerpt(connection, state.feed, key & 0xFFFFFFFF)
    if found is None:
        one = alone_at(connection, key)
        if one is None:
            return None
        found = excerpt_of(state.feed, one)
    if named == state.feed:
        return Told(found, [state.device])
    other = feed_state(connection, named)
    return Told(found, [state.device] if other is None else [state.device, other.device])


DeletePlace = tuple[int, bytes, int, int]
"""Where a delete stands among all, as they were noted: the change, the feed and seq that it names, its own key."""


class Noted(NamedTuple):
    """A delete as it was noted."""

    change: int  # when
    feed: FeedId  # of what it names
    seq: int  # and its seq
    key: int  # of the delete
    named: EntryId
    account: AccountId  # of its author
    alone: bool  # whether it is held alone: it does not come with its feed

    @property
    def place(self) -> DeletePlace:
        """Where it stands."""
        return self[:4]


def deletes_after(connection: sqlite3.Connection, place: DeletePlace) -> Iterator[Noted]:
    """The deletes that stand after a place; (c, b"", 0, 0) is the place after the change before c."""
    for row in connection.execute(
        "SELECT t.change, t.feed, t.seq, t.deleter, t.id, a.account,"
        " EXISTS (SELECT 1 FROM excerpts WHERE excerpts.key = t.deleter)"
        " FROM tombstones t JOIN feeds f ON f.number = t.deleter >> 32 JOIN accounts a ON a.number = f.account"
        " WHERE t.change >= ?1 AND (t.change, t.feed, t.seq, t.deleter) > (?1, ?2, ?3, ?4)"
        " ORDER BY t.change, t.feed, t.seq, t.deleter",
        place,
    ):
        yield Noted(*row)


def _excerpt(connection: sqlite3.Connection, state: FeedState, ref: Ref) -> Excerpt | None:
    """An entry that is held and shown, if it has this id."""
    if ref.seq > shown_limit(state):
        return None
    run = state.run_of(ref.seq)
    if run is not None:
        if link_at(connection, state.number << 32, run, ref.seq).id != ref.id:
            return None
        return read_excerpt(connection, ref.feed, ref.seq)
    one = alone_at(connection, state.key(ref.seq))
    return None if one is None or one.id != ref.id else excerpt_of(ref.feed, one)
