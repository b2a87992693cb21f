"""Pins: one's own messages that stand first on one's page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pmicro.errors import LocalError
from p2pmicro.ids import Ref, format_ref
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.views.timeline import page_end


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LocalNode]:
    with LocalNode.open(Home(tmp_path / "home", tmp_path / "state"), create=True) as opened:
        opened.profile(name="Ada", bio="Bread")
        yield opened


def _page(node: LocalNode) -> list[str]:
    return [message.text + "!" * message.pinned for message in node.page(node.account)]


def test_pinned_messages_stand_first_the_last_pinned_on_top(node: LocalNode) -> None:
    refs = [node.post(text) for text in ("one", "two", "three")]
    assert node.pin(refs[0]) is not None
    assert node.pin(format_ref(refs[1].feed, refs[1].seq)) is not None
    assert node.pin(refs[0]) is None
    assert _page(node) == ["two!", "one!", "three"]
    assert node.unpin(refs[1]) is not None
    assert node.unpin(refs[1]) is None
    assert _page(node) == ["one!", "three", "two"]


def test_profile_keeps_pins_and_pins_keep_the_profile(node: LocalNode) -> None:
    ref = node.post("one")
    node.pin(ref)
    node.profile(name="Ada L.")
    profile = node.profile_of(node.account)
    assert profile is not None
    assert (profile.name, profile.bio, _page(node)) == ("Ada L.", "Bread", ["one!"])


def test_correction_of_a_pinned_message_is_pinned(node: LocalNode) -> None:
    node.pin(node.post("tpyo"))
    node.post("typo", replace=node.page(node.account)[0].ref)
    assert _page(node) == ["typo!"]


def test_deleted_pin_is_not_shown_and_gives_way(node: LocalNode) -> None:
    refs = [node.post(f"{number}") for number in range(6)]
    for ref in refs[:5]:
        node.pin(ref)
    with pytest.raises(LocalError, match="5 messages are pinned"):
        node.pin(refs[5])
    node.delete(refs[0])
    assert node.pin(refs[5]) is not None
    assert _page(node) == ["5!", "4!", "3!", "2!", "1!"]


def test_pages_of_a_page_go_on_below_what_is_not_pinned(node: LocalNode) -> None:
    refs = [node.post(f"{number}") for number in range(4)]
    node.pin(refs[0])
    first = node.page(node.account, 3)
    assert [message.text for message in first] == ["0", "3", "2"]
    assert [message.text for message in node.page(node.account, 3, page_end(first))] == ["1", "0"]


def test_only_public_messages_of_ones_own_are_pinned(node: LocalNode) -> None:
    with pytest.raises(LocalError, match="not here"):
        node.pin(Ref(node.feed, 99, node.post("x").id))
