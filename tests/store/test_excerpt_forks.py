"""Excerpts of branches: one that a fork or revoke hides shows nothing, and is not kept."""

from p2pmicro.feed.device import make_revoke
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.store.alone import all_alone_rows
from p2pmicro.store.cut import learn_fork, learn_revoke
from p2pmicro.store.db import transaction
from p2pmicro.store.excerpts import Taken, last_wanted, wanted_after
from p2pmicro.store.feeds import Role
from tests.made import MadeFeed
from tests.store.alone import Shelf, answer, delete, ref


def test_dead_branch_is_not_taken(shelf: Shelf, friend: MadeFeed) -> None:
    other = MadeFeed(20, "other", "other")
    dead = other.branch(11, 5)
    shelf.know(other, Role.HOP)
    proof = make_fork_proof(other.feed, other.links[10], other.side(11, 20), dead.side(11, 15))
    for made, seq in ((other, 9), (other, 12), (dead, 12)):
        answer(friend, ref(made, seq))
    shelf.hold(friend)
    with transaction(shelf.connection):
        learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
    assert [one.seq for one in shelf.wanted] == [9]
    answer(friend, ref(dead, 13))
    shelf.hear(friend)
    assert [one.seq for one in shelf.wanted] == [9], "what is hidden is not asked for"
    assert shelf.bring(dead, 12) == [Taken.UNWANTED]
    assert shelf.bring(other, 9) == [Taken.STORED]


def test_what_a_fork_or_revoke_hides_goes(shelf: Shelf, friend: MadeFeed) -> None:
    other = MadeFeed(20, "other", "other")
    dead = other.branch(11, 5)
    for seq in (9, 12):
        answer(friend, ref(other, seq))
    shelf.hold(friend)
    shelf.bring(other, 9, 12)
    with transaction(shelf.connection):
        proof = make_fork_proof(other.feed, other.links[10], other.side(11, 20), dead.side(11, 15))
        learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
    assert shelf.alone(other) == [9]
    with transaction(shelf.connection):
        revoke = make_revoke(other.account_key, other.feed, other.links[8])
        learn_revoke(shelf.connection, shelf.views, shelf.changes, revoke)
    assert shelf.alone(other) == []
    shelf.check()


def test_what_a_revoke_shows_again_is_asked_for_again(shelf: Shelf, friend: MadeFeed) -> None:
    """What was held alone when the fork was learnt, what was wanted then, and what came to be wanted since."""
    other = MadeFeed(20, "other", "other")
    dead = other.branch(11, 5)
    for seq in (12, 13, 20):
        answer(friend, ref(other, seq))
    shelf.hold(friend)
    shelf.bring(other, 12)
    with transaction(shelf.connection):
        proof = make_fork_proof(other.feed, other.links[10], other.side(11, 20), dead.side(11, 15))
        learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
    answer(friend, ref(other, 14))
    shelf.hear(friend)
    shelf.settle()
    assert shelf.wanted == []
    asked_upto = last_wanted(shelf.connection)
    with transaction(shelf.connection):
        revoke = make_revoke(other.account_key, other.feed, other.links[19])
        learn_revoke(shelf.connection, shelf.views, shelf.changes, revoke)
    again = {ref(other, seq) for seq in (12, 13, 14)}
    assert {one for _, one in wanted_after(shelf.connection, asked_upto, 100)[1]} == again
    shelf.check()
    assert set(shelf.wanted) == again
    assert shelf.bring(other, 12) == [Taken.STORED]


def test_past_a_fork_an_excerpt_must_reach_the_revoke(shelf: Shelf, friend: MadeFeed) -> None:
    other = MadeFeed(20, "other", "other")
    dead = other.branch(11, 10)
    shelf.know(other, Role.HOP)
    for made in (other, dead):
        answer(friend, ref(made, 12))
    shelf.hold(friend)
    with transaction(shelf.connection):
        proof = make_fork_proof(other.feed, other.links[10], other.side(11, 20), dead.side(11, 20))
        learn_revoke(
            shelf.connection,
            shelf.views,
            shelf.changes,
            make_revoke(other.account_key, other.feed, other.links[20]),
        )
        learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
        shelf.views[-1].clear(shelf.connection)
        for one in (dead, other):  # as if they had been wanted before
            shelf.connection.execute(
                "INSERT INTO wanted (feed, seq, id, time_ms, steps, charged) VALUES (?, 12, ?, 0, 1, 1)",
                (one.feed, one.links[12].id),
            )
    assert shelf.bring(dead, 12) == [Taken.BRANCH]
    assert shelf.bring(other, 12) == [Taken.STORED]


def test_thousand_excerpts_of_deleted_or_forked_entries_show_nothing(shelf: Shelf, friend: MadeFeed) -> None:
    """X10 of the threats."""
    gone, forked = MadeFeed(502, "gone", "gone"), MadeFeed(501, "forked", "forked")
    dead = forked.branch(2, 500)
    for seq in range(2, 502):
        delete(gone, ref(gone, seq))
    for made in (gone, dead):
        for seq in range(2, 502):
            answer(friend, ref(made, seq))
    shelf.know(gone)
    shelf.take(gone.range(503, gone.last))  # the deletes alone: what they name lies below
    shelf.know(forked, Role.HOP)
    with transaction(shelf.connection):
        proof = make_fork_proof(forked.feed, forked.links[1], forked.side(2, 64), dead.side(2, 64))
        learn_fork(shelf.connection, shelf.views, shelf.changes, proof)
    shelf.hold(friend)
    with transaction(shelf.connection):  # as if all had been wanted before
        for made in (gone, dead):
            shelf.connection.executemany(
                "INSERT OR REPLACE INTO wanted (feed, seq, id, time_ms, steps, charged) VALUES (?, ?, ?, 0, 1, 1)",
                [(made.feed, seq, made.links[seq].id) for seq in range(2, 502)],
            )
    outcomes = [*shelf.bring(gone, *range(2, 502)), *shelf.bring(dead, *range(2, 502))]
    assert outcomes == [Taken.DELETED] * 500 + [Taken.BRANCH] * 500
    assert not any(row.alone for row in shelf.seen.rows.values())
    assert list(all_alone_rows(shelf.connection)) == []
