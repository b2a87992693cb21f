"""Messages as CBOR: arrays that begin with the message's number.

A decoder checks the shape alone; entries and proofs inside are checked by `feed`. Source: protocol/sync.md, "Messages".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import cbor
from ..errors import AuthError, EncodingError, MessageError
from ..feed import wire
from ..ids import AccountId, EntryId, FeedId, Ref
from ..limits import (
    ASK_MAX_ITEMS,
    HAVE_MAX_ITEMS,
    IDS_MAX,
    INT_MAX,
    INTEREST_CHUNK,
    MEDIA_WANT_MAX_ITEMS,
    PICTURE_MAX_BYTES,
    PROTOCOL_VERSION,
    SEQ_MAX,
    WANT_MAX_ITEMS,
)
from .message import (
    CAPABILITIES_MAX,
    CAPABILITY_MAX_CHARS,
    CLOSE_TEXT_MAX_CHARS,
    ELEMENT_BYTES,
    EPOCH_BYTES,
    ID_PREFIX_BYTES,
    SALT_BYTES,
    VERSION_BYTES,
    Ask,
    AskIds,
    Asks,
    Close,
    ExcerptGiven,
    Gone,
    Have,
    HaveItem,
    Hello,
    Ids,
    Interest,
    Media,
    Message,
    Ping,
    Pong,
    RangeGiven,
    Resume,
    Want,
    WantMedia,
    Wants,
)

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
    Asks: (12, lambda m: [[[ask.number, ask.ref.feed, ask.ref.seq, ask.ref.id] for ask in m.items]]),
    ExcerptGiven: (13, lambda m: [m.number, wire.excerpt_value(m.excerpt), [*map(wire.device_proof_value, m.devices)]]),
    WantMedia: (14, lambda m: [list(m.names)]),
    Media: (15, lambda m: [m.name, m.data]),
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


def _read_asks(items: Any) -> Asks:
    asks = []
    for value in _list(items, ASK_MAX_ITEMS):
        number, feed, seq, entry_id = _array(value, 4)
        ref = Ref(FeedId(_bytes(feed, 32)), _integer(seq, 1, SEQ_MAX), EntryId(_bytes(entry_id, 32)))
        asks.append(Ask(_integer(number, 0, INT_MAX), ref))
    return Asks(asks)


def _read_excerpt(number: Any, excerpt: Any, devices: Any) -> ExcerptGiven:
    proofs = [wire.parse_device_proof(value) for value in _list(devices, 2)]
    if not proofs:
        raise MessageError("An excerpt comes with the device proof of its feed.")
    return ExcerptGiven(None if number is None else _integer(number, 0, INT_MAX), wire.parse_excerpt(excerpt), proofs)


def _read_want_media(names: Any) -> WantMedia:
    return WantMedia([_bytes(name, 32) for name in _list(names, MEDIA_WANT_MAX_ITEMS)])


def _read_media(name: Any, data: Any) -> Media:
    if data is not None and (type(data) is not bytes or not 1 <= len(data) <= PICTURE_MAX_BYTES):
        raise MessageError(f"A picture has 1 to {PICTURE_MAX_BYTES} bytes.")
    return Media(_bytes(name, 32), data)


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
    12: (1, _read_asks),
    13: (3, _read_excerpt),
    14: (1, _read_want_media),
    15: (2, _read_media),
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
