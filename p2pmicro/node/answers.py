"""What this node has, told to peers: answers, news and wants. Source: protocol/sync.md, "Have" and "Want"."""

import sqlite3

from ..feed.chain import Range, genesis
from ..limits import HAVE_MAX_ITEMS
from ..store.changes import last_change
from ..store.db import read_transaction
from ..store.feeds import FeedState
from ..store.quota import cost_of, stored_bytes
from ..store.serve import changed_feeds, first_payload, read_range
from ..sync.message import ID_PREFIX_BYTES, Gone, Have, HaveItem, RangeGiven, Want
from .switchboard import Switchboard
from .talk import Answer, Job, Talk, Told, element, place_of

_HAVE_BYTES = 256 << 10  # of items in one message, about: a fork proof may take 5 kB, a device proof 9
_SCAN_FEEDS = 4096  # feeds looked at in one job of an answer


class Answers:
    """Tells each peer what it wants to hear of, once."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board

    def tick(self) -> None:
        """Tell every peer what changed; called each second, and when something new can't be pushed."""
        for talk in self._board.talks.values():
            if talk.stale and talk.is_open and not talk.answers:
                talk.stale = False
                talk.answers.append(Answer(talk.upto, talk.upto, frozenset(), None))
                talk.notify()

    def answer_job(self, talk: Talk, answer: Answer) -> Job:
        """Look up the next part of an answer."""
        talk.answering = True
        salt, interest, told = talk.salt, talk.interest, talk.told

        def run(connection: sqlite3.Connection) -> tuple[list[HaveItem], list[FeedState], int, int | None]:
            items: list[HaveItem] = []
            states: list[FeedState] = []
            scanned, size = answer.scanned, 0
            with read_transaction(connection):
                top = last_change(connection)
                for looked_at, state in enumerate(changed_feeds(connection, answer.scanned)):
                    if looked_at == _SCAN_FEEDS or len(items) == HAVE_MAX_ITEMS or size > _HAVE_BYTES:
                        return items, states, scanned, None
                    scanned = state.change
                    name = element(salt, state.account)
                    if name not in interest:
                        continue
                    newly = answer.added is None or name in answer.added
                    known = told.get(state.feed)
                    if (state.change > answer.since or newly) and (newly or known is None or not known.covers(state)):
                        items.append(_have_item(connection, state, known is None or newly))
                        size += _size(items[-1])
                        states.append(state)
                return items, states, scanned, top

        def send(found: tuple[list[HaveItem], list[FeedState], int, int | None]) -> None:
            items, states, scanned, top = found
            talk.answering = False
            for item, state in zip(items, states, strict=True):
                talk.tell(state.feed, _told(item, state))
            if top is None:
                answer.scanned = scanned
                self._board.send(talk, Have(items))
            else:
                talk.answers.popleft()
                talk.upto, talk.is_answered = top, True
                self._board.send(talk, Have(items, top, answer.version))

        return Job(run, send)

    def serve_job(self, talk: Talk, want: Want) -> Job:
        """Answer a want: whoever asks may have any feed whose name it knows."""

        def run(connection: sqlite3.Connection) -> tuple[Range | None, int]:
            with read_transaction(connection):
                held = stored_bytes(connection)
                return read_range(connection, want.feed, want.first, want.last, want.id_prefix), held

        def send(found: tuple[Range | None, int]) -> None:
            given, held = found
            if given is None:
                self._board.send(talk, Gone(want.number))
                return
            talk.given_bytes += cost_of(given.items)
            if not self._board.is_too_much(talk, held):
                self._board.send(talk, RangeGiven(want.number, given))

        return Job(run, send)

    def push(self, state: FeedState, given: Range, change_before: int) -> None:
        """Send new entries at once to each peer that wants their feed and is not known to have them."""
        news = False
        for talk in self._board.talks.values():
            talk.stale = True
            if not talk.is_open or not talk.wants(state.account):
                continue
            known = talk.told.get(state.feed)
            if known is None:
                if change_before > talk.upto or not talk.is_answered:
                    news = True  # it may not know the feed at all: a have brings its device proof
                    continue
            elif known.last >= given.last_seq:
                continue
            self._board.send(talk, RangeGiven(None, given))
            first = given.before.seq + 1
            known = known or Told(first, given.last_seq, None, None)
            talk.tell(state.feed, known.grown(first, given.last_seq))
            talk.notify()
        if news:
            self.tick()


def _have_item(connection: sqlite3.Connection, state: FeedState, with_proof: bool) -> HaveItem:
    runs = []
    for run in state.runs:
        first = run.before.seq + 1
        payload = first_payload(connection, state) if run is state.newest else first
        runs.append((first, payload, run.end.seq))
    end = state.newest.end if state.newest is not None else genesis(state.feed)
    device = state.device if with_proof else None
    prefix = end.id[:ID_PREFIX_BYTES]
    return HaveItem(state.feed, state.account, state.change, runs, prefix, device, state.revoke, state.fork)


def _size(item: HaveItem) -> int:
    """About how many bytes it takes."""
    proof = 0 if item.device is None else len(item.device.payload) + 70
    holes = 0 if item.fork is None else sum(len(side.items) for side in item.fork.sides)
    return 250 + proof + 40 * holes


def _told(item: HaveItem, state: FeedState) -> Told:
    first, _, last = item.runs[0] if item.runs else (1, 0, 0)
    return Told(first, last, state.fork_seq, place_of(state.revoke))
