"""Small pictures of all formats, made by hand, with as much metadata as a test wants."""

import zlib
from collections.abc import Sequence

MARKER = b"<script>alert('46.9480,7.4474')</script>"
"""What no stripped picture holds: a place, and a script."""
PROFILE = (
    (164).to_bytes(4, "big") + b"none" + bytes(28) + b"acsp" + bytes(88) + bytes(4) + bytes(32)
)  # an ICC header and no tags


def exif(orientation: int, order: str = "MM") -> bytes:
    """EXIF data (TIFF) with an orientation, a place and a thumbnail."""
    big = order == "MM"

    def number(value: int, length: int) -> bytes:
        return value.to_bytes(length, "big" if big else "little")

    def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
        return number(tag, 2) + number(kind, 2) + number(count, 4) + value.ljust(4, b"\0")

    entries = [
        entry(0x010F, 2, len(MARKER), number(50, 4)),
        entry(0x0112, 3, 1, number(orientation, 2)),
        entry(0x8825, 4, 1, number(50, 4)),
    ]
    head = order.encode() + number(42, 2) + number(8, 4)
    return head + number(len(entries), 2) + b"".join(entries) + number(0, 4) + MARKER


# --- PNG ---


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """The first chunk of a PNG."""
    return chunk(b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((depth, colour, 0, 0, 0)))


def png_data(width: int, height: int, seed: int = 1) -> bytes:
    """The image data of an RGB picture, packed."""
    row = b"\0" + bytes((seed * 37 + at) & 255 for at in range(3 * width))
    return zlib.compress(row * height)


PNG = b"\x89PNG\r\n\x1a\n"
END = chunk(b"IEND", b"")


def png(width: int = 4, height: int = 3, *, seed: int = 1, extra: Sequence[bytes] = (), after: bytes = b"") -> bytes:
    """A PNG; other seeds give other pictures."""
    data = chunk(b"IDAT", png_data(width, height, seed))
    return b"".join((PNG, png_header(width, height), *extra, data, END, after))


def png_chatty(orientation: int = 6) -> bytes:
    """A PNG that says a lot."""
    extra = (
        chunk(b"iCCP", MARKER + b"\0\0" + zlib.compress(PROFILE)),
        chunk(b"gAMA", (45455).to_bytes(4, "big")),
        chunk(b"eXIf", exif(orientation)),
        chunk(b"tEXt", b"Comment\0" + MARKER),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(MARKER)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + MARKER),
        chunk(b"tIME", bytes(7)),
        chunk(b"prVt", MARKER),
    )
    return png(extra=extra, after=MARKER)


def png_animated(count: int = 2, announced: int | None = None) -> bytes:
    """An animated PNG."""
    frames = []
    for number in range(count):
        place = (4).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes(8) + b"\0\x01\0\x0a\0\0"
        frames.append(chunk(b"fcTL", (2 * number).to_bytes(4, "big") + place))
        data = png_data(4, 3, number)
        kind = b"IDAT" if number == 0 else b"fdAT"
        frames.append(chunk(kind, data if number == 0 else (2 * number + 1).to_bytes(4, "big") + data))
    control = chunk(b"acTL", (count if announced is None else announced).to_bytes(4, "big") + bytes(4))
    return b"".join((PNG, png_header(4, 3), control, *frames, END))


# --- JPEG ---


