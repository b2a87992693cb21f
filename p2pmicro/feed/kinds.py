"""The kinds of entries and their schemas: each takes a content and raises ContentError, or KeyError for a field that
is absent. Source: protocol/content.md, "Payloads" and "Sealing"."""

from collections.abc import Callable, Mapping

from ..errors import ContentError
from ..keys import KEY_BYTES, SIGNATURE_BYTES
from ..limits import (
    ALT_MAX_CODE_POINTS,
    AVATAR_MAX_BYTES,
    BIO_MAX_CODE_POINTS,
    FOLLOWS_PART_MAX,
    FOLLOWS_PARTS_MAX,
    LANG_MAX_CODE_POINTS,
    LINK_MAX_CODE_POINTS,
    MEDIA_TYPE_MAX_CODE_POINTS,
    MENTIONS_MAX,
    NAME_MAX_CODE_POINTS,
    PICTURE_MAX_BYTES,
    PICTURES_MAX,
    PINS_MAX,
    RECIPIENTS_NAMED_MAX,
    REPLACES_MAX,
    REV_MAX,
    SEALED_BODY_BYTES,
    SEALED_SLOT_BYTES,
    SEALED_SLOTS,
    SEALED_TAG_BYTES,
    SEQ_MAX,
    STATE_ITEM_MAX_BYTES,
    STATE_ITEMS_MAX,
    STATE_NAME_MAX_CODE_POINTS,
    TEXT_MAX_CODE_POINTS,
)
from .fields import (
    HASH_BYTES,
    Content,
    check_account,
    check_boolean,
    check_box_key,
    check_bytes,
    check_integer,
    check_list,
    check_ref,
    check_rev,
    check_rows,
    check_text,
)

SALT_BYTES = 16
CIRCLE_BYTES = 16
AEAD_TAG_BYTES = 16


def _device(content: Content) -> None:
    check_account(content["feed"])
    check_account(content["account"])
    check_box_key(content["device"])
    check_box_key(content["box"])
    check_integer(content["gen"], 0, 2**32 - 1)
    check_bytes(content["sig"], SIGNATURE_BYTES)


def _revoke(content: Content) -> None:
    check_account(content["feed"])
    check_integer(content["seq"], 1, SEQ_MAX)
    check_bytes(content["id"], HASH_BYTES)
    check_bytes(content["sig"], SIGNATURE_BYTES)


def _post(content: Content) -> None:
    if _post_text(content) and "media" in content:
        for row in check_rows(content["media"], 4, PICTURES_MAX):
            _picture(*row[:3], size_max=PICTURE_MAX_BYTES)
            check_text(row[3], 0, ALT_MAX_CODE_POINTS)


def _post_text(content: Content) -> bool:
    """What a public and a sealed message have in common; whether there is more than a text."""
    text = content["text"]
    if type(text) is not str or len(text) > TEXT_MAX_CODE_POINTS:
        raise ContentError(f"A message is a text of at most {TEXT_MAX_CODE_POINTS} code points.")
    if len(content) == 1:  # most messages
        return False
    if "reply" in content:
        reply = content["reply"]
        if type(reply) is not dict:
            raise ContentError("A reply is a map of root and parent.")
        check_ref(reply["root"])
        check_ref(reply["parent"])
    if "quote" in content:
        check_ref(content["quote"])
    if "replaces" in content:
        for ref in check_list(content["replaces"], 1, REPLACES_MAX):
            check_ref(ref)
    if "mentions" in content:
        _mentions(content["mentions"], len(text))
    if "lang" in content:
        check_text(content["lang"], 1, LANG_MAX_CODE_POINTS)
    return True


def _mentions(value: object, text_length: int) -> None:
    end = 0
    for start, length, account in check_rows(value, 3, MENTIONS_MAX):
        # In order and apart, so that a reader can mark them up in one pass.
        check_integer(start, end, text_length)
        check_integer(length, 1, text_length - start)
        end = start + length
        check_account(account)


def _picture(name: object, kind: object, size: object, *, size_max: int) -> None:
    check_bytes(name, HASH_BYTES)
    check_text(kind, 1, MEDIA_TYPE_MAX_CODE_POINTS)
    check_integer(size, 1, size_max)


