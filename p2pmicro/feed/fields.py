"""Checks of what stands in a payload's fields; each raises ContentError. Source: protocol/content.md, "Payloads"."""

from typing import Any, TypeAlias

from .. import keys
from ..errors import BadKeyError, ContentError
from ..limits import REV_MAX, SEQ_MAX

HASH_BYTES = 32
Content: TypeAlias = dict[str, Any]
"""A map of fields; Any, since what a field holds is known by its kind's schema alone."""


def check_rev(content: Content) -> None:
    """A rev from 1 to 2^53."""
    check_integer(content["rev"], 1, REV_MAX)


def check_integer(value: object, low: int, high: int) -> None:
    """An integer within bounds, and not a boolean."""
    if type(value) is not int or not low <= value <= high:
        raise ContentError(f"An integer from {low} to {high} is wanted.")


def check_boolean(value: object) -> None:
    """True or false."""
    if type(value) is not bool:
        raise ContentError("True or false is wanted.")


def check_bytes(value: object, length: int) -> bytes:
    """A byte string of one length."""
    if type(value) is not bytes or len(value) != length:
        raise ContentError(f"A byte string of {length} bytes is wanted.")
    return value


def check_text(value: object, low: int, high: int) -> str:
    """A text, its length in code points."""
    if type(value) is not str or not low <= len(value) <= high:
        raise ContentError(f"A text of {low} to {high} code points is wanted.")
    return value


def check_account(value: object) -> None:
    """An Ed25519 key that is not refused: an account or a feed."""
    try:
        keys.check_public_key(check_bytes(value, keys.KEY_BYTES))
    except BadKeyError as error:
        raise ContentError(str(error)) from None


def check_box_key(value: object) -> None:
    """An X25519 key that is not refused."""
    try:
        keys.check_box_key(check_bytes(value, keys.KEY_BYTES))
    except BadKeyError as error:
        raise ContentError(str(error)) from None


def check_ref(value: object) -> None:
    """A ref: feed, seq, id."""
    if type(value) is not list or len(value) != 3:
        raise ContentError("A ref is [feed, seq, id].")
    check_account(value[0])
    check_integer(value[1], 1, SEQ_MAX)
    check_bytes(value[2], HASH_BYTES)


def check_list(value: object, low: int, high: int) -> list[Any]:
    """A list of so many items."""
    if type(value) is not list or not low <= len(value) <= high:
        raise ContentError(f"A list of {low} to {high} is wanted.")
    return value


def check_rows(value: object, width: int, count_max: int) -> list[list[Any]]:
    """A list of lists of one width."""
    rows = check_list(value, 0, count_max)
    for row in rows:
        if type(row) is not list or len(row) != width:
            raise ContentError(f"A list of lists of {width} is wanted.")
    return rows
