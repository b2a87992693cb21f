"""Vectors of device proofs, forks and revokes: protocol/feed.md, "Devices" to "Revokes"."""

from collections.abc import Iterator
from typing import Any

from p2pmicro import cbor
from p2pmicro.feed.chain import Link
from p2pmicro.feed.device import check_device_proof, check_revoke
from p2pmicro.feed.fork import check_fork_proof
from p2pmicro.feed.wire import parse_device_proof, parse_fork_proof, parse_revoke
from p2pmicro.ids import AccountId, EntryId, FeedId, format_account, format_feed
from p2pmicro.keys import PrivateKey

from .cases_chain import changed, flipped
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
    START_MS,
    Log,
    device_content,
    device_message,
    head_message,
    log,
    payload,
    revoke_message,
)

SEQ_MAX = 2**32 - 1
_SMALL = bytes([1]) + bytes(31)
_P = 2**255 - 19


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _devices()
    yield from _forks()
    yield from _revokes()


# --- Device proofs ---


def _proof(content: Any, key: PrivateKey = FEED_A, time_ms: int = START_MS) -> Any:
    """A device proof of a content, with an honest head by a feed key."""
    first = log(key, payload("device", content, time_ms))
    return [first.payload(1), first.head(1)]


def _device(
    name: str, rule: str, comment: str, value: Any, expect: str = "ok",
    feed: bytes | None = None, account: bytes | None = None, signed: Any = (),
) -> Vector:  # fmt: skip
    given = {}
    if feed is not None:
        given["feed"] = format_feed(feed)
    if account is not None:
        given["account"] = format_account(account)
    decoded = decoded_device(value, feed, account) if expect == "ok" else None
    return Vector(
        f"device/{name}", f"feed.md#{rule}", comment, cbor.encode(value), expect, given, value,
        decoded=decoded, signed=signed,
    )  # fmt: skip


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
    yield _device("good_expected", "device-expected", "The receiver knew the feed and the account.", good,
                  feed=FEED_A.public, account=ACCOUNT_A.public, signed=signed)  # fmt: skip
    yield _device("second_feed", "device-account", "Another install of the same account.", _proof(device_content(feed=FEED_B.public), FEED_B))
    yield _device("gen_max", "device-readable", "At the limit.", _proof(device_content(gen=2**32 - 1)))
    wider = device_content(colour=7)
    yield _device("unknown_key", "device-account", "An unknown key is under the account's signature.", _proof(wider),
                  signed=(("device", ACCOUNT_A.public, device_message(wider), wider["sig"]),))  # fmt: skip

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
    yield _device("not_cbor", "device-readable", "A feed that begins with noise.", [b"\xff", log(FEED_A, b"\xff").head(1)], refused)
    extra = ENTRY_1 + b"\0"
    yield _device("bytes_left_over", "device-readable", "Entry 1 and one byte more.", [extra, log(FEED_A, extra).head(1)], refused)
    critical = device_content(**{"!new": 1})
    yield _device("critical_key", "device-readable", "What this version can't read proves nothing.", _proof(critical), refused)
    for field in ("feed", "account", "device", "box", "gen"):
        yield _device(f"no_{field}", "device-readable", "A field is missing, and both have signed that.", _proof(device_content(without=field)), refused)
    yield _device("no_sig", "device-readable", "The account has not signed.", _proof(device_content(without="sig")), refused)
    yield _device("feed_small_order", "device-readable", "A feed that anybody could sign for.",
                  [payload("device", device_content(feed=_SMALL)), _SMALL + bytes(32)], refused)  # fmt: skip
    everyone = {**device_content(), "account": _SMALL, "sig": _SMALL + bytes(32)}
    yield _device("account_small_order", "device-readable", "An account that anybody could sign for: this signature fits every message.", _proof(everyone), refused)
    spelled = {**everyone, "account": (_P + 1).to_bytes(32, "little")}
    yield _device("account_not_canonical", "device-readable", "The same account, spelled otherwise.", _proof(spelled), refused)
    yield _device("device_small_order", "device-readable", "Whatever is sealed to it, everybody can open.", _proof(device_content(device=bytes(32))), refused)
    yield _device("box_small_order", "device-readable", "Whatever is sealed to it, everybody can open.", _proof(device_content(box=_SMALL)), refused)
    yield _device("box_not_canonical", "device-readable", "A second spelling of a key.", _proof(device_content(box=(_P + 9).to_bytes(32, "little"))), refused)
    yield _device("gen_over", "device-readable", "One over.", _proof(device_content(gen=2**32)), refused)
    yield _device("other_feed", "device-expected", "An honest proof, of another feed than the one that it came for.", good, refused, feed=FEED_B.public)
    yield _device("other_account", "device-expected", "An honest proof, of another account than the one that was claimed.", good, refused, account=ACCOUNT_B.public)

    wrong = "entry.signature"
    yield _device("account_signature_changed", "device-account", "One bit.", _proof({**content, "sig": flipped(content["sig"])}), wrong)
    forged = {**content, "account": ACCOUNT_B.public}
    yield _device("account_claimed", "device-account", "feed_a claims to be account_b's.", _proof(forged), wrong)
    by_other = {**content, "sig": ACCOUNT_B.sign(device_message(content))}
    yield _device("account_signature_by_other", "device-account", "account_b signs for account_a.", _proof(by_other), wrong)
    by_feed = {**content, "sig": FEED_A.sign(device_message(content))}
    yield _device("account_signature_by_feed", "device-account", "The feed signs for its account.", _proof(by_feed), wrong)
    yield _device("gen_changed", "device-account", "The feed changes what the account has signed.", _proof({**content, "gen": 1}), wrong)
    yield _device("box_changed", "device-account", "The feed puts in another box key.", _proof({**content, "box": content["device"]}), wrong)
    yield _device("key_added", "device-account", "The feed adds a key after the account has signed.", _proof({**content, "colour": 7}), wrong)
    yield _device("feed_claimed", "device-feed", "account_a signs for feed_b, which does not consent.", _proof(device_content(feed=FEED_B.public), FEED_A), wrong)
    yield _device("head_changed", "device-feed", "One bit.", [ENTRY_1, flipped(LOG_A.head(1), 33)], wrong)
    yield _device("head_at_2", "device-feed", "An honest head, but of entry 2.", [ENTRY_1, LOG_A.head(2)], wrong)
    off = Log(FEED_A, Link(0, EntryId(bytes(32))), [ENTRY_1])
    yield _device("head_not_from_genesis", "device-feed", "Signed over an id that does not begin at id(0).", [ENTRY_1, off.head(1)], wrong)
    later = payload("device", content, START_MS)
    yield _device("time_changed", "device-feed", "The time is under the head.", [later, LOG_A.head(1)], wrong)

    both = device_content(BOTH, BOTH.public)
    first = log(BOTH, payload("device", both))
    head_1, revoke_1 = first.message(1), revoke_message(BOTH.public, 1, first.id(1))
    yield _device("use_head_for_device", "device-account", "One key is feed and account: a head offered as its signature of the device.",
                  _proof({**both, "sig": BOTH.sign(head_1)}, BOTH), wrong)  # fmt: skip
    yield _device("use_revoke_for_device", "device-account", "The same with a revoke.", _proof({**both, "sig": BOTH.sign(revoke_1)}, BOTH), wrong)
    yield _device("use_device_for_head", "device-feed", "The signature of the device offered as the head.", [first.payload(1), both["sig"]], wrong)
    yield _device("use_revoke_for_head", "device-feed", "A revoke at the same place offered as the head.", [first.payload(1), BOTH.sign(revoke_1)], wrong)


