"""Vectors of sealed entries, made from the text a second time: protocol/content.md, "Sealing"."""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from p2pmicro import cbor, ids, keys
from p2pmicro.errors import P2PMicroError
from p2pmicro.feed.content import read_opened
from p2pmicro.feed.seal import Keyring, Opened, open_sealed
from p2pmicro.ids import AccountId, FeedId
from tests import hpke

from .form import Vector, rendered
from .parties import ACCOUNT_A, ACCOUNT_B, FEED_A, FEED_B, LOG_A, SEED_A, SEED_B, hkdf, secret

BOX_A, BOX_B = hkdf(SEED_A, b"p2pmicro box 1" + bytes(4)), hkdf(SEED_B, b"p2pmicro box 1" + bytes(4))
BOX_B_NEXT = hkdf(SEED_B, b"p2pmicro box 1" + (1).to_bytes(4))
REPLY_KEY, CIRCLE_KEY, OTHER_KEY = secret("reply key"), secret("circle key"), secret("another reply key")
_CIRCLE = secret("circle")[:16]
_REF: list[Any] = [FEED_A.public, 2, LOG_A.id(2)]
_PICTURE: list[Any] = [sha256(b"a picture").digest(), "image/png", 9, "A hill", secret("picture key")]
_LIKE: dict[str, Any] = {"ref": _REF, "on": True, "rev": 1}
_TEXT: dict[str, Any] = {"text": "For you alone", "to": [ACCOUNT_B.public], "key": REPLY_KEY}


@dataclass(frozen=True)
class Made:
    """One sealed content with every step that led to it; each can be got wrong."""

    plain: bytes
    content_key: bytes = field(default_factory=lambda: secret("content key")[:16])
    salt: bytes = field(default_factory=lambda: secret("salt")[:16])
    account: bytes = ACCOUNT_A.public
    feed: bytes = FEED_A.public
    boxes: tuple[bytes, ...] = (BOX_A, BOX_B)  # secrets of those who can read it
    tagged: tuple[bytes, ...] = ()
    slots: int = 4
    commit: bytes | None = None  # in place of the right one
    padded: bytes | None = None
    body: bytes | None = None
    slot_keys: tuple[bytes, ...] = ()  # content keys of the slots, where they differ

    @property
    def derived(self) -> tuple[bytes, bytes]:
        """Body key and commitment: HKDF-SHA-256 for 64 bytes, by itself. Source: RFC 5869."""
        extracted = hmac.digest(self.salt, self.content_key, "sha256")
        first = hmac.digest(extracted, b"p2pmicro sealed 1\x01", "sha256")
        return first, hmac.digest(extracted, first + b"p2pmicro sealed 1\x02", "sha256")

    @property
    def bound(self) -> bytes:
        """What the entry is bound to."""
        return self.account + self.feed + self.salt + (self.commit or self.derived[1])

    @property
    def to_seal(self) -> bytes:
        """The padded bytes."""
        if self.padded is not None:
            return self.padded
        size = next(size for size in (256, 1024, 2560) if size >= len(self.plain) + 2)
        return (len(self.plain).to_bytes(2) + self.plain).ljust(size, b"\0")

    def content(self) -> dict[str, Any]:
        """The content of the entry."""
        commit = self.commit or self.derived[1]
        slots = [self._slot(number) for number in range(self.slots)]
        aad = b"p2pmicro sealed 1" + self.bound
        body = self.body or ChaCha20Poly1305(self.derived[0]).encrypt(bytes(12), self.to_seal, aad)
        return {"salt": self.salt, "commit": commit, "slots": slots, "body": body}

    def _slot(self, number: int) -> bytes:
        readers = [*self.boxes, *self.tagged]
        reader = readers[number] if number < len(readers) else secret(f"nobody {number}")
        tag = sha256(secret(f"tag {number}")).digest()[:8]
        if reader in self.tagged:
            tag = sha256(reader + self.salt).digest()[:8]
        key = self.slot_keys[number] if number < len(self.slot_keys) else self.content_key
        key = key if number < len(readers) else secret(f"no key {number}")[:16]
        info = b"p2pmicro slot 1" + self.bound
        return tag + hpke.encrypt(key, keys.device_public(reader), info, secret(f"sender {number}"))


