"""Storing what sessions brought, once it is verified: the way into the log tables for everything that others signed.

One transaction a batch, on the ingest connection, in the order in which things came: so a cursor never moves past what
is not stored or noted.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from ..feed.chain import CheckedRange
from ..feed.content import Entry
from ..feed.device import Device
from ..feed.fork import ForkProof
from ..feed.picture import Facts
from ..ids import AccountId, FeedId, short
from ..limits import GUEST_FEEDS_MAX, GUEST_STAY_S
from ..store import excerpts, media, peers
from ..store.blocks import is_blocked, note_feed, unblocked_count
from ..store.blocks import is_due as block_is_due
from ..store.changes import ChangeNumbers
from ..store.db import transaction
from ..store.feeds import (
    FeedState,
    Role,
    accounts_with_roles,
    add_feed,
    feed_state,
    has_room,
    role_of,
    set_role,
    shown_limit,
)
from ..store.forget import forget_account
from ..store.ingest import Outcome, ingest, learn_fork, learn_revoke
from ..store.media import MediaFolder
from ..store.peers import Offer, Peer
from ..store.serve import entry_ids
from ..store.view import View
from ..sync.gossip import Held
from ..sync.message import ID_PREFIX_BYTES, ExcerptGiven, Have, Media, RangeGiven
from ..views import PICTURES
from .inbound import (
    ExcerptTaken,
    FeedChanged,
    HaveNoted,
    Inbound,
    InterestChanged,
    Met,
    MoreWanted,
    Note,
    PictureTaken,
    RangeStored,
    Refused,
    Result,
    Settled,
)
from .roles import refresh_interest
from .talk import Talk

log = logging.getLogger(__name__)

_REFRESH_QUICK_S = 0.05
_REFRESH_SHARE = 0.05  # of the inserting thread's time, at most
_FOLLOW_KINDS = frozenset(("follow", "follows"))


class Intake:
    """Stores what was checked, for one home; used on the thread of its ingest connection."""

    def __init__(
        self,
        account: AccountId,
        feed: FeedId,
        views: Sequence[View],
        changes: ChangeNumbers,
        draw: Callable[[int], bytes],
        wall_ms: Callable[[], int],
        folder: MediaFolder | None = None,
    ) -> None:
        self.account = account
        self.feed = feed
        self._views = views
        self._changes = changes
        self._draw = draw
        self._wall_ms = wall_ms
        self._folder = folder
        self._refresh_waits = True  # a process that ended may have left it undone
        self._refresh_after = 0.0
        self._guests_stay_until = 0.0
        self._wanted: int | None = None  # the highest number of what is wanted by ref, as it was last told
        self._full: dict[FeedId, Role] = {}  # over the quota of a role: not asked for again before it is a higher one

    def insert(self, connection: sqlite3.Connection, batch: Sequence[Inbound]) -> list[Result]:
        """Store one batch in one transaction.

        Returns: what became of each, in an order that fits.
        Raises:
            StoreError: nothing of the batch was stored.
        """
        refresh_waits = self._refresh_waits
        try:
            return self._insert(connection, batch)
        except BaseException:
            self._refresh_waits |= refresh_waits
            raise

    def _insert(self, connection: sqlite3.Connection, batch: Sequence[Inbound]) -> list[Result]:
        results: list[Result] = []
        follows = False
        with transaction(connection):
            ranges: list[Inbound] = []
            for inbound in batch:
                if isinstance(inbound.brought, RangeGiven) and inbound.error is None:
                    ranges.append(inbound)
                    continue
                follows |= self._insert_ranges(connection, ranges, results)
                ranges = []
                follows |= self._insert_other(connection, inbound, results)
            follows |= self._insert_ranges(connection, ranges, results)
            if follows or self._refresh_waits or block_is_due(connection):
                self._refresh(connection, results)
            self._look_at_wanted(connection, results)
        return results

    def _look_at_wanted(self, connection: sqlite3.Connection, results: list[Result]) -> None:
        """Say when more is wanted; the first time, what could not be kept may be asked for again."""
        if self._wanted is None:
            excerpts.ask_again_for_refused(connection)
        top = excerpts.last_wanted(connection)
        if top != self._wanted:
            self._wanted = top
            results.append(MoreWanted(top))

    def refresh_is_due(self) -> bool:
        """Whether an interest that could not be computed at once may be now: `Refresh` does it."""
        return self._refresh_waits and monotonic() >= self._refresh_after

    def _refresh(self, connection: sqlite3.Connection, results: list[Result]) -> None:
        """Compute anew whom to ask for; if that takes long, since somebody follows a million, then not often."""
        start = monotonic()
        self._refresh_waits = start < self._refresh_after
        if self._refresh_waits:
            return
        if refresh_interest(connection, self._views, self.account, self.feed, self._draw):
            results.append(InterestChanged())
        took_s = monotonic() - start
        if took_s > _REFRESH_QUICK_S:
            self._refresh_after = start + took_s / _REFRESH_SHARE

    def _insert_other(self, connection: sqlite3.Connection, inbound: Inbound, results: list[Result]) -> bool:
        talk = inbound.talk
        if inbound.error is not None:
            assert talk is not None
            results.append(Refused(talk, inbound.error))
            return False
        match inbound.brought:
            case Have() as have:
                assert talk is not None
                self._insert_have(connection, talk, have, inbound.devices, results)
            case ForkProof() as proof:
                if learn_fork(connection, self._views, self._changes, proof):
                    results.append(self._changed(connection, proof.feed))
            case ExcerptGiven():
                assert talk is not None
                assert inbound.proven is not None
                proven = inbound.proven
                outcome = excerpts.take(connection, self._views, self._changes, proven, self._wall_ms())
                results.append(ExcerptTaken(talk, proven.ref, proven.deletes, outcome))
            case Note(columns=columns):
                assert talk is not None
                _note(connection, talk, columns)
            case Media(name=name, data=None):
                assert talk is not None
                assert talk.feed is not None
                media.not_had(connection, name, talk.feed)
            case Media(name=name, data=bytes(data)):
                assert talk is not None
                results.append(PictureTaken(talk, name, self._keep(connection, name, data, inbound.facts)))
            case Met(device=device):
                return self._meet(connection, device, results)
            case Settled(feed=feed, failed=None):
                # What peers offered that have left meanwhile is still to be had of them.
                # What a quota refuses stays noted: the account may be followed one day.
                held = held_of(feed_state(connection, feed), False)
                noted = connection.execute("SELECT peer, first_seq, last_seq FROM offers WHERE feed = ?", (feed,))
                for peer, first, last in noted.fetchall():
                    if not held.misses(first, last):
                        peers.drop_offer(connection, feed, FeedId(peer))
            case Settled(feed=feed, failed=peer, offered=offered) if peer is not None:
                peers.drop_offer(connection, feed, peer, offered)
            case _:
                pass
        return False

    def _keep(self, connection: sqlite3.Connection, name: bytes, data: bytes, facts: Facts | None) -> bool:
        """Keep a picture, if it is what an entry that is held says of it."""
        if self._folder is None:
            return False
        if not PICTURES.fits(connection, name, data, facts):
            log.info("a picture is not what its message says: %s", name.hex()[:8])
            media.refuse(connection, name)
            return False
        return media.keep(connection, self._folder, name, data)

    def _insert_ranges(self, connection: sqlite3.Connection, ranges: Sequence[Inbound], results: list[Result]) -> bool:
        """Store ranges; whether somebody's follows are among what is new."""
        if not ranges:
            return False
        batch = [inbound.checked for inbound in ranges if inbound.checked is not None]
        before = {checked.range.range.feed: feed_state(connection, checked.range.range.feed) for checked in batch}
        # One's own feed in use is written by appending alone: what a peer has beyond it is a sign of a copied home.
        batch = [checked for checked in batch if checked.range.range.feed != self.feed]
        outcomes = iter(ingest(connection, self._views, self._changes, batch, self._wall_ms()))
        follows = False
        after: dict[FeedId, FeedState | None] = {}
        for inbound in ranges:
            checked, talk = inbound.checked, inbound.talk
            assert checked is not None
            assert talk is not None
            assert isinstance(inbound.brought, RangeGiven)
            given = checked.range.range
            own = given.feed == self.feed
            outcome, count = (_judge_own(connection, checked.range), 0) if own else next(outcomes)
            if outcome is Outcome.OVER_QUOTA:
                full = before[given.feed]
                assert full is not None
                self._refresh_waits |= given.feed not in self._full  # its deletes are wanted by themselves now
                self._full[given.feed] = full.role
            if given.feed not in after:
                after[given.feed] = feed_state(connection, given.feed)
            state = after[given.feed]
            held = self._held(state)
            number = inbound.brought.number
            misses = held_of(state, False).misses(1, given.last_seq)
            if number is None and state is not None and misses and talk.feed is not None:
                offer = Offer(given.feed, state.account, 1, given.last_seq)
                peers.note_offers(connection, talk.feed, [offer])
            if outcome is Outcome.UNKNOWN_FEED:
                _lose(connection, talk)
            conflict = _conflict(connection, state, checked.range) if outcome is Outcome.BRANCH else None
            stored = RangeStored(talk, number, given, outcome, count, held, before[given.feed], state, conflict)
            results.append(stored)
            if count and state is not None and state.role >= Role.FOLLOWED:
                follows |= any(isinstance(entry, Entry) and entry.kind in _FOLLOW_KINDS for entry in checked.entries)
        return follows

    def _insert_have(
        self,
        connection: sqlite3.Connection,
        talk: Talk,
        have: Have,
        devices: Mapping[FeedId, Device],
        results: list[Result],
    ) -> None:
        offers: list[tuple[FeedId, int, int, Held]] = []
        noted: list[Offer] = []
        suspects: list[tuple[FeedId, int]] = []
        roles = accounts_with_roles(connection) if have.items else {}
        for item in have.items:
            if roles.get(item.account, Role.NONE) is Role.NONE:
                if item.feed in devices and is_blocked(connection, item.account):
                    note_feed(connection, item.account, item.feed)
                continue
            state = feed_state(connection, item.feed)
            if state is None:
                device = devices.get(item.feed)
                if device is None:
                    _lose(connection, talk)  # it takes us to know the feed
                    continue
                if not self._has_room(connection, item.account, item.feed):
                    continue
                state = add_feed(connection, self._changes, device)
                results.append(self._changed(connection, item.feed))
            if state.account != item.account:
                continue
            learnt = item.revoke is not None and learn_revoke(connection, self._views, self._changes, item.revoke)
            learnt |= item.fork is not None and learn_fork(connection, self._views, self._changes, item.fork)
            if learnt:
                results.append(self._changed(connection, item.feed))
                state = feed_state(connection, item.feed)
            if not item.runs:
                continue
            first, _, last = item.runs[0]
            held = self._held(state)
            if held.misses(first, last):
                offers.append((item.feed, first, last, held))
            if held_of(state, False).misses(first, last):
                noted.append(Offer(item.feed, item.account, first, last))
            if last <= held.end and not held.closed:
                ours = entry_ids(connection, item.feed, [last])[0]
                if ours is not None and ours[:ID_PREFIX_BYTES] != item.id_prefix:
                    suspects.append((item.feed, min(last, held.limit)))  # past a known fork, ids differ anyway
        assert talk.feed is not None
        if noted:
            peers.note_offers(connection, talk.feed, noted)
        if have.upto is not None and not talk.lost:
            columns: dict[str, Any] = {"cursor": have.upto}
            if have.answered is not None:
                columns["answered"] = have.answered
            _note(connection, talk, columns)
        results.append(HaveNoted(talk, offers, suspects, have.upto))

    def _meet(self, connection: sqlite3.Connection, device: Device, results: list[Result]) -> bool:
        """Take a stranger from the LAN as a guest, in place of another if there are many; whether one was taken."""
        account = device.account
        role = role_of(connection, account)
        if is_blocked(connection, account):
            note_feed(connection, account, device.feed)
            return False
        if role is Role.NONE:
            guests = sorted(accounts_with_roles(connection, Role.GUEST))
            if len(guests) >= GUEST_FEEDS_MAX:
                if monotonic() < self._guests_stay_until:
                    return False
                self._guests_stay_until = monotonic() + GUEST_STAY_S
                leaving = guests[int.from_bytes(self._draw(4)) % len(guests)]
                set_role(connection, self._views, leaving, Role.NONE)
                forget_account(connection, self._views, leaving)
            set_role(connection, self._views, account, Role.GUEST)
        if feed_state(connection, device.feed) is None and self._has_room(connection, account, device.feed):
            add_feed(connection, self._changes, device)
            results.append(self._changed(connection, device.feed))
        return role is Role.NONE

    def _has_room(self, connection: sqlite3.Connection, account: AccountId, feed: FeedId) -> bool:
        """Whether one more feed of an account is taken."""
        if has_room(connection, account):
            return True
        log.info("account %s has too many feeds: %s is left out", short(account), short(feed))
        return False

    def _changed(self, connection: sqlite3.Connection, feed: FeedId) -> FeedChanged:
        return FeedChanged(feed, self._held(feed_state(connection, feed)))

    def _held(self, state: FeedState | None) -> Held:
        return held_of(state, state is not None and is_full(state, self._full))


