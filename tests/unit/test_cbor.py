"""The CBOR profile, strict both ways. Source: protocol/content.md, "CBOR profile"."""

import subprocess
import sys
from pathlib import Path
from time import process_time

import pytest

from p2pmicro import cbor
from p2pmicro.errors import EncodingError
from p2pmicro.limits import CBOR_DEPTH_MAX, INT_MAX


class _Text(str):
    __slots__ = ()


GOOD: list[tuple[str, cbor.Value]] = [
    *(("00", 0), ("17", 23), ("1818", 24), ("18ff", 255), ("190100", 256), ("1a00010000", 65536)),
    *(("1b0000000100000000", 2**32), ("1b7fffffffffffffff", INT_MAX), ("3b7ffffffffffffffe", -INT_MAX)),
    *(("20", -1), ("37", -24), ("3818", -25), ("f4", False), ("f5", True), ("f6", None)),
    *(("40", b""), ("4401020304", b"\1\2\3\4"), ("60", ""), ("6161", "a"), ("62c3bc", "ü"), ("64f0908591", "𐅑")),
    ("80", []),
    ("83010203", [1, 2, 3]),
    ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("a0", {}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ("a2616201626161f6", {"b": 1, "aa": None}),
    ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", list(range(1, 26))),
    ("81" * 8 + "00", [[[[[[[[0]]]]]]]]),
    ("7818" + "61" * 24, "a" * 24),
]
BAD = {
    "nothing": "",
    "argument of 23 in one more byte": "1817",
    "argument of 255 in two bytes": "1900ff",
    "argument of 65535 in four bytes": "1a0000ffff",
    "argument of 2^32-1 in eight bytes": "1b00000000ffffffff",
    "negative integer in one more byte": "3800",
    "length of text in one more byte": "780161" + "61",
    "length of bytes in two bytes": "590001" + "00",
    "count of an array in one more byte": "9800",
    "count of a map in one more byte": "b800",
    "integer of 2^63": "1b8000000000000000",
    "integer of -2^63": "3b7fffffffffffffff",
    "integer of 2^64-1": "1bffffffffffffffff",
    "integer of -2^64": "3bffffffffffffffff",
    "big number": "c249010000000000000000",
    "small big number": "c24101",
    "half float": "f93c00",
    "single float": "fa3f800000",
    "double float": "fb3ff0000000000000",
    "not a number": "f97e00",
    "undefined": "f7",
    "simple value": "f0",
    "simple value in two bytes": "f8ff",
    "true in two bytes": "f815",
    "break alone": "ff",
    "indefinite bytes": "5f4101ff",
    "indefinite text": "7f6161ff",
    "indefinite array": "9f01ff",
    "indefinite map": "bf616101ff",
    "reserved additional information": "1c",
    "reserved additional information of a map": "be",
    "date": "c074323031332d30332d32315432303a30343a30305a",
    "epoch date": "c11a514b67b0",
    "regular expression": "d8236161",
    "shared value": "d81c80",
    "array that contains itself": "d81c81d81d00",
    "string reference": "d9010082" + "6161" + "d81900",
    "set": "d9010280",
    "self-described": "d9d9f700",
    "unknown tag": "d9ffff00",
    "tag within": "81c100",
    "keys out of order": "a2616201616101",
    "longer key first": "a262616101616201",
    "key twice": "a2616101616102",
    "key twice with one value": "a2616101616101",
    "key of an integer": "a10102",
    "key of bytes": "a1416101",
    "key of null": "a1f601",
    "key of an array": "a18001",
    "key of a map": "a1a001",
    "nine arrays": "81" * 9 + "00",
    "nine maps": "a16161" * 9 + "00",
    "text that is not UTF-8": "61ff",
    "text with half of a surrogate pair": "63eda080",
    "text with a letter cut": "61c3",
    "overlong UTF-8": "62c080",
    "key that is not UTF-8": "a161ff01",
    "array with an item missing": "8201",
    "map with a value missing": "a16161",
    "bytes that end early": "4401",
    "argument that ends early": "19ff",
}
NOT_IN_PROFILE: dict[str, object] = {
    "float": 1.0,
    "bytearray": bytearray(b"a"),
    "tuple": (1,),
    "set": {1},
    "subclass of text": _Text("a"),
    "2^63": 2**63,
    "-2^63": -(2**63),
    "key of bytes": {b"a": 1},
    "key of an integer": {1: 1},
    "key of a subclass of text": {_Text("a"): 1},
    "object within": [[object()]],
    "float in a map": {"a": 1.0},
    "nine arrays": [[[[[[[[[]]]]]]]]],
    "half of a surrogate pair": "\ud800",
    "key of half of a surrogate pair": {"\udfff": 1},
    "two such keys": {"\udfff": 1, "b": 2},
}


@pytest.mark.parametrize(("raw", "value"), GOOD, ids=[raw[:20] for raw, _ in GOOD])
def test_value_has_one_encoding(raw: str, value: cbor.Value) -> None:
    data = bytes.fromhex(raw)
    assert cbor.encode(value) == data
    decoded = cbor.decode(data)
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_other_cbor_is_refused_alone_and_within(raw: str) -> None:
    data = bytes.fromhex(raw)
    for given in (data, b"\x81" + data, b"\xa1\x61a" + data, b"\x82\x00" + data):
        with pytest.raises(EncodingError):
            cbor.decode(given)
        (error,) = cbor.decode_many([given])
        assert isinstance(error, EncodingError)


@pytest.mark.parametrize(("raw", "_value"), GOOD, ids=[raw[:20] for raw, _ in GOOD])
def test_cut_or_continued_values_are_refused(raw: str, _value: cbor.Value) -> None:
    data = bytes.fromhex(raw)
    for given in (*(data[:end] for end in range(len(data))), data + b"\0", data + data, b"\0" + data):
        with pytest.raises(EncodingError):
            cbor.decode(given)


@pytest.mark.parametrize("value", NOT_IN_PROFILE.values(), ids=NOT_IN_PROFILE.keys())
def test_encode_refuses_what_decode_would(value: object) -> None:
    with pytest.raises(EncodingError):
        cbor.encode(value)  # type: ignore[arg-type]


def test_encode_refuses_what_contains_itself() -> None:
    value: list[cbor.Value] = []
    value.append(value)
    with pytest.raises(EncodingError):
        cbor.encode(value)


def test_encode_sorts_maps_at_every_depth_and_changes_nothing() -> None:
    value: dict[str, cbor.Value] = {"bb": [{"z": 1, "y": 2}], "c": 1, "a": 2, "é": 3}
    assert cbor.encode(value).hex() == "a461610261630162626281a2617902617a0162c3a903"
    assert list(value) == ["bb", "c", "a", "é"]


def test_keys_are_ordered_by_their_bytes_not_their_letters() -> None:
    keys = ["", "a", "z", "aa", "zz", "é", "aaa", "語", "\U0001f600"]
    data = cbor.encode(dict.fromkeys(reversed(keys), 0))
    decoded = cbor.decode(data)
    assert isinstance(decoded, dict)
    assert list(decoded) == keys


def test_depth_of_eight_is_the_deepest() -> None:
    assert CBOR_DEPTH_MAX == 8
    deep = "a16161" * 7 + "81"
    assert cbor.decode(bytes.fromhex(deep + "00")) is not None
    with pytest.raises(EncodingError):
        cbor.decode(bytes.fromhex(deep + "80"))
    with pytest.raises(EncodingError):
        cbor.decode(bytes.fromhex(deep + "a0"))


def test_many_are_decoded_as_one_by_one() -> None:
    payloads = [bytes.fromhex(raw) for raw, _ in GOOD]
    assert cbor.decode_many(payloads) == [value for _, value in GOOD]
    assert cbor.decode_many([]) == []


def test_bad_one_among_many_stands_as_its_error() -> None:
    payloads = [b"\x01", b"\x18\x02", b"\x03"]
    one, error, three = cbor.decode_many(payloads)
    assert (one, three) == (1, 3)
    assert isinstance(error, EncodingError)


@pytest.mark.parametrize(
    "payloads",
    [
        [b"\x82", b"\x01\x02\x03"],  # an array that takes its items from the next payload
        [b"\x01\x02", b""],
        [b"", b"\x01\x02"],
        [b"\x01", b"\x02\x03"],
        [b"\x82\x01", b"\x02"],
        [b"\x61", b"a"],
    ],
)
def test_payloads_cut_at_wrong_places_are_refused_though_joined_they_are_right(payloads: list[bytes]) -> None:
    for payload, read in zip(payloads, cbor.decode_many(payloads), strict=True):
        try:
            assert read == cbor.decode(payload)
        except EncodingError:
            assert isinstance(read, EncodingError)
    assert any(isinstance(read, EncodingError) for read in cbor.decode_many(payloads))


def test_many_at_the_greatest_depth_are_taken() -> None:
    deepest = bytes.fromhex("81" * 8 + "00")
    assert cbor.decode_many([deepest, deepest]) == [cbor.decode(deepest)] * 2
    assert all(isinstance(one, EncodingError) for one in cbor.decode_many([b"\x81" + deepest] * 2))


BOMBS = [
    b"\x81" * 5_000_000,
    b"\xa1\x61a" * 1_700_000,
    b"\xc1" * 5_000_000,
    b"\x9f" * 5_000_000,
    b"\xd8\x1c" * 2_500_000,
    bytes.fromhex("9b1000000000000000"),
    bytes.fromhex("bb1000000000000000"),
    bytes.fromhex("5b0000010000000000"),
    bytes.fromhex("7b0000010000000000"),
    bytes.fromhex("5b7fffffffffffffff"),
    bytes.fromhex("9bffffffffffffffff"),
    b"\x83" + bytes.fromhex("5a3fffffff") + b"a" * 100,
    bytes.fromhex("c25a3fffffff") + b"a" * 100,
]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb[:9].hex())
def test_bombs_are_refused_at_once(bomb: bytes) -> None:
    start = process_time()
    with pytest.raises(EncodingError):
        cbor.decode(bomb)
    assert process_time() - start < 0.01


