"""Messages: each is read back as written, and each field is tried wrong. Source: protocol/sync.md, "Messages"."""

from collections.abc import Iterator
from random import Random
from typing import Any, get_args

import pytest

from p2pmicro import cbor
from p2pmicro.errors import AuthError, EncodingError, MessageError
from p2pmicro.keys import PrivateKey
from p2pmicro.limits import (
    HAVE_MAX_ITEMS,
    IDS_MAX,
    INT_MAX,
    INTEREST_CHUNK,
    MEDIA_WANT_MAX_ITEMS,
    PICTURE_MAX_BYTES,
    SEQ_MAX,
    WANT_MAX_ITEMS,
)
from p2pmicro.sync import message as module
from p2pmicro.sync.coding import MESSAGE_NUMBERS, decode_message_untrusted, encode_message
from p2pmicro.sync.message import (
    CAPABILITIES_MAX,
    CAPABILITY_MAX_CHARS,
    CLOSE_TEXT_MAX_CHARS,
    AskIds,
    Close,
    Have,
    HaveItem,
    Hello,
    Ids,
    Interest,
    Media,
    Message,
    Resume,
    Want,
    WantMedia,
    Wants,
    check_hello,
)
from tests.made import flipped, private_key
from tests.unit.sync.samples import CERTIFICATES, EPOCH, SALT, VERSION, hello, item, made, samples

ALL = [(kind, sample) for kind, some in samples().items() for sample in some]


def _values() -> list[tuple[type[Message], list[Any]]]:
    found = []
    for kind, sample in ALL:
        value = cbor.decode(encode_message(sample))
        assert isinstance(value, list)
        found.append((kind, value))
    return found


def test_every_message_has_samples() -> None:
    assert set(samples()) == set(get_args(Message)) == set(MESSAGE_NUMBERS)


@pytest.mark.parametrize(("kind", "sample"), ALL, ids=lambda it: it.__name__ if isinstance(it, type) else "")
def test_what_is_written_is_read_back(kind: type[Message], sample: Message) -> None:
    data = encode_message(sample)
    read = decode_message_untrusted(data)
    assert type(read) is kind
    assert read == sample
    assert encode_message(read) == data


@pytest.mark.parametrize(("kind", "value"), _values(), ids=lambda it: it.__name__ if isinstance(it, type) else "")
def test_field_too_few_or_too_many_is_refused(kind: type[Message], value: list[Any]) -> None:
    for wrong in (value[:-1], [*value, None], [*value, 0]):
        with pytest.raises(MessageError):
            decode_message_untrusted(cbor.encode(wrong))


def _wrong(value: Any, depth: int = 0) -> Iterator[Any]:
    """The value with one fault, at each place within it."""
    yield from (None, True, "text", b"bytes", {}, -1, INT_MAX, [None])
    if isinstance(value, list):
        if depth:
            yield from (value[:-1], [*value, None])
        for place in range(min(len(value), 6)):
            for other in _wrong(value[place], depth + 1):
                yield [*value[:place], other, *value[place + 1 :]]
    elif isinstance(value, dict):
        for key in value:
            for other in _wrong(value[key], depth + 1):
                yield {**value, key: other}
    elif isinstance(value, bytes):
        yield from (value[:-1], value + b"a")


@pytest.mark.parametrize(("kind", "value"), _values(), ids=lambda it: it.__name__ if isinstance(it, type) else "")
def test_wrong_field_is_refused_or_means_what_it_says(kind: type[Message], value: list[Any]) -> None:
    """Whatever is read is written again as the same bytes: nothing is read that was not meant."""
    refused = 0
    for place in range(1, len(value)):
        for other in _wrong(value[place]):
            try:
                data = cbor.encode([*value[:place], other, *value[place + 1 :]])
            except EncodingError:  # the fault is one level too deep for the profile
                continue
            try:
                read = decode_message_untrusted(data)
            except (MessageError, AuthError):
                refused += 1
            else:
                assert type(read) is kind
                assert encode_message(read) == data
    assert refused >= 5 * (len(value) - 1)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80",
        "a0",
        "00",
        "8109ff",
        "82090a",
        "8118ff",
        "8138",
        "8120",
        "81f6",
        "8161",
        "9f09ff",
        "811809",
        "81f90000",
        "c18109",
    ],
)
def test_no_array_that_begins_with_a_known_number_is_refused(data: str) -> None:
    with pytest.raises(MessageError):
        decode_message_untrusted(bytes.fromhex(data))


def test_random_bytes_raise_nothing_else(rng: Random, soak: int) -> None:
    for _ in range(2000 * soak):
        _, sample = ALL[rng.randrange(len(ALL))]
        data = bytearray(encode_message(sample))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            read = decode_message_untrusted(
                bytes(data[: rng.randrange(1, len(data) + 1)] if rng.random() < 0.2 else data)
            )
        except (MessageError, AuthError):
            continue
        assert type(read) in MESSAGE_NUMBERS


