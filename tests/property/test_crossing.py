"""What crosses on its way: peers that say or do two things at once miss nothing by it."""

import pytest

from p2pmicro.feed.device import make_revoke
from p2pmicro.ids import EntryId
from p2pmicro.store import peers
from p2pmicro.store.db import transaction
from p2pmicro.store.ingest import learn_revoke
from p2pmicro.store.peers import Offer
from p2pmicro.sync.message import AskIds, Have, HaveItem, Ids, RangeGiven
from tests.made import MadeFeed
from tests.property.pipe import End, Party, Pipe, World


@pytest.mark.parametrize("round_", [21, 30, 44])
def test_two_revokes_at_one_seq_end_as_the_smaller(world: World, round_: int) -> None:
    author = MadeFeed(50, f"author {round_}", account="author")
    branch = author.branch(40, 11)
    alice, bob = world.add("alice"), world.add("bob")
    for party in (alice, bob):
        party.hold(author, 1, 50)
    world.cut(joined(world, alice, bob))
    for party, made in ((alice, author), (bob, branch)):
        with transaction(party.connection):
            signed = make_revoke(author.account_key, author.feed, made.links[50])
            assert learn_revoke(party.connection, party.views, party.changes, signed)
    world.rng.seed(round_)
    joined(world, alice, bob)
    smaller = min(author.links[50].id, branch.links[50].id)
    for party in (alice, bob):
        revoke = party.state(author.feed).revoke
        assert revoke is not None
        assert revoke.id == smaller


def joined(world: World, one: Party, other: Party) -> Pipe:
    pipe = world.join(one, other)
    world.settle()
    world.check_no_errors()
    return pipe


def item(made: MadeFeed, last: int, prefix: bytes = bytes(16)) -> HaveItem:
    return HaveItem(made.feed, made.account, 1, [(1, 1, last)], prefix, made.proof)


def drive(world: World, still: End) -> None:
    """Go on until nothing is left to do, but one end looks nothing up."""
    while steps := [
        step
        for step in world.steps()
        if getattr(step, "__self__", None) is not still or step.__name__ not in ("_run", "_tell")
    ]:
        world.rng.choice(steps)()


def test_newer_offer_outlives_the_failure_of_an_older_one(world: World) -> None:
    author = MadeFeed(100, "author", account="author")
    alice, bob = world.add("alice"), world.add("bob")
    alice.follow(author.account)
    end = joined(world, alice, bob).ends[1]
    end.session.send(Have([item(author, 100)], 5), bob.now)
    drive(world, end)
    wanted = len(end.session._wants)
    assert wanted
    end.session.send(Have([item(author, 80)], 9), bob.now)  # what was wanted is gone meanwhile
    for _ in range(wanted):
        end._run()
        end._tell()
    drive(world, end)
    peer = peers.load_peer(alice.connection, bob.feed)
    assert peer is not None
    assert peer.cursor == 9
    assert peers.offers_of(alice.connection, bob.feed) == [Offer(author.feed, author.account, 1, 80)]


def test_offer_that_failed_is_forgotten(world: World) -> None:
    author = MadeFeed(100, "author", account="author")
    alice, bob = world.add("alice"), world.add("bob")
    alice.follow(author.account)
    end = joined(world, alice, bob).ends[1]
    end.session.send(Have([item(author, 100)], 5), bob.now)
    world.settle()
    assert peers.offers_of(alice.connection, bob.feed) == []


def test_hunt_ends_when_its_want_is_answered_with_another_feed(world: World) -> None:
    author, other = (MadeFeed(100, name, account=name) for name in ("author", "other"))
    alice, bob = world.add("alice"), world.add("bob")
    for made in (author, other):
        alice.hold(made, 1, 100)
    end = joined(world, alice, bob).ends[1]
    end.session.send(Have([item(author, 100)], 5), bob.now)
    drive(world, end)
    asked = [message for message in end.heard if isinstance(message, AskIds)][-1]
    end.talk.jobs.clear()
    answer = Ids(author.feed, [(seq, author.links[seq].id if seq < 40 else EntryId(bytes(32))) for seq in asked.seqs])
    end.session.send(answer, bob.now)
    while not end.session._wants:
        drive(world, end)
        asks = [message for message in end.heard if isinstance(message, AskIds)]
        end.talk.jobs.clear()
        if not end.session._wants:
            ids = [(seq, author.links[seq].id if seq < 40 else EntryId(bytes(32))) for seq in asks[-1].seqs]
            end.session.send(Ids(author.feed, ids), bob.now)
    want = end.session._wants.popleft()
    end.session.send(RangeGiven(want.number, other.range(1, 10)), bob.now)
    drive(world, end)
    assert not alice.replicator._branches._hunts
