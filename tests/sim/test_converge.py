"""Linked nodes come to agree, whatever went wrong between them. Source: threats.md, G15 and G16.

`pytest tests/sim --sim-seed N` plays one schedule again and shows what happened; `--sim-schedules N` plays as many.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.sim.schedule import Played, play

_SCHEDULES = 200
_SHOWN = 60  # last lines of a schedule that failed


def _told(played: Played) -> str:
    """What is shown of a schedule that failed."""
    how = "never settled" if played.settled_s is None else f"settled after {played.settled_s:.0f} s"
    lines = [f"seed {played.seed}, {played.nodes} nodes: {how}. Again: pytest tests/sim --sim-seed {played.seed}"]
    return "\n".join([*lines, *played.faults, "...", *played.trace[-_SHOWN:]])


def _play_all(seeds: range) -> Iterator[Played]:
    """Play on all processors: a schedule knows nothing of the others."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        yield from pool.map(play, seeds, chunksize=5)


def test_linked_nodes_agree_after_what_went_wrong_is_mended(request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--sim-seed")
    count = request.config.getoption("--sim-schedules") or _SCHEDULES
    found = [play(seed)] if seed is not None else _play_all(range(count))
    failed = [_told(played) for played in found if played.settled_s is None or played.faults]
    assert not failed, f"{len(failed)} schedules failed; the first:\n{failed[0]}"


def test_seed_gives_the_same_schedule_again() -> None:
    assert play(2).trace == play(2).trace
