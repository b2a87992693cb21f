"""A fresh store for each test of a view."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.views.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.close()
