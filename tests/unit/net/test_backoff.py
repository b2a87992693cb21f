"""The plan of dials: protocol/discovery.md, "Known addresses" and "Back-off"."""

from random import Random

import pytest

from p2pmicro.limits import ANNOUNCED_MAX, BACKOFF_FIRST_S, BACKOFF_MAX_S, DIALS_PER_MINUTE_MAX
from p2pmicro.net.backoff import DialPlan


@pytest.fixture
def plan() -> DialPlan:
    return DialPlan(Random(1))


def fail_until_waiting(plan: DialPlan, address: str, times: int) -> list[float]:
    """Dial an address that is never there; the waits between the tries."""
    now, waits = 0.0, []
    for _ in range(times):
        assert plan.take(now) == address
        plan.settle(address, now, met=False)
        due = plan.next_timeout()
        assert due is not None
        waits.append(due - now)
        now = due
    return waits


def test_new_known_address_is_due_at_once(plan: DialPlan) -> None:
    plan.know("a:4000", 5.0)
    assert plan.next_timeout() == 5.0
    assert plan.take(5.0) == "a:4000"


def test_address_in_hand_is_not_given_twice(plan: DialPlan) -> None:
    plan.know("a:4000", 0.0)
    plan.take(0.0)
    plan.know("a:4000", 1.0)
    plan.announce("a:4000", 1.0)
    assert plan.take(1e9) is None
    assert plan.next_timeout() is None


def test_wait_doubles_up_to_its_maximum_with_jitter(plan: DialPlan) -> None:
    plan.know("a:4000", 0.0)
    waits = fail_until_waiting(plan, "a:4000", 12)
    full = [min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2**n) for n in range(12)]
    assert all(whole / 2 <= wait <= whole for wait, whole in zip(waits, full, strict=True))
    assert len({wait / whole for wait, whole in zip(waits, full, strict=True)}) == 12


def test_wait_begins_anew_after_a_meeting(plan: DialPlan) -> None:
    plan.know("a:4000", 0.0)
    fail_until_waiting(plan, "a:4000", 9)
    now = 1e6
    assert plan.take(now) == "a:4000"
    plan.settle("a:4000", now, met=True)
    due = plan.next_timeout()
    assert due is not None
    assert due - now <= BACKOFF_FIRST_S


def test_known_address_stays_however_often_it_fails(plan: DialPlan) -> None:
    plan.know("a:4000", 0.0)
    fail_until_waiting(plan, "a:4000", 100)
    assert "a:4000" in plan


def test_wrong_announced_address_costs_one_dial_a_minute(plan: DialPlan) -> None:
    dials = 0
    for second in range(600):
        plan.announce("10.0.0.9:4000", float(second))
        if (address := plan.take(float(second))) is not None:
            dials += 1
            plan.settle(address, float(second), met=False)
    assert dials == 10


def test_dials_a_minute_are_capped(plan: DialPlan) -> None:
    dials: list[float] = []
    for step in range(2400):
        now = step / 8
        plan.announce(f"10.0.{step // 250}.{step % 250 + 1}:4000", now)
        if (address := plan.take(now)) is not None:
            dials.append(now)
            plan.settle(address, now, met=False)
    assert all(later - earlier >= 60.0 for earlier, later in zip(dials, dials[DIALS_PER_MINUTE_MAX:], strict=False))
    assert len(dials) == 5 * DIALS_PER_MINUTE_MAX


def test_next_timeout_waits_for_the_cap(plan: DialPlan) -> None:
    for number in range(DIALS_PER_MINUTE_MAX + 1):
        plan.know(f"a{number}:4000", 0.0)
    for number in range(DIALS_PER_MINUTE_MAX):
        assert plan.take(float(number)) is not None
    assert plan.take(59.0) is None
    assert plan.next_timeout() == 60.0
    assert plan.take(60.0) is not None


def test_flood_of_announcements_leaves_known_addresses_every_second_turn(plan: DialPlan) -> None:
    for number in range(10_000):
        plan.announce(f"10.0.{number // 250}.{number % 250 + 1}:4000", 0.0)
    for number in range(10):
        plan.know(f"friend{number}:4000", 1.0)
    taken = [plan.take(1.0) for _ in range(20)]
    assert sum(address is not None and address.startswith("friend") for address in taken) == 10
    assert len(plan) == ANNOUNCED_MAX + 10


def test_many_dead_known_addresses_leave_announced_ones_every_second_turn(plan: DialPlan) -> None:
    for number in range(100):
        plan.know(f"old{number}:4000", 0.0)
    plan.announce("10.0.0.2:4000", 1.0)
    assert "10.0.0.2:4000" in [plan.take(1.0) for _ in range(2)]


def test_full_table_gives_the_place_of_one_that_failed(plan: DialPlan) -> None:
    for number in range(ANNOUNCED_MAX):
        plan.announce(f"10.0.0.1:{2000 + number}", 0.0)
    plan.announce("10.0.0.2:4000", 0.0)
    assert "10.0.0.2:4000" not in plan
    failed = plan.take(0.0)
    assert failed is not None
    plan.settle(failed, 0.0, met=False)
    plan.announce("10.0.0.2:4000", 1.0)
    assert "10.0.0.2:4000" in plan
    assert failed not in plan
    assert len(plan) == ANNOUNCED_MAX


def test_announcement_never_removes_a_known_address(plan: DialPlan) -> None:
    plan.know("friend:4000", 0.0)
    fail_until_waiting(plan, "friend:4000", 10)
    for number in range(2 * ANNOUNCED_MAX):
        plan.announce(f"10.0.0.1:{2000 + number}", 1e6)
    assert "friend:4000" in plan


def test_announcement_ends_the_wait_of_an_address_once_a_minute(plan: DialPlan) -> None:
    plan.know("10.0.0.2:4000", 0.0)
    fail_until_waiting(plan, "10.0.0.2:4000", 12)
    now = 1e6
    assert plan.take(now) is not None
    plan.settle("10.0.0.2:4000", now, met=False)
    plan.announce("10.0.0.2:4000", now + 1)
    assert plan.next_timeout() == now + 60.0


def test_announced_address_becomes_known_after_a_meeting(plan: DialPlan) -> None:
    plan.announce("10.0.0.2:4000", 0.0)
    assert plan.take(0.0) is not None
    plan.know("10.0.0.2:4000", 1.0)
    for number in range(ANNOUNCED_MAX):
        plan.announce(f"10.0.0.1:{2000 + number}", 2.0)
    assert len(plan) == ANNOUNCED_MAX + 1


def test_hurry_tries_known_addresses_within_the_first_wait(plan: DialPlan) -> None:
    plan.know("a:4000", 0.0)
    fail_until_waiting(plan, "a:4000", 12)
    plan.hurry(5000.0)
    due = plan.next_timeout()
    assert due is not None
    assert due <= 5000.0 + BACKOFF_FIRST_S


def test_forgotten_address_is_never_dialled_again(plan: DialPlan) -> None:
    plan.announce("10.0.0.2:4000", 0.0)
    assert plan.take(0.0) is not None
    plan.forget("10.0.0.2:4000")
    plan.settle("10.0.0.2:4000", 1.0, met=True)
    assert len(plan) == 0
    assert plan.take(1e9) is None
