"""Each message of a session, in each of its shapes."""

from collections.abc import Sequence
from functools import cache

from p2pmicro.feed.device import make_revoke
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.ids import EntryId, FeedId, Ref
from p2pmicro.limits import INT_MAX, SEQ_MAX
from p2pmicro.sync.message import (
    Ask,
    AskIds,
    Asks,
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
    Ping,
    Pong,
    RangeGiven,
    Resume,
    Want,
    WantMedia,
    Wants,
    make_hello,
)
from tests.made import MadeFeed, private_key

CERTIFICATES = (b"initiator's certificate", b"responder's certificate")
EPOCH, VERSION, NEWER, SALT = b"epoch...", b"version.", b"newer...", b"sixteen bytes..."
NO_ID = EntryId(bytes(32))
ONE, OTHER = b"first element...", b"second element.."


@cache
def made() -> MadeFeed:
    return MadeFeed(70)


def hello(initiator: bool = True, certificates: tuple[bytes, bytes] = CERTIFICATES, name: str = "feed") -> Hello:
    device = made().proof if name == "feed" else None
    return make_hello(private_key(name), initiator, certificates, EPOCH, frozenset(("two", "one")), device)


def item() -> HaveItem:
    """What a node says of a feed with all that can go with it."""
    feed = made()
    other = feed.branch(66, 3)
    fork = make_fork_proof(feed.feed, feed.links[65], feed.side(66, 67), other.side(66, 68))
    revoke = make_revoke(feed.account_key, feed.feed, feed.links[9])
    prefix = feed.links[70].id[:16]
    return HaveItem(feed.feed, feed.account, 7, [(20, 30, 70), (1, 1, 10)], prefix, feed.proof, revoke, fork)


@cache
def samples() -> dict[type[Message], Sequence[Message]]:
    """By type: smallest and largest, with what is optional and without."""
    feed = made()
    device = private_key("other")
    plain = HaveItem(feed.feed, feed.account, 0, [], bytes(16))
    return {
        Hello: [hello(), hello(False), make_hello(device, True, CERTIFICATES, EPOCH, frozenset(), None)],
        Resume: [Resume(None, 0, None, None), Resume(EPOCH, INT_MAX, VERSION, NEWER)],
        Interest: [
            Interest(None, VERSION, SALT, [ONE, OTHER], [], True),
            Interest(VERSION, NEWER, None, [ONE], [OTHER], False),
            Interest(VERSION, VERSION, None, [], [], True),
        ],
        Have: [Have([], None, None), Have([], 9, VERSION), Have([item(), plain], 0, None)],
        Wants: [
            Wants([]),
            Wants([Want(0, feed.feed, 1, 1, None), Want(INT_MAX, feed.feed, 5, SEQ_MAX, bytes(16))]),
        ],
        RangeGiven: [RangeGiven(None, feed.range(1, 3)), RangeGiven(5, feed.range(60, 70, holes=(61, 62)))],
        Gone: [Gone(0), Gone(INT_MAX)],
        AskIds: [AskIds(feed.feed, []), AskIds(feed.feed, [1, 5, SEQ_MAX])],
        Ids: [Ids(feed.feed, []), Ids(FeedId(feed.feed), [(1, feed.links[1].id), (9, feed.links[9].id)])],
        Ping: [Ping()],
        Pong: [Pong()],
        Asks: [Asks([]), Asks([Ask(0, Ref(feed.feed, 1, NO_ID)), Ask(INT_MAX, Ref(feed.feed, SEQ_MAX, NO_ID))])],
        ExcerptGiven: [
            ExcerptGiven(None, feed.excerpt(64, 64), [feed.proof]),
            ExcerptGiven(5, feed.excerpt(2, 64), [feed.proof, MadeFeed(1, "other").proof]),
        ],
        WantMedia: [WantMedia([]), WantMedia([bytes(32), bytes(range(32))])],
        Media: [Media(bytes(32), None), Media(bytes(range(32)), b"a picture")],
        Close: [Close("bye", ""), Close("remote.state", "x" * 200)],
    }
