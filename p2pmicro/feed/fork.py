"""Fork proofs: two ids at one seq of one feed, shown to anyone. Source: protocol/feed.md, "Forks"."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import BacklinkError, ForkError, SeqError, SizeError
from ..ids import EntryId, FeedId
from ..limits import FORK_SIDE_MAX, SEQ_MAX
from .chain import Hole, Link, check_head, genesis, page_end, walk


@dataclass(frozen=True, slots=True)
class Side:
    """One branch from where it parts to its next head."""

    items: Sequence[Hole]  # lengths and hashes of seq d and up: 1 to 64, never past a page end
    head: bytes  # 64-byte signature at the last of them


@dataclass(frozen=True, slots=True)
class ForkProof:
    """A feed key signed two branches that part at `before.seq + 1`; the author answers for it, never the carrier."""

    feed: FeedId
    before: Link  # the last place that both share
    sides: tuple[Side, Side]  # by the id at d, the smaller first: one spelling of one proof

    @property
    def seq(self) -> int:
        """Where the branches part: d."""
        return self.before.seq + 1


def make_fork_proof(feed: FeedId, before: Link, one: Side, other: Side) -> ForkProof:
    """Put two sides into a proof, in order, and check it.

    Raises:
        ForkError, SizeError, SeqError, BacklinkError, SignatureError: as `check_fork_proof`.
    """
    sides = sorted((one, other), key=lambda side: walk(before, side.items)[0])
    proof = ForkProof(feed, before, (sides[0], sides[1]))
    check_fork_proof(proof)
    return proof


def check_fork_proof(proof: ForkProof) -> tuple[EntryId, EntryId]:
    """Check that the feed's key signed both sides and that they part at once.

    Returns: the two ids at d.
    Raises:
        SizeError: a side is empty, too long, or passes a page end; or a length is over its limit.
        SeqError: d lies outside 1 to 2^32-1.
        BacklinkError: d is 1, and the sides do not begin at id(0).
        ForkError: the ids at d are the same or not in order.
        SignatureError: a head is wrong.
    Source: protocol/feed.md, "Forks".
    """
    first = proof.seq
    if first == 1 and proof.before != (start := genesis(proof.feed)):
        raise BacklinkError("The sides do not begin where their feed does.", 0, start.id, proof.before.id)
    ends: list[Link] = []
    starts: list[EntryId] = []
    for side in proof.sides:
        last = proof.before.seq + len(side.items)
        if not 1 <= len(side.items) <= FORK_SIDE_MAX or last > page_end(first):
            raise SizeError("A side of a fork proof has 1 to 64 entries and ends at the page's end at the latest.")
        if first < 1 or last > SEQ_MAX:
            raise SeqError(f"A fork at entry {first} lies outside 1 to {SEQ_MAX}.")
        ids = walk(proof.before, side.items)
        starts.append(ids[0])
        ends.append(Link(last, ids[-1]))
    if starts[0] >= starts[1]:
        raise ForkError("The two sides have one id where they should part, or stand in the wrong order.")
    for side, end in zip(proof.sides, ends, strict=True):
        check_head(proof.feed, end, side.head)
    return starts[0], starts[1]
