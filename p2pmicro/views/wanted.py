"""What held entries refer to and that is not here: to be asked for by ref, so that no thread has a silent hole.

Wanted are: what a message answers, and so on upward; what began its thread, what it quotes and what it takes the place
of; and what people whom one follows like or repost. Nothing that a sealed entry refers to is asked for.
Source: protocol/sync.md, "Excerpts".
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..errors import ContentError, EncodingError
from ..feed.content import Content, read, ref_of
from ..ids import EntryId, FeedId, Ref
from ..limits import EXCERPT_STEPS_MAX, WANTED_MAX, WANTED_OF_FEED_MAX
from ..store.alone import alone_at, charge_to, drop_wanted, let_go, look_again
from ..store.effects import deleter_of
from ..store.feeds import FeedState, Role, feed_by_number, feed_state, feeds_of, shown_end, shown_limit
from ..store.view import Row, View, shown_rows
from .held import ids_of, marks, target_of

_ROWS_A_STATEMENT = 4096  # seven variables each, under SQLite's 32,766
_SLICE_ENTRIES = 8192  # of a feed that is followed now, looked through for likes at once
_SETTLED_AT_ONCE = 256
_ASIDE = EXCERPT_STEPS_MAX - 1
"""Steps of what is not answered but quoted, liked and the like: what it answers itself is the last that is wanted."""


class Wish(NamedTuple):
    """One entry that is wanted; the columns of `wanted`."""

    feed: bytes
    seq: int
    id: bytes
    time_ms: int  # the place of what refers to it
    steps: int  # from an entry of a run to it, along answers
    charged: int  # the number of the feed whose quota it will count to
    hidden: int = 0  # 1: a fork or revoke hides it, and it is not asked for

    @property
    def ref(self) -> Ref:
        """What is wanted."""
        return Ref(FeedId(self.feed), self.seq, EntryId(self.id))


class Wanted:
    """Keeps the list of what is to be asked for."""

    # --- As a view; after Threads and Reactions ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Want what new entries refer to, and what is above that."""
        wishes = [
            wish
            for row in rows
            if (refs := _refs(row)) and (row.entry.kind == "post" or _counts(connection, row))
            for wish in _wishes(connection, row, refs)
        ]
        if wishes:
            _want(connection, wishes)
        taken_back = [
            ref_of(row.entry.content["ref"])
            for row in rows
            if row.entry.kind in ("like", "repost") and not row.entry.content["on"]
        ]
        if taken_back:
            look_again(connection, taken_back)

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Look again at what entries referred to, since nobody may need it any more, and at those that others need."""
        refs = [ref for row in rows for ref, _ in _refs(row)]
        refs += _referred_to(connection, [row.key for row in rows if row.entry.kind == "post" and not row.alone])
        if refs:
            look_again(connection, refs)

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget what is wanted; what is held alone stays."""
        connection.execute("DELETE FROM wanted")
        connection.execute("DELETE FROM liked_todo")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Of who is followed from now on, want what they like and repost: the newest at once, the rest by `step`."""
        if old < Role.FOLLOWED <= new:
            (key,) = connection.execute("SELECT account FROM accounts WHERE number = ?", (account,)).fetchone()
            for state in feeds_of(connection, key):
                self._look_through(connection, state, shown_end(state))

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: no text is kept here."""

    def step(self, connection: sqlite3.Connection) -> bool:
        """Look through one more slice of who is newly followed, in the caller's transaction; False if none is left."""
        todo = connection.execute("SELECT feed, seq FROM liked_todo LIMIT 1").fetchone()
        if todo is None:
            return False
        state = feed_state(connection, todo[0])
        if state is None or state.role < Role.FOLLOWED:
            connection.execute("DELETE FROM liked_todo WHERE feed = ?", (todo[0],))
        else:
            self._look_through(connection, state, todo[1])
        return True

    def _look_through(self, connection: sqlite3.Connection, state: FeedState, last: int) -> None:
        first = max(1, last - _SLICE_ENTRIES + 1)
        for rows in shown_rows(connection, state, first, last):
            self.add(connection, [row for row in rows if row.entry.kind in ("like", "repost")])
        if first == 1:
            connection.execute("DELETE FROM liked_todo WHERE feed = ?", (state.feed,))
        else:
            connection.execute("REPLACE INTO liked_todo (feed, seq) VALUES (?, ?)", (state.feed, first - 1))

    # --- What is due ---

    def settle_step(self, connection: sqlite3.Connection, views: Sequence[View]) -> bool:
        """Look again at some refs, in the caller's transaction: is each still needed, and by whom? False if none waits.

        Args:
            views: all of them: what nothing refers to any more leaves them.
        """
        found = connection.execute("SELECT feed, seq, id FROM unsettled LIMIT ?", (_SETTLED_AT_ONCE,)).fetchall()
        for row in found:
            connection.execute("DELETE FROM unsettled WHERE feed = ? AND seq = ? AND id = ?", row)
            _settle(connection, views, Ref(*row))
        return bool(found)

    def missing(self, connection: sqlite3.Connection, refs: Iterable[Ref]) -> list[Ref]:
        """Those of some refs that peers are asked for, in their order."""
        return [
            ref
            for ref in refs
            if connection.execute(
                "SELECT 1 FROM wanted WHERE feed = ? AND seq = ? AND id = ? AND NOT hidden", (ref.feed, ref.seq, ref.id)
            ).fetchone()
        ]


