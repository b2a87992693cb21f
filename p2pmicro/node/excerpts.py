"""Single entries asked of peers by their refs, and given to them. Source: protocol/sync.md, "Excerpts".

What is wanted is on the disk. A peer is asked for each once while a session lasts: it tells by itself when it gets what
it lacked. At a later meeting it is asked again if its changes have moved, and otherwise for what is newly wanted only.
"""

import sqlite3
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..ids import FeedId, Ref
from ..limits import (
    ASK_COST_BYTES,
    ASK_MAX_ITEMS,
    ASKS_MISSED_MAX,
    ASKS_OUTSTANDING_MAX,
    ASKS_PLANNED_MAX,
)
from ..store.db import read_transaction
from ..store.excerpts import Taken, Told, answer, wanted_after
from ..store.quota import stored_bytes
from ..sync.gossip import Gossip
from ..sync.message import EXCERPTS, Ask, Asks, ExcerptGiven, Gone
from .inbound import ExcerptTaken, Inbound, Note
from .switchboard import Switchboard
from .talk import Job, Talk


@dataclass(slots=True)
class _Asking:
    """What a peer is asked for while its session lasts; numbers are those of `wanted`."""

    upto: int  # its changes, as far as it has told them
    plan: deque[tuple[int, Ref]] = field(default_factory=deque)  # to be asked for next
    asked: set[int] = field(default_factory=set)  # each is asked for once
    open: dict[int, tuple[int, Ref]] = field(default_factory=dict)  # not yet answered, by the ask's number
    base: int = 0  # all that is wanted up to this number it was asked for in vain before
    top: int = 0  # and up to this number it is planned
    newest: int = 0  # and up to this number there is more
    looking: bool = False
    again: bool = False  # something was left out, since its feed is being fetched
    planned_at: int = 0  # its changes when the last plan was made

    @property
    def is_done(self) -> bool:
        """Whether it has been asked for all that is wanted."""
        return not (self.plan or self.open or self.looking or self.again)


@dataclass(slots=True, eq=False)
class _Lookup:
    """A question to the store that is not yet answered."""

    ref: Ref
    came: bool = False  # meanwhile: the answer may be older than that


