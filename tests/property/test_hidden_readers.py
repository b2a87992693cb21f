"""What a sealed entry shows to who can't open it: not who can, how many, or how long its text is (threats P2 to P4)."""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from p2pmicro import cbor, keys
from p2pmicro.feed import seal
from p2pmicro.feed.content import Content
from p2pmicro.feed.seal import Keyring, open_sealed, sealed
from p2pmicro.ids import AccountId, FeedId
from p2pmicro.limits import SEALED_BODY_BYTES, SEALED_SLOTS
from tests.chance import chi_square_p, same_distribution_p, smallest_of
from tests.hpke import DrawnSuite
from tests.made import flipped, private_key, secret

ADA, FEED = AccountId(private_key("ada").public), FeedId(private_key("feed").public)
OWN, READER = keys.load_box_private(secret("own")), keys.load_box_private(secret("reader"))
REPLY = secret("reply key")
BOXES = [key.public_key().public_bytes_raw() for key in (OWN, READER)]
OTHERS = [keys.device_public(secret(f"other {number}")) for number in range(64)]
# Who can read: nobody else, one, another one, three, and who has a reply key. All in 4 slots.
READERS: list[tuple[list[bytes], list[bytes]]] = [
    ([BOXES[0]], []),
    (BOXES, []),
    ([BOXES[0], OTHERS[0]], []),
    ([BOXES[0], *OTHERS[:3]], []),
    ([BOXES[0]], [REPLY]),
]
ENOUGH = 0.01  # what is as unlikely as this is no chance


def _seal(rng: Random, boxes: list[bytes], tagged: list[bytes], kind: str = "post", **fields: Any) -> Content:
    return sealed(ADA, FEED, kind, fields or {"text": "for some"}, boxes, tagged, rng.randbytes)


# --- Who, and how many (P2) ---


def test_number_of_slots_tells_one_of_five_groups(rng: Random) -> None:
    seen = {count: len(_seal(rng, OTHERS[:count], [])["slots"]) for count in range(1, 65)}
    assert set(seen.values()) == set(SEALED_SLOTS)
    assert all(slots == min(size for size in SEALED_SLOTS if size >= count) for count, slots in seen.items())


def _shown(content: Content) -> bytes:
    """All that everybody sees of a sealed entry: at the same places for one number of slots and size of the body."""
    return b"".join((content["salt"], content["commit"], *content["slots"], content["body"]))


def _chances(groups: Sequence[Sequence[bytes]]) -> list[float]:
    """For each place, how likely its bytes differ as they do between groups, if the group tells nothing of them."""
    values = bytes(range(256))
    if min(map(len, groups)) < 5 * len(values):  # chi-square wants some five of each: then each half of a byte
        groups = [[shown.hex().encode() for shown in group] for group in groups]
        values = b"0123456789abcdef"
    places = zip(*([Counter(column) for column in zip(*group, strict=True)] for group in groups), strict=True)
    return [chi_square_p([[count[value] for value in values] for count in place]) for place in places]


