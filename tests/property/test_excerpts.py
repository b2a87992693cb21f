"""Stories of single entries: asked for by ref, told when they come, and deleted wherever they are held alone."""

import pytest

from p2pmicro.errors import SignatureError
from p2pmicro.ids import Ref
from p2pmicro.node import greeting
from p2pmicro.store import peers
from p2pmicro.store.db import transaction
from p2pmicro.sync.message import Ask, Asks, ExcerptGiven, Gone, Interest, Message
from tests.made import NOW_MS, MadeFeed, flipped
from tests.property.pipe import End, Party, Pipe, World
from tests.store.alone import answer, delete, ref, say


def meet(world: World, one: Party, other: Party) -> Pipe:
    """A meeting that lasts until nothing is left to say."""
    pipe = world.join(one, other)
    world.settle()
    world.check_no_errors()
    return pipe


def asks(end: End) -> list[Ref]:
    """What a side has been asked for."""
    return [ask.ref for message in end.heard if isinstance(message, Asks) for ask in message.items]


@pytest.fixture
def near(world: World) -> tuple[Party, Party]:
    """Alice and Bob, who ask for nobody but those whom they follow; Alice follows Bob."""
    alice, bob = world.add("alice"), world.add("bob")
    for party in (alice, bob):
        with transaction(party.connection):
            peers.set_hops(party.connection, 1)
    alice.follow(bob.account)
    return alice, bob


