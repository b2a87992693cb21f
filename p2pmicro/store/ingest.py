"""Take in checked ranges: many of many feeds in one transaction, one statement a table."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from ..errors import EntryError
from ..feed.chain import CheckedRange, Item, Link, Run, as_hole, genesis, is_kept_head, next_link
from ..feed.content import Entry
from ..feed.device import Revoke, check_revoke, revoke_of
from ..ids import AccountId, EntryId, FeedId
from ..limits import INGEST_BATCH_ENTRIES
from .alone import Alone, alone_between, give_back, remove, rows_of
from .blocks import is_blocked_feed
from .changes import ChangeNumbers
from .cut import learn_fork, learn_revoke
from .effects import (
    DELETED,
    MISSING,
    PRUNED,
    Delete,
    add_tombstones,
    covering,
    deletes_in,
    erase_named,
    is_never_erased,
    withdraw,
)
from .erase import wipe
from .feeds import FeedState, Role, feed_state, run_columns, shown_limit
from .links import WAYPOINT_ENTRIES, link_at
from .quota import HOLE_BYTES, Quotas, cost_of
from .view import Row, View, show

__all__ = ["Checked", "Ingest", "Outcome", "ingest", "learn_fork", "learn_revoke"]

_new_row = tuple.__new__  # what `Row(...)` calls, in half of its time


@dataclass(frozen=True, slots=True)
class Checked:
    """A range that was verified, and its payloads read."""

    range: CheckedRange
    entries: Sequence[Entry | EntryError | None]  # one an item; None for a hole


class Outcome(Enum):
    """What happened to a range; nothing of it is stored but with STORED."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # all of it is held
    DISCONNECTED = "disconnected"  # it would be a third run, or an end without a head
    OVER_QUOTA = "over quota"
    BRANCH = "branch"  # it does not agree with what is held, or with the revoke
    UNKNOWN_FEED = "unknown feed"  # its device proof has to come first
    UNWANTED = "unwanted"  # its account has no role, or all of it is hidden
    OWN = "own"  # it goes beyond the feed in use here: another install writes to it


@dataclass(slots=True)
class _Held:
    """A feed while a batch is taken in; `state` is as it was before."""

    state: FeedState
    newest: Run | None
    older: Run | None
    bytes: int
    limit: int  # the last seq that is shown
    changed: bool = False
    pending: bool = False  # whether rows of it wait to be written

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(run for run in (self.newest, self.older) if run is not None)


@dataclass(slots=True)
class _Piece:
    """New entries that wait to be written: consecutive ones of a feed."""

    held: _Held
    first: int
    items: list[Item]
    entries: list[Entry | EntryError | None]
    ids: Sequence[EntryId]


class _Refill(NamedTuple):
    """A payload that was missing."""

    seq: int
    payload: bytes
    entry: Entry | None  # None: not readable
    id: EntryId


def ingest(
    connection: sqlite3.Connection,
    views: Sequence[View],
    changes: ChangeNumbers,
    batch: Sequence[Checked],
    now_ms: int,
) -> list[tuple[Outcome, int]]:
    """Store ranges, in the caller's transaction; they may be of many feeds, and follow one another.

    Returns: for each, what happened and how many payloads and holes are new.
    """
    work = Ingest(connection, views, changes, now_ms)
    outcomes = [work.place(checked) for checked in batch]
    work.finish()
    return outcomes


