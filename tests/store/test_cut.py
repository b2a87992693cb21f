"""Forks and revokes: what is hidden, what is dropped, and how a feed heals."""

import pytest

from p2pmicro.feed.chain import check_range
from p2pmicro.feed.content import write
from p2pmicro.feed.device import Revoke, check_device_proof, make_revoke, revoke_content
from p2pmicro.feed.fork import ForkProof, make_fork_proof
from p2pmicro.ids import EntryId
from p2pmicro.store.cut import learn_fork, learn_revoke
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import Role, add_feed, shown_end, shown_limit
from p2pmicro.store.ingest import Outcome
from p2pmicro.store.serve import fork_side, read_range
from p2pmicro.store.verify import verify
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home

AT = 70  # where the branches part


@pytest.fixture(scope="module")
def one() -> MadeFeed:
    return MadeFeed(150, "forked")


@pytest.fixture(scope="module")
def other(one: MadeFeed) -> MadeFeed:
    return one.branch(AT, 100)


def _proof(one: MadeFeed, other: MadeFeed, at: int = AT) -> ForkProof:
    return make_fork_proof(one.feed, one.links[at - 1], one.side(at, 128), other.side(at, 128))


def _learn(home: Home, what: ForkProof | Revoke) -> bool:
    with transaction(home.connection):
        if isinstance(what, Revoke):
            return learn_revoke(home.connection, home.views, home.changes, what)
        return learn_fork(home.connection, home.views, home.changes, what)


def _revoke(made: MadeFeed, seq: int) -> Revoke:
    return make_revoke(made.account_key, made.feed, made.links[seq])


def _runs(home: Home, made: MadeFeed) -> list[tuple[int, int]]:
    return [(run.before.seq + 1, run.end.seq) for run in home.feed(made.feed).runs]


def _fine(home: Home) -> bool:
    return verify(home.connection, lambda done, of: None) == []


class TestForks:
    def test_feed_ends_before_the_fork(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 150))
        change = home.feed(one.feed).change
        assert _learn(home, _proof(one, other))
        state = home.feed(one.feed)
        assert (state.fork_seq, shown_limit(state), shown_end(state)) == (AT, AT - 1, AT - 1)
        assert state.fork == _proof(one, other)
        assert state.change > change
        assert home.shown(one.feed) == list(range(1, AT))
        assert read_range(home.connection, one.feed, 1, 150, None) == one.range(1, 150)  # chain-valid all the same
        assert _fine(home)

    def test_smallest_fork_wins(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 150))
        earlier = one.branch(40, 100)
        assert _learn(home, _proof(one, other))
        assert not _learn(home, _proof(one, other))
        assert _learn(home, make_fork_proof(one.feed, one.links[39], one.side(40, 64), earlier.side(40, 64)))
        assert not _learn(home, _proof(one, other))
        assert home.shown(one.feed) == list(range(1, 40))

    def test_fork_of_an_unknown_feed_is_not_kept(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        assert not _learn(home, _proof(one, other))

    def test_run_that_is_hidden_as_a_whole_makes_room(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(129, 150))
        assert _learn(home, _proof(one, other))
        assert _runs(home, one) == []
        assert home.count("entries") == home.feed(one.feed).bytes == 0
        assert home.take(one.range(129, 150)) == [(Outcome.UNWANTED, 0)]
        assert home.take(other.range(1, 128)) == [(Outcome.STORED, 128)]
        assert home.shown(one.feed) == list(range(1, AT))
        assert _fine(home)

    def test_other_branch_does_not_agree(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 100))
        assert home.take(other.range(65, 128)) == [(Outcome.BRANCH, 0)]
        assert home.take(other.range(101, 128)) == [(Outcome.BRANCH, 0)]
        assert home.take(one.range(60, 128)) == [(Outcome.STORED, 28)]

    def test_two_runs_on_two_branches_do_not_join(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 100))
        home.take(other.range(110, 128))
        assert home.take(other.range(90, 109, known=True), end=other.links[109].id) == [(Outcome.BRANCH, 0)]
        assert _runs(home, one) == [(110, 128), (1, 100)]

    def test_entry_1_must_be_the_proven_one(self, home: Home, one: MadeFeed) -> None:
        home.know(one)
        twin = one.branch(1, 5)
        assert home.take(twin.range(1, 5)) == [(Outcome.BRANCH, 0)]
        assert home.take(twin.range(2, 5)) == [(Outcome.BRANCH, 0)]

    def test_our_side_proves_the_fork(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 150))
        found = fork_side(home.connection, one.feed, AT)
        assert found == (one.links[AT - 1], one.side(AT, 128))
        assert make_fork_proof(one.feed, found[0], found[1], other.side(AT, 128)) == _proof(one, other)
        assert fork_side(home.connection, one.feed, 151) is None


