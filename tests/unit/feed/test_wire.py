"""Wire forms, each fed whole, cut, with more, and with another shape. Source: protocol/feed.md, "Wire forms"."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from p2pmicro import cbor
from p2pmicro.errors import EncodingError
from p2pmicro.feed import wire
from p2pmicro.feed.chain import check_excerpt, check_range
from p2pmicro.feed.device import check_device_proof, check_revoke, make_revoke
from p2pmicro.feed.fork import check_fork_proof, make_fork_proof
from p2pmicro.limits import EXCERPT_TAIL_MAX, FORK_SIDE_MAX, RANGE_MAX_ENTRIES, SEQ_MAX
from tests.made import MadeFeed

HASH, SIGNATURE = bytes(32), bytes(64)

Parse = Callable[[object], Any]
FORMS: dict[str, tuple[Callable[[Any], cbor.Value], Parse]] = {
    "range": (wire.range_value, wire.parse_range),
    "excerpt": (wire.excerpt_value, wire.parse_excerpt),
    "device proof": (wire.device_proof_value, wire.parse_device_proof),
    "fork proof": (wire.fork_proof_value, wire.parse_fork_proof),
    "side": (wire.side_value, wire.parse_side),
    "revoke": (wire.revoke_value, wire.parse_revoke),
}


@pytest.fixture(scope="module")
def samples(feed: MadeFeed) -> dict[str, list[Any]]:
    other = feed.branch(70, 10)
    fork = make_fork_proof(feed.feed, feed.links[69], feed.side(70, 72), other.side(70, 73))
    return {
        "range": [feed.range(1, 5), feed.range(60, 130, holes=range(70, 90)), feed.range(3, 4, known=True)],
        "excerpt": [feed.excerpt(70, 73), feed.excerpt(64, 64)],
        "device proof": [feed.proof],
        "fork proof": [fork],
        "side": [*fork.sides],
        "revoke": [make_revoke(feed.account_key, feed.feed, feed.links[9])],
    }


def _neighbours(value: Any, depth: int = 0) -> Iterator[Any]:
    """Values of another shape, one fault each: something of another type, cut, too long, or missing, at each place."""
    yield from (None, True, 1.5, "a", b"a", {}, [], -1, 2**64)
    if isinstance(value, list) and depth < 3:
        yield from (value[:-1], value[1:], [*value, None], [*value, 0], tuple(value))
        for place in range(min(len(value), 6)):
            for other in _neighbours(value[place], depth + 1):
                yield [*value[:place], other, *value[place + 1 :]]
    elif isinstance(value, bytes):
        yield from (value[:-1], value + b"a", value.hex(), bytearray(value))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_read_back(form: str, samples: dict[str, list[Any]]) -> None:
    write, parse = FORMS[form]
    for sample in samples[form]:
        value = cbor.decode(cbor.encode(write(sample)))
        assert parse(value) == sample
        assert write(parse(value)) == value


def test_what_is_read_back_still_proves(feed: MadeFeed, samples: dict[str, list[Any]]) -> None:
    check_range(wire.parse_range(wire.range_value(samples["range"][1])))
    assert check_excerpt(wire.parse_excerpt(wire.excerpt_value(samples["excerpt"][0]))) == feed.links[70].id
    check_device_proof(wire.parse_device_proof(wire.device_proof_value(feed.proof)), feed.feed)
    check_fork_proof(wire.parse_fork_proof(wire.fork_proof_value(samples["fork proof"][0])))
    check_revoke(wire.parse_revoke(wire.revoke_value(samples["revoke"][0])), feed.account)


@pytest.mark.parametrize("form", FORMS)
def test_another_shape_is_refused_or_is_another_value(form: str, samples: dict[str, list[Any]]) -> None:
    write, parse = FORMS[form]
    refused = 0
    for sample in samples[form]:
        value = write(sample)
        for other in _neighbours(value):
            try:
                read = parse(other)
            except EncodingError:
                refused += 1
            else:
                assert write(read) == other  # nothing is read as what it is not
                assert (read == sample) == (other == value)
    assert refused > 20


@pytest.mark.parametrize("form", ["excerpt", "device proof", "fork proof", "side", "revoke"])
def test_value_cut_or_continued_is_refused(form: str, samples: dict[str, list[Any]]) -> None:
    write, parse = FORMS[form]
    for sample in samples[form]:
        value = write(sample)
        assert isinstance(value, list)
        for other in (*(value[:end] for end in range(len(value))), [*value, 0], [*value, *value]):
            with pytest.raises(EncodingError):
                parse(other)


def _range(**changed: Any) -> list[Any]:
    fields = {"feed": HASH, "seq": 1, "id": HASH, "items": [b"a"], "heads": [[2, SIGNATURE]]}
    return list((fields | changed).values())


def test_range_has_1_to_2048_items() -> None:
    for items in ([b"a"] * RANGE_MAX_ENTRIES, [[1, HASH]] * RANGE_MAX_ENTRIES):
        assert len(wire.parse_range(_range(items=items)).items) == RANGE_MAX_ENTRIES
        with pytest.raises(EncodingError):
            wire.parse_range(_range(items=items + items[:1]))
    with pytest.raises(EncodingError):
        wire.parse_range(_range(items=[]))


@pytest.mark.parametrize(
    "heads",
    [
        [[2, SIGNATURE], [2, SIGNATURE]],
        [[3, SIGNATURE], [2, SIGNATURE]],
        [[0, SIGNATURE]],
        [[SEQ_MAX + 1, SIGNATURE]],
        [[True, SIGNATURE]],
        [[2, SIGNATURE[1:]]],
        [[2]],
        [2, SIGNATURE],
        {2: SIGNATURE},
    ],
)
def test_heads_are_in_order_each_once(heads: object) -> None:
    with pytest.raises(EncodingError):
        wire.parse_range(_range(heads=heads))


@pytest.mark.parametrize("seq", [-1, SEQ_MAX + 1, 2**53, 2**64, False, "1", None])
def test_seq_of_a_place_is_0_to_the_last(seq: object) -> None:
    with pytest.raises(EncodingError):
        wire.parse_range(_range(seq=seq))
    assert wire.parse_range(_range(seq=SEQ_MAX)).before.seq == SEQ_MAX


@pytest.mark.parametrize(
    "hole", [[], [1], [1, HASH, 1], [-1, HASH], [True, HASH], ["1", HASH], [1, HASH[1:]], [1, None]]
)
def test_hole_is_a_length_and_a_hash(hole: object) -> None:
    with pytest.raises(EncodingError):
        wire.parse_range(_range(items=[b"a", hole]))


def test_revoke_is_of_an_entry() -> None:
    with pytest.raises(EncodingError):
        wire.parse_revoke([HASH, 0, HASH, SIGNATURE])
    assert wire.parse_revoke([HASH, 1, HASH, SIGNATURE]).seq == 1


def test_tail_and_side_keep_within_a_page() -> None:
    hole = [1, HASH]
    wire.parse_excerpt([HASH, 0, HASH, b"a", [hole] * EXCERPT_TAIL_MAX, SIGNATURE])
    wire.parse_side([[hole] * FORK_SIDE_MAX, SIGNATURE])
    for parse, value in (
        (wire.parse_excerpt, [HASH, 0, HASH, b"a", [hole] * (EXCERPT_TAIL_MAX + 1), SIGNATURE]),
        (wire.parse_side, [[hole] * (FORK_SIDE_MAX + 1), SIGNATURE]),
        (wire.parse_side, [[], SIGNATURE]),
    ):
        with pytest.raises(EncodingError):
            parse(value)
