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


def pytest_configure(config: pytest.Config) -> None:
    """Leave hidden folders alone: Hypothesis warns when its own would be searched, and a warning is an error."""
    config.addinivalue_line("norecursedirs", ".*")


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
