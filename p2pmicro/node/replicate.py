"""What sessions say to the store, and the store to sessions. No I/O and no trio: the owner runs the work.

Four places of work, so that a fast machine keeps them all busy and a test can run them in any order:

    on_message        a message of a session; quick, on the owner's thread, like `apply` and a job's `then`
    inbound.verify    what came, checked: `take_inbox` gives it; on any thread, without the store
    intake.insert     what was checked, stored in one transaction; on the thread of the ingest connection
    Job.run           what a session wants to know of the store; on the thread of a read connection

Source: protocol/sync.md.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..feed.chain import Range
from ..ids import FeedId, short
from ..limits import PAGE_ENTRIES
from ..store import peers
from ..store.db import read_transaction
from ..store.excerpts import last_wanted
from ..store.feeds import FeedState, feed_state
from ..store.ingest import Outcome
from ..store.media import MediaFolder
from ..store.serve import read_range
from ..sync.gossip import Gossip
from ..sync.message import (
    AskIds,
    Close,
    ExcerptGiven,
    Gone,
    Have,
    HaveItem,
    Hello,
    Ids,
    Interest,
    Media,
    Message,
    RangeGiven,
    Resume,
)
from .answers import Answers
from .blocked import Blocked
from .branches import Branches
from .excerpts import Excerpts
from .fetching import Fetching
from .gallery import Gallery
from .greeting import Greeting
from .inbound import (
    ExcerptTaken,
    FeedChanged,
    HaveNoted,
    Inbound,
    InterestChanged,
    Met,
    MoreWanted,
    PictureTaken,
    RangeStored,
    Refresh,
    Refused,
    Result,
)
from .interests import Interests
from .switchboard import Own, Switchboard
from .talk import Job, Talk, Told, place_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrived:
    """New entries at the top of a feed."""

    feed: FeedId
    first: int
    last: int


class Replicator:
    """All sessions of one node, between the wire and the store.

    Args:
        own: who this node is.
        now: seconds, monotonic.
        notify: called when `take_inbox` has something.
        arrived: called with new entries.
        own_ahead: called when a peer proves more of one's own feed than the store holds: a copied or restored home.
        folder: where pictures are; without, none are fetched or given.
        pictured: called when a picture has come.
    """

    def __init__(
        self,
        own: Own,
        now: Callable[[], float],
        notify: Callable[[], None],
        arrived: Callable[[Arrived], None],
        own_ahead: Callable[[], None],
        folder: MediaFolder | None = None,
        pictured: Callable[[], None] = lambda: None,
    ) -> None:
        self.own = own
        self.gossip = Gossip()
        self._board = Switchboard(own, now, notify)
        self.talks = self._board.talks
        self._interests = Interests(self._board)
        self._answers = Answers(self._board)
        self._branches = Branches(self._board, self.gossip)
        self._fetching = Fetching(self._board, self.gossip, self._branches)
        self._greeting = Greeting(self._board)
        self._excerpts = Excerpts(self._board, self.gossip)
        self.blocked = Blocked(self._board, self.gossip, self._interests, self._excerpts.ask_anew, self.end)
        self.gallery = Gallery(self._board, folder, now, lambda: self.gossip.fetching > 0)
        self._arrived = arrived
        self._pictured = pictured
        self._own_ahead = own_ahead
        self._own_end = 0

    # --- A session begins and ends ---

    def begin(self, talk: Talk) -> None:
        """Start a session; the responder speaks first."""
        if not talk.session.initiator:
            self._greeting.say_hello(talk, self.own.device)

    def end(self, talk: Talk) -> None:
        """Forget a session that is over."""
        if talk.feed is not None and self.talks.get(talk.feed) is talk:
            del self.talks[talk.feed]
            self._interests.save(talk)
            self.gossip.peer_left(talk.feed)
            self._branches.peer_left(talk.feed)
            self._excerpts.peer_left(talk)
            self.gallery.peer_left(talk.feed)
            self._fetching.ask_all()

    def admit(self, talk: Talk) -> None:
        """Let a greeted peer in: the owner has checked for places and duplicates."""
        assert talk.feed is not None
        assert talk.peer is not None
        self.talks[talk.feed] = talk
        peer = talk.peer
        if talk.device is not None:
            self._board.put(Inbound(talk, Met(talk.device)))
        if talk.session.initiator:
            self._greeting.say_hello(talk, None if peer.proven else self.own.device)
        resume = Resume(peer.epoch, peer.cursor, peer.answered, peer.their_version)
        self._board.send(talk, resume)

    def greet(self, talk: Talk, hello: Hello, then: Callable[[], None]) -> None:
        """Look up who a checked hello is from; see `Greeting.greet`."""
        self._greeting.greet(talk, hello, then)

    # --- Messages ---

    def on_message(self, talk: Talk, message: Message) -> None:
        """Take a message of an admitted peer.

        Raises:
            RemoteError: it broke the protocol.
        """
        match message:
            case Resume():
                self._interests.on_resume(talk, message)
            case Interest():
                if self._interests.on_interest(talk, message):
                    self._fetching.load_offers(talk)
            case Have():
                for item in message.items:
                    self._hear(talk, item)
                self._board.put(Inbound(talk, message))
            case RangeGiven():
                self._fetching.on_range(talk, message)
            case Gone(number=number):
                self._fetching.on_gone(talk, number)
                self._excerpts.on_gone(talk, number)
            case ExcerptGiven():
                self._excerpts.on_excerpt(talk, message)
            case AskIds():
                self._branches.on_ask_ids(talk, message)
            case Ids():
                self._branches.on_ids(talk, message)
            case Media():
                self.gallery.on_media(talk, message)
            case Close(code=code, text=text):
                log.info("peer %s closed: %s: %s", short(talk.feed or b""), code[:40], text[:80].replace("\n", " "))
            case _:
                pass  # wants wait in the session until there is room: `next_job`

    def _hear(self, talk: Talk, item: HaveItem) -> None:
        """What a peer says that it has, it need not be told."""
        if item.runs:
            fork_seq = item.fork.seq if item.fork is not None else None
            talk.tell(item.feed, Told(item.runs[0][0], item.runs[0][2], fork_seq, place_of(item.revoke)))

    def next_job(self, talk: Talk) -> Job | None:
        """What to look up next for a session; asked again and again while little is unsent."""
        if talk.jobs:
            return talk.jobs.popleft()
        due = bool(talk.answers) and not talk.answering
        # By turns: wants may never cease, and who asks for one long feed shall still hear of the others.
        want = None if due and talk.served else talk.session.next_want()
        talk.served = want is not None
        if want is not None:
            return self._answers.serve_job(talk, want)
        if due:
            return self._answers.answer_job(talk, talk.answers[0])
        ask = talk.session.next_ask()
        if ask is not None:
            return self._excerpts.serve_job(talk, ask.number, ask.ref)
        # Entries go first: what waits behind a picture waits long.
        name = talk.session.next_media_want()
        return None if name is None else self.gallery.serve_job(talk, name)

    @property
    def is_busy(self) -> bool:
        """Whether feeds are being fetched or something waits to be stored."""
        return not self._board.is_empty or self.gossip.fetching > 0

    def wanted(self, top: int) -> None:
        """What is wanted by ref has numbers up to `top`, whoever has found it lacking."""
        self._excerpts.wanted(top)

    def tick(self, refresh: bool = False) -> None:
        """Tell every peer what changed; called each second.

        Args:
            refresh: whether follows have changed, so that the interest has to be computed again.
        """
        if refresh:
            self._board.put(Inbound(None, Refresh()))
        for talk in self.talks.values():
            self._interests.save(talk)
        self._answers.tick()
        self._excerpts.tick()
        self.gallery.tick()

    # --- Results ---

    def take_inbox(self, entries_max: int) -> list[Inbound]:
        """What waits to be verified and inserted, in order: about so many entries."""
        return self._board.take(entries_max)

    def taken(self, batch: Iterable[Inbound]) -> None:
        """A batch is stored or given up: there is room for more of those who brought it."""
        self._board.taken(batch)

    def apply(self, results: Iterable[Result]) -> None:
        """Take what became of a batch."""
        for result in results:
            match result:
                case RangeStored():
                    self._on_stored(result)
                case ExcerptTaken():
                    self._excerpts.taken([result])
                case MoreWanted(top=top):
                    self._excerpts.wanted(top)
                case HaveNoted(talk=talk, offers=offers, suspects=suspects, upto=upto):
                    assert talk.feed is not None
                    if self.talks.get(talk.feed) is talk:
                        for feed, first, last, held in offers:
                            self.gossip.offered(talk.feed, feed, first, last, held)
                        for feed, seq in suspects:
                            self._branches.hunt(talk, feed, seq)
                        self.gallery.ready(talk)
                        self._excerpts.heard(talk, upto)
                case Refused(talk=talk, error=error):
                    log.info("peer %s sent what is refused: %s: %s", short(talk.feed or b""), error.code, error)
                    talk.strikes += 1
                    self._board.close(talk, error.code, str(error))
                case FeedChanged(feed=feed, held=held):
                    self.gossip.changed(feed, held)
                    self._board.mark_stale()
                case InterestChanged():
                    self._interests.changed()
                case PictureTaken(kept=kept):
                    self.gallery.taken(result)
                    if kept:
                        self._pictured()
        self._fetching.ask_all()

    def _on_stored(self, result: RangeStored) -> None:
        talk, given, state = result.talk, result.given, result.state
        assert talk.feed is not None
        self._fetching.stored(result)
        if result.outcome is Outcome.BRANCH:
            if given.feed == self.own.feed:
                self._own_ahead()
            elif result.conflict is not None and self.talks.get(talk.feed) is talk:
                self._branches.hunt(talk, given.feed, result.conflict)
        if not result.count or state is None or state.newest is None:
            return
        before = result.before
        old_end = before.newest.end.seq if before is not None and before.newest is not None else 0
        end = state.newest.end.seq
        if end > old_end:
            self._arrived(Arrived(given.feed, max(old_end + 1, given.before.seq + 1), end))
        self._excerpts.came(given.feed, given.before.seq + 1, given.last_seq)
        fresh = given.last_seq == end and given.before.seq >= old_end and given.last_seq - old_end <= PAGE_ENTRIES
        if before is not None and fresh:
            self._answers.push(state, given, before.change)
        else:
            self._board.mark_stale()

    def own_job(self) -> Job:
        """One's own feed may have grown, here or by another process: push what is new to who wants it.

        Follows may have changed with it: whoever had no room may have some now.
        """
        feed = self.own.feed

        def run(connection: sqlite3.Connection) -> tuple[FeedState, Range | None, bytes, list[FeedId], int] | None:
            with read_transaction(connection):
                state = feed_state(connection, feed)
                freed = self._fetching.freed(connection)
                version = peers.interest_version(connection)
                if state is None or state.newest is None:
                    return None
                end = state.newest.end.seq
                first = max(self._own_end + 1, end - PAGE_ENTRIES + 1)
                given = read_range(connection, feed, first, end, None) if first <= end else None
                return state, given, version, freed, last_wanted(connection)

        def push(found: tuple[FeedState, Range | None, bytes, list[FeedId], int] | None) -> None:
            if found is None:
                return
            state, given, version, freed, wanted = found
            self._fetching.reopen(freed)
            self._excerpts.wanted(wanted)
            if given is not None and given.last_seq > self._own_end:
                self._arrived(Arrived(feed, self._own_end + 1, given.last_seq))
                self._own_end = given.last_seq
                self._answers.push(state, given, state.change - 1)
            for talk in self.talks.values():
                if talk.interest_due and talk.sent_version != version:
                    self._interests.send(talk, None)

        return Job(run, push)

    def start_own(self, end: int) -> None:
        """Entries of one's own feed up to `end` are not news."""
        self._own_end = end
