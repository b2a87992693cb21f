"""Who is asked for what next, over all sessions: newest first, then backward. Source: protocol/sync.md, "Fetching".

A feed is fetched from one peer at a time. Wants end at page ends, where everyone keeps a head, so that each range is
proven by itself, however far the answers run ahead of what is stored.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..feed.chain import Range, page_end
from ..ids import FeedId
from ..limits import (
    FETCH_QUEUED_MAX_BYTES,
    FETCH_STEP_ENTRIES,
    PAGE_ENTRIES,
    SEQ_MAX,
    WANT_MAX_ITEMS,
    WANT_OUTSTANDING_MAX_BYTES,
    WANT_QUEUE_MAX,
)
from .message import Want

_WANTS_MAX = WANT_QUEUE_MAX - WANT_MAX_ITEMS  # of a peer, under way: the rest of its queue is for wants of other use
_TYPICAL_BYTES = 300  # of a payload, until a feed has shown its own


@dataclass(frozen=True, slots=True)
class Held:
    """What this node holds of a feed, by seq alone."""

    before: int = 0  # the newest run follows this seq
    end: int = 0  # and ends here; 0: nothing is held
    older_before: int | None = None
    older_end: int | None = None  # the older run, while there is a gap below the newest
    limit: int = SEQ_MAX  # what comes after it is hidden, by a fork or a revoke, and not fetched
    closed: bool = False  # nothing more is asked for: over its quota, or not wanted

    def misses(self, first: int, last: int) -> bool:
        """Whether a peer's run from first to last has entries that are not held, if need be later."""
        last = min(last, self.limit)
        if self.closed or first > last:
            return False
        if last > self.end:
            return True
        below = min(last, self.before)
        if self.older_before is not None and self.older_end is not None and first > self.older_before:
            first = max(first, self.older_end + 1)
        return first <= below

    def lacks(self, first: int, last: int) -> bool:
        """Whether a peer's run from first to last has what this node could ask for now, and would connect."""
        last = min(last, self.limit)
        if self.closed or first > last:
            return False
        if self.before > 0 and first <= self.before <= last:
            return True  # what lies below the newest run
        if self.older_end is None:
            return last > self.end
        # A third run has no place: either run can grow upward until they meet.
        return (last > self.end and first <= self.end + 1) or first <= self.older_end + 1 <= last < self.before


@dataclass(slots=True)
class _Fetch:
    """One feed's way from what is held to what is offered."""

    feed: FeedId
    held: Held
    offers: dict[FeedId, tuple[int, int]] = field(default_factory=dict)  # peer -> its newest run, first and last
    peer: FeedId | None = None  # who is asked
    flight: set[int] = field(default_factory=set)  # numbers of wants not yet stored
    fresh: tuple[int, int] | None = None  # the newest entries, to be asked for first
    low: int = 0  # entries up to here are held
    high: int = 0  # the next backward want ends here
    step: int = FETCH_STEP_ENTRIES
    entry_bytes: int = _TYPICAL_BYTES
    planned: Held | None = None  # what was held when this was planned
    asked: bool = False  # whether anything of the plan was asked: if nothing comes of it, another peer is
    wary: bool = False  # somebody who was asked gave nothing: who offered first is asked next, and not who offers most


@dataclass(slots=True)
class _Asked:
    feed: FeedId
    want: Want
    bytes: int  # as estimated


@dataclass(slots=True)
class _Peer:
    asked: dict[int, _Asked] = field(default_factory=dict)  # not yet answered
    queued: dict[int, int] = field(default_factory=dict)  # answered and not yet stored: bytes
    todo: OrderedDict[FeedId, None] = field(default_factory=OrderedDict)  # feeds assigned to it, newest wanted first
    deep: OrderedDict[FeedId, None] = field(default_factory=OrderedDict)  # feeds whose past is wanted


