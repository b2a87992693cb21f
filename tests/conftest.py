"""What all tests share: how much Hypothesis tries, the seed of random loops, and a few keys and feeds.

`P2PMICRO_SOAK=100 pytest` tries a hundred times as much, from a new seed; `P2PMICRO_SEED=…` repeats a seed that failed.
"""

import os
from random import Random

import pytest
from hypothesis import settings

from tests.made import MadeFeed

SOAK = int(os.environ.get("P2PMICRO_SOAK", "1"))

settings.register_profile("ci", derandomize=True, deadline=None, database=None, max_examples=100)
settings.register_profile("soak", deadline=None, database=None, max_examples=100 * SOAK, print_blob=True)
settings.load_profile("soak" if SOAK > 1 else "ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of tests/sim: pytest looks for options only here."""
    group = parser.getgroup("simulator")
    group.addoption(
        "--sim-seed", type=int, default=None, help="play this one schedule of tests/sim, or month of tests/sim/month"
    )
    group.addoption("--sim-schedules", type=int, default=None, help="play so many of them")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything is at hand that real tests need (`.ci/run`), a skipped one is a failure.

    Outside vectors are the exception: they do not belong to a clone.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("P2PMICRO_NO_SKIP") or reporter is None:
        return
    reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
    skipped = [reason for reason in reasons if "P2PMICRO_VECTORS" not in reason]
    if skipped:
        print("\nThese must run here, and were skipped:", *skipped, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def soak() -> int:
    """How many times more than usual a loop should try."""
    return SOAK


@pytest.fixture
def rng() -> Random:
    """A seeded source of chance; the seed is shown with a failure."""
    drawn = os.urandom(4).hex() if SOAK > 1 else "1"
    seed = os.environ.get("P2PMICRO_SEED", drawn)
    print(f"P2PMICRO_SEED={seed}")
    return Random(seed)


@pytest.fixture(scope="session")
def feed() -> MadeFeed:
    """A feed of 200 entries: three pages and a piece. Nobody changes it."""
    return MadeFeed(200)
