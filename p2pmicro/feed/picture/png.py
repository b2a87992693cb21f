"""PNG and animated PNG. Source: W3C, Portable Network Graphics (Third Edition), sections 5 and 11."""

import zlib

from .parts import (
    UPRIGHT,
    Facts,
    Frames,
    Scan,
    check_size,
    damaged,
    orientation_of,
    orientation_tiff,
    packed_profile,
)

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What decoders need, and what decides how colours look. All else goes: texts, times, EXIF, sizes in print, other
# programs' own.
_KEPT = frozenset((b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"cICP", b"mDCV", b"cLLI"))
_FRAME = (b"fcTL", b"fdAT")
_FIXED_BYTES = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8, b"acTL": 8, b"fcTL": 26}
_AT_MOST_BYTES = {b"PLTE": 768, b"tRNS": 256, b"sBIT": 4, b"bKGD": 6}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by colour type


def read(data: bytes) -> tuple[Facts, bytes]:
    """What a PNG is, and the same without metadata.

    Raises:
        PictureError: it can't be shown.
    """
    scan = Scan(data)
    if scan.take(len(_SIGNATURE)) != _SIGNATURE:
        raise damaged("its first bytes were changed, as by a transfer as text")
    kind, header = _chunk(scan)
    if kind != b"IHDR" or len(header) != 13:
        raise damaged("it has no header")
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    depth, colour, packing, filters, interlace = header[8:]
    if depth not in _DEPTHS.get(colour, ()) or packing or filters or interlace > 1:
        raise damaged("its header")
    check_size(width, height)

    orientation, profile = UPRIGHT, b""
    kept: list[bytes] = []
    frames = Frames()
    seen: set[bytes] = set()
    announced = 0  # frames, where it is animated
    has_data = False
    while True:
        kind, body = _chunk(scan)
        if kind == b"IEND":
            break
        if len(body) != _FIXED_BYTES.get(kind, len(body)) or len(body) > _AT_MOST_BYTES.get(kind, len(body)):
            raise damaged(kind.decode())
        if kind == b"eXIf":
            orientation = orientation_of(body)
        elif kind == b"iCCP" and not has_data:
            profile = _profile(body) or profile
        elif kind == b"acTL" and not has_data and not announced:
            announced = int.from_bytes(body[:4], "big")
            kept.append(_made(kind, body))
        elif kind in (b"IDAT", *_FRAME) or (kind in _KEPT and kind not in seen):
            has_data |= kind == b"IDAT"
            if kind == b"fcTL":
                _check_frame(body, width, height, frames)
            if announced or kind not in _FRAME:
                kept.append(_made(kind, body))
        elif kind[:1].isupper() and kind not in _KEPT:  # section 5.4: a reader must know it to show the picture
            raise damaged(f"a part that no reader knows, {kind.decode()}")
        seen.add(kind)
    if not has_data:
        raise damaged("it has no image data")
    if announced and announced != frames.count:
        raise damaged("the number of its frames")
    front = [_SIGNATURE, _made(b"IHDR", header)]
    if profile:
        front.append(_made(b"iCCP", profile))
    if orientation != UPRIGHT:
        front.append(_made(b"eXIf", orientation_tiff(orientation)))
    facts = Facts("image/png", width, height, frames.count if announced else 1)
    return facts, b"".join((*front, *kept, _made(b"IEND", b"")))


def _chunk(scan: Scan) -> tuple[bytes, bytes]:
    """The next chunk: its type, of four ASCII letters, and what it holds."""
    length = scan.big(4)
    kind = scan.take(4)
    if not kind.isalpha():  # of bytes: ASCII letters alone
        raise damaged("a part without a name")
    body = scan.take(length)
    if scan.big(4) != zlib.crc32(body, zlib.crc32(kind)):
        raise damaged(f"the checksum of {kind.decode()}")
    return kind, body


def _made(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(body, zlib.crc32(kind))
    return b"".join((len(body).to_bytes(4, "big"), kind, body, check.to_bytes(4, "big")))


def _profile(body: bytes) -> bytes | None:
    """The body of an iCCP without the name that its maker gave it."""
    _, zero, rest = body.partition(b"\0")
    packed = packed_profile(rest[1:]) if zero and rest[:1] == b"\0" else None
    return None if packed is None else b"ICC\0\0" + packed


def _check_frame(body: bytes, width: int, height: int, frames: Frames) -> None:
    wide, high, left, top = (int.from_bytes(body[at : at + 4], "big") for at in (4, 8, 12, 16))
    if not wide or not high or left + wide > width or top + high > height:
        raise damaged("a frame outside of the picture")
    frames.add(wide, high)
