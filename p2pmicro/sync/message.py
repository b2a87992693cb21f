"""The messages of a session and their CBOR: arrays that begin with the message's number.

A decoder checks the shape alone; entries and proofs inside are checked by `feed`. Source: protocol/sync.md, "Messages".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

from .. import cbor
from ..errors import AuthError, EncodingError, EntryError, MessageError
from ..feed import wire
from ..feed.chain import Range
from ..feed.device import DeviceProof, Revoke
from ..feed.fork import ForkProof
from ..ids import AccountId, EntryId, FeedId
from ..keys import PrivateKey, verify
from ..limits import (
    HAVE_MAX_ITEMS,
    IDS_MAX,
    INT_MAX,
    INTEREST_CHUNK,
    PROTOCOL_VERSION,
    SEQ_MAX,
    WANT_MAX_ITEMS,
)

EPOCH_BYTES = 8
VERSION_BYTES = 8
SALT_BYTES = 16
ELEMENT_BYTES = 16
ID_PREFIX_BYTES = 16  # of an id, where a peer only compares: X5 of the threats says why not fewer
CAPABILITIES_MAX = 16
CAPABILITY_MAX_CHARS = 32
CLOSE_TEXT_MAX_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hello:
    """Who one is, in a session between these two certificates and in no other. Source: "Hello"."""

    fields: bytes  # the CBOR map that is signed, as it came: unknown fields stay under the signature
    signature: bytes  # 64 bytes by the feed key
    feed: FeedId
    epoch: bytes  # 8 bytes: of the sender's store
    capabilities: frozenset[str]
    device: DeviceProof | None  # absent if the receiver has it, or the sender has no seed


@dataclass(frozen=True, slots=True)
class Resume:
    """Where the sender stands with the receiver since they last met. Source: "Resume"."""

    epoch: bytes | None  # the receiver's, as the sender knows it
    cursor: int  # the receiver's changes up to here are stored or noted at the sender
    answered: bytes | None  # the last version of the sender's interest that the receiver answered in full
    held: bytes | None  # the version of the receiver's interest that the sender holds


@dataclass(frozen=True, slots=True)
class Interest:
    """What the sender wants to hear of: a change of what the receiver holds, or all of it. Source: "Interest"."""

    base: bytes | None  # the version that this changes; None: it is all
    version: bytes  # 8 bytes: the version that results
    salt: bytes | None  # 16 bytes with a full one
    added: Sequence[bytes]  # elements of 16 bytes
    removed: Sequence[bytes]
    last: bool = True  # False: more of it follows in the next message


@dataclass(frozen=True, slots=True)
class HaveItem:
    """What the sender holds of one feed. Source: "Have"."""

    feed: FeedId
    account: AccountId
    change: int  # its place in the sender's changes
    runs: Sequence[tuple[int, int, int]]  # (first, first with payload, last), the newest run first; at most 2
    id_prefix: bytes  # 16 bytes of the id at the end of the newest run; of id(0) without one
    device: DeviceProof | None = None
    revoke: Revoke | None = None
    fork: ForkProof | None = None


@dataclass(frozen=True, slots=True)
class Have:
    """Feeds that the receiver wants, by the sender's change numbers."""

    items: Sequence[HaveItem]  # at most 256
    upto: int | None = None  # every change up to here has been told; with the last message of an answer, and while live
    answered: bytes | None = None  # the version of the receiver's interest that is answered in full with this message


@dataclass(frozen=True, slots=True)
class Want:
    """Entries asked for; each is answered by a range or gone of the same number. Source: "Want"."""

    number: int  # chosen by who asks, rising
    feed: FeedId
    first: int
    last: int
    id_prefix: bytes | None  # 16 bytes of the id at `last`, where the sender knows it


@dataclass(frozen=True, slots=True)
class Wants:
    """Several wants, answered in this order."""

    items: Sequence[Want]  # at most 64


@dataclass(frozen=True, slots=True)
class RangeGiven:
    """A range: the answer to a want, or pushed because it is new."""

    number: int | None  # the want's; None: pushed
    range: Range


@dataclass(frozen=True, slots=True)
class Gone:
    """A want that can't be answered: not held, or on another branch."""

    number: int