# --- Forks ---


def _branch(after: int, *texts: str) -> Log:
    """Another branch of feed_a after one of its entries."""
    return log(FEED_A, *LOG_A.payloads[:after], *[payload("post", {"text": text}) for text in texts])


def _proof_of(d: int, one: Any, other: Any, swap: bool = False) -> Any:
    """A fork proof of feed_a at d with sides from (log, last) pairs, in order or not."""
    pairs = sorted((one, other), key=lambda pair: pair[0].id(d), reverse=swap)
    sides = [branch.side(d, last) for branch, last in pairs]
    return [FEED_A.public, d - 1, LOG_A.id(d - 1), *sides]


def _fork(name: str, rule: str, comment: str, value: Any, expect: str = "ok", signed: Any = ()) -> Vector:
    decoded = decoded_fork(value) if expect == "ok" else None
    return Vector(
        f"fork/{name}", f"feed.md#{rule}", comment, cbor.encode(value), expect, {}, value, decoded=decoded, signed=signed
    )


def decoded_fork(value: Any) -> dict[str, Any]:
    """What a reader finds in a good fork proof."""
    proof = parse_fork_proof(value)
    return {"feed": format_feed(proof.feed), "seq": proof.seq, "ids": [found.hex() for found in check_fork_proof(proof)]}


