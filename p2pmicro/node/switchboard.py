"""What the parts of replication share: who this node is, its sessions, and the inbox of what they brought."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import LimitError
from ..feed.device import DeviceProof
from ..ids import AccountId, FeedId
from ..keys import PrivateKey
from ..limits import GIVEN_SLACK_BYTES, GIVEN_STORE_TIMES_MAX
from ..sync.message import Message, RangeGiven
from ..sync.state import State
from .inbound import Inbound
from .talk import Job, Talk


@dataclass(frozen=True, slots=True)
class Own:
    """Who this node is."""

    key: PrivateKey  # of the feed
    feed: FeedId
    account: AccountId
    device: DeviceProof | None  # None while the feed has no entry 1
    epoch: bytes  # of the store


class Switchboard:
    """The sessions of one node and what they brought.

    Args:
        own: who this node is.
        now: seconds, monotonic.
        notify: called when `take` has something.
    """

    def __init__(self, own: Own, now: Callable[[], float], notify: Callable[[], None]) -> None:
        self.own = own
        self.talks: dict[FeedId, Talk] = {}
        self._now = now
        self._notify = notify
        self._inbox: deque[Inbound] = deque()

    def send(self, talk: Talk, message: Message) -> None:
        """Say something to a peer."""
        talk.session.send(message, self._now())
        talk.notify()

    def close(self, talk: Talk, code: str, text: str) -> None:
        """End a session."""
        talk.close(code, text, self._now())

    def is_too_much(self, talk: Talk, held: int) -> bool:
        """Whether a peer has asked for more than it could need; then its session ends.

        Args:
            held: the bytes of all that could be given.
        """
        return self.is_over(talk, talk.given_bytes, held)

    def is_over(self, talk: Talk, given: int, held: int) -> bool:
        """The same of one sort of what is given: entries, or pictures."""
        if given <= GIVEN_STORE_TIMES_MAX * held + GIVEN_SLACK_BYTES:
            return False
        if talk.session.state is not State.CLOSED:
            talk.strikes += 1
            self.close(talk, LimitError.code, "You have asked for the same again and again.")
        return True

    def do(self, talk: Talk, job: Job) -> None:
        """Ask the store something for a session."""
        talk.jobs.append(job)
        talk.notify()

    def put(self, inbound: Inbound) -> None:
        """Hand something over to be verified and inserted."""
        self._inbox.append(inbound)
        if inbound.talk is not None:
            inbound.talk.queued_bytes += inbound.unasked_bytes
        self._notify()

    def take(self, entries_max: int) -> list[Inbound]:
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

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._inbox

    def mark_stale(self) -> None:
        """Something has changed that peers are to hear of."""
        for talk in self.talks.values():
            talk.stale = True
