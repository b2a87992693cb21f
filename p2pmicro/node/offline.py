"""A home in a trio program: what needs no network. With one it is the node of node.py."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeVar

import trio

from ..ids import AccountId, FeedId, Ref
from ..store.feeds import FeedState
from ..views.message import Message
from ..views.people import Profile
from .local import LocalNode
from .offload import Offload, on_thread
from .replicate import Arrived
from .status import PeerState, Status
from .waiting import Signal

T = TypeVar("T")


class Node:
    """A home in a trio program: each method runs on a thread of its own, one at a time."""

    def __init__(self, local: LocalNode, offload: Offload = on_thread) -> None:
        self._local = local
        self._offload = offload
        self._one = trio.CapacityLimiter(1)
        self._listeners: set[_Subscription] = set()

    async def _do(self, work: Callable[[], T]) -> T:
        """Run on the home's own connection; a cancellation waits for it, so nothing is half done."""
        return await self._offload(work, self._one)

    @property
    def account(self) -> AccountId:
        """Whose node it is."""
        return self._local.account

    @property
    def feed(self) -> FeedId:
        """The feed that it writes."""
        return self._local.feed

    @property
    def renewed(self) -> str | None:
        """Why a new feed was begun at opening, in a sentence; None if it was not."""
        return self._local.renewed

    @property
    def listening(self) -> Sequence[str]:
        """HOST:PORT of each socket; empty without a network."""
        return ()

    async def post(self, text: str) -> Ref:
        """Write a message; see `LocalNode.post`."""
        ref = await self._do(lambda: self._local.post(text))
        self._appended(ref.seq)
        return ref

    async def follow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody; see `LocalNode.follow`."""
        ref = await self._do(lambda: self._local.follow(account))
        self._appended(None)
        return ref

    async def unfollow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody no longer; see `LocalNode.unfollow`."""
        ref = await self._do(lambda: self._local.unfollow(account))
        self._appended(None)
        return ref

    async def profile(self, name: str | None = None, bio: str | None = None, link: str | None = None) -> Ref:
        """Change one's profile; see `LocalNode.profile`."""
        ref = await self._do(lambda: self._local.profile(name, bio, link))
        self._appended(None)
        return ref

    async def timeline(self, limit: int = 50) -> list[Message]:
        """The newest messages of oneself and those one follows."""
        return await self._do(lambda: self._local.timeline(limit))

    async def message(self, feed: FeedId, seq: int) -> Message | None:
        """One message; None if it is not held or not shown."""
        return await self._do(lambda: self._local.message(feed, seq))

    async def search(self, query: str, limit: int = 50) -> list[Message]:
        """Messages with all of the words, newest first."""
        return await self._do(lambda: self._local.search(query, limit))

    async def profile_of(self, account: AccountId) -> Profile | None:
        """Somebody's profile, if one is held."""
        return await self._do(lambda: self._local.profile_of(account))

    async def following(self) -> list[tuple[AccountId, str | None]]:
        """Whom one follows, with their names."""
        return await self._do(self._local.following)

    async def feeds(self) -> list[FeedState]:
        """All feeds that are held."""
        return await self._do(self._local.feeds)

    async def status(self) -> Status:
        """How the home is."""
        return await self._do(self._local.status)

    async def peers(self) -> list[PeerState]:
        """Nodes that this one is connected to, and addresses at which others were met."""
        return await self._do(self._local.known_peers)

    async def arrivals(self) -> AsyncGenerator[Message, None]:
        """Messages as they arrive, from now on, whoever wrote them: guests met on the LAN are among them.

        A slow reader misses none: what waits is where each feed stood, not the messages.
        """
        subscription = _Subscription()
        self._listeners.add(subscription)
        try:
            while True:
                arrived = await subscription.next()
                for seq in range(arrived.first, arrived.last + 1):
                    found = await self.message(arrived.feed, seq)
                    if found is not None:
                        yield found
        finally:
            self._listeners.discard(subscription)

    def _appended(self, seq: int | None) -> None:
        if seq is not None:
            self._tell(Arrived(self.feed, seq, seq))

    def _tell(self, arrived: Arrived) -> None:
        for subscription in self._listeners:
            subscription.put(arrived)


class _Subscription:
    """What one reader of arrivals has not yet read: a stretch a feed."""

    def __init__(self) -> None:
        self._waiting: dict[FeedId, Arrived] = {}
        self._signal = Signal()

    def put(self, arrived: Arrived) -> None:
        before = self._waiting.get(arrived.feed)
        first = min(before.first, arrived.first) if before is not None else arrived.first
        self._waiting[arrived.feed] = Arrived(arrived.feed, first, arrived.last)
        self._signal.set()

    async def next(self) -> Arrived:
        while not self._waiting:
            await self._signal.wait()
        return self._waiting.pop(next(iter(self._waiting)))
