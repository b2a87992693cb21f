"""Nobody takes more than a share: no endless feed, nobody who asks again, no liar. Source: threats G4, G7, G8."""

from p2pmicro.limits import FRAME_MAX_BYTES, GIVEN_SLACK_BYTES
from p2pmicro.sync.message import AskIds, Close, Have, HaveItem, Interest, Want, Wants
from tests.made import MadeFeed
from tests.property.pipe import End, Party, Pipe, Step, World, lacking
from tests.property.test_meetings import Liar


def test_news_is_told_though_wants_never_cease(world: World) -> None:
    long, friend = MadeFeed(500, "long", account="long"), MadeFeed(5, "friend", account="friend")
    alice, bob = world.add("alice"), world.add("bob")
    alice.follow(long.account, friend.account)
    bob.hold(long, 1, long.last)
    end = world.join(alice, bob).ends[1]
    world.settle()
    bob.hold(friend, 1, 5)
    bob.replicator.tick()
    assert end.talk.answers
    for _ in range(2):
        end.session._wants.append(Want(1, long.feed, 1, 2, None))  # as soon as one is answered, another one waits
        end._run()
        end._tell()
    assert not end.talk.answers


def test_honest_peer_is_asked_though_liars_offer_more(world: World) -> None:
    """Each liar offers the most, and answers nothing until it is let go; by then another one has come."""
    author = MadeFeed(100, "author", account="author")
    alice, bob = world.add("alice"), world.add("bob")
    alice.follow(author.account)
    bob.hold(author, 1, 100)
    before = lie(world, alice, author, 0)
    world.join(alice, bob)
    settle(world)
    for number in range(1, 4):
        pipe = lie(world, alice, author, number)
        world.cut(before)
        settle(world)
        before = pipe
    assert not lacking(alice, bob)


def lie(world: World, victim: Party, author: MadeFeed, number: int) -> Pipe:
    """Somebody comes who offers what there is not."""
    liar = world.add(f"liar {number}")
    pipe = world.join(victim, liar)
    settle(world)
    item = HaveItem(author.feed, author.account, 1, [(1, 1, 1 << 20)], bytes(16), author.proof)
    pipe.ends[1].session.send(Have([item], 5), liar.now)
    settle(world)
    return pipe


def settle(world: World) -> None:
    """Go on until nothing is left to do, but liars answer no want."""
    while steps := [step for step in world.steps() if not is_silent(step)]:
        world.rng.choice(steps)()


def is_silent(step: Step) -> bool:
    end = getattr(step, "__self__", None)
    if not isinstance(end, End) or not end.party.name.startswith("liar") or step.__name__ != "_run":
        return False
    return not end.talk.jobs and bool(end.session._wants) and end.session._wants[0].feed != end.party.feed


def test_same_range_is_not_given_for_ever(world: World) -> None:
    author = MadeFeed(2000, "author", account="author")
    alice, bob = world.add("alice"), world.add("bob")
    alice.hold(author, 1, author.last)
    theirs, end = world.join(alice, bob).ends
    world.settle()
    asks = 0
    while not end.closed:
        want = Want(10_000 + asks, author.feed, 1, author.last, None)
        end.session.send(Wants([want]), bob.now)
        world.settle()
        asks += 1
    held = alice.connection.execute("SELECT value FROM meta WHERE name = 'bytes'").fetchone()[0]
    assert asks > 3
    assert theirs.sent_bytes <= 3 * held + GIVEN_SLACK_BYTES + FRAME_MAX_BYTES
    assert [message.code for message in end.heard if isinstance(message, Close)] == ["remote.limit"]
    assert theirs.talk.strikes == 1


def test_questions_for_ids_have_an_end(world: World) -> None:
    alice, bob = world.add("alice"), world.add("bob")
    end = world.join(alice, bob).ends[1]
    world.settle()
    asks = 0
    while not end.closed:
        end.session.send(AskIds(alice.feed, list(range(1, 65))), bob.now)
        world.settle()
        asks += 1
    assert 500 < asks < 1000


def test_small_changes_of_a_large_interest_are_not_each_written(world: World) -> None:
    alice = world.add("alice")
    liar = Liar(world, alice)
    elements = [bytes([at >> 8, at & 0xFF]) * 8 for at in range(4096)]
    assert liar.say(Interest(None, bytes(8), bytes(16), elements, [])) is None
    before = alice.connection.total_changes
    changes = [Interest(number.to_bytes(8), (number + 1).to_bytes(8), None, [], []) for number in range(100)]
    assert liar.say(*changes) is None
    assert alice.connection.total_changes - before <= 10
