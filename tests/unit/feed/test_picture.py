"""Pictures by their bytes, and stripped. Source: protocol/content.md, "Pictures"."""

import zlib

import pytest

from p2pmicro.feed.picture import TYPES, Facts, PictureError, look, strip
from p2pmicro.feed.picture.parts import orientation_of, orientation_tiff
from p2pmicro.limits import PICTURE_FRAMES_MAX, PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX
from tests import pictures
from tests.pictures import ANIMATED, CHATTY, MARKER, PLAIN, PROFILE, chunk, exif, png, segment


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_picture_is_what_it_is_and_stays_as_it_is(name: str) -> None:
    assert look(PLAIN[name]) == Facts(f"image/{name}", 4, 3, 1)
    assert look(PLAIN[name]).type in TYPES
    assert strip(PLAIN[name]) == PLAIN[name]


@pytest.mark.parametrize("name", CHATTY)
def test_what_tells_of_the_maker_is_gone(name: str) -> None:
    assert CHATTY[name].count(MARKER) > 2
    stripped = strip(CHATTY[name])
    assert b"script" not in stripped
    assert b"prVt" not in stripped
    assert b"http" not in stripped
    assert look(stripped) == look(CHATTY[name])
    assert strip(stripped) == stripped


@pytest.mark.parametrize("name", ANIMATED)
def test_animation_is_kept(name: str) -> None:
    assert look(ANIMATED[name]).frames == 2
    stripped = strip(ANIMATED[name])
    assert look(stripped).frames == 2
    assert MARKER not in stripped
    # The control of each frame, how often it runs, and the data of both frames.
    for kept in {"png": (b"acTL", b"fcTL", b"fdAT"), "webp": (b"ANIM", b"ANMF"), "gif": (b"NETSCAPE2.0",)}[name]:
        assert stripped.count(kept) == ANIMATED[name].count(kept)


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_colour_profile_is_kept(name: str) -> None:
    stripped = strip(CHATTY[name])
    assert (zlib.compress(PROFILE) if name == "png" else PROFILE) in stripped


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("order", ["MM", "II"])
def test_orientation_alone_is_kept_of_exif(orientation: int, order: str) -> None:
    real = orientation if 1 <= orientation <= 8 else 1
    assert orientation_of(exif(orientation, order)) == real
    stripped = strip(pictures.jpeg_chatty(orientation, order))
    assert (b"Exif\0\0" + orientation_tiff(real) in stripped) is (real != 1)
    assert stripped.count(b"Exif") == (real != 1)


def test_orientation_is_kept_in_every_format_that_has_one() -> None:
    for name in ("png", "webp"):
        assert orientation_tiff(6) in strip(CHATTY[name])
    assert strip(pictures.webp_chatty(1))[20] == 0x30, "the flags tell of no EXIF and no XMP any more"
    assert strip(pictures.webp_chatty(6))[20] == 0x38


@pytest.mark.parametrize(
    "tiff",
    [
        *(b"", b"MM\0*", b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff\0\x01", b"MM\0*\0\0\0\0" * 9, b"XX" * 40),
        exif(6)[:20],
        exif(6).replace(b"\x01\x12\0\x03\0\0\0\x01", b"\x01\x12\0\x04\0\0\0\x01"),
        exif(6).replace(b"\x01\x12\0\x03\0\0\0\x01", b"\x01\x12\0\x03\0\0\0\x02"),
    ],
)
def test_exif_that_can_not_be_read_means_upright(tiff: bytes) -> None:
    assert orientation_of(tiff) == 1


def test_a_profile_that_is_none_or_unpacks_without_end_is_left_out() -> None:
    for packed in (zlib.compress(bytes(1 << 26)), zlib.compress(b"no profile" * 20), b"no stream", b""):
        assert strip(png(extra=[chunk(b"iCCP", b"name\0\0" + packed)])) == png()
    for body in (b"\x01\x01" + MARKER, b"\x00\x00" + PROFILE, b"\x01\x02" + PROFILE):
        assert strip(pictures.jpeg(front=segment(0xE2, b"ICC_PROFILE\0" + body))) == pictures.jpeg(front=b"")


# --- Caps ---


@pytest.mark.parametrize(
    ("width", "height", "good"),
    [
        (1, 1, True),
        (PICTURE_SIDE_MAX, 1, True),
        (PICTURE_SIDE_MAX + 1, 1, False),
        (1, PICTURE_SIDE_MAX + 1, False),
        (8000, PICTURE_PIXELS_MAX // 8000, True),
        (8000, PICTURE_PIXELS_MAX // 8000 + 1, False),
        (0, 1, False),
        (1, 0, False),
    ],
)
def test_sides_and_pixels_have_caps(width: int, height: int, good: bool) -> None:
    made = {
        "png": b"".join((pictures.PNG, pictures.png_header(width, height), chunk(b"IDAT", b"data"), pictures.END)),
        "jpeg": pictures.jpeg(width, height),
        "gif": pictures.gif(width=width, height=height),
    }
    if width and height:
        made["webp"] = pictures.riff(pictures.canvas(0, width, height), pictures.lossless(width, height))
    for name, data in made.items():
        if good:
            assert look(data) == Facts(f"image/{name}", width, height, 1)
        else:
            with pytest.raises(PictureError):
                look(data)


def test_frames_have_caps() -> None:
    at_most = PICTURE_FRAMES_MAX
    image = pictures.gif_image(1, 1)
    assert look(pictures.gif(*[image] * at_most)).frames == at_most
    assert look(pictures.png_animated(at_most)).frames == at_most
    assert look(pictures.webp_animated(at_most)).frames == at_most
    wide = pictures.gif_image(8000, 5000)
    assert look(pictures.gif(*[wide] * 10)).frames == 10
    too_long = (
        pictures.gif(*[image] * (at_most + 1)),
        pictures.png_animated(at_most + 1),
        pictures.webp_animated(at_most + 1),
        pictures.gif(*[wide] * 11),
    )
    for data in too_long:
        with pytest.raises(PictureError, match="too long"):
            look(data)


def test_an_error_says_what_to_do() -> None:
    for data, words in (
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"  <!DOCTYPE html>", "web page"),
        (b"\0\0\0\x20ftypheic", "HEIC"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"hello", "PNG, JPEG, WebP and GIF"),
        (b"", "PNG, JPEG, WebP and GIF"),
        (png()[:-1], "cut off"),
        (png(20_000, 1), "20000 × 1 pixels"),
        (pictures.jpeg(code=0xC3), "ordinary"),
    ):
        with pytest.raises(PictureError, match=words) as caught:
            look(data)
        assert caught.value.code == "local.picture"
        assert str(caught.value).endswith(".")
