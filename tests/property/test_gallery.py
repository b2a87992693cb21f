"""Pictures travel to whoever follows, whatever the order of things. Source: protocol/sync.md, "Media"."""

from hashlib import sha256

import pytest

from p2pmicro import cbor
from p2pmicro.errors import LimitError, MessageError
from p2pmicro.feed import content
from p2pmicro.feed.picture import seal
from p2pmicro.ids import Ref
from p2pmicro.limits import GIVEN_SLACK_BYTES, MEDIA_LACKED_MAX, MEDIA_OUTSTANDING_MAX, WANT_OUTSTANDING_MAX_BYTES
from p2pmicro.store import media
from p2pmicro.store.db import transaction
from p2pmicro.store.media import State, Wish
from p2pmicro.sync.message import Media, RangeGiven, WantMedia, Wants
from tests import pictures
from tests.property.pipe import End, Party, Pipe, World

BOMB = b"".join((pictures.PNG, pictures.png_header(16_000, 16_000), pictures.chunk(b"IDAT", b"a"), pictures.END))


def show(party: Party, *files: bytes, kept: bool = True, kind: str = "image/png", size: int | None = None) -> Ref:
    """A message with pictures; `kept` is whether its author has them still."""
    rows: list[cbor.Value] = []
    for data in files:
        name = sha256(data).digest()
        rows.append([name, kind, size or len(data), "a hill"])
        if kept:
            with transaction(party.connection):
                media.keep_own(party.connection, party.folder, data, party.now_ms)
    return party.write(content.write(party.now_ms, "post", content.post("look", media=rows)))[0]


def face(party: Party, data: bytes) -> None:
    """A profile with a picture."""
    with transaction(party.connection):
        name = media.keep_own(party.connection, party.folder, data, party.now_ms)
    party.rev += 1
    fields = content.profile(party.rev, party.name, avatar=[name, "image/png", len(data)])
    party.write(content.write(party.now_ms, "profile", fields))


def picture(number: int) -> bytes:
    return pictures.png(4 + number % 50, 3, seed=number)


def has(party: Party, data: bytes) -> bool:
    name = sha256(data).digest()
    here = bool(media.here(party.connection, [name]))
    assert (party.folder.load(name) == data) is here
    return here


def asked(end: End) -> list[bytes]:
    """What an end was asked for."""
    return [name for message in end.heard if isinstance(message, WantMedia) for name in message.names]


def pass_time(world: World, seconds: float) -> None:
    for party in world.parties:
        party.now += seconds
    world.settle()


def meeting(world: World, one: Party, other: Party) -> Pipe:
    """Two nodes meet, and say all that they have to say."""
    pipe = world.join(one, other)
    world.settle()
    world.check_no_errors()
    return pipe


def friends(world: World, *names: str) -> list[Party]:
    """Each follows the first."""
    parties = [world.add(name) for name in names]
    for party in parties[1:]:
        party.follow(parties[0].account)
    return parties


# --- What comes unasked ---


def test_pictures_of_those_one_follows_come_after_the_entries(world: World) -> None:
    alice, bob = friends(world, "alice", "bob")
    files = [picture(number) for number in range(4)]
    show(alice, *files, kept=False)
    world.cut(meeting(world, bob, alice))
    for data in files:
        with transaction(alice.connection):
            media.keep_own(alice.connection, alice.folder, data, alice.now_ms)
    alice.post(4000)
    pipe = world.join(bob, alice)
    world.run(3000)  # a second passes now and then: pictures could be asked for
    world.settle()
    world.check_no_errors()
    assert all(has(bob, data) for data in files)
    for end, entries, pictured in ((pipe.ends[0], RangeGiven, Media), (pipe.ends[1], Wants, WantMedia)):
        heard = [type(message) for message in end.heard if isinstance(message, (entries, pictured))]
        assert {*heard} == {entries, pictured}
        assert heard == sorted(heard, key=lambda kind: kind is pictured)
    assert bob.connection.execute("SELECT count(*) FROM media WHERE state <> 1").fetchone() == (0,)


