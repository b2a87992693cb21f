"""A home in a trio program: what needs no network. With one it is the node of node.py."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import trio

from ..ids import AccountId, FeedId, Ref
from ..views.message import Message
from .local import LocalNode
from .offload import Offload, on_thread
from .pictures import OpenedPicture
from .reading import GivenRef
from .replicate import Arrived
from .status import PeerState
from .waiting import Signal

_LOOK_AGAIN_S = 0.25
T = TypeVar("T")
P = ParamSpec("P")


def _twin(method: Callable[Concatenate[LocalNode, P], T]) -> Callable[Concatenate["Node", P], Coroutine[Any, Any, T]]:
    """A method of `LocalNode` for a trio program: on a thread, one at a time."""

    @wraps(method)
    async def call(node: "Node", /, *args: P.args, **kwargs: P.kwargs) -> T:
        result = await node._do(partial(method, node._local, *args, **kwargs))
        if isinstance(result, Ref) and result.feed == node.feed:
            node._appended(result.seq)
        return result

    return call


class Node:
    """A home in a trio program: each method runs on a thread of its own, one at a time."""

    def __init__(self, local: LocalNode, offload: Offload = on_thread) -> None:
        self._local = local
        self._offload = offload
        self._one = trio.CapacityLimiter(1)
        self._listeners: set[_Subscription] = set()
        self._told = local.height()  # the last own entry that listeners have heard of

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

    # --- What a person does: the methods of `LocalNode`, each on a thread ---

    post = _twin(LocalNode.post)
    follow = _twin(LocalNode.follow)
    unfollow = _twin(LocalNode.unfollow)
    profile = _twin(LocalNode.profile)
    timeline = _twin(LocalNode.timeline)
    page = _twin(LocalNode.page)
    message = _twin(LocalNode.message)
    avatar = _twin(LocalNode.avatar)
    find_message = _twin(LocalNode.find_message)
    find_ref = _twin(LocalNode.find_ref)
    thread = _twin(LocalNode.thread)
    reacted = _twin(LocalNode.reacted)
    originals = _twin(LocalNode.originals)
    reply = _twin(LocalNode.reply)
    quote = _twin(LocalNode.quote)
    delete = _twin(LocalNode.delete)
    pin = _twin(LocalNode.pin)
    unpin = _twin(LocalNode.unpin)
    repost = _twin(LocalNode.repost)
    unrepost = _twin(LocalNode.unrepost)
    like = _twin(LocalNode.like)
    unlike = _twin(LocalNode.unlike)
    bookmark = _twin(LocalNode.bookmark)
    remove_bookmark = _twin(LocalNode.remove_bookmark)
    bookmarks = _twin(LocalNode.bookmarks)
    tag_timeline = _twin(LocalNode.tag_timeline)
    suggest_tags = _twin(LocalNode.suggest_tags)
    follow_tag = _twin(LocalNode.follow_tag)
    unfollow_tag = _twin(LocalNode.unfollow_tag)
    followed_tags = _twin(LocalNode.followed_tags)
    notices = _twin(LocalNode.notices)
    unread_notices = _twin(LocalNode.unread_notices)
    mark_notices_read = _twin(LocalNode.mark_notices_read)
    search = _twin(LocalNode.search)
    search_people = _twin(LocalNode.search_people)
    profile_of = _twin(LocalNode.profile_of)
    following = _twin(LocalNode.following)
    followers = _twin(LocalNode.followers)
    people = _twin(LocalNode.people)
    who = _twin(LocalNode.who)
    lists = _twin(LocalNode.lists)
    create_list = _twin(LocalNode.create_list)
    delete_list = _twin(LocalNode.delete_list)
    set_listed = _twin(LocalNode.set_listed)
    list_timeline = _twin(LocalNode.list_timeline)
    find_account = _twin(LocalNode.find_account)
    mentions_in = _twin(LocalNode.mentions_in)
    set_petname = _twin(LocalNode.set_petname)
    petnames = _twin(LocalNode.petnames)
    named = _twin(LocalNode.named)
    save_draft = _twin(LocalNode.save_draft)
    drafts = _twin(LocalNode.drafts)
    post_draft = _twin(LocalNode.post_draft)
    delete_draft = _twin(LocalNode.delete_draft)
    plan_export = _twin(LocalNode.plan_export)
    export = _twin(LocalNode.export)
    mute_of = _twin(LocalNode.mute_of)
    mute = _twin(LocalNode.mute)
    unmute = _twin(LocalNode.unmute)
    mutes = _twin(LocalNode.mutes)
    block = _twin(LocalNode.block)
    unblock = _twin(LocalNode.unblock)
    blocked = _twin(LocalNode.blocked)
    circles = _twin(LocalNode.circles)
    circle = _twin(LocalNode.circle)
    create_circle = _twin(LocalNode.create_circle)
    delete_circle = _twin(LocalNode.delete_circle)
    add_to_circle = _twin(LocalNode.add_to_circle)
    remove_from_circle = _twin(LocalNode.remove_from_circle)
    inbox = _twin(LocalNode.inbox)
    conversation = _twin(LocalNode.conversation)
    find_conversation = _twin(LocalNode.find_conversation)
    mark_read = _twin(LocalNode.mark_read)
    circle_name = _twin(LocalNode.circle_name)
    feeds = _twin(LocalNode.feeds)
    status = _twin(LocalNode.status)

    async def picture(self, ref: GivenRef, number: int = 1, wait_s: float = 0.0) -> OpenedPicture:
        """A picture of a message, as `LocalNode.picture`; for so long it is waited for, if it has still to come."""
        found = await self._do(partial(self._local.picture, ref, number))
        with trio.move_on_after(wait_s):
            while found.data is None:
                await self._picture_comes()
                if await self._do(partial(self._local.is_here, found.picture)):
                    found = await self._do(partial(self._local.picture, ref, number))
        return found

    async def _picture_comes(self) -> None:
        """Wait until a picture may have come."""
        await trio.sleep(_LOOK_AGAIN_S)  # another program runs the node, if any does

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

    def _appended(self, seq: int) -> None:
        if seq > self._told:  # else it was only looked up
            self._tell(Arrived(self.feed, self._told + 1, seq))
            self._told = seq

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
