"""Names of things: accounts, feeds, entries, and their one text form.

An account is written `did:key:z6Mk…` (W3C did:key), a feed `z6Mk…` (the same multibase key without the method), and
a ref `z6Mk…/SEQ`. Source: protocol/content.md, "Text forms".
"""

from typing import NamedTuple, NewType

from .errors import LocalError
from .limits import SEQ_MAX

AccountId = NewType("AccountId", bytes)
"""32 bytes: an Ed25519 public key that names a person."""
FeedId = NewType("FeedId", bytes)
"""32 bytes: an Ed25519 public key made for one install."""
EntryId = NewType("EntryId", bytes)
"""32 bytes that name an entry and everything before it."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {letter: value for value, letter in enumerate(_ALPHABET)}
_ED25519_PUB = b"\xed\x01"  # multicodec ed25519-pub as an unsigned varint
_KEY_TEXT_LENGTH = 48  # "z" and 47 letters, for any key: the prefix fixes the number of digits
_DID_PREFIX = "did:key:"


class Ref(NamedTuple):
    """How an entry points at another; a named tuple, since a thread of 500 hashes thousands of them."""

    feed: FeedId  # 32 bytes
    seq: int  # 1 and up
    id: EntryId  # 32 bytes


def format_feed(feed: bytes) -> str:
    """Write a 32-byte key as multibase base58btc with its multicodec prefix: 48 letters that begin with z6Mk."""
    number = int.from_bytes(_ED25519_PUB + feed)
    letters = []
    while number:
        number, digit = divmod(number, 58)
        letters.append(_ALPHABET[digit])
    return "z" + "".join(reversed(letters))


def parse_feed(text: str) -> FeedId:
    """Read what `format_feed` writes, in that one spelling.

    Raises:
        LocalError: anything else.
    Source: protocol/content.md, "Text forms".
    """
    if len(text) == _KEY_TEXT_LENGTH and text[0] == "z":
        number = 0
        for letter in text[1:]:
            digit = _DIGITS.get(letter)
            if digit is None:
                break
            number = number * 58 + digit
        else:
            raw = number.to_bytes(35)
            # 35 bytes hold any 47 digits; the leading zero, the prefix and the way back make the spelling unique.
            if raw[:1] == b"\0" and raw[1:3] == _ED25519_PUB and format_feed(raw[3:]) == text:
                return FeedId(raw[3:])
    raise LocalError(f"This is not a feed: {_short(text)}. A feed is 48 letters and digits that begin with z6Mk.")


def format_account(account: bytes) -> str:
    """Write an account as did:key. Source: W3C did:key v0.9, section 3.1.2."""
    return _DID_PREFIX + format_feed(account)


def parse_account(text: str) -> AccountId:
    """Read what `format_account` writes, in that one spelling; whether the key may be used is `keys.check_public_key`.

    Raises:
        LocalError: anything else.
    Source: protocol/content.md, "Text forms".
    """
    if text.startswith(_DID_PREFIX):
        try:
            return AccountId(parse_feed(text.removeprefix(_DID_PREFIX)))
        except LocalError:
            pass
    raise LocalError(f"This is not an account: {_short(text)}. An account looks like did:key:z6Mk… (56 characters).")


def format_ref(feed: bytes, seq: int) -> str:
    """Write where an entry stands: `z6Mk…/SEQ`."""
    return f"{format_feed(feed)}/{seq}"


def parse_ref(text: str) -> tuple[FeedId, int]:
    """Read what `format_ref` writes, in that one spelling: the feed and the seq (1 and up).

    Raises:
        LocalError: anything else.
    Source: protocol/content.md, "Text forms".
    """
    feed_text, slash, seq_text = text.partition("/")
    # str.isdigit alone takes digits of every script, and int() takes signs, spaces and leading zeros.
    if slash and seq_text.isascii() and seq_text.isdigit() and seq_text[0] != "0" and len(seq_text) <= 10:
        seq = int(seq_text)
        if seq <= SEQ_MAX:
            try:
                return parse_feed(feed_text), seq
            except LocalError:
                pass
    raise LocalError(f"This is not a ref: {_short(text)}. A ref looks like z6Mk…/12, as `p2pmicro timeline` shows it.")


def parse_short_ref(text: str) -> tuple[str, int] | None:
    """Read a ref whose feed is given by its last letters alone (4 to 47): `…abcdefgh/12`, also without the dots."""
    ending, slash, seq_text = text.removeprefix("…").removeprefix("...").partition("/")
    if not slash or not 4 <= len(ending) < _KEY_TEXT_LENGTH or not all(letter in _DIGITS for letter in ending):
        return None
    if seq_text.isascii() and seq_text.isdigit() and seq_text[0] != "0" and len(seq_text) <= 10:
        seq = int(seq_text)
        return (ending, seq) if seq <= SEQ_MAX else None
    return None


def ends_with(key: bytes, letters: str) -> bool:
    """Whether a key's text form ends so: some base 58 digits, compared without writing the form."""
    number = 0
    for letter in letters:
        number = number * 58 + _DIGITS[letter]
    return int.from_bytes(_ED25519_PUB + key) % int(58 ** len(letters)) == number


def short(key: bytes) -> str:
    """The last eight letters of a key's text form, for logs and narrow columns: the first ones are alike in all."""
    return "…" + format_feed(key)[-8:]


def _short(text: str) -> str:
    """Repeat what a person typed, harmless and short."""
    return repr(text if len(text) <= 60 else text[:59] + "…")