def test_nobody_is_asked_for_pictures_while_entries_are_on_their_way_unless_a_person_waits(world: World) -> None:
    alice, bob, carol = friends(world, "alice", "bob", "carol")
    show(alice, picture(1), picture(2), kept=False)
    world.cut(meeting(world, bob, alice))
    for number in (1, 2):
        with transaction(alice.connection):
            media.keep_own(alice.connection, alice.folder, picture(number), alice.now_ms)
    world.cut(meeting(world, carol, alice))
    alice.post(100)
    slow, pipe = world.join(bob, alice).ends[1], world.join(bob, carol)

    def drive() -> None:
        for _ in range(5000):
            steps = [step for step in world.steps() if not (step == slow._run and slow.session._wants)]
            if world.rng.random() < 0.01 or not steps:
                world.tick()
            else:
                world.rng.choice(steps)()

    drive()
    assert slow.session._wants, "alice does not come to answer"
    assert asked(pipe.ends[1]) == asked(slow) == []
    one, other = (sha256(picture(number)).digest() for number in (1, 2))
    bob.connection.execute("UPDATE media SET chosen = 1 WHERE hash = ?", (one,))
    bob.has_news = True
    drive()
    assert asked(pipe.ends[1]) + asked(slow) == [one]
    world.settle()
    world.check_no_errors()
    assert {*asked(pipe.ends[1]), *asked(slow)} == {one, other}
    assert has(bob, picture(1))
    assert has(bob, picture(2))


def test_of_hops_come_small_avatars_and_no_more(world: World) -> None:
    alice, bob = friends(world, "alice", "bob")
    carol = world.add("carol")
    alice.follow(carol.account)
    face(carol, picture(1))
    show(carol, picture(2))
    world.join(bob, alice)
    world.settle()
    world.join(bob, carol)
    world.settle()
    world.check_no_errors()
    assert has(bob, picture(1))
    assert not has(bob, picture(2))
    name = sha256(picture(2)).digest()
    (key,) = bob.connection.execute("SELECT key FROM pictures WHERE hash = ?", (name,)).fetchone()
    with transaction(bob.connection):
        media.choose(bob.connection, Wish(name, len(picture(2)), key, bob.now_ms, False))
    bob.has_news = True
    world.settle()
    assert has(bob, picture(2)), "a person has asked for it"


def test_a_picture_is_passed_on_by_who_was_asked_before_it_had_it(world: World) -> None:
    alice, bob, carol = friends(world, "alice", "bob", "carol")
    world.join(alice, bob)
    pipe = world.join(bob, carol)
    world.settle()
    ref = show(alice, picture(1), kept=False)
    world.settle()
    end = pipe.ends[0]
    assert asked(end) == [sha256(picture(1)).digest()], "bob lacks it, and carol waits"
    with transaction(alice.connection):
        media.keep_own(alice.connection, alice.folder, picture(1), alice.now_ms)
    pass_time(world, 61)
    pass_time(world, 61)
    pass_time(world, 121)
    world.check_no_errors()
    assert has(carol, picture(1))
    assert len(asked(end)) <= 4
    assert ref.seq == 2


