"""Bundles: what was signed, in a file that is carried by hand. Source: protocol/bundle.md.

A file is a CBOR sequence (RFC 8742) of byte strings, each of which holds one record: first a header, then, feed by
feed, the device proof and what is given of that feed. A record that is damaged, too large or of a later kind is passed
over by its length and costs nothing else; and since a device proof begins each feed, a reader remembers one at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

from .. import cbor
from ..errors import DeviceError, EncodingError, EntryError, SizeError
from ..ids import EntryId
from ..limits import BUNDLE_RECORD_MAX_BYTES, PICTURE_MAX_BYTES
from .chain import CheckedRange, Excerpt, Range, check_excerpt, check_range
from .device import Device, DeviceProof, Revoke, check_device_proof, check_revoke
from .fork import ForkProof, check_fork_proof
from .wire import (
    device_proof_value,
    excerpt_value,
    fork_proof_value,
    parse_device_proof,
    parse_excerpt,
    parse_fork_proof,
    parse_range,
    parse_revoke,
    range_value,
    revoke_value,
)

MAGIC = "p2pmicro bundle 1"
_DEVICE, _REVOKE, _FORK, _RANGE, _EXCERPT, _PICTURE = range(6)
_BYTE_STRING = 2 << 5  # RFC 8949 section 3.1: the major type in the upper three bits
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle's header says of the rest; nothing proves it."""

    made_ms: int  # when the file was written, Unix milliseconds
    feeds: int
    entries: int  # payloads in ranges
    first_ms: int | None  # the earliest and the latest time that their authors claim; None if there are none
    last_ms: int | None


@dataclass(frozen=True, slots=True)
class CheckedExcerpt:
    """An excerpt that `check_excerpt` has proven."""

    excerpt: Excerpt
    id: EntryId


@dataclass(frozen=True, slots=True)
class Carried:
    """A picture, which entries name by its hash."""

    data: bytes  # 1 byte to 1 MiB

    @property
    def name(self) -> bytes:
        """Its SHA-256, 32 bytes."""
        return sha256(self.data).digest()


Given: TypeAlias = DeviceProof | Revoke | ForkProof | Range | Excerpt | Carried
"""What a record may hold, as it is written."""
Proven: TypeAlias = Device | Revoke | ForkProof | CheckedRange | CheckedExcerpt | Carried
"""What a reader gives: a `Device` begins a feed, what follows it is of that feed, pictures apart."""


# --- Writing ---


def encode_manifest(manifest: Manifest) -> bytes:
    """The first item of a file."""
    fields: dict[str, cbor.Value] = {
        "made": manifest.made_ms,
        "feeds": manifest.feeds,
        "entries": manifest.entries,
        "first": manifest.first_ms,
        "last": manifest.last_ms,
    }
    return cbor.encode(cbor.encode([MAGIC, fields]))


def encode_record(given: Given) -> bytes:
    """An item that is not the first; of each feed the device proof comes before what is its own."""
    value: list[cbor.Value]
    match given:
        case DeviceProof():
            value = [_DEVICE, device_proof_value(given)]
        case Revoke():
            value = [_REVOKE, revoke_value(given)]
        case ForkProof():
            value = [_FORK, fork_proof_value(given)]
        case Range():
            value = [_RANGE, range_value(given)]
        case Excerpt():
            value = [_EXCERPT, excerpt_value(given)]
        case Carried():
            value = [_PICTURE, given.data]
    return cbor.encode(cbor.encode(value))


# --- Reading ---


