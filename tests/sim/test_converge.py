"""Linked nodes come to agree, whatever went wrong between them. Source: threats.md, G15 and G16.

`pytest tests/sim/test_converge.py --sim-seed N` plays one schedule again and shows what happened; `--sim-schedules N`
plays as many.
"""

import pytest

from tests.sim.playing import check_schedules
from tests.sim.schedule import play

_SCHEDULES = 200


def test_linked_nodes_agree_after_what_went_wrong_is_mended(request: pytest.FixtureRequest) -> None:
    check_schedules(request.config, play, _SCHEDULES, "tests/sim/test_converge.py")


def test_seed_gives_the_same_schedule_again() -> None:
    assert play(2).trace == play(2).trace
