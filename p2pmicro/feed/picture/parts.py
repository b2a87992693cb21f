"""What the readers of all formats share: a bounded look at bytes, the caps, orientation and colour profiles."""

import zlib
from dataclasses import dataclass

from ...errors import LocalError
from ...limits import (
    PICTURE_FRAME_PIXELS_MAX,
    PICTURE_FRAMES_MAX,
    PICTURE_PIXELS_MAX,
    PICTURE_SIDE_MAX,
)

PROFILE_MAX_BYTES = 1 << 20  # the largest in use are some 2 MB; what is larger is left out, and colours may differ
UPRIGHT = 1
_ORIENTATION = 0x0112
_SHORT = 3
_PROFILE_MARK = b"acsp"


class PictureError(LocalError):
    """A file that can't be posted as a picture; the sentence says what to do."""

    code = "local.picture"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture is, by its bytes alone."""

    type: str  # of TYPES
    width: int  # pixels, as stored: before the orientation turns them
    height: int
    frames: int  # 1 but for animations


class Scan:
    """Bytes read from the front; what would lie behind their end is an error of the file."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return self.end - self.at

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            PictureError: there are fewer.
        """
        if count > self.end - self.at:
            raise cut_off()
        self.at += count
        return self.data[self.at - count : self.at]

    def big(self, count: int) -> int:
        """An unsigned integer, most significant byte first."""
        return int.from_bytes(self.take(count), "big")

    def little(self, count: int) -> int:
        """An unsigned integer, least significant byte first."""
        return int.from_bytes(self.take(count), "little")


def cut_off() -> PictureError:
    """The error of a file that ends too early."""
    return PictureError("The picture is cut off: its file ends before the picture does. Save or copy it again.")


def damaged(what: str) -> PictureError:
    """The error of a file that contradicts itself."""
    return PictureError(f"The picture is damaged ({what}): save it again in another program.")


def check_size(width: int, height: int) -> None:
    """Refuse what would take a reader's memory, or has no pixel.

    Raises:
        PictureError: it says the size, and what is allowed.
    """
    if not width or not height:
        raise damaged("it has no pixels")
    if max(width, height) > PICTURE_SIDE_MAX or width * height > PICTURE_PIXELS_MAX:
        raise PictureError(
            f"The picture has {width} × {height} pixels: at most {PICTURE_SIDE_MAX:,} a side and "
            f"{PICTURE_PIXELS_MAX:,} in all are shown. Make it smaller."
        )


class Frames:
    """Counts the frames of an animation: a small file can hold very many."""

    def __init__(self) -> None:
        self.count = 0
        self._pixels = 0

    def add(self, width: int, height: int) -> None:
        """Count one more.

        Raises:
            PictureError: there are too many, or they have too many pixels together.
        """
        self.count += 1
        self._pixels += width * height
        if self.count > PICTURE_FRAMES_MAX or self._pixels > PICTURE_FRAME_PIXELS_MAX:
            raise PictureError(
                f"The animation is too long: at most {PICTURE_FRAMES_MAX:,} frames with {PICTURE_FRAME_PIXELS_MAX:,} "
                "pixels in all are shown. Make it shorter or smaller."
            )


# --- Orientation ---


def orientation_of(tiff: bytes) -> int:
    """Which side is up, 1 to 8, by EXIF data; 1 (upright) where they do not say or can't be read.

    Source: CIPA DC-008 (Exif 3.0) section 4.6.5, tag 274; TIFF 6.0 section 2.
    """
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(tiff[:4])
    if order is None:
        return UPRIGHT

    def number(at: int, length: int) -> int:
        part = tiff[at : at + length]
        return int.from_bytes(part, "little" if order == "little" else "big") if len(part) == length else 0

    at = number(4, 4)
    count = min(number(at, 2), (len(tiff) - at) // 12) if 8 <= at < len(tiff) else 0
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        if number(entry, 2) == _ORIENTATION:
            value = number(entry + 8, 2) if (number(entry + 2, 2), number(entry + 4, 4)) == (_SHORT, 1) else 0
            return value if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT


def orientation_tiff(orientation: int) -> bytes:
    """EXIF data that say which side is up, and nothing else: 26 bytes."""
    entry = b"".join(
        value.to_bytes(length, "big") for value, length in ((_ORIENTATION, 2), (_SHORT, 2), (1, 4), (orientation, 2))
    )
    return b"MM\0*\0\0\0\x08" + b"\0\x01" + entry + bytes(2) + bytes(4)


# --- Colour profiles ---


def is_profile(data: bytes) -> bool:
    """Whether bytes are an ICC profile, by its header, and not too large. Source: ICC.1:2022 section 7.2."""
    return (
        132 <= len(data) <= PROFILE_MAX_BYTES
        and data[36:40] == _PROFILE_MARK
        and int.from_bytes(data[:4], "big") == len(data)
    )


def packed_profile(packed: bytes) -> bytes | None:
    """The part of a zlib stream that is an ICC profile; None if it is none or too large: unpacked only that far."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, PROFILE_MAX_BYTES + 1)
    except zlib.error:
        return None
    if not stream.eof or not is_profile(data):
        return None
    return packed[: len(packed) - len(stream.unused_data)]
