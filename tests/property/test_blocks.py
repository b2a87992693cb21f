"""Who is blocked: nothing of theirs comes in by any way, nothing is kept, nobody can tell. Source: threats G13, P1."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from p2pmicro.feed import content
from p2pmicro.feed.device import check_device_proof, make_revoke
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.ids import AccountId, Ref
from p2pmicro.node.inbound import Brought, Inbound, Met, verify
from p2pmicro.store import forget, media, private
from p2pmicro.store.blocks import drop_step
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import Role, account_number
from p2pmicro.store.peers import interest_set, interest_version
from p2pmicro.store.verify import verify as verify_store
from p2pmicro.sync.message import ExcerptGiven, Have, HaveItem, Interest, Media, RangeGiven, Resume
from p2pmicro.views import PEOPLE
from tests.made import NOW_MS, MadeFeed
from tests.pictures import png
from tests.property.pipe import End, Party, World, lacking, table
from tests.traces import all_rows, written

SPAM = MadeFeed(150, "spam", account="spammer")
PICTURE = png()
SPAM.append(
    content.write(
        NOW_MS, "post", content.post("buy", media=[[sha256(PICTURE).digest(), "image/png", len(PICTURE), "this"]])
    )
)
LAST = SPAM.last


def rows_of(party: Party, account: AccountId) -> dict[str, int]:
    """How many rows of each table are an account's; none at all if it is blocked."""
    connection = party.connection
    numbers = "SELECT f.number FROM feeds f JOIN accounts a ON a.number = f.account WHERE a.account = ?"
    counts = {
        name: connection.execute(f"SELECT count(*) FROM {name} WHERE key >> 32 IN ({numbers})", (account,))
        for name in ("entries", "holes", "heads", "waypoints", "excerpts", "home", "nearby", "stated", "sealed")
    }
    counts["accounts"] = connection.execute("SELECT count(*) FROM accounts WHERE account = ?", (account,))
    counts["feeds"] = connection.execute(f"SELECT count(*) FROM ({numbers})", (account,))
    for name in ("offers", "revokes"):
        counts[name] = connection.execute(f"SELECT count(*) FROM {name} WHERE account = ?", (account,))
    return {name: rows for name, cursor in counts.items() if (rows := cursor.fetchone()[0])}


@pytest.fixture
def met(world: World) -> tuple[Party, Party, End]:
    """Alice, who follows the spammer and blocks them; Bob, who is connected with her; her end of it."""
    alice, bob = world.add("alice"), world.add("bob")
    alice.follow(bob.account, SPAM.account)
    pipe = world.join(alice, bob)
    world.settle()
    alice.block(SPAM.account)
    world.settle()
    return alice, bob, pipe.ends[0]


def have(made: MadeFeed) -> HaveItem:
    """What a peer says that it has of a feed, with all proofs that may come along."""
    branch = made.branch(20, 50)
    fork = make_fork_proof(made.feed, made.links[19], made.side(20, 64), branch.side(20, 64))
    revoke = make_revoke(made.account_key, made.feed, made.links[100])
    return HaveItem(made.feed, made.account, 5, [(1, 1, made.last)], made.links[-1].id[:16], made.proof, revoke, fork)


WAYS: dict[str, Callable[[], Brought]] = {
    "a push": lambda: RangeGiven(None, SPAM.range(1, LAST)),
    "an answer": lambda: RangeGiven(7, SPAM.range(1, LAST)),
    "an answer without its beginning": lambda: RangeGiven(7, SPAM.range(65, LAST)),
    "an excerpt": lambda: ExcerptGiven(None, SPAM.excerpt(LAST, LAST), [SPAM.proof]),
    "an excerpt that was asked for": lambda: ExcerptGiven(8, SPAM.excerpt(LAST, LAST), [SPAM.proof]),
    "a picture": lambda: Media(sha256(PICTURE).digest(), PICTURE),
    "a have": lambda: Have([have(SPAM)], 9),
    "a fork proof": lambda: _proof(),
    "a hello": lambda: Met(check_device_proof(SPAM.proof)),
}


