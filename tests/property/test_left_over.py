"""What is held in part is erased like the rest: of whom one follows no longer, of guests, of what fills a quota.

Source: protocol/sync.md, "interest-deletes" and "excerpt-delete"; threats P7, P1 and X20.
"""

import pytest

from p2pmicro.feed import content
from p2pmicro.ids import AccountId, FeedId, Ref
from p2pmicro.store import peers, quota
from p2pmicro.store.db import transaction
from p2pmicro.store.effects import deleter_of
from p2pmicro.store.excerpts import deletes_after
from p2pmicro.store.feeds import Role, feed_state
from p2pmicro.store.peers import Scope, interest_set, interest_version
from p2pmicro.store.verify import verify
from tests.property.pipe import Party, World

START = (0, b"", 0, 0)
"""Before all deletes that were noted."""


def with_hops(world: World, *names: str) -> list[Party]:
    """Nodes that want only those whom they follow and meet."""
    parties = [world.add(name) for name in names]
    for party in parties:
        with transaction(party.connection):
            peers.set_hops(party.connection, 1)
        party.refresh()
    return parties


def meet(world: World, one: Party, other: Party) -> None:
    """Two meet, bring each other up to date, and part."""
    pipe = world.join(one, other)
    world.settle()
    world.cut(pipe)
    world.check_no_errors()


def let_go(party: Party, account: AccountId) -> None:
    """Follow somebody no longer who is no guest either."""
    party.follow(account, on=False)
    assert party.roles().get(account, Role.NONE) is Role.NONE


def payloads_of(party: Party, feed: FeedId) -> set[int]:
    """The seqs whose payloads are held."""
    return {seq for seq, payload in party.payloads(feed).items() if payload is not None}


def fill(world: World, writer: Party) -> list[Ref]:
    """Somebody writes, little by little, more than others take."""
    refs = []
    for _ in range(60):
        refs += writer.post(10)
        world.settle()
    return refs


def check(party: Party, ref: Ref) -> None:
    """An entry is gone, nothing of it is left, and all else is whole."""
    assert not party.shows(ref)
    assert ref.seq not in payloads_of(party, ref.feed)
    assert verify(party.connection, lambda done, total: None) == []


@pytest.mark.parametrize("live", [True, False], ids=["live", "later"])
def test_delete_reaches_who_follows_its_author_no_longer(world: World, live: bool) -> None:
    alice, bob, carol = with_hops(world, "alice", "bob", "carol")
    for party in (alice, carol):
        party.follow(bob.account)
    refs = bob.post(70)
    world.join(carol, bob)
    pipe = world.join(alice, carol)
    world.settle()
    let_go(alice, bob.account)
    assert interest_set(alice.connection, Scope.DELETES) == {bob.account, carol.account}, "and the guest"
    if not live:
        world.cut(pipe)
    bob.post(3)
    bob.delete(refs[10])
    bob.post(3)
    if not live:
        world.settle()
        world.join(alice, carol)
    world.settle()
    check(alice, refs[10])
    assert payloads_of(alice, bob.feed) == set(range(1, 72)) - {refs[10].seq}, "and nothing else comes"
    alice.follow(bob.account)
    world.settle()
    assert interest_set(alice.connection, Scope.DELETES) == {carol.account}
    assert alice.end_of(bob.feed) == bob.end_of(bob.feed)
    check(alice, refs[10])


def test_delete_comes_from_who_holds_it_in_a_run_or_alone(world: World) -> None:
    """Along a chain of people of whom none wants its author: each holds the message, in another way."""
    author, fan, former, quoting, late = with_hops(world, "author", "fan", "former", "quoting", "late")
    (ref,) = author.post()
    for party in (fan, former, late):
        party.follow(author.account)
        meet(world, party, author)
    let_go(former, author.account)
    quoting.say("see", quote=content.ref_value(ref))
    meet(world, quoting, fan)
    assert quoting.shows(ref)
    author.delete(ref)
    meet(world, fan, author)
    check(fan, ref)
    for giver, taker in ((fan, former), (former, quoting), (quoting, late)):
        assert taker.shows(ref)
        meet(world, taker, giver)
        assert not taker.shows(ref), taker.name
    assert [noted.alone for party in (former, quoting, late) for noted in deletes_after(party.connection, START)] == [
        True
    ] * 3
    assert late.roles()[author.account] is Role.FOLLOWED
    for party in (former, late):
        check(party, ref)
    meet(world, late, author)
    assert payloads_of(late, author.feed) == payloads_of(author, author.feed)
    assert [noted.alone for noted in deletes_after(late.connection, START)] == [False], "it stands in the run now"


