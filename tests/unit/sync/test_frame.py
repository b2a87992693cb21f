"""Frames, fed whole, byte by byte, and with bytes left over. Source: protocol/sync.md, "Frames"."""

import pytest

from p2pmicro.errors import FrameError, LimitError
from p2pmicro.limits import FRAME_MAX_BYTES, FRAME_MIN_RATE, FRAME_TIMEOUT_S, HELLO_MAX_BYTES
from p2pmicro.sync.frame import FrameReader, frame

BODIES = [b"\x81\x09", b"a" * 300, b"\x00", b"b" * 2048]


@pytest.fixture
def reader() -> FrameReader:
    return FrameReader(HELLO_MAX_BYTES)


def test_frame_is_length_and_body() -> None:
    assert frame(b"\x81\x09") == bytes.fromhex("00000002 8109")


def test_frames_fed_whole_are_cut_apart(reader: FrameReader) -> None:
    reader.feed(b"".join(frame(body) for body in BODIES), 0.0)
    assert [reader.next_frame(0.0) for _ in BODIES] == BODIES
    assert reader.next_frame(0.0) is None


def test_frames_fed_byte_by_byte_come_when_they_are_whole(reader: FrameReader) -> None:
    found = []
    for at, byte in enumerate(b"".join(frame(body) for body in BODIES)):
        reader.feed(bytes([byte]), float(at) / 1000)
        body = reader.next_frame(float(at) / 1000)
        if body is not None:
            found.append(body)
    assert found == BODIES


def test_bytes_left_over_wait_for_the_rest(reader: FrameReader) -> None:
    reader.feed(frame(b"first") + frame(b"second")[:-1], 0.0)
    assert reader.next_frame(0.0) == b"first"
    assert reader.next_frame(0.0) is None
    reader.feed(b"d", 0.0)
    assert reader.next_frame(0.0) == b"second"


@pytest.mark.parametrize("size", [0, HELLO_MAX_BYTES + 1, 2**31, 2**32 - 1])
def test_length_outside_the_limits_is_refused_before_the_body_comes(reader: FrameReader, size: int) -> None:
    reader.feed(size.to_bytes(4), 0.0)
    with pytest.raises(FrameError):
        reader.next_frame(0.0)


@pytest.mark.parametrize("size", [1, HELLO_MAX_BYTES])
def test_length_at_the_limits_is_read(reader: FrameReader, size: int) -> None:
    reader.feed(frame(bytes(size)), 0.0)
    assert reader.next_frame(0.0) == bytes(size)


def test_limit_is_raised_for_who_is_known(reader: FrameReader) -> None:
    reader.feed(frame(bytes(FRAME_MAX_BYTES)), 0.0)
    reader.max_bytes = FRAME_MAX_BYTES
    assert reader.next_frame(0.0) == bytes(FRAME_MAX_BYTES)
    reader.feed((FRAME_MAX_BYTES + 1).to_bytes(4), 0.0)
    with pytest.raises(FrameError):
        reader.next_frame(0.0)


def test_promised_length_takes_no_memory(reader: FrameReader) -> None:
    reader.max_bytes = FRAME_MAX_BYTES
    reader.feed(FRAME_MAX_BYTES.to_bytes(4) + b"a", 0.0)
    assert reader.next_frame(0.0) is None
    assert len(reader._buffer) == 5


def begun(reader: FrameReader) -> bool:
    """Whether a frame has begun; a property that changes is beyond the type checker."""
    return reader.deadline is not None


def test_frame_has_ten_seconds_and_its_size_at_sixteen_kilobytes_a_second(reader: FrameReader) -> None:
    assert not begun(reader)
    reader.max_bytes = FRAME_MAX_BYTES
    reader.feed(b"\x00", 100.0)
    assert reader.deadline == 100.0 + FRAME_TIMEOUT_S
    reader.feed((320_000).to_bytes(4)[1:], 105.0)
    assert reader.deadline == 100.0 + FRAME_TIMEOUT_S + 320_000 / FRAME_MIN_RATE == 130.0


def test_trickle_does_not_put_the_deadline_off(reader: FrameReader) -> None:
    for second in range(10):
        reader.feed(b"\x00\x00\x00\x09trickl"[second : second + 1], float(second))
        reader.check_deadline(float(second))
    with pytest.raises(LimitError):
        reader.check_deadline(FRAME_TIMEOUT_S + 9 / FRAME_MIN_RATE)


def test_next_frame_has_time_of_its_own(reader: FrameReader) -> None:
    reader.feed(frame(b"first") + frame(b"second")[:5], 0.0)
    assert reader.next_frame(9.0) == b"first"
    assert reader.deadline == 9.0 + FRAME_TIMEOUT_S + 6 / FRAME_MIN_RATE
    reader.feed(frame(b"second")[5:], 10.0)
    assert reader.next_frame(10.0) == b"second"
    assert not begun(reader)
    reader.check_deadline(1e9)