class Ingest:
    """One batch on its way into the store."""

    def __init__(
        self, connection: sqlite3.Connection, views: Sequence[View], changes: ChangeNumbers, now_ms: int
    ) -> None:
        self._connection = connection
        self._views = views
        self._changes = changes
        self._now_ms = now_ms
        self._feeds: dict[FeedId, _Held | None] = {}
        self._pieces: list[_Piece] = []
        self._rows_pending = 0
        self._heads: dict[int, tuple[bytes, bytes]] = {}
        self._dropped_heads: set[int] = set()
        self._deletes: list[Delete] = []
        self._revokes: list[tuple[AccountId, Revoke]] = []
        self._quotas = Quotas(connection)
        self._covered: list[Alone] = []  # what was held alone, and now is held in a run

    # --- Where a range belongs ---

    def place(self, checked: Checked, own: bool = False) -> tuple[Outcome, int]:
        """Take one range in; rows may wait until `finish`. `own`: it was made here, under the mark's lock."""
        given, ids = checked.range.range, checked.range.ids
        held = self._held(given.feed)
        if held is None:
            return (Outcome.UNWANTED if is_blocked_feed(self._connection, given.feed) else Outcome.UNKNOWN_FEED), 0
        before, end = given.before, checked.range.end
        if held.state.role == Role.NONE and not own:
            return Outcome.UNWANTED, 0
        if before.seq >= held.limit:
            return Outcome.UNWANTED, 0
        if not self._fits_proof_and_revoke(held, checked.range):
            return Outcome.BRANCH, 0
        met = []
        for run in held.runs:
            meeting = self._meets(held, run, checked.range)
            if meeting is False:
                return Outcome.BRANCH, 0
            if meeting:
                met.append(run)
        merged = Run(
            min((before, *(run.before for run in met)), key=_seq), max((end, *(run.end for run in met)), key=_seq)
        )
        if (outcome := self._refused(held, checked.range, met, merged, own)) is not None:
            return outcome, 0
        fresh = _outside(given.before.seq + 1, end.seq, met)
        refills = self._refills(held, checked, met)
        if not fresh and not refills:
            return Outcome.DUPLICATE, 0
        pieces = [
            _Piece(
                held,
                first,
                list(given.items[first - before.seq - 1 : last - before.seq]),
                list(checked.entries[first - before.seq - 1 : last - before.seq]),
                ids[first - before.seq - 1 : last - before.seq],
            )
            for first, last in fresh
        ]
        cost = sum(cost_of(piece.items) for piece in pieces)
        cost += sum(len(refill.payload) - HOLE_BYTES for refill in refills)
        begins = held.newest is None
        if not own and not self._quotas.charge(held.state.role, held.bytes, cost, begins):
            return Outcome.OVER_QUOTA, 0
        self._set_runs(held, checked.range, met, merged)
        held.bytes += cost
        held.changed = True
        new = len(refills)
        for piece in pieces:
            new += len(piece.items)
            self._pend(piece)
        self._refill(held, refills)
        return Outcome.STORED, new

    def _held(self, feed: FeedId) -> _Held | None:
        try:
            return self._feeds[feed]
        except KeyError:
            state = feed_state(self._connection, feed)
            held = None
            if state is not None:
                held = _Held(state, state.newest, state.older, state.bytes, shown_limit(state))
            self._feeds[feed] = held
            return held

    def _fits_proof_and_revoke(self, held: _Held, given: CheckedRange) -> bool:
        """Whether a range agrees with what is proven of the feed apart from its entries."""
        before, ids = given.range.before, given.ids
        if before.seq <= 1:
            first = next_link(genesis(held.state.feed), held.state.device.payload).id
            if (ids[0] if before.seq == 0 else before.id) != first:
                return False
        revoke = held.state.revoke
        return (
            revoke is None
            or not before.seq < revoke.seq <= given.end.seq
            or ids[revoke.seq - before.seq - 1] == revoke.id
        )

    def _meets(self, held: _Held, run: Run, given: CheckedRange) -> bool | None:
        """Whether a range and a run agree where they meet; None if they are apart."""
        before, end = given.range.before, given.end
        if before.seq > run.end.seq or end.seq < run.before.seq:
            return None
        at = min(end.seq, run.end.seq)  # an id names all before it: the highest common one decides
        theirs = before.id if at == before.seq else given.ids[at - before.seq - 1]
        if at == run.end.seq:
            return theirs == run.end.id
        if at == run.before.seq:
            return theirs == run.before.id
        if held.pending:
            self._flush()
        return theirs == link_at(self._connection, held.state.number << 32, run, at).id

    def _refused(self, held: _Held, given: CheckedRange, met: Sequence[Run], merged: Run, own: bool) -> Outcome | None:
        """Say why a range that agrees with what is held can't be stored; None if it can."""
        state, end = held.state, given.end
        if held.newest is not None and not met and (given.range.before.seq < held.newest.end.seq or held.older):
            return Outcome.DISCONNECTED
        # Where a run ends there must be a head, or its newest entries could not be passed on.
        if merged.end == end and end.seq not in given.range.heads and not any(run.end == end for run in met):
            return Outcome.DISCONNECTED
        # A fork and a revoke are known: what covers the fork must be seen to be on the revoke's branch.
        if (
            state.revoke is not None
            and state.fork_seq is not None
            and state.fork_seq <= end.seq < state.revoke.seq
            and not any(run.end.seq >= state.revoke.seq for run in met)
        ):
            return Outcome.DISCONNECTED
        if not own and state.feed == self._changes.mark.feed and (held.newest is None or end.seq > held.newest.end.seq):
            return Outcome.OWN
        return None

    def _set_runs(self, held: _Held, given: CheckedRange, met: Sequence[Run], merged: Run) -> None:
        if held.newest is None:
            held.newest = merged
        elif held.newest in met:
            held.newest = merged
            if held.older in met:
                held.older = None
        elif met:
            held.older = merged
        else:
            held.newest, held.older = merged, held.newest
        key = held.state.key
        ends = {run.end.seq for run in held.runs}
        for seq, signature in given.range.heads.items():
            if is_kept_head(seq) or seq in ends:
                self._heads[key(seq)] = (given.ids[seq - given.range.before.seq - 1], signature)
                self._dropped_heads.discard(key(seq))
        for run in met:
            seq = run.end.seq
            if seq not in ends and not is_kept_head(seq):
                self._heads.pop(key(seq), None)
                self._dropped_heads.add(key(seq))

    # --- Payloads that were missing ---

    def _refills(self, held: _Held, checked: Checked, met: Sequence[Run]) -> list[_Refill]:
        """The payloads of a range that are missing in what is held, with seq and entry."""
        given = checked.range.range
        found = []
        for run in met:
            first, last = max(given.before.seq, run.before.seq) + 1, min(given.last_seq, run.end.seq)
            if first > last:
                continue
            if held.pending:
                self._flush()
            key = held.state.key
            holes = self._connection.execute(
                "SELECT key FROM holes WHERE key BETWEEN ? AND ? AND why <> ?", (key(first), key(last), PRUNED)
            ).fetchall()
            if not holes:
                continue
            covered = covering(self._connection, given.feed, held.state.account_number, first, last)
            for (hole,) in holes:
                place = hole - key(0) - given.before.seq - 1
                payload, entry = given.items[place], checked.entries[place]
                if not isinstance(payload, bytes):
                    continue
                if checked.range.ids[place] in covered.get(hole - key(0), ()) and not is_never_erased(payload):
                    continue
                read = entry if isinstance(entry, Entry) else None
                found.append(_Refill(hole - key(0), payload, read, checked.range.ids[place]))
        return found

    def _refill(self, held: _Held, refills: Iterable[_Refill]) -> None:
        rows = []
        for seq, payload, entry, entry_id in refills:
            key = held.state.key(seq)
            (seen_ms,) = self._connection.execute(
                "UPDATE entries SET payload = ? WHERE key = ? RETURNING seen_ms", (payload, key)
            ).fetchone()
            self._connection.execute("DELETE FROM holes WHERE key = ?", (key,))
            if entry is not None and seq <= held.limit:
                rows.append(self._row(held, key, seen_ms, entry, entry_id))
        if rows:
            self._note_deletes(rows)
            show(self._connection, self._views, rows)

    # --- Writing ---

    def _pend(self, piece: _Piece) -> None:
        if self._rows_pending and self._rows_pending + len(piece.items) > INGEST_BATCH_ENTRIES:
            self._flush()
        self._pieces.append(piece)
        self._rows_pending += len(piece.items)
        piece.held.pending = True

    def _flush(self) -> None:
        """Write the rows that wait."""
        pieces, self._pieces, self._rows_pending = self._pieces, [], 0
        rows: list[Row] = []
        seen: dict[int, int] = {}  # when it was first stored here, of what was held alone
        for piece in pieces:
            piece.held.pending = False
            seen |= self._take_in(piece)
            rows += self._rows(piece)
        if seen:
            rows = [row if row.key not in seen else _seen_before(row, seen[row.key]) for row in rows]
        # The deletes among them first: a payload that one of them covers is not written at all.
        self._note_deletes(rows)
        covered: set[int] = set()
        entries: list[int | bytes | None] = []
        holes: list[int | bytes] = []
        waypoints: list[int | bytes] = []
        for piece in pieces:
            covered |= self._cover(piece)
            first = piece.held.state.key(piece.first)
            part: list[int | bytes | None] = [None] * (2 * len(piece.items))
            part[0::2] = range(first, first + len(piece.items))
            part[1::2] = [item if type(item) is bytes else None for item in piece.items]
            entries += part
            if None in part:
                for key, item in enumerate(piece.items, first):
                    if type(item) is tuple:
                        holes += (key, *item, DELETED if key in covered else MISSING)
            for place in range(-first % WAYPOINT_ENTRIES, len(piece.items), WAYPOINT_ENTRIES):
                waypoints += (first + place, piece.ids[place])
        # `seen_ms` is one for all: bound once, not once a row.
        _insert(
            self._connection,
            "INSERT INTO entries (key, seen_ms, payload) SELECT column1, ?, column2",
            entries,
            2,
            self._now_ms,
        )
        _insert(self._connection, "INSERT INTO holes (key, length, hash, why) SELECT *", holes, 4)
        _insert(self._connection, "INSERT INTO waypoints (key, id) SELECT *", waypoints, 2)
        if seen:
            self._connection.executemany(
                "UPDATE entries SET seen_ms = ? WHERE key = ?", [(seen_ms, key) for key, seen_ms in seen.items()]
            )
        if covered:
            rows = [row for row in rows if row.key not in covered]
            wipe(self._connection, covered & seen.keys())
        if rows:
            show(self._connection, self._views, rows)

    def finish(self) -> None:
        """Write what waits, and let deletes and revokes act."""
        if self._pieces:
            self._flush()
        heads: list[int | bytes] = []
        for key, (entry_id, signature) in self._heads.items():
            heads += (key, entry_id, signature)
        _insert(self._connection, "REPLACE INTO heads (key, id, signature) SELECT *", heads, 3)
        if self._dropped_heads:
            self._connection.executemany("DELETE FROM heads WHERE key = ?", [(key,) for key in self._dropped_heads])
        changed = [held for held in self._feeds.values() if held and held.changed]
        if changed:
            change = self._changes.take(self._connection, len(changed))
            self._connection.executemany(
                "UPDATE feeds SET bytes = ?, change = ?, before_seq = ?, before_id = ?, last_seq = ?, last_id = ?, "
                "older_before_seq = ?, older_before_id = ?, older_last_seq = ?, older_last_id = ? WHERE number = ?",
                [
                    (held.bytes, number, *run_columns(held.newest), *run_columns(held.older), held.state.number)
                    for number, held in enumerate(changed, change)
                ],
            )
        give_back(self._connection, self._covered)
        erase_named(self._connection, self._views, self._changes, self._deletes)
        for account, revoke in self._revokes:
            self._apply_revoke(account, revoke)

    def _row(self, held: _Held, key: int, seen_ms: int, entry: Entry, entry_id: EntryId) -> Row:
        state = held.state
        place_ms = min(entry.time_ms, seen_ms)
        return Row(key, state.account_number, state.role, place_ms, seen_ms, entry, id=entry_id)

    def _rows(self, piece: _Piece) -> list[Row]:
        """The readable and shown entries of a piece; notes the revokes among all readable ones."""
        state, now_ms = piece.held.state, self._now_ms
        account, role = state.account_number, int(state.role)
        rows = [
            _new_row(
                Row,
                (key, account, role, entry[0] if entry[0] < now_ms else now_ms, now_ms, entry, False, False, entry_id),
            )
            for key, (entry, entry_id) in enumerate(zip(piece.entries, piece.ids, strict=True), state.key(piece.first))
            if type(entry) is Entry
        ]
        for row in rows:
            if row.entry[1] == "revoke":  # holds by its signature alone, even where it is hidden
                self._revokes.append((state.account, revoke_of(row.entry.content)))
        if piece.first + len(piece.items) - 1 > piece.held.limit:
            limit = state.key(piece.held.limit)
            rows = [row for row in rows if row.key <= limit]
        return rows

    def _note_deletes(self, rows: Iterable[Row]) -> None:
        deletes = deletes_in(rows)
        if deletes:
            add_tombstones(self._connection, self._changes, deletes)
            self._deletes += deletes

    def _take_in(self, piece: _Piece) -> dict[int, int]:
        """Let a run have what was held alone, and nobody ask for what is in it: when each was first stored here."""
        state, first, last = piece.held.state, piece.first, piece.first + len(piece.items) - 1
        self._connection.execute("DELETE FROM wanted WHERE feed = ? AND seq BETWEEN ? AND ?", (state.feed, first, last))
        ones = alone_between(self._connection, state.key(first), state.key(last))
        if not ones:
            return {}
        strange = [one for one in ones if one.id != piece.ids[one.key - state.key(first)]]  # of another branch
        rows = rows_of(self._connection, ones)
        remove(self._connection, self._views, ones)
        self._covered += ones
        if strange:
            gone = {one.key for one in strange}
            withdraw(self._connection, deletes_in(row for row in rows if row.key in gone))
            wipe(self._connection, gone)
        entries = {row.key: row.entry for row in rows}
        seen = {}
        for one in ones:
            if one in strange:
                continue
            seen[one.key] = one.seen_ms
            place = one.key - state.key(first)
            if not isinstance(piece.items[place], bytes):  # its giver had no payload
                piece.items[place] = one.payload
                piece.entries[place] = entries.get(one.key)
                piece.held.bytes += len(one.payload) - HOLE_BYTES
        return seen

    def _cover(self, piece: _Piece) -> set[int]:
        """Put holes for the payloads that tombstones cover; the keys of all that are covered."""
        state, first, items = piece.held.state, piece.first, piece.items
        covered = set()
        tombstones = covering(self._connection, state.feed, state.account_number, first, first + len(items) - 1)
        for seq, ids in tombstones.items():
            place = seq - first
            payload = items[place]
            if piece.ids[place] not in ids:
                continue
            if isinstance(payload, bytes):
                if is_never_erased(payload):
                    continue
                items[place] = as_hole(payload)
                piece.held.bytes += HOLE_BYTES - len(payload)
            covered.add(state.key(seq))
        return covered

    def _apply_revoke(self, account: AccountId, revoke: Revoke) -> None:
        """Let a revoke in an entry of `account` act; what is not signed by it, or names another's feed, is void."""
        state = feed_state(self._connection, revoke.feed)
        if state is not None and state.account != account:
            return
        try:
            check_revoke(revoke, account)
        except EntryError:
            return
        if state is not None:
            learn_revoke(self._connection, self._views, self._changes, revoke)
            return
        self._connection.execute(
            "INSERT INTO revokes (feed, account, seq, id, signature) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET seq = excluded.seq, id = excluded.id, signature = excluded.signature "
            "WHERE (excluded.seq, excluded.id) < (seq, id)",
            (revoke.feed, account, revoke.seq, revoke.id, revoke.signature),
        )


