"""Text forms of accounts, feeds and refs: one spelling each. Source: protocol/content.md, "Text forms"."""

import pytest

from p2pmicro import ids
from p2pmicro.errors import LocalError
from p2pmicro.limits import SEQ_MAX
from tests.made import private_key, secret

KEY = bytes(range(32))
TEXT = ids.format_feed(KEY)


def test_did_key_example_of_the_w3c_reads_and_writes() -> None:
    # W3C did:key v0.9, section 7.1, the first Ed25519 example.
    text = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    key = ids.parse_account(text)
    assert key.hex() == "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
    assert ids.format_account(key) == text


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, KEY, private_key("any").public, secret("any")])
def test_any_32_bytes_come_back_from_48_letters(key: bytes) -> None:
    text = ids.format_feed(key)
    assert len(text) == 48
    assert text.startswith("z6Mk")
    assert ids.parse_feed(text) == key
    assert ids.parse_account("did:key:" + text) == key


@pytest.mark.parametrize(
    "text",
    [
        *("", "z", TEXT[1:], TEXT[:-1], TEXT + "1", " " + TEXT, TEXT + "\n", "Z" + TEXT[1:], "f" + TEXT[1:]),
        *(TEXT[:-1] + letter for letter in "0OIl_é\u0661"),
        *("z1" + TEXT[1:-1], "z" + "1" * 47, "z" + "z" * 47, TEXT.upper(), TEXT.lower()),
        ids.format_account(KEY),
    ],
)
def test_other_spellings_of_a_feed_are_refused(text: str) -> None:
    with pytest.raises(LocalError, match="not a feed"):
        ids.parse_feed(text)


def test_key_of_another_kind_is_no_feed() -> None:
    # z6LS… is multicodec x25519-pub (0xec), from the did:key document.
    with pytest.raises(LocalError):
        ids.parse_feed("z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc")


@pytest.mark.parametrize("text", ["", TEXT, "did:key:", "did:key" + TEXT, "DID:KEY:" + TEXT, "did:web:" + TEXT])
def test_other_spellings_of_an_account_are_refused(text: str) -> None:
    with pytest.raises(LocalError, match="not an account"):
        ids.parse_account(text)


@pytest.mark.parametrize("seq", [1, 9, 10, 64, SEQ_MAX])
def test_refs_come_back(seq: int) -> None:
    assert ids.parse_ref(ids.format_ref(KEY, seq)) == (KEY, seq)


@pytest.mark.parametrize(
    "seq",
    ["", "0", "01", "-1", "+1", " 1", "1 ", "1_0", "1.0", "0x1", "١", "²", str(SEQ_MAX + 1), "9" * 11],
)
def test_other_spellings_of_a_seq_are_refused(seq: str) -> None:
    with pytest.raises(LocalError, match="not a ref"):
        ids.parse_ref(f"{TEXT}/{seq}")


@pytest.mark.parametrize("text", ["", "/", "/1", TEXT, TEXT + "/1/1", TEXT[:-1] + "/1"])
def test_other_shapes_of_a_ref_are_refused(text: str) -> None:
    with pytest.raises(LocalError, match="not a ref"):
        ids.parse_ref(text)


def test_what_was_typed_is_repeated_short_and_harmless() -> None:
    with pytest.raises(LocalError) as caught:
        ids.parse_feed("\x1b[31m" + "x" * 1000)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_short_names_of_keys_differ() -> None:
    assert ids.short(KEY) == "…" + TEXT[-8:]
    assert ids.short(private_key("a").public) != ids.short(private_key("b").public)