class TestAsking:
    def test_thread_comes_with_its_answer(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        stranger = MadeFeed(1, "stranger", account="stranger")
        top = say(stranger)
        middle = answer(stranger, top)
        quoted = say(stranger)
        bob.hold(stranger, 1, stranger.last)
        first = bob.answer(middle, root=top)
        bob.say("see", quote=[quoted.feed, quoted.seq, quoted.id])
        pipe = meet(world, alice, bob)
        assert all(alice.shows(one) for one in (top, middle, quoted, first))
        assert stranger.account not in alice.roles()
        assert alice.end_of(stranger.feed) == 0, "not one entry more than was needed"
        assert alice.wanted() == []
        assert sorted(asks(pipe.ends[1])) == [top, middle, quoted]

    def test_excerpt_travels_on_from_who_holds_it_alone(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        carol = world.add("carol")
        carol.follow(alice.account)
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.hold(stranger, 1, 5)
        bob.answer(ref(stranger, 3))
        world.cut(meet(world, alice, bob))
        alice.answer(ref(stranger, 3))
        meet(world, carol, alice)
        assert carol.shows(ref(stranger, 3))

    def test_what_a_peer_gets_later_it_tells(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.answer(ref(stranger, 3))
        pipe = meet(world, alice, bob)
        assert alice.wanted() == [ref(stranger, 3)]
        bob.hold(stranger, 1, 5)
        bob.replicator._excerpts.came(stranger.feed, 1, 5)  # `hold` is by the back door
        world.settle()
        assert alice.shows(ref(stranger, 3))
        assert asks(pipe.ends[1]) == [ref(stranger, 3)], "asked once"

    def test_what_comes_while_a_peer_looks_for_it_is_told(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.answer(ref(stranger, 3))
        pipe = meet(world, alice, bob)
        bob.replicator._excerpts._missed.clear()
        job = bob.replicator._excerpts.serve_job(pipe.ends[1].talk, None, ref(stranger, 3))
        looked_up = job.run(bob.connection)
        bob.hold(stranger, 1, 5)
        bob.replicator._excerpts.came(stranger.feed, 1, 5)
        job.then(looked_up)
        world.settle()
        assert alice.shows(ref(stranger, 3))

    def test_what_a_peer_gets_later_from_others_it_tells(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        carol = world.add("carol")
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.answer(ref(stranger, 3))
        meet(world, alice, bob)
        carol.hold(stranger, 1, 5)
        meet(world, bob, carol)
        assert bob.shows(ref(stranger, 3))
        assert alice.shows(ref(stranger, 3))

    def test_every_connected_peer_is_asked(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        carol = world.add("carol")
        stranger = MadeFeed(90, "stranger", account="stranger")
        carol.hold(stranger, 1, 90)
        for seq in range(2, 90):
            bob.answer(ref(stranger, seq))
        meet(world, alice, carol)
        meet(world, alice, bob)
        assert all(alice.shows(ref(stranger, seq)) for seq in range(2, 90))

    def test_missing_entry_is_asked_for_again_when_the_peer_has_changed(
        self, world: World, near: tuple[Party, Party]
    ) -> None:
        alice, bob = near
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.answer(ref(stranger, 3))
        world.cut(meet(world, alice, bob))
        world.settle()
        quiet = meet(world, alice, bob)
        assert asks(quiet.ends[1]) == []
        world.cut(quiet)
        bob.hold(stranger, 1, 5)
        meet(world, alice, bob)
        assert alice.shows(ref(stranger, 3))

    def test_missing_entry_is_asked_for_again_when_the_peer_changes_while_they_meet(
        self, world: World, near: tuple[Party, Party]
    ) -> None:
        alice, bob = near
        carol = world.add("carol")
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.answer(ref(stranger, 3))
        world.cut(meet(world, alice, bob))
        world.settle()
        again = meet(world, alice, bob)
        assert asks(again.ends[1]) == []
        carol.hold(stranger, 1, 5)
        meet(world, bob, carol)
        assert alice.shows(ref(stranger, 3))

    def test_quiet_meeting_is_as_short_whatever_is_missing(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        stranger = MadeFeed(300, "stranger", account="stranger")
        for seq in range(2, 300):
            bob.answer(ref(stranger, seq))
        for _ in range(2):
            world.cut(meet(world, alice, bob))
            world.settle()
        assert len(alice.wanted()) == 298
        assert meet(world, alice, bob).bytes == 790

    def test_what_comes_with_its_feed_is_not_asked_for(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        other = MadeFeed(2500, "other", account="other")  # its past comes after everybody's newest
        alice.follow(other.account)
        bob.hold(other, 1, 2500)
        for seq in range(2, 60):
            bob.answer(ref(other, seq))
        pipe = meet(world, alice, bob)
        assert alice.payloads(other.feed).keys() == {*range(1, 2501)}
        assert asks(pipe.ends[1]) == []

    def test_who_does_not_name_the_capability_hears_nothing_of_it(
        self, world: World, near: tuple[Party, Party], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alice, bob = near
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.hold(stranger, 1, 5)
        bob.answer(ref(stranger, 3))
        monkeypatch.setattr(greeting, "CAPABILITIES", frozenset())
        pipe = meet(world, alice, bob)
        assert alice.end_of(bob.feed) == bob.end_of(bob.feed)
        heard: list[Message] = [message for end in pipe.ends for message in end.heard]
        assert not any(isinstance(message, Asks | ExcerptGiven) for message in heard)

    def test_work_goes_on_after_a_restart(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.hold(stranger, 1, 5)
        bob.answer(ref(stranger, 3))
        pipe = world.join(alice, bob)
        while not alice.wanted():
            world.run(1)
        world.cut(pipe)
        world.restart(alice)
        meet(world, alice, bob)
        assert alice.shows(ref(stranger, 3))


class TestDeletes:
    def test_delete_reaches_who_holds_the_entry_alone(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        carol = world.add("carol")
        bob.follow(carol.account)
        told = carol.post()[0]
        between = meet(world, bob, carol)
        bob.answer(told)
        pipe = meet(world, alice, bob)
        assert alice.shows(told)
        carol.delete(told)
        world.settle()
        assert not alice.shows(told), "while it is connected to who hears of it"
        (excerpt,) = _deletes(pipe.ends[0])
        assert excerpt.number is None
        assert between in world.pipes

    def test_delete_is_told_at_the_next_meeting(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        carol = world.add("carol")
        bob.follow(carol.account)
        told = carol.post()[0]
        world.cut(meet(world, bob, carol))
        bob.answer(told)
        world.cut(meet(world, alice, bob))
        carol.delete(told)
        world.cut(meet(world, bob, carol))
        assert alice.shows(told)
        world.cut(meet(world, alice, bob))
        assert not alice.shows(told)
        again = meet(world, alice, bob)
        assert not any(map(_deletes, again.ends)), "once"

    def test_delete_travels_among_those_who_hold_the_entry_alone(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        carol = world.add("carol")
        carol.follow(alice.account)
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.hold(stranger, 1, 5)
        told = ref(stranger, 3)
        bob.answer(told)
        world.cut(meet(world, alice, bob))
        alice.answer(told)
        world.cut(meet(world, carol, alice))
        assert carol.shows(told)
        delete(stranger, told)
        bob.hold(stranger, 6, 6)
        world.cut(meet(world, alice, bob))
        meet(world, carol, alice)
        assert not alice.shows(told)
        assert not carol.shows(told)

    def test_late_node_hears_of_the_delete_and_never_gets_the_text(
        self, world: World, near: tuple[Party, Party]
    ) -> None:
        alice, bob = near
        carol = world.add("carol")
        bob.follow(carol.account)
        told = carol.post()[0]
        bob.answer(told)
        carol.delete(told)
        world.cut(meet(world, bob, carol))
        pipe = meet(world, alice, bob)
        assert alice.wanted() == []
        (excerpt,) = _deletes(pipe.ends[0])
        assert excerpt.number is not None
        assert not any(b"carol says" in message.excerpt.payload for message in _excerpts(pipe.ends[0]))


def _excerpts(end: End) -> list[ExcerptGiven]:
    return [message for message in end.heard if isinstance(message, ExcerptGiven)]


def _deletes(end: End) -> list[ExcerptGiven]:
    return [message for message in _excerpts(end) if b"delete" in message.excerpt.payload]


class TestBadPeers:
    def test_excerpt_that_is_not_proven_ends_the_session(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        stranger = MadeFeed(5, "stranger", account="stranger")
        bob.answer(ref(stranger, 3))
        pipe = meet(world, alice, bob)
        good = stranger.excerpt(3, 5)
        bad = type(good)(good.feed, good.before, good.payload, good.tail, flipped(good.head, 9))
        end = pipe.ends[1]
        end.session.send(ExcerptGiven(None, bad, [stranger.proof]), bob.now)
        world.settle()
        assert pipe.ends[0].talk.strikes == 1
        assert pipe.ends[0].closed
        assert not alice.shows(ref(stranger, 3))
        assert SignatureError.code == "entry.signature"

    def test_excerpt_that_nobody_wants_is_dropped(self, world: World, near: tuple[Party, Party]) -> None:
        alice, bob = near
        stranger = MadeFeed(5, "stranger", account="stranger")
        pipe = meet(world, alice, bob)
        pipe.ends[1].session.send(ExcerptGiven(None, stranger.excerpt(3, 5), [stranger.proof]), bob.now)
        world.settle()
        assert not pipe.ends[0].closed
        assert stranger.feed not in alice.states()

    def test_asking_for_what_is_not_there_costs_little_and_has_an_end(
        self, world: World, near: tuple[Party, Party], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alice, bob = near
        monkeypatch.setattr("p2pmicro.node.switchboard.GIVEN_SLACK_BYTES", 100_000)
        pipe = meet(world, alice, bob)
        name = MadeFeed(2, "stranger").links[2].id
        for number in range(200):
            pipe.ends[1].session.send(Asks([Ask(number, Ref(alice.feed, 900 + number, name))]), bob.now)
            pipe.ends[1].heard.clear()
            world.settle()
            if pipe.ends[0].closed:
                break
            (answered,) = [message for message in pipe.ends[1].heard if isinstance(message, Gone)]
            assert answered == Gone(number)
        assert 50 < number < 150

    def test_what_a_peer_asked_for_in_vain_is_remembered_within_bounds(
        self, world: World, near: tuple[Party, Party], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alice, bob = near
        monkeypatch.setattr("p2pmicro.node.excerpts.ASKS_MISSED_MAX", 10)
        stranger = MadeFeed(40, "stranger", account="stranger")
        for seq in range(2, 30):
            bob.answer(ref(stranger, seq))
        pipe = meet(world, alice, bob)
        assert sum(map(len, bob.replicator._excerpts._missed[alice.feed].values())) <= 10
        world.cut(pipe)
        bob.hold(stranger, 1, 40)
        meet(world, alice, bob)
        assert alice.wanted() == []


def test_elements_that_came_first_stay_when_a_peer_adds_too_many(world: World, near: tuple[Party, Party]) -> None:
    alice, bob = near
    pipe = meet(world, alice, bob)
    talk = bob.replicator.talks[alice.feed]
    before = set(talk.interest)
    talk.session.interest_kept_max = len(before) + 2
    many = [number.to_bytes(16) for number in range(9)]
    pipe.ends[0].session.send(Interest(talk.interest_version, b"newer...", None, many, []), alice.now)
    world.settle()
    assert talk.interest == before | set(many[:2])


def test_nothing_is_left_of_a_peer_that_left(world: World, near: tuple[Party, Party]) -> None:
    alice, bob = near
    bob.answer(ref(MadeFeed(5, "stranger"), 3))
    world.cut(meet(world, alice, bob))
    for party in near:
        excerpts = party.replicator._excerpts
        assert [excerpts._asking, excerpts._in_flight, excerpts._missed] == [{}, set(), {}]
    assert alice.now_ms == NOW_MS
