"""Bytes to frames and back: u32be length, then one CBOR array. Source: protocol/sync.md, "Frames"."""

from ..errors import FrameError, LimitError
from ..limits import FRAME_MAX_BYTES, FRAME_MIN_RATE, FRAME_TIMEOUT_S

_LENGTH_BYTES = 4


def frame(body: bytes) -> bytes:
    """Put a message's CBOR (1 to 1 MiB and 128 KiB) behind its length."""
    assert 0 < len(body) <= FRAME_MAX_BYTES
    return len(body).to_bytes(_LENGTH_BYTES) + body


class FrameReader:
    """Cuts a stream of bytes into frames; holds at most one unfinished frame, and no more of it than has come.

    A frame has a time budget in all, not between bytes: 10 s and its size at 16 kB/s.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes  # the owner raises it once it knows who sends
        self._buffer = bytearray()
        self._started_at: float | None = None

    def feed(self, data: bytes | bytearray, now: float) -> None:
        """Take what the stream gave."""
        if not self._buffer and data:
            self._started_at = now
        self._buffer += data

    def next_frame(self, now: float) -> bytes | None:
        """The next whole frame's body, or None while it is not whole.

        Raises:
            FrameError: a length of 0 or over the limit; nothing was allocated for it.
        """
        buffer = self._buffer
        if len(buffer) < _LENGTH_BYTES:
            return None
        size = int.from_bytes(buffer[:_LENGTH_BYTES])
        if not 1 <= size <= self.max_bytes:
            raise FrameError(f"A frame has 1 to {self.max_bytes} bytes here, and this one says {size}.")
        end = _LENGTH_BYTES + size
        if len(buffer) < end:
            return None
        body = bytes(memoryview(buffer)[_LENGTH_BYTES:end])
        del buffer[:end]
        self._started_at = now if buffer else None
        return body

    @property
    def deadline(self) -> float | None:
        """When the frame that has begun must be whole; None between frames."""
        if self._started_at is None:
            return None
        size = int.from_bytes(self._buffer[:_LENGTH_BYTES]) if len(self._buffer) >= _LENGTH_BYTES else 0
        return self._started_at + FRAME_TIMEOUT_S + size / FRAME_MIN_RATE

    def excuse(self, pause_s: float) -> None:
        """Give the frame that has begun more time: for so long nothing was read."""
        if self._started_at is not None:
            self._started_at += pause_s

    def check_deadline(self, now: float) -> None:
        """Raise LimitError if the frame that has begun took too long."""
        deadline = self.deadline
        if deadline is not None and now >= deadline:
            raise LimitError("A frame came too slowly.")
