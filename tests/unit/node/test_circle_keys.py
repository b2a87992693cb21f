"""Large circles: who does not belong to one when a message is signed never reads it (row P6).

Source: protocol/content.md, "Sealing", sealed-circle-key.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pmicro.feed.content import read_opened
from p2pmicro.node import circles
from p2pmicro.node.install import Install
from p2pmicro.node.local import LocalNode
from tests.unit.node.town import Town

NAMES = ["Ada", "Ben", "Cleo", "Dan", "Eve"]
OTHERS = NAMES[1:]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """Five people who know one another; circles of two are large."""
    monkeypatch.setattr(circles, "_DIRECT_MAX", 1)
    monkeypatch.setattr(circles, "SEALED_SLOTS", (1, 64))
    with Town(tmp_path, *NAMES) as made:
        made.know(*NAMES)
        yield made


def texts(node: LocalNode) -> set[str]:
    """What was sealed and can be read, whatever else."""
    plains = node.connection.execute("SELECT plain FROM sealed WHERE plain IS NOT NULL")
    found = [read_opened(0, plain).content for (plain,) in plains]
    return {content["text"] for content in found if "text" in content}


def crash_after(node: LocalNode, text: str, circle: str) -> None:
    """Post, and end after the commit, before one's own entries are opened."""
    with pytest.MonkeyPatch.context() as crashed:
        crashed.setattr(Install, "_unseal", lambda *_: None)
        node.post(text, to=[circle])


def phone_of(town: Town, name: str) -> LocalNode:
    """A second device, with all that the first and its friends have."""
    phone = town.open(f"{name}'s phone", words=" ".join(town[name].words()))
    for giver in (name, *NAMES):
        town.carry(giver, f"{name}'s phone")
    return phone


def test_who_joins_does_not_read_what_was_written_before(town: Town) -> None:
    ada = town["Ada"]
    ada.create_circle("walkers", ["Ben", "Cleo"])
    ada.post("one", to=["walkers"])
    ada.add_to_circle("walkers", ["Dan"])
    ada.post("two", to=["walkers"])
    town.carry("Ada", *OTHERS)
    assert texts(town["Ben"]) == texts(town["Cleo"]) == {"one", "two"}
    assert texts(town["Dan"]) == {"two"}


def test_who_leaves_after_a_crash_reads_no_more(town: Town) -> None:
    ada = town["Ada"]
    ada.create_circle("walkers", ["Ben", "Cleo", "Dan"])
    crash_after(ada, "one", "walkers")
    ada.remove_from_circle("walkers", ["Cleo"])
    ada.post("two", to=["walkers"])
    ada.post("three", to=["walkers"])
    town.carry("Ada", *OTHERS)
    assert texts(town["Ben"]) == texts(town["Dan"]) == {"one", "two", "three"}
    assert texts(town["Cleo"]) == {"one"}


def test_who_is_removed_by_a_device_that_lacks_the_key_reads_no_more(town: Town) -> None:
    ada = town["Ada"]
    ada.create_circle("walkers", ["Ben", "Cleo", "Dan"])
    ada.post("hello")  # the circle goes with it
    phone = phone_of(town, "Ada")
    ada.post("one", to=["walkers"])
    phone.remove_from_circle("walkers", [town["Cleo"].account])
    phone.post("hello from the phone")
    town.carry("Ada's phone", "Ada")
    ada.post("two", to=["walkers"])
    town.carry("Ada", *OTHERS)
    assert texts(town["Ben"]) == texts(town["Dan"]) == {"one", "two"}
    assert texts(town["Cleo"]) == {"one"}


def test_two_devices_that_remove_one_each_leave_both_out(town: Town) -> None:
    ada = town["Ada"]
    ada.create_circle("walkers", OTHERS)
    ada.post("one", to=["walkers"])
    phone = phone_of(town, "Ada")
    ada.remove_from_circle("walkers", ["Cleo"])
    ada.post("two", to=["walkers"])
    phone.remove_from_circle("walkers", [town["Dan"].account])
    phone.post("hello from the phone")
    town.carry("Ada's phone", "Ada")
    ada.post("three", to=["walkers"])
    town.carry("Ada", *OTHERS)
    assert texts(town["Ben"]) == texts(town["Eve"]) == {"one", "two", "three"}
    assert texts(town["Cleo"]) == {"one"}
    assert texts(town["Dan"]) == {"one", "two"}


def test_home_brought_back_from_a_copy_gives_a_new_key(town: Town) -> None:
    """What was given after the copy was made, and taken back, is not known to it."""
    ada = town["Ada"]
    ada.create_circle("walkers", ["Ben", "Cleo"])
    ada.post("one", to=["walkers"])
    (before,) = ada.connection.execute("SELECT count(*) FROM secrets WHERE circle IS NOT NULL").fetchone()
    ada.renew_feed("This home is a copy.")
    ada.post("two", to=["walkers"])
    (after,) = ada.connection.execute("SELECT count(*) FROM secrets WHERE circle IS NOT NULL").fetchone()
    assert after > before


def test_key_is_given_once_while_nobody_joins_or_leaves(town: Town) -> None:
    ada = town["Ada"]
    ada.create_circle("walkers", ["Ben", "Cleo"])
    ada.post("one", to=["walkers"])
    height = ada.height()
    ada.post("two", to=["walkers"])
    assert ada.height() == height + 1


def test_schedules_of_joining_leaving_and_writing(town: Town, pytestconfig: pytest.Config) -> None:
    """0 read by who did not belong to the circle at signing time, and all by who did; --sim-schedules for more."""
    ada = town["Ada"]
    readers: dict[str, set[str]] = {}
    for schedule in range(pytestconfig.getoption("--sim-schedules") or 100):
        rng = random.Random(schedule)
        circle = f"circle {schedule}"
        inside = set(rng.sample(OTHERS, rng.randint(1, 3)))
        ada.create_circle(circle, sorted(inside))
        for step in range(8):
            who = rng.choice(OTHERS)
            if rng.random() < 0.5:
                text = f"schedule {schedule}, step {step}"
                readers[text] = set(inside)
                if rng.random() < 0.2:
                    crash_after(ada, text, circle)
                else:
                    ada.post(text, to=[circle])
            elif who not in inside:
                ada.add_to_circle(circle, [who])
                inside.add(who)
            elif len(inside) > 1:
                ada.remove_from_circle(circle, [who])
                inside.remove(who)
    town.carry("Ada", *OTHERS)
    for name in OTHERS:
        assert texts(town[name]) == {text for text, inside in readers.items() if name in inside}, name
