"""The CBOR profile under chance: one spelling of each value, and one kind of error (threats W2, W3, W5)."""

from random import Random
from struct import pack

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from p2pmicro import cbor
from p2pmicro.errors import EncodingError
from p2pmicro.feed.content import post, write
from p2pmicro.limits import INT_MAX
from tests.made import NOW_MS, MadeFeed, flipped
from tests.texts import message

INPUTS = 200_000

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-INT_MAX, INT_MAX)
    | st.text(st.characters(codec="utf-8"), max_size=40)
    | st.binary(max_size=300)
)
values: st.SearchStrategy[cbor.Value] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=30), inner, max_size=30),
    max_leaves=30,
)


# --- A second writer, which can break one rule at one place ---


def _head(major: int, argument: int, size: int | None = None) -> bytes:
    """A CBOR head, in the shortest form or with an argument of `size` bytes."""
    if size is None:
        size = next(s for s, top in ((0, 24), (1, 1 << 8), (2, 1 << 16), (4, 1 << 32), (8, 1 << 64)) if argument < top)
    if size == 0:
        return bytes([major << 5 | argument])
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + argument.to_bytes(size)


def _sort_key(key: str) -> bytes:
    return _write(key)


def _write(value: cbor.Value) -> bytes:
    """Write a value by the profile, from the RFC alone."""
    return b"".join(_pieces(value))


def _pieces(value: cbor.Value) -> list[bytes]:
    """The encoding in pieces: a head, the bytes of a string, each apart; so that each can be replaced."""
    if value is None or isinstance(value, bool):
        return [{False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]]
    if isinstance(value, int):
        return [_head(0, value) if value >= 0 else _head(1, -1 - value)]
    if isinstance(value, bytes):
        return [_head(2, len(value)), value]
    if isinstance(value, str):
        return [_head(3, len(value.encode())), value.encode()]
    if isinstance(value, list):
        return [_head(4, len(value)), *(piece for item in value for piece in _pieces(item))]
    pieces = [_head(5, len(value))]
    for key in sorted(value, key=_sort_key):
        pieces += _pieces(key) + _pieces(value[key])
    return pieces


def _deviations(data: bytes) -> list[bytes]:
    """Every encoding of the same content, or nearly, that breaks one rule at one place: at each head in turn."""
    found: list[bytes] = []
    place = 0
    while place < len(data):
        major, info = data[place] >> 5, data[place] & 31
        size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
        argument = int.from_bytes(data[place + 1 : place + 1 + size]) if size else info
        before, after = data[:place], data[place + 1 + size :]
        head = data[place : place + 1 + size]
        if major < 6:
            found += [before + _head(major, argument, longer) + after for longer in (1, 2, 4, 8) if longer > size]
        if major in (0, 1):
            number = argument if major == 0 else -1 - argument
            found += [
                before + b"\xfb" + pack(">d", number) + after,  # a float
                before + bytes([0xC2 + major]) + _head(2, 8) + argument.to_bytes(8) + after,  # a big number
            ]
        if major in (2, 3):
            text, rest = after[:argument], after[argument:]
            found.append(before + bytes([major << 5 | 31]) + head + text + b"\xff" + rest)  # indefinite, one chunk
            found.append(before + b"\xd8\x19" + head + after)  # a string reference
            after, head = rest, head + text
        if major in (4, 5):
            found += [
                before + bytes([major << 5 | 31]) + after + b"\xff",  # indefinite
                before + _head(major, argument + 1) + after,  # an item too few
            ]
            if argument:
                found.append(before + _head(major, argument - 1) + after)  # an item too many
        if major == 7:
            found += [before + other + after for other in (b"\xf7", b"\xe0", b"\xf8" + head, b"\xf9\x3c\x00")]
        found.append(before + b"\xc0" + data[place:])  # a tag
        found.append(before + b"\xd9\xd9\xf7" + data[place:])  # the tag that means nothing
        place = len(data) - len(after)
    found += [data + b"\x00", data + data, data[:-1], data + b"\xff", b"\x81" * 9 + data]
    return found


def _reordered(pairs: list[tuple[bytes, bytes]], rng: Random) -> list[bytes]:
    """A map of these encoded pairs with its keys out of order, or one of them twice."""
    head = _head(5, len(pairs))
    swapped = list(pairs)
    at = rng.randrange(len(pairs) - 1)
    swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
    twice = [*pairs[: at + 1], pairs[at], *pairs[at + 1 :]]
    other = [*pairs[: at + 1], (pairs[at][0], b"\x00"), *pairs[at + 1 :]]
    longer = _head(5, len(pairs) + 1)
    return [
        head + b"".join(key + value for key, value in swapped),
        longer + b"".join(key + value for key, value in twice),
        longer + b"".join(key + value for key, value in other),
    ]


