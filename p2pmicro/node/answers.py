"""What this node has, told to peers: answers, news and wants. Source: protocol/sync.md, "Have" and "Want"."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..feed.chain import Range, genesis
from ..ids import AccountId, EntryId
from ..limits import HAVE_MAX_ITEMS
from ..store import excerpts
from ..store.changes import last_change
from ..store.db import read_transaction
from ..store.feeds import FeedState, feeds_of
from ..store.peers import Scope
from ..store.quota import cost_of, stored_bytes
from ..store.serve import changed_feeds, first_payload, read_range
from ..sync.message import EXCERPTS, ID_PREFIX_BYTES, ExcerptGiven, Gone, Have, HaveItem, RangeGiven, Want
from .switchboard import Switchboard
from .talk import Answer, Job, Talk, Told, element, place_of

_HAVE_BYTES = 256 << 10  # of items in one message, about: a fork proof may take 5 kB, a device proof 9
_SCAN_FEEDS = 4096  # feeds looked at in one job of an answer
_SCAN_DELETES = 4096  # and deletes

_ToldDelete = tuple[EntryId | None, excerpts.Told]
"""What a delete names, if the peer is known to have that; and how it is told."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A part of an answer."""

    items: Sequence[HaveItem]
    states: Sequence[FeedState]  # of the items
    scanned: int  # changes up to here have been looked at
    top: int | None = None  # the last change there is, if the answer ends with this part
    deletes: Sequence[_ToldDelete] = ()
    place: excerpts.DeletePlace | None = None  # of the last delete that was looked at
    held: int = 0  # bytes of all that could be given


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

        def run(connection: sqlite3.Connection) -> _Found:
            items: list[HaveItem] = []
            states: list[FeedState] = []
            scanned, size = answer.scanned, 0
            with read_transaction(connection):
                top = last_change(connection)
                for looked_at, state in enumerate(_due(connection, answer, salt)):
                    if looked_at == _SCAN_FEEDS or len(items) == HAVE_MAX_ITEMS or size > _HAVE_BYTES:
                        return _Found(items, states, scanned)
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
                if EXCERPTS not in talk.capabilities:
                    return _Found(items, states, top, top)
                deletes, place, is_last = _deletes(connection, talk, answer)
                held = stored_bytes(connection)
                return _Found(items, states, top, top if is_last else None, deletes, place, held)

        def send(found: _Found) -> None:
            talk.answering = False
            answer.scanned, answer.deletes = found.scanned, found.place or answer.deletes
            for item, state in zip(found.items, found.states, strict=True):
                talk.tell(state.feed, _told(item, state))
            for named, told in found.deletes:
                if named is not None:
                    talk.knows_deleted(named)
                talk.given_bytes += told.size_bytes
                self._board.send(talk, ExcerptGiven(None, told.excerpt, told.devices))
            if found.deletes and self._board.is_too_much(talk, found.held):
                return
            if found.top is not None:
                talk.answers.popleft()
                talk.upto, talk.is_answered = found.top, True
                self._board.send(talk, Have(found.items, found.top, answer.version))
            elif found.items:
                self._board.send(talk, Have(found.items))

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


def _due(connection: sqlite3.Connection, answer: Answer, salt: bytes) -> Iterator[FeedState]:
    """The feeds that an answer may have to tell of, in the order of their changes.

    Of what was added, by the accounts: most that is added are single entries, which no account answers to, and to look
    at each feed for them would take seconds.
    """
    since = answer.scanned
    if answer.added is not None and since < answer.since:
        accounts = connection.execute("SELECT account FROM accounts WHERE number IN (SELECT account FROM feeds)")
        added = [AccountId(account) for (account,) in accounts if element(salt, account) in answer.added]
        states = [state for account in added for state in feeds_of(connection, account)]
        yield from sorted(
            (state for state in states if since < state.change <= answer.since), key=lambda state: state.change
        )
        since = answer.since
    yield from changed_feeds(connection, since)


def _deletes(
    connection: sqlite3.Connection, talk: Talk, answer: Answer
) -> tuple[list[_ToldDelete], excerpts.DeletePlace | None, bool]:
    """Deletes that a peer does not hear of with a feed: some, the place of the last, and whether these were all.

    Of those that name what it holds alone, that are of accounts whose deletes it wants, or that are held alone here,
    these are due: what was noted since the last answer, and all that the peer's interest has had added.
    """
    found: list[_ToldDelete] = []
    size, of_accounts = 0, dict[AccountId, list[bytes]]()
    place = answer.deletes
    begin = 0 if answer.added is None or answer.added else answer.since + 1
    for count, noted in enumerate(excerpts.deletes_after(connection, place or (begin, b"", 0, 0))):
        if size > _HAVE_BYTES or count == _SCAN_DELETES:
            return found, place, False
        place = noted.place
        if noted.account not in of_accounts:
            of_accounts[noted.account] = [element(talk.salt, noted.account, it) for it in (Scope.DELETES, Scope.FEEDS)]
        deletes, feeds = of_accounts[noted.account]
        entry = element(talk.salt, noted.named, Scope.ENTRY)
        names = {entry, deletes, *([feeds] if noted.alone else [])} & talk.interest
        due = names and (noted.change > answer.since or answer.added is None or names & answer.added)
        if due and noted.named not in talk.deletes_known:
            told = excerpts.tell_delete(connection, noted.key, noted.feed)
            if told is not None:
                # Who does not hold what it names may drop it, and come to hold that later.
                found.append((noted.named if entry in names else None, told))
                size += told.size_bytes
    return found, place, True


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
