"""Drafts stay in the home until they are posted, and leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pmicro.errors import LocalError
from p2pmicro.feed.content import TextError
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.store import erase
from p2pmicro.store.lock import NodeLock

MARKER = "wandering albatross"


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[LocalNode]:
    with LocalNode.open(Home(tmp_path / "home", tmp_path / "state"), create=True) as node:
        yield node


def test_draft_is_posted_as_it_is_and_dropped(ada: LocalNode) -> None:
    height = ada.height()
    first, second = ada.save_draft("one"), ada.save_draft("two")
    assert ada.height() == height
    assert ada.drafts() == [first, second]
    ref = ada.post_draft(second.number)
    assert ada.message(ref.feed, ref.seq) is not None
    assert ada.drafts() == [first]
    ada.delete_draft(first.number)
    assert ada.drafts() == []
    assert ada.save_draft("three").number == 3  # a number never names another


def test_draft_that_is_too_long_to_post_is_kept(ada: LocalNode) -> None:
    draft = ada.save_draft("x" * 150)
    with pytest.raises(TextError, match="10 more than 140"):
        ada.post_draft(draft.number)
    shorter = ada.save_draft("x" * 140, draft.number)
    assert ada.drafts() == [shorter]
    ada.post_draft(draft.number)


@pytest.mark.parametrize("text", ["", " \n ", "x" * 10_001, "half \ud800"])
def test_what_is_no_text_is_refused(ada: LocalNode, text: str) -> None:
    with pytest.raises(LocalError):
        ada.save_draft(text)
    assert ada.drafts() == []


def test_draft_that_is_not_there_is_said_to_be_none(ada: LocalNode) -> None:
    for act in (ada.post_draft, ada.delete_draft):
        with pytest.raises(LocalError, match="There is no draft 7"):
            act(7)
    with pytest.raises(LocalError, match="There is no draft 7"):
        ada.save_draft("text", 7)


@pytest.mark.parametrize("node_runs", [False, True])
def test_dropped_and_changed_drafts_are_wiped_from_the_disk(ada: LocalNode, node_runs: bool) -> None:
    lock = NodeLock(ada.home.node_lock)
    assert not node_runs or lock.acquire()
    dropped, changed = ada.save_draft(f"{MARKER} 1"), ada.save_draft(f"{MARKER} 2")
    ada.delete_draft(dropped.number)
    ada.save_draft("something else", changed.number)
    assert ada.status().erasures_pending == 2 * node_runs
    assert erase.finish(ada.connection, ada.views)  # as a running node does within a minute
    lock.release()
    for file in [*ada.home.path.iterdir(), *ada.home.state.iterdir()]:
        if file.is_file():
            assert MARKER.encode() not in file.read_bytes(), file.name
    assert ada.status().erasures_pending == 0
