"""Append to the feed in use here: sign, store, commit, raise the mark, and only then say that it is done.

Two programs can share one home: the database's write lock orders them, and the mark shows each what was acknowledged.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from ..errors import FeedBehindError, LocalError
from ..feed.chain import CheckedRange, Link, Range, genesis, is_kept_head, sign_head, walk
from ..feed.content import Entry, read_many
from ..feed.device import Device
from ..ids import EntryId, FeedId, Ref
from ..keys import PrivateKey
from ..limits import SEQ_MAX
from .changes import ChangeNumbers
from .db import transaction
from .feeds import add_feed, feed_state
from .ingest import Checked, Ingest, Outcome
from .links import link_at
from .mark import MarkFile
from .view import View


def append(
    connection: sqlite3.Connection,
    views: Sequence[View],
    changes: ChangeNumbers,
    mark: MarkFile,
    key: PrivateKey,
    payloads: Sequence[bytes],
    now_ms: int,
) -> list[Ref]:
    """Write entries to the feed of `key`; when this returns, they are on the disk and in the mark.

    Args:
        connection: a durable one.
        changes: made with this very `mark`.
        payloads: one or more, as `content.write` makes them.
    Raises:
        FeedBehindError: this install may not write to the feed any more; nothing was written.
        StoreError: as `db.transaction`; nothing was acknowledged.
        EntryError: a payload that can't be read: a bug.
    """
    return append_with(connection, views, changes, mark, key, lambda _: payloads, now_ms)


def append_with(
    connection: sqlite3.Connection,
    views: Sequence[View],
    changes: ChangeNumbers,
    mark: MarkFile,
    key: PrivateKey,
    make: Callable[[sqlite3.Connection], Sequence[bytes]],
    now_ms: int,
) -> list[Ref]:
    """Write what `make` gives, as `append`; it is called inside the transaction, for what depends on what is there."""
    feed = FeedId(key.public)
    assert changes.mark is mark, "one mark, or its lock would wait for itself"
    with ExitStack() as stack:
        with transaction(connection):
            stack.enter_context(mark.lock())  # until the mark is raised, after the commit
            end = _checked_end(connection, mark, feed)
            if end is None or end.seq == 0:
                raise FeedBehindError("This feed has no entry 1 here: its home was copied or restored too early.")
            new = _write(connection, views, changes, key, end, make(connection), now_ms)
            if new:
                mark.prepare(new[-1].seq, new[-1].id)
        if new:
            mark.raise_to(new[-1].seq, new[-1].id)
    return new


def create_feed(
    connection: sqlite3.Connection,
    views: Sequence[View],
    changes: ChangeNumbers,
    mark: MarkFile,
    key: PrivateKey,
    device: Device,
    now_ms: int,
) -> list[Ref]:
    """Write entry 1 of a new feed, as `append`; its account must have a role.

    After a crash it is called again if the feed is not there yet: the mark is made first, at seq 0.

    Raises:
        FeedBehindError: the feed was used before; nothing was written.
        StoreError: as `db.transaction`.
    """
    feed = FeedId(key.public)
    assert changes.mark is mark, "one mark, or its lock would wait for itself"
    mark.create()
    with ExitStack() as stack:
        with transaction(connection):
            stack.enter_context(mark.lock())
            if _checked_end(connection, mark, feed):
                raise FeedBehindError("This feed has an entry 1 already.")
            add_feed(connection, changes, device)
            new = _write(connection, views, changes, key, genesis(feed), [device.proof.payload], now_ms)
            mark.prepare(new[-1].seq, new[-1].id)
        mark.raise_to(new[-1].seq, new[-1].id)
    return new


def check_own(connection: sqlite3.Connection, mark: MarkFile, feed: FeedId) -> Link:
    """Find how far the feed in use may be sent; where the store is ahead of the mark, the mark is raised first.

    Called outside of a transaction: a snapshot from before an append would look like a restored home.

    Raises:
        FeedBehindError: this install may not write to the feed any more; nothing was written.
    """
    assert not connection.in_transaction, "a snapshot may be older than the mark"
    with mark.lock():
        return _checked_end(connection, mark, feed) or genesis(feed)


def _checked_end(connection: sqlite3.Connection, mark: MarkFile, feed: FeedId) -> Link | None:
    """Compare the store with the mark, under its lock; the feed's end, or None if it is not in the store.

    A commit whose mark was not raised (the process or the computer stopped between the two) leaves the store ahead.
    """
    known = mark.read()
    if known is None:
        raise FeedBehindError("This feed has no mark on this computer: its home is a copy or was restored.")
    state = feed_state(connection, feed)
    if state is None:
        if known.seq > 0:
            raise FeedBehindError("The database lacks this feed: it was restored or made anew.")
        return None
    if state.fork_seq is not None or state.revoke is not None:
        raise FeedBehindError("This feed is forked or revoked: it is closed.")
    run = state.newest
    if run is None:
        end = genesis(feed)
    elif run.before.seq > known.seq:
        raise FeedBehindError("The database holds other entries of this feed than this computer wrote.")
    else:
        end = run.end
    if end.seq < known.seq:
        raise FeedBehindError(f"The database ends at entry {end.seq}, and {known.seq} were written: it was restored.")
    held = end if run is None else link_at(connection, state.number << 32, run, known.seq)
    if held.id != known.id:
        raise FeedBehindError(f"Entry {known.seq} in the database is not the one that was written here.")
    if end.seq > known.seq:
        mark.raise_to(end.seq, end.id)
    return end


def _write(
    connection: sqlite3.Connection,
    views: Sequence[View],
    changes: ChangeNumbers,
    key: PrivateKey,
    end: Link,
    payloads: Sequence[bytes],
    now_ms: int,
) -> list[Ref]:
    """Sign and store payloads that follow `end`."""
    if not payloads:
        return []
    feed = FeedId(key.public)
    entries: list[Entry] = []
    for entry in read_many(payloads):
        if not isinstance(entry, Entry):
            raise entry
        entries.append(entry)
    ids = walk(end, payloads)
    last = end.seq + len(payloads)
    if last > SEQ_MAX:
        raise LocalError("This feed is full: make a new one.")
    heads = {
        seq: sign_head(key, Link(seq, entry_id))
        for seq, entry_id in enumerate(ids, end.seq + 1)
        if is_kept_head(seq) or seq == last
    }
    checked = CheckedRange(Range(feed, end, payloads, heads), ids)
    work = Ingest(connection, views, changes, now_ms)
    outcome, _ = work.place(Checked(checked, entries), own=True)
    assert outcome is Outcome.STORED, outcome
    work.finish()
    return [Ref(feed, seq, EntryId(entry_id)) for seq, entry_id in enumerate(ids, end.seq + 1)]