def _proof() -> Brought:
    fork = have(SPAM).fork
    assert fork is not None
    return fork


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("known", [True, False], ids=["held before", "never held"])
def test_nothing_comes_in(met: tuple[Party, Party, End], world: World, known: bool, way: str) -> None:
    alice, bob, end = met
    bob.answer(Ref(SPAM.feed, LAST, SPAM.links[LAST].id))  # for which alone it would be asked for
    world.settle()
    if known:
        alice.block(SPAM.account, on=False)
        alice.hold(SPAM, 1, LAST)
        with transaction(alice.connection):
            assert media.keep(alice.connection, alice.folder, sha256(PICTURE).digest(), PICTURE)
        alice.block(SPAM.account)
        world.settle()
    alice.do_housework()
    for file in alice.folder.names():
        alice.folder.remove_file(file)
    before = all_rows(alice.connection)
    for name in (way, "a push", "an excerpt", "a picture"):  # and nothing of what the first may have opened
        bring(alice, end, WAYS[name]())
    alice.do_housework()
    assert written(before, all_rows(alice.connection)) <= {"blocked_feeds", "peers"}
    assert rows_of(alice, SPAM.account) == {}
    assert alice.folder.names() == []
    assert not alice.shows(Ref(SPAM.feed, LAST, SPAM.links[LAST].id))
    assert not end.closed


@pytest.mark.parametrize("opened", ["a have", "a hello"])
def test_who_brings_it_is_not_asked_for_everything_again(met: tuple[Party, Party, End], opened: str) -> None:
    alice, _, end = met
    for way in (opened, "a push", "an answer"):
        bring(alice, end, WAYS[way]())
    assert not end.talk.lost


def bring(party: Party, end: End, brought: Brought) -> None:
    """Something comes by a session, is checked, and stored or not."""
    batch = [Inbound(end.talk, brought)]
    verify(batch)
    party.replicator.apply(party.intake.insert(party.connection, batch))


def test_a_follow_by_ones_other_device_brings_nothing(met: tuple[Party, Party, End], world: World) -> None:
    alice, bob, _ = met
    phone = MadeFeed(1, "alice's phone", account="alice")
    phone.append(content.write(NOW_MS, "follow", content.follow(SPAM.account, 50, True)))
    bob.hold(phone, 1, 2)
    bob.hold(SPAM, 1, 150)
    world.settle()
    assert phone.feed in alice.states()
    assert SPAM.account in PEOPLE.followed(alice.connection, alice.account)
    assert rows_of(alice, SPAM.account) == {}


def test_a_block_on_ones_other_device_is_in_force_here(world: World) -> None:
    """What the other device sealed was opened, and merged into private state; the rest follows."""
    alice, bob = world.add("alice"), world.add("bob")
    alice.follow(SPAM.account)
    bob.hold(SPAM, 1, 150)
    world.join(alice, bob)
    world.settle()
    assert rows_of(alice, SPAM.account)
    for value, roles in ((True, set()), (None, {Role.FOLLOWED})):
        with transaction(alice.connection):
            rev = 1 if value else 2
            private.merge(alice.connection, [private.Item("block", SPAM.account, rev, value)], alice.feed, rev)
        alice.own_due = True  # as each second, when something has changed
        world.settle()
        while drop(alice):
            pass
        assert {role for account, role in alice.roles().items() if account == SPAM.account} == roles
        assert bool(rows_of(alice, SPAM.account)) is (value is None)
        alice.own_due = True
        world.settle()
    assert not lacking(alice, bob)


def drop(party: Party) -> bool:
    """What an idle node does."""
    with transaction(party.connection):
        return drop_step(party.connection, party.views)


