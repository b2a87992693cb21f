"""Views depend on what is held, and on nothing else: not on the order in which it came, nor on what came and went."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from p2pmicro import cbor
from p2pmicro.feed.chain import genesis, next_link
from p2pmicro.ids import EntryId, Ref
from p2pmicro.limits import INT_MAX
from p2pmicro.store.feeds import Role
from p2pmicro.views import ALL, TIMELINE
from p2pmicro.views.message import Message
from p2pmicro.views.rebuild import rebuild
from tests.unit.views.shelf import (
    NOW_MS,
    Shelf,
    account_id,
    answered,
    feed_id,
    followed,
    named,
    quoted,
    reacted,
    replaced,
    said,
    shown,
    snapshot,
)

FEEDS = ("laptop", "phone", "other")  # two of one account, one of another
ACCOUNTS = {"laptop": "alice", "phone": "alice", "other": "bob"}
TARGETS = st.sampled_from(("bob", "carol"))
TIMES = st.one_of(
    st.integers(-INT_MAX, INT_MAX), st.integers(NOW_MS - 50, NOW_MS + 50), st.sampled_from((-(10**18), 10**18))
)
REVS = st.integers(1, 3)
TEXTS = st.sampled_from(("ferry", "ferry 今天天气", "#late ferry", "#Late #fähre"))
TARGET = st.integers(0, 50)  # which of the entries that were written before
Build = Callable[[Sequence[Ref]], bytes]
"""Makes a payload from the refs of all that was written before it, of any feed."""


def _pick(refs: Sequence[Ref], number: int) -> Ref:
    return refs[number % len(refs)] if refs else Ref(feed_id("nobody"), 1, EntryId(bytes(32)))


def _answer(target: int, root: int, time_ms: int) -> Build:
    return lambda refs: answered(_pick(refs, target), _pick(refs, root), time_ms=time_ms)


def _quote(target: int, time_ms: int) -> Build:
    return lambda refs: quoted(_pick(refs, target), time_ms=time_ms)


def _replace(one: int, other: int) -> Build:
    return lambda refs: replaced(_pick(refs, one), _pick(refs, other))


def _react(kind: str, target: int, rev: int, on: bool, time_ms: int) -> Build:
    return lambda refs: reacted(kind, _pick(refs, target), rev, on, time_ms)


def _mention(account: str, target: int) -> Build:
    mention: list[cbor.Value] = [[0, 2, account_id(account)]]
    return lambda refs: answered(_pick(refs, target), text="@x yes", mentions=mention)


BUILDS = st.one_of(
    st.builds(_mention, st.sampled_from(("alice", "bob")), TARGET),
    st.one_of(
        st.builds(said, TEXTS, TIMES),
        st.builds(named, st.sampled_from(("", "A", "B")), REVS),
        st.builds(named, st.just("A"), REVS, st.sampled_from(("hill", "ferry"))),
        st.builds(shown, st.lists(st.sampled_from(("hill", "ferry")), min_size=1, max_size=3), TIMES),
        st.builds(followed, TARGETS, REVS, st.booleans(), TIMES),
        st.lists(st.tuples(TARGETS, REVS, st.booleans()), max_size=3).map(lambda items: snapshot(*items)),
    ).map(lambda payload: lambda refs: payload),
    st.builds(_answer, TARGET, TARGET, TIMES),
    st.builds(_quote, TARGET, TIMES),
    st.builds(_replace, TARGET, TARGET),
    st.builds(_react, st.sampled_from(("like", "repost")), TARGET, REVS, st.booleans(), TIMES),
)
SEEN = st.integers(NOW_MS - 50, NOW_MS + 50)
WRITTEN = st.lists(st.tuples(st.sampled_from(FEEDS), BUILDS, SEEN), max_size=16)

Entries = list[tuple[str, int, bytes, int]]
"""feed, seq, payload, first seen"""
History = tuple[Entries, list[int], list[int]]
"""Entries, another order of them, and which of them are erased."""


def _write(written: Sequence[tuple[str, Build, int]]) -> Entries:
    """Make entries of what is drawn: each may refer to any before it."""
    entries: Entries = []
    links = {feed: genesis(feed_id(feed)) for feed in FEEDS}
    refs: list[Ref] = []
    for feed, build, seen_ms in written:
        payload = build(refs)
        links[feed] = next_link(links[feed], payload)
        refs.append(Ref(feed_id(feed), links[feed].seq, EntryId(links[feed].id)))
        entries.append((feed, links[feed].seq, payload, seen_ms))
    return entries


@st.composite
def _histories(draw: st.DrawFn) -> History:
    entries = _write(draw(WRITTEN, label="written"))
    order = draw(st.permutations(range(len(entries))))
    erased = draw(st.lists(st.sampled_from(range(len(entries))), unique=True)) if entries else []
    return entries, order, [place for place in erased if entries[place][1] > 1]


def _shelf(folder: str, entries: Entries) -> Shelf:
    shelf = Shelf(Path(folder))
    for feed in FEEDS:
        shelf.feed(feed, ACCOUNTS[feed])
        shelf.plan(feed, [payload for of, _, payload, _ in entries if of == feed])
    return shelf


@given(history=_histories())
def test_order_of_arrival_and_what_was_erased_leave_no_trace(
    history: History,
) -> None:
    entries, order, erased = history
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        straight, shuffled = _shelf(one, entries), _shelf(other, entries)
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
        shelf = _shelf(folder, entries)
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


@given(history=_histories(), limit=st.integers(1, 4))
def test_place_of_a_message_depends_on_itself_alone(history: History, limit: int) -> None:
    entries, order, _ = history
    with TemporaryDirectory() as folder:
        shelf = _shelf(folder, entries)
        try:
            for place in order:
                shelf.put(*entries[place])
            home = TIMELINE.home(shelf.connection, 50)
            assert len(home) == len({message.ref for message in home})
            for message in home:
                assert message.time_ms == min(message.claimed_ms, message.seen_ms)
                if message.relay is not None:
                    assert message.relay.time_ms <= NOW_MS + 50
            assert home == sorted(home, key=lambda message: message.place, reverse=True)
            # The same by pages, and a person's own page by seq whatever the dates.
            paged: list[Message] = []
            while part := TIMELINE.home(shelf.connection, limit, paged[-1].place if paged else None):
                paged += part
            assert paged == home
            for feed in FEEDS:
                page = TIMELINE.page(shelf.connection, account_id(ACCOUNTS[feed]), 50)
                seqs = [message.ref.seq for message in page if message.ref.feed == feed_id(feed)]
                there = [message.ref.seq for message in home if message.ref.feed == feed_id(feed)]
                assert sorted(seqs) == sorted(there)
                by_itself = [one.ref.seq for one in page if one.ref.feed == feed_id(feed) and one.relay is None]
                assert by_itself == sorted(by_itself, reverse=True)
        finally:
            shelf.close()