def segment(code: int, body: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes((0xFF, code)) + (len(body) + 2).to_bytes(2, "big") + body


def jpeg_size(width: int, height: int, code: int = 0xC0) -> bytes:
    """The header of a JPEG's image data."""
    body = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    return segment(code, body)


TABLES = segment(0xDB, b"\0" + bytes(range(1, 65))) + segment(0xC4, b"\0" + bytes((1, *bytes(15))) + b"\0")
SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\x34\xff\x00\x56\xff\xd0\x78"
JFIF = segment(0xE0, b"JFIF\0\x01\x02\x00\x00\x01\x00\x01\x00\x00")


def jpeg(
    width: int = 4, height: int = 3, *, front: bytes = JFIF, scans: bytes = SCAN, after: bytes = b"", code: int = 0xC0
) -> bytes:
    """A JPEG, as far as its structure goes."""
    return b"".join((b"\xff\xd8", front, TABLES, jpeg_size(width, height, code), scans, b"\xff\xd9", after))


def jpeg_chatty(orientation: int = 6, order: str = "MM") -> bytes:
    """A JPEG that says a lot."""
    front = (
        segment(0xE0, b"JFIF\0\x01\x02\x00\x00\x01\x00\x01\x01\x01abc"),
        segment(0xE0, b"JFXX\0\x10" + MARKER),
        segment(0xE1, b"Exif\0\0" + exif(orientation, order)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + MARKER),
        segment(0xE2, b"ICC_PROFILE\0\x02\x02" + PROFILE[100:]),
        segment(0xE2, b"ICC_PROFILE\0\x01\x02" + PROFILE[:100]),
        segment(0xE2, b"MPF\0" + MARKER),
        segment(0xED, b"Photoshop 3.0\0" + MARKER),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01" + MARKER),
        segment(0xFE, MARKER),
    )
    between = SCAN + segment(0xFE, MARKER) + segment(0xE1, MARKER) + b"\xff\xff\xff" + SCAN[1:]
    return jpeg(front=b"".join(front), scans=between, after=MARKER + jpeg())


# --- WebP ---


def riff(*chunks: bytes) -> bytes:
    """A RIFF file of the form WEBP."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def piece(kind: bytes, body: bytes) -> bytes:
    """A chunk of a WebP."""
    return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def lossless(width: int = 4, height: int = 3) -> bytes:
    """Lossless image data, as far as their header goes."""
    return piece(b"VP8L", b"\x2f" + (width - 1 | (height - 1) << 14).to_bytes(4, "little") + b"\x88\x88\x08")


def lossy(width: int = 4, height: int = 3) -> bytes:
    """Lossy image data, as far as their header goes."""
    sizes = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return piece(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + sizes + b"data")


def canvas(flags: int, width: int = 4, height: int = 3) -> bytes:
    """The header of an extended WebP."""
    return piece(
        b"VP8X", bytes((flags, 0, 0, 0)) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )


def frame(*pieces: bytes, left: int = 0, width: int = 4, height: int = 3) -> bytes:
    """A frame of an animated WebP."""
    numbers = (left, 0, width - 1, height - 1, 100)
    return piece(b"ANMF", b"".join(value.to_bytes(3, "little") for value in numbers) + b"\0" + b"".join(pieces))


def webp(width: int = 4, height: int = 3) -> bytes:
    """A WebP of the simple form."""
    return riff(lossless(width, height))


def webp_chatty(orientation: int = 6) -> bytes:
    """A WebP that says a lot."""
    chunks = (
        canvas(0x3C),
        piece(b"ICCP", PROFILE),
        piece(b"ALPH", b"\0alpha"),
        lossy(),
        piece(b"EXIF", b"Exif\0\0" + exif(orientation, "II")),
        piece(b"XMP ", MARKER),
        piece(b"prVt", MARKER),
    )
    return riff(*chunks) + MARKER


def webp_animated(count: int = 2) -> bytes:
    """An animated WebP."""
    frames = [frame(piece(b"ALPH", b"\0a"), lossy(), piece(b"prVt", MARKER)) for _ in range(count)]
    return riff(canvas(0x02), piece(b"ANIM", bytes(6)), *frames, piece(b"XMP ", MARKER))


# --- GIF ---


def blocks(data: bytes) -> bytes:
    """Data in blocks, and the empty one that ends them."""
    cuts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join(bytes((len(cut),)) + cut for cut in cuts) + b"\0"


def gif_image(width: int = 4, height: int = 3, left: int = 0) -> bytes:
    """An image of a GIF."""
    place = b"".join(value.to_bytes(2, "little") for value in (left, 0, width, height))
    return b"\x2c" + place + b"\0\x02" + blocks(b"\x84\x8f\xa9\x05")


def gif(*parts: bytes, width: int = 4, height: int = 3, after: bytes = b"") -> bytes:
    """A GIF of one image, or of the parts given."""
    screen = width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    return b"GIF89a" + screen + b"".join(parts or (gif_image(width, height),)) + b"\x3b" + after


def gif_chatty() -> bytes:
    """An animated GIF that says a lot."""
    control = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
    return gif(
        b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00" + blocks(MARKER),
        b"\x21\xfe" + blocks(MARKER),
        b"\x21\xff\x0bXMP DataXMP" + MARKER + b"\x01" + bytes(range(255, -1, -1)) + b"\0",
        *(control, gif_image(), b"\x21\x01" + blocks(MARKER), control, gif_image()),
        after=MARKER,
    )


PLAIN = {"png": png(), "jpeg": jpeg(), "webp": webp(), "gif": gif()}
CHATTY = {"png": png_chatty(), "jpeg": jpeg_chatty(), "webp": webp_chatty(), "gif": gif_chatty()}
ANIMATED = {"png": png_animated(), "webp": webp_animated(), "gif": gif_chatty()}