def test_nobody_is_asked_for_too_much_at_once(world: World) -> None:
    alice, bob = friends(world, "alice", "bob")
    for number in range(12):
        show(alice, picture(number), kept=False, size=WANT_OUTSTANDING_MAX_BYTES // 3)
    pipe = world.join(bob, alice)
    open_most = 0
    for _ in range(20_000):
        steps = world.steps()
        if not steps or world.rng.random() < 0.01:
            world.tick()
            continue
        world.rng.choice(steps)()
        gallery = bob.replicator.gallery._asked.get(alice.feed)
        if gallery is not None:
            open_most = max(open_most, len(gallery.open))
            assert len(gallery.open) <= MEDIA_OUTSTANDING_MAX
            assert sum(gallery.open.values()) <= WANT_OUTSTANDING_MAX_BYTES
    assert open_most == 3
    assert len(asked(pipe.ends[1])) == 12


# --- What is not there ---


def test_what_a_peer_lacks_is_asked_for_once_and_again_at_the_next_meeting(world: World) -> None:
    alice, bob, carol = friends(world, "alice", "bob", "carol")
    show(alice, picture(1), kept=False)
    one, other = world.join(bob, alice), world.join(bob, carol)
    world.settle()
    name = sha256(picture(1)).digest()
    assert asked(one.ends[1]) == asked(other.ends[1]) == [name]
    tries, by = bob.connection.execute("SELECT tries, asked FROM media WHERE hash = ?", (name,)).fetchone()
    assert tries == 2
    assert by in (alice.feed, carol.feed)
    world.cut(one)
    with transaction(alice.connection):
        media.keep_own(alice.connection, alice.folder, picture(1), alice.now_ms)
    world.join(bob, alice)
    world.settle()
    world.check_no_errors()
    assert has(bob, picture(1))


def test_a_peer_that_lacks_many_is_asked_for_few_of_them(world: World) -> None:
    alice, bob = friends(world, "alice", "bob")
    for number in range(MEDIA_LACKED_MAX):
        show(alice, *(picture(4 * number + at) for at in range(4)), kept=False)
    pipe = world.join(bob, alice)
    world.settle()
    first = len(asked(pipe.ends[1]))
    assert MEDIA_LACKED_MAX <= first <= MEDIA_LACKED_MAX + 64
    # What a person waits for is asked for all the same.
    bob.connection.execute("UPDATE media SET chosen = 1, tries = 0 WHERE hash = ?", (sha256(picture(7)).digest(),))
    bob.has_news = True
    world.settle()
    assert asked(pipe.ends[1]).count(sha256(picture(7)).digest()) == 1
    world.cut(pipe)
    again = world.join(bob, alice)
    world.settle()
    fresh = set(asked(again.ends[1])) - set(asked(pipe.ends[1]))
    assert len(fresh) >= 32, "others have their turn"


def test_the_author_is_asked_first(world: World) -> None:
    alice, bob, carol = friends(world, "alice", "bob", "carol")
    bob.follow(carol.account)
    show(alice, *(picture(number) for number in range(3)))
    show(carol, *(picture(number) for number in range(10, 13)))
    with_alice, with_carol = world.join(bob, alice), world.join(bob, carol)
    world.settle()
    world.check_no_errors()
    assert all(has(bob, picture(number)) for number in (0, 1, 2, 10, 11, 12))
    for pipe, start in ((with_alice, 0), (with_carol, 10)):
        first = [sha256(picture(number)).digest() for number in range(start, start + 3)]
        assert asked(pipe.ends[1])[0] in first


# --- Who is to blame ---


def test_who_gives_bytes_of_another_hash_is_left(world: World) -> None:
    alice, bob = friends(world, "alice", "bob")
    show(alice, picture(1))
    name = sha256(picture(1)).digest()
    (alice.path.parent / "media" / name.hex()).write_bytes(picture(2))
    alice.folder.load = lambda _: picture(2)  # type: ignore[method-assign, assignment]  # a node that does not look
    pipe = world.join(bob, alice)
    world.settle()
    assert pipe.ends[0].closed
    assert pipe.ends[0].talk.strikes == 1
    assert [message.code for message in pipe.ends[1].heard if hasattr(message, "code")] == [MessageError.code]
    assert not list(bob.path.parent.glob("media/*")), "nothing has got a name"
    assert media.state_of(bob.connection, name) is State.WANTED, "others may have it"


@pytest.mark.parametrize("what", ["type", "length", "no picture", "bomb"])
def test_what_its_author_described_wrongly_is_nobody_elses_fault_and_not_kept(world: World, what: str) -> None:
    alice, bob = friends(world, "alice", "bob")
    data = {"no picture": b"<script>alert(1)</script>", "bomb": BOMB}.get(what, picture(1))
    show(alice, data, kind="image/gif" if what == "type" else "image/png", size=99 if what == "length" else None)
    pipe = world.join(bob, alice)
    world.settle()
    world.check_no_errors()
    assert not list(bob.path.parent.glob("media/*"))
    assert media.state_of(bob.connection, sha256(data).digest()) is State.REFUSED
    pass_time(world, 4000)
    assert len(asked(pipe.ends[1])) == 1
    alice.now_ms += 1000
    bob.now_ms += 1000
    show(alice, data)  # rightly, this time, as far as it can be
    world.settle()
    assert has(bob, data) is (what in ("type", "length"))


def test_who_asks_for_the_same_again_and_again_is_left(world: World) -> None:
    alice, bob = friends(world, "alice", "bob")
    large = pictures.png(extra=[pictures.chunk(b"IDAT", bytes(500_000))])
    show(alice, large)
    pipe = world.join(bob, alice)
    world.settle()
    end = pipe.ends[0]
    count = 0
    while not pipe.ends[1].closed:
        name = sha256(large).digest()
        bob.replicator.gallery._asked[alice.feed].open[name] = 1
        end.session.send(WantMedia([name]), bob.now)
        world.settle()
        count += 1
        assert count < 100
    assert count * len(large) <= 4 * len(large) + GIVEN_SLACK_BYTES + (1 << 20)
    assert [message.code for message in end.heard if hasattr(message, "code")] == [LimitError.code]


def test_sealed_pictures_are_given_as_they_are_to_who_knows_their_hash(world: World) -> None:
    alice, bob = friends(world, "alice", "bob")
    sealed = seal(picture(1), bytes(range(32)))
    with transaction(alice.connection):
        name = media.keep_own(alice.connection, alice.folder, sealed, alice.now_ms)
    pipe = world.join(bob, alice)
    world.settle()
    assert asked(pipe.ends[1]) == [], "who can't read the message knows no hash"
    pipe.ends[0].session.send(WantMedia([name, bytes(32)]), bob.now)
    world.settle()
    answers = {message.name: message.data for message in pipe.ends[0].heard if isinstance(message, Media)}
    assert answers == {name: sealed, bytes(32): None}


# --- What goes ---


def test_a_deleted_message_takes_its_pictures_along_everywhere(world: World) -> None:
    alice, bob, carol = friends(world, "alice", "bob", "carol")
    ref = show(alice, picture(1), picture(2))
    show(alice, picture(2))
    world.join(alice, bob)
    world.join(bob, carol)
    world.settle()
    pass_time(world, 61)
    pass_time(world, 61)
    assert all(has(party, picture(number)) for party in world.parties for number in (1, 2))
    alice.delete(ref)
    world.settle()
    for party in world.parties:
        with transaction(party.connection):
            media.erase_files(party.connection, party.folder)
        assert not has(party, picture(1))
        assert has(party, picture(2)), "another message has it"
        assert [file.name for file in party.path.parent.glob("media/*")] == [sha256(picture(2)).hexdigest()]
    late = world.add("dave")
    late.follow(alice.account)
    pipe = world.join(late, bob)
    world.settle()
    world.check_no_errors()
    assert has(late, picture(2))
    assert sha256(picture(1)).digest() not in asked(pipe.ends[1])


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_cut_pictures_arrive_whole_in_the_end(world: World, seed: int) -> None:
    world.rng.seed(f"gallery {seed}")
    rng = world.rng
    parties = [world.add(name) for name in ("alice", "bob", "carol")]
    for party in parties:
        party.follow(*(other.account for other in parties if other is not party))
    files: dict[Party, list[bytes]] = {party: [] for party in parties}
    for round_ in range(6):
        for place, party in enumerate(parties):
            if rng.random() < 0.7:
                data = picture(100 * round_ + 10 * place + seed)
                files[party].append(data)
                show(party, data)
        one, other = rng.sample(parties, 2)
        if world.joined(one, other) is None:
            world.join(one, other)
        world.run(rng.randrange(400))
        if world.pipes and rng.random() < 0.6:
            world.cut(rng.choice(world.pipes))
        if rng.random() < 0.2:
            world.restart(rng.choice(parties))
    for number, one in enumerate(parties):
        for other in parties[number + 1 :]:
            if world.joined(one, other) is None:
                world.join(one, other)
    world.settle()
    pass_time(world, 61)
    world.check_no_errors()
    for party in parties:
        for data in [data for owned in files.values() for data in owned]:
            assert has(party, data)
        summed = party.connection.execute("SELECT total(bytes) FROM media WHERE state = 1").fetchone()[0]
        assert sum(media.stored_bytes(party.connection)) == summed