class Reader:
    """Reads a bundle piece by piece, and gives what is proven; at most one record is kept in memory.

    Args:
        wanted: asked once a feed, with its proof: of one that is not wanted nothing is checked or given.
    """

    def __init__(self, wanted: Callable[[Device], bool] = lambda device: True) -> None:
        self.manifest: Manifest | None = None  # known once the header has come
        self._wanted = wanted
        self._buffer = bytearray()
        self._passing_over = 0  # bytes of a record that is too large
        self._device: Device | None = None  # of the feed that is being read
        self._skips = False  # whether that feed is not wanted

    def receive(self, data: bytes) -> Iterator[Proven | EntryError]:
        """Take the next bytes of the file, and give what they complete.

        An error in place of something proven tells of one record that was refused; the rest is not touched by it.

        Raises:
            EncodingError: this is no bundle, or from here on nobody can tell where a record begins.
        Source: protocol/bundle.md, "Reading".
        """
        self._buffer += data
        while (record := self._next_record()) is not None:
            if isinstance(record, EntryError):
                yield record
            elif self.manifest is None:
                self.manifest = _parse_manifest(record)
            else:
                try:
                    found = self._prove(record)
                except EntryError as error:
                    yield error
                else:
                    if found is not None:
                        yield found

    def finish(self) -> None:
        """Say that the file ends here.

        Raises:
            EncodingError: in the midst of a record, or before there was a header; what was given is proven still.
        """
        if self._buffer or self._passing_over:
            raise EncodingError("The bundle was cut short: its last record is not whole.")
        if self.manifest is None:
            raise EncodingError("The file is empty: no bundle.")

    def _next_record(self) -> bytes | SizeError | None:
        """Cut the next record off what has come; None while it is not complete."""
        buffer = self._buffer
        if self._passing_over:
            gone = min(self._passing_over, len(buffer))
            del buffer[:gone]
            self._passing_over -= gone
        head = _byte_string_head(buffer)
        if head is None:
            return None
        start, length = head
        if length > BUNDLE_RECORD_MAX_BYTES:
            if self.manifest is None:
                raise EncodingError("This is no bundle of p2pmicro.")
            del buffer[:start]
            self._passing_over = length
            return SizeError(f"A record has at most {BUNDLE_RECORD_MAX_BYTES} bytes, and this one has {length}.")
        if len(buffer) < start + length:
            return None
        record = bytes(buffer[start : start + length])
        del buffer[: start + length]
        return record

    def _prove(self, record: bytes) -> Proven | None:
        """Check one record; None for one that is not wanted, or of a kind that this version does not know.

        Raises:
            EntryError: as the check of what it holds.
        """
        value = cbor.decode(record)
        if type(value) is not list or len(value) != 2 or type(value[0]) is not int or value[0] < 0:
            raise EncodingError("A record is [type, value].")
        kind, inner = value
        if kind == _DEVICE:
            self._device, self._skips = None, False  # what follows a faulty proof is nobody's
            device = check_device_proof(parse_device_proof(inner))
            self._device, self._skips = device, not self._wanted(device)
            return None if self._skips else device
        if kind == _PICTURE:
            return _picture(inner)
        parse = _PARSERS.get(kind)  # type: ignore[arg-type]  # an integer: see above
        if parse is None or self._skips:
            return None
        given = parse(inner)
        if self._device is None or given.feed != self._device.feed:
            raise DeviceError("A record does not follow the device proof of its feed.")
        return _checked(given, self._device)


def _picture(value: object) -> Carried:
    if type(value) is not bytes:
        raise EncodingError("A picture is a byte string.")
    if not 1 <= len(value) <= PICTURE_MAX_BYTES:
        raise SizeError(f"A picture has 1 to {PICTURE_MAX_BYTES} bytes, and this one has {len(value)}.")
    return Carried(value)


def _checked(given: Revoke | ForkProof | Range | Excerpt, device: Device) -> Proven:
    match given:
        case Revoke():
            check_revoke(given, device.account)
            return given
        case ForkProof():
            check_fork_proof(given)
            return given
        case Range():
            return check_range(given)
        case Excerpt():
            return CheckedExcerpt(given, check_excerpt(given))


_PARSERS: dict[int, Callable[[object], Revoke | ForkProof | Range | Excerpt]] = {
    _REVOKE: parse_revoke,
    _FORK: parse_fork_proof,
    _RANGE: parse_range,
    _EXCERPT: parse_excerpt,
}


def _byte_string_head(data: bytearray) -> tuple[int, int] | None:
    """How long a byte string's head is, and the string; None while the head is not complete.

    Raises:
        EncodingError: something else stands here, or its length is not in the shortest form.
    """
    if not data:
        return None
    info = data[0] - _BYTE_STRING
    if not 0 <= info <= 27:
        raise EncodingError("This is no bundle, or no longer: a byte string is wanted.")
    if info < 24:
        return 1, info
    width = _WIDTHS[info]
    if len(data) < 1 + width:
        return None
    length = int.from_bytes(data[1 : 1 + width])
    if length < (24 if width == 1 else 1 << 4 * width):
        raise EncodingError("A record's length is not in its shortest form.")
    return 1 + width, length


def _parse_manifest(record: bytes) -> Manifest:
    """Read a header.

    Raises:
        EncodingError: another shape, another version, or a field that must not be overlooked.
    """
    value = cbor.decode(record)
    if type(value) is not list or len(value) != 2 or type(value[1]) is not dict or type(value[0]) is not str:
        raise EncodingError("This is no bundle of p2pmicro.")
    if value[0] != MAGIC:
        raise EncodingError(f"This is no bundle that this version can read: {value[0][:40]!r}.")
    fields: dict[str, Any] = value[1]
    if any(key.startswith("!") for key in fields):
        raise EncodingError("This bundle is of a later version: update p2pmicro to read it.")
    try:
        made, feeds, entries, first, last = (fields[key] for key in ("made", "feeds", "entries", "first", "last"))
    except KeyError as error:
        raise EncodingError(f"A header lacks the field {error.args[0]!r}.") from None
    if type(made) is not int or type(feeds) is not int or type(entries) is not int or feeds < 0 or entries < 0:
        raise EncodingError("A header says when the bundle was made, and how many feeds and entries it has.")
    for time_ms in (first, last):
        if time_ms is not None and type(time_ms) is not int:
            raise EncodingError("A header's times are integers or null.")
    return Manifest(made, feeds, entries, first, last)
