"""Forty hostile files: refused with a sentence, or harmless once stripped. Source: protocol/content.md, "Pictures"."""

import tracemalloc
import zlib
from contextlib import suppress
from time import process_time

import pytest

from p2pmicro.feed.picture import PictureError, look, strip
from tests import pictures
from tests.pictures import MARKER, blocks, chunk, exif, gif, jpeg, piece, png, riff, segment

MIB = 1 << 20
HUGE_STREAM = zlib.compress(bytes(64 * MIB))
CONTROL = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"

REFUSED = {
    # Not pictures at all, or only by what they say of themselves.
    "html": b"<html>" + MARKER,
    "svg": b'<?xml version="1.0"?><svg onload="alert(1)"/>',
    "svg_with_bom": b"\xef\xbb\xbf<svg/>",
    "javascript_gif": b"GIF89a=1;alert(1)//",
    "javascript_webp": b"RIFF=1;alert(1)//WEBP",
    "html_png": b"\x89PNG\r\n\x1a\n" + MARKER,
    "pdf_jpeg": b"\xff\xd8\xff%PDF-1.7" + MARKER,
    "zip_only": b"PK\x03\x04" + MARKER,
    "wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(24),
    "heic": b"\0\0\0\x18ftypheic" + bytes(12),
    "null": bytes(4096),
    # Bombs.
    "png_huge": pictures.PNG + pictures.png_header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", HUGE_STREAM) + pictures.END,
    "jpeg_huge": jpeg(65_535, 65_535),
    "webp_huge": riff(pictures.canvas(0, 1 << 24, 1 << 24), pictures.lossless()),
    "gif_huge": gif(width=65_535, height=65_535),
    "gif_frame_huge": gif(pictures.gif_image(65_535, 65_535)),
    "gif_frames": gif(*[pictures.gif_image(1, 1)] * 50_000),
    "png_frames_announced": pictures.png_animated(2, announced=2**32 - 1),
    "jpeg_scans": jpeg(16_000, 2_000, code=0xC2, scans=pictures.SCAN * 1000),
    "jpeg_height_told_later": jpeg(100, 0, scans=pictures.SCAN + segment(0xDC, b"\xff\xff")),
    # Cut off, or with lengths that lie.
    "png_cut": png()[:50],
    "png_chunk_4_gib": pictures.PNG + pictures.png_header(4, 4) + b"\xff\xff\xff\xffIDAT" + bytes(100),
    "png_no_end": png()[:-12],
    "png_checksum": png()[:-20] + bytes(8) + png()[-12:],
    "png_no_data": pictures.PNG + pictures.png_header(4, 4) + pictures.END,
    "jpeg_segment_lies": b"\xff\xd8\xff\xe1\xff\xff" + MARKER,
    "jpeg_segment_0": b"\xff\xd8\xff\xe1\x00\x00" + MARKER,
    "jpeg_no_end": jpeg()[:-2],
    "jpeg_table_lies": jpeg(front=segment(0xC4, b"\0" + bytes([255] * 16) + MARKER)),
    "webp_4_gib": b"RIFF\xff\xff\xff\xffWEBP" + pictures.lossless(),
    "webp_chunk_lies": riff(b"VP8L\xff\xff\xff\x7f/" + bytes(9)),
    "webp_frame_outside": riff(pictures.canvas(2), pictures.frame(pictures.lossy(), left=1)),
    "webp_two_sizes": riff(pictures.canvas(0, 4, 3), pictures.lossless(16_000, 2_000)),
    "webp_nested": riff(pictures.canvas(2), pictures.frame(pictures.frame(pictures.frame(pictures.lossy())))),
    "gif_blocks_cut": gif()[:-4],
    "gif_no_image": gif(CONTROL),
    "gif_unknown_block": gif(b"\x99" + MARKER),
}
"""Each would be a script, take memory or time, or contradicts itself."""