@pytest.mark.parametrize("knows_feed", [False, True])
def test_delete_that_comes_before_what_it_names_is_kept_by_who_wants_its_author(world: World, knows_feed: bool) -> None:
    author, fan, quoting, unaware, late = with_hops(world, "author", "fan", "quoting", "unaware", "late")
    early, ref = author.post(2)
    for party in (fan, unaware):
        party.follow(author.account)
        meet(world, party, author)
    quoting.say("see", quote=content.ref_value(ref))
    meet(world, quoting, unaware)
    author.delete(ref)
    meet(world, fan, author)
    meet(world, quoting, fan)
    assert [noted.alone for noted in deletes_after(quoting.connection, START)] == [True]
    if knows_feed:
        late.say("and that", quote=content.ref_value(early))
        meet(world, late, fan)
    late.follow(author.account)
    meet(world, late, quoting)
    meet(world, late, unaware)
    check(late, ref)


@pytest.mark.parametrize("limit", ["GUEST_MAX_BYTES", "QUOTA_FEED_BYTES", "QUOTA_TOTAL_BYTES"])
def test_delete_reaches_who_has_no_room_for_more(world: World, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(quota, limit, 30_000)
    alice, bob = with_hops(world, "alice", "bob")
    if limit != "GUEST_MAX_BYTES":
        alice.follow(bob.account)
    world.join(alice, bob)
    refs = fill(world, bob)
    held = payloads_of(alice, bob.feed)
    assert 100 < len(held) < 600
    ref = next(ref for ref in refs if ref.seq == max(held) - 5)
    bob.delete(ref)
    bob.post(2)
    world.settle()
    check(alice, ref)
    assert payloads_of(alice, bob.feed) == held - {ref.seq}


def test_deletes_have_an_eighth_more_room_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "QUOTA_FEED_BYTES", 30_000)
    alice, bob = with_hops(world, "alice", "bob")
    alice.follow(bob.account)
    world.join(alice, bob)
    refs = fill(world, bob)
    here = [ref for ref in refs if ref.seq in payloads_of(alice, bob.feed)]
    for ref in here[:40]:
        bob.delete(ref)
    world.settle()
    gone = [ref for ref in here[:40] if not alice.shows(ref)]
    assert 1 < len(gone) < 40
    assert alice.state(bob.feed).bytes <= 30_000 * 9 // 8


def test_delete_of_what_is_not_here_is_not_kept(world: World) -> None:
    alice, bob = with_hops(world, "alice", "bob")
    alice.follow(bob.account)
    bob.post(10)
    world.join(alice, bob)
    world.settle()
    let_go(alice, bob.account)
    (ref,) = bob.post()
    bob.delete(ref)
    world.settle()
    assert list(deletes_after(alice.connection, START)) == []


def test_delete_by_another_account_does_nothing(world: World) -> None:
    """Though it comes by the one whose deletes are wanted: it names a message that is not theirs."""
    alice, bob, foe = with_hops(world, "alice", "bob", "foe")
    alice.follow(bob.account, foe.account)
    (ref,) = bob.post()
    foe.post()
    for other in (bob, foe):
        meet(world, alice, other)
    let_go(alice, bob.account)
    let_go(alice, foe.account)
    foe.delete(ref)
    meet(world, alice, foe)
    assert alice.shows(ref)
    state = feed_state(alice.connection, bob.feed)
    assert state is not None
    assert deleter_of(alice.connection, state, ref) is None


def test_block_of_who_is_followed_no_longer_does_not_show(world: World) -> None:
    alice, bob, carol = with_hops(world, "alice", "bob", "carol")
    alice.follow(bob.account, carol.account)
    bob.post()
    carol.post()
    for other in (bob, carol):
        meet(world, alice, other)
    let_go(alice, bob.account)
    before = interest_version(alice.connection)
    alice.block(bob.account)
    alice.block(carol.account)
    assert payloads_of(alice, bob.feed) == payloads_of(alice, carol.feed) == set()
    assert interest_version(alice.connection) == before
    assert interest_set(alice.connection, Scope.DELETES) == {bob.account}
