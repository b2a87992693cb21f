"""Vectors of public keys, signatures and text forms: protocol/feed.md "Keys", "Signatures"; content.md "Text forms"."""

import json
from collections.abc import Iterator

from p2pmicro.ids import format_account, format_feed

from . import ed25519
from .form import Vector
from .parties import ACCOUNT_A, BOX_A, FEED_A, FEED_B, LOG_A

P = ed25519.P
_ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_ORDER_8_U = (
    0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
)


def _bytes(number: int, top_bit: bool = False) -> bytes:
    return (number | top_bit << 255).to_bytes(32, "little")


def small_order_keys() -> list[bytes]:
    """The 14 encodings of the eight points of small order."""
    numbers = (0, 1, _ORDER_8_Y, P - _ORDER_8_Y, P - 1, P, P + 1)
    return [_bytes(number, top) for number in numbers for top in (False, True)]


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _signing_keys()
    yield from _box_keys()
    yield from _signatures()
    yield from _texts()
    yield from _messages()


def _signing_keys() -> Iterator[Vector]:
    def one(name: str, rule: str, comment: str, key: bytes, expect: str = "entry.key") -> Vector:
        decoded = {"feed": format_feed(key), "account": format_account(key)} if expect == "ok" else None
        return Vector(f"key/{name}", f"feed.md#{rule}", comment, key, expect, {"key": "ed25519"}, key, decoded=decoded)

    yield one("account", "account-derive", "An honest key: account_a.", ACCOUNT_A.public, "ok")
    yield one("highest_y", "key-canonical", "y = p - 2 is the highest that is not refused.", _bytes(P - 2), "ok")
    yield one("no_point", "key-point", "y = 2 belongs to no point: nothing can be signed under it.", _bytes(2), "ok")
    for number, key in enumerate(small_order_keys(), 1):
        yield one(f"small_order_{number:02}", "key-small-order", "One of the 14 encodings of small order.", key)
    for add in (3, 18):
        for top in (False, True):
            name = f"not_canonical_{add}{'_signed' if top else ''}"
            yield one(name, "key-canonical", f"y = p + {add}: a second spelling of {add}.", _bytes(P + add, top))
    yield one("empty", "key-length", "No key at all.", b"")
    yield one("length_31", "key-length", "One byte short.", ACCOUNT_A.public[:31])
    yield one("length_33", "key-length", "One byte over.", ACCOUNT_A.public + b"\0")


def _box_keys() -> Iterator[Vector]:
    def one(name: str, comment: str, key: bytes, expect: str = "entry.key") -> Vector:
        decoded = {"box": key.hex()} if expect == "ok" else None
        return Vector(
            f"key/box_{name}", "feed.md#box-key", comment, key, expect, {"key": "x25519"}, key, decoded=decoded
        )

    yield one("honest", "An honest key: generation 0 of account_a.", BOX_A, "ok")
    yield one("base", "u = 9, the base point.", _bytes(9), "ok")
    yield one("highest_u", "u = p - 2 is the highest that is not refused.", _bytes(P - 2), "ok")
    for number, u in enumerate((0, 1, *_ORDER_8_U, P - 1), 1):
        yield one(f"small_order_{number}", "A shared secret with it is all zeros.", _bytes(u))
    yield one("not_canonical_zero", "u = p: a second spelling of 0.", _bytes(P))
    yield one("not_canonical_nine", "u = p + 9: a second spelling of 9.", _bytes(P + 9))
    yield one("top_bit", "RFC 7748 ignores the top bit: with it set, a second spelling.", _bytes(9, True))
    yield one("length_31", "One byte short.", BOX_A[:31])