@pytest.fixture
def drawn_keys(rng: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """HPKE's keys come of the seed too: whether chance is like chance must not change from run to run."""
    monkeypatch.setattr(seal, "_SUITE", DrawnSuite(rng.randbytes))


@pytest.mark.usefixtures("drawn_keys")
def test_no_byte_tells_who_can_read(rng: Random, soak: int) -> None:
    """10,000 messages in four slots, each of which names its readers inside."""
    groups: list[list[bytes]] = [[] for _ in READERS]
    for _ in range(2000 * soak):
        for group, (boxes, tagged) in zip(groups, READERS, strict=True):
            content = _seal(rng, boxes, tagged, text="for some", key=rng.randbytes(32), to=sorted(boxes))
            assert len(content["slots"]) == 4
            group.append(_shown(content))
    chances = _chances(groups)
    assert len(chances) == 16 + 32 + 4 * 72 + 256 + 16
    assert smallest_of(chances) > ENOUGH


@pytest.mark.usefixtures("drawn_keys")  # 10,000 of each: P2PMICRO_SOAK=42
@pytest.mark.parametrize("slots", SEALED_SLOTS[1:])
def test_no_byte_of_more_slots_tells_how_many_can_read(slots: int, rng: Random, soak: int) -> None:
    """As few, and as many, as make this number of slots; and one of them by a reply key."""
    few, many = OTHERS[: slots // 2 + 1], OTHERS[:slots]
    readers: list[tuple[list[bytes], list[bytes]]] = [(few, []), (many, []), (few[:-1], [REPLY])]
    groups: list[list[bytes]] = [[] for _ in readers]
    for _ in range(80 * soak):
        for group, (boxes, tagged) in zip(groups, readers, strict=True):
            content = _seal(rng, boxes, tagged)
            assert len(content["slots"]) == slots
            group.append(_shown(content))
    assert smallest_of(_chances(groups)) > ENOUGH


@pytest.mark.usefixtures("drawn_keys")
def test_place_of_a_slot_tells_nothing(rng: Random, soak: int) -> None:
    places = [[0] * 4 for _ in READERS]
    for _ in range(200 * soak):
        for group, (boxes, tagged) in enumerate(READERS):
            content = _seal(rng, boxes, tagged)
            info = seal._SLOT + ADA + FEED + content["salt"] + content["commit"]
            opened = [seal._open_slot(slot, OWN, info) is not None for slot in content["slots"]]
            places[group][opened.index(True)] += 1
    evenly = [sum(map(sum, places)) // 4] * 4
    assert chi_square_p([*places, evenly]) > ENOUGH


def test_slot_that_nobody_can_open_has_a_key_like_any_other(rng: Random) -> None:
    for slot in _seal(rng, BOXES[:1], [])["slots"]:
        keys.check_box_key(slot[8:40])


# --- How long (P3) ---


def test_length_of_a_message_tells_one_of_two_sizes(rng: Random) -> None:
    for letter in ("a", "é", "語", "\U0001f600"):
        sizes = Counter(
            len(cbor.encode(_seal(rng, BOXES, [], text=letter * length, key=REPLY, to=[ADA]))) for length in range(141)
        )
        assert len(sizes) <= 2


def test_all_kinds_have_three_sizes(rng: Random) -> None:
    sizes = set()
    picture = [rng.randbytes(32), "image/png", 1 << 20, "a" * 400, rng.randbytes(32)]
    ref = [FEED, 7, rng.randbytes(32)]
    for kind, fields in (
        ("post", {"text": "a"}),
        ("post", {"text": "a" * 140, "reply": {"root": ref, "parent": ref}, "quote": ref}),
        ("post", {"text": "a" * 140, "media": [picture] * 4, "to": [ADA] * 8}),
        ("like", {"ref": ref, "on": True, "rev": 1}),
        ("circle-key", {"circle": bytes(16), "gen": 1, "key": bytes(32)}),
        ("state", {"items": [["mute", b"w" * 30, 1, {"until": None}]] * 3}),
        ("state", {"items": [["petname", bytes(32), 1, "Ann"]] * 50}),
    ):
        sizes.add(len(_seal(rng, BOXES, [], kind, **fields)["body"]) - 16)
    assert sizes == set(SEALED_BODY_BYTES)


# --- What opening shows (P4) ---


def _counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what `open_sealed` does."""
    done: Counter[str] = Counter()

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = real(*arguments)
            done[f"{name} in vain" if result is None else name] += 1
            return result

        return call

    for name in ("_open_slot", "_derive", "tags_of", "_aad"):
        monkeypatch.setattr(seal, name, counted(name, getattr(seal, name)))

    class Cipher:
        def __init__(self, key: bytes) -> None:
            self.key = key

        def decrypt(self, *arguments: Any) -> bytes:
            done["decrypt"] += 1
            return ChaCha20Poly1305(self.key).decrypt(*arguments)

    monkeypatch.setattr(seal, "ChaCha20Poly1305", Cipher)
    return done


def _closed(rng: Random) -> dict[str, Content]:
    """Entries that the reader can't open, for one reason each."""
    mine = _seal(rng, BOXES, [])
    by_tag = _seal(rng, BOXES[:1], [REPLY])
    tags = [seal.tag_of(REPLY, by_tag["salt"])]
    other_tag = [slot for slot in by_tag["slots"] if slot[:8] not in tags]
    return {
        "not for me": _seal(rng, OTHERS[:2], []),
        "by another's tag": _seal(rng, OTHERS[:1], [secret("another reply key")]),
        "body damaged": mine | {"body": flipped(mine["body"], rng.randrange(272 * 8))},
        "body of another": mine | {"body": _seal(rng, BOXES, [])["body"]},
        "slots damaged": mine | {"slots": [flipped(slot, rng.randrange(64, 72 * 8)) for slot in mine["slots"]]},
        "commitment damaged": mine | {"commit": flipped(mine["commit"], rng.randrange(256))},
        "found by tag, body damaged": by_tag | {"body": flipped(by_tag["body"], rng.randrange(272 * 8))},
        "found by tag, slot damaged": by_tag | {"slots": [tags[0] + other_tag[0][8:], *other_tag]},
    }


def test_not_for_me_and_damaged_are_the_same_work_and_answer(rng: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    readable, closed = _seal(rng, BOXES, []), _closed(rng)
    work = _counted(monkeypatch)
    keyring = Keyring([READER, keys.load_box_private(secret("older"))], [secret("newer reply key"), REPLY])
    wanted = {"_open_slot": 1, "_open_slot in vain": 1 + 4 * 2, "_derive": 1, "tags_of": 1, "_aad": 1, "decrypt": 1}
    for reason, content in closed.items():
        work.clear()
        assert open_sealed(ADA, FEED, content, keyring) is None, reason
        assert work == wanted, reason
    work.clear()
    assert open_sealed(ADA, FEED, readable, keyring) is not None
    assert work == wanted


def test_statistics_know_chance_from_none(rng: Random) -> None:
    fair = [[rng.randrange(90, 110) for _ in range(16)] for _ in range(3)]
    assert chi_square_p(fair) > ENOUGH
    assert chi_square_p([*fair, [200, *[100] * 15]]) < ENOUGH
    assert chi_square_p([[100, 100], [72, 128]]) == pytest.approx(0.0044, rel=0.1)
    one = [rng.random() for _ in range(2000)]
    assert same_distribution_p(one, [rng.random() for _ in range(2000)]) > ENOUGH
    assert same_distribution_p(one, [rng.random() + 0.1 for _ in range(2000)]) < 1e-6
    assert smallest_of([0.5, 0.005]) == pytest.approx(0.00998, rel=0.01)
