"""What payloads say: kinds, their fields, and the rule of 140. Source: protocol/content.md.

A payload is CBOR `[time_ms, kind, content]`. Content never refuses an entry: what does not fit here stays in its feed,
travels on, and is shown to nobody.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from .. import cbor
from ..errors import BadKeyError, ContentError, EncodingError, LocalError, SizeError
from ..ids import AccountId, EntryId, FeedId, Ref
from ..keys import KEY_BYTES, SIGNATURE_BYTES, check_box_key, check_public_key
from ..limits import (
    BIO_MAX_CODE_POINTS,
    FOLLOWS_PART_MAX,
    FOLLOWS_PARTS_MAX,
    LANG_MAX_CODE_POINTS,
    LINK_MAX_CODE_POINTS,
    MENTIONS_MAX,
    NAME_MAX_CODE_POINTS,
    PAYLOAD_MAX_BYTES,
    REV_MAX,
    SEQ_MAX,
    TEXT_MAX_CODE_POINTS,
)

Content: TypeAlias = dict[str, Any]
"""A map of fields; Any, since what a field holds is known by its kind's schema alone."""


class TextError(LocalError):
    """A text that can't be sent as it is; the sentence says what to change."""

    code = "local.text"


class Entry(NamedTuple):
    """A payload read: a named tuple, since a first sync makes a hundred thousand of them."""

    time_ms: int  # the author's claim, Unix milliseconds
    kind: str
    content: Content


_new_entry = tuple.__new__  # what `Entry(...)` calls, in half of its time


# --- Reading ---


def read(payload: bytes) -> Entry:
    """Read one payload.

    Raises:
        EncodingError: not our CBOR profile.
        ContentError: not `[time_ms, kind, content]`, a kind or critical field that this version does not know, or a
            field that its schema forbids.
    Source: protocol/content.md, "Payloads".
    """
    return _checked(cbor.decode(payload))


def read_many(payloads: Sequence[bytes]) -> "list[Entry | EncodingError | ContentError]":
    """Read up to 65,535 payloads, about twice as fast as one by one; a bad one stands as its error."""
    read_ones: list[Entry | EncodingError | ContentError] = []
    add = read_ones.append
    for value in cbor.decode_many(payloads):
        if isinstance(value, EncodingError):
            add(value)
            continue
        try:
            add(_checked(value))
        except ContentError as error:
            add(error)
    return read_ones


def _checked(value: cbor.Value) -> Entry:
    if type(value) is not list or len(value) != 3:
        raise ContentError("A payload is [time_ms, kind, content].")
    time_ms, kind, content = value
    if type(time_ms) is not int or type(kind) is not str or type(content) is not dict:
        raise ContentError("A payload is an integer, a text and a map.")
    check = _KINDS.get(kind)
    if check is None:
        raise ContentError(f"A kind that this version does not know: {kind[:40]!r}.")
    for key in content:
        if key[:1] == "!":
            raise ContentError(f"A critical field that this version does not know: {key[:40]!r}.")
    try:
        check(content)
    except KeyError as error:
        raise ContentError(f"A {kind} lacks the field {error.args[0]!r}.") from None
    return _new_entry(Entry, value)


def ref_of(value: Any) -> Ref:
    """The ref in a field that its schema has passed."""
    feed, seq, entry_id = value
    return Ref(FeedId(feed), seq, EntryId(entry_id))


# --- Writing ---


def write(time_ms: int, kind: str, content: Content) -> bytes:
    """Make a payload, checked by the same schema as others' are.

    Raises:
        ContentError: a field is wrong: a bug, since people's input is checked before.
        EncodingError: a lone surrogate.
        SizeError: over 8,192 bytes.
    """
    payload = cbor.encode([time_ms, kind, content])
    if len(payload) > PAYLOAD_MAX_BYTES:
        raise SizeError(f"A payload has at most {PAYLOAD_MAX_BYTES} bytes, and this one has {len(payload)}.")
    read(payload)
    return payload


def clean_text(text: str, count_max: int = TEXT_MAX_CODE_POINTS, what: str = "message") -> str:
    """Bring a person's text to the form that is signed: NFC, newlines as \\n, no other control character.

    Raises:
        TextError: empty, too long (with the count), a control character, or half of a surrogate pair.
    Source: protocol/content.md, "Text".
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    if not text.strip():
        raise TextError(f"The {what} is empty: write at least one visible character.")
    if len(text) > count_max:
        raise TextError(
            f"The {what} has {len(text)} characters (code points), {len(text) - count_max} more than {count_max}: "
            "shorten it."
        )
    for place, letter in enumerate(text, 1):
        category = unicodedata.category(letter)
        if category == "Cc" and letter != "\n":
            raise TextError(f"The {what} has a control character (U+{ord(letter):04X}) at {place}: remove it.")
        if category == "Cs":
            raise TextError(f"The {what} has half of a character (a lone surrogate) at {place}: remove it.")
    return text


def post(text: str) -> Content:
    """The content of a message; `text` as `clean_text` gives it."""
    return {"text": text}


def profile(rev: int, name: str, bio: str | None = None, link: str | None = None) -> Content:
    """The content of a profile: the whole of it, as the next one replaces it."""
    content: Content = {"name": name, "rev": rev}
    if bio is not None:
        content["bio"] = bio
    if link is not None:
        content["link"] = link
    return content


def follow(account: AccountId, rev: int, on: bool) -> Content:
    """The content of a follow (on) or an unfollow (off)."""
    return {"account": account, "on": on, "rev": rev}


def follows(part: int, parts: int, items: Sequence[tuple[AccountId, int, bool]]) -> Content:
    """The content of one part (from 0) of a snapshot of all follows: account, rev and state of each."""
    return {"part": part, "parts": parts, "list": [[account, rev, on] for account, rev, on in items]}


def delete(ref: Ref) -> Content:
    """The content of a wish that an entry's payload be erased everywhere."""
    return {"ref": [ref.feed, ref.seq, ref.id]}