class TestRevokes:
    def test_what_follows_the_revoke_is_hidden(self, home: Home, one: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 150))
        change = home.feed(one.feed).change
        assert _learn(home, _revoke(one, 100))
        assert home.shown(one.feed) == list(range(1, 101))
        assert home.feed(one.feed).revoke == _revoke(one, 100)
        assert home.feed(one.feed).change > change
        assert _runs(home, one) == [(1, 150)]
        assert _fine(home)

    def test_smallest_revoke_wins(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 150))
        assert _learn(home, _revoke(one, 100))
        assert not _learn(home, _revoke(one, 101))
        assert not _learn(home, _revoke(one, 100))
        assert _learn(home, _revoke(one, 30))
        assert home.shown(one.feed) == list(range(1, 31))
        ids = sorted((Revoke(one.feed, 20, EntryId(bytes([n]) * 32), bytes(64)) for n in (1, 2)), key=lambda r: r.id)
        assert _learn(home, ids[1])
        assert _learn(home, ids[0])
        assert not _learn(home, ids[1])

    def test_revoke_shows_the_named_branch_of_a_fork(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 150))
        _learn(home, _proof(one, other))
        assert _learn(home, _revoke(one, 140))
        assert home.shown(one.feed) == list(range(1, 141))
        assert _fine(home)

    def test_other_branch_is_dropped_down_to_what_both_share(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 150))
        _learn(home, _proof(one, other))
        assert _learn(home, _revoke(other, 140))
        assert _runs(home, one) == [(1, 64)]
        assert home.shown(one.feed) == list(range(1, 65))
        assert _fine(home)
        assert home.take(one.range(65, 128)) == [(Outcome.DISCONNECTED, 0)]  # which branch it is can't be told yet
        assert home.take(one.range(65, 150)) == [(Outcome.BRANCH, 0)]
        assert home.take(other.range(129, 150)) == [(Outcome.STORED, 22)]
        assert home.take(other.range(65, 128, known=True), end=other.links[128].id) == [(Outcome.STORED, 64)]
        assert home.shown(one.feed) == list(range(1, 141))
        assert read_range(home.connection, one.feed, 1, 150, None) == other.range(1, 150)
        assert _fine(home)

    def test_order_of_fork_and_revoke_does_not_matter(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 150))
        _learn(home, _revoke(other, 140))
        assert _runs(home, one) == []  # another branch, and nobody knows yet from where
        _learn(home, _proof(one, other))
        assert home.take(other.range(1, 150)) == [(Outcome.STORED, 150)]
        assert home.shown(one.feed) == list(range(1, 141))
        assert _fine(home)

    def test_short_copy_of_the_wrong_branch_is_found_by_the_fork(
        self, home: Home, one: MadeFeed, other: MadeFeed
    ) -> None:
        home.know(one)
        home.take(one.range(1, 100))
        _learn(home, _revoke(other, 140))
        assert _runs(home, one) == [(1, 100)]  # nothing speaks against it yet
        _learn(home, _proof(one, other))
        assert _runs(home, one) == [(1, 64)]
        assert _fine(home)

    def test_older_run_is_kept_when_the_newest_goes(self, home: Home, one: MadeFeed, other: MadeFeed) -> None:
        home.know(one)
        home.take(one.range(1, 64))
        home.take(one.range(129, 150))
        _learn(home, _revoke(other, 140))
        assert _runs(home, one) == [(1, 64)]
        assert _fine(home)

    def test_revoke_of_an_unknown_feed_is_not_learnt(self, home: Home, one: MadeFeed) -> None:
        assert not _learn(home, _revoke(one, 3))


