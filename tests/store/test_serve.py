"""What peers are given: whole pages with their heads, the end first, and nothing of another branch."""

import pytest

from p2pmicro.feed.chain import as_hole, check_excerpt, check_range
from p2pmicro.limits import RANGE_MAX_BYTES, RANGE_MAX_ENTRIES
from p2pmicro.store.links import ids_in_runs
from p2pmicro.store.serve import changed_feeds, entry_ids, first_payload, fork_side, read_excerpt, read_range
from tests.made import MadeFeed
from tests.store.home import Home


@pytest.fixture
def full(home: Home, feed: MadeFeed) -> Home:
    home.know(feed)
    home.take(feed.range(1, 200))
    return home


@pytest.mark.parametrize(
    ("first", "last", "end"), [(1, 1, 1), (1, 2, 64), (60, 64, 64), (60, 65, 128), (129, 130, 192), (193, 194, 200)]
)
def test_range_ends_at_the_next_head(full: Home, feed: MadeFeed, first: int, last: int, end: int) -> None:
    assert read_range(full.connection, feed.feed, first, last, None) == feed.range(first, end)


def test_range_ends_where_the_peer_knows_the_id(full: Home, feed: MadeFeed) -> None:
    given = read_range(full.connection, feed.feed, 30, 100, feed.links[100].id[:16])
    assert given == feed.range(30, 100, known=True)
    assert given is not None
    check_range(given, feed.links[100].id)


def test_other_branch_is_not_served(full: Home, feed: MadeFeed) -> None:
    assert read_range(full.connection, feed.feed, 30, 100, bytes(16)) is None


def test_range_begins_where_the_run_does(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    home.take(feed.range(100, 200))
    assert read_range(home.connection, feed.feed, 1, 128, None) == feed.range(100, 128)
    assert read_range(home.connection, feed.feed, 1, 99, None) is None
    assert read_range(home.connection, feed.feed, 200, 201, None) is None


@pytest.mark.parametrize(("first", "last"), [(0, 5), (7, 6), (-3, -1)])
def test_range_that_is_none_is_not_served(full: Home, feed: MadeFeed, first: int, last: int) -> None:
    assert read_range(full.connection, feed.feed, first, last, None) is None


def test_unknown_feed_has_nothing(home: Home, feed: MadeFeed) -> None:
    assert read_range(home.connection, feed.feed, 1, 5, None) is None
    assert entry_ids(home.connection, feed.feed, [1, 2]) == [None, None]
    assert read_excerpt(home.connection, feed.feed, 1) is None
    assert fork_side(home.connection, feed.feed, 1) is None


def test_large_range_keeps_its_end(home: Home) -> None:
    made = MadeFeed(1, "large")
    for _ in range(300):
        made.append(bytes(4000))
    home.know(made)
    home.take(made.range(1, 200), made.range(201, 301))
    given = read_range(home.connection, made.feed, 1, 301, None)
    count = RANGE_MAX_BYTES // 4000
    assert given == made.range(301 - count + 1, 301)


def test_many_small_entries_are_cut_by_their_number(home: Home) -> None:
    made = MadeFeed(1, "small")
    for _ in range(2200):
        made.append(b"\x00")
    home.know(made)
    home.take(made.range(1, 2000), made.range(2001, 2201))
    given = read_range(home.connection, made.feed, 1, 2201, None)
    assert given == made.range(2201 - RANGE_MAX_ENTRIES + 1, 2201)


def test_holes_are_served_as_holes(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    given = feed.range(1, 128, holes=[1, 5, 64, 128])
    home.take(given)
    assert read_range(home.connection, feed.feed, 1, 128, None) == given
    assert read_excerpt(home.connection, feed.feed, 5) is None
    assert first_payload(home.connection, home.feed(feed.feed)) == 2


def test_first_payload_of_nothing_is_what_comes_next(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    assert first_payload(home.connection, home.feed(feed.feed)) == 1
    home.take(feed.range(1, 3, holes=[1, 2, 3]))
    assert first_payload(home.connection, home.feed(feed.feed)) == 4


@pytest.mark.parametrize(("seq", "end"), [(1, 1), (2, 64), (64, 64), (65, 128), (193, 200), (200, 200)])
def test_excerpt_proves_one_entry(full: Home, feed: MadeFeed, seq: int, end: int) -> None:
    excerpt = read_excerpt(full.connection, feed.feed, seq)
    assert excerpt == feed.excerpt(seq, end)
    assert excerpt is not None
    assert check_excerpt(excerpt) == feed.links[seq].id
    side = fork_side(full.connection, feed.feed, seq)
    assert side is not None
    assert side[1].items == [as_hole(payload) for payload in feed.payloads[seq - 1 : end]]


def test_ids_of_all_entries(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    home.take(feed.range(1, 40), feed.range(70, 200))
    wanted = [feed.links[seq].id if seq <= 40 or seq >= 70 else None for seq in range(1, 201)]
    assert entry_ids(home.connection, feed.feed, range(1, 201)) == wanted


def test_ids_do_not_need_waypoints(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    home.take(feed.range(33, 110))
    home.connection.execute("DELETE FROM waypoints WHERE key & 255 <> 96")
    wanted = [feed.links[seq].id if 33 <= seq <= 110 else None for seq in range(20, 115)]
    assert entry_ids(home.connection, feed.feed, range(20, 115)) == wanted
    assert [entry_ids(home.connection, feed.feed, [seq])[0] for seq in range(20, 115)] == wanted


def test_ids_of_many_feeds_at_once(home: Home) -> None:
    made = [MadeFeed(40, f"feed {number}") for number in range(3)]
    for one in made:
        home.know(one)
        home.take(one.range(1, 40, holes=[18, 20]))
    bases = [home.feed(one.feed).key(0) for one in made]
    keys = [base + seq for seq in (40, 17, 1, 21, 16, 41) for base in (*bases, 77 << 32)]
    wanted = {
        base + seq: one.links[seq].id for seq in (40, 17, 1, 21, 16) for base, one in zip(bases, made, strict=True)
    }
    assert ids_in_runs(home.connection, keys) == wanted


def test_changed_feeds_come_by_change_number(home: Home) -> None:
    made = [MadeFeed(2, f"feed {number}") for number in range(3)]
    for one in made:
        home.know(one)
    home.take(made[1].range(1, 2))
    states = list(changed_feeds(home.connection, 0))
    assert [state.feed for state in states] == [made[0].feed, made[2].feed, made[1].feed]
    assert [state.feed for state in changed_feeds(home.connection, states[1].change)] == [made[1].feed]
    assert list(changed_feeds(home.connection, states[2].change)) == []
