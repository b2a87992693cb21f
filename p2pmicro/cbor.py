"""Our CBOR profile, strict both ways. The only home of cbor2. Source: protocol/content.md, "CBOR profile".

One value has one encoding: definite lengths, shortest forms, map keys text and sorted bytewise by their encodings, no
duplicates, no tags, floats or other simple values, depth at most 8, integers within ±(2^63-1), nothing after it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import cbor2

from .errors import EncodingError
from .limits import CBOR_DEPTH_MAX, INT_MAX

Value: TypeAlias = "bool | int | str | bytes | list[Value] | dict[str, Value] | None"

_dumps = cbor2.dumps


def _refuse_tag(_value: object, _immutable: bool) -> None:
    raise ValueError("a tag")


# The tags that cbor2 would turn into something (regular expressions and mail among them): refused before that. Any
# other tag comes as a CBORTag, which `_check` refuses by its type.
_TAGS = dict.fromkeys(
    (*range(6), 25, *range(28, 31), *range(35, 38), 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
)


def encode(value: Value) -> bytes:
    """Encode a value; maps are sorted here.

    Raises:
        EncodingError: a type, depth or integer that the profile lacks, or text with a lone surrogate.
    """
    _check_all((value,), CBOR_DEPTH_MAX, ordered=False)
    try:
        return _dumps(_sorted(value))
    except UnicodeEncodeError:
        raise EncodingError("Text has half of a surrogate pair, which UTF-8 can't hold.") from None


def decode(data: bytes) -> Value:
    """Decode exactly one value of the profile.

    Raises:
        EncodingError: anything that `encode` would not have written, byte for byte.
    """
    try:
        # RFC 8949 section 4.2.1 is wanted, and cbor2 accepts more: what it read is encoded again and compared below.
        value: Value = cbor2.loads(data, max_depth=CBOR_DEPTH_MAX, semantic_decoders=_TAGS)
    except cbor2.CBORDecodeError as error:
        raise EncodingError(f"Not CBOR: {error}.") from None
    except TypeError:  # a map key that can't be hashed
        raise EncodingError("A map's key is not text.") from None
    _check_all((value,), CBOR_DEPTH_MAX, ordered=True)
    if _dumps(value) != data:
        raise EncodingError("Not the shortest CBOR, or bytes are left over.")
    return value


def decode_many(payloads: Sequence[bytes]) -> "list[Value | EncodingError]":
    """Decode up to 65,535 values, one a payload, about twice as fast as one by one; a bad one stands as its error.

    Compared payload by payload, since the joined bytes of payloads that were cut at the wrong places are the same.
    """
    try:
        head = b"\x99" + len(payloads).to_bytes(2)
        values = cbor2.loads(head + b"".join(payloads), max_depth=CBOR_DEPTH_MAX + 1, semantic_decoders=_TAGS)
        _check_all(values, CBOR_DEPTH_MAX, ordered=True)
        if list(map(_dumps, values)) == list(payloads):
            return values  # type: ignore[no-any-return]
    except (cbor2.CBORDecodeError, EncodingError, TypeError):
        pass  # one of them: found below
    return [_decode_or_error(payload) for payload in payloads]


def _decode_or_error(payload: bytes) -> "Value | EncodingError":
    try:
        return decode(payload)
    except EncodingError as error:
        return error


def _check_all(values: Iterable[Any], depth: int, ordered: bool) -> None:
    """Check types, integers, keys, order and, with `depth` levels left, depth; a call a container, for speed.

    Exact types, since a subclass may be something else (IntEnum).
    """
    for value in values:
        kind = type(value)
        if kind is str or kind is bytes:
            continue
        if kind is int:
            if not -INT_MAX <= value <= INT_MAX:
                raise EncodingError("An integer lies outside ±(2^63-1).")
        elif kind is list or kind is dict:
            if depth == 0:
                raise EncodingError(f"Nested deeper than {CBOR_DEPTH_MAX}.")
            if kind is dict:
                _check_keys(value, ordered)
                value = value.values()
            _check_all(value, depth - 1, ordered)
        elif value is not None and kind is not bool:
            raise EncodingError(f"A type that the profile lacks: {kind.__name__}.")


def _check_keys(keys: Iterable[Any], ordered: bool) -> None:
    before = b""
    for key in keys:
        if type(key) is not str:
            raise EncodingError("A map's key is not text.")
        if ordered:
            raw = key.encode()
            if len(raw) <= len(before) and (len(raw) < len(before) or raw < before):
                raise EncodingError("A map's keys are not sorted.")
            before = raw


def _key_order(key: str) -> tuple[int, bytes]:
    """Where a key's encoding sorts: by length in UTF-8, then bytewise (the length comes first)."""
    raw = key.encode()
    return len(raw), raw


def _sorted(value: Value) -> Value:
    if type(value) is dict:
        return {key: _sorted(value[key]) for key in sorted(value, key=_key_order)}
    if type(value) is list:
        return [_sorted(item) for item in value]
    return value


def first_integer(data: bytes) -> int | None:
    """The integer that an array begins with, read off its first bytes; None if there is none.

    Args:
        data: what begins an encoding, up to the end of that integer: 10 bytes do.
    Source: RFC 8949 section 3.1.
    """
    if len(data) < 2 or not 0x81 <= data[0] <= 0x97 or data[1] >> 5 > 1:
        return None
    number = data[1] & 31
    if number > 23:
        width = 1 << number - 24
        if number > 27 or len(data) < 2 + width:
            return None
        number = int.from_bytes(data[2 : 2 + width])
    return number if data[1] >> 5 == 0 else -1 - number