class Excerpts:
    """Asks for what is wanted by ref, of one peer at a time, and gives what is here.

    Args:
        board: the sessions.
        gossip: the plan of fetching: what comes with its feed is not asked for; its numbers are shared.
    """

    def __init__(self, board: Switchboard, gossip: Gossip) -> None:
        self._board = board
        self._gossip = gossip
        self._asking: dict[FeedId, _Asking] = {}
        self._in_flight: set[int] = set()  # numbers of what any peer is asked for
        self._lookups: dict[FeedId, list[_Lookup]] = {}  # by peer
        self._missed: dict[FeedId, OrderedDict[FeedId, set[Ref]]] = {}  # by peer: what it asked for in vain, by feed

    # --- Asking ---

    def heard(self, talk: Talk, upto: int | None) -> None:
        """A peer has told of its changes: at the first time it is asked for what is wanted."""
        assert talk.feed is not None
        assert talk.peer is not None
        if upto is None or EXCERPTS not in talk.capabilities:
            return
        asking = self._asking.get(talk.feed)
        if asking is not None:
            moved, asking.upto = upto != asking.upto, upto
            if moved and asking.base:  # of what it was asked for at a former meeting it tells nothing by itself
                asking.base = 0
                self._plan(talk, asking, 0)
            return
        asking = self._asking[talk.feed] = _Asking(upto)
        if talk.peer.asked_change == upto:
            asking.base = asking.top = talk.peer.asked
        self._plan(talk, asking, asking.base)

    def wanted(self, top: int) -> None:
        """What is wanted has numbers up to `top`."""
        for talk, asking in self._all():
            asking.newest = top
            if top > asking.top and not asking.looking:
                self._plan(talk, asking, asking.top)

    def ask_anew(self) -> None:
        """A block was lifted: what came meanwhile was dropped."""
        for talk, asking in self._all():
            asking.asked = {number for number, _ in asking.open.values()}
            asking.base = 0
            self._plan(talk, asking, 0)

    def tick(self) -> None:
        """Look again at what was left out; called each second."""
        for talk, asking in self._all():
            if asking.again and not asking.looking:
                asking.again = False
                self._plan(talk, asking, asking.base)

    def peer_left(self, talk: Talk) -> None:
        """A session ended: what the peer was asked for is asked of others; how far it has been asked is noted."""
        assert talk.feed is not None
        self._missed.pop(talk.feed, None)
        self._lookups.pop(talk.feed, None)
        asking = self._asking.pop(talk.feed, None)
        if asking is None:
            return
        if asking.is_done:
            # What it gets later it tells, as far as it remembers what it was asked for.
            change = asking.upto if len(asking.asked) <= ASKS_MISSED_MAX else asking.planned_at
            self._board.put(Inbound(talk, Note({"asked": asking.top, "asked_change": change})))
        for number, ref in asking.open.values():
            self._pass_on(number, ref)

    def _all(self) -> list[tuple[Talk, _Asking]]:
        return [(talk, self._asking[feed]) for feed, talk in self._board.talks.items() if feed in self._asking]

    def _plan(self, talk: Talk, asking: _Asking, after: int) -> None:
        """Look up what is wanted, and ask for it."""
        asking.looking = True
        asking.planned_at = asking.upto

        def run(connection: sqlite3.Connection) -> tuple[int, list[tuple[int, Ref]]]:
            with read_transaction(connection):
                return wanted_after(connection, after, ASKS_PLANNED_MAX)

        def found(wanted: tuple[int, list[tuple[int, Ref]]]) -> None:
            asking.looking = False
            asking.top = max(asking.top, wanted[0])
            asking.plan.extend(wanted[1])
            self._ask(talk, asking)
            if asking.newest > asking.top:
                self._plan(talk, asking, asking.top)

        self._board.do(talk, Job(run, found))

    def _ask(self, talk: Talk, asking: _Asking) -> None:
        asks: list[Ask] = []
        while asking.plan and len(asking.open) < ASKS_OUTSTANDING_MAX and len(asks) < ASK_MAX_ITEMS:
            number, ref = asking.plan.popleft()
            if number in asking.asked or number in self._in_flight:
                continue
            if self._gossip.is_fetching(ref.feed):
                asking.again = True
                continue
            ask = Ask(self._gossip.next_number(), ref)
            asking.asked.add(number)
            asking.open[ask.number] = number, ref
            self._in_flight.add(number)
            asks.append(ask)
        if asks:
            self._board.send(talk, Asks(asks))

    def on_excerpt(self, talk: Talk, message: ExcerptGiven) -> None:
        """Take an excerpt; whether it is wanted, the store decides."""
        self._answered(talk, message.number)
        self._board.put(Inbound(talk, message))

    def on_gone(self, talk: Talk, number: int) -> None:
        """A peer does not have what it was asked for, if that was an entry by its ref: others are asked."""
        answered = self._answered(talk, number)
        if answered is not None:
            self._pass_on(*answered)

    def _answered(self, talk: Talk, number: int | None) -> tuple[int, Ref] | None:
        assert talk.feed is not None
        asking = self._asking.get(talk.feed)
        if asking is None or number is None:
            return None
        answered = asking.open.pop(number, None)
        if answered is not None:
            self._in_flight.discard(answered[0])
            self._ask(talk, asking)
        return answered

    def _pass_on(self, number: int, ref: Ref) -> None:
        """Ask others for what one peer did not give."""
        self._in_flight.discard(number)
        for talk, asking in self._all():
            if number not in asking.asked:
                asking.plan.append((number, ref))
                self._ask(talk, asking)

    # --- Giving ---

    def serve_job(self, talk: Talk, number: int | None, ref: Ref) -> Job:
        """Look up an entry that a peer asks for, or has asked for in vain (number None)."""
        assert talk.feed is not None
        peer, lookup = talk.feed, _Lookup(ref)
        self._lookups.setdefault(peer, []).append(lookup)

        def run(connection: sqlite3.Connection) -> tuple[Told | None, int]:
            with read_transaction(connection):
                return answer(connection, ref), stored_bytes(connection)

        def send(found: tuple[Told | None, int]) -> None:
            told, held = found
            lookups = self._lookups.get(peer, [])
            if lookup in lookups:  # else the session has ended meanwhile
                lookups.remove(lookup)
            if told is None and lookup.came:
                self._board.do(talk, self.serve_job(talk, number, ref))
                return
            talk.given_bytes += ASK_COST_BYTES if told is None else told.size_bytes
            if self._board.is_too_much(talk, held):
                return
            if told is None:
                self._remember(talk, ref)
                if number is not None:
                    self._board.send(talk, Gone(number))
            else:
                self._board.send(talk, ExcerptGiven(number, told.excerpt, told.devices))

        return Job(run, send)

    def _remember(self, talk: Talk, ref: Ref) -> None:
        assert talk.feed is not None
        missed = self._missed.setdefault(talk.feed, OrderedDict())
        missed.setdefault(ref.feed, set()).add(ref)
        while sum(map(len, missed.values())) > ASKS_MISSED_MAX:
            missed.popitem(last=False)

    def came(self, feed: FeedId, first: int, last: int) -> None:
        """Entries are here now: whoever has asked for one of them gets it."""
        for lookups in self._lookups.values():
            for lookup in lookups:
                lookup.came |= lookup.ref.feed == feed and first <= lookup.ref.seq <= last
        for peer, missed in self._missed.items():
            talk = self._board.talks.get(peer)
            found = {ref for ref in missed.get(feed, ()) if first <= ref.seq <= last}
            if not found or talk is None:
                continue
            missed[feed] -= found
            if not missed[feed]:
                del missed[feed]
            for ref in sorted(found):
                self._board.do(talk, self.serve_job(talk, None, ref))

    def taken(self, results: Iterable[ExcerptTaken]) -> None:
        """Take what became of excerpts."""
        for result in results:
            if result.outcome is not Taken.STORED:
                continue
            self._board.mark_stale()
            for ref in (result.ref, result.deletes):
                if ref is not None:
                    self.came(ref.feed, ref.seq, ref.seq)
            if result.deletes is not None:
                result.talk.knows_deleted(result.deletes.id)
