"""Sealed entries: only some can read them, and nobody else learns who. Source: protocol/content.md, "Sealing".

    K        16 random bytes, fresh for each entry: its content key
    keys     HKDF-SHA256(K, salt, "p2pmicro sealed 1") -> body key (32) || commit (32)
    bound    account || feed || salt || commit
    body     ChaCha20-Poly1305(body key, nonce 0, padded, aad = "p2pmicro sealed 1" || bound)
    padded   u16be length || CBOR [kind, content] || zeros: 256, 1,024 or 2,560 bytes
    slot     tag (8) || HPKE(recipient's X25519 key, K, info = "p2pmicro slot 1" || bound)
    tag      SHA-256(the X25519 secret that opens the slot || salt), cut to 8, where both sides have it (a reply
             key or a circle key); else random

The commitment makes a second content key for the same entry useless, so all readers read one text; account and feed
bind it to its author's feed. HPKE is RFC 9180 with X25519, HKDF-SHA256 and ChaCha20-Poly1305, base mode, one message.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .. import cbor
from ..errors import LocalError
from ..ids import AccountId, FeedId
from ..keys import KEY_BYTES, load_box_private, load_box_public
from ..limits import REPLY_KEYS_MAX, SEALED_BODY_BYTES, SEALED_SLOTS, SEALED_TAG_BYTES
from .fields import HASH_BYTES, Content
from .kinds import SALT_BYTES

CONTENT_KEY_BYTES = 16
"""Half of what the body's key has: so 64 slots and the largest body fit a payload; X25519 gives no more than that."""
_NONCE = bytes(12)  # each key encrypts one body
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_LENGTH_BYTES = 2
_BODY = b"p2pmicro sealed 1"
_SLOT = b"p2pmicro slot 1"
_SPARE = b"for the same work in every case."  # an X25519 secret, and no secret
_SPARE_INFO = bytes(len(_SLOT) + 2 * KEY_BYTES + SALT_BYTES + HASH_BYTES)  # as long as any


class SealError(LocalError):
    """A message that can't be sealed; the sentence says what to change."""

    code = "local.seal"


@dataclass(frozen=True, slots=True)
class Keyring:
    """What an account can open sealed entries with."""

    boxes: Sequence[X25519PrivateKey]  # its box keys, the newest generation first: tried on every slot
    tagged: Sequence[bytes] = field(default=(), repr=False)  # 32 secret bytes each, the newest first: found by tag

    def __post_init__(self) -> None:
        assert self.boxes, "an account has a box key"
        assert len(self.tagged) <= REPLY_KEYS_MAX


@dataclass(frozen=True, slots=True)
class Opened:
    """What was inside of a sealed entry."""

    plain: bytes = field(repr=False)  # CBOR [kind, content]: content.read_opened
    by: bytes | None = field(repr=False)  # the reply or circle key whose tag found it; None: a box key


def sealed(
    account: AccountId,
    feed: FeedId,
    kind: str,
    content: Content,
    boxes: Sequence[bytes],
    tagged: Sequence[bytes],
    draw: Callable[[int], bytes],
) -> Content:
    """The content of a `sealed` entry of `account` in `feed`.

    Args:
        kind, content: what is inside, of one of `kinds.SEALED`.
        boxes: the box keys (32 public bytes) of those who can read it, one's own among them.
        tagged: reply and circle keys (32 secret bytes) whose holders can read it.
        draw: gives so many random bytes; HPKE draws one more key for each slot by itself.
    Raises:
        SealError: too long to be sealed, or for more than 64 keys.
        BadKeyError: a recipient's key is refused; nobody could keep the others' secret from whoever made it.
    Source: protocol/content.md, "Sealing".
    """
    padded = _pad(cbor.encode([kind, content]))
    wanted: list[tuple[X25519PublicKey, bytes | None]] = [(load_box_public(key), None) for key in dict.fromkeys(boxes)]
    wanted += [(load_box_private(secret).public_key(), secret) for secret in dict.fromkeys(tagged)]
    count = next((size for size in SEALED_SLOTS if size >= len(wanted)), None)
    if count is None:
        raise SealError(f"A message is for at most {SEALED_SLOTS[-1] - 1} at once: make a circle of them.")
    content_key, salt = draw(CONTENT_KEY_BYTES), draw(SALT_BYTES)
    body_key, commit = _derive(content_key, salt)
    info = _SLOT + account + feed + salt + commit
    slots = []
    for public, secret in wanted:
        tag = draw(SEALED_TAG_BYTES) if secret is None else tag_of(secret, salt)
        slots.append(tag + _SUITE.encrypt(content_key, public, info))
    for _ in range(count - len(wanted)):  # what nobody can open looks like what somebody can
        nobody = load_box_private(draw(32)).public_key()
        slots.append(draw(SEALED_TAG_BYTES) + _SUITE.encrypt(draw(CONTENT_KEY_BYTES), nobody, info))
    slots.sort(key=lambda slot: sha256(body_key + slot).digest())  # in an order that tells nothing
    body = ChaCha20Poly1305(body_key).encrypt(_NONCE, padded, _aad(account, feed, salt, commit))
    return {"salt": salt, "commit": commit, "slots": slots, "body": body}


