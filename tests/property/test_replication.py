"""Whatever the network and the scheduler do, two nodes that stay joined end equal."""

from random import Random

import pytest

from tests.property.pipe import Party, World, lacking, memory_folder

SCHEDULES = 75


def one_schedule(seed: str, names: tuple[str, ...]) -> None:
    """Random acts and steps, cuts and restarts; in the end all are joined, and lack nothing that another has."""
    rng = Random(seed)
    with memory_folder() as folder:
        world = World(folder, rng)
        try:
            parties = [world.add(name) for name in names]
            for party in parties:
                party.post(rng.choice((0, 1, 5, 70, 200)) or 1)
            for _ in range(rng.randrange(4, 25)):
                act(world, rng.choice(parties))
                world.run(rng.choice((0, 1, 10, 50, 200, 500)))
                world.check_no_errors()
            for at, one in enumerate(parties):
                for other in parties[at + 1 :]:
                    if world.joined(one, other) is None:
                        world.join(one, other)
            world.settle()
            world.check_no_errors()
            for one in parties:
                assert one.own_ahead == 0
                for other in parties:
                    assert one is other or not lacking(one, other)
        finally:
            world.close()


def act(world: World, party: Party) -> None:
    rng = world.rng
    other = rng.choice([other for other in world.parties if other is not party])
    pipe = world.joined(party, other)
    choice = rng.random()
    if pipe is None and choice < 0.5:
        world.join(party, other)
    elif pipe is not None and choice < 0.2:
        world.cut(pipe)
    elif choice < 0.75:
        posted = party.post(rng.choice((1, 1, 1, 3, 65, 300)))
        if rng.random() < 0.3:
            party.delete(rng.choice(posted))
    elif choice < 0.9:
        party.follow(rng.choice(world.parties).account, on=rng.random() < 0.7) if other is not party else None
    elif choice < 0.95:
        world.restart(party)
    else:
        party.new_epoch()
        world.restart(party)


@pytest.mark.parametrize("chunk", range(5))
def test_two_nodes_end_equal(chunk: int, soak: int) -> None:
    for number in range(SCHEDULES * soak // 5):
        one_schedule(f"two {chunk} {number}", ("alice", "bob"))


@pytest.mark.parametrize("chunk", range(5))
def test_three_nodes_end_equal(chunk: int, soak: int) -> None:
    for number in range(SCHEDULES * soak // 5):
        one_schedule(f"three {chunk} {number}", ("alice", "bob", "carol"))