def _seen_before(row: Row, seen_ms: int) -> Row:
    return row._replace(seen_ms=seen_ms, time_ms=min(row.entry.time_ms, seen_ms))


def _seq(link: Link) -> int:
    return link.seq


def _outside(first: int, last: int, runs: Iterable[Run]) -> list[tuple[int, int]]:
    """What is left of the seqs `first` to `last` without those that the runs hold."""
    parts = [(first, last)]
    for run in runs:
        rest = []
        for low, high in parts:
            rest.append((low, min(high, run.before.seq)))
            rest.append((max(low, run.end.seq + 1), high))
        parts = [(low, high) for low, high in rest if low <= high]
    return sorted(parts)


def _insert(
    connection: sqlite3.Connection, into: str, values: Sequence[int | bytes | None], width: int, *first: int
) -> None:
    """Insert rows, given as one flat list, by one statement for each 2,048 of them.

    A statement a row would give up and take back the interpreter's lock each time, and other threads would wait.
    """
    step = width * INGEST_BATCH_ENTRIES
    for start in range(0, len(values), step):
        part = values[start : start + step]
        connection.execute(_values(into, width, len(part) // width), (*first, *part))


@lru_cache(maxsize=64)
def _values(into: str, width: int, count: int) -> str:
    row = "(" + ", ".join("?" * width) + ")"
    return f"{into} FROM (VALUES {', '.join([row] * count)})"