class TestLimits:
    """At the limit, and one over."""

    def check(self, at: Message, over: Message) -> None:
        assert decode_message_untrusted(encode_message(at)) == at
        with pytest.raises(MessageError):
            decode_message_untrusted(encode_message(over))

    def test_have_items(self) -> None:
        feed = made()
        plain = HaveItem(feed.feed, feed.account, 0, [(1, 1, 1)], bytes(16))
        self.check(Have([plain] * HAVE_MAX_ITEMS), Have([plain] * (HAVE_MAX_ITEMS + 1)))

    def test_wants(self) -> None:
        want = Want(1, made().feed, 1, 1, None)
        self.check(Wants([want] * WANT_MAX_ITEMS), Wants([want] * (WANT_MAX_ITEMS + 1)))

    def test_ids(self) -> None:
        feed, entry_id = made().feed, made().links[1].id
        seqs = list(range(1, IDS_MAX + 2))
        self.check(AskIds(feed, seqs[:-1]), AskIds(feed, seqs))
        pairs = [(seq, entry_id) for seq in seqs]
        self.check(Ids(feed, pairs[:-1]), Ids(feed, pairs))

    def test_pictures(self) -> None:
        self.check(WantMedia([bytes(32)] * MEDIA_WANT_MAX_ITEMS), WantMedia([bytes(32)] * (MEDIA_WANT_MAX_ITEMS + 1)))
        self.check(Media(bytes(32), bytes(PICTURE_MAX_BYTES)), Media(bytes(32), bytes(PICTURE_MAX_BYTES + 1)))
        self.check(Media(bytes(32), b"a"), Media(bytes(32), b""))

    def test_elements(self) -> None:
        elements = [bytes(16)] * (INTEREST_CHUNK + 1)
        self.check(Interest(None, VERSION, SALT, elements[1:], []), Interest(None, VERSION, SALT, elements, []))
        self.check(Interest(VERSION, VERSION, None, [], elements[1:]), Interest(VERSION, VERSION, None, [], elements))

    def test_close(self) -> None:
        self.check(Close("c" * 40, "t" * CLOSE_TEXT_MAX_CHARS), Close("c" * 41, ""))
        self.check(Close("", ""), Close("", "t" * (CLOSE_TEXT_MAX_CHARS + 1)))

    @pytest.mark.parametrize(
        "runs",
        [
            [(0, 1, 1)],
            [(2, 1, 3)],
            [(1, 3, 1)],
            [(2, 2, 1)],
            [(1, 1, SEQ_MAX + 1)],
            [(1, 1, 5), (5, 5, 6)],
            [(1, 1, 5), (7, 7, 9)],
            [(20, 20, 30), (10, 10, 15), (1, 1, 5)],
        ],
    )
    def test_runs_that_are_none(self, runs: list[tuple[int, int, int]]) -> None:
        feed = made()
        with pytest.raises(MessageError):
            decode_message_untrusted(encode_message(Have([HaveItem(feed.feed, feed.account, 0, runs, bytes(16))])))

    @pytest.mark.parametrize("runs", [[(1, 2, 1)], [(1, 1, SEQ_MAX)], [(20, 31, 30), (19, 19, 19)]])
    def test_runs_without_a_payload_or_close_together(self, runs: list[tuple[int, int, int]]) -> None:
        feed = made()
        have = Have([HaveItem(feed.feed, feed.account, 0, runs, bytes(16))])
        assert decode_message_untrusted(encode_message(have)) == have

    def test_want_that_ends_before_it_begins(self) -> None:
        with pytest.raises(MessageError):
            decode_message_untrusted(encode_message(Wants([Want(1, made().feed, 5, 4, None)])))

    @pytest.mark.parametrize("seqs", [[1, 1], [2, 1], [0], [SEQ_MAX + 1]])
    def test_seqs_that_do_not_rise(self, seqs: list[int]) -> None:
        feed, entry_id = made().feed, made().links[1].id
        for wrong in (AskIds(feed, seqs), Ids(feed, [(seq, entry_id) for seq in seqs])):
            with pytest.raises(MessageError):
                decode_message_untrusted(encode_message(wrong))

    def test_interest_with_salt_and_base_or_neither(self) -> None:
        for wrong in (Interest(VERSION, VERSION, SALT, [], []), Interest(None, VERSION, None, [], [])):
            with pytest.raises(MessageError):
                decode_message_untrusted(encode_message(wrong))

    def test_unknown_key_beside_a_feed_is_ignored(self) -> None:
        """Extensions come as further keys."""
        value = cbor.decode(encode_message(Have([item()])))
        assert isinstance(value, list)
        value[1][0][5]["zzz"] = 1  # type: ignore[index, call-overload]
        assert decode_message_untrusted(cbor.encode(value)) == Have([item()])