def _reaction(content: Content) -> None:
    """A like or a repost."""
    check_ref(content["ref"])
    check_boolean(content["on"])
    check_rev(content)


def _profile(content: Content) -> None:
    check_rev(content)
    check_text(content["name"], 0, NAME_MAX_CODE_POINTS)
    if "bio" in content:
        check_text(content["bio"], 0, BIO_MAX_CODE_POINTS)
    if "link" in content:
        link = check_text(content["link"], 0, LINK_MAX_CODE_POINTS)
        if not link.startswith(("https://", "http://")):
            raise ContentError("A profile's link begins with https:// or http://.")
    if "avatar" in content:
        _picture(*check_list(content["avatar"], 3, 3), size_max=AVATAR_MAX_BYTES)
    if "pin" in content:
        for ref in check_list(content["pin"], 1, PINS_MAX):
            check_ref(ref)


def _follow(content: Content) -> None:
    check_rev(content)
    check_account(content["account"])
    check_boolean(content["on"])


def _follows(content: Content) -> None:
    check_integer(content["parts"], 1, FOLLOWS_PARTS_MAX)
    check_integer(content["part"], 0, content["parts"] - 1)
    for account, rev, on in check_rows(content["list"], 3, FOLLOWS_PART_MAX):
        check_account(account)
        check_integer(rev, 1, REV_MAX)
        check_boolean(on)


def _delete(content: Content) -> None:
    check_ref(content["ref"])


def _sealed(content: Content) -> None:
    check_bytes(content["salt"], SALT_BYTES)
    check_bytes(content["commit"], HASH_BYTES)
    slots = check_list(content["slots"], SEALED_SLOTS[0], SEALED_SLOTS[-1])
    if len(slots) not in SEALED_SLOTS:
        raise ContentError(f"A sealed entry has {SEALED_SLOTS} slots.")
    for slot in slots:
        check_bytes(slot, SEALED_SLOT_BYTES)
    body = content["body"]
    if type(body) is not bytes or len(body) - AEAD_TAG_BYTES not in SEALED_BODY_BYTES:
        raise ContentError(f"A sealed entry's body has {SEALED_BODY_BYTES} bytes and 16 of its tag.")


Schema = Callable[[Content], None]
PUBLIC: Mapping[str, Schema] = {
    "delete": _delete,
    "device": _device,
    "follow": _follow,
    "follows": _follows,
    "like": _reaction,
    "post": _post,
    "profile": _profile,
    "repost": _reaction,
    "revoke": _revoke,
    "sealed": _sealed,
}
"""The kinds of payloads that this version reads."""


# --- What is inside of a sealed entry ---


def _sealed_post(content: Content) -> None:
    _post_text(content)
    if "media" in content:
        for row in check_rows(content["media"], 5, PICTURES_MAX):  # with the key under which each is encrypted
            _picture(*row[:3], size_max=PICTURE_MAX_BYTES)
            check_text(row[3], 0, ALT_MAX_CODE_POINTS)
            check_bytes(row[4], KEY_BYTES)
    if "key" in content:
        check_bytes(content["key"], KEY_BYTES)
    if "to" in content:
        for account in check_list(content["to"], 1, RECIPIENTS_NAMED_MAX):
            check_account(account)
    if "circle" in content:
        check_bytes(content["circle"], CIRCLE_BYTES)


def _circle_key(content: Content) -> None:
    check_bytes(content["circle"], CIRCLE_BYTES)
    check_integer(content["gen"], 0, 2**32 - 1)
    check_bytes(content["key"], KEY_BYTES)


def _state(content: Content) -> None:
    for name, item, rev, _value in check_rows(content["items"], 4, STATE_ITEMS_MAX):
        check_text(name, 1, STATE_NAME_MAX_CODE_POINTS)
        if type(item) is not bytes or len(item) > STATE_ITEM_MAX_BYTES:
            raise ContentError(f"What a state is of has at most {STATE_ITEM_MAX_BYTES} bytes.")
        check_integer(rev, 1, REV_MAX)


SEALED: Mapping[str, Schema] = {
    "circle-key": _circle_key,
    "like": _reaction,
    "post": _sealed_post,
    "state": _state,
}
"""The kinds that a sealed entry may hold."""
assert SEALED_SLOT_BYTES == SEALED_TAG_BYTES + 32 + 16 + AEAD_TAG_BYTES