def test_bombs_take_no_memory() -> None:
    """In a process of its own, since the peak of this one may lie above anything a bomb would take."""
    resource = pytest.importorskip("resource")
    assert resource
    code = """
from resource import RUSAGE_SELF, getrusage
from p2pmicro import cbor
from p2pmicro.errors import EncodingError
from tests.unit.test_cbor import BOMBS
before = getrusage(RUSAGE_SELF).ru_maxrss
for bomb in BOMBS:
    try:
        cbor.decode(bomb)
    except EncodingError:
        pass
print(getrusage(RUSAGE_SELF).ru_maxrss - before)
"""
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 1024 * (1024 if sys.platform == "darwin" else 1)  # 1 MiB, in bytes there, else in KiB


@pytest.mark.parametrize("number", [0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1])
def test_first_integer_of_an_array_is_read_off_its_beginning(number: int) -> None:
    for value in (number, -number):
        arrays: list[cbor.Value] = [[value], [value, "post", {}]]
        for array in arrays:
            encoded = cbor.encode(array)
            assert cbor.first_integer(encoded) == cbor.first_integer(encoded[:10]) == value


@pytest.mark.parametrize("data", ["", "83", "80", "831b00", "8360", "83f6", "a10001", "01", "831f00"])
def test_what_begins_with_no_integer_has_none(data: str) -> None:
    assert cbor.first_integer(bytes.fromhex(data)) is None
