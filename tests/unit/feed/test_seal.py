"""Sealing and opening. Source: protocol/content.md, "Sealing"."""

from hashlib import shake_256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from p2pmicro import keys
from p2pmicro.errors import BadKeyError
from p2pmicro.feed import seal as seal_module
from p2pmicro.feed.content import Content, read_opened, write
from p2pmicro.feed.seal import Keyring, Opened, SealError, open_sealed, sealed
from p2pmicro.ids import AccountId, FeedId
from tests.made import private_key, secret

ADA = AccountId(private_key("ada").public)
FEED = FeedId(private_key("feed").public)
READER, STRANGER = keys.load_box_private(secret("reader")), keys.load_box_private(secret("stranger"))
REPLY = secret("reply key")
TEXT: Content = {"text": "only for some"}


def draw(count: int, calls: list[int] = [0]) -> bytes:  # noqa: B006
    """Bytes that differ at each call."""
    calls[0] += 1
    return shake_256(b"draw %d" % calls[0]).digest(count)


def seal(boxes: int = 1, tagged: tuple[bytes, ...] = (), content: Content = TEXT) -> Content:
    others = [keys.device_public(secret(f"other {number}")) for number in range(boxes - 1)]
    return sealed(ADA, FEED, "post", content, [READER.public_key().public_bytes_raw(), *others], tagged, draw)


def test_who_is_addressed_reads_it_and_nobody_else() -> None:
    content = seal()
    write(0, "sealed", content)
    opened = open_sealed(ADA, FEED, content, Keyring([READER]))
    assert opened is not None
    assert opened.by is None
    assert read_opened(7, opened.plain) == (7, "post", TEXT)
    assert open_sealed(ADA, FEED, content, Keyring([STRANGER])) is None


def test_reply_key_finds_its_slot_by_tag() -> None:
    content = seal(tagged=(REPLY,))
    opened = open_sealed(ADA, FEED, content, Keyring([STRANGER], [secret("another"), REPLY]))
    assert isinstance(opened, Opened)
    assert opened.by == REPLY


def test_box_keys_of_all_generations_are_tried() -> None:
    assert open_sealed(ADA, FEED, seal(), Keyring([STRANGER, READER])) is not None


@pytest.mark.parametrize(("account", "feed"), [(AccountId(FEED), FEED), (ADA, FeedId(ADA))])
def test_sealed_entry_is_bound_to_its_account_and_feed(account: AccountId, feed: FeedId) -> None:
    assert open_sealed(account, feed, seal(), Keyring([READER])) is None


@pytest.mark.parametrize(("recipients", "slots"), [(1, 4), (4, 4), (5, 8), (16, 16), (17, 32), (33, 64), (64, 64)])
def test_number_of_slots_is_one_of_five(recipients: int, slots: int) -> None:
    assert len(seal(boxes=recipients)["slots"]) == slots


def test_more_than_64_keys_and_too_long_texts_are_refused_in_a_sentence() -> None:
    with pytest.raises(SealError, match="circle"):
        seal(boxes=65)
    with pytest.raises(SealError, match="too long"):
        seal(content={"text": "a", "unknown": bytes(2560)})


def test_refused_key_of_a_recipient_is_told() -> None:
    with pytest.raises(BadKeyError):
        sealed(ADA, FEED, "post", TEXT, [bytes(32)], [], draw)


def test_slot_with_a_key_of_small_order_opens_nothing() -> None:
    content = seal()
    for point in (bytes(32), (1).to_bytes(32, "little")):
        slots = [slot[:8] + point + slot[40:] for slot in content["slots"]]
        assert open_sealed(ADA, FEED, content | {"slots": slots}, Keyring([READER])) is None


def test_body_is_never_opened_under_a_key_that_is_not_the_committed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """L13: all else is right, the commitment is to another key."""
    content_key, salt, commit = draw(16), draw(16), draw(32)
    body_key, _ = seal_module._derive(content_key, salt)
    slot = bytes(8) + seal_module._SUITE.encrypt(
        content_key, READER.public_key(), seal_module._SLOT + ADA + FEED + salt + commit
    )
    padded = seal_module._pad(b"\x82\x64post\xa1\x64text\x61a")
    body = ChaCha20Poly1305(body_key).encrypt(bytes(12), padded, seal_module._aad(ADA, FEED, salt, commit))
    used: list[bytes] = []

    def cipher(key: bytes) -> ChaCha20Poly1305:
        used.append(key)
        return ChaCha20Poly1305(key)

    monkeypatch.setattr(seal_module, "ChaCha20Poly1305", cipher)
    content = {"salt": salt, "commit": commit, "slots": [slot] * 4, "body": body}
    assert open_sealed(ADA, FEED, content, Keyring([READER])) is None
    assert len(used) == 1, "the same work as ever"
    assert body_key not in used
