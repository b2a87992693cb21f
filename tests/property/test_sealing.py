"""Sealing under chance: who is addressed reads what was sealed, and nobody anything else (threats L9, L13, L14)."""

from collections.abc import Callable
from itertools import product
from random import Random

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from p2pmicro import cbor, keys
from p2pmicro.feed import seal
from p2pmicro.feed.content import Content
from p2pmicro.feed.picture import PictureError
from p2pmicro.feed.picture import sealed as picture
from p2pmicro.feed.seal import Keyring, Opened, SealError, open_sealed, sealed
from p2pmicro.ids import AccountId, FeedId
from p2pmicro.limits import SEALED_BODY_BYTES, SEALED_SLOTS
from tests.made import flipped, private_key, secret
from tests.vectors.collision import stream, two_keys_one_body

ADA, BOB = (AccountId(private_key(name).public) for name in ("ada", "bob"))
FEED, OTHER_FEED = (FeedId(private_key(name).public) for name in ("feed", "other feed"))
SECRETS = [secret(f"key {number}") for number in range(12)]
TEXT: Content = {"text": "only for some"}


def _box(number: int) -> X25519PrivateKey:
    return keys.load_box_private(SECRETS[number])


def _seal(rng: Random, boxes: list[int], tagged: list[int] = [], content: Content = TEXT) -> Content:  # noqa: B006
    public = [keys.device_public(SECRETS[number]) for number in boxes]
    return sealed(ADA, FEED, "post", content, public, [SECRETS[number] for number in tagged], rng.randbytes)


numbers = st.lists(st.integers(0, 11), unique=True, max_size=6)


@given(numbers.filter(bool), numbers, numbers.filter(bool), numbers, st.binary(max_size=2700), st.integers())
def test_who_is_addressed_reads_it_and_nobody_else(
    boxes: list[int], tagged: list[int], my_boxes: list[int], my_tagged: list[int], more: bytes, seed: int
) -> None:
    fields: Content = {"text": "a", "more": more}
    plain = cbor.encode(["post", fields])
    try:
        content = _seal(Random(seed), boxes, tagged, fields)
    except SealError:
        assert len(plain) + 2 > SEALED_BODY_BYTES[-1]
        return
    assert len(content["slots"]) in SEALED_SLOTS
    keyring = Keyring([_box(number) for number in my_boxes], [SECRETS[number] for number in my_tagged])
    opened = open_sealed(ADA, FEED, content, keyring)
    by_tag = [number for number in my_tagged if number in tagged]
    if by_tag:
        assert opened == Opened(plain, SECRETS[by_tag[0]])
    elif set(my_boxes) & {*boxes, *tagged}:  # a slot to a tagged key opens by that key as a box key, too
        assert opened == Opened(plain, None)
    else:
        assert opened is None
    for account, feed in ((BOB, FEED), (ADA, OTHER_FEED)):
        assert open_sealed(account, feed, content, keyring) is None


def test_every_bit_counts(rng: Random) -> None:
    """A turned bit closes the entry, or was none that the reader needs: of a tag, or of a slot to somebody else."""
    content = _seal(rng, [0, 1], [2])
    for keyring in (Keyring([_box(1)]), Keyring([_box(3)], [SECRETS[2]])):
        opened = open_sealed(ADA, FEED, content, keyring)
        assert opened is not None
        closed = 0
        for field in ("salt", "commit", "body"):
            for bit in range(len(content[field]) * 8):
                assert open_sealed(ADA, FEED, content | {field: flipped(content[field], bit)}, keyring) is None
        for place, slot in enumerate(content["slots"]):
            for bit in range(len(slot) * 8):
                slots = [*content["slots"][:place], flipped(slot, bit), *content["slots"][place + 1 :]]
                found = open_sealed(ADA, FEED, content | {"slots": slots}, keyring)
                assert found in (None, opened)
                closed += found is None
        # The ciphertext and key of the one slot; of its key the top bit too, as it is part of what the key is derived
        # from (RFC 9180 section 4.1), and its tag where it is found by that.
        assert closed == (64 if keyring.tagged == () else 72) * 8


# --- One body, two texts (L13) ---


