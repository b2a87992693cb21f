"""Pictures by their bytes: what one is, how large, and the same without what its maker did not mean to tell.

Nothing is decoded: a walk over the parts of the file says all that is asked here, in time that grows with its length.
Source: protocol/content.md, "Pictures".
"""

from . import gif, jpeg, png, webp
from .parts import Facts, PictureError
from .sealed import SEAL_BYTES, seal, unseal

__all__ = ["SEAL_BYTES", "TYPES", "Facts", "PictureError", "look", "seal", "strip", "unseal"]

_READERS = {b"\x89PNG": png.read, b"\xff\xd8\xff": jpeg.read, b"RIFF": webp.read, b"GIF8": gif.read}
TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""What can be posted and is shown."""
_OTHERS = (
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML file"),
    (0, b"<", "a web page"),
    (4, b"ftyp", "a HEIC, AVIF or video file"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (0, b"%PDF", "a PDF document"),
)


def look(data: bytes) -> Facts:
    """Say what a picture is.

    Raises:
        PictureError: no PNG, JPEG, WebP or GIF, a damaged one, or one with more pixels or frames than are shown.
    """
    return _read(data)[0]


def strip(data: bytes) -> bytes:
    """The same picture without what tells of its maker: places, cameras, comments, thumbnails, edits, what comes after.

    Image data are not touched, so no pixel changes; which side is up, the colour profile and animation are kept.

    Raises:
        PictureError: as `look`.
    """
    return _read(data)[1]


def _read(data: bytes) -> tuple[Facts, bytes]:
    for magic, read in _READERS.items():
        if data.startswith(magic):
            return read(data)
    start = data[:64].lstrip()
    for at, magic, name in _OTHERS:
        if start[at:].lower().startswith(magic.lower()):
            raise PictureError(f"This is {name}, and pictures are PNG, JPEG, WebP or GIF: convert it to one of these.")
    raise PictureError("This is no picture that can be shown: PNG, JPEG, WebP and GIF can.")
