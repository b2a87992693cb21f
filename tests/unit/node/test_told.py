"""What a node remembers of what a peer knows. Source: protocol/sync.md, "Live"."""

from p2pmicro.ids import EntryId
from p2pmicro.node.talk import Told

ENTRY = EntryId(bytes(32))


def test_entries_that_follow_are_joined() -> None:
    assert Told(3, 7, None, None).grown(8, 9) == Told(3, 9, None, None)


def test_entries_that_overlap_are_joined() -> None:
    assert Told(3, 7, 5, None).grown(2, 9) == Told(2, 9, 5, None)


def test_what_lies_below_a_gap_is_told_again_when_the_gap_is_filled() -> None:
    assert Told(1, 2, None, (4, ENTRY)).grown(6, 7) == Told(6, 7, None, (4, ENTRY))


def test_older_entries_across_a_gap_do_not_hide_it() -> None:
    """Entry 36 is lacking: whoever gets it has to tell."""
    assert Told(37, 43, None, None).grown(1, 35) == Told(37, 43, None, None)
    assert Told(37, 43, None, None).grown(1, 36) == Told(1, 43, None, None)


def test_older_entries_take_nothing_away() -> None:
    assert Told(1, 9, None, None).grown(4, 5) == Told(1, 9, None, None)
