"""What sessions bring, how it is checked, and what can become of it.

`verify` is the one check that everything others signed passes on its way to the store; it needs no store itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeAlias

from ..errors import DeviceError, EntryError, MessageError
from ..feed.chain import CheckedRange, Range, check_excerpt, check_range
from ..feed.content import Entry, read_many
from ..feed.device import Device, check_device_proof, check_revoke
from ..feed.fork import ForkProof, check_fork_proof
from ..feed.picture import Facts, PictureError, look
from ..ids import FeedId, Ref
from ..store.excerpts import Proven, Taken
from ..store.feeds import FeedState
from ..store.ingest import Checked, Outcome
from ..sync.gossip import Held
from ..sync.message import ExcerptGiven, Have, HaveItem, Media, RangeGiven
from .talk import Talk

_INBOUND_BYTES = 500  # of a small thing that waits, with what Python needs to keep it
_HOLE_BYTES = 170  # of a length and a hash, as Python keeps them


@dataclass(frozen=True, slots=True)
class Note:
    """Something to remember of a peer: columns of its row."""

    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Met:
    """A peer has proven its account: on the LAN it may become a guest."""

    device: Device


@dataclass(frozen=True, slots=True)
class Settled:
    """A feed lacks nothing more of what connected peers offer: notes of what is here by now go, and of `failed`."""

    feed: FeedId
    failed: FeedId | None = None  # a peer that was asked in vain
    offered: tuple[int, int] | None = None  # for what it had offered: by now it may have offered something else


@dataclass(frozen=True, slots=True)
class Refresh:
    """Follows have changed: whom to ask for is to be computed again."""


Brought: TypeAlias = RangeGiven | ExcerptGiven | Have | Media | ForkProof | Note | Met | Settled | Refresh


@dataclass(slots=True)
class Inbound:
    """One thing that came, and what `verify` found of it."""

    talk: Talk | None
    brought: Brought
    checked: Checked | None = None  # of a range
    proven: Proven | None = None  # of an excerpt
    devices: Mapping[FeedId, Device] = field(default_factory=dict)  # of a have
    facts: Facts | None = None  # of a picture that all may see
    error: EntryError | MessageError | None = None  # why it is refused: its carrier lied

    @property
    def unasked_bytes(self) -> int:
        """About what it holds of memory, if it came unasked; the plan of fetching bounds what was asked for."""
        match self.brought:
            case RangeGiven(number=None, range=given):
                return _INBOUND_BYTES + sum(len(item) for item in given.items)
            case ExcerptGiven(number=None, excerpt=excerpt):
                return _INBOUND_BYTES + len(excerpt.payload) + _HOLE_BYTES * len(excerpt.tail)
            case Have(items=items):
                return _INBOUND_BYTES + sum(map(_item_bytes, items))
            case Note(columns=columns):
                return _INBOUND_BYTES + len(columns.get("their_interest", b""))
            case _:
                return 0


def _item_bytes(item: HaveItem) -> int:
    """About what an item of a have holds of memory: with proofs, twenty times as much as without."""
    proof = 0 if item.device is None else len(item.device.payload)
    holes = 0 if item.fork is None else sum(len(side.items) for side in item.fork.sides)
    return _INBOUND_BYTES + proof + _HOLE_BYTES * holes


@dataclass(frozen=True, slots=True)
class RangeStored:
    """What became of a range."""

    talk: Talk
    number: int | None
    given: Range
    outcome: Outcome
    count: int  # new entries
    held: Held
    before: FeedState | None  # the feed before
    state: FeedState | None  # and after
    conflict: int | None  # the last seq at which both have ids, and others; None where there is none


@dataclass(frozen=True, slots=True)
class HaveNoted:
    """What a peer has that is lacked here."""

    talk: Talk
    offers: Sequence[tuple[FeedId, int, int, Held]]
    suspects: Sequence[tuple[FeedId, int]]  # feeds whose id at a seq differs from ours
    upto: int | None  # its changes, if with this all up to there have been told


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier is at fault."""

    talk: Talk
    error: EntryError | MessageError