def _referred_to(connection: sqlite3.Connection, keys: Sequence[int]) -> list[Ref]:
    """The refs of those entries that others refer to: if they go without being erased, they are wanted again."""
    held = []
    for start in range(0, len(keys), _ROWS_A_STATEMENT):
        part = keys[start : start + _ROWS_A_STATEMENT]
        held += connection.execute(
            f"SELECT key FROM entries WHERE payload IS NOT NULL AND key IN ({marks(len(part))})", part
        ).fetchall()
    ids = ids_of(connection, [key for (key,) in held])
    targets = list({target_of(entry_id) for entry_id in ids.values()})
    needed: set[bytes] = set()
    for start in range(0, len(targets), _ROWS_A_STATEMENT):
        some = targets[start : start + _ROWS_A_STATEMENT]
        for column in ("parent FROM replies", "root FROM replies", "target FROM refs", "target FROM reactions"):
            name = column.split()[0]
            rows = connection.execute(f"SELECT {column} WHERE {name} IN ({marks(len(some))})", some)
            needed.update(target for (target,) in rows)
    feeds = {number: feed_by_number(connection, number).feed for number in {key >> 32 for key in ids}}
    return [
        Ref(feeds[key >> 32], key & 0xFFFFFFFF, entry_id)
        for key, entry_id in ids.items()
        if target_of(entry_id) in needed
    ]


def _refs(row: Row) -> list[tuple[Ref, bool]]:
    """What an entry refers to, and whether it answers it; of one that is held alone what a reader sees of it."""
    content = row.entry.content
    if row.sealed:  # who asked for what stands in it would tell that they can read it
        return []
    if row.entry.kind == "post":
        if len(content) == 1:  # most messages
            return []
        found = _seen_with(content)
        if not row.alone:
            if "reply" in content and content["reply"]["root"] != content["reply"]["parent"]:
                found.append((ref_of(content["reply"]["root"]), False))
            found += [(ref_of(ref), False) for ref in content.get("replaces", ())]
        return found
    if row.entry.kind in ("like", "repost") and not row.alone and row.role >= Role.FOLLOWED and content["on"]:
        return [(ref_of(content["ref"]), False)]
    return []


def _seen_with(content: Content) -> list[tuple[Ref, bool]]:
    """What is shown with a message, and whether that answers it: what it answers and what it quotes."""
    found = []
    if "reply" in content:
        found.append((ref_of(content["reply"]["parent"]), True))
    if "quote" in content:
        found.append((ref_of(content["quote"]), False))
    return found


def _further(steps: int, answers: bool) -> int:
    """The steps of what an entry refers to."""
    return steps + 1 if answers else max(steps + 1, _ASIDE)


def _counts(connection: sqlite3.Connection, row: Row) -> bool:
    """Whether a like or repost has not been taken back by a statement that came before it."""
    found = connection.execute(
        "SELECT 1 FROM reactions WHERE target = ? AND kind = ? AND account = ? AND key = ?",
        (target_of(row.entry.content["ref"][2]), 1 if row.entry.kind == "like" else 2, row.account, row.key),
    )
    return found.fetchone() is not None


def _wishes(connection: sqlite3.Connection, row: Row, refs: Sequence[tuple[Ref, bool]]) -> Iterator[Wish]:
    steps, charged = 0, row.key >> 32
    if row.alone:
        one = alone_at(connection, row.key)
        assert one is not None, "it is shown to the views after it is stored"
        steps, charged = one.steps, one.charged
    return _wishes_from(refs, row.time_ms, steps, charged)


def _wishes_from(refs: Iterable[tuple[Ref, bool]], time_ms: int, steps: int, charged: int) -> Iterator[Wish]:
    for ref, answers in refs:
        further = _further(steps, answers)
        if further <= EXCERPT_STEPS_MAX:
            yield Wish(ref.feed, ref.seq, ref.id, time_ms, further, charged)


