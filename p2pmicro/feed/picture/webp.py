"""WebP, still and animated. Source: RFC 9649 section 2; for sizes, RFC 6386 section 9.1 and RFC 9649 section 3.4."""

from collections.abc import Iterator

from .parts import UPRIGHT, Facts, Frames, Scan, check_size, damaged, is_profile, orientation_of, orientation_tiff

_EXIF = b"Exif\0\0"  # some programs begin with it, as in a JPEG
_ANIMATION, _XMP, _EXIF_FLAG, _ALPHA, _PROFILE = 0x02, 0x04, 0x08, 0x10, 0x20
_IMAGES = (b"VP8 ", b"VP8L")


def read(data: bytes) -> tuple[Facts, bytes]:
    """What a WebP is, and the same without metadata.

    Raises:
        PictureError: it can't be shown.
    """
    scan = Scan(data, 4)
    length = scan.little(4)
    if scan.take(4) != b"WEBP":
        raise damaged("it is another kind of RIFF file")
    body = Scan(data, 12, 12 + len(scan.take(length - 4 if length >= 4 else length)))
    chunks = _chunks(body)
    kind, first = next(chunks, (b"", b""))
    if kind in _IMAGES:
        width, height = _image_size(kind, first)
        check_size(width, height)
        return Facts("image/webp", width, height, 1), _riff([_made(kind, first)])
    if kind != b"VP8X" or len(first) != 10:
        raise damaged("it has no header")
    return _extended(first, chunks)


def _extended(header: bytes, chunks: Iterator[tuple[bytes, bytes]]) -> tuple[Facts, bytes]:
    flags = header[0]
    width, height = 1 + int.from_bytes(header[4:7], "little"), 1 + int.from_bytes(header[7:10], "little")
    check_size(width, height)
    is_animated = bool(flags & _ANIMATION)
    flags &= _ANIMATION | _ALPHA
    before: list[bytes] = []
    images: list[bytes] = []
    after: list[bytes] = []
    frames = Frames()
    for kind, body in chunks:
        if kind == b"ICCP" and is_profile(body) and not flags & _PROFILE:
            before.append(_made(kind, body))
            flags |= _PROFILE
        elif kind == b"EXIF" and not flags & _EXIF_FLAG:
            orientation = orientation_of(body.removeprefix(_EXIF))
            if orientation != UPRIGHT:
                after.append(_made(kind, orientation_tiff(orientation)))
                flags |= _EXIF_FLAG
        elif is_animated and kind == b"ANIM" and len(body) == 6 and not images:
            images.append(_made(kind, body))
        elif is_animated and kind == b"ANMF":
            images.append(_made(kind, _frame(body, width, height, frames)))
        elif not is_animated and kind == b"ALPH" and not images:
            images.append(_made(kind, body))
        elif not is_animated and kind in _IMAGES and not frames.count:
            if _image_size(kind, body) != (width, height):
                raise damaged("its size is told in two ways")
            frames.add(width, height)
            images.append(_made(kind, body))
    if not frames.count:
        raise damaged("it has no image data")
    made = _made(b"VP8X", bytes((flags, 0, 0, 0)) + header[4:])
    return Facts("image/webp", width, height, frames.count), _riff([made, *before, *images, *after])


def _frame(body: bytes, width: int, height: int, frames: Frames) -> bytes:
    """A frame of an animation without what does not belong to its image."""
    if len(body) < 16:
        raise damaged("a frame")
    left, top, wide, high = (int.from_bytes(body[at : at + 3], "little") for at in (0, 3, 6, 9))
    wide, high = wide + 1, high + 1
    if 2 * left + wide > width or 2 * top + high > height:
        raise damaged("a frame outside of the picture")
    frames.add(wide, high)
    kept = [body[:16]]
    for kind, part in _chunks(Scan(body, 16)):
        if kind in _IMAGES:
            if _image_size(kind, part) != (wide, high):
                raise damaged("a frame's size is told in two ways")
            return b"".join((*kept, _made(kind, part)))
        if kind == b"ALPH" and len(kept) == 1:
            kept.append(_made(kind, part))
    raise damaged("a frame without image data")


def _image_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Width and height of image data, by their own header."""
    if kind == b"VP8 ":
        if len(body) < 10 or body[0] & 1 or body[3:6] != b"\x9d\x01\x2a":  # the lowest bit: no key frame
            raise damaged("its image data")
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    bits = int.from_bytes(body[1:5], "little")
    if len(body) < 5 or body[0] != 0x2F or bits >> 29:
        raise damaged("its image data")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _chunks(scan: Scan) -> Iterator[tuple[bytes, bytes]]:
    while scan.left:
        kind = scan.take(4)
        length = scan.little(4)
        yield kind, scan.take(length)
        if length % 2 and scan.left:
            scan.take(1)


def _made(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def _riff(chunks: list[bytes]) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body
