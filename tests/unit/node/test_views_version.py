"""Views that another version of the program made, or one with another Unicode, are made anew at opening."""

import unicodedata
from pathlib import Path

import pytest

from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.views import version


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home", tmp_path / "state")
    with LocalNode.open(made, create=True) as node:
        node.post("Off to the #Harbour")
        node.connection.execute("DELETE FROM home")  # as if an older version had known no such list
    return made


def _opened(home: Home) -> tuple[int, list[tuple[int, int]]]:
    """How many messages the timeline has, and what was told while opening."""
    told: list[tuple[int, int]] = []
    with LocalNode.open(home, progress=lambda done, total: told.append((done, total))) as node:
        return len(node.timeline()), told


def test_nothing_is_made_anew_by_the_same_version(home: Home) -> None:
    assert _opened(home) == (0, [])


def test_another_version_makes_them_anew_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "VERSION", version.VERSION + 1)
    count, told = _opened(home)
    assert (count, told[-1][0] == told[-1][1] > 0) == (1, True)
    assert _opened(home) == (1, [])


def test_another_unicode_makes_them_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unicodedata, "unidata_version", "99.0.0")
    assert _opened(home)[0] == 1


def test_store_of_a_version_that_noted_none_is_made_anew(home: Home) -> None:
    with LocalNode.open(home) as node:
        node.connection.execute("DELETE FROM meta WHERE name = 'views'")
    assert _opened(home)[0] == 1


def test_what_fails_on_the_way_leaves_the_old_ones(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalNode.open(home) as node:
        node.rebuild()
    monkeypatch.setattr(version, "VERSION", version.VERSION + 1)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalNode.open(home, progress=stop)
    monkeypatch.undo()
    assert _opened(home) == (1, [])
