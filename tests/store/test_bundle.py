"""What a bundle has of a store's feeds. Source: protocol/bundle.md, "Feeds in it"."""

from collections.abc import Sequence

from p2pmicro.feed.bundle import Given
from p2pmicro.feed.chain import Range, check_range
from p2pmicro.feed.content import delete, post, write
from p2pmicro.feed.device import check_revoke, make_revoke
from p2pmicro.ids import FeedId, Ref
from p2pmicro.store import private
from p2pmicro.store.bundle import Extent, feeds_to_give, records_of, survey
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import Role
from p2pmicro.store.ingest import learn_revoke
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def ranges(records: Sequence[Given]) -> list[Range]:
    return [record for record in records if isinstance(record, Range)]


def records(home: Home, feed: FeedId) -> list[Given]:
    return list(records_of(home.connection, feed))


def test_ranges_come_newest_first_and_begin_where_pages_do(home: Home) -> None:
    long = MadeFeed(2500, "long")
    home.know(long)
    for first in range(1, 2500, 1000):
        home.take(long.range(first, min(first + 999, 2500)))
    proof, *rest = records(home, long.feed)
    assert proof == long.proof
    assert ranges(rest) == [long.range(2049, 2500), long.range(1025, 2048), long.range(1, 1024)]
    for given in ranges(rest):
        check_range(given)


def test_large_payloads_are_cut_into_smaller_ranges_and_none_twice(home: Home) -> None:
    large = MadeFeed(1, "large")
    for number in range(2, 400):
        large.append(write(NOW_MS, "post", post("x" * 140, note="y" * (8000 if number < 200 else 3000))))
    home.know(large)
    for last in range(0, 399, 64):
        home.take(large.range(last + 1, min(last + 64, 399)))
    found = ranges(records(home, large.feed))
    covered = [seq for given in found for seq in range(given.before.seq + 1, given.last_seq + 1)]
    assert sorted(covered) == list(range(1, 400))
    assert all(given.before.seq % 64 == 0 for given in found)
    for given in found:
        check_range(given)


def test_both_runs_are_given_and_the_gap_is_not(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    home.take(feed.range(1, 64))
    home.take(feed.range(150, 200))
    found = ranges(records(home, feed.feed))
    assert [(given.before.seq, given.last_seq) for given in found] == [(149, 200), (0, 64)]


def test_deleted_payload_is_a_hole(home: Home) -> None:
    made = MadeFeed(20, "author")
    made.append(write(NOW_MS, "delete", delete(Ref(made.feed, 7, made.links[7].id))))
    home.know(made)
    home.take(made.range(1, 21))
    assert ranges(records(home, made.feed)) == [made.range(1, 21, holes=[7])]


def test_revoke_comes_before_what_it_judges_and_hidden_entries_stay_here(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    home.take(feed.range(1, 200))
    revoke = make_revoke(feed.account_key, feed.feed, feed.links[70])
    with transaction(home.connection):
        learn_revoke(home.connection, home.views, home.changes, revoke)
    proof, given, *rest = records(home, feed.feed)
    assert (proof, given) == (feed.proof, revoke)
    check_revoke(revoke, feed.account)
    assert max(one.last_seq for one in ranges(rest)) <= 128  # the next head after what is shown


def test_feed_that_was_forgotten_meanwhile_gives_nothing(home: Home, feed: MadeFeed) -> None:
    assert records(home, feed.feed) == []


def test_survey_counts_payloads_and_the_dates_that_are_claimed(home: Home, feed: MadeFeed) -> None:
    home.know(feed)
    home.take(feed.range(1, 200, holes=[3, 4]))
    extent = survey(home.connection, [home.feed(feed.feed)], quiet)
    payloads = [payload for seq, payload in enumerate(feed.payloads, 1) if seq not in (3, 4)]
    assert extent == Extent(1, 198, sum(map(len, payloads)), NOW_MS, NOW_MS + 200_000)
    assert survey(home.connection, [], quiet) == Extent(0, 0, 0, None, None)


def test_others_are_given_if_they_are_wanted_here_and_not_blocked(home: Home) -> None:
    home.create()
    made = {name: MadeFeed(3, name, name) for name in ("friend", "hop", "guest", "gone", "blocked")}
    roles = {"friend": Role.FOLLOWED, "hop": Role.HOP, "guest": Role.GUEST, "gone": Role.NONE, "blocked": Role.FOLLOWED}
    for name, one in made.items():
        home.know(one, roles[name])
    with transaction(home.connection):
        private.put(home.connection, "block", made["blocked"].account, True)
    own = home.own.account

    def given(everybody: bool) -> set[FeedId]:
        return {state.feed for state in feeds_to_give(home.connection, own, everybody)}

    assert given(False) == {home.own.feed}
    assert given(True) == {home.own.feed, made["friend"].feed, made["hop"].feed}
