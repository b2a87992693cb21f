"""Views depend on what is held, and on nothing else: not on the order in which it came, nor on what came and went."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from p2pmicro.limits import INT_MAX
from p2pmicro.store.feeds import Role
from p2pmicro.views import ALL, TIMELINE
from p2pmicro.views.message import Message
from p2pmicro.views.rebuild import rebuild
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, followed, named, said, snapshot

FEEDS = ("laptop", "phone", "other")  # two of one account, one of another
ACCOUNTS = {"laptop": "alice", "phone": "alice", "other": "bob"}
TARGETS = st.sampled_from(("bob", "carol"))
TIMES = st.one_of(
    st.integers(-INT_MAX, INT_MAX), st.integers(NOW_MS - 50, NOW_MS + 50), st.sampled_from((-(10**18), 10**18))
)
REVS = st.integers(1, 3)
PAYLOADS = st.one_of(
    st.builds(said, st.sampled_from(("ferry", "ferry 今天天气", "late ferry")), TIMES),
    st.builds(named, st.sampled_from(("", "A", "B")), REVS),
    st.builds(followed, TARGETS, REVS, st.booleans(), TIMES),
    st.lists(st.tuples(TARGETS, REVS, st.booleans()), max_size=3).map(lambda items: snapshot(*items)),
)
ENTRY = st.tuples(PAYLOADS, st.integers(NOW_MS - 50, NOW_MS + 50))
FEED = st.dictionaries(st.integers(1, 8), ENTRY, max_size=8)

History = tuple[list[tuple[str, int, bytes, int]], list[int], list[int]]
"""Entries (feed, seq, payload, first seen), another order of them, and which of them are erased."""


@st.composite
def _histories(draw: st.DrawFn) -> History:
    entries = [
        (feed, seq, payload, seen_ms)
        for feed in FEEDS
        for seq, (payload, seen_ms) in sorted(draw(FEED, label=feed).items())
    ]
    order = draw(st.permutations(range(len(entries))))
    erased = draw(st.lists(st.sampled_from(range(len(entries))), unique=True)) if entries else []
    return entries, order, erased


def _shelf(folder: str) -> Shelf:
    shelf = Shelf(Path(folder))
    for feed in FEEDS:
        shelf.feed(feed, ACCOUNTS[feed])
    return shelf


@given(history=_histories())
def test_order_of_arrival_and_what_was_erased_leave_no_trace(
    history: History,
) -> None:
    entries, order, erased = history
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        straight, shuffled = _shelf(one), _shelf(other)
        try:
            for place, (feed, seq, payload, seen_ms) in enumerate(entries):
                if place not in erased:
                    straight.put(feed, seq, payload, seen_ms)
            for place in order:
                feed, seq, payload, seen_ms = entries[place]
                shuffled.put(feed, seq, payload, seen_ms)
            for place in erased:
                shuffled.erase(entries[place][0], entries[place][1])
            grown = shuffled.tables()
            assert grown == straight.tables()
            rebuild(shuffled.connection, ALL, lambda done, total: None)
            assert shuffled.tables() == grown
        finally:
            straight.close()
            shuffled.close()


@given(
    history=_histories(),
    roles=st.lists(st.tuples(st.sampled_from(("alice", "bob")), st.sampled_from(Role)), max_size=6),
)
def test_roles_end_as_if_they_had_always_been_so(history: History, roles: list[tuple[str, Role]]) -> None:
    entries, order, _ = history
    with TemporaryDirectory() as folder:
        shelf = _shelf(folder)
        try:
            for turn, place in enumerate(order):
                if turn < len(roles):
                    shelf.set_role(*roles[turn])
                shelf.put(*entries[place])
            for account, role in roles:
                shelf.set_role(account, role)
            grown = shelf.tables()
            rebuild(shelf.connection, ALL, lambda done, total: None)
            assert shelf.tables() == grown
        finally:
            shelf.close()


@given(feed=st.lists(ENTRY, max_size=8), limit=st.integers(1, 4))
def test_place_of_a_message_depends_on_itself_alone(feed: list[tuple[bytes, int]], limit: int) -> None:
    with TemporaryDirectory() as folder:
        shelf = _shelf(folder)
        try:
            for seq, (payload, seen_ms) in enumerate(feed, 1):
                shelf.put("laptop", seq, payload, seen_ms)
            home = TIMELINE.home(shelf.connection, 50)
            for message in home:
                assert message.time_ms == min(message.claimed_ms, message.seen_ms)
            assert home == sorted(home, key=lambda message: message.place, reverse=True)
            # The same by pages, and a person's own page by seq whatever the dates.
            paged: list[Message] = []
            while part := TIMELINE.home(shelf.connection, limit, paged[-1].place if paged else None):
                paged += part
            assert paged == home
            seqs = [message.ref.seq for message in TIMELINE.page(shelf.connection, account_id("alice"), 50)]
            assert seqs == sorted((message.ref.seq for message in home), reverse=True)
        finally:
            shelf.close()