def test_body_under_two_keys_opens_under_the_committed_one_alone(rng: Random) -> None:
    for committed in (0, 1) * 5:
        salt, content_keys = rng.randbytes(16), [rng.randbytes(16), rng.randbytes(16)]
        derived = [seal._derive(key, salt) for key in content_keys]
        commit = derived[committed][1]

        def text(_attempt: int, key: bytes = derived[0][0]) -> bytes:
            return stream(key, seal._pad(cbor.encode(["post", {"text": "Pay Ann", "x": rng.randbytes(64)}])))

        body = two_keys_one_body(derived[0][0], derived[1][0], seal._aad(ADA, FEED, salt, commit), text, 64)
        info = seal._SLOT + ADA + FEED + salt + commit
        slots = [
            bytes(8) + seal._SUITE.encrypt(key, _box(number).public_key(), info)
            for number, key in enumerate(content_keys)
        ] * 2
        content = {"salt": salt, "commit": commit, "slots": slots, "body": body}
        opened = [open_sealed(ADA, FEED, content, Keyring([_box(number)])) is not None for number in (0, 1)]
        assert opened == [committed == 0, False]  # under the second key it is authentic, and not padded


# --- No key twice (L14) ---


def test_no_content_key_serves_two_entries(rng: Random, monkeypatch: pytest.MonkeyPatch, soak: int) -> None:
    """Whatever a crashed, copied or forked home repeats: each entry draws its own key."""
    used: list[bytes] = []

    def cipher(key: bytes) -> ChaCha20Poly1305:
        used.append(key)
        return ChaCha20Poly1305(key)

    monkeypatch.setattr(seal, "ChaCha20Poly1305", cipher)
    contents = [_seal(rng, [0]) for _ in range(500 * soak)]
    assert len(set(used)) == len(used) == len(contents)
    slots = [slot for content in contents for slot in content["slots"]]
    assert len({slot[8:40] for slot in slots}) == len(slots)  # nor does an HPKE key
    assert len({content["salt"] for content in contents}) == len(contents)


def test_content_key_is_drawn_and_never_derived() -> None:
    """With every draw the same but the first, the body's key differs: nothing else goes into it."""

    def drawing(first: bytes) -> Callable[[int], bytes]:
        draws = iter([first])
        return lambda count: next(draws, bytes(count))

    public = [keys.device_public(SECRETS[0])]
    one, other = (sealed(ADA, FEED, "post", TEXT, public, [], drawing(bytes([n]) * 16)) for n in (1, 2))
    assert one["salt"] == other["salt"]
    assert one["commit"] != other["commit"]


# --- What is sealed for one use, offered for another (L9) ---

BOUND = ADA + FEED + bytes(48)


def _picture(key: bytes, sealed_bytes: bytes) -> bytes | None:
    try:
        return picture.unseal(sealed_bytes, key)
    except PictureError:
        return None


def _body(key: bytes, sealed_bytes: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(seal._NONCE, sealed_bytes, seal._aad(ADA, FEED, bytes(16), bytes(32)))
    except InvalidTag:
        return None


USES: dict[str, tuple[Callable[[bytes, bytes], bytes], Callable[[bytes, bytes], bytes | None]]] = {
    "body": (
        lambda key, plain: ChaCha20Poly1305(key).encrypt(
            seal._NONCE, plain, seal._aad(ADA, FEED, bytes(16), bytes(32))
        ),
        _body,
    ),
    "picture": (lambda key, plain: picture.seal(plain, key), _picture),
    "slot": (
        lambda key, plain: seal._SUITE.encrypt(plain, keys.load_box_private(key).public_key(), seal._SLOT + BOUND),
        lambda key, given: seal._open_slot(bytes(8) + given, keys.load_box_private(key), seal._SLOT + BOUND),
    ),
    "slot's info without its name": (
        lambda key, plain: seal._SUITE.encrypt(plain, keys.load_box_private(key).public_key(), BOUND),
        lambda key, given: seal._open_slot(bytes(8) + given, keys.load_box_private(key), BOUND),
    ),
}


@pytest.mark.parametrize(("made_for", "offered_for"), list(product(USES, repeat=2)))
def test_what_is_sealed_opens_for_its_use_alone(made_for: str, offered_for: str, rng: Random, soak: int) -> None:
    for _ in range(1000 * soak):
        key, plain = rng.randbytes(32), rng.randbytes(16)
        given_bytes = USES[made_for][0](key, plain)
        assert USES[offered_for][1](key, given_bytes) == (plain if made_for == offered_for else None)


def test_no_two_uses_derive_the_same_secret(rng: Random) -> None:
    for _ in range(200):
        seed = rng.randbytes(32)
        account = keys._derive(seed, b"p2pmicro account 1")
        boxes = [keys._derive(seed, b"p2pmicro box 1" + generation.to_bytes(4)) for generation in range(4)]
        bodies = seal._derive(seed, b"p2pmicro seed 1")  # with the salt of the others, which no entry can have
        assert len({account, *boxes, *bodies}) == 7
