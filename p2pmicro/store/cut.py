"""Forks and revokes: where a feed stops counting, and which branch is kept.

Without a revoke a forked feed ends before the fork. A revoke names the branch that counts and its last entry; who
holds another drops it. What is hidden stays chain-valid, and counts for nothing.
Source: protocol/feed.md, "Forks" and "Revokes".
"""

import sqlite3
from collections.abc import Sequence

from .. import cbor
from ..feed.chain import Link, Run
from ..feed.device import Revoke
from ..feed.fork import ForkProof
from ..feed.wire import fork_proof_value
from ..ids import EntryId
from ..limits import SEQ_MAX
from .alone import alone_between, hide_wanted, let_go, look_again, ref_of, rows_of
from .changes import ChangeNumbers
from .effects import add_tombstones, deletes_in, erase_named, withdraw
from .feeds import FeedState, feed_state, run_columns, shown_limit
from .links import link_at
from .quota import HOLE_BYTES, ROW_BYTES
from .view import View, readable_rows, show, unshow

# SQLite manual, "Date And Time Functions": the Julian day of 1970-01-01T00:00 is 2440587.5.
_NOW_MS = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


def learn_fork(connection: sqlite3.Connection, views: Sequence[View], changes: ChangeNumbers, proof: ForkProof) -> bool:
    """Take in a checked fork proof of a known feed; False unless it is the one with the smallest d so far."""
    state = feed_state(connection, proof.feed)
    if state is None or (state.fork_seq is not None and state.fork_seq <= proof.seq):
        return False
    connection.execute(
        f"UPDATE feeds SET fork = ?, fork_seq = ?, change = ?, fork_ms = coalesce(fork_ms, {_NOW_MS}) WHERE number = ?",
        (cbor.encode(fork_proof_value(proof)), proof.seq, changes.take(connection), state.number),
    )
    _settle(connection, views, changes, state)
    return True


def learn_revoke(connection: sqlite3.Connection, views: Sequence[View], changes: ChangeNumbers, revoke: Revoke) -> bool:
    """Take in a revoke of a known feed, checked for its account; False unless it has the smallest (seq, id) so far."""
    state = feed_state(connection, revoke.feed)
    if state is None:
        return False
    if state.revoke is not None and (state.revoke.seq, state.revoke.id) <= (revoke.seq, revoke.id):
        return False
    connection.execute(
        "UPDATE feeds SET revoke_seq = ?, revoke_id = ?, revoke_signature = ?, change = ? WHERE number = ?",
        (revoke.seq, revoke.id, revoke.signature, changes.take(connection), state.number),
    )
    _settle(connection, views, changes, state)
    return True


def _settle(connection: sqlite3.Connection, views: Sequence[View], changes: ChangeNumbers, before: FeedState) -> None:
    """Bring what is held and shown in line with a fork or revoke just learnt; `before` is the state without it."""
    after = feed_state(connection, before.feed)
    assert after is not None
    old_limit, new_limit = shown_limit(before), shown_limit(after)
    kept: list[Run] = []
    for run in before.runs:
        keep = _kept_end(connection, after, run)
        first_hidden = max(run.before.seq, min(keep, new_limit)) + 1
        hide(connection, views, before, first_hidden, min(run.end.seq, old_limit))
        if keep < run.end.seq:
            drop(connection, before, max(keep, run.before.seq) + 1, run.end.seq)
        if keep > run.before.seq:
            kept.append(Run(run.before, run.end if keep >= run.end.seq else head_at(connection, after, keep)))
    if tuple(kept) != before.runs:
        set_runs(connection, before, kept)
    _settle_alone(connection, views, after)
    for run in kept:
        _show(connection, views, changes, after, max(run.before.seq, old_limit) + 1, min(run.end.seq, new_limit))


def _settle_alone(connection: sqlite3.Connection, views: Sequence[View], state: FeedState) -> None:
    """Take away what is held alone of what a fork or revoke hides, or can't be told to be of the branch that counts."""
    first = shown_limit(state) + 1
    if state.fork_seq is not None:
        first = min(first, state.fork_seq)
    drop_alone(connection, views, state, first, SEQ_MAX)
    hide_wanted(connection, state.feed, shown_limit(state))


