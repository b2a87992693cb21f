"""Guests: who was met on the LAN has a little room, and made-up ones leave nothing behind. Source: threats X9, G10."""

from itertools import count as count_up

import pytest

from p2pmicro.feed.device import check_device_proof
from p2pmicro.limits import FEEDS_PER_ACCOUNT_MAX, GUEST_STAY_S
from p2pmicro.node import intake
from p2pmicro.node.inbound import Inbound, Met, verify
from p2pmicro.store import quota
from p2pmicro.store.feeds import Role
from p2pmicro.store.verify import verify as verify_store
from tests.made import MadeFeed
from tests.property.pipe import Party, World, lacking


def meet_hello(party: Party, made: MadeFeed) -> None:
    """What becomes of a hello with a device proof."""
    batch = [Inbound(None, Met(check_device_proof(made.proof)))]
    verify(batch)
    party.replicator.apply(party.intake.insert(party.connection, batch))


def count(party: Party, table: str) -> int:
    return int(party.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_guest_over_its_quota_is_fetched_in_full_once_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "GUEST_MAX_BYTES", 20_000)
    alice, bob = world.add("alice"), world.add("bob")
    bob.post(500)
    world.join(alice, bob)
    world.settle()
    assert alice.roles()[bob.account] is Role.GUEST
    assert lacking(alice, bob)
    alice.follow(bob.account)
    world.settle()
    assert not lacking(alice, bob)


def test_guest_over_its_quota_is_fetched_in_full_if_followed_while_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "GUEST_MAX_BYTES", 20_000)
    alice, bob = world.add("alice"), world.add("bob")
    bob.post(500)
    pipe = world.join(alice, bob)
    world.settle()
    world.cut(pipe)
    alice.follow(bob.account)
    world.join(alice, bob)
    world.settle()
    assert not lacking(alice, bob)


def test_guests_that_left_take_no_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "GUEST_FEEDS_MAX", 2)
    monkeypatch.setattr(quota, "GUEST_FEEDS_MAX", 2)
    clock = count_up(0, 100)
    monkeypatch.setattr(intake, "monotonic", lambda: next(clock))
    alice = world.add("alice")
    for number in range(6):
        bob = world.add(f"bob {number}")
        bob.post(20)
        pipe = world.join(alice, bob)
        world.settle()
        world.cut(pipe)
    assert verify_store(alice.connection, lambda done, total: None) == []
    roles = alice.roles()
    assert sum(role is Role.GUEST for role in roles.values()) == 2
    assert {state.account for state in alice.states().values()} <= roles.keys()
    assert count(alice, "accounts") == 3
    total = alice.connection.execute("SELECT value FROM meta WHERE name = 'bytes'").fetchone()[0]
    assert total == sum(state.bytes for state in alice.states().values())


def test_account_with_many_feeds_is_a_guest_with_a_few(world: World) -> None:
    alice = world.add("alice")
    for number in range(FEEDS_PER_ACCOUNT_MAX + 8):
        meet_hello(alice, MadeFeed(1, f"feed {number}", account="many"))
    assert count(alice, "feeds") == 1 + FEEDS_PER_ACCOUNT_MAX


def test_made_up_hellos_leave_a_few_rows(world: World) -> None:
    alice = world.add("alice")
    for number in range(300):
        meet_hello(alice, MadeFeed(1, f"feed {number}", account=f"account {number}"))
    assert count(alice, "feeds") == 1 + 16
    assert count(alice, "accounts") == 1 + 16


def test_flood_of_made_up_guests_turns_nothing_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = world.add("alice")
    now = 1000.0
    monkeypatch.setattr(intake, "monotonic", lambda: now)
    for number in range(16):
        meet_hello(alice, MadeFeed(1, f"feed {number}", account=f"account {number}"))
    before = alice.roles()
    for number in range(16, 100):
        meet_hello(alice, MadeFeed(1, f"feed {number}", account=f"account {number}"))
    assert len(before.keys() - alice.roles().keys()) == 1
    now += GUEST_STAY_S
    meet_hello(alice, MadeFeed(1, "late", account="late"))
    assert MadeFeed(1, "late", account="late").account in alice.roles()
