"""Our CBOR profile, strict both ways. The only home of cbor2. Source: protocol/content.md, "CBOR profile".

One value has one encoding: definite lengths, shortest forms, map keys text and sorted bytewise by their encodings, no
duplicates, no tags, floats or other simple values, depth at most 8, integers within ±(2^63-1), nothing after it.
"""

from collections.abc import Sequence
from typing import TypeAlias

import cbor2

from .errors import EncodingError
from .limits import CBOR_DEPTH_MAX, INT_MAX

Value: TypeAlias = "bool | int | str | bytes | list[Value] | dict[str, Value] | None"

_dumps = cbor2.dumps
_SCALARS = frozenset((str, bytes, bool, type(None)))


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
    _check(value, CBOR_DEPTH_MAX, ordered=False)
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
    _check(value, CBOR_DEPTH_MAX, ordered=True)
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
        for value in values:
            _check(value, CBOR_DEPTH_MAX, ordered=True)
        if list(map(_dumps, values)) == payloads:
            return values  # type: ignore[no-any-return]
    except (cbor2.CBORDecodeError, EncodingError, TypeError):
        pass  # one of them: found below
    return [_decode_or_error(payload) for payload in payloads]


def _decode_or_error(payload: bytes) -> "Value | EncodingError":
    try:
        return decode(payload)
    except EncodingError as error:
        return error


def _check(value: object, depth: int, ordered: bool) -> None:
    """Check types, integers, keys, order and depth; exact types, since a subclass may be something else (IntEnum)."""
    kind = type(value)
    if kind in _SCALARS:
        return
    if kind is int:
        if not -INT_MAX <= value <= INT_MAX:  # type: ignore[operator]
            raise EncodingError("An integer lies outside ±(2^63-1).")
    elif kind is list:
        if depth == 0:
            raise EncodingError(f"Nested deeper than {CBOR_DEPTH_MAX}.")
        for item in value:  # type: ignore[attr-defined]
            if type(item) not in _SCALARS:
                _check(item, depth - 1, ordered)
    elif kind is dict:
        if depth == 0:
            raise EncodingError(f"Nested deeper than {CBOR_DEPTH_MAX}.")
        before = ""
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str:
                raise EncodingError("A map's key is not text.")
            if ordered and before and not _comes_before(before, key):
                raise EncodingError("A map's keys are not sorted.")
            before = key
            if type(item) not in _SCALARS:
                _check(item, depth - 1, ordered)
    else:
        raise EncodingError(f"A type that the profile lacks: {kind.__name__}.")


def _comes_before(left: str, right: str) -> bool:
    """Whether left's encoding sorts before right's: by length in UTF-8, then bytewise (the length comes first)."""
    a, b = left.encode(), right.encode()
    return (len(a), a) < (len(b), b)


def _key_order(item: tuple[str, Value]) -> tuple[int, bytes]:
    raw = item[0].encode()
    return len(raw), raw


def _sorted(value: Value) -> Value:
    if type(value) is dict:
        return {key: _sorted(item) for key, item in sorted(value.items(), key=_key_order)}
    if type(value) is list:
        return [_sorted(item) for item in value]
    return value