@dataclass(frozen=True, slots=True)
class ExcerptTaken:
    """What became of an excerpt."""

    talk: Talk
    ref: Ref
    deletes: Ref | None  # what it deletes, if it is a delete
    outcome: Taken


@dataclass(frozen=True, slots=True)
class MoreWanted:
    """More is wanted by ref than before."""

    top: int  # the highest number in `wanted`


@dataclass(frozen=True, slots=True)
class PictureTaken:
    """What became of a picture that came with the right hash."""

    talk: Talk
    name: bytes
    kept: bool


@dataclass(frozen=True, slots=True)
class FeedChanged:
    """A fork or revoke was learnt, or a feed became known."""

    feed: FeedId
    held: Held


@dataclass(frozen=True, slots=True)
class InterestChanged:
    """Other accounts are wanted than before."""


Result: TypeAlias = (
    RangeStored | ExcerptTaken | MoreWanted | HaveNoted | Refused | PictureTaken | FeedChanged | InterestChanged
)


def verify(batch: Sequence[Inbound]) -> None:
    """Check all that came, in place; needs no store, so it runs beside the inserting thread."""
    ranges: list[tuple[Inbound, CheckedRange]] = []
    for inbound in batch:
        try:
            match inbound.brought:
                case RangeGiven(range=given):
                    ranges.append((inbound, check_range(given)))
                case ExcerptGiven() as told:
                    inbound.proven = _check_excerpt(told)
                case Have(items=items):
                    inbound.devices = _check_items(items)
                case ForkProof() as proof:
                    check_fork_proof(proof)
                case Media(name=name, data=bytes(data)):
                    inbound.facts = _check_picture(name, data)
                case _:
                    pass
        except (EntryError, MessageError) as error:
            inbound.error = error
    # One decoding of all payloads costs half as much as one a range.
    payloads = [item for _, checked in ranges for item in checked.range.items if isinstance(item, bytes)]
    entries = iter([entry for at in range(0, len(payloads), 65_535) for entry in read_many(payloads[at : at + 65_535])])
    for inbound, checked in ranges:
        read = [next(entries) if isinstance(item, bytes) else None for item in checked.range.items]
        inbound.checked = Checked(checked, read)


def _check_excerpt(told: ExcerptGiven) -> Proven:
    """Check an excerpt with the device proofs that came with it.

    Raises:
        EntryError: one of them does not hold, or the second is not of the feed of which the excerpt deletes an entry.
    """
    excerpt = told.excerpt
    device = check_device_proof(told.devices[0], excerpt.feed)
    entry_id = check_excerpt(excerpt)
    (entry,) = read_many([excerpt.payload])
    found = Proven(excerpt, entry_id, device, None, entry if isinstance(entry, Entry) else None)
    if len(told.devices) == 1:
        return found
    if found.deletes is None:
        raise DeviceError("A second device proof came with what is no delete.")
    return replace(found, named=check_device_proof(told.devices[1], found.deletes.feed, device.account))


def _check_items(items: Sequence[HaveItem]) -> dict[FeedId, Device]:
    """Check the proofs in a have; what it says of a feed beyond them is a hint."""
    devices = {}
    for item in items:
        if item.device is not None:
            devices[item.feed] = check_device_proof(item.device, item.feed, item.account)
        if item.revoke is not None:
            check_revoke(item.revoke, item.account)
        if item.fork is not None:
            check_fork_proof(item.fork)
    return devices


def _check_picture(name: bytes, data: bytes) -> Facts | None:
    """Check that bytes are of a hash, and say what they are; None if they are sealed, or no picture.

    Raises:
        MessageError: they are of another hash: the carrier did not look either.
    """
    if sha256(data).digest() != name:
        raise MessageError("A picture came whose hash is another than it was asked for.")
    try:
        return look(data)
    except PictureError:
        return None
