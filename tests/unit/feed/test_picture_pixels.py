"""Stripping changes no pixel: Pillow, where it is installed, reads the same before and after."""

import io
import math
from typing import Any

import pytest

from p2pmicro.feed.picture import look, strip
from tests.pictures import MARKER, exif

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
ImageCms = pytest.importorskip("PIL.ImageCms", reason="Pillow has no colour profiles here")


def drawn(mode: str, seed: int = 0) -> Any:
    """A picture with waves in every channel."""
    made = Image.new("RGBA", (67, 43))
    for x in range(67):
        for y in range(43):
            waves = [int(127 + 127 * math.sin((x * (n + 1) + y * y + 9 * seed) / 17)) for n in range(4)]
            made.putpixel((x, y), tuple(waves))
    return made.convert(mode)


def saved(picture: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def frames_of(data: bytes) -> list[tuple[Any, ...]]:
    """Everything that a reader shows: pixels, durations, how often, orientation, profile."""
    found = []
    with Image.open(io.BytesIO(data)) as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            told = (picture.info.get("duration"), picture.info.get("loop"), picture.info.get("icc_profile"))
            found.append((picture.convert("RGBA").tobytes(), told, picture.getexif().get(0x0112, 1)))
    return found


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TOLD = {"icc_profile": PROFILE, "exif": b"Exif\0\0" + exif(6), "comment": MARKER}
FILES = {
    **{
        f"png_{mode}": saved(drawn("RGBA").convert(mode), "PNG", **TOLD)
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA")
    },
    "png_16": saved(drawn("L").convert("I;16"), "PNG"),
    "png_animated": saved(
        drawn("RGBA"), "PNG", save_all=True, append_images=[drawn("RGBA", 5)], duration=[100, 200], loop=3, **TOLD
    ),
    **{f"jpeg_{mode}": saved(drawn(mode), "JPEG", **TOLD) for mode in ("L", "RGB", "CMYK")},
    "jpeg_progressive": saved(drawn("RGB"), "JPEG", progressive=True, **TOLD),
    "jpeg_restarts": saved(drawn("RGB"), "JPEG", restart_marker_blocks=2, quality=100, **TOLD),
    "webp_lossy": saved(drawn("RGB"), "WEBP", xmp=MARKER, **TOLD),
    "webp_alpha": saved(drawn("RGBA"), "WEBP", xmp=MARKER, **TOLD),
    "webp_lossless": saved(drawn("RGBA"), "WEBP", lossless=True),
    "webp_animated": saved(
        drawn("RGBA"), "WEBP", save_all=True, append_images=[drawn("RGBA", 5)], duration=[100, 200], loop=3, **TOLD
    ),
    "gif": saved(drawn("P"), "GIF", comment=MARKER),
    "gif_animated": saved(
        drawn("P"), "GIF", save_all=True, append_images=[drawn("P", 5)], duration=[100, 200], loop=3, comment=MARKER
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_no_pixel_changes(name: str) -> None:
    data = FILES[name]
    stripped = strip(data)
    assert MARKER not in stripped
    assert look(stripped) == look(data)
    assert (look(data).width, look(data).height) == (67, 43)
    shown, shown_before = frames_of(stripped), frames_of(data)
    assert shown == shown_before
    assert look(data).frames == len(shown)


def test_the_files_have_what_is_to_go_and_what_is_to_stay() -> None:
    assert sum(MARKER in data for data in FILES.values()) >= 12
    assert sum(frames_of(data)[0][2] == 6 for data in FILES.values()) >= 12
    assert sum(frames_of(data)[0][1][2] == PROFILE for data in FILES.values()) >= 8
