"""A home for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.made import MadeFeed
from tests.store.alone import Shelf
from tests.store.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    opened = Shelf(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def friend() -> MadeFeed:
    """Somebody who is followed."""
    return MadeFeed(2, "friend", "friend")


@pytest.fixture
def stranger() -> MadeFeed:
    """Somebody of whom nothing is known."""
    return MadeFeed(9, "stranger", "stranger")