def open_sealed(account: AccountId, feed: FeedId, content: Content, keyring: Keyring) -> Opened | None:
    """Open a `sealed` entry's content, which its schema has passed; None if it is for others, or damaged.

    Both take the same work, step by step: who measures it learns nothing of whom it is for.

    Args:
        account, feed: whose entry it is, proven.
        keyring: what the reader has.
    Source: protocol/content.md, "Sealing".
    """
    salt, commit = content["salt"], content["commit"]
    info = _SLOT + account + feed + salt + commit
    slots: list[bytes] = content["slots"]
    by_tag = {slot[:SEALED_TAG_BYTES]: slot for slot in reversed(slots)}  # of two alike, the first
    found_by = zip(tags_of(keyring.tagged, salt), keyring.tagged, strict=True)
    hits = [(by_tag[tag], secret) for tag, secret in found_by if tag in by_tag]
    found: list[tuple[bytes, bytes | None]] = []
    # The newest alone: else who knows a secret could make its readers work longer. Without one, a slot that won't open.
    slot, secret = hits[0] if hits else (slots[0], _SPARE)
    content_key = _open_slot(slot, load_box_private(secret), info)
    if content_key is not None:
        found.append((content_key, secret))
    for box in keyring.boxes:
        for slot in slots:
            content_key = _open_slot(slot, box, info)
            if content_key is not None:
                found.append((content_key, None))
    # What opens takes another time than what does not: one does in any case, and all others do not.
    _open_slot(slots[0] if found else _spare_slot(), load_box_private(_SPARE), _SPARE_INFO)
    used, by = found[0] if found else (bytes(CONTENT_KEY_BYTES), None)
    body_key, committed = _derive(used, salt)
    # Before the body is opened: under another key than the committed one the same bytes may hold another text. And who
    # was given no key reads nothing, even if an author sealed with the one that stood in for it.
    is_ours = bool(found) and committed == commit
    try:
        key = body_key if is_ours else _SPARE
        padded = ChaCha20Poly1305(key).decrypt(_NONCE, content["body"], _aad(account, feed, salt, commit))
    except InvalidTag:
        return None
    if not is_ours:
        return None
    plain = _unpad(padded)
    return None if plain is None else Opened(plain, by)


def tag_of(secret: bytes, salt: bytes) -> bytes:
    """The tag under which who holds a reply or circle key finds its slot; 8 bytes."""
    return tags_of([secret], salt)[0]


def tags_of(secrets: Sequence[bytes], salt: bytes) -> list[bytes]:
    """The tag of each; all at once, as a reader has a thousand of them for each entry that comes."""
    return [sha256(secret + salt).digest()[:SEALED_TAG_BYTES] for secret in secrets]


def _open_slot(slot: bytes, key: X25519PrivateKey, info: bytes) -> bytes | None:
    try:
        content_key: bytes = _SUITE.decrypt(slot[SEALED_TAG_BYTES:], key, info)
    except (InvalidTag, ValueError):  # ValueError: a key of small order, whose secret would be all zeros
        return None
    return content_key


@cache
def _spare_slot() -> bytes:
    """A slot that opens: to a key that everybody has."""
    public = load_box_private(_SPARE).public_key()
    return bytes(SEALED_TAG_BYTES) + _SUITE.encrypt(bytes(CONTENT_KEY_BYTES), public, _SPARE_INFO)


def _derive(content_key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """The body's key and the commitment to it; 32 bytes each."""
    both = HKDF(SHA256(), 64, salt=salt, info=_BODY).derive(content_key)
    return both[:32], both[32:]


def _aad(account: bytes, feed: bytes, salt: bytes, commit: bytes) -> bytes:
    return _BODY + account + feed + salt + commit


def _pad(plain: bytes) -> bytes:
    size = next((size for size in SEALED_BODY_BYTES if size >= len(plain) + _LENGTH_BYTES), None)
    if size is None:
        left = len(plain) + _LENGTH_BYTES - SEALED_BODY_BYTES[-1]
        raise SealError(f"This is {left} bytes too long to be sealed: shorten it, or take away a picture or its text.")
    return (len(plain).to_bytes(_LENGTH_BYTES) + plain).ljust(size, b"\0")


def _unpad(padded: bytes) -> bytes | None:
    """What was padded; None if its length is wrong, or what follows is not zeros: one text has one spelling."""
    length = int.from_bytes(padded[:_LENGTH_BYTES])
    end = _LENGTH_BYTES + length
    if end > len(padded) or any(padded[end:]):
        return None
    smallest = next(size for size in SEALED_BODY_BYTES if size >= end)
    return padded[_LENGTH_BYTES:end] if smallest == len(padded) else None
