"""Proofs and names under chance: what nobody signed proves nothing (threats L5, L9, L11, X15)."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

import p2pmicro
from p2pmicro import cbor, ids, keys
from p2pmicro.errors import AuthError, EntryError, ForkError, LocalError
from p2pmicro.feed import wire
from p2pmicro.feed.chain import Link, check_excerpt, check_head, check_range, genesis, next_link, sign_head
from p2pmicro.feed.content import read
from p2pmicro.feed.device import DeviceProof, Revoke, check_device_proof, check_revoke, make_device, make_revoke
from p2pmicro.feed.fork import ForkProof, Side, check_fork_proof, make_fork_proof
from p2pmicro.ids import AccountId, EntryId, FeedId
from p2pmicro.limits import FORK_SIDE_MAX
from p2pmicro.net import tls
from p2pmicro.sync.message import check_hello, make_hello
from tests.made import NOW_MS, MadeFeed, flipped, private_key, secret

MUTATIONS = 10_000
T = TypeVar("T")


# --- Forged fork proofs (L5) ---


def _mutated_side(side: Side, rng: Random) -> Side:
    items = list(side.items)
    at = rng.randrange(len(items))
    length, digest = items[at]
    match rng.randrange(7):
        case 0:
            return replace(side, head=flipped(side.head, rng.randrange(512)))
        case 1:
            items[at] = (length + rng.choice([-1, 1, 256, -length]), digest)
        case 2:
            items[at] = (length, flipped(digest, rng.randrange(256)))
        case 3:
            del items[at]
        case 4:
            items.insert(at, rng.choice([items[at], (rng.randrange(1, 8192), rng.randbytes(32))]))
        case 5:
            items = items[: rng.randrange(len(items))]
        case _:
            items += [(1, bytes(32))] * rng.choice([1, FORK_SIDE_MAX])
    return replace(side, items=items)


def _mutated_fork(proof: ForkProof, rng: Random) -> ForkProof:
    one, other = proof.sides
    match rng.randrange(9):
        case 0:
            return replace(proof, feed=FeedId(flipped(proof.feed, rng.randrange(256))))
        case 1:
            return replace(proof, before=Link(proof.before.seq, EntryId(flipped(proof.before.id, rng.randrange(256)))))
        case 2:
            return replace(proof, before=Link(proof.before.seq + rng.choice([-1, 1, 64, -64, 2**32]), proof.before.id))
        case 3:
            return replace(proof, sides=rng.choice([(other, one), (one, one), (other, other)]))
        case 4:
            return replace(proof, sides=(replace(one, head=other.head), replace(other, head=one.head)))
        case 5:
            return replace(proof, sides=(replace(one, items=other.items), replace(other, items=one.items)))
        case 6 | 7:
            return replace(proof, sides=(_mutated_side(one, rng), other))
        case _:
            return replace(proof, sides=(one, _mutated_side(other, rng)))


def _fork_proofs(feed: MadeFeed) -> list[ForkProof]:
    """True proofs: forks at the first entry, within a page, at its ends; short and long sides."""
    proofs = []
    for at, first_end, other_end in ((1, 1, 1), (2, 5, 3), (64, 64, 64), (65, 128, 128), (70, 71, 90)):
        other = feed.branch(at, other_end - at + 1)
        one, two = feed.side(at, first_end), other.side(at, other_end)
        proofs.append(make_fork_proof(feed.feed, feed.links[at - 1], one, two))
    return proofs


def _is_fork(proof: ForkProof) -> bool:
    try:
        check_fork_proof(proof)
    except EntryError:
        return False
    return True


def test_mutated_fork_proofs_prove_nothing(feed: MadeFeed, rng: Random, soak: int) -> None:
    proofs = _fork_proofs(feed)
    assert all(map(_is_fork, proofs))
    for _ in range(MUTATIONS * soak):
        proof = rng.choice(proofs)
        forged = _mutated_fork(proof, rng)
        assert forged == proof or not _is_fork(forged), forged


def test_fork_proofs_damaged_on_the_way_prove_nothing(feed: MadeFeed, rng: Random, soak: int) -> None:
    sent = [cbor.encode(wire.fork_proof_value(proof)) for proof in _fork_proofs(feed)]
    for _ in range(MUTATIONS // 5 * soak):
        data = rng.choice(sent)
        try:
            forged = wire.parse_fork_proof(cbor.decode(flipped(data, rng.randrange(len(data) * 8))))
        except EntryError:
            continue
        assert not _is_fork(forged)


def test_every_placement_of_heads_on_two_short_branches_proves_the_same_fork(feed: MadeFeed) -> None:
    """Each pair of heads, of branches of up to 12 entries that part at 3, proves d = 3; pairs of one branch nothing."""
    at, length = 3, 12
    other = feed.branch(at, length)
    before = feed.links[at - 1]
    for one, two in product(range(at, at + length), repeat=2):
        assert make_fork_proof(feed.feed, before, feed.side(at, one), other.side(at, two)).seq == at
        with pytest.raises(ForkError):
            make_fork_proof(feed.feed, before, feed.side(at, one), feed.side(at, two))


# --- One signature offered for another use (L9) ---

KEY = private_key("all uses")  # an account, its feed and its network's CA under one key: the worst case
FEED, ACCOUNT = FeedId(KEY.public), AccountId(KEY.public)


@dataclass(frozen=True)
class _Drawn:
    """What is signed, the same for every use as far as it can be."""

    link: Link
    device_key: bytes
    certificates: tuple[bytes, bytes]
    initiator: bool
    epoch: bytes


def _draw(rng: Random) -> _Drawn:
    link = Link(rng.randrange(1, 2**32), EntryId(rng.randbytes(32)))
    device_key = keys.device_public(secret(str(rng.randrange(50))))
    return _Drawn(link, device_key, (rng.randbytes(32), rng.randbytes(32)), rng.random() < 0.5, rng.randbytes(8))


def _device_signature(drawn: _Drawn) -> bytes:
    proof = make_device(KEY, KEY, drawn.device_key, drawn.device_key, drawn.link.seq - 1, NOW_MS)
    signature = read(proof.payload).content["sig"]
    assert isinstance(signature, bytes)
    return signature


def _check_device(drawn: _Drawn, signature: bytes) -> None:
    proof = make_device(KEY, KEY, drawn.device_key, drawn.device_key, drawn.link.seq - 1, NOW_MS)
    content = {**read(proof.payload).content, "sig": signature}
    payload = cbor.encode([NOW_MS, "device", content])
    check_device_proof(DeviceProof(payload, sign_head(KEY, next_link(genesis(FEED), payload))))


def _hello(drawn: _Drawn) -> Any:
    return make_hello(KEY, drawn.initiator, drawn.certificates, drawn.epoch, frozenset(), None)


def _certified(drawn: _Drawn) -> bytes:
    return tls._to_be_signed(b"\x40" + drawn.link.id[1:16], tls._NODE_NAME, drawn.device_key, tls._NODE_EXTENSIONS)


@cache
def _ca() -> x509.Certificate:
    return x509.load_der_x509_certificate(tls.ca_certificate(KEY))


def _check_certificate(drawn: _Drawn, signature: bytes) -> None:
    made = x509.load_der_x509_certificate(tls._certificate(_certified(drawn), signature))
    made.verify_directly_issued_by(_ca())


USES: dict[str, tuple[Callable[[_Drawn], bytes], Callable[[_Drawn, bytes], object]]] = {
    "head": (
        lambda drawn: sign_head(KEY, drawn.link),
        lambda drawn, signature: check_head(FEED, drawn.link, signature),
    ),
    "device": (_device_signature, _check_device),
    "revoke": (
        lambda drawn: make_revoke(KEY, FEED, drawn.link).signature,
        lambda drawn, signature: check_revoke(Revoke(FEED, drawn.link.seq, drawn.link.id, signature), ACCOUNT),
    ),
    "hello": (
        lambda drawn: _hello(drawn).signature,
        lambda drawn, signature: check_hello(
            replace(_hello(drawn), signature=signature), drawn.initiator, drawn.certificates
        ),
    ),
    "certificate": (lambda drawn: KEY.sign(_certified(drawn)), _check_certificate),
}


# The feed key also signs what salts an interest, which is a secret of its own: nobody is asked to accept it.
SIGNERS = {use: sign for use, (sign, _) in USES.items()} | {
    "salt": lambda drawn: KEY.sign(b"p2pmicro salt 1" + drawn.device_key)
}


@pytest.mark.parametrize(("made_for", "offered_for"), list(product(SIGNERS, USES)))
def test_signature_serves_the_use_that_it_was_made_for_alone(
    made_for: str, offered_for: str, rng: Random, soak: int
) -> None:
    for _ in range(1000 * soak):
        drawn = _draw(rng)
        signature = SIGNERS[made_for](drawn)
        if made_for == offered_for:
            USES[offered_for][1](drawn, signature)
        else:
            with pytest.raises((EntryError, AuthError, InvalidSignature)):
                USES[offered_for][1](drawn, signature)


def _sources() -> dict[str, str]:
    folder = Path(p2pmicro.__file__).parent
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.py")}


def test_all_that_is_signed_is_among_the_uses() -> None:
    """Who signs something new sees here that it has to stand above, and be offered for every other use."""
    signing = Counter({name: source.count(".sign(") for name, source in _sources().items()})
    assert +signing == {
        "keys.py": 1,  # the one way to sign
        "feed/chain.py": 1,  # head
        "feed/device.py": 2,  # device, revoke
        "sync/message.py": 1,  # hello
        "node/greeting.py": 1,  # salt
        "net/tls.py": 2,  # certificate, a node's and the CA's own
    }


def test_no_name_of_a_use_begins_another() -> None:
    found = re.findall(r'b"(p2pmicro [a-z ]+ 1)', "".join(_sources().values()))
    names = set(found)
    assert {f"p2pmicro {use} 1" for use in (*SIGNERS.keys() - {"certificate"}, "feed")} <= names
    assert not [(one, other) for one in names for other in names - {one} if other.startswith(one)]
    assert len(found) == len(names), "a name stands at two places"


def test_hello_says_which_side_speaks_and_over_which_certificates(rng: Random) -> None:
    for _ in range(50):
        drawn = _draw(rng)
        hello = _hello(drawn)
        mine, theirs = drawn.certificates
        for initiator, certificates in (
            (not drawn.initiator, drawn.certificates),
            (drawn.initiator, (theirs, mine)),
            (drawn.initiator, (mine, rng.randbytes(32))),
            (drawn.initiator, (rng.randbytes(32), theirs)),
        ):
            with pytest.raises(AuthError):
                check_hello(hello, initiator, certificates)


# --- One feed's fields inside another's (L11) ---


def _mixtures(one: T, other: T) -> Iterator[T]:
    """Every mixture of the fields of two dataclasses that is neither of them."""
    names = [field.name for field in fields(one)]  # type: ignore[arg-type]
    for choice in product((one, other), repeat=len(names)):
        mixed: T = replace(one, **{name: getattr(whose, name) for name, whose in zip(names, choice, strict=True)})  # type: ignore[type-var]
        if mixed not in (one, other):
            yield mixed


def _accepted(check: Callable[[T], object], given: Iterator[T]) -> tuple[list[T], int]:
    accepted, tried = [], 0
    for one in given:
        tried += 1
        try:
            check(one)
        except EntryError:
            continue
        accepted.append(one)
    return accepted, tried


@pytest.fixture(scope="module")
def two() -> tuple[MadeFeed, MadeFeed]:
    """Two feeds of one account with the same messages at the same seqs."""
    return MadeFeed(70, "one"), MadeFeed(70, "other")


def test_no_mixture_of_two_feeds_ranges_is_accepted(two: tuple[MadeFeed, MadeFeed]) -> None:
    one, other = two
    for first, last, shift in product((1, 2, 30, 60), (10, 64, 69), (-1, 0, 1)):
        if first <= last and first + shift >= 1:
            whole, shifted = one.range(first, last), other.range(first + shift, last + shift)
            wrong, tried = _accepted(check_range, _mixtures(whole, shifted))
            assert wrong == []
            assert tried >= 6


def test_no_mixture_of_two_feeds_proofs_is_accepted(two: tuple[MadeFeed, MadeFeed]) -> None:
    one, other = two
    for seq, end, shift in ((1, 3, 0), (1, 1, 1), (64, 64, 0), (10, 20, 0), (10, 20, 1), (10, 10, 3)):
        whole, shifted = one.excerpt(seq, end), other.excerpt(seq + shift, end + shift)
        wrong_excerpts, tried = _accepted(check_excerpt, _mixtures(whole, shifted))
        assert wrong_excerpts == []
        assert tried >= 6
    assert _accepted(check_device_proof, _mixtures(one.proof, other.proof)) == ([], 2)
    forks = [
        make_fork_proof(feed.feed, feed.links[9], feed.side(10, 12), feed.branch(10, 5).side(10, 13)) for feed in two
    ]
    wrong_forks, tried = _accepted(check_fork_proof, _mixtures(*forks))
    assert wrong_forks == []
    assert tried >= 6
    revokes = [make_revoke(feed.account_key, feed.feed, feed.links[9 + place]) for place, feed in enumerate(two)]
    assert _accepted(lambda revoke: check_revoke(revoke, one.account), _mixtures(*revokes)) == ([], 14)


# --- Names (X15) ---


def _mutated_text(text: str, rng: Random) -> str:
    at = rng.randrange(len(text))
    letter = rng.choice("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl :/.\u200b\u0430é\n")
    match rng.randrange(6):
        case 0:
            return text[:at] + letter + text[at + 1 :]
        case 1:
            return text[:at] + letter + text[at:]
        case 2:
            return text[:at] + text[at + 1 :]
        case 3:
            return text[:at] + text[at].swapcase() + text[at + 1 :]
        case 4:
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        case _:
            return rng.choice([text.upper(), text + letter, letter + text, text[at:] + text[:at], text * 2])


def test_an_account_and_a_ref_have_one_spelling(rng: Random, soak: int) -> None:
    taken = 0
    for _ in range(MUTATIONS * soak):
        key = rng.randbytes(32)
        account, ref = ids.format_account(key), ids.format_ref(key, rng.randrange(1, 2**32))
        changed, changed_ref = _mutated_text(account, rng), _mutated_text(ref, rng)
        with suppress(LocalError):
            assert ids.format_account(ids.parse_account(changed)) == changed
            taken += changed != account
        with suppress(LocalError):
            assert ids.format_ref(*ids.parse_ref(changed_ref)) == changed_ref
    assert taken  # another letter may name another key: that is no second spelling
