"""Pictures on their way into an entry: stripped, bounded, kept and named. Source: protocol/content.md, "Pictures"."""

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from .. import cbor
from ..errors import LocalError
from ..feed.content import clean_text
from ..feed.picture import SEAL_BYTES, PictureError, look, seal, strip
from ..keys import KEY_BYTES
from ..limits import ALT_MAX_CODE_POINTS, AVATAR_MAX_BYTES, PICTURE_MAX_BYTES, PICTURES_MAX
from ..store import media
from ..store.media import MediaFolder

PICTURE_FILE_MAX_BYTES = 32 << 20
"""What is read of a file that a person names: with its metadata it may have more than the picture in it."""


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture to be posted."""

    data: bytes  # of a file; what tells of its maker is stripped
    alt: str  # what it shows, in words, for who can't see it: at most 400 code points; empty: on purpose


@dataclass(frozen=True, slots=True)
class Stripped:
    """A picture that is ready to be kept and named by an entry."""

    data: bytes
    type: str  # as in image/png
    alt: str = ""  # cleaned


def strip_pictures(pictures: Sequence[NewPicture], *, sealed: bool = False) -> list[Stripped]:
    """Make files ready to be posted.

    Args:
        sealed: whether they will be encrypted, which makes them a little longer.
    Raises:
        LocalError: there are too many.
        PictureError: one is none, too large, or damaged: the sentence says which, and what to do.
        TextError: an alternative text is too long, or has characters that can't be sent.
    """
    if len(pictures) > PICTURES_MAX:
        raise LocalError(f"A message has at most {PICTURES_MAX} pictures, and these are {len(pictures)}.")
    ready = []
    for number, one in enumerate(pictures, 1):
        which = "The picture" if len(pictures) == 1 else f"Picture {number}"
        alt = clean_text(one.alt, ALT_MAX_CODE_POINTS, "alternative text") if one.alt else ""
        try:
            data = strip(one.data)
        except PictureError as error:
            raise PictureError(f"{which} can't be posted. {error}") from None
        ready.append(_bounded(data, PICTURE_MAX_BYTES - (SEAL_BYTES if sealed else 0), which, alt))
    return ready


def strip_avatar(data: bytes) -> Stripped:
    """Make a file ready to be the picture of a profile.

    Raises:
        PictureError: it can't be; the sentence says what to do.
    """
    return _bounded(strip(data), AVATAR_MAX_BYTES, "A profile's picture", "")


def _bounded(data: bytes, size_max: int, which: str, alt: str) -> Stripped:
    facts = look(data)
    if len(data) > size_max:
        raise PictureError(
            f"{which} has {len(data) / 1024:,.0f} KiB and {facts.width} × {facts.height} pixels, and at most "
            f"{size_max / 1024:,.0f} KiB can be sent: make it smaller, or save it as JPEG or WebP, and try again."
        )
    return Stripped(data, facts.type, alt)


def keep_pictures(
    connection: sqlite3.Connection,
    folder: MediaFolder,
    pictures: Sequence[Stripped],
    now_ms: int,
    *,
    sealed: bool = False,
) -> list[cbor.Value] | None:
    """Keep the pictures of a message that is about to be written; its `media`, or None without pictures.

    Args:
        connection: in the transaction that writes the message.
        sealed: encrypt each under a key of its own, which stands in its row.
    Raises:
        StoreError: one can't be kept.
    """
    rows: list[cbor.Value] = []
    for one in pictures:
        key = secrets.token_bytes(KEY_BYTES) if sealed else None
        data = one.data if key is None else seal(one.data, key)
        name = media.keep_own(connection, folder, data, now_ms)
        rows.append([name, one.type, len(data), one.alt, *([] if key is None else [key])])
    return rows or None


def keep_avatar(connection: sqlite3.Connection, folder: MediaFolder, picture: Stripped, now_ms: int) -> cbor.Value:
    """Keep the picture of a profile that is about to be written; its `avatar`."""
    return [media.keep_own(connection, folder, picture.data, now_ms), picture.type, len(picture.data)]
