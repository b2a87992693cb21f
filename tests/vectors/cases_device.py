"""Vectors of device proofs: protocol/feed.md, "Devices"."""

from collections.abc import Iterator
from typing import Any

from p2pmicro import cbor
from p2pmicro.feed.chain import Link
from p2pmicro.feed.device import check_device_proof
from p2pmicro.feed.wire import parse_device_proof
from p2pmicro.ids import AccountId, EntryId, FeedId, format_account, format_feed
from p2pmicro.keys import PrivateKey

from .cases_range import flipped
from .form import Vector
from .parties import (
    ACCOUNT_A,
    ACCOUNT_B,
    BOTH,
    ENTRY_1,
    FEED_A,
    FEED_B,
    HELLO,
    LOG_A,
    SMALL,
    START_MS,
    Log,
    device_content,
    device_message,
    log,
    payload,
    revoke_message,
)

_P = 2**255 - 19


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _devices()


def _proof(content: Any, key: PrivateKey = FEED_A, time_ms: int = START_MS) -> Any:
    """A device proof of a content, with an honest head by a feed key."""
    first = log(key, payload("device", content, time_ms))
    return [first.payload(1), first.head(1)]


def _device(
    name: str,
    rule: str,
    comment: str,
    value: Any,
    expect: str = "ok",
    feed: bytes | None = None,
    account: bytes | None = None,
    signed: Any = (),
) -> Vector:
    given = {}
    if feed is not None:
        given["feed"] = format_feed(feed)
    if account is not None:
        given["account"] = format_account(account)
    decoded = decoded_device(value, feed, account) if expect == "ok" else None
    return Vector(
        f"device/{name}",
        f"feed.md#{rule}",
        comment,
        cbor.encode(value),
        expect,
        given,
        value,
        decoded=decoded,
        signed=signed,
    )


def decoded_device(value: Any, feed: bytes | None, account: bytes | None) -> dict[str, Any]:
    """What a reader finds in a good device proof."""
    found = check_device_proof(
        parse_device_proof(value),
        FeedId(feed) if feed is not None else None,
        AccountId(account) if account is not None else None,
    )
    return {
        "feed": format_feed(found.feed),
        "account": format_account(found.account),
        "device": found.device_key.hex(),
        "box": found.box_key.hex(),
        "gen": found.generation,
    }