def _signatures() -> Iterator[Vector]:
    key, message, good = FEED_A.public, LOG_A.message(2), LOG_A.head(2)

    def one(
        name: str,
        comment: str,
        signature: bytes,
        expect: str = "entry.signature",
        rule: str = "verify",
        key: bytes = key,
        message: bytes = message,
    ) -> Vector:
        given = {"key": key.hex(), "message": message.hex()}
        return Vector(f"signature/{name}", f"feed.md#signature-{rule}", comment, signature, expect, given, signature)

    yield one("head", "The head at 2 of feed_a.", good, "ok")
    for name, rfc_key, rfc_message, rfc_signature in _RFC_8032:
        yield one(
            f"rfc8032_{name}",
            f"From RFC 8032 section 7.1, {name.replace('_', ' ')}.",
            bytes.fromhex(rfc_signature),
            "ok",
            key=bytes.fromhex(rfc_key),
            message=bytes.fromhex(rfc_message),
        )
    yield one("bit_of_r", "A bit of R is flipped.", bytes([good[0] ^ 1]) + good[1:])
    yield one("bit_of_s", "A bit of S is flipped.", good[:32] + bytes([good[32] ^ 1]) + good[33:])
    yield one("bit_of_message", "A bit of the message is flipped.", good, message=message[:-1] + b"\0")
    yield one("empty_message", "An honest signature over nothing.", FEED_A.sign(b""), "ok", message=b"")
    yield one("other_key", "An honest signature by another key.", good, key=FEED_B.public)
    yield one("zeros", "64 zero bytes under an honest key.", bytes(64))
    yield one("length_63", "One byte short.", good[:63])
    yield one("length_65", "One byte over.", good + b"\0")
    yield one("empty", "No signature at all.", b"")
    s = int.from_bytes(good[32:], "little")
    higher = (s + ed25519.L).to_bytes(32, "little")
    yield one(
        "s_plus_l",
        "S + L gives the same point: a second spelling of others' heads.",
        good[:32] + higher,
        rule="encoding",
    )
    yield one("s_is_l", "S = L stands for 0.", _bytes(1) + ed25519.L.to_bytes(32, "little"), rule="encoding")

    # Signatures that only the owner of the key can make, and that libraries judge differently. Secret scalar a, A = aB.
    a, r = ed25519.secret_scalar(_ODD_SECRET), 2**251 + 12345
    honest = ed25519.encode(ed25519.multiply(a, ed25519.BASE))
    torsion = ed25519.decode(_bytes(_ORDER_8_Y))
    assert torsion is not None

    def sign(r_bytes: bytes, r: int, key: bytes) -> bytes:
        s = (r + ed25519.challenge(r_bytes, key, message) * a) % ed25519.L
        return r_bytes + s.to_bytes(32, "little")

    small_r = _bytes(1)
    yield one(
        "small_order_r",
        "R is the identity: its owner thereby gives the key away. It holds.",
        sign(small_r, 0, honest),
        "ok",
        "small-r",
        key=honest,
    )
    yield one(
        "r_not_canonical",
        "R is the identity with y = p + 1: the same point, but other bytes.",
        sign(_bytes(P + 1), 0, honest),
        rule="encoding",
        key=honest,
    )
    mixed_r = ed25519.encode(ed25519.add(ed25519.multiply(r, ed25519.BASE), torsion))
    yield one(
        "cofactor_only_r",
        "R has a part of small order: it holds only if multiplied by the cofactor.",
        sign(mixed_r, r, honest),
        key=honest,
    )
    mixed = ed25519.encode(ed25519.add(ed25519.decode(honest) or ed25519.ZERO, torsion))
    plain_r = ed25519.encode(ed25519.multiply(r, ed25519.BASE))
    yield one(
        "cofactor_only_key",
        "The key has a part of small order: it holds only if multiplied by the cofactor.",
        sign(plain_r, r, mixed),
        key=mixed,
    )
    while ed25519.challenge(plain_r, mixed, message) % 8:
        r += 1
        plain_r = ed25519.encode(ed25519.multiply(r, ed25519.BASE))
    yield one(
        "mixed_order_key",
        "The key has a part of small order, and k is a multiple of 8: it holds.",
        sign(plain_r, r, mixed),
        "ok",
        key=mixed,
    )
    yield one("no_point", "The key belongs to no point of the curve.", good, rule="verify", key=_bytes(2))
    yield one(
        "small_order_key",
        "R and the key are the identity, S is 0: it would hold for every message.",
        _bytes(1) + bytes(32),
        "entry.key",
        key=_bytes(1),
    )
    yield one(
        "small_order_key_spelled_otherwise",
        "The same, the key as y = p + 1: OpenSSL loads it.",
        _bytes(1) + bytes(32),
        "entry.key",
        key=_bytes(P + 1),
    )


