"""Whose feed it is, and how far it counts. Source: protocol/feed.md, "Devices" and "Revokes"."""

from dataclasses import replace
from hashlib import sha256

import pytest

from p2pmicro import cbor, keys
from p2pmicro.errors import DeviceError, SignatureError, SizeError
from p2pmicro.feed.chain import Link, genesis, next_link, sign_head
from p2pmicro.feed.content import Content, post, read, write
from p2pmicro.feed.device import (
    DeviceProof,
    check_device_proof,
    check_revoke,
    first_link,
    make_device,
    make_revoke,
    revoke_content,
    revoke_of,
)
from p2pmicro.ids import AccountId, EntryId, FeedId
from p2pmicro.keys import PrivateKey
from tests.made import NOW_MS, MadeFeed, flipped, private_key, secret

ACCOUNT, KEY = private_key("account"), private_key("device feed")
FEED = FeedId(KEY.public)
DEVICE_KEY, BOX_KEY = keys.device_public(secret("device")), keys.box_public(secret("account"), 0)
PROOF = make_device(ACCOUNT, KEY, DEVICE_KEY, BOX_KEY, 0, NOW_MS)


def _content() -> Content:
    return read(PROOF.payload).content


def _signed(content: Content, account: PrivateKey = ACCOUNT, feed: PrivateKey = KEY) -> DeviceProof:
    """A device proof of any content, with every signature right."""
    unsigned = {key: value for key, value in content.items() if key != "sig"}
    signature = account.sign(b"p2pmicro device 1" + sha256(cbor.encode(unsigned)).digest())
    return _headed(cbor.encode([NOW_MS, "device", {**unsigned, "sig": signature}]), feed)


def _headed(payload: bytes, feed: PrivateKey = KEY) -> DeviceProof:
    return DeviceProof(payload, sign_head(feed, next_link(genesis(FeedId(feed.public)), payload)))


def test_device_proof_says_whose_feed_it_is() -> None:
    device = check_device_proof(PROOF)
    assert (device.feed, device.account) == (FEED, ACCOUNT.public)
    assert (device.device_key, device.box_key, device.generation) == (DEVICE_KEY, BOX_KEY, 0)
    assert device.proof == PROOF
    assert first_link(device) == next_link(genesis(FEED), PROOF.payload)


def test_device_proof_is_of_the_feed_and_account_that_are_asked_for() -> None:
    assert check_device_proof(PROOF, FEED, AccountId(ACCOUNT.public)).feed == FEED
    with pytest.raises(DeviceError):
        check_device_proof(PROOF, FeedId(private_key("other").public))
    with pytest.raises(DeviceError):
        check_device_proof(PROOF, account=AccountId(private_key("other").public))


def test_account_that_did_not_sign_is_refused() -> None:
    with pytest.raises(SignatureError):
        check_device_proof(_signed(_content(), account=private_key("thief")))


def test_feed_that_did_not_consent_is_refused() -> None:
    with pytest.raises(SignatureError):
        check_device_proof(_signed(_content(), feed=private_key("thief")))
    with pytest.raises(SignatureError):
        check_device_proof(replace(PROOF, head=flipped(PROOF.head, 3)))


@pytest.mark.parametrize("field", ["feed", "account", "device", "box", "gen"])
def test_every_field_is_under_the_accounts_signature(field: str) -> None:
    other = {"feed": private_key("x").public, "account": private_key("x").public, "gen": 1}
    content = {**_content(), field: other.get(field, keys.device_public(secret("x")))}
    with pytest.raises(SignatureError):
        check_device_proof(_headed(cbor.encode([NOW_MS, "device", content])))


def test_unknown_field_is_under_the_accounts_signature_too() -> None:
    content = {**_content(), "later": 1}
    assert check_device_proof(_signed(content)).feed == FEED
    with pytest.raises(SignatureError):
        check_device_proof(_headed(cbor.encode([NOW_MS, "device", content])))


def test_entry_of_another_kind_proves_nothing() -> None:
    with pytest.raises(DeviceError, match="post"):
        check_device_proof(_headed(write(NOW_MS, "post", post("hello"))))


@pytest.mark.parametrize("payload", [b"\xff", b"\x00", b"\x83\x00\x66device\xa0", PROOF.payload + b"\0"])
def test_entry_that_cannot_be_read_proves_nothing(payload: bytes) -> None:
    with pytest.raises(DeviceError):
        check_device_proof(_headed(payload))


@pytest.mark.parametrize("field", ["feed", "account", "device", "box", "gen", "sig"])
def test_device_lacking_a_field_proves_nothing(field: str) -> None:
    content = {key: value for key, value in _content().items() if key != field}
    with pytest.raises(DeviceError, match=field):
        check_device_proof(_headed(cbor.encode([NOW_MS, "device", content])))


@pytest.mark.parametrize("field", ["feed", "account", "device", "box"])
def test_device_with_a_refused_key_proves_nothing(field: str) -> None:
    for key in (bytes(32), (1).to_bytes(32, "little"), b"\xff" * 32, b"short"):
        with pytest.raises(DeviceError):
            check_device_proof(_signed({**_content(), field: key}))


@pytest.mark.parametrize("size", [0, 8193])
def test_payload_over_its_limits_is_refused(size: int) -> None:
    with pytest.raises(SizeError):
        check_device_proof(DeviceProof(bytes(size), PROOF.head))


# --- Revokes ---


def test_revoke_holds_by_the_accounts_signature(feed: MadeFeed) -> None:
    revoke = make_revoke(feed.account_key, feed.feed, feed.links[9])
    check_revoke(revoke, feed.account)
    assert revoke.signature == feed.account_key.sign(
        b"p2pmicro revoke 1" + feed.feed + (9).to_bytes(8) + feed.links[9].id
    )


def test_revoke_of_another_account_feed_or_place_is_refused(feed: MadeFeed) -> None:
    revoke = make_revoke(feed.account_key, feed.feed, feed.links[9])
    with pytest.raises(SignatureError):
        check_revoke(revoke, AccountId(feed.key.public))  # the feed's own key is not enough
    for changed in (
        replace(revoke, feed=FEED),
        replace(revoke, seq=8),
        replace(revoke, id=EntryId(bytes(32))),
        replace(revoke, signature=flipped(revoke.signature, 0)),
    ):
        with pytest.raises(SignatureError):
            check_revoke(changed, feed.account)


def test_revoke_goes_through_an_entry(feed: MadeFeed) -> None:
    revoke = make_revoke(feed.account_key, feed.feed, Link(9, feed.links[9].id))
    payload = write(NOW_MS, "revoke", revoke_content(revoke))
    assert revoke_of(read(payload).content) == revoke