class Gossip:
    """Plans what to ask of whom: told of offers, answers and what was stored, it gives wants to send."""

    def __init__(self) -> None:
        self._peers: dict[FeedId, _Peer] = {}
        self._fetches: dict[FeedId, _Fetch] = {}
        self._number = 0
        self._done: list[FeedId] = []
        self._failed: list[tuple[FeedId, FeedId, tuple[int, int]]] = []

    @property
    def fetching(self) -> int:
        """How many feeds are on their way."""
        return len(self._fetches)

    def is_fetching(self, feed: FeedId) -> bool:
        """Whether somebody is being asked for a feed."""
        fetch = self._fetches.get(feed)
        return fetch is not None and fetch.peer is not None

    def next_number(self) -> int:
        """A number for a want or an ask."""
        self._number += 1
        return self._number

    def offered(self, peer: FeedId, feed: FeedId, first: int, last: int, held: Held) -> None:
        """A connected peer has first..last of a feed, and this node holds `held`."""
        self._peers.setdefault(peer, _Peer())
        fetch = self._fetches.get(feed)
        if fetch is None:
            if not held.misses(first, last):
                self._done.append(feed)
                return
            fetch = self._fetches[feed] = _Fetch(feed, held)
        fetch.offers[peer] = (first, last)
        if fetch.peer is None or (fetch.peer == peer and not fetch.asked):
            self._assign(fetch)

    def peer_left(self, peer: FeedId) -> None:
        """A session ended: its feeds are asked of others that offered them."""
        gone = self._peers.pop(peer, None)
        if gone is None:
            return
        for fetch in list(self._fetches.values()):
            fetch.offers.pop(peer, None)
            if fetch.peer == peer:
                fetch.wary |= bool(fetch.flight)
                fetch.flight.clear()
                self._assign(fetch)

    def wants(self, peer: FeedId) -> list[Want]:
        """What to ask of a peer now; empty while enough is under way."""
        state = self._peers.get(peer)
        if state is None:
            return []
        found: list[Want] = []
        outstanding = sum(asked.bytes for asked in state.asked.values())
        queued = sum(state.queued.values())
        for fetch, first, last in self._due(state):
            size = (last - first + 1) * fetch.entry_bytes
            want = Want(self.next_number(), fetch.feed, first, last, None)
            fetch.flight.add(want.number)
            fetch.asked = True
            state.asked[want.number] = _Asked(fetch.feed, want, size)
            found.append(want)
            outstanding += size
            if (
                outstanding >= WANT_OUTSTANDING_MAX_BYTES
                or outstanding + queued >= FETCH_QUEUED_MAX_BYTES
                or len(found) == WANT_MAX_ITEMS
                or len(state.asked) >= _WANTS_MAX
            ):
                break
        return found

    def _due(self, state: _Peer) -> Iterator[tuple[_Fetch, int, int]]:
        """What could be asked: each feed's newest entries first, then the past of one feed after the other."""
        if len(state.asked) >= _WANTS_MAX or sum(it.bytes for it in state.asked.values()) >= WANT_OUTSTANDING_MAX_BYTES:
            return
        if sum(state.queued.values()) >= FETCH_QUEUED_MAX_BYTES:
            return
        while state.todo:
            feed, _ = state.todo.popitem(last=False)
            fetch = self._fetches[feed]
            state.deep[feed] = None
            if fetch.fresh is not None:
                first, last = fetch.fresh
                fetch.fresh = None
                yield fetch, first, last
        for feed in list(state.deep):
            fetch = self._fetches[feed]
            while fetch.high > fetch.low:
                last = fetch.high
                first = max(fetch.low + 1, _page_start(last) - fetch.step + PAGE_ENTRIES)
                fetch.high = first - 1
                yield fetch, first, last
            state.deep.pop(feed, None)  # comes back when what is under way has been stored

    def answered(self, peer: FeedId, number: int, given: Range | None) -> Want | None:
        """An answer came (None: gone).

        Returns: the want, if the range should be checked and stored; None if it is not what was asked for.
        """
        state = self._peers.get(peer)
        asked = state.asked.pop(number, None) if state is not None else None
        if state is None or asked is None:
            return None
        fetch = self._fetches.get(asked.feed)
        if given is None:
            if fetch is not None and number in fetch.flight:
                self._fail(fetch, peer)  # it does not have what it said: others are asked
                self._settle(fetch, number)
            return None
        want = asked.want
        if (
            given.feed != want.feed
            or given.before.seq + 1 < want.first
            or not given.before.seq < want.last <= given.last_seq < want.last + PAGE_ENTRIES
        ):
            if fetch is not None and number in fetch.flight:
                self._fail(fetch, peer)
                self._settle(fetch, number)
            return None
        size = sum(len(item) for item in given.items)
        state.queued[number] = size
        if fetch is not None:
            fetch.entry_bytes = max(40, size // len(given.items))
            if given.before.seq + 1 > want.first:  # cut short by its sender: what lies between is asked for again
                step = max(PAGE_ENTRIES, len(given.items) // PAGE_ENTRIES * PAGE_ENTRIES)
                if step < fetch.step:
                    fetch.step, fetch.asked = step, False  # smaller wants may bring what this one did not
                self._stop(fetch)
        return want

    def stored(self, peer: FeedId, number: int | None, feed: FeedId, held: Held) -> None:
        """What came has been stored or refused; `held` is what is held now. Pushed entries have no number."""
        state = self._peers.get(peer)
        if state is not None and number is not None:
            state.queued.pop(number, None)
        fetch = self._fetches.get(feed)
        if fetch is None:
            return
        came = held != fetch.held
        fetch.wary &= not came
        self.changed(feed, held)
        if number is not None:
            if not came:
                self._stop(fetch)  # what lies behind it would not connect either
            self._settle(fetch, number)

    def changed(self, feed: FeedId, held: Held) -> None:
        """What is held of a feed, or how far it is wanted, is another."""
        fetch = self._fetches.get(feed)
        if fetch is None:
            return
        if held.closed or held.limit != fetch.held.limit:
            self._stop(fetch)
        fetch.held = held
        if not fetch.flight and not _is_planned(fetch):
            self._assign(fetch)

    def take_done(self) -> list[FeedId]:
        """Feeds that no longer lack anything that connected peers offer; each is told once."""
        done, self._done = self._done, []
        return done

    def take_failed(self) -> list[tuple[FeedId, FeedId, tuple[int, int]]]:
        """Feeds, the peers that were asked for them in vain, and what those had offered; each is told once."""
        failed, self._failed = self._failed, []
        return failed

    def _stop(self, fetch: _Fetch) -> None:
        """Ask nothing more of the present plan."""
        fetch.fresh = None
        fetch.high = fetch.low

    def _fail(self, fetch: _Fetch, peer: FeedId) -> None:
        """A peer's offer is worth nothing."""
        offered = fetch.offers.pop(peer, None)
        if offered is not None:
            self._failed.append((fetch.feed, peer, offered))
            fetch.wary = True
        if fetch.peer == peer:
            self._stop(fetch)

    def _settle(self, fetch: _Fetch, number: int) -> None:
        fetch.flight.discard(number)
        if not fetch.flight and not _is_planned(fetch):
            self._assign(fetch)

    def _assign(self, fetch: _Fetch) -> None:
        """Plan the next wants of a feed with nothing under way, with a peer that has what is lacked."""
        before = fetch.peer
        if before is not None and fetch.asked and fetch.planned == fetch.held:
            self._fail(fetch, before)  # it was asked and nothing came of it
        fetch.peer = fetch.planned = fetch.fresh = None
        fetch.low = fetch.high = 0
        fetch.asked = False
        if before in self._peers:
            self._peers[before].todo.pop(fetch.feed, None)
            self._peers[before].deep.pop(fetch.feed, None)
        held = fetch.held
        useful = {peer: run for peer, run in fetch.offers.items() if held.lacks(*run)}
        if not useful:
            fetch.offers = {peer: run for peer, run in fetch.offers.items() if held.misses(*run)}
            if not fetch.offers:  # else they wait until something else has come that they connect to
                del self._fetches[fetch.feed]
                self._done.append(fetch.feed)
            return
        # Who was asked before goes on; otherwise the one that has the newest. But offers cost liars nothing, and there
        # is always another liar: once one has failed, the oldest offer is next, so that each has its turn.
        peer = before
        if before not in useful:
            peer = next(iter(useful)) if fetch.wary else max(useful, key=lambda name: (useful[name][1], name))
        assert peer is not None
        fetch.peer, fetch.planned = peer, held
        self._plan(fetch, *useful[peer])
        self._peers[peer].todo[fetch.feed] = None

    def _plan(self, fetch: _Fetch, first: int, last: int) -> None:
        """Plan wants of a run that a peer has, of which something is lacked."""
        held = fetch.held
        last = min(last, held.limit)
        if held.older_end is None and last > held.end:
            start = max(held.end + 1, first, _page_start(last) - PAGE_ENTRIES)
            fetch.fresh = (start, last)
            fetch.low, fetch.high = max(held.end, first - 1), start - 1
        elif first <= held.before <= last:
            fetch.low, fetch.high = max(held.older_end or 0, first - 1), held.before
        else:
            # Upward, one want at a time: the next one connects when this one is stored.
            fetch.low = held.end if last > held.end else held.older_end or 0
            fetch.high = min(last, page_end(fetch.low + 1) + fetch.step - PAGE_ENTRIES)


def _is_planned(fetch: _Fetch) -> bool:
    """Whether something of the plan is still to be asked."""
    return fetch.fresh is not None or fetch.high > fetch.low


def _page_start(seq: int) -> int:
    return page_end(seq) - PAGE_ENTRIES + 1