def _signed(content: dict[str, cbor.Value], key: PrivateKey | None = None) -> Hello:
    """A hello of other fields, well signed; read back."""
    key = key or private_key("feed")
    fields = cbor.encode(content)
    signature = key.sign(module._hello_message(True, CERTIFICATES, fields))
    read = decode_message_untrusted(cbor.encode([0, fields, signature]))
    assert isinstance(read, Hello)
    return read


class TestHello:
    content: dict[str, cbor.Value]

    @pytest.fixture(autouse=True)
    def plain(self) -> None:
        self.content = {"v": 1, "feed": private_key("feed").public, "epoch": EPOCH, "caps": []}

    @pytest.mark.parametrize("initiator", [True, False])
    def test_hello_counts_for_its_role_and_certificates(self, initiator: bool) -> None:
        check_hello(hello(initiator), initiator, CERTIFICATES)

    def test_reflected_replayed_and_relayed_hellos_are_refused(self) -> None:
        mine = hello(True)
        one, other = CERTIFICATES
        for initiator, certificates in [
            (False, CERTIFICATES),  # sent back to who said it
            (True, (other, one)),
            (True, (one, b"the next session's")),
            (True, (b"the next session's", other)),
            (True, (b"the next", b"session's")),
        ]:
            with pytest.raises(AuthError):
                check_hello(mine, initiator, certificates)

    def test_any_changed_bit_is_refused(self) -> None:
        mine = hello(True)
        for bit in range(0, len(mine.fields) * 8, 37):
            changed = cbor.encode([0, flipped(mine.fields, bit), mine.signature])
            with pytest.raises((AuthError, MessageError)):  # noqa: PT012
                read = decode_message_untrusted(changed)
                assert isinstance(read, Hello)
                check_hello(read, True, CERTIFICATES)
        for bit in range(512):
            with pytest.raises(AuthError):
                check_hello(
                    Hello(mine.fields, flipped(mine.signature, bit), mine.feed, EPOCH, frozenset(), None),
                    True,
                    CERTIFICATES,
                )

    def test_key_of_small_order_is_refused(self) -> None:
        mine = hello(True)
        identity = (1).to_bytes(32, "little")
        fields = mine.fields.replace(mine.feed, identity)
        read = decode_message_untrusted(cbor.encode([0, fields, identity + bytes(32)]))
        assert isinstance(read, Hello)
        with pytest.raises(AuthError):
            check_hello(read, True, CERTIFICATES)

    def test_unknown_fields_are_ignored_and_stay_signed(self, rng: Random) -> None:
        for _ in range(1000):
            extra: dict[str, Any] = {
                "x" + "".join(rng.choices("abcdefgh!", k=rng.randrange(8))): rng.choice(
                    [rng.randrange(-9, 2**40), rng.randbytes(rng.randrange(20)), "text", None, True, [1, [2]], {"a": 1}]
                )
                for _ in range(rng.randrange(1, 5))
            }
            read = _signed({**self.content, **extra})
            check_hello(read, True, CERTIFICATES)
            assert (read.feed, read.epoch) == (private_key("feed").public, EPOCH)

    def test_unknown_critical_field_is_refused(self) -> None:
        with pytest.raises(MessageError):
            _signed({**self.content, "!new": 1})

    @pytest.mark.parametrize("version", [0, 2, None, "1", True, b"\x01"])
    def test_other_version_is_refused(self, version: Any) -> None:
        with pytest.raises(AuthError):
            _signed({**self.content, "v": version})

    @pytest.mark.parametrize("key", ["feed", "epoch", "caps"])
    def test_missing_field_is_refused(self, key: str) -> None:
        del self.content[key]
        with pytest.raises(MessageError):
            _signed(self.content)

    def test_missing_version_is_refused(self) -> None:
        del self.content["v"]
        with pytest.raises(AuthError):
            _signed(self.content)

    def test_capabilities_have_limits(self) -> None:
        longest = "c" * CAPABILITY_MAX_CHARS
        names: list[cbor.Value] = [f"{number}" for number in range(CAPABILITIES_MAX)]
        assert _signed({**self.content, "caps": [longest, "c"]}).capabilities == {longest, "c"}
        assert len(_signed({**self.content, "caps": names}).capabilities) == CAPABILITIES_MAX
        faults: list[Any] = [[*names, "one more"], [longest + "c"], [""], [1], [None], {}, "text", None]
        for wrong in faults:
            with pytest.raises(MessageError):
                _signed({**self.content, "caps": wrong})

    def test_fields_that_are_no_map_are_refused(self) -> None:
        for fields in (b"", b"\x80", b"\xf6", b"\xa1", cbor.encode(self.content) + b"\x00", "text", None):
            with pytest.raises(MessageError):
                decode_message_untrusted(cbor.encode([0, fields, bytes(64)]))

    def test_resume_is_no_hello(self) -> None:
        assert decode_message_untrusted(encode_message(Resume(None, 0, None, None))) == Resume(None, 0, None, None)