HARMLESS = {
    "png_and_html": png(after=b"<html>" + MARKER),
    "png_and_zip": png(after=b"PK\x03\x04" + MARKER),
    "png_text_bomb": png(extra=[chunk(b"zTXt", b"a\0\0" + HUGE_STREAM)]),
    "png_profile_bomb": png(extra=[chunk(b"iCCP", MARKER + b"\0\0" + HUGE_STREAM)]),
    "png_repeated": png(extra=[chunk(b"gAMA", MARKER[at : at + 4]) for at in range(0, 20, 4)]),
    "png_in_png": png(extra=[chunk(b"prVt", png(after=MARKER))]),
    "jpeg_comment": jpeg(front=segment(0xFE, b"*/=1;" + MARKER + b"/*")),
    "jpeg_comments": jpeg(front=segment(0xFE, MARKER) * 1000),
    "jpeg_and_jpeg": jpeg(after=jpeg(front=segment(0xE1, b"Exif\0\0" + exif(3)))),
    "jpeg_thumbnail_in_thumbnail": jpeg(front=segment(0xE1, b"Exif\0\0" + exif(6) + jpeg(front=segment(0xFE, MARKER)))),
    "webp_and_html": pictures.webp() + MARKER,
    "webp_hidden": riff(pictures.lossless(), piece(b"prVt", MARKER)),
    "webp_exif_javascript": riff(
        pictures.canvas(0x0C), pictures.lossy(), piece(b"EXIF", MARKER), piece(b"XMP ", MARKER)
    ),
    "gif_comment": gif(b"\x21\xfe" + blocks(b"*/=1;" + MARKER), pictures.gif_image()),
    "gif_xmp": gif(b"\x21\xff\x0bXMP DataXMP" + blocks(MARKER), pictures.gif_image()),
    "gif_text": gif(b"\x21\x01" + blocks(MARKER), pictures.gif_image(), after=b"<html>" + MARKER),
}
"""Each shows as a picture; what is not part of the picture must be gone."""


def test_there_are_forty_files() -> None:
    assert len(REFUSED) + len(HARMLESS) >= 40


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_sound_picture_is_refused_with_a_sentence(name: str) -> None:
    for read in (look, strip):
        with pytest.raises(PictureError) as caught:
            read(REFUSED[name])
        assert str(caught.value)[0].isupper()
        assert str(caught.value).endswith(".")
        assert str(caught.value).isprintable(), "nothing of the file's own bytes reaches a terminal"


@pytest.mark.parametrize("name", HARMLESS)
def test_what_hides_in_a_picture_is_gone(name: str) -> None:
    stripped = strip(HARMLESS[name])
    assert look(stripped) == look(HARMLESS[name])
    for hidden in (b"script", b"html", b"PK\x03\x04", b"alert"):
        assert hidden not in stripped
    assert len(stripped) < 300


@pytest.mark.parametrize("name", [*REFUSED, *HARMLESS])
def test_no_file_takes_more_memory_than_some_copies_of_it(name: str) -> None:
    data = {**REFUSED, **HARMLESS}[name]
    tracemalloc.start()
    with suppress(PictureError):
        strip(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * len(data) + 3 * MIB, "a profile is unpacked up to 1 MiB"


WORST = {
    "png_empty_chunks": pictures.PNG + pictures.png_header(4, 3) + chunk(b"IDAT", b"") * (MIB // 12),
    "png_in_idat": png(extra=[chunk(b"IDAT", bytes(MIB))]),
    "jpeg_stuffed": jpeg(scans=pictures.SCAN + b"\xff\0" * (MIB // 2)),
    "jpeg_fill": jpeg(scans=pictures.SCAN + b"\xff" * MIB),
    "jpeg_fill_stuffed": jpeg(scans=pictures.SCAN + (b"\xff" * 1023 + b"\0") * 1024),
    "jpeg_fill_no_end": b"\xff\xd8" + b"\xff" * MIB,
    "jpeg_small_segments": jpeg(front=segment(0xFE, b"a") * (MIB // 5)),
    "webp_empty_chunks": riff(pictures.canvas(0), *[b"prVt\0\0\0\0"] * (MIB // 8), pictures.lossless()),
    "webp_empty_in_frame": riff(pictures.canvas(2), pictures.frame(*[b"prVt\0\0\0\0"] * (MIB // 8), pictures.lossy())),
    "gif_small_blocks": gif(b"\x21\xfe" + b"\x01a" * (MIB // 2) + b"\0", pictures.gif_image()),
    "gif_empty_comments": gif(*[b"\x21\xfe\0"] * (MIB // 3), pictures.gif_image()),
}


@pytest.mark.parametrize("name", WORST)
def test_a_mebibyte_of_the_worst_takes_no_more_than_a_moment(name: str) -> None:
    # A walk that looked at anything twice would take minutes: the bound leaves room for a slow machine.
    start = process_time()
    with suppress(PictureError):
        strip(WORST[name])
    assert process_time() - start < 3