# --- Schemas: each takes a content and raises ContentError, or KeyError for a field that is absent ---


def _device(content: Content) -> None:
    _public_key(content["feed"])
    _public_key(content["account"])
    for field in ("device", "box"):
        try:
            check_box_key(_bytes(content[field], KEY_BYTES))
        except BadKeyError as error:
            raise ContentError(str(error)) from None
    _integer(content["gen"], 0, 2**32 - 1)
    _bytes(content["sig"], SIGNATURE_BYTES)


def _revoke(content: Content) -> None:
    _public_key(content["feed"])
    _integer(content["seq"], 1, SEQ_MAX)
    _bytes(content["id"], 32)
    _bytes(content["sig"], SIGNATURE_BYTES)


def _post(content: Content) -> None:
    text = content["text"]
    if type(text) is not str or len(text) > TEXT_MAX_CODE_POINTS:
        raise ContentError(f"A message is a text of at most {TEXT_MAX_CODE_POINTS} code points.")
    if len(content) == 1:  # most messages
        return
    if "reply" in content:
        reply = content["reply"]
        if type(reply) is not dict:
            raise ContentError("A reply is a map of root and parent.")
        _ref(reply["root"])
        _ref(reply["parent"])
    if "quote" in content:
        _ref(content["quote"])
    if "mentions" in content:
        _mentions(content["mentions"], len(text))
    if "lang" in content:
        _text(content["lang"], 1, LANG_MAX_CODE_POINTS)


def _mentions(value: object, text_length: int) -> None:
    end = 0
    for start, length, account in _rows(value, 3, MENTIONS_MAX):
        # In order and apart, so that a reader can mark them up in one pass.
        _integer(start, end, text_length)
        _integer(length, 1, text_length - start)
        end = start + length
        _public_key(account)


def _profile(content: Content) -> None:
    _rev(content)
    _text(content["name"], 0, NAME_MAX_CODE_POINTS)
    if "bio" in content:
        _text(content["bio"], 0, BIO_MAX_CODE_POINTS)
    if "link" in content:
        link = _text(content["link"], 0, LINK_MAX_CODE_POINTS)
        if not link.startswith(("https://", "http://")):
            raise ContentError("A profile's link begins with https:// or http://.")


def _follow(content: Content) -> None:
    _rev(content)
    _public_key(content["account"])
    _boolean(content["on"])


def _follows(content: Content) -> None:
    _integer(content["parts"], 1, FOLLOWS_PARTS_MAX)
    _integer(content["part"], 0, content["parts"] - 1)
    for account, rev, on in _rows(content["list"], 3, FOLLOWS_PART_MAX):
        _public_key(account)
        _integer(rev, 1, REV_MAX)
        _boolean(on)


def _delete(content: Content) -> None:
    _ref(content["ref"])


_KINDS: Mapping[str, Callable[[Content], None]] = {
    "delete": _delete,
    "device": _device,
    "follow": _follow,
    "follows": _follows,
    "post": _post,
    "profile": _profile,
    "revoke": _revoke,
}
KINDS = frozenset(_KINDS)
"""The kinds that this version reads."""
NEVER_ERASED = frozenset(("device", "revoke", "delete", "keys"))
"""Kinds on which a `delete` is void: what others need to judge the rest."""


# --- Fields ---


def _rev(content: Content) -> None:
    _integer(content["rev"], 1, REV_MAX)


def _integer(value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ContentError(f"An integer from {low} to {high} is wanted.")


def _boolean(value: object) -> None:
    if type(value) is not bool:
        raise ContentError("True or false is wanted.")


def _bytes(value: object, length: int) -> bytes:
    if type(value) is not bytes or len(value) != length:
        raise ContentError(f"A byte string of {length} bytes is wanted.")
    return value


def _text(value: object, low: int, high: int) -> str:
    if type(value) is not str or not low <= len(value) <= high:
        raise ContentError(f"A text of {low} to {high} code points is wanted.")
    return value


def _public_key(value: object) -> None:
    key = _bytes(value, KEY_BYTES)
    try:
        check_public_key(key)
    except BadKeyError as error:
        raise ContentError(str(error)) from None


def _ref(value: object) -> None:
    if type(value) is not list or len(value) != 3:
        raise ContentError("A ref is [feed, seq, id].")
    _public_key(value[0])
    _integer(value[1], 1, SEQ_MAX)
    _bytes(value[2], 32)


def _rows(value: object, width: int, count_max: int) -> list[list[Any]]:
    if type(value) is not list or len(value) > count_max:
        raise ContentError(f"A list of at most {count_max} is wanted.")
    for row in value:
        if type(row) is not list or len(row) != width:
            raise ContentError(f"A list of lists of {width} is wanted.")
    return value