def _is_refused(data: bytes) -> bool:
    try:
        cbor.decode(data)
    except EncodingError:
        return True
    return False


@given(values)
def test_what_is_encoded_comes_back_and_is_what_a_second_writer_writes(value: cbor.Value) -> None:
    data = cbor.encode(value)
    assert data == _write(value)
    assert cbor.decode(data) == value
    assert cbor.encode(cbor.decode(data)) == data


@given(st.lists(values, max_size=8))
def test_many_are_decoded_as_each_is_alone(many: list[cbor.Value]) -> None:
    assert cbor.decode_many([cbor.encode(value) for value in many]) == many


@given(st.lists(values, min_size=1, max_size=6).map(lambda many: list(map(cbor.encode, many))), st.randoms())
def test_payloads_cut_elsewhere_are_judged_one_by_one(payloads: list[bytes], random: Random) -> None:
    joined = b"".join(payloads)
    cuts = sorted(random.randrange(len(joined) + 1) for _ in payloads[1:])
    pieces = [joined[a:b] for a, b in zip([0, *cuts], [*cuts, len(joined)], strict=True)]
    for piece, read in zip(pieces, cbor.decode_many(pieces), strict=True):
        assert isinstance(read, EncodingError) == _is_refused(piece)
        if not isinstance(read, EncodingError):
            assert cbor.encode(read) == piece


@given(values)
def test_every_deviation_of_a_value_is_refused(value: cbor.Value) -> None:
    for twin in _deviations(cbor.encode(value)):
        assert _is_refused(twin), twin.hex()


def test_every_deviation_of_1000_entries_is_refused(soak: int) -> None:
    entries = [write(NOW_MS + number, "post", post(message(number))) for number in range(990 * soak)]
    entries += [MadeFeed(1, name=str(number)).proof.payload for number in range(10)]
    for payload in entries:
        assert not _is_refused(payload)
        for twin in _deviations(payload):
            assert _is_refused(twin), twin.hex()


def test_maps_out_of_order_or_with_a_key_twice_are_refused(rng: Random, soak: int) -> None:
    for _ in range(1000 * soak):
        keys = {"k" * rng.randrange(4) + rng.choice(["", "a", "é", "語"]) + str(rng.randrange(99)) for _ in range(6)}
        pairs = sorted((_write(key), _write(rng.randrange(99))) for key in keys)
        if len(pairs) > 1:
            assert not _is_refused(_head(5, len(pairs)) + b"".join(key + value for key, value in pairs))
            for twin in _reordered(pairs, rng):
                assert _is_refused(twin), twin.hex()
                assert _is_refused(b"\x81" + twin), twin.hex()


def test_only_our_error_leaves_the_codec(rng: Random, soak: int) -> None:
    """Random bytes, damaged entries and random CBOR heads: an EncodingError, or a value that writes the same bytes."""
    seeds = [write(NOW_MS + number, "post", post(message(number))) for number in range(50)]
    seeds += [MadeFeed(1).proof.payload, cbor.encode({"a": [{"b": [None, True, -5]}], "cc": {"d": b"x"}})]
    accepted = 0
    for number in range(INPUTS * soak):
        kind = number % 4
        if kind == 0:
            data = rng.randbytes(rng.randrange(24))
        elif kind == 1:
            seed = rng.choice(seeds)
            data = flipped(seed, rng.randrange(len(seed) * 8))
        elif kind == 2:
            seed, at = rng.choice(seeds), rng.randrange(60)
            data = seed[:at] + rng.randbytes(1 + at % 3) + seed[at + rng.randrange(4) :]
        else:
            data = bytes(
                rng.choices(b"\x80\x81\x82\x83\xa0\xa1\xa2\x60\x61\x62\x40\x41\x00\x17\x18\x20\xf4\xf6ab", k=8)
            )
        try:
            value = cbor.decode(data)
        except EncodingError:
            continue
        accepted += 1
        assert cbor.encode(value) == data
        assert value == cbor2.loads(data)
    assert accepted > 100


def test_only_our_error_stands_among_many(rng: Random, soak: int) -> None:
    seeds = [write(NOW_MS + number, "post", post(message(number))) for number in range(20)]
    for _ in range(1000 * soak):
        payloads = rng.choices(seeds, k=8)
        at = rng.randrange(8)
        payloads[at] = rng.choice([rng.randbytes(8), flipped(payloads[at], rng.randrange(300)), b""])
        read_ones = cbor.decode_many(payloads)
        assert len(read_ones) == 8
        for payload, read in zip(payloads, read_ones, strict=True):
            assert isinstance(read, EncodingError) == _is_refused(payload)
