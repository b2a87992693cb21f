"""What is stored of checked ranges, and what is refused."""

from p2pmicro.feed.content import post, write
from p2pmicro.store.feeds import Role
from p2pmicro.store.ingest import Outcome
from p2pmicro.store.serve import changed_feeds, entry_ids, read_range
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home


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


def test_own_entries_are_appended(home: Home) -> None:
    home.create()
    refs = home.append(*(write(NOW_MS, "post", post(str(number))) for number in range(70)))
    assert [ref.seq for ref in refs] == list(range(2, 72))
    assert home.append(write(NOW_MS, "post", post("last")))[0].seq == 72
    found = read_range(home.connection, refs[0].feed, 1, 72, None)
    assert found is not None
    assert sorted(found.heads) == [1, 64, 72]
    mark = home.mark.read()
    assert mark is not None
    assert mark.seq == 72
    assert home.feed(refs[0].feed).role == Role.OWN