def is_full(state: FeedState, full: Mapping[FeedId, Role]) -> bool:
    """Whether a feed was found over its quota under a role that it still has, or had a higher one."""
    return state.feed in full and state.role <= full[state.feed]


def _judge_own(connection: sqlite3.Connection, given: CheckedRange) -> Outcome:
    """Whether a proven range of one's own feed is what this home wrote, or another home writes the feed too."""
    ours = entry_ids(connection, given.range.feed, [given.end.seq])[0]
    return Outcome.DUPLICATE if ours == given.end.id else Outcome.BRANCH


def held_of(state: FeedState | None, full: bool) -> Held:
    """What is held of a feed, as the plan of fetching sees it."""
    if state is None or state.role is Role.NONE:
        return Held(closed=True)
    newest, older = state.newest, state.older
    held = Held(closed=full, limit=shown_limit(state))
    if newest is not None:
        held = replace(held, before=newest.before.seq, end=newest.end.seq)
    if older is not None:
        held = replace(held, older_before=older.before.seq, older_end=older.end.seq)
    return held


def _conflict(connection: sqlite3.Connection, state: FeedState | None, given: CheckedRange) -> int | None:
    """The last seq of which both a refused range and the store have the id; it differs if they are two branches."""
    before = given.range.before
    for run in state.runs if state is not None else ():
        at = min(given.end.seq, run.end.seq)
        if at < max(before.seq, run.before.seq + 1):
            continue
        theirs = before.id if at == before.seq else given.ids[at - before.seq - 1]
        if entry_ids(connection, given.range.feed, [at])[0] != theirs:
            return at
    return None


def _lose(connection: sqlite3.Connection, talk: Talk) -> None:
    """A peer told of what can't be taken in: it is asked for everything at the next meeting."""
    talk.lost = True
    _note(connection, talk, {"cursor": 0, "answered": None})


def _note(connection: sqlite3.Connection, talk: Talk, columns: Mapping[str, Any]) -> None:
    assert talk.peer is not None
    row = peers.load_peer(connection, talk.peer.feed) or talk.peer
    if row.epoch != talk.peer.epoch and "epoch" not in columns:
        return  # a later session has met another store of the same peer
    if "cursor" in columns and talk.lifted != unblocked_count(connection):
        columns = {**columns, "cursor": 0, "answered": None}  # it may have told of what was blocked then
    changed: Peer = replace(row, **columns)
    peers.save_peer(connection, changed)