def drop_alone(connection: sqlite3.Connection, views: Sequence[View], state: FeedState, first: int, last: int) -> None:
    """Forget what is held alone of a feed, and take back what deletes among it did."""
    ones = alone_between(connection, state.key(first), state.key(last))
    deletes = deletes_in(rows_of(connection, ones))
    let_go(connection, views, ones)
    withdraw(connection, deletes)
    look_again(connection, [ref_of(state.feed, one) for one in ones])


def _kept_end(connection: sqlite3.Connection, state: FeedState, run: Run) -> int:
    """The last seq of a run that is kept; 0 if none is.

    A run that is hidden as a whole goes: in its place the part that counts may come.
    """
    if run.before.seq >= shown_limit(state):
        return 0
    revoke, fork_seq = state.revoke, state.fork_seq
    if revoke is None:
        return run.end.seq
    if run.end.seq >= revoke.seq:
        if link_at(connection, state.number << 32, run, revoke.seq).id == revoke.id:
            return run.end.seq
    elif fork_seq is None or fork_seq > run.end.seq:
        return run.end.seq
    # Another branch than the named one, or one that can't be told from it: kept up to the last head that both share.
    shared = 0 if fork_seq is None else min(fork_seq, revoke.seq) - 1
    row = connection.execute(
        "SELECT max(key) FROM heads WHERE key BETWEEN ? AND ?", (state.key(run.before.seq + 1), state.key(shared))
    ).fetchone()
    return 0 if row[0] is None else int(row[0]) - state.key(0)


def head_at(connection: sqlite3.Connection, state: FeedState, seq: int) -> Link:
    """The place of a head that is held."""
    (entry_id,) = connection.execute("SELECT id FROM heads WHERE key = ?", (state.key(seq),)).fetchone()
    return Link(seq, EntryId(entry_id))


def hide(connection: sqlite3.Connection, views: Sequence[View], state: FeedState, first: int, last: int) -> None:
    """Take entries that are shown out of the views, and take back what deletes among them did."""
    for rows in readable_rows(connection, state, first, last):
        unshow(connection, views, rows)
        withdraw(connection, deletes_in(rows))


def _show(
    connection: sqlite3.Connection,
    views: Sequence[View],
    changes: ChangeNumbers,
    state: FeedState,
    first: int,
    last: int,
) -> None:
    for rows in readable_rows(connection, state, first, last):
        show(connection, views, rows)
        deletes = deletes_in(rows)
        add_tombstones(connection, changes, deletes)
        erase_named(connection, views, changes, deletes)


def set_runs(connection: sqlite3.Connection, state: FeedState, runs: Sequence[Run]) -> None:
    """Note what is left of a feed: at most two runs, newest first."""
    newest, older = (*runs, None, None)[:2]
    connection.execute(
        "UPDATE feeds SET before_seq = ?, before_id = ?, last_seq = ?, last_id = ?, older_before_seq = ?, "
        "older_before_id = ?, older_last_seq = ?, older_last_id = ? WHERE number = ?",
        (*run_columns(newest), *run_columns(older), state.number),
    )


def drop(connection: sqlite3.Connection, state: FeedState, first: int, last: int) -> None:
    """Forget entries; their texts are due for erasure as well, since their author took them back."""
    keys = (state.key(first), state.key(last))
    count, size = connection.execute(
        "SELECT count(*), total(coalesce(length(payload), ?)) FROM entries WHERE key BETWEEN ? AND ?",
        (HOLE_BYTES, *keys),
    ).fetchone()
    for table in ("entries", "holes", "heads", "waypoints", "sealed", "secrets"):
        connection.execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", keys)
    connection.execute(
        "UPDATE feeds SET bytes = bytes - ? WHERE number = ?", (count * ROW_BYTES + int(size), state.number)
    )
