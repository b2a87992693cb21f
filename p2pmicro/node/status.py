"""How a home and its node are, as commands and programs see it."""

from dataclasses import dataclass
from typing import Any

from ..ids import AccountId, FeedId, format_account, format_feed
from ..store.media import Counted


@dataclass(frozen=True, slots=True)
class Status:
    """How a home is."""

    account: AccountId
    feed: FeedId
    name: str | None
    height: int  # the last seq of one's own feed
    entries: int  # payloads held, of all feeds
    feeds: int
    following: int
    followers: int  # as far as this node has heard
    store_bytes: int  # on the disk
    erasures_pending: int  # deleted texts and pictures that may still lie in the home's files
    pictures: Counted
    running: bool  # whether a node runs on this home


@dataclass(frozen=True, slots=True)
class PeerState:
    """Another node, as this one is connected to it or remembers it."""

    account: AccountId | None  # None while it has proven none
    name: str | None  # as its profile says
    feed: FeedId | None
    address: str
    state: str  # "connected", "connecting", "away"
    since_ms: int  # in this state; when it was last met, if away (0: never)
    bytes_in: int
    bytes_out: int


def peer_json(peer: PeerState) -> dict[str, Any]:
    """A peer as the commands print it."""
    return {
        "account": None if peer.account is None else format_account(peer.account),
        "name": peer.name,
        "feed": None if peer.feed is None else format_feed(peer.feed),
        "address": peer.address,
        "state": peer.state,
        "since_ms": peer.since_ms,
        "bytes_in": peer.bytes_in,
        "bytes_out": peer.bytes_out,
    }
