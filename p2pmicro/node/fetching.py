"""Fetching feeds: what this node lacks of them, asked of peers and taken. Source: protocol/sync.md, "Fetching"."""

import sqlite3
from collections.abc import Iterable

from ..ids import FeedId
from ..store import peers
from ..store.feeds import Role, feed_state
from ..store.ingest import Outcome
from ..sync.gossip import Gossip, Held
from ..sync.message import RangeGiven, Wants
from .branches import Branches
from .inbound import Inbound, RangeStored, Settled
from .intake import held_of, is_full
from .switchboard import Switchboard
from .talk import Job, Talk, Told


class Fetching:
    """Sends what the plan wants to be asked, and tells it what came."""

    def __init__(self, board: Switchboard, gossip: Gossip, branches: Branches) -> None:
        self._board = board
        self._gossip = gossip
        self._branches = branches
        self._full: dict[FeedId, Role] = {}  # feeds over the quota of a role: what peers offer of them waits

    def load_offers(self, talk: Talk) -> None:
        """Go on with what the peer offered at former meetings and is not yet here."""
        peer = talk.feed
        assert peer is not None

        def run(connection: sqlite3.Connection) -> list[tuple[FeedId, int, int, Held]]:
            found = []
            for offer in peers.offers_of(connection, peer):
                state = feed_state(connection, offer.feed)
                held = held_of(state, state is not None and is_full(state, self._full))
                found.append((offer.feed, offer.first_seq, offer.last_seq, held))
            return found

        def offered(offers: list[tuple[FeedId, int, int, Held]]) -> None:
            for feed, first, last, held in offers:
                self._gossip.offered(peer, feed, first, last, held)
            self._ask(talk)

        self._board.do(talk, Job(run, offered))

    def _ask(self, talk: Talk) -> None:
        assert talk.feed is not None
        if not talk.is_open:
            return
        wants = self._gossip.wants(talk.feed)
        if wants:
            self._board.send(talk, Wants(wants))

    def ask_all(self) -> None:
        """Ask each peer for what is due of it, and note what needs no asking any more."""
        for talk in self._board.talks.values():
            self._ask(talk)
        for feed in self._gossip.take_done():
            self._board.put(Inbound(None, Settled(feed)))
        for feed, peer, offered in self._gossip.take_failed():
            self._board.put(Inbound(None, Settled(feed, peer, offered)))

    def on_range(self, talk: Talk, message: RangeGiven) -> None:
        """Take entries that were asked for, or pushed."""
        assert talk.feed is not None
        if self._branches.take_side(talk, message):
            return
        if message.number is None:
            first, last = message.range.before.seq + 1, message.range.last_seq
            known = talk.told.get(message.range.feed) or Told(first, last, None, None)
            talk.tell(message.range.feed, known.grown(first, last))
            self._board.put(Inbound(talk, message))
        elif self._gossip.answered(talk.feed, message.number, message.range) is not None:
            self._board.put(Inbound(talk, message))
            self._ask(talk)
        else:
            self.ask_all()

    def on_gone(self, talk: Talk, number: int) -> None:
        """A peer does not have what was asked of it."""
        assert talk.feed is not None
        self._branches.gone(talk, number)
        self._gossip.answered(talk.feed, number, None)
        self.ask_all()

    def stored(self, result: RangeStored) -> None:
        """Take what became of a range: what lies behind it is asked for, or of somebody else."""
        talk, given = result.talk, result.given
        assert talk.feed is not None
        self._gossip.stored(talk.feed, result.number, given.feed, result.held)
        if result.outcome is Outcome.OVER_QUOTA and result.before is not None:
            self._full[given.feed] = result.before.role
        if result.number is None and result.state is not None and self._board.talks.get(talk.feed) is talk:
            self._gossip.offered(talk.feed, given.feed, 1, given.last_seq, result.held)

    def freed(self, connection: sqlite3.Connection) -> list[FeedId]:
        """The feeds that were over a quota and are under another one now; on the thread of a read connection."""
        full = [feed_state(connection, feed) for feed in list(self._full)]
        return [state.feed for state in full if state is not None and not is_full(state, self._full)]

    def reopen(self, feeds: Iterable[FeedId]) -> None:
        """Ask again for feeds that were over a quota and are under another one now."""
        freed = [feed for feed in feeds if self._full.pop(feed, None) is not None]
        if freed:
            for talk in self._board.talks.values():
                if talk.interest_version is not None:
                    self.load_offers(talk)
