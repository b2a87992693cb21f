"""Keys and signatures. Source: protocol/feed.md, "Keys" and "Signatures"."""

import pytest

from p2pmicro import keys
from p2pmicro.errors import BadKeyError, EntryError, LocalError, SignatureError
from p2pmicro.keys import PrivateKey
from tests.made import flipped, private_key, secret

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_Y = (0, 1, P - 1, ORDER_8_Y, P - ORDER_8_Y)
SMALL_ORDER = [(y + sign * 2**255).to_bytes(32, "little") for y in (*SMALL_Y, P, P + 1) for sign in (0, 1)]
"""The 14 encodings of points of small order: five y, two of which have a second spelling, with both signs."""
NOT_CANONICAL = [(P + more + sign * 2**255).to_bytes(32, "little") for more in range(2, 19) for sign in (0, 1)]
LOW_ORDER_BOX = [
    u.to_bytes(32, "little")
    for u in (
        *(0, 1, P - 1, P, P + 1),
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    )
]
"""The seven of https://cr.yp.to/ecdh.html that fit 255 bits."""
KEY = private_key("signs")
SIGNATURE = KEY.sign(b"hello")


def test_rfc_8032_first_example_signs_and_verifies() -> None:
    # RFC 8032 section 7.1, TEST 1.
    key = PrivateKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert key.sign(b"") == signature
    keys.verify(key.public, b"", signature)


def test_key_never_shows_itself() -> None:
    hidden = secret("signs").hex()
    assert hidden not in repr(KEY)
    assert hidden not in str(KEY)
    assert not hasattr(KEY, "__dict__")


@pytest.mark.parametrize("bit", range(0, 512, 17))
def test_signature_with_one_bit_turned_is_refused(bit: int) -> None:
    with pytest.raises(SignatureError):
        keys.verify(KEY.public, b"hello", flipped(SIGNATURE, bit))


def test_signature_of_another_message_or_key_is_refused() -> None:
    with pytest.raises(SignatureError):
        keys.verify(KEY.public, b"hellO", SIGNATURE)
    with pytest.raises(SignatureError):
        keys.verify(private_key("other").public, b"hello", SIGNATURE)


def test_signature_with_s_of_l_or_more_is_refused() -> None:
    s = int.from_bytes(SIGNATURE[32:], "little")
    with pytest.raises(SignatureError):
        keys.verify(KEY.public, b"hello", SIGNATURE[:32] + (s + L).to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(SignatureError):
        keys.verify(KEY.public, b"hello", (SIGNATURE * 2)[:length])


def test_there_are_fourteen_keys_of_small_order() -> None:
    assert len(set(SMALL_ORDER)) == 14


@pytest.mark.parametrize("key", SMALL_ORDER + NOT_CANONICAL, ids=bytes.hex)
def test_key_of_small_order_or_second_spelling_is_refused(key: bytes) -> None:
    with pytest.raises(BadKeyError):
        keys.check_public_key(key)
    with pytest.raises(BadKeyError):
        keys.verify(key, b"hello", SIGNATURE)


@pytest.mark.parametrize(
    "y", [2, 255, 2**248, P - 2, P - 237, *(y + by for y in SMALL_Y[3:] for by in (-1, 1, 2**248))]
)
def test_keys_beside_refused_ones_are_taken(y: int) -> None:
    for sign in (0, 1):
        keys.check_public_key((y + sign * 2**255).to_bytes(32, "little"))


def test_identity_key_does_not_let_one_signature_fit_all() -> None:
    identity = (1).to_bytes(32, "little")
    everywhere = identity + bytes(32)  # R = the identity, S = 0: OpenSSL says yes to every message
    with pytest.raises(BadKeyError):
        keys.verify(identity, b"any message", everywhere)


@pytest.mark.parametrize("key", LOW_ORDER_BOX, ids=bytes.hex)
def test_encryption_key_of_low_order_is_refused(key: bytes) -> None:
    with pytest.raises(BadKeyError):
        keys.check_box_key(key)
    with pytest.raises(BadKeyError):
        keys.check_box_key(flipped(key, 255))


@pytest.mark.parametrize("u", [2, 9, P - 2])
def test_encryption_key_has_one_spelling(u: int) -> None:
    keys.check_box_key(u.to_bytes(32, "little"))
    with pytest.raises(BadKeyError):
        keys.check_box_key((u + 2**255).to_bytes(32, "little"))  # the masked bit
    with pytest.raises(BadKeyError):
        keys.check_box_key((P + u % 19).to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length_are_refused(length: int) -> None:
    for check in (keys.check_public_key, keys.check_box_key):
        with pytest.raises(BadKeyError):
            check((KEY.public * 2)[:length])
    with pytest.raises(EntryError):
        keys.verify((KEY.public * 2)[:length], b"hello", SIGNATURE)


def test_key_that_is_no_point_of_the_curve_is_refused_by_verify() -> None:
    key = (2).to_bytes(32, "little")  # no x fits y = 2
    with pytest.raises(SignatureError):
        keys.verify(key, b"hello", SIGNATURE)


def test_honest_keys_are_taken() -> None:
    for number in range(50):
        keys.check_public_key(private_key(str(number)).public)
        keys.check_box_key(keys.device_public(secret(str(number))))


def test_seed_gives_the_same_keys_each_time_and_each_use_its_own() -> None:
    seed = bytes(range(32))
    assert keys.account_key(seed).public == keys.account_key(seed).public
    made = {keys.account_key(seed).public, *(keys.box_public(seed, generation) for generation in (0, 1, 2**32 - 1))}
    assert len(made) == 4
    assert keys.account_key(seed).public != PrivateKey(seed).public


def test_box_keys_of_two_people_agree_on_a_secret() -> None:
    one, other = keys.box_key(secret("a"), 0), keys.box_key(secret("b"), 3)
    assert one.exchange(other.public_key()) == other.exchange(one.public_key())
    assert one.public_key().public_bytes_raw() == keys.box_public(secret("a"), 0)


def test_seed_goes_through_24_words() -> None:
    # BIP 39 test vectors of trezor/python-mnemonic: 32 bytes of zero.
    assert keys.seed_words(bytes(32)) == ["abandon"] * 23 + ["art"]
    words = keys.seed_words(secret("seed"))
    assert len(words) == 24
    assert keys.parse_seed_words(" ".join(words)) == secret("seed")
    assert keys.parse_seed_words("  " + "\n".join(words).upper()) == secret("seed")


@pytest.mark.parametrize("text", ["", "abandon", "abandon " * 24, "abandon " * 23 + "arts", "abandon " * 25, "é " * 24])
def test_wrong_words_are_refused(text: str) -> None:
    with pytest.raises(LocalError, match=r"[Rr]ecovery words"):
        keys.parse_seed_words(text)


def test_words_of_shorter_seeds_are_refused() -> None:
    with pytest.raises(LocalError, match="24"):
        keys.parse_seed_words("abandon " * 11 + "about")  # 16 bytes of zero, valid BIP 39
