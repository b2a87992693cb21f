"""Whatever the network, the scheduler and the disk do, nodes that stay joined in the end hold the same.

A schedule that fails is named by its seed: `one_schedule(seed, names)` repeats it. `P2PMICRO_SOAK=10 pytest` runs ten
times as many.
"""

from functools import cache
from random import Random

import pytest

from p2pmicro.node import answers, interests, talk
from p2pmicro.sync import gossip, session
from tests.made import MadeFeed
from tests.property import pipe
from tests.property.pipe import Party, World, lacking, memory_folder

SCHEDULES = 12  # a test


@cache
def strangers() -> tuple[MadeFeed, ...]:
    """Feeds whose authors are away: the nodes have them from elsewhere, mostly in part; the last two are of one."""
    made = [MadeFeed(count, f"away {count}", account=f"away {count}") for count in (2, 64, 200)]
    return (*made, MadeFeed(130, "away too", account="away 200"))


def one_schedule(seed: str, names: tuple[str, ...]) -> None:
    """Random acts and steps, cuts and restarts; in the end all are joined, and lack nothing that another has."""
    rng = Random(seed)
    with memory_folder() as folder:
        world = World(folder, rng)
        try:
            parties = [world.add(name) for name in names]
            for party in parties:
                party.post(rng.choice((1, 1, 5, 70, 200)))
            for _ in range(rng.randrange(4, 40)):
                act(world, rng.choice(parties))
                world.run(rng.choice((0, 1, 10, 30, 80, 80, 200, 200, 500)))
                world.check_no_errors()
            for made in strangers():
                if rng.random() < 0.5:  # somebody has all of it after all
                    rng.choice(parties).hold(made, 1, made.last)
            for at, one in enumerate(parties):
                for other in parties[at + 1 :]:
                    if world.joined(one, other) is None:
                        world.join(one, other)
            world.settle()
            world.check_no_errors()
            for one in parties:
                assert one.own_ahead == 0
                assert not [what for other in parties if other is not one for what in lacking(one, other)]
        finally:
            world.close()


def act(world: World, party: Party) -> None:
    rng = world.rng
    other = rng.choice([other for other in world.parties if other is not party])
    joined = world.joined(party, other)
    match rng.randrange(20):
        case 0 | 1 | 2 | 3 | 4 if joined is None:
            world.join(party, other)
        case 5 | 6 | 7 if joined is not None:
            world.cut(joined)
        case 8 | 9 | 10:
            posted = party.post(rng.choice((1, 1, 1, 3, 65, 300)))
            if rng.random() < 0.3:
                party.delete(rng.choice(posted))
        case 11 | 12 | 13:
            account = rng.choice([other.account, *(made.account for made in strangers())])
            party.follow(account, on=rng.random() < 0.6)
        case 14 | 15:
            made = rng.choice(strangers())
            first = rng.randrange(1, made.last + 1)
            party.hold(made, first, rng.randrange(first, made.last + 1))
        case 16:
            world.restart(party)
        case 17 | 18:
            world.restart(party, power_cut=True)
        case 19 if rng.random() < 0.3:
            party.new_epoch()
            world.restart(party)
        case _:
            pass


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits so small that everything comes in many parts."""
    monkeypatch.setattr(gossip, "WANT_OUTSTANDING_MAX_BYTES", 30_000)
    monkeypatch.setattr(gossip, "FETCH_QUEUED_MAX_BYTES", 40_000)
    monkeypatch.setattr(gossip, "WANT_MAX_ITEMS", 2)
    monkeypatch.setattr(answers, "HAVE_MAX_ITEMS", 1)
    monkeypatch.setattr(answers, "_SCAN_FEEDS", 2)
    monkeypatch.setattr(interests, "INTEREST_CHUNK", 1)
    monkeypatch.setattr(talk, "TOLD_FEEDS_MAX", 1)
    monkeypatch.setattr(session, "UNSENT_MAX_BYTES", 2000)
    monkeypatch.setattr(pipe, "UNSENT_MAX_BYTES", 2000)


@pytest.mark.usefixtures("no_clock")
@pytest.mark.parametrize("names", [("alice", "bob"), ("alice", "bob", "carol")], ids=len)
class TestTheyEndEqual:
    @pytest.mark.parametrize("chunk", range(3))
    def test_in_full_steps(self, names: tuple[str, ...], chunk: int, soak: int) -> None:
        for number in range(SCHEDULES * soak):
            one_schedule(f"{len(names)} {chunk} {number}", names)

    @pytest.mark.usefixtures("narrow")
    @pytest.mark.parametrize("chunk", range(3))
    def test_in_many_small_parts(self, names: tuple[str, ...], chunk: int, soak: int) -> None:
        for number in range(SCHEDULES * soak):
            one_schedule(f"{len(names)} narrow {chunk} {number}", names)