def sealed_document(made: Made) -> dict[str, str]:
    """The steps of sealing, for who makes one: the same content key, salt and plain give the same padded body."""
    body_key, commit = made.derived
    return {
        "plain": made.plain.hex(),
        "content_key": made.content_key.hex(),
        "body_key": body_key.hex(),
        "commit": commit.hex(),
        "bound": made.bound.hex(),
        "padded": made.to_seal.hex(),
    }


def decoded_sealed(data: bytes, given: dict[str, Any]) -> Any:
    """What a reader finds in a sealed content, as the files have it."""
    found = open_sealed(
        ids.parse_account(given["account"]),
        ids.parse_feed(given["feed"]),
        cbor.decode(data),  # type: ignore[arg-type]
        Keyring(
            [keys.load_box_private(bytes.fromhex(box)) for box in given["boxes"]],
            [bytes.fromhex(one) for one in given["secrets"]],
        ),
    )
    return _decoded(found)


def _decoded(found: Opened | None) -> Any:
    if found is None:
        return {"opened": False}
    by = "box" if found.by is None else found.by.hex()
    try:
        entry = read_opened(0, found.plain)
    except P2PMicroError as error:
        return {"opened": True, "by": by, "inside": error.code}
    return {"opened": True, "by": by, "inside": "ok", "kind": entry.kind, "content": rendered(entry.content)}


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _opened()
    yield from _inside()
    yield from _closed()


def plain_of(kind: str, content: Any) -> bytes:
    """What is inside."""
    return cbor.encode([kind, content])


def sealed_vector(
    name: str,
    rule: str,
    comment: str,
    made: Made,
    content: dict[str, Any] | None = None,
    boxes: Sequence[bytes] = (BOX_B,),
    secrets: Sequence[bytes] = (),
    expected: Any = None,
    account: bytes = ACCOUNT_A.public,
    feed: bytes = FEED_A.public,
) -> Vector:
    """A case: `content` in place of what was made; `expected`: what is found, None where it does not open."""
    value = content or made.content()
    given: dict[str, Any] = {
        "account": ids.format_account(AccountId(account)),
        "feed": ids.format_feed(FeedId(feed)),
        "boxes": [box.hex() for box in boxes],
        "secrets": [one.hex() for one in secrets],
    }
    decoded = {"opened": False} if expected is None else {"opened": True, **expected}
    steps = {} if expected is None else sealed_document(made)
    data = cbor.encode(value)
    return Vector(
        f"sealed/{name}", f"content.md#{rule}", comment, data, given=given, value=value, decoded=decoded, sealed=steps
    )


def found_inside(kind: str, content: Any, by: bytes | None = None) -> dict[str, Any]:
    """What a reader finds; by: the secret whose tag it bears, else a box key."""
    by_text = "box" if by is None else by.hex()
    return {"by": by_text, "inside": "ok", "kind": kind, "content": rendered(content)}


