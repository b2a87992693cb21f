"""What sessions say to the store, and the store to sessions. No I/O and no trio: the owner runs the work.

Four places of work, so that a fast machine keeps them all busy and a test can run them in any order:

    on_message        a message of a session; quick, on the owner's thread, like `apply` and a job's `then`
    intake.verify     what came, checked: `take_inbox` gives it; on any thread, without the store
    intake.insert     what was checked, stored in one transaction; on the thread of the ingest connection
    Job.run           what a session wants to know of the store; on the thread of a read connection

Source: protocol/sync.md.
"""

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from ..errors import EntryError, LimitError, RemoteError, StateError
from ..feed.chain import Link, Range, as_hole, genesis
from ..feed.device import Device, DeviceProof, check_device_proof
from ..feed.fork import Side, make_fork_proof
from ..ids import AccountId, EntryId, FeedId, short
from ..keys import PrivateKey
from ..limits import ASKS_QUEUED_MAX, HAVE_MAX_ITEMS, INTEREST_CHUNK, INTEREST_MAX_KNOWN, PAGE_ENTRIES
from ..store import peers
from ..store.changes import last_change
from ..store.db import read_transaction
from ..store.feeds import FeedState, Role, accounts_with_roles, feed_state
from ..store.ingest import Outcome
from ..store.peers import Peer
from ..store.serve import changed_feeds, entry_ids, first_payload, fork_side, read_range
from ..sync.gossip import Gossip, Held
from ..sync.message import (
    ELEMENT_BYTES,
    ID_PREFIX_BYTES,
    SALT_BYTES,
    AskIds,
    Close,
    Gone,
    Have,
    HaveItem,
    Hello,
    Ids,
    Interest,
    Message,
    RangeGiven,
    Resume,
    Want,
    Wants,
    make_hello,
)
from ..sync.state import State
from .hunt import HUNTS_MAX, Hunt
from .intake import (
    FeedChanged,
    HaveNoted,
    Inbound,
    InterestChanged,
    Met,
    Note,
    RangeStored,
    Refresh,
    Refused,
    Result,
    Settled,
    held_of,
)
from .talk import Answer, Job, Talk, Told, element

log = logging.getLogger(__name__)

CAPABILITIES: frozenset[str] = frozenset()
"""None yet: reconciling by ranges of fingerprints and lazy links will each be one."""
_FULL_RESUME_EVERY = 100  # meetings
_SCAN_FEEDS = 4096  # feeds looked at in one job of an answer


@dataclass(frozen=True, slots=True)
class Own:
    """Who this node is."""

    key: PrivateKey  # of the feed
    feed: FeedId
    account: AccountId
    device: DeviceProof | None  # None while the feed has no entry 1
    epoch: bytes  # of the store


@dataclass(frozen=True, slots=True)
class Arrived:
    """New entries at the top of a feed."""

    feed: FeedId
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Greeting:
    peer: Peer
    role: Role
    change: int


