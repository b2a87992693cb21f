"""Deleted text is never shown again, and no thread lacks what anybody has: five nodes, in any order.

Some follow each other, answer what they see and what they have only heard of, delete, forget people, and meet now and
then, each no more than two or three others. Nobody asks for more than those whom they follow and those whom they meet,
so that most of a thread comes entry by entry. A schedule that
fails is named by its seed: `one_schedule(seed)` repeats it. `P2PMICRO_SOAK=7 pytest` runs some 2,000.
Source: X20 of the threats.
"""

from itertools import pairwise
from random import Random

import pytest

from p2pmicro.feed import content
from p2pmicro.ids import AccountId, Ref
from p2pmicro.limits import EXCERPT_STEPS_MAX
from p2pmicro.store import peers
from p2pmicro.store.db import transaction
from p2pmicro.store.effects import deleter_of
from p2pmicro.store.feeds import Role, feed_state
from p2pmicro.store.forget import forget_account
from p2pmicro.store.verify import verify
from p2pmicro.views.rebuild import rebuild
from tests.property.pipe import Party, World, memory_folder

SCHEDULES = 100
NAMES = ("alice", "bob", "carol", "dave", "erin")


class Story:
    """What was said, and what each node must not show any more."""

    def __init__(self, world: World, rng: Random) -> None:
        self.world = world
        self.rng = rng
        self.parties = [world.add(name) for name in NAMES]
        self.said: list[Ref] = []
        self.answers: dict[Ref, Ref] = {}
        self.deleted: set[Ref] = set()
        line = rng.sample(range(len(NAMES)), len(NAMES))
        pairs = [*pairwise(line), *([rng.sample(line, 2)] if rng.random() < 0.5 else [])]
        self.links = {frozenset((self.parties[one].name, self.parties[other].name)) for one, other in pairs}
        self.known: dict[str, set[Ref]] = {name: set() for name in NAMES}  # deletes that a node has heard of
        for party in self.parties:
            with transaction(party.connection):
                peers.set_hops(party.connection, 1)

    def act(self) -> None:
        rng, party = self.rng, self.rng.choice(self.parties)
        other = rng.choice(self.neighbours(party))
        joined = self.world.joined(party, other)
        match rng.randrange(16):
            case 0 | 1 | 2:
                for _ in range(rng.choice((1, 1, 1, 1, 2, 66))):
                    self.said.append(party.say(f"marker {len(self.said)}."))
            case 3 | 4 | 5 if self.said:
                target = rng.choice(self.said[-20:])
                if rng.random() < 0.2:
                    party.say("see", quote=content.ref_value(target))
                else:
                    self.answers[answer := party.answer(target)] = target
                    self.said.append(answer)
            case 6 | 7 if mine := [ref for ref in self.said if ref.feed == party.feed and ref not in self.deleted]:
                gone = rng.choice(mine[-10:])
                party.delete(gone)
                self.deleted.add(gone)
            case 8 | 9 if joined is None:
                self.world.join(party, other)
            case 10 | 11 if joined is not None:
                self.world.cut(joined)
            case 12 | 13:
                party.follow(
                    rng.choice([one for one in self.parties if one is not party]).account, on=rng.random() < 0.7
                )
            case 14:
                self.forget(party, rng.choice(self.parties).account)
            case 15:
                self.world.restart(party)
                party.do_housework()
            case _:
                pass

    def neighbours(self, party: Party) -> list[Party]:
        """Whom a node can meet."""
        return [other for other in self.parties if frozenset((party.name, other.name)) in self.links]

    def forget(self, party: Party, account: AccountId) -> None:
        """Room is needed for others: what nobody wants here goes, and with it what its deletes were about."""
        if party.roles().get(account, Role.NONE) is not Role.NONE:
            return
        with transaction(party.connection):
            forget_account(party.connection, party.views, account)
        self.known[party.name] = {ref for ref in self.known[party.name] if self.knows(party, ref)}

    def knows(self, party: Party, ref: Ref) -> bool:
        """Whether a node has heard that an entry is deleted."""
        state = feed_state(party.connection, ref.feed)
        return state is not None and deleter_of(party.connection, state, ref) is not None

    def is_last(self, party: Party, ref: Ref) -> bool:
        """Whether an entry is so far away from what refers to it that what it answers is not asked for."""
        return (EXCERPT_STEPS_MAX,) in party.connection.execute("SELECT steps FROM excerpts WHERE id = ?", (ref.id,))

    def check(self) -> None:
        """What a node has heard of the delete of, it shows and keeps no more."""
        for party in self.parties:
            known = self.known[party.name]
            known |= {ref for ref in self.deleted - known if self.knows(party, ref)}
            for ref in known:
                assert not party.shows(ref), f"{party.name} shows what it has heard to be deleted"
            if known:
                held = b"".join(payload for (payload,) in party.connection.execute("SELECT payload FROM held"))
                for ref in known:
                    marker = f"marker {self.said.index(ref)}."
                    assert ref in self.answers or marker.encode() not in held, f"{party.name} keeps what is deleted"

    def check_end(self) -> None:
        """All are with whom they can meet: nobody shows or lacks what one of these knows better."""
        for one in self.parties:
            for other in self.neighbours(one):
                if self.world.joined(one, other) is None:
                    self.world.join(one, other)
        for _ in range(2):
            self.world.settle()
            for party in self.parties:
                party.do_housework()
        self.check()
        for party in self.parties:
            peers = self.neighbours(party)
            for ref in self.deleted:
                if any(self.knows(peer, ref) for peer in peers):
                    assert not party.shows(ref), f"{party.name} was not told that {self.said.index(ref)} is deleted"
            for ref, parent in self.answers.items():
                shown = party.shows(ref) and not self.is_last(party, ref) and not self.knows(party, parent)
                if shown and any(peer.shows(parent) for peer in peers):
                    assert party.shows(parent), f"{party.name} lacks what {self.said.index(ref)} answers"
            assert verify(party.connection, lambda done, total: None) == []
            self.check_views(party)

    def check_views(self, party: Party) -> None:
        """What `rebuild` makes is what grew."""

        def tables() -> list[list[object]]:
            names = ("home", "replies", "refs", "reactions")
            found = [party.connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall() for name in names]
            return [*found, sorted(party.wanted())]

        grown = tables()
        with transaction(party.connection):
            rebuild(party.connection, party.views, lambda done, total: None)
        party.do_housework()
        assert tables() == grown


def one_schedule(seed: str) -> None:
    """Random acts and steps; in the end all are joined."""
    rng = Random(seed)
    with memory_folder() as folder:
        world = World(folder, rng)
        try:
            story = Story(world, rng)
            for _ in range(rng.randrange(10, 60)):
                story.act()
                world.run(rng.choice((0, 10, 60, 200)))
                world.check_no_errors()
                story.check()
            story.check_end()
            world.check_no_errors()
        finally:
            world.close()


@pytest.mark.usefixtures("no_clock")
@pytest.mark.parametrize("chunk", range(3))
def test_deleted_text_is_never_shown_again_and_no_thread_has_a_silent_hole(chunk: int, soak: int) -> None:
    for number in range(SCHEDULES * soak):
        try:
            one_schedule(f"{chunk} {number}")
        except AssertionError as error:
            raise AssertionError(f"one_schedule('{chunk} {number}')") from error