def _opened() -> Iterator[Vector]:
    made = Made(plain_of("post", _TEXT))
    found = found_inside("post", _TEXT)
    yield sealed_vector("post", "sealed-open", "A message to a person, opened by them.", made, expected=found)
    yield sealed_vector(
        "own", "sealed-slots", "And by its author: one slot is their own.", made, boxes=[BOX_A], expected=found
    )
    yield sealed_vector(
        "generations",
        "sealed-open",
        "Sealed to an earlier box key of the reader.",
        made,
        boxes=[BOX_B_NEXT, BOX_B],
        expected=found,
    )
    yield sealed_vector("for_others", "sealed-open", "Not for this reader.", made, boxes=[BOX_B_NEXT])
    answer = {"text": "Yes", "reply": {"root": _REF, "parent": _REF}}
    by_tag = Made(plain_of("post", answer), boxes=(BOX_A,), tagged=(REPLY_KEY,))
    yield sealed_vector(
        "answer",
        "sealed-key",
        "An answer, found by the tag of the key that its thread began with.",
        by_tag,
        secrets=[OTHER_KEY, REPLY_KEY],
        expected=found_inside("post", answer, REPLY_KEY),
    )
    yield sealed_vector("answer_without_key", "sealed-key", "Who lacks that key.", by_tag, secrets=[OTHER_KEY])
    yield sealed_vector(
        "answer_own",
        "sealed-key",
        "Its author opens it by their box key.",
        by_tag,
        boxes=[BOX_A],
        expected=found_inside("post", answer),
    )
    yield sealed_vector(
        "like",
        "sealed-key",
        "A like of a sealed message is an answer.",
        Made(plain_of("like", _LIKE), boxes=(BOX_A,), tagged=(REPLY_KEY,)),
        secrets=[REPLY_KEY],
        expected=found_inside("like", _LIKE, REPLY_KEY),
    )
    circle_key = {"circle": _CIRCLE, "gen": 1, "key": CIRCLE_KEY}
    yield sealed_vector(
        "circle_key",
        "sealed-circle-key",
        "A large circle's key, given to a member.",
        Made(plain_of("circle-key", circle_key)),
        expected=found_inside("circle-key", circle_key),
    )
    to_circle = {"text": "To all of us", "circle": _CIRCLE, "key": REPLY_KEY}
    yield sealed_vector(
        "circle",
        "sealed-circle-key",
        "A message to a large circle, found by the tag of its key.",
        Made(plain_of("post", to_circle), boxes=(BOX_A,), tagged=(CIRCLE_KEY,)),
        secrets=[CIRCLE_KEY],
        expected=found_inside("post", to_circle, CIRCLE_KEY),
    )
    for count in (8, 16, 32, 64):
        yield sealed_vector(
            f"slots_{count}", "sealed-slots", "More slots.", Made(plain_of("post", _TEXT), slots=count), expected=found
        )
    for size, count in ((256, 233), (1024, 234), (1024, 1000), (2560, 1001), (2560, 2536)):
        fields = {"text": "a", "more": bytes(count)}
        made = Made(plain_of("post", fields))
        assert len(made.to_seal) == size
        comment = f"Padded to {size} bytes: at the limit of a size, or one over that of the smaller one."
        yield sealed_vector(f"padded_{count}", "sealed-padding", comment, made, expected=found_inside("post", fields))
    state = {"items": [["mute", b"w" + b"rain", 1, {"until": None}], ["petname", ACCOUNT_B.public, 2, None]]}
    yield sealed_vector(
        "state",
        "state-items",
        "Private state, sealed to oneself.",
        Made(plain_of("state", state), boxes=(BOX_A,)),
        boxes=[BOX_A],
        expected=found_inside("state", state),
    )
    every = {
        **_TEXT,
        "reply": {"root": _REF, "parent": _REF},
        "quote": _REF,
        "replaces": [_REF],
        "mentions": [[0, 3, ACCOUNT_B.public]],
        "lang": "en",
        "media": [_PICTURE],
        "circle": _CIRCLE,
        "to": [ACCOUNT_B.public] * 16,
    }
    yield sealed_vector(
        "post_all_fields",
        "sealed-to",
        "Every field of a sealed message, 16 people named.",
        Made(plain_of("post", every)),
        expected=found_inside("post", every),
    )