_ODD_SECRET = bytes(range(32))
_RFC_8032 = (
    (
        "test_1",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "test_2",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    (
        "test_3",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
)


def _text(name: str, rule: str, form: str, comment: str, text: str, decoded: object = None) -> Vector:
    refused = "local.text" if form == "message" else "local"
    return Vector(
        f"text/{name}",
        f"content.md#{rule}",
        comment,
        text.encode(),
        refused if decoded is None else "ok",
        {"form": form},
        diag=json.dumps(text),
        decoded=decoded,
    )


def _texts() -> Iterator[Vector]:
    public = FEED_A.public
    feed, account = format_feed(public), format_account(ACCOUNT_A.public)
    zeros, ones = bytes(32), b"\xff" * 32
    yield _text("feed", "text-feed", "feed", "feed_a.", feed, public.hex())
    yield _text(
        "feed_lowest", "text-key", "feed", "A refused key has a text form too.", format_feed(zeros), zeros.hex()
    )
    yield _text("feed_highest", "text-key", "feed", "All bits set: still 48 characters.", format_feed(ones), ones.hex())
    yield _text("account", "text-account", "account", "account_a.", account, ACCOUNT_A.public.hex())
    for name, comment, text in (
        ("empty", "No text at all.", ""),
        ("cut", "A character is missing.", feed[:-1]),
        ("longer", "A character too many.", feed + "1"),
        ("zero_padded", "A digit 0 (written 1) in front is a second spelling of the number.", "z1" + feed[1:]),
        ("letter_zero", "0 is no digit of base58btc.", feed[:-1] + "0"),
        ("letter_l", "l is no digit of base58btc.", feed[:-1] + "l"),
        ("letter_fullwidth", "A digit of another script.", feed[:-1] + "\uff12"),
        ("upper_z", "The multibase letter is a small z.", "Z" + feed[1:]),
        ("space_before", "Spaces are no part of it.", " " + feed),
        ("newline_after", "Nor is a newline.", feed + "\n"),
        ("x25519", "The prefix of X25519 keys, 0xec 0x01.", _base58(b"\xec\x01" + public)),
        ("no_prefix", "The 32 bytes without the prefix.", _base58(public)),
        ("overflow", "47 digits that need 35 bytes.", "z" + "z" * 47),
        ("is_account", "An account where a feed is wanted.", "did:key:" + feed),
    ):
        yield _text(f"feed_{name}", "text-feed", "feed", comment, text)
    for name, comment, text in (
        ("is_feed", "A feed where an account is wanted.", account.removeprefix("did:key:")),
        ("upper_case", "The method is in lower case.", "DID:KEY:" + account.removeprefix("did:key:")),
        ("fragment", "A key of a DID document is not the account.", account + "#" + account.removeprefix("did:key:")),
        ("twice", "One prefix is enough.", "did:key:" + account),
        ("other_method", "Another method.", "did:web:" + account.removeprefix("did:key:")),
        ("cut", "A character is missing.", account[:-1]),
    ):
        yield _text(f"account_{name}", "text-account", "account", comment, text)
    for name, comment, seq in (
        ("first", "Entry 1.", 1),
        ("twelve", "Entry 12.", 12),
        ("last", "The last seq.", 2**32 - 1),
    ):
        yield _text(f"ref_{name}", "text-ref", "ref", comment, f"{feed}/{seq}", {"feed": feed, "seq": seq})
    for name, comment, tail in (
        ("no_slash", "A feed where a ref is wanted.", ""),
        ("no_seq", "No digit.", "/"),
        ("seq_0", "Seqs begin at 1.", "/0"),
        ("leading_zero", "A second spelling of 12.", "/012"),
        ("plus", "A second spelling of 12.", "/+12"),
        ("minus", "Seqs begin at 1.", "/-1"),
        ("space", "A second spelling of 12.", "/ 12"),
        ("newline_after", "A second spelling of 12.", "/12\n"),
        ("underscore", "Python's int() takes it.", "/1_2"),
        ("arabic_digits", "Digits of another script.", "/\u0661\u0662"),
        ("superscript", "A digit that is none.", "/\u00b2"),
        ("hexadecimal", "Only decimal.", "/0x12"),
        ("fraction", "Only whole numbers.", "/12.0"),
        ("over_last", "One over the last seq.", "/4294967296"),
        ("slash_after", "Nothing after the digits.", "/12/"),
    ):
        yield _text(f"ref_{name}", "text-ref", "ref", comment, feed + tail)
    yield _text("ref_of_account", "text-ref", "ref", "A ref names a feed, not an account.", account + "/12")


def _messages() -> Iterator[Vector]:
    smile = "\U0001f600"
    for name, rule, comment, text, sent in (
        ("plain", "text-nfc", "As it is.", "Hello", "Hello"),
        ("nfc", "text-nfc", "A letter and an accent become one.", "e\u0301", "\u00e9"),
        ("nfc_not_nfkc", "text-nfc", "Compatibility characters stay.", "\ufb01 \u2460", "\ufb01 \u2460"),
        ("crlf", "text-newlines", "Two characters become one.", "a\r\nb", "a\nb"),
        ("newlines", "text-controls", "Newlines stay.", "a\n\nb", "a\n\nb"),
        ("spaces_around", "text-empty", "Spaces are kept as they are.", " a ", " a "),
        ("length_140", "text-length", "At the limit: 560 bytes.", smile * 140, smile * 140),
        ("length_after_nfc", "text-length", "280 code points as typed, 140 as sent.", "e\u0301" * 140, "\u00e9" * 140),
        ("length_after_crlf", "text-length", "141 as typed, 140 as sent.", "a" * 139 + "\r\n", "a" * 139 + "\n"),
        (
            "joined_emoji",
            "text-length",
            "Five code points that look like one character.",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        ),
        ("bidi", "text-controls", "Format characters are no control characters.", "a\u202eb", "a\u202eb"),
    ):
        yield _text(f"message_{name}", rule, "message", comment, text, sent)
    for name, rule, comment, text in (
        ("empty", "text-empty", "Nothing to send.", ""),
        ("spaces", "text-empty", "Nothing to see.", " \n\u3000\u00a0"),
        ("length_141", "text-length", "One over.", "a" * 141),
        ("length_141_emoji", "text-length", "One over, 4 bytes each.", smile * 141),
        ("length_grows", "text-length", "NFC can make a text longer: 70 as typed, 210 as sent.", "\U0001d160" * 70),
        ("bell", "text-controls", "U+0007.", "a\x07"),
        ("nul", "text-controls", "U+0000.", "a\0b"),
        ("tab", "text-controls", "U+0009.", "a\tb"),
        ("lone_cr", "text-controls", "Only CR LF is a newline.", "a\rb"),
        ("delete", "text-controls", "U+007F.", "a\x7f"),
        ("next_line", "text-controls", "U+0085, of the second set of controls.", "a\x85b"),
        ("escape", "text-controls", "What could begin a terminal's colours.", "\x1b[31mred"),
    ):
        yield _text(f"message_{name}", rule, "message", comment, text)


def _base58(data: bytes) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, letters = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        letters = alphabet[digit] + letters
    return "z" + letters
