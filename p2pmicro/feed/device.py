"""Entry 1 and revokes: whose feed it is, and how far it counts. Source: protocol/feed.md, "Devices" and "Revokes"."""

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

from .. import cbor
from ..errors import ContentError, DeviceError, EncodingError, SizeError
from ..ids import AccountId, EntryId, FeedId
from ..keys import PrivateKey, verify
from ..limits import PAYLOAD_MAX_BYTES
from .chain import Link, check_head, genesis, next_link, sign_head
from .content import Content, read, write

_SEQ = Struct(">Q").pack


@dataclass(frozen=True, slots=True)
class DeviceProof:
    """A feed's entry 1 and the head at 1, as they travel: nothing is checked yet."""

    payload: bytes  # payload(1)
    head: bytes  # 64-byte signature by the feed key at seq 1


@dataclass(frozen=True, slots=True)
class Device:
    """What a device proof proves: one install of one account."""

    feed: FeedId
    account: AccountId
    device_key: bytes  # X25519, 32 bytes: what the account's keys are sealed to
    box_key: bytes  # X25519, 32 bytes: what messages to the account are sealed to
    generation: int  # of the box key
    proof: DeviceProof


@dataclass(frozen=True, slots=True)
class Revoke:
    """The account's word that its feed counts up to an entry and no further; it holds by its signature alone."""

    feed: FeedId
    seq: int
    id: EntryId
    signature: bytes  # 64 bytes by the account


def make_device(
    account: PrivateKey, feed: PrivateKey, device_key: bytes, box_key: bytes, generation: int, time_ms: int
) -> DeviceProof:
    """Make a feed's entry 1, signed by the account and, through the head at 1, by the feed.

    Source: protocol/feed.md, "Devices".
    """
    content: Content = {
        "feed": feed.public,
        "account": account.public,
        "device": device_key,
        "box": box_key,
        "gen": generation,
    }
    content["sig"] = account.sign(_device_message(content))
    payload = write(time_ms, "device", content)
    return DeviceProof(payload, sign_head(feed, next_link(genesis(FeedId(feed.public)), payload)))


def check_device_proof(proof: DeviceProof, feed: FeedId | None = None, account: AccountId | None = None) -> Device:
    """Check whose feed it is: the account signed the content, and the feed's key the head at 1.

    Args:
        proof: what came.
        feed, account: what it must be a proof of, where that is known.
    Raises:
        SizeError: the payload is empty or over its limit.
        DeviceError: it is no `device` entry, or one of another feed or account.
        SignatureError: the account's or the feed's signature is wrong.
    Source: protocol/feed.md, "Devices".
    """
    if not 1 <= len(proof.payload) <= PAYLOAD_MAX_BYTES:
        raise SizeError(f"A payload has 1 to {PAYLOAD_MAX_BYTES} bytes, and this one has {len(proof.payload)}.")
    try:
        entry = read(proof.payload)
    except (ContentError, EncodingError) as error:
        raise DeviceError(f"Entry 1 can't be read: {error}") from None
    if entry.kind != "device":
        raise DeviceError(f"Entry 1 is a {entry.kind}, not a device.")
    content = entry.content
    found = Device(
        FeedId(content["feed"]),
        AccountId(content["account"]),
        content["device"],
        content["box"],
        content["gen"],
        proof,
    )
    if (feed is not None and found.feed != feed) or (account is not None and found.account != account):
        raise DeviceError("Entry 1 is of another feed or account.")
    verify(found.account, _device_message(content), content["sig"])
    check_head(found.feed, next_link(genesis(found.feed), proof.payload), proof.head)
    return found


def first_link(device: Device) -> Link:
    """The place of a proven feed's entry 1."""
    return next_link(genesis(device.feed), device.proof.payload)


def make_revoke(account: PrivateKey, feed: FeedId, link: Link) -> Revoke:
    """Say, as the account, that its feed counts up to `link` and no further. Source: protocol/feed.md, "Revokes"."""
    return Revoke(feed, link.seq, link.id, account.sign(_revoke_message(feed, link.seq, link.id)))


def check_revoke(revoke: Revoke, account: AccountId) -> None:
    """Check a revoke of a feed that is proven to be the account's.

    Raises:
        SignatureError: it is not the account's.
    Source: protocol/feed.md, "Revokes".
    """
    verify(account, _revoke_message(revoke.feed, revoke.seq, revoke.id), revoke.signature)


def revoke_content(revoke: Revoke) -> Content:
    """A revoke as the content of an entry."""
    return {"feed": revoke.feed, "seq": revoke.seq, "id": revoke.id, "sig": revoke.signature}


def revoke_of(content: Content) -> Revoke:
    """The revoke in a content that its schema has passed."""
    return Revoke(
        FeedId(content["feed"]),
        content["seq"],
        EntryId(content["id"]),
        content["sig"],
    )


def _device_message(content: Content) -> bytes:
    unsigned = {key: value for key, value in content.items() if key != "sig"}
    return b"p2pmicro device 1" + sha256(cbor.encode(unsigned)).digest()


def _revoke_message(feed: FeedId, seq: int, entry_id: EntryId) -> bytes:
    return b"p2pmicro revoke 1" + feed + _SEQ(seq) + entry_id