class TestRevokeEntries:
    """A revoke that lies in another feed of the account."""

    def _phone(self, revoke: Revoke, account: str = "alice") -> MadeFeed:
        phone = MadeFeed(2, "phone", account)
        phone.append(write(NOW_MS, "revoke", revoke_content(revoke)))
        return phone

    def test_it_acts_on_the_feed_that_it_names(self, home: Home, one: MadeFeed) -> None:
        phone = self._phone(_revoke(one, 100))
        home.know(one)
        home.know(phone)
        home.take(phone.range(1, 3), one.range(1, 150))
        assert home.shown(one.feed) == list(range(1, 101))
        assert _fine(home)

    def test_it_waits_for_a_feed_that_is_not_known_yet(self, home: Home, one: MadeFeed) -> None:
        phone = self._phone(_revoke(one, 100))
        home.know(phone)
        home.take(phone.range(1, 3))
        home.know(one)
        assert home.feed(one.feed).revoke == _revoke(one, 100)
        assert home.count("revokes") == 0
        home.take(one.range(1, 150))
        assert home.shown(one.feed) == list(range(1, 101))

    def test_smallest_waits(self, home: Home, one: MadeFeed) -> None:
        phone = self._phone(_revoke(one, 100))
        for seq in (50, 70):
            phone.append(write(NOW_MS, "revoke", revoke_content(_revoke(one, seq))))
        home.know(phone)
        home.take(phone.range(1, 5))
        home.know(one)
        assert home.feed(one.feed).revoke == _revoke(one, 50)

    @pytest.mark.parametrize("known_first", [True, False])
    def test_another_accounts_is_void(self, home: Home, one: MadeFeed, known_first: bool) -> None:
        bob = MadeFeed(1, "bob's", "bob")
        phone = self._phone(make_revoke(bob.account_key, one.feed, one.links[5]), "bob")
        home.know(phone)
        if known_first:
            home.know(one)
        home.take(phone.range(1, 3))
        home.know(one)
        assert home.feed(one.feed).revoke is None

    def test_one_that_the_account_did_not_sign_is_void(self, home: Home, one: MadeFeed) -> None:
        phone = self._phone(Revoke(one.feed, 5, one.links[5].id, bytes(64)))
        home.know(phone)
        home.know(one)
        home.take(phone.range(1, 3))
        assert home.feed(one.feed).revoke is None
        assert home.shown(phone.feed) == [1, 2, 3]

    def test_it_holds_even_where_it_is_hidden(self, home: Home, one: MadeFeed) -> None:
        phone = self._phone(_revoke(one, 100))
        home.know(phone)
        home.know(one)
        _learn(home, make_revoke(phone.account_key, phone.feed, phone.links[2]))
        home.take(phone.range(1, 3))
        assert home.shown(phone.feed) == [1, 2]
        assert home.feed(one.feed).revoke == _revoke(one, 100)


def test_feed_is_added_once(home: Home, one: MadeFeed) -> None:
    home.know(one)
    before = home.feed(one.feed)
    with transaction(home.connection):
        assert add_feed(home.connection, home.changes, check_device_proof(one.proof)) == before
    assert before.role == Role.FOLLOWED
    assert before.newest is None
    assert shown_end(before) == 0
    check_range(one.range(1, 3))