def _devices() -> Iterator[Vector]:
    good = [ENTRY_1, LOG_A.head(1)]
    content = device_content()
    signed = (("device", ACCOUNT_A.public, device_message(content), content["sig"]), *LOG_A.signed(1))
    yield _device("good", "device-first", "feed_a is account_a's.", good, signed=signed)
    yield _device(
        "good_expected",
        "device-expected",
        "The receiver knew the feed and the account.",
        good,
        feed=FEED_A.public,
        account=ACCOUNT_A.public,
        signed=signed,
    )
    yield _device(
        "second_feed",
        "device-account",
        "Another install of the same account.",
        _proof(device_content(feed=FEED_B.public), FEED_B),
    )
    yield _device("gen_max", "device-readable", "At the limit.", _proof(device_content(gen=2**32 - 1)))
    wider = device_content(colour=7)
    yield _device(
        "unknown_key",
        "device-account",
        "An unknown key is under the account's signature.",
        _proof(wider),
        signed=(("device", ACCOUNT_A.public, device_message(wider), wider["sig"]),),
    )

    for name, comment, value in (
        ("array_of_1", "The head is missing.", good[:1]),
        ("array_of_3", "A field too many.", [*good, None]),
        ("payload_map", "The payload is a byte string.", [content, good[1]]),
        ("signature_63", "One byte short.", [good[0], good[1][:63]]),
    ):
        yield _device(f"shape_{name}", "wire-shape", comment, value, "entry.encoding")
    yield _device("payload_0", "device-size", "Nothing is no payload.", [b"", good[1]], "entry.size")
    yield _device("payload_8193", "device-size", "One over.", [bytes(8193), good[1]], "entry.size")

    post = log(FEED_A, HELLO)
    refused = "entry.device"
    yield _device("post", "device-readable", "A feed that begins with a post.", [HELLO, post.head(1)], refused)
    yield _device(
        "not_cbor",
        "device-readable",
        "A feed that begins with noise.",
        [b"\xff", log(FEED_A, b"\xff").head(1)],
        refused,
    )
    extra = ENTRY_1 + b"\0"
    yield _device(
        "bytes_left_over", "device-readable", "Entry 1 and one byte more.", [extra, log(FEED_A, extra).head(1)], refused
    )
    new: dict[str, Any] = {"!new": 1}
    critical = device_content(**new)
    yield _device(
        "critical_key", "device-readable", "What this version can't read proves nothing.", _proof(critical), refused
    )
    for field in ("feed", "account", "device", "box", "gen"):
        yield _device(
            f"no_{field}",
            "device-readable",
            "A field is missing, and both have signed that.",
            _proof(device_content(without=field)),
            refused,
        )
    yield _device(
        "no_sig", "device-readable", "The account has not signed.", _proof(device_content(without="sig")), refused
    )
    yield _device(
        "feed_small_order",
        "device-readable",
        "A feed that anybody could sign for.",
        [payload("device", device_content(feed=SMALL)), SMALL + bytes(32)],
        refused,
    )
    everyone = {**device_content(), "account": SMALL, "sig": SMALL + bytes(32)}
    yield _device(
        "account_small_order",
        "device-readable",
        "An account that anybody could sign for: this signature fits every message.",
        _proof(everyone),
        refused,
    )
    spelled = {**everyone, "account": (_P + 1).to_bytes(32, "little")}
    yield _device(
        "account_not_canonical", "device-readable", "The same account, spelled otherwise.", _proof(spelled), refused
    )
    yield _device(
        "device_small_order",
        "device-readable",
        "Whatever is sealed to it, everybody can open.",
        _proof(device_content(device=bytes(32))),
        refused,
    )
    yield _device(
        "box_small_order",
        "device-readable",
        "Whatever is sealed to it, everybody can open.",
        _proof(device_content(box=SMALL)),
        refused,
    )
    yield _device(
        "box_not_canonical",
        "device-readable",
        "A second spelling of a key.",
        _proof(device_content(box=(_P + 9).to_bytes(32, "little"))),
        refused,
    )
    yield _device("gen_over", "device-readable", "One over.", _proof(device_content(gen=2**32)), refused)
    yield _device(
        "other_feed",
        "device-expected",
        "An honest proof, of another feed than the one that it came for.",
        good,
        refused,
        feed=FEED_B.public,
    )
    yield _device(
        "other_account",
        "device-expected",
        "An honest proof, of another account than the one that was claimed.",
        good,
        refused,
        account=ACCOUNT_B.public,
    )

    wrong = "entry.signature"
    yield _device(
        "account_signature_changed",
        "device-account",
        "One bit.",
        _proof({**content, "sig": flipped(content["sig"])}),
        wrong,
    )
    forged = {**content, "account": ACCOUNT_B.public}
    yield _device("account_claimed", "device-account", "feed_a claims to be account_b's.", _proof(forged), wrong)
    by_other = {**content, "sig": ACCOUNT_B.sign(device_message(content))}
    yield _device(
        "account_signature_by_other", "device-account", "account_b signs for account_a.", _proof(by_other), wrong
    )
    by_feed = {**content, "sig": FEED_A.sign(device_message(content))}
    yield _device(
        "account_signature_by_feed", "device-account", "The feed signs for its account.", _proof(by_feed), wrong
    )
    yield _device(
        "gen_changed",
        "device-account",
        "The feed changes what the account has signed.",
        _proof({**content, "gen": 1}),
        wrong,
    )
    yield _device(
        "box_changed",
        "device-account",
        "The feed puts in another box key.",
        _proof({**content, "box": content["device"]}),
        wrong,
    )
    yield _device(
        "key_added",
        "device-account",
        "The feed adds a key after the account has signed.",
        _proof({**content, "colour": 7}),
        wrong,
    )
    yield _device(
        "feed_claimed",
        "device-feed",
        "account_a signs for feed_b, which does not consent.",
        _proof(device_content(feed=FEED_B.public), FEED_A),
        wrong,
    )
    yield _device("head_changed", "device-feed", "One bit.", [ENTRY_1, flipped(LOG_A.head(1), 33)], wrong)
    yield _device("head_at_2", "device-feed", "An honest head, but of entry 2.", [ENTRY_1, LOG_A.head(2)], wrong)
    off = Log(FEED_A, Link(0, EntryId(bytes(32))), [ENTRY_1])
    yield _device(
        "head_not_from_genesis",
        "device-feed",
        "Signed over an id that does not begin at id(0).",
        [ENTRY_1, off.head(1)],
        wrong,
    )
    later = payload("device", content, START_MS)
    yield _device("time_changed", "device-feed", "The time is under the head.", [later, LOG_A.head(1)], wrong)

    both = device_content(BOTH, BOTH.public)
    first = log(BOTH, payload("device", both))
    head_1, revoke_1 = first.message(1), revoke_message(BOTH.public, 1, first.id(1))
    yield _device(
        "use_head_for_device",
        "device-account",
        "One key is feed and account: a head offered as the device's signature.",
        _proof({**both, "sig": BOTH.sign(head_1)}, BOTH),
        wrong,
    )
    yield _device(
        "use_revoke_for_device",
        "device-account",
        "The same with a revoke.",
        _proof({**both, "sig": BOTH.sign(revoke_1)}, BOTH),
        wrong,
    )
    yield _device(
        "use_device_for_head",
        "device-feed",
        "The signature of the device offered as the head.",
        [first.payload(1), both["sig"]],
        wrong,
    )
    yield _device(
        "use_revoke_for_head",
        "device-feed",
        "A revoke at the same place offered as the head.",
        [first.payload(1), BOTH.sign(revoke_1)],
        wrong,
    )