def _forks() -> Iterator[Vector]:
    two = _branch(1, "Bye")
    good = _proof_of(2, (LOG_A, 2), (two, 2))
    yield _fork("good", "fork-ids", "Two different entries 2.", good, signed=[*sorted_signed(LOG_A, two, 2)])
    restart = log(FEED_A, payload("device", device_content(), START_MS))
    yield _fork("at_1", "fork-start", "Two different entries 1: d is 1.", _proof_of(1, (LOG_A, 1), (restart, 1)))
    longer = _branch(1, "Bye", "Really", "Now")
    yield _fork("sides_unequal", "fork-side", "Each side goes to its own next head.", _proof_of(2, (LOG_A, 5), (longer, 4)))
    page = _branch(64, *[f"Other {n}" for n in range(65, 129)])
    yield _fork("sides_64", "fork-side", "At the limit: both from 65 to the page end.", _proof_of(65, (LOG_A, 128), (page, 128)))
    at_end = _branch(63, "Other 64")
    yield _fork("at_page_end", "fork-side", "d is a page end: one hole each.", _proof_of(64, (LOG_A, 64), (at_end, 64)))
    one_payload = Log(FEED_A, Link(SEQ_MAX - 1, EntryId(bytes(32))), [HELLO])
    other_payload = Log(FEED_A, one_payload.before, [payload("post", {"text": "Bye"})])
    late = sorted((one_payload, other_payload), key=lambda branch: branch.id(SEQ_MAX))
    at_last = [FEED_A.public, SEQ_MAX - 1, bytes(32), *[branch.side(SEQ_MAX, SEQ_MAX) for branch in late]]
    yield _fork("at_last_seq", "seq-range", "At the limit.", at_last)

    for name, comment, value in (
        ("array_of_4", "A side is missing.", good[:4]),
        ("array_of_6", "Three branches are two proofs.", [*good, good[3]]),
        ("side_empty", "A side of nothing.", changed(good, 3, 0, [])),
        ("side_65", "One over.", changed(good, 3, 0, good[3][0] * 65)),
        ("side_payload", "Holes only: a proof shows no content.", changed(good, 3, 0, 0, HELLO)),
        ("signature_63", "One byte short.", changed(good, 3, 1, bytes(63))),
    ):
        yield _fork(f"shape_{name}", "wire-shape", comment, value, "entry.encoding")
    yield _fork("length_0", "payload-size", "A hole of nothing.", changed(good, 3, 0, 0, 0, 0), "entry.size")
    yield _fork("length_8193", "payload-size", "One over.", changed(good, 4, 0, 0, 0, 8193), "entry.size")
    over = _branch(63, "Other 64", "Other 65")
    yield _fork("side_over_page_end", "fork-side", "A side ends at 65, and there is a head at 64.", _proof_of(64, (LOG_A, 65), (over, 64)), "entry.size")
    yield _fork("seq_over", "fork-side", "d is one over the last seq.", changed(good, 1, SEQ_MAX), "entry.seq")
    yield _fork("side_over_last_seq", "fork-side", "A side goes one over the last seq.",
                changed(at_last, 3, 0, [*at_last[3][0], *at_last[3][0]]), "entry.seq")  # fmt: skip
    off = [Log(FEED_A, Link(0, EntryId(bytes(32))), [first]) for first in (ENTRY_1, HELLO)]
    off.sort(key=lambda branch: branch.id(1))
    yield _fork("start_not_genesis", "fork-start", "Both sides follow another id than id(0): no entries of this feed.",
                [FEED_A.public, 0, bytes(32), *[branch.side(1, 1) for branch in off]], "entry.backlink")  # fmt: skip
    nothing = "entry.fork"
    yield _fork("ids_same", "fork-ids", "One branch twice.", [*good[:4], good[3]], nothing)
    yield _fork("ids_same_heads_differ", "fork-ids", "One branch, cut at two heads.", [*good[:3], LOG_A.side(2, 5), LOG_A.side(2, 4)], nothing)
    longer_same = _branch(2, "Other 3")
    yield _fork("parts_later", "fork-ids", "The sides part at 3, not at 2.", [*good[:3], LOG_A.side(2, 3), longer_same.side(2, 3)], nothing)
    yield _fork("sides_swapped", "fork-ids", "The greater id first: a second spelling.", _proof_of(2, (LOG_A, 2), (two, 2), swap=True), nothing)
    wrong = "entry.signature"
    for name, place in (("first", 3), ("second", 4)):
        yield _fork(f"head_wrong_{name}", "fork-signatures", f"One bit of the {name} head.", changed(good, place, 1, flipped(good[place][1])), wrong)
    yield _fork("heads_swapped", "fork-signatures", "Each head on the other side.", changed(changed(good, 3, 1, good[4][1]), 4, 1, good[3][1]), wrong)
    yield _fork("side_invented", "fork-signatures", "A side that the feed has never signed: to silence somebody.", _invented(good), wrong)
    yield _fork("side_short", "fork-signatures", "The head is of a later entry.", [*good[:3], *_sorted_sides(LOG_A.side(2, 2), [longer.holes(2, 2), longer.head(3)], longer)], wrong)
    yield _fork("before_wrong", "fork-signatures", "Another id before d.", _resorted(changed(good, 2, flipped(good[2]))), wrong)
    yield _fork("seq_wrong", "fork-signatures", "The same, one seq later.", _resorted(changed(good, 1, 2)), wrong)
    yield _fork("other_feed", "fork-signatures", "feed_a's fork laid to feed_b's charge.", changed(good, 0, FEED_B.public), wrong)
    yield _fork("feed_small_order", "fork-signatures", "Under the identity point one signature fits both.",
                changed(changed(changed(good, 0, _SMALL), 3, 1, _SMALL + bytes(32)), 4, 1, _SMALL + bytes(32)), "entry.key")  # fmt: skip


