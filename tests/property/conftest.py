"""A world of nodes for a story."""

from collections.abc import Iterator
from random import Random

import pytest

from p2pmicro.node import intake
from tests.property.pipe import World, memory_folder


@pytest.fixture
def world(no_clock: None) -> Iterator[World]:
    with memory_folder() as folder:
        opened = World(folder, Random("a story"))
        yield opened
        opened.close()


@pytest.fixture
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long the interest takes to compute does not matter here."""
    monkeypatch.setattr(intake, "monotonic", lambda: 0.0)
