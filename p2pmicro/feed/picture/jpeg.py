"""JPEG: baseline, extended and progressive. Source: ITU-T T.81 annex B; JFIF 1.02; Adobe TN 5116; ICC.1 annex B.4."""

import re

from .parts import UPRIGHT, Facts, PictureError, Scan, check_size, cut_off, damaged, is_profile, orientation_of
from .parts import orientation_tiff as tiff_of

_SOI, _EOI, _SOS, _DQT, _DHT, _DRI, _APP0 = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xE0
_FRAMES = (0xC0, 0xC1, 0xC2)  # the three that programs show; not lossless, arithmetic or hierarchical ones
_OTHER_FRAMES = (0xC3, *range(0xC5, 0xCC), 0xCD, 0xCE, 0xCF, 0xDC, 0xDE, 0xDF)
_SCANS_MAX = 64  # each one costs a reader a pass over all pixels; a progressive picture has some ten
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")  # in image data: neither a stuffed zero nor a restart
_NO_FILL = re.compile(rb"[^\xff]")
_EXIF, _ICC, _JFIF, _ADOBE = b"Exif\0\0", b"ICC_PROFILE\0", b"JFIF\0", b"Adobe"
_PROFILE_PART_BYTES = 65_519  # of a profile in one segment


class _Front:
    """What is kept of the segments that come before the image data, written anew."""

    def __init__(self) -> None:
        self.orientation = UPRIGHT
        self._seen_exif = False
        self._jfif = b""
        self._adobe = b""
        self._profile: dict[int, bytes] = {}
        self._profile_parts = 0

    def take(self, code: int, body: bytes) -> None:
        """Look into an application segment."""
        if code == _APP0 and body.startswith(_JFIF) and len(body) >= 14 and not self._jfif:
            self._jfif = body[:12] + b"\0\0"  # without its thumbnail
        elif code == 0xE1 and body.startswith(_EXIF) and not self._seen_exif:
            self._seen_exif = True
            self.orientation = orientation_of(body[len(_EXIF) :])
        elif code == 0xE2 and body.startswith(_ICC) and len(body) > 14:
            self._profile[body[12]] = body[14:]
            self._profile_parts = body[13]
        elif code == 0xEE and body.startswith(_ADOBE) and len(body) >= 12:
            self._adobe = body[:12]  # it says how colours are written

    def made(self) -> list[bytes]:
        """The segments."""
        segments = [_segment(_APP0, self._jfif)] if self._jfif else []
        if self.orientation != UPRIGHT:
            segments.append(_segment(0xE1, _EXIF + tiff_of(self.orientation)))
        if self._adobe:
            segments.append(_segment(0xEE, self._adobe))
        numbers = range(1, self._profile_parts + 1)
        if self._profile_parts and self._profile.keys() == set(numbers):
            profile = b"".join(self._profile[number] for number in numbers)
            if is_profile(profile):
                cuts = range(0, len(profile), _PROFILE_PART_BYTES)
                for number, at in enumerate(cuts, 1):
                    part = bytes((number, len(cuts))) + profile[at : at + _PROFILE_PART_BYTES]
                    segments.append(_segment(0xE2, _ICC + part))
        return segments


def read(data: bytes) -> tuple[Facts, bytes]:
    """What a JPEG is, and the same without metadata.

    Raises:
        PictureError: it can't be shown.
    """
    scan = Scan(data, 2)  # who calls has seen the first marker
    front = _Front()
    kept: list[bytes] = []
    size: tuple[int, int] | None = None
    scans = 0
    while (code := _marker(scan)) != _EOI:
        body = _body(scan)
        if code in _FRAMES:
            if size is not None:
                raise damaged("it has two headers")
            size = _size(body)
        elif code == _SOS:
            scans += 1
            if size is None or len(body) != 4 + 2 * body[0] or scans > _SCANS_MAX:
                raise damaged("its order")
            kept += [_segment(code, body), _image_data(scan)]
            continue
        elif code in _OTHER_FRAMES:
            raise PictureError("This kind of JPEG is shown by few programs: save it again as an ordinary one.")
        elif code in (_DQT, _DHT, _DRI):
            _check_table(code, body)
        elif 0xE0 <= code <= 0xFE:
            if not scans:
                front.take(code, body)
            continue
        else:
            raise damaged("a part that no reader knows")
        kept.append(_segment(code, body))
    if size is None or not scans:
        raise damaged("it has no image data")
    return Facts("image/jpeg", *size, 1), b"".join((b"\xff\xd8", *front.made(), *kept, b"\xff\xd9"))


def _marker(scan: Scan) -> int:
    """The code of the marker that comes next; it may have fill bytes before it."""
    if scan.take(1) != b"\xff":
        raise damaged("something between its parts")
    found = _NO_FILL.search(scan.data, scan.at)
    if found is None:
        raise cut_off()
    scan.at = found.end()
    return found[0][0]


def _body(scan: Scan) -> bytes:
    """What a segment holds; at least a byte."""
    length = scan.big(2)
    if length < 3:
        raise damaged("an empty part")
    return scan.take(length - 2)


def _image_data(scan: Scan) -> bytes:
    """The image data that follow, up to the next marker."""
    start = at = scan.at
    while True:
        found = _MARKER.search(scan.data, at)
        if found is None:
            raise cut_off()
        scan.at = found.start()
        after = _NO_FILL.search(scan.data, scan.at)
        if after is None:
            raise cut_off()
        if not (after[0] == b"\0" or 0xD0 <= after[0][0] <= 0xD7):
            return scan.data[start : scan.at]
        at = after.end()  # fill bytes before what belongs to the data after all


def _size(body: bytes) -> tuple[int, int]:
    if len(body) < 6 or len(body) != 6 + 3 * body[5] or body[5] not in (1, 3, 4) or body[0] not in (8, 12):
        raise damaged("its header")
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    check_size(width, height)
    return width, height


def _check_table(code: int, body: bytes) -> None:
    """A table holds what its kind has room for: nothing is hidden in it."""
    part = Scan(body)
    while code != _DRI and part.left:
        kind = part.take(1)[0]
        if code == _DQT:
            part.take(128 if kind >> 4 else 64)
        else:
            count = sum(part.take(16))
            if count > 256:
                raise damaged("a table")
            part.take(count)
    if code == _DRI and len(body) != 2:
        raise damaged("a table")


def _segment(code: int, body: bytes) -> bytes:
    return bytes((0xFF, code)) + (len(body) + 2).to_bytes(2, "big") + body