class Replicator:
    """All sessions of one node, between the wire and the store.

    Args:
        own: who this node is.
        draw: gives so many random bytes.
        now: seconds, monotonic.
        notify: called when `take_inbox` has something.
        arrived: called with new entries.
        own_ahead: called when a peer proves more of one's own feed than the store holds: a copied or restored home.
    """

    def __init__(
        self,
        own: Own,
        draw: Callable[[int], bytes],
        now: Callable[[], float],
        notify: Callable[[], None],
        arrived: Callable[[Arrived], None],
        own_ahead: Callable[[], None],
    ) -> None:
        self.own = own
        self.gossip = Gossip()
        self.talks: dict[FeedId, Talk] = {}
        self._draw = draw
        self._now = now
        self._notify = notify
        self._arrived = arrived
        self._own_ahead = own_ahead
        self._inbox: deque[Inbound] = deque()
        self._hunts: dict[FeedId, Hunt] = {}
        self._suspects: dict[FeedId, dict[FeedId, int]] = {}  # by feed and peer: where to hunt after the present hunt
        self._own_end = 0

    # --- A session begins and ends ---

    def begin(self, talk: Talk) -> None:
        """Start a session; the responder speaks first."""
        if not talk.session.initiator:
            self._say_hello(talk, self.own.device)

    def end(self, talk: Talk) -> None:
        """Forget a session that is over."""
        if talk.feed is not None and self.talks.get(talk.feed) is talk:
            del self.talks[talk.feed]
            self.gossip.peer_left(talk.feed)
            for feed, suspects in list(self._suspects.items()):
                suspects.pop(talk.feed, None)
                if not suspects:
                    del self._suspects[feed]
            for feed in [feed for feed, hunt in self._hunts.items() if hunt.peer == talk.feed]:
                self._end_hunt(feed)
            self._ask_all()

    def admit(self, talk: Talk) -> None:
        """Let a greeted peer in: the owner has checked for places and duplicates."""
        assert talk.feed is not None
        assert talk.peer is not None
        self.talks[talk.feed] = talk
        peer = talk.peer
        if talk.session.initiator:
            self._say_hello(talk, None if peer.proven else self.own.device)
        resume = Resume(peer.epoch, peer.cursor, peer.answered, peer.their_version)
        talk.session.send(resume, self._now())
        talk.notify()

    def _say_hello(self, talk: Talk, device: DeviceProof | None) -> None:
        session = talk.session
        hello = make_hello(self.own.key, session.initiator, session.certificates, self.own.epoch, CAPABILITIES, device)
        session.send(hello, self._now())
        talk.notify()

    # --- Messages ---

    def greet(self, talk: Talk, hello: Hello, then: Callable[[], None]) -> None:
        """Look up who a checked hello is from; `then` decides whether to `admit`.

        Raises:
            RemoteError: it is this node itself, or its device proof is wrong.
        """
        if hello.feed == self.own.feed:
            raise StateError("This node has dialled itself.")
        talk.feed = hello.feed
        device: Device | None = None
        if hello.device is not None:
            try:
                device = check_device_proof(hello.device, hello.feed)
            except EntryError as error:
                raise RemoteError(f"A hello's device proof is wrong: {error}") from None

        def run(connection: sqlite3.Connection) -> _Greeting:
            return self._look_up(connection, hello, device)

        def found(greeting: _Greeting) -> None:
            if talk.session.state is State.CLOSED:
                return
            talk.peer, talk.role = greeting.peer, greeting.role
            talk.account = greeting.peer.account
            talk.upto = greeting.change
            if greeting.role >= Role.HOP:
                talk.session.interest_kept_max = INTEREST_MAX_KNOWN
            if device is not None:
                self._put(Inbound(talk, Met(device)))
            then()

        self._do(talk, Job(run, found))

    def _look_up(self, connection: sqlite3.Connection, hello: Hello, device: Device | None) -> _Greeting:
        peer = peers.load_peer(connection, hello.feed)
        if peer is None:
            # Not drawn: two sessions may begin before either is noted, and both must show the peer the same salt.
            salt = sha256(self.own.key.sign(b"p2pmicro salt 1" + hello.feed)).digest()[:SALT_BYTES]
            peer = Peer(hello.feed, None, hello.epoch, 0, None, salt, False, None, None, None, 0, 0)
        if peer.epoch != hello.epoch:  # its store is another: what either knew of the other's changes is void
            peer = replace(peer, epoch=hello.epoch, cursor=0, answered=None, proven=False)
        meetings = peer.meetings + 1
        if meetings >= _FULL_RESUME_EVERY:  # now and then from the beginning: whatever went wrong heals
            peer, meetings = replace(peer, cursor=0, answered=None), 0
        peer = replace(peer, meetings=meetings)
        if device is not None:
            peer = replace(peer, account=device.account)
        roles = accounts_with_roles(connection)
        role = roles.get(peer.account, Role.NONE) if peer.account is not None else Role.NONE
        return _Greeting(peer, role, last_change(connection))

    def on_message(self, talk: Talk, message: Message) -> None:
        """Take a message of an admitted peer.

        Raises:
            RemoteError: it broke the protocol.
        """
        match message:
            case Resume():
                self._on_resume(talk, message)
            case Interest():
                self._on_interest(talk, message)
            case Have():
                for item in message.items:
                    self._hear(talk, item)
                self._put(Inbound(talk, message))
            case RangeGiven():
                self._on_range(talk, message)
            case Gone(number=number):
                self._on_gone(talk, number)
            case AskIds():
                self._on_ask_ids(talk, message)
            case Ids():
                self._on_ids(talk, message)
            case Close(code=code, text=text):
                log.info("peer %s closed: %s: %s", short(talk.feed or b""), code[:40], text[:80].replace("\n", " "))
            case _:
                pass  # wants wait in the session until there is room: `next_job`

    def _hear(self, talk: Talk, item: HaveItem) -> None:
        """What a peer says that it has, it need not be told."""
        if item.runs:
            fork_seq = item.fork.seq if item.fork is not None else None
            revoke_seq = item.revoke.seq if item.revoke is not None else None
            talk.tell(item.feed, Told(item.runs[0][0], item.runs[0][2], fork_seq, revoke_seq))

    def next_job(self, talk: Talk) -> Job | None:
        """What to look up next for a session; asked again and again while little is unsent."""
        if talk.jobs:
            return talk.jobs.popleft()
        want = talk.session.next_want()
        if want is not None:
            return self._serve(talk, want)
        if talk.answers and not talk.answering:
            return self._answer(talk, talk.answers[0])
        return None

    # --- Interest, both ways ---

    def _on_resume(self, talk: Talk, resume: Resume) -> None:
        assert talk.peer is not None
        peer = talk.peer
        # It has had our hello, and with it our device proof.
        columns = {
            "account": peer.account,
            "epoch": peer.epoch,
            "cursor": peer.cursor,
            "answered": peer.answered,
            "proven": True,
            "meetings": peer.meetings,
            "met_ms": talk.since_ms,
        }
        self._put(Inbound(talk, Note(columns)))
        known = resume.epoch == self.own.epoch and resume.cursor <= talk.upto
        # What is due to it is known when its interest has come: `_on_interest`.
        talk.answers.append(
            Answer(
                scanned=resume.cursor if known else 0,
                since=resume.cursor if known else 0,
                added=frozenset() if known else None,
                version=resume.answered if known else None,
            )
        )
        talk.answering = True  # until then
        if peer.their_version is not None and peer.their_salt is not None:
            talk.salt = peer.their_salt
            talk.interest = set(_split(peer.their_interest or b""))
        self._send_interest(talk, resume.held)

    def _send_interest(self, talk: Talk, held: bytes | None) -> None:
        """Say what is wanted; `held` is the version that the peer has from another session."""
        assert talk.peer is not None
        salt = talk.peer.salt
        talk.interest_due = True

        def run(connection: sqlite3.Connection) -> list[Interest]:
            # Looked up here and not above: what is sent between is what the peer holds then.
            base = held if talk.sent_version is None else talk.sent_version
            with read_transaction(connection):
                version = peers.interest_version(connection)
                delta = peers.interest_delta(connection, base) if base is not None else None
                if delta is None:
                    roles = accounts_with_roles(connection)
                    order = sorted(peers.interest_set(connection), key=lambda name: (-roles.get(name, 0), name))
                    return _interest_parts(None, version, salt, [element(salt, name) for name in order], [])
            added, removed = ([element(salt, name) for name in names] for names in delta)
            return _interest_parts(base, version, None, added, removed)

        def send(parts: list[Interest]) -> None:
            if parts[-1].version == talk.sent_version:
                return  # nothing has changed after all
            for part in parts:
                talk.session.send(part, self._now())
            talk.sent_version = parts[-1].version
            talk.notify()

        self._do(talk, Job(run, send))

    def _on_interest(self, talk: Talk, interest: Interest) -> None:
        assert talk.peer is not None
        first = talk.interest_version is None
        held = talk.peer.their_version if first else talk.interest_version
        if interest.base is None:
            assert interest.salt is not None
            talk.salt, talk.interest = interest.salt, set(interest.added)
        elif interest.base != held:
            raise StateError("An interest changes a version that this side does not hold.")
        else:
            talk.interest.difference_update(interest.removed)
            talk.interest.update(interest.added)
            if len(talk.interest) > talk.session.interest_kept_max:
                talk.interest = set(sorted(talk.interest)[: talk.session.interest_kept_max])
        talk.interest_version = interest.version
        if interest.version != held or interest.base is None:
            columns = {
                "their_salt": talk.salt,
                "their_version": interest.version,
                "their_interest": b"".join(sorted(talk.interest)),
            }
            self._put(Inbound(talk, Note(columns)))
        added = frozenset(interest.added)
        if first:
            # Due: what changed after its cursor, and all feeds of what was added since its last full answer.
            answer = talk.answers.popleft()
            answered_base = interest.base is not None and answer.version == interest.base
            if answer.added is None or not answered_base:
                answer = Answer(0, 0, None, interest.version)
            elif added:
                answer = Answer(0, answer.since, added, interest.version)
            else:
                answer = Answer(answer.since, answer.since, added, interest.version)
            talk.answering = False
            talk.answers.append(answer)
            self._load_offers(talk)
        else:
            answer = Answer(0, talk.upto, None if interest.base is None else added, interest.version)
            if len(talk.answers) > talk.answering:  # one that waits takes it in: a queue would have no bound
                waiting = talk.answers.pop()
                both = None if waiting.added is None or answer.added is None else waiting.added | answer.added
                answer = Answer(0, min(waiting.since, answer.since), both, interest.version)
            talk.answers.append(answer)
        talk.notify()

    def interest_changed(self) -> None:
        """Tell all peers what is now wanted."""
        for talk in self.talks.values():
            if talk.interest_due:
                self._send_interest(talk, None)

    def _load_offers(self, talk: Talk) -> None:
        """Go on with what the peer offered at former meetings and is not yet here."""
        peer = talk.feed
        assert peer is not None

        def run(connection: sqlite3.Connection) -> list[tuple[FeedId, int, int, Held]]:
            found = []
            for offer in peers.offers_of(connection, peer):
                held = held_of(feed_state(connection, offer.feed), False)
                found.append((offer.feed, offer.first_seq, offer.last_seq, held))
            return found

        def offered(offers: list[tuple[FeedId, int, int, Held]]) -> None:
            for feed, first, last, held in offers:
                self.gossip.offered(peer, feed, first, last, held)
            self._ask(talk)

        self._do(talk, Job(run, offered))

    # --- Answers: what this node has ---

    @property
    def is_busy(self) -> bool:
        """Whether feeds are being fetched or something waits to be stored."""
        return bool(self._inbox) or self.gossip.fetching > 0

    def tick(self, refresh: bool = False) -> None:
        """Tell every peer what changed; called each second, and when something new can't be pushed.

        Args:
            refresh: whether follows have changed, so that the interest has to be computed again.
        """
        if refresh:
            self._put(Inbound(None, Refresh()))
        for talk in self.talks.values():
            if talk.stale and talk.is_open and not talk.answers:
                talk.stale = False
                talk.answers.append(Answer(talk.upto, talk.upto, frozenset(), None))
                talk.notify()

    def _answer(self, talk: Talk, answer: Answer) -> Job:
        """Look up the next part of an answer."""
        talk.answering = True
        salt, interest, told = talk.salt, talk.interest, talk.told

        def run(connection: sqlite3.Connection) -> tuple[list[HaveItem], list[FeedState], int, int | None]:
            items: list[HaveItem] = []
            states: list[FeedState] = []
            scanned = answer.scanned
            with read_transaction(connection):
                top = last_change(connection)
                for looked_at, state in enumerate(changed_feeds(connection, answer.scanned)):
                    if looked_at == _SCAN_FEEDS or len(items) == HAVE_MAX_ITEMS:
                        return items, states, scanned, None
                    scanned = state.change
                    name = element(salt, state.account)
                    if name not in interest:
                        continue
                    newly = answer.added is None or name in answer.added
                    known = told.get(state.feed)
                    if (state.change > answer.since or newly) and (newly or known is None or not known.covers(state)):
                        items.append(_have_item(connection, state, known is None or newly))
                        states.append(state)
                return items, states, scanned, top

        def send(found: tuple[list[HaveItem], list[FeedState], int, int | None]) -> None:
            items, states, scanned, top = found
            talk.answering = False
            for item, state in zip(items, states, strict=True):
                talk.tell(state.feed, _told(item, state))
            if top is None:
                answer.scanned = scanned
                talk.session.send(Have(items), self._now())
            else:
                talk.answers.popleft()
                talk.upto = top
                talk.session.send(Have(items, top, answer.version), self._now())
            talk.notify()

        return Job(run, send)

    def _serve(self, talk: Talk, want: Want) -> Job:
        """Answer a want: whoever asks may have any feed whose name it knows."""

        def run(connection: sqlite3.Connection) -> Range | None:
            with read_transaction(connection):
                return read_range(connection, want.feed, want.first, want.last, want.id_prefix)

        def send(given: Range | None) -> None:
            answer = Gone(want.number) if given is None else RangeGiven(want.number, given)
            talk.session.send(answer, self._now())
            talk.notify()

        return Job(run, send)

    # --- Fetching: what this node lacks ---

    def _ask(self, talk: Talk) -> None:
        assert talk.feed is not None
        if not talk.is_open:
            return
        wants = self.gossip.wants(talk.feed)
        if wants:
            talk.session.send(Wants(wants), self._now())
            talk.notify()

    def _ask_all(self) -> None:
        for talk in self.talks.values():
            self._ask(talk)
        for feed in self.gossip.take_done():
            self._put(Inbound(None, Settled(feed)))
        for feed, peer in self.gossip.take_failed():
            self._put(Inbound(None, Settled(feed, peer)))

    def _on_range(self, talk: Talk, message: RangeGiven) -> None:
        assert talk.feed is not None
        hunt = self._hunts.get(message.range.feed)
        if hunt is not None and message.number is not None and message.number == hunt.want:
            self._prove(talk, hunt, message.range)
        elif message.number is None:
            first, last = message.range.before.seq + 1, message.range.last_seq
            known = talk.told.get(message.range.feed) or Told(first, last, None, None)
            talk.tell(message.range.feed, known.grown(first, last))
            self._put(Inbound(talk, message))
        elif self.gossip.answered(talk.feed, message.number, message.range) is not None:
            self._put(Inbound(talk, message))
            self._ask(talk)
        else:
            self._ask_all()

    def _on_gone(self, talk: Talk, number: int) -> None:
        assert talk.feed is not None
        for feed in [feed for feed, hunt in self._hunts.items() if hunt.want == number and hunt.peer == talk.feed]:
            self._end_hunt(feed)
        self.gossip.answered(talk.feed, number, None)
        self._ask_all()

    # --- Results ---

    def take_inbox(self, entries_max: int) -> list[Inbound]:
        """What waits to be verified and inserted, in order: about so many entries."""
        batch: list[Inbound] = []
        entries = 0
        while self._inbox and entries < entries_max:
            inbound = self._inbox.popleft()
            batch.append(inbound)
            entries += len(inbound.brought.range.items) if isinstance(inbound.brought, RangeGiven) else 1
        return batch

    @staticmethod
    def taken(batch: Iterable[Inbound]) -> None:
        """A batch is stored or given up: there is room for more of those who brought it."""
        for inbound in batch:
            if inbound.talk is not None:
                inbound.talk.queued_bytes -= inbound.unasked_bytes

    def apply(self, results: Iterable[Result]) -> None:
        """Take what became of a batch."""
        for result in results:
            match result:
                case RangeStored():
                    self._on_stored(result)
                case HaveNoted(talk=talk, offers=offers, suspects=suspects):
                    assert talk.feed is not None
                    if self.talks.get(talk.feed) is talk:
                        for feed, first, last, held in offers:
                            self.gossip.offered(talk.feed, feed, first, last, held)
                        for feed, seq in suspects:
                            self._hunt(talk, feed, seq)
                case Refused(talk=talk, error=error):
                    log.info("peer %s sent what is refused: %s: %s", short(talk.feed or b""), error.code, error)
                    talk.strikes += 1
                    talk.session.close(error.code, str(error), self._now())
                    talk.notify()
                case FeedChanged(feed=feed, held=held):
                    self.gossip.changed(feed, held)
                    self._mark_stale()
                case InterestChanged():
                    self.interest_changed()
        self._ask_all()

    def _on_stored(self, result: RangeStored) -> None:
        talk, given, state = result.talk, result.given, result.state
        assert talk.feed is not None
        self.gossip.stored(talk.feed, result.number, given.feed, result.held)
        if result.outcome is Outcome.BRANCH:
            if given.feed == self.own.feed:
                self._own_ahead()
            elif result.conflict is not None and self.talks.get(talk.feed) is talk:
                self._hunt(talk, given.feed, result.conflict)
        if result.number is None and state is not None and self.talks.get(talk.feed) is talk:
            self.gossip.offered(talk.feed, given.feed, 1, given.last_seq, result.held)
        if not result.count or state is None or state.newest is None:
            return
        before = result.before
        old_end = before.newest.end.seq if before is not None and before.newest is not None else 0
        end = state.newest.end.seq
        if end > old_end:
            self._arrived(Arrived(given.feed, max(old_end + 1, given.before.seq + 1), end))
        fresh = given.last_seq == end and given.before.seq >= old_end and given.last_seq - old_end <= PAGE_ENTRIES
        if before is not None and fresh:
            self.push(state, given, before.change)
        else:
            self._mark_stale()

    def own_job(self) -> Job:
        """One's own feed may have grown, here or by another process: push what is new to who wants it."""
        feed = self.own.feed

        def run(connection: sqlite3.Connection) -> tuple[FeedState, Range | None, bytes] | None:
            with read_transaction(connection):
                state = feed_state(connection, feed)
                version = peers.interest_version(connection)
                if state is None or state.newest is None:
                    return None
                end = state.newest.end.seq
                first = max(self._own_end + 1, end - PAGE_ENTRIES + 1)
                given = read_range(connection, feed, first, end, None) if first <= end else None
                return state, given, version

        def push(found: tuple[FeedState, Range | None, bytes] | None) -> None:
            if found is None:
                return
            state, given, version = found
            if given is not None and given.last_seq > self._own_end:
                self._own_end = given.last_seq
                self._arrived(Arrived(feed, given.before.seq + 1, given.last_seq))
                self.push(state, given, state.change - 1)
            for talk in self.talks.values():
                if talk.interest_due and talk.sent_version != version:
                    self._send_interest(talk, None)

        return Job(run, push)

    def start_own(self, end: int) -> None:
        """Entries of one's own feed up to `end` are not news."""
        self._own_end = end

    def push(self, state: FeedState, given: Range, change_before: int) -> None:
        """Send new entries at once to each peer that wants their feed and is not known to have them."""
        news = False
        for talk in self.talks.values():
            talk.stale = True
            if not talk.is_open or not talk.wants(state.account):
                continue
            known = talk.told.get(state.feed)
            if known is None:
                if change_before > talk.upto or talk.answers:
                    news = True  # it may not know the feed at all: a have brings its device proof
                    continue
            elif known.last >= given.last_seq:
                continue
            talk.session.send(RangeGiven(None, given), self._now())
            first = given.before.seq + 1
            known = known or Told(first, given.last_seq, None, None)
            talk.tell(state.feed, known.grown(first, given.last_seq))
            talk.notify()
        if news:
            self.tick()

    # --- Forks ---

    def _hunt(self, talk: Talk, feed: FeedId, high: int) -> None:
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
            self._hunt(self.talks[peer], waits, high)

    def _ask_ids(self, talk: Talk, hunt: Hunt) -> None:
        talk.session.send(AskIds(hunt.feed, hunt.ask()), self._now())
        talk.notify()

    def _on_ask_ids(self, talk: Talk, asked: AskIds) -> None:
        if len(talk.jobs) >= ASKS_QUEUED_MAX:
            raise LimitError(f"More than {ASKS_QUEUED_MAX} questions wait for an answer.")

        def run(connection: sqlite3.Connection) -> Ids:
            with read_transaction(connection):
                found = entry_ids(connection, asked.feed, asked.seqs)
            pairs = [(seq, name) for seq, name in zip(asked.seqs, found, strict=True) if name is not None]
            return Ids(asked.feed, pairs)

        def send(ids: Ids) -> None:
            talk.session.send(ids, self._now())
            talk.notify()

        self._do(talk, Job(run, send))

    def _on_ids(self, talk: Talk, theirs: Ids) -> None:
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
                hunt.want = self.gossip.next_number()
                talk.session.send(Wants([Want(hunt.want, hunt.feed, hunt.found, hunt.found, None)]), self._now())
                talk.notify()
            elif went_on:
                self._ask_ids(talk, hunt)
            else:
                self._end_hunt(hunt.feed)  # no fork, or too little is held to find it: the next have begins anew

        self._do(talk, Job(run, narrowed))

    def _prove(self, talk: Talk, hunt: Hunt, theirs: Range) -> None:
        """The peer's side has come: put it beside ours."""
        self._end_hunt(hunt.feed)
        seq = hunt.found
        assert seq is not None
        heads = sorted(at for at in theirs.heads if at >= seq)
        if theirs.before.seq != seq - 1 or not heads:
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
            self._put(Inbound(talk, proof))

        self._do(talk, Job(run, prove))

    # --- Small things ---

    def _put(self, inbound: Inbound) -> None:
        self._inbox.append(inbound)
        if inbound.talk is not None:
            inbound.talk.queued_bytes += inbound.unasked_bytes
        self._notify()

    def _do(self, talk: Talk, job: Job) -> None:
        talk.jobs.append(job)
        talk.notify()

    def _mark_stale(self) -> None:
        for talk in self.talks.values():
            talk.stale = True


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


def _told(item: HaveItem, state: FeedState) -> Told:
    first, _, last = item.runs[0] if item.runs else (1, 0, 0)
    return Told(first, last, state.fork_seq, state.revoke.seq if state.revoke is not None else None)


def _split(elements: bytes) -> list[bytes]:
    return [elements[at : at + ELEMENT_BYTES] for at in range(0, len(elements), ELEMENT_BYTES)]


def _interest_parts(
    base: bytes | None, version: bytes, salt: bytes | None, added: Sequence[bytes], removed: Sequence[bytes]
) -> list[Interest]:
    """Cut an interest into messages."""
    count = max(1, -(-len(added) // INTEREST_CHUNK), -(-len(removed) // INTEREST_CHUNK))
    cuts = [slice(at * INTEREST_CHUNK, (at + 1) * INTEREST_CHUNK) for at in range(count)]
    return [Interest(base, version, salt, added[cut], removed[cut], at == count - 1) for at, cut in enumerate(cuts)]