def _inside() -> Iterator[Vector]:
    """Opened, and what was inside is not as it should be: shown to nobody."""
    picture = _PICTURE[:4]
    item = ["mute", b"w", 1, None]
    for name, rule, comment, plain, code in (
        ("not_cbor", "sealed-inside", "Plain text.", b"hello", "entry.encoding"),
        ("left_over", "sealed-inside", "A byte more.", plain_of("post", _TEXT) + b"\0", "entry.encoding"),
        ("empty", "sealed-inside", "Nothing.", b"", "entry.encoding"),
        (
            "of_3",
            "sealed-inside",
            "A time has no place here.",
            cbor.encode([1, "post", {"text": "a"}]),
            "entry.content",
        ),
        ("kind_unknown", "sealed-inside", "A kind of a later version.", plain_of("poem", {}), "entry.content"),
        ("kind_public", "sealed-inside", "A follow is public.", plain_of("follow", {}), "entry.content"),
        ("kind_sealed", "sealed-inside", "Nothing is sealed twice.", plain_of("sealed", {}), "entry.content"),
        ("critical", "sealed-inside", "Not to be overlooked.", plain_of("post", {**_TEXT, "!new": 1}), "entry.content"),
        ("text_141", "sealed-inside", "One over.", plain_of("post", {"text": "a" * 141}), "entry.content"),
        (
            "key_31",
            "sealed-inside",
            "One byte short.",
            plain_of("post", {"text": "a", "key": bytes(31)}),
            "entry.content",
        ),
        ("to_empty", "sealed-to", "Leave the field out.", plain_of("post", {"text": "a", "to": []}), "entry.content"),
        (
            "to_17",
            "sealed-to",
            "One over.",
            plain_of("post", {"text": "a", "to": [ACCOUNT_B.public] * 17}),
            "entry.content",
        ),
        (
            "circle_15",
            "sealed-to",
            "One byte short.",
            plain_of("post", {"text": "a", "circle": bytes(15)}),
            "entry.content",
        ),
        (
            "media_without_key",
            "picture-sealed",
            "Nobody could open the picture.",
            plain_of("post", {"text": "a", "media": [picture]}),
            "entry.content",
        ),
        (
            "circle_key_gen",
            "sealed-circle-key",
            "Generations begin at 0.",
            plain_of("circle-key", {"circle": _CIRCLE, "gen": -1, "key": CIRCLE_KEY}),
            "entry.content",
        ),
        (
            "circle_key_short",
            "sealed-circle-key",
            "One byte short.",
            plain_of("circle-key", {"circle": _CIRCLE, "gen": 0, "key": CIRCLE_KEY[:31]}),
            "entry.content",
        ),
        ("like_rev_0", "sealed-inside", "Revs begin at 1.", plain_of("like", {**_LIKE, "rev": 0}), "entry.content"),
        ("state_65", "state-items", "One over.", plain_of("state", {"items": [item] * 65}), "entry.content"),
        (
            "state_name_21",
            "state-items",
            "One over.",
            plain_of("state", {"items": [["a" * 21, b"", 1, 1]]}),
            "entry.content",
        ),
        (
            "state_item_601",
            "state-items",
            "One over.",
            plain_of("state", {"items": [["a", bytes(601), 1, 1]]}),
            "entry.content",
        ),
        (
            "state_rev_0",
            "state-items",
            "Revs begin at 1.",
            plain_of("state", {"items": [["a", b"", 0, 1]]}),
            "entry.content",
        ),
    ):
        yield sealed_vector(f"inside_{name}", rule, comment, Made(plain), expected={"by": "box", "inside": code})


def _closed() -> Iterator[Vector]:
    """What no reader opens, each by one fault."""
    plain = plain_of("post", _TEXT)
    good = Made(plain)
    yield sealed_vector(
        "other_feed", "sealed-open", "Copied into another feed of the account.", good, feed=FEED_B.public
    )
    yield sealed_vector(
        "other_account",
        "sealed-open",
        "Copied by another account into a feed of theirs.",
        good,
        account=ACCOUNT_B.public,
    )
    content = good.content()
    for name, comment, changes in (
        ("body_flipped", "A bit of the body.", {"body": bytes([content["body"][0] ^ 1]) + content["body"][1:]}),
        ("tag_flipped", "A bit of the body's tag.", {"body": content["body"][:-1] + bytes([content["body"][-1] ^ 1])}),
        ("salt_flipped", "A bit of the salt.", {"salt": bytes([content["salt"][0] ^ 1]) + content["salt"][1:]}),
        (
            "commit_flipped",
            "A bit of the commitment.",
            {"commit": bytes([content["commit"][0] ^ 1]) + content["commit"][1:]},
        ),
        (
            "slot_small_order",
            "A sender's key of small order.",
            {"slots": [it[:8] + bytes(32) + it[40:] for it in content["slots"]]},
        ),
        ("slots_of_another", "The slots of another entry.", {"slots": Made(plain, salt=bytes(16)).content()["slots"]}),
    ):
        yield sealed_vector(name, "sealed-open", comment, good, {**content, **changes})
    yield sealed_vector(
        "commit_wrong",
        "sealed-open",
        "All is consistent, but the commitment is to no key: the author could open it in two ways.",
        Made(plain, commit=secret("no commitment")),
    )
    length = len(plain).to_bytes(2)
    for name, comment, padded in (
        ("padding_not_zero", "A second text could hide there.", (length + plain).ljust(255, b"\0") + b"\1"),
        (
            "padding_too_large",
            "1,024 where 256 would do: a second size for one text.",
            (length + plain).ljust(1024, b"\0"),
        ),
        ("length_past_the_end", "More than there is.", ((255).to_bytes(2) + plain).ljust(256, b"\0")),
    ):
        yield sealed_vector(name, "sealed-padding", comment, Made(plain, padded=padded))