def sorted_signed(one: Log, other: Log, seq: int) -> list[tuple[str, bytes, bytes, bytes]]:
    """The heads at one seq of two branches, in the order of their ids."""
    branches = sorted((one, other), key=lambda branch: branch.id(seq))
    return [branch.signed(seq)[0] for branch in branches]


def _first_id(value: Any, side: Any) -> bytes:
    length, digest = side[0][0]
    from hashlib import sha256

    return sha256(value[2] + (value[1] + 1).to_bytes(8) + length.to_bytes(4) + digest).digest()


def _resorted(value: Any) -> Any:
    """The sides in the order that their ids have now, so that the order is not the fault."""
    return [*value[:3], *sorted(value[3:], key=lambda side: _first_id(value, side))]


def _invented(good: Any) -> Any:
    value = changed(good, 4, 0, 0, 1, bytes(32))
    return _resorted(value)


def _sorted_sides(one: Any, other: Any, branch: Log) -> list[Any]:
    sides = sorted(((LOG_A.id(2), one), (branch.id(2), other)), key=lambda pair: pair[0])
    return [side for _, side in sides]


# --- Revokes ---


def _revoke(
    name: str, rule: str, comment: str, value: Any, expect: str = "ok", account: bytes = ACCOUNT_A.public, signed: Any = ()
) -> Vector:
    decoded = decoded_revoke(value, account) if expect == "ok" else None
    given = {"account": format_account(account)}
    return Vector(
        f"revoke/{name}", f"feed.md#{rule}", comment, cbor.encode(value), expect, given, value,
        decoded=decoded, signed=signed,
    )  # fmt: skip


