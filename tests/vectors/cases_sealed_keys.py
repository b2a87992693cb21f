"""Vectors of sealed entries with more than one content key: which of them counts, and bodies that open under two."""

from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from p2pmicro import cbor

from .cases_sealed import BOX_A, BOX_B, OTHER_KEY, REPLY_KEY, Made, found_inside, plain_of, sealed_vector
from .collision import stream, two_keys_one_body
from .form import Vector
from .parties import secret

_TEXT: dict[str, Any] = {"text": "Yes"}
_PLAIN = plain_of("post", _TEXT)
_OTHER = secret("second content key")[:16]
_FREE_AT = 64  # within the byte string of the messages below


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _which_counts()
    yield from _two_keys()


def _which_counts() -> Iterator[Vector]:
    rule = "sealed-order"
    key = Made(_PLAIN).content_key

    def made(*readers: bytes, other: int | None = None, tagged: tuple[bytes, ...] = ()) -> Made:
        keys = tuple(_OTHER if number == other else key for number in range(len(readers) + len(tagged)))
        return Made(_PLAIN, boxes=readers, tagged=tagged, slot_keys=keys)

    one = made(BOX_B, BOX_B, other=0)
    yield sealed_vector("box_twice", rule, "Two slots to one reader: the first counts, and nothing is under it.", one)
    one = made(BOX_B, BOX_B, other=1)
    found = found_inside("post", _TEXT)
    yield sealed_vector("box_twice_other_second", rule, "The other way round.", one, expected=found)
    one = made(BOX_B, other=0, tagged=(REPLY_KEY,))
    found = found_inside("post", _TEXT, REPLY_KEY)
    comment = "A slot that is found by its tag counts before one that a box key opens."
    yield sealed_vector("tag_before_box", rule, comment, one, secrets=[REPLY_KEY], expected=found)
    one = made(BOX_A, other=2, tagged=(REPLY_KEY, OTHER_KEY))
    comment = "Of two secrets whose tags are there, the newer is tried."
    yield sealed_vector("tags_newer", rule, comment, one, secrets=[REPLY_KEY, OTHER_KEY], expected=found)
    comment = "Where the newer opens what nothing is under, the older is not tried."
    yield sealed_vector("tags_older", rule, comment, one, secrets=[OTHER_KEY, REPLY_KEY])
    one = made(BOX_A, tagged=(REPLY_KEY,))
    content = one.content()
    own, tagged, *others = content["slots"]
    slots = [own, tagged[:8] + others[0][8:], tagged, others[1]]
    comment = "Of two slots with one tag the first alone is tried, and it is to somebody else."
    yield sealed_vector("tag_twice", rule, comment, one, {**content, "slots": slots}, secrets=[REPLY_KEY])
    slots = [own, tagged, tagged[:8] + others[0][8:], others[1]]
    comment = "The other way round."
    yield sealed_vector(
        "tag_twice_other_second", rule, comment, one, {**content, "slots": slots}, secrets=[REPLY_KEY], expected=found
    )
    slots = [own, others[0], tagged[:8] + others[0][8:], others[1]]
    comment = "The tag stands on a slot that the key does not open."
    yield sealed_vector("tag_on_another_slot", rule, comment, one, {**content, "slots": slots}, secrets=[REPLY_KEY])
    comment = "The same, and a box key of the reader opens another slot."
    yield sealed_vector(
        "tag_on_another_slot_own",
        rule,
        comment,
        one,
        {**content, "slots": slots},
        boxes=[BOX_A],
        secrets=[REPLY_KEY],
        expected=found_inside("post", _TEXT),
    )
    one = Made(_PLAIN, content_key=bytes(16), boxes=(BOX_A,))
    comment = "Sealed with a content key of zeros, which anybody may guess: it counts for who has a slot alone."
    yield sealed_vector("key_of_zeros", "sealed-open", comment, one)
    slots = [own, bytes(8) + tagged[8:], *others]
    comment = "A slot to a reply key under another tag is not looked for."
    yield sealed_vector("tag_absent", "sealed-open", comment, one, {**content, "slots": slots}, secrets=[REPLY_KEY])


def _two_keys() -> Iterator[Vector]:
    """One body that is authentic under two keys: without the commitment, two readers may read two texts."""
    committed = _message_under_two_keys(commit_to_other=False)
    fields = cbor.decode(committed.plain)[1]  # type: ignore[index]
    comment = "One body that authenticates under two keys: who has the one that is committed to reads it."
    found = found_inside("post", fields)
    yield sealed_vector("two_keys_committed", "sealed-open", comment, committed, boxes=[BOX_A], expected=found)
    yield sealed_vector("two_keys", "sealed-open", "Its other reader has the other key.", committed)
    planted = _message_under_two_keys(commit_to_other=True)
    comment = "Such a body, a message under the key that is not committed to: only who compares refuses it."
    yield sealed_vector("two_keys_planted", "sealed-open", comment, planted, boxes=[BOX_A])
    comment = "Who has the key that is committed to: authentic, and no message."
    yield sealed_vector("two_keys_planted_committed", "sealed-open", comment, planted)


def _message_under_two_keys(commit_to_other: bool) -> Made:
    """A message for account_a; account_b's slot has a content key under which the body is authentic too."""
    first = Made(_PLAIN)
    other_key, other_commit = Made(_PLAIN, content_key=_OTHER).derived
    first = Made(_PLAIN, commit=other_commit if commit_to_other else None)
    key, aad = first.derived[0], b"p2pmicro sealed 1" + first.bound

    def text(attempt: int) -> bytes:
        plain = plain_of("post", {"text": "Pay Ann", "ignored": secret(f"attempt {attempt}") * 3})
        return stream(key, Made(plain).to_seal)

    body = two_keys_one_body(key, other_key, aad, text, _FREE_AT)
    for each in (key, other_key):
        ChaCha20Poly1305(each).decrypt(bytes(12), body, aad)
    padded = stream(key, body[:-16])
    plain = padded[2 : 2 + int.from_bytes(padded[:2])]
    return Made(plain, commit=first.commit, body=body, slot_keys=(first.content_key, _OTHER))
