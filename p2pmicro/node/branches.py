"""Where two branches of a feed part, found with the peer that has the other. Source: protocol/sync.md, "Forks"."""

import logging
import sqlite3

from ..errors import EntryError, LimitError
from ..feed.chain import Link, Range, as_hole
from ..feed.fork import Side, make_fork_proof
from ..ids import EntryId, FeedId, short
from ..limits import ASK_IDS_BYTES, ASKS_QUEUED_MAX
from ..store.db import read_transaction
from ..store.quota import stored_bytes
from ..store.serve import entry_ids, fork_side
from ..sync.gossip import Gossip
from ..sync.message import AskIds, Ids, RangeGiven, Want, Wants
from .hunt import HUNTS_MAX, Hunt
from .inbound import Inbound
from .switchboard import Switchboard
from .talk import Job, Talk

log = logging.getLogger(__name__)


class Branches:
    """Hunts for forks, one a feed at a time, and answers the hunts of others."""

    def __init__(self, board: Switchboard, gossip: Gossip) -> None:
        self._board = board
        self._gossip = gossip
        self._hunts: dict[FeedId, Hunt] = {}
        self._suspects: dict[FeedId, dict[FeedId, int]] = {}  # by feed and peer: where to hunt after the present hunt

    def peer_left(self, peer: FeedId) -> None:
        """A session ended, and with it its hunts."""
        for feed, suspects in list(self._suspects.items()):
            suspects.pop(peer, None)
            if not suspects:
                del self._suspects[feed]
        for feed in [feed for feed, hunt in self._hunts.items() if hunt.peer == peer]:
            self._end_hunt(feed)

    def take_side(self, talk: Talk, message: RangeGiven) -> bool:
        """Take a range if a hunt has asked for it."""
        hunt = self._hunt_of(talk, message.number)
        if hunt is None:
            return False
        self._prove(talk, hunt, message.range)
        return True

    def gone(self, talk: Talk, number: int) -> None:
        """A peer does not have what was asked; maybe a hunt did."""
        hunt = self._hunt_of(talk, number)
        if hunt is not None:
            self._end_hunt(hunt.feed)

    def _hunt_of(self, talk: Talk, number: int | None) -> Hunt | None:
        """The hunt that has sent a want, by the want's number."""
        if number is None:
            return None
        return next((hunt for hunt in self._hunts.values() if (hunt.want, hunt.peer) == (number, talk.feed)), None)

    def hunt(self, talk: Talk, feed: FeedId, high: int) -> None:
        """Look where a peer's branch of a feed leaves ours: at `high` they differ, or are thought to."""
        assert talk.feed is not None
        if high < 1:
            return
        hunt = self._hunts.get(feed)
        if hunt is not None or len(self._hunts) >= HUNTS_MAX:
            if hunt is None or hunt.peer != talk.feed:
                self._suspects.setdefault(feed, {})[talk.feed] = high
            return
        self._hunts[feed] = hunt = Hunt(feed, talk.feed, high)
        self._ask_ids(talk, hunt)

    def _end_hunt(self, feed: FeedId) -> None:
        """A hunt is over: the next peer that has another branch has its turn, of this feed or of another."""
        del self._hunts[feed]
        waits = feed if feed in self._suspects else next((it for it in self._suspects if it not in self._hunts), None)
        if waits is not None:
            suspects = self._suspects.pop(waits)
            peer, high = suspects.popitem()
            if suspects:
                self._suspects[waits] = suspects
            self.hunt(self._board.talks[peer], waits, high)

    def _ask_ids(self, talk: Talk, hunt: Hunt) -> None:
        self._board.send(talk, AskIds(hunt.feed, hunt.ask()))

    def on_ask_ids(self, talk: Talk, asked: AskIds) -> None:
        """Answer the hunt of a peer.

        Raises:
            LimitError: it asks more than it waits for.
        """
        if len(talk.jobs) >= ASKS_QUEUED_MAX:
            raise LimitError(f"More than {ASKS_QUEUED_MAX} questions wait for an answer.")

        def run(connection: sqlite3.Connection) -> tuple[Ids, int]:
            with read_transaction(connection):
                found = entry_ids(connection, asked.feed, asked.seqs)
                held = stored_bytes(connection)
            pairs = [(seq, name) for seq, name in zip(asked.seqs, found, strict=True) if name is not None]
            return Ids(asked.feed, pairs), held

        def send(found: tuple[Ids, int]) -> None:
            ids, held = found
            talk.given_bytes += ASK_IDS_BYTES
            if not self._board.is_too_much(talk, held):
                self._board.send(talk, ids)

        self._board.do(talk, Job(run, send))

    def on_ids(self, talk: Talk, theirs: Ids) -> None:
        """Take ids that a hunt has asked for."""
        hunt = self._hunts.get(theirs.feed)
        if hunt is None or hunt.peer != talk.feed:
            return
        seqs = [seq for seq, _ in theirs.ids]

        def run(connection: sqlite3.Connection) -> dict[int, EntryId]:
            with read_transaction(connection):
                found = entry_ids(connection, theirs.feed, seqs)
            return {seq: name for seq, name in zip(seqs, found, strict=True) if name is not None}

        def narrowed(ours: dict[int, EntryId]) -> None:
            if self._hunts.get(hunt.feed) is not hunt:
                return
            went_on = hunt.narrow(theirs.ids, ours)
            if hunt.found is not None:
                hunt.want = self._gossip.next_number()
                self._board.send(talk, Wants([Want(hunt.want, hunt.feed, hunt.found, hunt.found, None)]))
            elif went_on:
                self._ask_ids(talk, hunt)
            else:
                self._end_hunt(hunt.feed)  # no fork, or too little is held to find it: the next have begins anew

        self._board.do(talk, Job(run, narrowed))

    def _prove(self, talk: Talk, hunt: Hunt, theirs: Range) -> None:
        """The peer's side has come: put it beside ours."""
        self._end_hunt(hunt.feed)
        seq = hunt.found
        assert seq is not None
        heads = sorted(at for at in theirs.heads if at >= seq)
        if theirs.feed != hunt.feed or theirs.before.seq != seq - 1 or not heads:
            return
        items = [as_hole(item) if isinstance(item, bytes) else item for item in theirs.items[: heads[0] - seq + 1]]
        side = Side(items, theirs.heads[heads[0]])

        def run(connection: sqlite3.Connection) -> tuple[Link, Side] | None:
            with read_transaction(connection):
                return fork_side(connection, hunt.feed, seq)

        def prove(found: tuple[Link, Side] | None) -> None:
            if found is None:
                return
            before, ours = found
            try:
                proof = make_fork_proof(hunt.feed, before, ours, side)
            except EntryError as error:
                log.info("peer %s showed no fork of %s: %s", short(talk.feed or b""), short(hunt.feed), error)
                return
            log.warning("feed %s is forked at %d", short(hunt.feed), proof.seq)
            self._board.put(Inbound(talk, proof))

        self._board.do(talk, Job(run, prove))
