"""Play many schedules, on all processors, and tell of those that failed."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.sim.schedule import Played

_SHOWN = 60  # last lines of a schedule that failed


def check_schedules(
    config: pytest.Config, play: Callable[[int], Played], count: int, where: str, failed_once: Sequence[int] = ()
) -> None:
    """Play the one schedule that was asked for by `--sim-seed`, or as many as `--sim-schedules` says, or `count`.

    Args:
        failed_once: seeds that found something, and are played with the `count` first ones.
    """
    seed = config.getoption("--sim-seed")
    wanted = config.getoption("--sim-schedules")
    seeds: Sequence[int] = range(wanted) if wanted else [*range(count), *failed_once]
    played = _play_all(play, seeds if seed is None else [seed])
    failed = [one for one in played if one.settled_s is None or one.faults]
    those = ", ".join(str(one.seed) for one in failed)
    assert not failed, f"{len(failed)} schedules failed: {those}; the first:\n{_told(failed[0], where)}"


def _play_all(play: Callable[[int], Played], seeds: Sequence[int]) -> Iterator[Played]:
    """A schedule knows nothing of the others, and is the same in each process: sets of bytes too go by one order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONHASHSEED", "0")  # read by the interpreters of the pool
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            yield from pool.map(play, seeds, chunksize=1 + len(seeds) // 40)


def _told(played: Played, where: str) -> str:
    """What is shown of a schedule that failed."""
    how = "never settled" if played.settled_s is None else f"settled after {played.settled_s:.0f} s"
    lines = [f"seed {played.seed}, {played.nodes} nodes: {how}. Again: pytest {where} --sim-seed {played.seed}"]
    return "\n".join([*lines, *played.faults, "...", *played.trace[-_SHOWN:]])