@pytest.mark.parametrize("step", [4096, 64], ids=["at once", "step by step"])
def test_what_is_held_is_dropped(world: World, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(forget, "_STEP_ENTRIES", step)
    alice = world.add("alice")
    other = MadeFeed(99, "spam's phone", account="spammer", start=500)
    for rev in range(1, 102):
        other.append(content.write(NOW_MS, "profile", content.profile(rev, "Spam")))
    alice.hold(SPAM, 1, 50, holes=(5, 6))
    alice.hold(SPAM, 100, 150)
    alice.hold(other, 100, 200)
    assert len(alice.state(SPAM.feed).runs) == 2
    alice.block(SPAM.account)
    assert rows_of(alice, SPAM.account) == {}
    for name in ("home", "nearby", "profiles"):
        assert table(alice.connection, name) == []
    assert verify_store(alice.connection, lambda done, total: None) == []


def test_each_step_of_dropping_leaves_a_sound_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget, "_STEP_ENTRIES", 64)
    alice = world.add("alice")
    alice.hold(SPAM, 1, 80)
    alice.hold(SPAM, 90, 150)
    with transaction(alice.connection):
        account_number(alice.connection, SPAM.account)
        alice.connection.execute("UPDATE accounts SET role = 0 WHERE account = ?", (SPAM.account,))
    steps = 0
    while rows_of(alice, SPAM.account):
        with transaction(alice.connection):
            forget.forget_step(alice.connection, alice.views, SPAM.account)
        assert verify_store(alice.connection, lambda done, total: None) == []
        steps += 1
    assert steps == 3


def test_unblocked_is_fetched_again_from_who_is_connected_and_who_comes_later(world: World) -> None:
    alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
    alice.follow(SPAM.account)
    bob.hold(SPAM, 1, 100)
    carol.hold(SPAM, 1, 150)
    away = world.join(alice, carol)
    world.settle()
    world.cut(away)
    world.join(alice, bob)
    alice.block(SPAM.account)
    world.settle()
    assert rows_of(alice, SPAM.account) == {}
    alice.block(SPAM.account, on=False)
    world.settle()
    assert not lacking(alice, bob)
    assert alice.roles()[SPAM.account] is Role.FOLLOWED
    world.join(alice, carol)
    world.settle()
    assert not lacking(alice, carol)
    world.check_no_errors()


def test_unblocked_is_fetched_again_though_the_session_ends_in_between(world: World) -> None:
    alice, bob = world.add("alice"), world.add("bob")
    alice.follow(SPAM.account)
    bob.hold(SPAM, 1, 150)
    alice.block(SPAM.account)
    for steps in range(0, 200, 4):  # also in the midst of the first answer, in which the feed was told and refused
        pipe = world.join(alice, bob)
        world.run(steps)
        alice.block(SPAM.account, on=False)
        world.run(steps % 32)
        world.cut(pipe)
        world.join(alice, bob)
        world.settle()
        assert not lacking(alice, bob), steps
        world.cut(world.pipes[0])
        alice.block(SPAM.account)


def test_unblocked_is_fetched_again_though_the_node_has_only_just_begun(world: World) -> None:
    """Month 211: it was lifted when a session was open already, and before anybody had looked whom it was about."""
    alice, bob = world.add("alice"), world.add("bob")
    alice.follow(SPAM.account)
    bob.hold(SPAM, 1, 150)
    for steps in range(0, 200, 4):
        alice.block(SPAM.account)
        world.restart(alice)
        alice.own_due = False  # the first look is late
        world.join(alice, bob)
        world.run(steps)
        alice.block(SPAM.account, on=False)
        world.settle()
        assert not lacking(alice, bob), steps


