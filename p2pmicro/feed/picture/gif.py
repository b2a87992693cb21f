"""GIF, still and animated. Source: CompuServe, GIF89a Specification, sections 17 to 27."""

from .parts import Facts, Frames, PictureError, Scan, check_size, damaged

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")  # how often an animation runs


def read(data: bytes) -> tuple[Facts, bytes]:
    """What a GIF is, and the same without metadata; no program uses a colour profile in one, so none is kept.

    Raises:
        PictureError: it can't be shown.
    """
    scan = Scan(data)
    if scan.take(6) not in (b"GIF87a", b"GIF89a"):
        raise damaged("its first bytes")
    screen = scan.take(7)
    width, height = int.from_bytes(screen[:2], "little"), int.from_bytes(screen[2:4], "little")
    kept = [b"GIF89a", screen, _colours(scan, screen[4])]
    frames = Frames()
    has_loop = False
    control = b""  # what belongs to the next image: the last one counts
    while (kind := scan.take(1)[0]) != _TRAILER:
        if kind == _EXTENSION:
            label = scan.take(1)[0]
            start = scan.at
            _skip_blocks(scan)
            body = data[start : scan.at]
            if label == _CONTROL and len(body) == 6 and body[0] == 4:
                control = b"\x21\xf9" + body
            elif label == _APPLICATION and not has_loop and body[1:12] in _LOOPS and body[12:14] == b"\x03\x01":
                has_loop = True
                kept.append(b"\x21\xff" + body[:16] + b"\0")
        elif kind == _IMAGE:
            place = scan.take(9)
            left, top, wide, high = (int.from_bytes(place[at : at + 2], "little") for at in (0, 2, 4, 6))
            if not wide or not high:
                raise damaged("a frame without pixels")
            width, height = max(width, left + wide), max(height, top + high)  # programs make room for such a frame
            check_size(width, height)
            frames.add(wide, high)
            kept += [control, b"\x2c", place, _colours(scan, place[8])]
            control = b""
            start = scan.at
            if not 1 <= scan.take(1)[0] <= 11:
                raise damaged("its image data")
            _skip_blocks(scan)
            kept.append(data[start : scan.at])
        else:
            raise damaged("something between its parts")
    if not frames.count:
        raise PictureError("The picture has no image data: choose another file.")
    return Facts("image/gif", width, height, frames.count), b"".join((*kept, b"\x3b"))


def _colours(scan: Scan, flags: int) -> bytes:
    """The colour table that follows, if the flags say that one does."""
    return scan.take(3 << (flags & 7) + 1) if flags & 0x80 else b""


def _skip_blocks(scan: Scan) -> None:
    """Go past blocks of 1 to 255 bytes each, and the empty one at their end."""
    while (length := scan.take(1)[0]) != 0:
        scan.take(length)
