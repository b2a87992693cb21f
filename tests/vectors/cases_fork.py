"""Vectors of forks and revokes: protocol/feed.md, "Forks" and "Revokes"."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from p2pmicro import cbor
from p2pmicro.feed.chain import Link
from p2pmicro.feed.device import check_revoke
from p2pmicro.feed.fork import check_fork_proof
from p2pmicro.feed.wire import parse_fork_proof, parse_revoke
from p2pmicro.ids import AccountId, EntryId, format_account, format_feed

from .cases_range import changed, flipped
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
    SEQ_MAX,
    SMALL,
    START_MS,
    Log,
    device_content,
    head_message,
    log,
    payload,
    revoke_message,
)


def vectors() -> Iterator[Vector]:
    """All of them."""
    yield from _forks()
    yield from _revokes()


def branch_of(after: int, *texts: str) -> Log:
    """Another branch of feed_a after one of its entries."""
    return log(FEED_A, *LOG_A.payloads[:after], *[payload("post", {"text": text}) for text in texts])


def proof_of(d: int, one: Any, other: Any, swap: bool = False) -> Any:
    """A fork proof of feed_a at d with sides from (log, last) pairs, in order or not."""
    pairs = sorted((one, other), key=lambda pair: pair[0].id(d), reverse=swap)
    sides = [branch.side(d, last) for branch, last in pairs]
    return [FEED_A.public, d - 1, LOG_A.id(d - 1), *sides]


def _fork(name: str, rule: str, comment: str, value: Any, expect: str = "ok", signed: Any = ()) -> Vector:
    decoded = decoded_fork(value) if expect == "ok" else None
    return Vector(
        f"fork/{name}",
        f"feed.md#{rule}",
        comment,
        cbor.encode(value),
        expect,
        {},
        value,
        decoded=decoded,
        signed=signed,
    )


def decoded_fork(value: Any) -> dict[str, Any]:
    """What a reader finds in a good fork proof."""
    proof = parse_fork_proof(value)
    return {
        "feed": format_feed(proof.feed),
        "seq": proof.seq,
        "ids": [found.hex() for found in check_fork_proof(proof)],
    }


def _forks() -> Iterator[Vector]:
    two = branch_of(1, "Bye")
    good = proof_of(2, (LOG_A, 2), (two, 2))
    yield _fork("good", "fork-ids", "Two different entries 2.", good, signed=[*sorted_signed(LOG_A, two, 2)])
    restart = log(FEED_A, payload("device", device_content(), START_MS))
    yield _fork("at_1", "fork-start", "Two different entries 1: d is 1.", proof_of(1, (LOG_A, 1), (restart, 1)))
    longer = branch_of(1, "Bye", "Really", "Now")
    yield _fork(
        "sides_unequal", "fork-side", "Each side goes to its own next head.", proof_of(2, (LOG_A, 5), (longer, 4))
    )
    page = branch_of(64, *[f"Other {n}" for n in range(65, 129)])
    yield _fork(
        "sides_64", "fork-side", "At the limit: both from 65 to the page end.", proof_of(65, (LOG_A, 128), (page, 128))
    )
    at_end = branch_of(63, "Other 64")
    yield _fork("at_page_end", "fork-side", "d is a page end: one hole each.", proof_of(64, (LOG_A, 64), (at_end, 64)))
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
    over = branch_of(63, "Other 64", "Other 65")
    yield _fork(
        "side_over_page_end",
        "fork-side",
        "A side ends at 65, and there is a head at 64.",
        proof_of(64, (LOG_A, 65), (over, 64)),
        "entry.size",
    )
    yield _fork("seq_over", "fork-side", "d is one over the last seq.", changed(good, 1, SEQ_MAX), "entry.seq")
    yield _fork(
        "side_over_last_seq",
        "fork-side",
        "A side goes one over the last seq.",
        changed(at_last, 3, 0, [*at_last[3][0], *at_last[3][0]]),
        "entry.seq",
    )
    off = [Log(FEED_A, Link(0, EntryId(bytes(32))), [first]) for first in (ENTRY_1, HELLO)]
    off.sort(key=lambda branch: branch.id(1))
    yield _fork(
        "start_not_genesis",
        "fork-start",
        "Both sides follow another id than id(0): no entries of this feed.",
        [FEED_A.public, 0, bytes(32), *[branch.side(1, 1) for branch in off]],
        "entry.backlink",
    )
    nothing = "entry.fork"
    yield _fork("ids_same", "fork-ids", "One branch twice.", [*good[:4], good[3]], nothing)
    yield _fork(
        "ids_same_heads_differ",
        "fork-ids",
        "One branch, cut at two heads.",
        [*good[:3], LOG_A.side(2, 5), LOG_A.side(2, 4)],
        nothing,
    )
    longer_same = branch_of(2, "Other 3")
    yield _fork(
        "parts_later",
        "fork-ids",
        "The sides part at 3, not at 2.",
        [*good[:3], LOG_A.side(2, 3), longer_same.side(2, 3)],
        nothing,
    )
    yield _fork(
        "sides_swapped",
        "fork-ids",
        "The greater id first: a second spelling.",
        proof_of(2, (LOG_A, 2), (two, 2), swap=True),
        nothing,
    )
    wrong = "entry.signature"
    for name, place in (("first", 3), ("second", 4)):
        yield _fork(
            f"head_wrong_{name}",
            "fork-signatures",
            f"One bit of the {name} head.",
            changed(good, place, 1, flipped(good[place][1])),
            wrong,
        )
    yield _fork(
        "heads_swapped",
        "fork-signatures",
        "Each head on the other side.",
        changed(changed(good, 3, 1, good[4][1]), 4, 1, good[3][1]),
        wrong,
    )
    yield _fork(
        "side_invented",
        "fork-signatures",
        "A side that the feed has never signed: to silence somebody.",
        _invented(good),
        wrong,
    )
    yield _fork(
        "side_short",
        "fork-signatures",
        "The head is of a later entry.",
        [*good[:3], *_sorted_sides(LOG_A.side(2, 2), [longer.holes(2, 2), longer.head(3)], longer)],
        wrong,
    )
    yield _fork(
        "before_wrong", "fork-signatures", "Another id before d.", _resorted(changed(good, 2, flipped(good[2]))), wrong
    )
    yield _fork("seq_wrong", "fork-signatures", "The same, one seq later.", _resorted(changed(good, 1, 2)), wrong)
    yield _fork(
        "other_feed",
        "fork-signatures",
        "feed_a's fork laid to feed_b's charge.",
        changed(good, 0, FEED_B.public),
        wrong,
    )
    everyones = SMALL + bytes(32)
    yield _fork(
        "feed_small_order",
        "fork-signatures",
        "Under the identity point one signature fits both.",
        [SMALL, *good[1:3], [good[3][0], everyones], [good[4][0], everyones]],
        "entry.key",
    )


def sorted_signed(one: Log, other: Log, seq: int) -> list[tuple[str, bytes, bytes, bytes]]:
    """The heads at one seq of two branches, in the order of their ids."""
    branches = sorted((one, other), key=lambda branch: branch.id(seq))
    return [branch.signed(seq)[0] for branch in branches]


def _first_id(value: Any, side: Any) -> bytes:
    length, digest = side[0][0]
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
    name: str,
    rule: str,
    comment: str,
    value: Any,
    expect: str = "ok",
    account: bytes = ACCOUNT_A.public,
    signed: Any = (),
) -> Vector:
    decoded = decoded_revoke(value, account) if expect == "ok" else None
    given = {"account": format_account(account)}
    return Vector(
        f"revoke/{name}",
        f"feed.md#{rule}",
        comment,
        cbor.encode(value),
        expect,
        given,
        value,
        decoded=decoded,
        signed=signed,
    )


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
    yield _revoke(
        "good",
        "revoke-signature",
        "feed_a counts up to 5.",
        good,
        signed=(("revoke", ACCOUNT_A.public, message, signature),),
    )
    last = ACCOUNT_A.sign(revoke_message(feed, SEQ_MAX, entry_id))
    yield _revoke("seq_last", "seq-range", "At the limit.", [feed, SEQ_MAX, entry_id, last])
    yield _revoke(
        "seq_1",
        "seq-range",
        "Nothing but the device counts.",
        [feed, 1, LOG_A.id(1), ACCOUNT_A.sign(revoke_message(feed, 1, LOG_A.id(1)))],
    )
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
    yield _revoke(
        "other_account", rule, "account_b can't end account_a's feed.", [*good[:3], ACCOUNT_B.sign(message)], wrong
    )
    yield _revoke(
        "account_b", rule, "An honest revoke, but the feed is another account's.", good, wrong, account=ACCOUNT_B.public
    )
    yield _revoke(
        "by_feed",
        rule,
        "A feed can't revoke itself: whoever stole its key could.",
        [*good[:3], FEED_A.sign(message)],
        wrong,
    )
    yield _revoke("seq_changed", rule, "Up to 4 instead of 5.", changed(good, 1, 4), wrong)
    yield _revoke("id_changed", rule, "Another branch.", changed(good, 2, flipped(entry_id)), wrong)
    yield _revoke("feed_changed", rule, "Another feed.", changed(good, 0, FEED_B.public), wrong)
    yield _revoke("signature_changed", rule, "One bit.", changed(good, 3, flipped(signature, 63)), wrong)
    yield _revoke(
        "account_small_order",
        "key-small-order",
        "Under the identity point this signature fits every message.",
        [*good[:3], SMALL + bytes(32)],
        "entry.key",
        account=SMALL,
    )
    both = log(BOTH, payload("device", device_content(BOTH, BOTH.public)))
    head = BOTH.sign(head_message(BOTH.public, 1, both.id(1)))
    yield _revoke(
        "use_head_for_revoke",
        rule,
        "One key is feed and account: a head offered as its revoke.",
        [BOTH.public, 1, both.id(1), head],
        wrong,
        account=BOTH.public,
    )
    sig = device_content(BOTH, BOTH.public)["sig"]
    yield _revoke(
        "use_device_for_revoke",
        rule,
        "The same with the signature of the device.",
        [BOTH.public, 1, both.id(1), sig],
        wrong,
        account=BOTH.public,
    )
