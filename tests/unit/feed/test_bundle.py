"""Bundles, read whole, byte by byte, cut and damaged. Source: protocol/bundle.md."""

import tracemalloc
from collections.abc import Iterable, Sequence
from contextlib import suppress
from random import Random

import pytest

from p2pmicro import cbor
from p2pmicro.errors import EncodingError, EntryError, SizeError
from p2pmicro.feed import bundle
from p2pmicro.feed.bundle import Carried, Manifest, Proven, Reader, encode_manifest, encode_record
from p2pmicro.feed.chain import CheckedRange
from p2pmicro.feed.device import Device, make_revoke
from p2pmicro.feed.fork import ForkProof, make_fork_proof
from p2pmicro.limits import BUNDLE_RECORD_MAX_BYTES
from tests.made import NOW_MS, MadeFeed

MANIFEST = Manifest(NOW_MS, 1, 190, NOW_MS, NOW_MS + 200_000)


@pytest.fixture(scope="module")
def records(feed: MadeFeed) -> list[bytes]:
    """A feed's proof, revoke, fork proof, ranges newest first, and an excerpt."""
    other = feed.branch(70, 10)
    return [
        encode_record(feed.proof),
        encode_record(make_revoke(feed.account_key, feed.feed, feed.links[150])),
        encode_record(make_fork_proof(feed.feed, feed.links[69], feed.side(70, 72), other.side(70, 73))),
        encode_record(feed.range(129, 200)),
        encode_record(feed.range(1, 128, holes=range(70, 80))),
        encode_record(feed.excerpt(70, 73)),
        encode_record(Carried(b"picture")),
    ]


@pytest.fixture(scope="module")
def whole(records: Sequence[bytes]) -> bytes:
    return encode_manifest(MANIFEST) + b"".join(records)


def read(parts: Iterable[bytes], reader: Reader | None = None) -> list[Proven | EntryError]:
    """All that a file gives, to its end."""
    reader = reader or Reader()
    found = [one for part in parts for one in reader.receive(part)]
    reader.finish()
    return found


def kinds(found: Iterable[object]) -> list[str]:
    return [type(one).__name__ for one in found]


def test_bundle_gives_what_was_put_in(feed: MadeFeed, whole: bytes) -> None:
    reader = Reader()
    device, revoke, fork, newer, older, excerpt, picture = read([whole], reader)
    assert reader.manifest == MANIFEST
    assert isinstance(device, Device)
    assert (device.feed, device.account) == (feed.feed, feed.account)
    assert revoke == make_revoke(feed.account_key, feed.feed, feed.links[150])
    assert isinstance(fork, ForkProof)
    assert isinstance(newer, CheckedRange)
    assert newer.range == feed.range(129, 200)
    assert isinstance(older, CheckedRange)
    assert older.range == feed.range(1, 128, holes=range(70, 80))
    assert isinstance(excerpt, bundle.CheckedExcerpt)
    assert (excerpt.excerpt, excerpt.id) == (feed.excerpt(70, 73), feed.links[70].id)
    assert picture == Carried(b"picture")


def test_bundle_byte_by_byte_is_the_same(whole: bytes, rng: Random) -> None:
    at_once = read([whole])
    assert read(whole[at : at + 1] for at in range(len(whole))) == at_once
    cuts = sorted(rng.sample(range(len(whole)), 20))
    assert read(whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)) == at_once


def test_cut_bundle_gives_all_that_is_whole_in_it(records: Sequence[bytes], whole: bytes) -> None:
    at_once = read([whole])
    ends = [len(encode_manifest(MANIFEST))]
    for record in records:
        ends.append(ends[-1] + len(record))
    for size in range(0, len(whole), 101):
        reader = Reader()
        found = list(reader.receive(whole[:size]))
        assert found == at_once[: sum(end <= size for end in ends[1:])]
        if size not in ends:
            with pytest.raises(EncodingError):
                reader.finish()


def test_damaged_record_costs_nothing_else(records: Sequence[bytes], rng: Random) -> None:
    start, good = encode_manifest(MANIFEST), read([encode_manifest(MANIFEST), *records])
    for _ in range(200):
        place = rng.randrange(1, len(records))  # not the proof: without it the feed is nobody's
        damaged = bytearray(records[place])
        damaged[rng.randrange(5, len(damaged))] ^= 1 << rng.randrange(8)
        found = read([start, *records[:place], bytes(damaged), *records[place + 1 :]])
        rest = found[:place] + found[place + 1 :] if len(found) == len(good) else found
        assert rest == good[:place] + good[place + 1 :]  # a type that became unknown is no error
        assert found != good


def test_nothing_of_an_unproven_feed_is_given(records: Sequence[bytes]) -> None:
    damaged = bytearray(records[0])
    damaged[-1] ^= 1
    found = read([encode_manifest(MANIFEST), bytes(damaged), *records[1:], *records])
    assert kinds(found[:7]) == ["SignatureError", *["DeviceError"] * 5, "Carried"]
    assert found[7:] == read([encode_manifest(MANIFEST), *records])


def test_of_an_unwanted_feed_nothing_is_checked(
    whole: bytes, records: Sequence[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("checked")

    asked: list[Device] = []

    def is_wanted(device: Device) -> bool:
        asked.append(device)
        return False

    for check in ("check_range", "check_excerpt", "check_revoke", "check_fork_proof"):
        monkeypatch.setattr(bundle, check, never)
    assert read([whole, *records], Reader(is_wanted)) == [Carried(b"picture")] * 2
    assert len(asked) == 2


def test_type_of_a_later_version_is_passed_over(records: Sequence[bytes], whole: bytes) -> None:
    later = cbor.encode(cbor.encode([1000, {"what": "ever"}]))
    assert read([encode_manifest(MANIFEST), later, records[0], later, *records[1:]]) == read([whole])


def test_too_large_a_record_is_passed_over_and_not_kept(records: Sequence[bytes]) -> None:
    size = 64 << 20
    chunk = bytes(1 << 16)
    reader = Reader()
    assert list(reader.receive(encode_manifest(MANIFEST) + records[0])) != []
    tracemalloc.start()
    found = list(reader.receive(b"\x5a" + size.to_bytes(4)))
    for _ in range(size // len(chunk)):
        found += reader.receive(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kinds(found) == ["SizeError"]
    assert peak < 1 << 20
    assert kinds(reader.receive(records[3])) == ["CheckedRange"]
    reader.finish()


def test_record_at_the_limit_is_read_and_one_over_is_not(records: Sequence[bytes]) -> None:
    start = encode_manifest(MANIFEST) + records[0]
    for extra, refused in ((0, EncodingError), (1, SizeError)):
        (found,) = read([start, cbor.encode(bytes(BUNDLE_RECORD_MAX_BYTES + extra))])[1:]
        assert isinstance(found, refused)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x40", b"{}", b"SQLite format 3\x00", b"\x5b" + b"\xff" * 8])
def test_what_is_no_bundle_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(EncodingError):
        read([data])


def test_any_bytes_end_in_one_kind_of_error(whole: bytes, rng: Random, soak: int) -> None:
    for _ in range(300 * soak):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(damaged))
            damaged[at : at + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 2))
        with suppress(EncodingError):
            read([bytes(damaged)])


def test_manifest_of_no_entries_has_no_dates() -> None:
    empty = Manifest(NOW_MS, 0, 0, None, None)
    reader = Reader()
    assert read([encode_manifest(empty)], reader) == []
    assert reader.manifest == empty
