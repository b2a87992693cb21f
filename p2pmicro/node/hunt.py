"""Finding where two branches of a feed part, and proving it. Source: protocol/sync.md, "Forks".

A validly signed range that does not connect is evidence against its author. So the carrier is asked for its ids, at
most 64 at a time, until the first seq at which they differ from ours is known, and then for its side of the fork.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..ids import EntryId, FeedId
from ..limits import IDS_MAX

HUNTS_MAX = 32
"""Searches at once: each has one question or want under way, and peers bound how many wait."""


@dataclass(slots=True)
class Hunt:
    """One search, with one peer: ids are the same at `low` and may differ at `high`."""

    feed: FeedId
    peer: FeedId
    high: int  # where the ids differ, or are thought to
    low: int = 0  # id(0) is the same for all
    proven_high: bool = False  # whether the peer has shown another id at `high`
    want: int | None = None  # the number of the want for the peer's side

    @property
    def found(self) -> int | None:
        """Where the branches part, once it is known."""
        return self.high if self.proven_high and self.high == self.low + 1 else None

    def ask(self) -> list[int]:
        """The seqs to ask next: at most 64, spread between low and high, high among them."""
        span = self.high - self.low
        count = min(IDS_MAX, span)
        return sorted({self.low + -(-span * step // count) for step in range(1, count + 1)})

    def narrow(self, theirs: Sequence[tuple[int, EntryId]], ours: Mapping[int, EntryId]) -> bool:
        """Take the peer's ids beside ours; whether that brought the search on."""
        before = (self.low, self.high, self.proven_high)
        for seq, entry_id in theirs:
            known = ours.get(seq)
            if known is None or not self.low < seq <= self.high:
                continue
            if known == entry_id:
                self.low = max(self.low, seq)
            else:
                self.high, self.proven_high = seq, True
                break
        return (self.low, self.high, self.proven_high) != before and self.low < self.high