@dataclass(frozen=True, slots=True)
class AskIds:
    """Ids asked for by seq, to find where two branches part."""

    feed: FeedId
    seqs: Sequence[int]  # at most 64, rising


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids that were asked for, without those not held."""

    feed: FeedId
    ids: Sequence[tuple[int, EntryId]]


@dataclass(frozen=True, slots=True)
class Ping:
    """Is anybody there?"""


@dataclass(frozen=True, slots=True)
class Pong:
    """Yes."""


@dataclass(frozen=True, slots=True)
class Close:
    """The last message: why the session ends."""

    code: str  # an error's code, or `bye`, `busy`, `duplicate`
    text: str  # a sentence


Message: TypeAlias = Hello | Resume | Interest | Have | Wants | RangeGiven | Gone | AskIds | Ids | Ping | Pong | Close


# --- Hello ---


def make_hello(
    key: PrivateKey,
    initiator: bool,
    certificates: tuple[bytes, bytes],
    epoch: bytes,
    capabilities: frozenset[str],
    device: DeviceProof | None,
) -> Hello:
    """Sign a hello for one session.

    Args:
        key: the feed key.
        initiator: whether the signer dialled.
        certificates: the initiator's and the responder's, DER.
        epoch: 8 bytes of the signer's store.
        capabilities: what the signer can do beyond version 1.
        device: its device proof, unless the other has it.
    """
    content: dict[str, cbor.Value] = {
        "v": PROTOCOL_VERSION,
        "feed": key.public,
        "epoch": epoch,
        "caps": [*sorted(capabilities)],
    }
    if device is not None:
        content["device"] = wire.device_proof_value(device)
    fields = cbor.encode(content)
    signature = key.sign(_hello_message(initiator, certificates, fields))
    return Hello(fields, signature, FeedId(key.public), epoch, capabilities, device)


def check_hello(hello: Hello, initiator: bool, certificates: tuple[bytes, bytes]) -> None:
    """Check that the feed's key signed this hello for this session and this role.

    Raises:
        AuthError: it did not: a replayed, relayed or reflected hello among them.
    Source: protocol/sync.md, "Hello".
    """
    try:
        verify(hello.feed, _hello_message(initiator, certificates, hello.fields), hello.signature)
    except EntryError as error:  # a refused key or a wrong signature: one answer for both
        raise AuthError(f"The hello does not prove who sent it: {error}") from None


def _hello_message(initiator: bool, certificates: tuple[bytes, bytes], fields: bytes) -> bytes:
    digests = b"".join(sha256(part).digest() for part in (*certificates, fields))
    return b"p2pmicro hello 1" + (b"\0" if initiator else b"\1") + digests


# --- Writing ---


def encode_message(message: Message) -> bytes:
    """A message as CBOR."""
    number, writer = _WRITERS[type(message)]
    return cbor.encode([number, *writer(message)])


def _have_item_value(item: HaveItem) -> cbor.Value:
    extras: dict[str, cbor.Value] = {}
    if item.device is not None:
        extras["device"] = wire.device_proof_value(item.device)
    if item.revoke is not None:
        extras["revoke"] = wire.revoke_value(item.revoke)
    if item.fork is not None:
        extras["fork"] = wire.fork_proof_value(item.fork)
    runs: list[cbor.Value] = [list(run) for run in item.runs]
    return [item.feed, item.account, item.change, runs, item.id_prefix, extras]


_WRITERS: Mapping[type[Message], tuple[int, Callable[[Any], Sequence[cbor.Value]]]] = {
    Hello: (0, lambda m: [m.fields, m.signature]),
    Resume: (1, lambda m: [m.epoch, m.cursor, m.answered, m.held]),
    Interest: (2, lambda m: [m.base, m.version, m.salt, b"".join(m.added), b"".join(m.removed), m.last]),
    Have: (3, lambda m: [[_have_item_value(item) for item in m.items], m.upto, m.answered]),
    Wants: (4, lambda m: [[[w.number, w.feed, w.first, w.last, w.id_prefix] for w in m.items]]),
    RangeGiven: (5, lambda m: [m.number, wire.range_value(m.range)]),
    Gone: (6, lambda m: [m.number]),
    AskIds: (7, lambda m: [m.feed, list(m.seqs)]),
    Ids: (8, lambda m: [m.feed, [list(pair) for pair in m.ids]]),
    Ping: (9, lambda m: []),
    Pong: (10, lambda m: []),
    Close: (11, lambda m: [m.code, m.text]),
}
MESSAGE_NUMBERS: Mapping[type[Message], int] = {kind: number for kind, (number, _) in _WRITERS.items()}


# --- Reading ---


def decode_message_untrusted(data: bytes) -> Message:
    """Read one message.

    Raises:
        MessageError: not our CBOR profile, an unknown number, or fields of another shape.
    """
    try:
        value = cbor.decode(data)
        if type(value) is not list or not value or type(value[0]) is not int:
            raise MessageError("A message is an array that begins with its number.")
        reader = _READERS.get(value[0])
        if reader is None:
            raise MessageError(f"There is no message number {value[0]}.")
        width, read = reader
        if len(value) != width + 1:
            raise MessageError(f"Message {value[0]} has {width} fields, and this one {len(value) - 1}.")
        return read(*value[1:])
    except EncodingError as error:
        raise MessageError(f"A message can't be read: {error}") from None


def _read_hello(fields: Any, signature: Any) -> Hello:
    if type(fields) is not bytes:
        raise MessageError("A hello's fields are a byte string.")
    content = cbor.decode(fields)
    if type(content) is not dict:
        raise MessageError("A hello's fields are a map.")
    version = content.get("v")
    if type(version) is not int or version != PROTOCOL_VERSION:  # True == 1
        raise AuthError(f"The peer speaks version {version!r:.40}, and this node version {PROTOCOL_VERSION}.")
    for key in content:
        if key[:1] == "!":
            raise MessageError(f"A critical field that this version does not know: {key[:40]!r}.")
    raw = content.get("caps")
    if type(raw) is not list or len(raw) > CAPABILITIES_MAX:
        raise MessageError(f"Capabilities are a list of at most {CAPABILITIES_MAX}.")
    names: list[str] = []
    for name in raw:
        if type(name) is not str or not 1 <= len(name) <= CAPABILITY_MAX_CHARS:
            raise MessageError(f"A capability is a text of 1 to {CAPABILITY_MAX_CHARS} letters.")
        names.append(name)
    device = wire.parse_device_proof(content["device"]) if "device" in content else None
    feed = FeedId(_bytes(content.get("feed"), 32))
    return Hello(fields, _bytes(signature, 64), feed, _bytes(content.get("epoch"), 8), frozenset(names), device)


def _read_resume(epoch: Any, cursor: Any, answered: Any, held: Any) -> Resume:
    return Resume(
        _optional(epoch, EPOCH_BYTES),
        _integer(cursor, 0, INT_MAX),
        _optional(answered, VERSION_BYTES),
        _optional(held, VERSION_BYTES),
    )


def _read_interest(base: Any, version: Any, salt: Any, added: Any, removed: Any, last: Any) -> Interest:
    if type(last) is not bool:
        raise MessageError("True or false is wanted.")
    found = Interest(
        _optional(base, VERSION_BYTES),
        _bytes(version, VERSION_BYTES),
        _optional(salt, SALT_BYTES),
        _elements(added),
        _elements(removed),
        last,
    )
    if (found.base is None) is (found.salt is None):
        raise MessageError("A full interest brings a salt, and a change of one does not.")
    return found


def _elements(value: Any) -> list[bytes]:
    if type(value) is not bytes or len(value) % ELEMENT_BYTES or len(value) > INTEREST_CHUNK * ELEMENT_BYTES:
        raise MessageError(f"Elements are at most {INTEREST_CHUNK} times {ELEMENT_BYTES} bytes.")
    return [value[at : at + ELEMENT_BYTES] for at in range(0, len(value), ELEMENT_BYTES)]


def _read_have(items: Any, upto: Any, answered: Any) -> Have:
    read = [_read_have_item(item) for item in _list(items, HAVE_MAX_ITEMS)]
    return Have(read, None if upto is None else _integer(upto, 0, INT_MAX), _optional(answered, VERSION_BYTES))


def _read_have_item(value: Any) -> HaveItem:
    feed, account, change, raw_runs, prefix, extras = _array(value, 6)
    runs = []
    above = SEQ_MAX + 1
    for raw in _list(raw_runs, 2):
        first, payload_first, last = (_integer(seq, 1, SEQ_MAX + 1) for seq in _array(raw, 3))
        if not first <= payload_first <= last + 1 or first > last or last >= above:
            raise MessageError("A run is its first seq, the first with a payload, and its last; the newest run first.")
        above = first
        runs.append((first, payload_first, last))
    if type(extras) is not dict:
        raise MessageError("What goes with a feed is a map.")
    return HaveItem(
        FeedId(_bytes(feed, 32)),
        AccountId(_bytes(account, 32)),
        _integer(change, 0, INT_MAX),
        runs,
        _bytes(prefix, ID_PREFIX_BYTES),
        wire.parse_device_proof(extras["device"]) if "device" in extras else None,
        wire.parse_revoke(extras["revoke"]) if "revoke" in extras else None,
        wire.parse_fork_proof(extras["fork"]) if "fork" in extras else None,
    )


def _read_wants(items: Any) -> Wants:
    wants = []
    for value in _list(items, WANT_MAX_ITEMS):
        number, feed, first, last, prefix = _array(value, 5)
        want = Want(
            _integer(number, 0, INT_MAX),
            FeedId(_bytes(feed, 32)),
            _integer(first, 1, SEQ_MAX),
            _integer(last, 1, SEQ_MAX),
            _optional(prefix, ID_PREFIX_BYTES),
        )
        if want.first > want.last:
            raise MessageError("A want begins before it ends.")
        wants.append(want)
    return Wants(wants)


def _read_range(number: Any, value: Any) -> RangeGiven:
    return RangeGiven(None if number is None else _integer(number, 0, INT_MAX), wire.parse_range(value))


def _read_gone(number: Any) -> Gone:
    return Gone(_integer(number, 0, INT_MAX))


def _read_ask_ids(feed: Any, seqs: Any) -> AskIds:
    return AskIds(FeedId(_bytes(feed, 32)), _rising(_list(seqs, IDS_MAX)))


def _read_ids(feed: Any, pairs: Any) -> Ids:
    read = [_array(pair, 2) for pair in _list(pairs, IDS_MAX)]
    seqs = _rising([seq for seq, _ in read])
    ids = [EntryId(_bytes(entry_id, 32)) for _, entry_id in read]
    return Ids(FeedId(_bytes(feed, 32)), list(zip(seqs, ids, strict=True)))


def _rising(values: list[Any]) -> list[int]:
    before = 0
    for value in values:
        if _integer(value, 1, SEQ_MAX) <= before:
            raise MessageError("Seqs rise.")
        before = value
    return values


def _read_ping() -> Ping:
    return Ping()


def _read_pong() -> Pong:
    return Pong()


def _read_close(code: Any, text: Any) -> Close:
    if type(code) is not str or type(text) is not str or len(code) > 40 or len(text) > CLOSE_TEXT_MAX_CHARS:
        raise MessageError("A close is a code and a short sentence.")
    return Close(code, text)


_READERS: Mapping[int, tuple[int, Callable[..., Message]]] = {
    0: (2, _read_hello),
    1: (4, _read_resume),
    2: (6, _read_interest),
    3: (3, _read_have),
    4: (1, _read_wants),
    5: (2, _read_range),
    6: (1, _read_gone),
    7: (2, _read_ask_ids),
    8: (2, _read_ids),
    9: (0, _read_ping),
    10: (0, _read_pong),
    11: (2, _read_close),
}


def _array(value: Any, length: int) -> list[Any]:
    if type(value) is not list or len(value) != length:
        raise MessageError(f"An array of {length} is wanted.")
    return value


def _list(value: Any, count_max: int) -> list[Any]:
    if type(value) is not list or len(value) > count_max:
        raise MessageError(f"A list of at most {count_max} is wanted.")
    return value


def _bytes(value: Any, length: int) -> bytes:
    if type(value) is not bytes or len(value) != length:
        raise MessageError(f"A byte string of {length} bytes is wanted.")
    return value


def _optional(value: Any, length: int) -> bytes | None:
    return None if value is None else _bytes(value, length)


def _integer(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise MessageError(f"An integer from {low} to {high} is wanted.")
    return value
