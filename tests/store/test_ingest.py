"""What is stored of checked ranges, and what is refused."""

import pytest

from p2pmicro.feed.content import post, write
from p2pmicro.store import quota
from p2pmicro.store.feeds import Role, accounts_with_roles, feed_states, feeds_of
from p2pmicro.store.ingest import Outcome, ingest
from p2pmicro.store.serve import changed_feeds, entry_ids, read_range
from p2pmicro.store.verify import verify
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home, checked


def test_range_is_stored_and_served_as_it_came(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    given = feed.range(1, 200)

    assert home.take(given) == [(Outcome.STORED, 200)]

    assert read_range(home.connection, feed.feed, 1, 200, None) == given
    assert home.shown(feed.feed) == list(range(1, 201))


def test_newest_first_joins_backwards(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    assert home.take(feed.range(129, 200)) == [(Outcome.STORED, 72)]
    assert home.take(feed.range(70, 128, known=True), end=feed.links[128].id) == [(Outcome.STORED, 59)]
    assert home.take(feed.range(1, 69, known=True), end=feed.links[69].id) == [(Outcome.STORED, 69)]

    assert read_range(home.connection, feed.feed, 1, 200, None) == feed.range(1, 200)
    assert home.count("heads") == 5
    assert home.count("waypoints") == 12  # 16, 32 … 192
    assert entry_ids(home.connection, feed.feed, [1, 63, 64, 65, 199, 201]) == [
        *(feed.links[seq].id for seq in (1, 63, 64, 65, 199)),
        None,
    ]


def test_batch_follows_itself(home: Home, feed: MadeFeed) -> None:
    other = MadeFeed(70, "other", "bob")
    home.know(feed)
    home.know(other)
    outcomes = home.take(feed.range(1, 64), other.range(65, 70), feed.range(65, 100), other.range(1, 64))
    assert outcomes == [(Outcome.STORED, 64), (Outcome.STORED, 6), (Outcome.STORED, 36), (Outcome.STORED, 64)]
    assert [state.feed for state in changed_feeds(home.connection, 2)] == [feed.feed, other.feed]


def test_gap_is_filled_before_a_third_run(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    assert home.take(feed.range(1, 10), feed.range(65, 70)) == [(Outcome.STORED, 10), (Outcome.STORED, 6)]
    assert _runs(home, feed) == [(65, 70), (1, 10)]
    assert home.take(feed.range(129, 130)) == [(Outcome.DISCONNECTED, 0)]
    assert home.take(feed.range(20, 30)) == [(Outcome.DISCONNECTED, 0)]
    assert home.take(feed.range(11, 20)) == [(Outcome.STORED, 10)]  # the older one grows
    assert _runs(home, feed) == [(65, 70), (1, 20)]
    assert home.take(feed.range(5, 66)) == [(Outcome.STORED, 44)]  # over both
    assert _runs(home, feed) == [(1, 70)]
    assert home.take(feed.range(129, 130)) == [(Outcome.STORED, 2)]
    assert home.count("heads") == 4  # 1, 64, 70 and 130


def test_what_lies_below_the_only_run_and_does_not_touch_it_waits(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    assert home.take(feed.range(129, 150), feed.range(1, 64)) == [(Outcome.STORED, 22), (Outcome.DISCONNECTED, 0)]


def test_end_without_a_head_is_kept_only_where_something_follows(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    unsigned = feed.range(1, 70, known=True)
    assert home.take(unsigned, end=feed.links[70].id) == [(Outcome.DISCONNECTED, 0)]
    home.take(feed.range(71, 80))
    assert home.take(unsigned, end=feed.links[70].id) == [(Outcome.STORED, 70)]


def test_what_is_held_is_a_duplicate(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    assert home.take(feed.range(1, 100), feed.range(3, 50)) == [(Outcome.STORED, 100), (Outcome.DUPLICATE, 0)]
    change = home.feed(feed.feed).change
    assert home.take(feed.range(50, 100), feed.range(1, 1)) == [(Outcome.DUPLICATE, 0)] * 2
    assert home.feed(feed.feed).change == change


def test_each_changed_feed_takes_one_number_a_batch(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    change = home.feed(feed.feed).change
    home.take(feed.range(1, 64), feed.range(65, 128))
    assert home.feed(feed.feed).change == change + 1


def test_unknown_feed_waits_for_its_device_proof(home: Home, feed: MadeFeed) -> None:
    assert home.take(feed.range(1, 5)) == [(Outcome.UNKNOWN_FEED, 0)]


def test_feed_of_an_account_without_a_role_is_not_stored(home: Home, feed: MadeFeed) -> None:
    home.know(feed, Role.NONE)
    assert home.take(feed.range(1, 5)) == [(Outcome.UNWANTED, 0)]
    assert home.count("entries") == 0


def test_entries_that_can_not_be_read_are_kept_and_shown_to_nobody(home: Home) -> None:
    made = MadeFeed(1)
    made.append(b"\xff not CBOR")
    made.append(write(NOW_MS, "post", post("readable")))
    home.know(made)
    assert home.take(made.range(1, 3)) == [(Outcome.STORED, 3)]
    assert home.shown(made.feed) == [1, 3]
    assert read_range(home.connection, made.feed, 1, 3, None) == made.range(1, 3)


def test_place_in_time_is_the_smaller_of_claimed_and_seen(home: Home) -> None:
    made = MadeFeed(1)
    made.append(write(NOW_MS + 5, "post", post("from the future")))
    home.know(made)
    home.take(made.range(1, 2), now_ms=NOW_MS + 1)
    assert [(row.time_ms, row.seen_ms) for row in home.seen.rows.values()] == [(NOW_MS, NOW_MS + 1), (NOW_MS + 1,) * 2]


def test_more_rows_than_one_statement_takes(home: Home) -> None:
    made = MadeFeed(1, "long")
    for number in range(2200):
        made.append(write(NOW_MS, "post", post(str(number))))
    home.know(made)
    outcomes = home.take(made.range(1, 2000), made.range(2001, 2201), made.range(1900, 2100))
    assert outcomes == [(Outcome.STORED, 2000), (Outcome.STORED, 201), (Outcome.DUPLICATE, 0)]
    assert len(home.shown(made.feed)) == 2201
    assert verify(home.connection, lambda done, of: None) == []


class TestQuotas:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quota, "QUOTA_FEED_BYTES", 30_000)
        monkeypatch.setattr(quota, "QUOTA_TOTAL_BYTES", 31_000)
        monkeypatch.setattr(quota, "GUEST_MAX_BYTES", 8_000)
        monkeypatch.setattr(quota, "GUEST_FEEDS_MAX", 2)

    def test_range_over_a_feeds_quota_is_refused_as_a_whole(self, home: Home, feed: MadeFeed) -> None:
        home.know(feed)
        assert home.take(feed.range(1, 64)) == [(Outcome.STORED, 64)]
        assert home.take(feed.range(65, 200)) == [(Outcome.OVER_QUOTA, 0)]
        assert _runs(home, feed) == [(1, 64)]
        assert home.take(feed.range(65, 70)) == [(Outcome.STORED, 6)]

    def test_holes_and_rows_are_charged_as_well(self, home: Home, feed: MadeFeed) -> None:
        home.know(feed)
        home.take(feed.range(1, 10, holes=[2, 3]))
        size = sum(len(feed.payloads[seq - 1]) for seq in (1, 4, 5, 6, 7, 8, 9, 10))
        assert home.feed(feed.feed).bytes == size + 2 * 32 + 10 * 32
        home.take(feed.range(1, 10))
        assert home.feed(feed.feed).bytes == sum(map(len, feed.payloads[:10])) + 10 * 32

    def test_total_is_counted_over_feeds_and_within_a_batch(self, home: Home) -> None:
        made = [MadeFeed(50, f"feed {number}", f"account {number}") for number in range(5)]
        for one in made:
            home.know(one)
        room = 31_000 // sum(len(payload) + 32 for payload in made[0].payloads)
        assert room == 3
        outcomes = home.take(*(one.range(1, 50) for one in made))
        assert outcomes == [(Outcome.STORED, 50)] * 3 + [(Outcome.OVER_QUOTA, 0)] * 2
        assert home.take(made[4].range(1, 50)) == [(Outcome.OVER_QUOTA, 0)]
        assert verify(home.connection, lambda done, of: None) == []

    def test_ones_own_feeds_have_none_and_use_up_nobodys(self, home: Home, feed: MadeFeed) -> None:
        home.know(feed, Role.OWN)
        assert home.take(feed.range(1, 200)) == [(Outcome.STORED, 200)]
        other = MadeFeed(50, "other", "bob")
        home.know(other)
        assert home.take(other.range(1, 50)) == [(Outcome.STORED, 50)]
        home.create()
        home.append(*(write(NOW_MS, "post", post("x" * 140)) for _ in range(400)))

    def test_guests_have_a_small_one_and_are_few(self, home: Home) -> None:
        made = [MadeFeed(64, f"feed {number}", f"account {number}") for number in range(3)]
        for one in made:
            home.know(one, Role.GUEST)
        assert home.take(made[0].range(1, 64)) == [(Outcome.OVER_QUOTA, 0)]
        outcomes = home.take(*(one.range(1, 20) for one in made))
        assert outcomes == [(Outcome.STORED, 20), (Outcome.STORED, 20), (Outcome.OVER_QUOTA, 0)]
        assert home.take(made[2].range(1, 2)) == [(Outcome.OVER_QUOTA, 0)]
        home.role(made[2].account, Role.FOLLOWED)
        assert home.take(made[2].range(1, 20)) == [(Outcome.STORED, 20)]

    def test_quota_is_given_back_with_a_rollback(self, home: Home, feed: MadeFeed) -> None:
        home.know(feed)
        before = home.feed(feed.feed)
        home.connection.execute("BEGIN IMMEDIATE")
        ingest(home.connection, home.views, home.changes, [checked(feed.range(1, 64))], NOW_MS)
        home.connection.execute("ROLLBACK")
        assert home.feed(feed.feed) == before


def test_views_follow_a_change_of_role(home: Home, feed: MadeFeed) -> None:
    home.know(feed, Role.GUEST)
    home.role(feed.account, Role.FOLLOWED)
    home.role(feed.account, Role.FOLLOWED)
    number = home.feed(feed.feed).account_number
    assert home.seen.roles == [(number, Role.NONE, Role.GUEST), (number, Role.GUEST, Role.FOLLOWED)]
    assert accounts_with_roles(home.connection) == {feed.account: Role.FOLLOWED}
    assert [state.feed for state in feeds_of(home.connection, feed.account)] == [feed.feed]
    assert feed_states(home.connection) == [home.feed(feed.feed)]


def _runs(home: Home, made: MadeFeed) -> list[tuple[int, int]]:
    return [(run.before.seq + 1, run.end.seq) for run in home.feed(made.feed).runs]