def _want(connection: sqlite3.Connection, wishes: Sequence[Wish]) -> None:
    """Note what is neither held nor deleted; above what is held alone, want what that answers."""
    for start in range(0, len(wishes), _ROWS_A_STATEMENT):
        part = wishes[start : start + _ROWS_A_STATEMENT]
        rows = connection.execute(
            f"""
            SELECT v.*, feeds.number, excerpts.key FROM (VALUES {",".join(["(" + marks(7) + ")"] * len(part))}) AS v
            LEFT JOIN feeds ON feeds.feed = column1
            LEFT JOIN entries ON entries.key = feeds.number << 32 | column2
            LEFT JOIN excerpts ON excerpts.key = feeds.number << 32 | column2
            WHERE entries.key IS NULL
            """,
            [value for wish in part for value in wish],
        ).fetchall()
        new = []
        for *columns, number, alone in rows:
            wish = Wish(*columns)
            if alone is not None:
                _come_nearer(connection, alone, wish)
            elif number is None:
                new.append(wish)
            elif (seen := _if_not_deleted(connection, wish)) is not None:
                new.append(seen)
        if new:
            _note(connection, new)


def _if_not_deleted(connection: sqlite3.Connection, wish: Wish) -> Wish | None:
    """A wish for an entry of a known feed, and whether that is hidden; None if the entry is deleted."""
    state = feed_state(connection, FeedId(wish.feed))
    assert state is not None
    if deleter_of(connection, state, wish.ref) is not None:
        return None
    return wish._replace(hidden=int(wish.seq > shown_limit(state)))


def _note(connection: sqlite3.Connection, wishes: Sequence[Wish]) -> None:
    before = connection.execute("SELECT max(number) FROM wanted").fetchone()[0]
    connection.executemany(
        "INSERT INTO wanted (feed, seq, id, time_ms, steps, charged, hidden) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET steps = min(steps, excluded.steps), time_ms = max(time_ms, excluded.time_ms)",
        wishes,
    )
    if connection.execute("SELECT max(number) FROM wanted").fetchone()[0] == before:
        return
    # Too much is given up, of what is furthest in the past; threads show that it is missing.
    for charged in {wish.charged for wish in wishes}:
        (count,) = connection.execute("SELECT count(*) FROM wanted WHERE charged = ?", (charged,)).fetchone()
        if count > WANTED_OF_FEED_MAX:
            connection.execute(
                "DELETE FROM wanted WHERE number IN"
                " (SELECT number FROM wanted WHERE charged = ? ORDER BY time_ms, number LIMIT ?)",
                (charged, count - WANTED_OF_FEED_MAX),
            )
    (count,) = connection.execute("SELECT count(*) FROM wanted").fetchone()
    if count > WANTED_MAX:
        connection.execute(
            "DELETE FROM wanted WHERE number IN (SELECT number FROM wanted ORDER BY time_ms, number LIMIT ?)",
            (count - WANTED_MAX,),
        )


def _come_nearer(connection: sqlite3.Connection, key: int, wish: Wish) -> None:
    """Something nearer refers to what is held alone: what is shown with that may be wanted now."""
    one = alone_at(connection, key)
    if one is None or one.id != wish.id or one.steps <= wish.steps:
        return
    connection.execute("UPDATE excerpts SET steps = ? WHERE key = ?", (wish.steps, key))
    try:
        entry = read(one.payload)
    except (EncodingError, ContentError):
        return
    if entry.kind == "post":
        _want(connection, list(_wishes_from(_seen_with(entry.content), wish.time_ms, wish.steps, one.charged)))


def _settle(connection: sqlite3.Connection, views: Sequence[View], ref: Ref) -> None:
    wish = _wish_for(connection, ref)
    state = feed_state(connection, ref.feed)
    one = None if state is None else alone_at(connection, state.key(ref.seq))
    if one is None or one.id != ref.id:
        drop_wanted(connection, ref)
        if wish is not None:
            _want(connection, [wish])
    elif wish is None and one.steps > 0:
        let_go(connection, views, [one])
    elif wish is not None and wish.charged != one.charged:
        charge_to(connection, one, wish.charged, min(one.steps, wish.steps))


def _wish_for(connection: sqlite3.Connection, ref: Ref) -> Wish | None:
    """Why an entry is wanted: by what refers to it most nearly; None if nothing held does."""
    target = target_of(ref.id)
    found: list[Wish] = []
    for key, answers in connection.execute(
        """
        SELECT key, 1 FROM replies WHERE parent = ?1
        UNION ALL SELECT key, 0 FROM replies WHERE root = ?1
        UNION ALL SELECT key, 0 FROM refs WHERE target = ?1
        UNION ALL SELECT key, 0 FROM reactions JOIN accounts ON number = reactions.account
            WHERE target = ?1 AND wanted AND role >= ?2
        LIMIT 64
        """,
        (target, int(Role.FOLLOWED)),
    ).fetchall():
        one = alone_at(connection, key)
        steps, charged = (0, key >> 32) if one is None else (one.steps, one.charged)
        further = _further(steps, bool(answers))
        row = connection.execute("SELECT seen_ms FROM held WHERE key = ?", (key,)).fetchone()
        if row is not None and further <= EXCERPT_STEPS_MAX:
            found.append(Wish(ref.feed, ref.seq, ref.id, row[0], further, charged))
    return min(found, key=lambda wish: (wish.steps, wish.charged), default=None)
