"""What payloads say: kinds, their fields, and the rule of 140. Source: protocol/content.md.

A payload is CBOR `[time_ms, kind, content]`. Content never refuses an entry: what does not fit here stays in its feed,
travels on, and is shown to nobody.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .. import cbor
from ..errors import ContentError, EncodingError, LocalError, SizeError
from ..ids import AccountId, EntryId, FeedId, Ref
from ..limits import PAYLOAD_MAX_BYTES, TEXT_MAX_CODE_POINTS
from .fields import Content
from .hidden import hidden_in_name
from .kinds import PUBLIC, SEALED, Schema

__all__ = ["KINDS", "NEVER_ERASED", "Content", "Entry", "TextError"]

KINDS = frozenset(PUBLIC)
"""The kinds that this version reads."""
NEVER_ERASED = frozenset(("device", "revoke", "delete", "keys"))
"""Kinds on which a `delete` is void: what others need to judge the rest."""


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


def read_opened(time_ms: int, plain: bytes) -> Entry:
    """Read what was inside of a sealed entry: CBOR `[kind, content]`; the time is the entry's own.

    Raises:
        EncodingError: not our CBOR profile.
        ContentError: another shape, or a kind or field as `read`.
    Source: protocol/content.md, "Sealing".
    """
    value = cbor.decode(plain)
    if type(value) is not list or len(value) != 2:
        raise ContentError("What is sealed is [kind, content].")
    return _checked([time_ms, *value], SEALED)


def _checked(value: cbor.Value, kinds: Mapping[str, Schema] = PUBLIC) -> Entry:
    if type(value) is not list or len(value) != 3:
        raise ContentError("A payload is [time_ms, kind, content].")
    time_ms, kind, content = value
    if type(time_ms) is not int or type(kind) is not str or type(content) is not dict:
        raise ContentError("A payload is an integer, a text and a map.")
    check = kinds.get(kind)
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


def clean_name(text: str, count_max: int, what: str = "name") -> str:
    """Bring a name to the form that is signed or kept: as `clean_text`, on one line, and with nothing hidden.

    Raises:
        TextError: as `clean_text`, or it has a newline or a character that is not seen.
    Source: protocol/content.md, "Text".
    """
    clean = " ".join(clean_text(text, count_max, what).split())
    hidden = hidden_in_name(clean)
    if hidden is not None:
        raise TextError(f"The {what} has a character that nobody sees (U+{ord(hidden):04X}): leave it out.")
    return clean


def post(text: str, **fields: Any) -> Content:
    """The content of a message; `text` as `clean_text` gives it, other fields as CBOR values, None where absent."""
    return {"text": text} | {name: value for name, value in fields.items() if value is not None}


def ref_value(ref: Ref) -> cbor.Value:
    """A ref as a field has it."""
    return [ref.feed, ref.seq, ref.id]


def reply(root: Ref, parent: Ref) -> Content:
    """The `reply` field of an answer to `parent` in the thread that `root` began."""
    return {"root": ref_value(root), "parent": ref_value(parent)}


def reaction(ref: Ref, rev: int, on: bool) -> Content:
    """The content of a `like` or a `repost`, or of taking one back."""
    return {"ref": ref_value(ref), "rev": rev, "on": on}


def profile(
    rev: int,
    name: str,
    bio: str | None = None,
    link: str | None = None,
    avatar: cbor.Value = None,
    pins: Sequence[Ref] = (),
) -> Content:
    """The content of a profile: the whole of it, as the next one replaces it.

    Args:
        avatar: [hash, type, bytes].
        pins: the messages at the top of the person's page.
    """
    content: Content = {"name": name, "rev": rev}
    if avatar is not None:
        content["avatar"] = avatar
    if bio is not None:
        content["bio"] = bio
    if link is not None:
        content["link"] = link
    if pins:
        content["pin"] = [ref_value(ref) for ref in pins]
    return content


def follow(account: AccountId, rev: int, on: bool) -> Content:
    """The content of a follow (on) or an unfollow (off)."""
    return {"account": account, "on": on, "rev": rev}


def follows(part: int, parts: int, items: Sequence[tuple[AccountId, int, bool]]) -> Content:
    """The content of one part (from 0) of a snapshot of all follows: account, rev and state of each."""
    return {"part": part, "parts": parts, "list": [[account, rev, on] for account, rev, on in items]}


def delete(ref: Ref) -> Content:
    """The content of a wish that an entry's payload be erased everywhere."""
    return {"ref": ref_value(ref)}