def test_nobody_can_tell_by_what_is_wanted(world: World) -> None:
    """P1: interest and resume are what they were, whom the blocked one follows among it."""
    alice, bob = world.add("alice"), world.add("bob")
    hops = [MadeFeed(5, name, account=name) for name in ("dave", "erin")]
    made = MadeFeed(20, "chatty", account="chatty")
    for hop in hops:
        made.append(content.write(NOW_MS, "follow", content.follow(hop.account, 1, True)))
        bob.hold(hop, 1, 5)
    alice.follow(made.account)
    bob.hold(made, 1, made.last)
    first = world.join(alice, bob)
    world.settle()
    wanted = interest_set(alice.connection)
    assert {made.account, *(hop.account for hop in hops)} <= wanted
    quiet = meet_again(world, alice, bob)
    before, peers = interest_version(alice.connection), table(alice.connection, "peers")

    alice.block(made.account)
    assert interest_set(alice.connection) == wanted
    assert interest_version(alice.connection) == before
    assert table(alice.connection, "peers") == peers
    assert {alice.roles()[hop.account] for hop in hops} == {Role.HOP}
    assert meet_again(world, alice, bob) == quiet
    assert first not in world.pipes
    made.append(content.write(NOW_MS, "post", content.post("one more")))
    bob.hold(made, made.last, made.last)
    meet_again(world, alice, bob)
    (resume, *_), (resume_before, *_) = meet_again(world, alice, bob), quiet
    assert resume[0] > resume_before[0], "what is refused for a block counts as noted"
    assert resume[1:] == resume_before[1:]
    assert rows_of(alice, made.account) == {}
    alice.block(made.account, on=False)
    world.settle()
    assert interest_version(alice.connection) == before


def meet_again(world: World, alice: Party, bob: Party) -> list[tuple[Any, ...]]:
    """Meet anew; what Bob hears of what Alice wants: where she stands, and how many elements changed."""
    for pipe in list(world.pipes):
        world.cut(pipe)
    end = world.join(alice, bob).ends[1]
    world.settle()
    heard: list[tuple[Any, ...]] = []
    for message in end.heard:
        if isinstance(message, Resume):
            heard.append((message.cursor, message.answered, message.held))
        elif isinstance(message, Interest):
            heard.append((message.base, message.added, message.removed))
    return heard


def test_a_blocked_guest_stays_in_the_interest(world: World) -> None:
    alice, guest, bob = world.add("alice"), world.add("guest"), world.add("bob")
    pipe = world.join(alice, guest)
    world.settle()
    assert alice.roles()[guest.account] is Role.GUEST
    wanted = interest_set(alice.connection)
    alice.block(guest.account)
    world.settle()
    assert pipe.ends[0].closed
    bob.hold(guest.made, 1, 1)
    world.join(alice, bob)
    world.settle()
    assert interest_set(alice.connection) >= wanted
    assert rows_of(alice, guest.account) == {}


@pytest.mark.parametrize("dials", [True, False], ids=["dialled", "dials"])
def test_a_session_with_a_blocked_one_ends_and_none_begins(world: World, dials: bool) -> None:
    alice, spammer = world.add("alice"), world.add("spammer")
    alice.follow(spammer.account)
    spammer.post(3)
    pipe = world.join(*((alice, spammer) if dials else (spammer, alice)))
    world.settle()
    assert not lacking(alice, spammer)
    alice.block(spammer.account)
    world.settle()
    assert [end.closed for end in pipe.ends] == [True, True]
    for _ in range(20):
        again = world.join(*((alice, spammer) if dials else (spammer, alice)))
        world.settle()
        mine = next(end for end in again.ends if end.party is alice)
        assert mine.closed
        assert not any(isinstance(message, Resume | Interest) for message in again.ends[0].heard + again.ends[1].heard)
        world.cut(again)
    assert rows_of(alice, spammer.account) == {}
    alice.block(spammer.account, on=False)
    world.join(alice, spammer)
    world.settle()
    assert not lacking(alice, spammer)


def test_nothing_of_them_is_carried_on(world: World) -> None:
    alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
    for party in (alice, bob, carol):
        party.follow(SPAM.account)
    bob.hold(SPAM, 1, 150)
    world.join(alice, bob)
    world.settle()
    alice.block(SPAM.account)
    world.join(alice, carol)
    world.settle()
    assert rows_of(carol, SPAM.account).keys() <= {"accounts"}