def decoded_revoke(value: Any, account: bytes) -> dict[str, Any]:
    """What a reader finds in a good revoke."""
    found = parse_revoke(value)
    check_revoke(found, AccountId(account))
    return {"feed": format_feed(found.feed), "seq": found.seq, "id": found.id.hex()}


def _revokes() -> Iterator[Vector]:
    feed, entry_id = FEED_A.public, LOG_A.id(5)
    message = revoke_message(feed, 5, entry_id)
    signature = ACCOUNT_A.sign(message)
    good = [feed, 5, entry_id, signature]
    yield _revoke("good", "revoke-signature", "feed_a counts up to 5.", good, signed=(("revoke", ACCOUNT_A.public, message, signature),))
    last = ACCOUNT_A.sign(revoke_message(feed, SEQ_MAX, entry_id))
    yield _revoke("seq_last", "seq-range", "At the limit.", [feed, SEQ_MAX, entry_id, last])
    yield _revoke("seq_1", "seq-range", "Nothing but the device counts.", [feed, 1, LOG_A.id(1), ACCOUNT_A.sign(revoke_message(feed, 1, LOG_A.id(1)))])
    for name, comment, value in (
        ("array_of_3", "The signature is missing.", good[:3]),
        ("seq_0", "Seqs begin at 1.", changed(good, 1, 0)),
        ("seq_over", "One over the last seq.", changed(good, 1, SEQ_MAX + 1)),
        ("seq_text", "An integer is wanted.", changed(good, 1, "5")),
        ("id_31", "One byte short.", changed(good, 2, entry_id[:31])),
        ("signature_65", "One byte over.", changed(good, 3, signature + b"\0")),
        ("feed_33", "One byte over.", changed(good, 0, feed + b"\0")),
    ):
        yield _revoke(f"shape_{name}", "wire-shape", comment, value, "entry.encoding")
    wrong, rule = "entry.signature", "revoke-signature"
    yield _revoke("other_account", rule, "account_b can't end account_a's feed.", [*good[:3], ACCOUNT_B.sign(message)], wrong)
    yield _revoke("account_b", rule, "An honest revoke, but the feed is another account's.", good, wrong, account=ACCOUNT_B.public)
    yield _revoke("by_feed", rule, "A feed can't revoke itself: whoever stole its key could.", [*good[:3], FEED_A.sign(message)], wrong)
    yield _revoke("seq_changed", rule, "Up to 4 instead of 5.", changed(good, 1, 4), wrong)
    yield _revoke("id_changed", rule, "Another branch.", changed(good, 2, flipped(entry_id)), wrong)
    yield _revoke("feed_changed", rule, "Another feed.", changed(good, 0, FEED_B.public), wrong)
    yield _revoke("signature_changed", rule, "One bit.", changed(good, 3, flipped(signature, 63)), wrong)
    yield _revoke("account_small_order", "key-small-order", "Under the identity point this signature fits every message.", [*good[:3], _SMALL + bytes(32)], "entry.key", account=_SMALL)
    both = log(BOTH, payload("device", device_content(BOTH, BOTH.public)))
    head = BOTH.sign(head_message(BOTH.public, 1, both.id(1)))
    yield _revoke("use_head_for_revoke", rule, "One key is feed and account: a head offered as its revoke.", [BOTH.public, 1, both.id(1), head], wrong, account=BOTH.public)
    sig = device_content(BOTH, BOTH.public)["sig"]
    yield _revoke("use_device_for_revoke", rule, "The same with the signature of the device.", [BOTH.public, 1, both.id(1), sig], wrong, account=BOTH.public)
