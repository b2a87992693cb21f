"""Payloads, kinds and the rule of 140. Source: protocol/content.md."""

import unicodedata

import pytest

from p2pmicro import cbor, keys
from p2pmicro.errors import ContentError, EncodingError, LocalError, SizeError
from p2pmicro.feed import content
from p2pmicro.feed.content import Content, Entry, TextError, clean_text, read, read_many, ref_of, write
from p2pmicro.ids import AccountId, EntryId, FeedId, Ref
from p2pmicro.limits import PAYLOAD_MAX_BYTES
from tests.made import private_key, secret
from tests.texts import SENTENCES, message

ALICE = private_key("alice").public
BOB = private_key("bob").public
BOX = keys.device_public(secret("box"))
ID = bytes(range(32))
REF: list[cbor.Value] = [ALICE, 7, ID]
IDENTITY = (1).to_bytes(32, "little")  # a refused key

GOOD: dict[str, list[Content]] = {
    "post": [
        {"text": ""},
        {"text": "a" * 140},
        {"text": "\U0001f600" * 140},
        {"text": "hello", "reply": {"root": REF, "parent": REF}},
        {"text": "hello", "reply": {"root": REF, "parent": REF, "later": 1}},
        {"text": "hello", "quote": REF},
        {"text": "hello", "mentions": []},
        {"text": "hello", "mentions": [[0, 5, ALICE]]},
        {"text": "hello", "mentions": [[0, 2, ALICE], [2, 1, ALICE], [4, 1, BOB]]},
        {"text": "a" * 140, "mentions": [[start, 1, ALICE] for start in range(32)]},
        {"text": "hello", "lang": "pt-BR"},
        {"text": "hello", "replaces": [REF] * 16},
        {"text": "", "media": [[ID, "image/png", 1, ""], [ID, "a" * 40, 1 << 20, "a" * 400]]},
        {"text": "hello", "lang": "a" * 35},
        {"text": "hello", "unknown": [1, {"deep": None}]},
        {"text": "hello", "reply": {"root": REF, "parent": REF, "!": 1}},
    ],
    "profile": [
        {"rev": 1, "name": ""},
        {"rev": 2**53, "name": "é" * 50, "bio": "b" * 500, "link": "https://" + "l" * 248},
        {"rev": 1, "name": "a", "bio": "", "link": "http://"},
        {"rev": 1, "name": "a", "avatar": [ID, "image/webp", 256 << 10]},
        {"rev": 1, "name": "a", "pin": [REF] * 5},
    ],
    "follow": [{"account": BOB, "on": True, "rev": 1}, {"account": BOB, "on": False, "rev": 2**53}],
    "follows": [
        {"part": 0, "parts": 1, "list": []},
        {"part": 499, "parts": 500, "list": [[BOB, 1, True], [ALICE, 2, False]]},
        {"part": 0, "parts": 1, "list": [[BOB, 1, True]] * 200},
    ],
    "like": [{"ref": REF, "on": True, "rev": 1}, {"ref": REF, "on": False, "rev": 2**53}],
    "repost": [{"ref": REF, "on": True, "rev": 1}],
    "sealed": [
        {"salt": bytes(16), "commit": ID, "slots": [bytes(72)] * slots, "body": bytes(body + 16)}
        for slots, body in ((4, 256), (8, 1024), (16, 2560), (32, 256), (64, 2560))
    ],
    "delete": [{"ref": REF}],
    "revoke": [{"feed": ALICE, "seq": 1, "id": ID, "sig": bytes(64)}],
    "device": [
        {"feed": ALICE, "account": BOB, "device": BOX, "box": BOX, "gen": gen, "sig": bytes(64)}
        for gen in (0, 2**32 - 1)
    ],
}
BAD_ROWS: list[cbor.Value] = [
    None,
    {},
    [None],
    [[]],
    [[BOB, 1]],
    [[BOB, 1, True, 1]],
    [[BOB, 0, True]],
    [[BOB, 1, 1]],
    [[IDENTITY, 1, True]],
    [[BOB, 1, True]] * 201,
]
BAD_PICTURES: list[cbor.Value] = [
    None,
    [ID, "image/png", 1],
    [ID, "image/png", 1, "", ID],
    [ID[1:], "image/png", 1, ""],
    [ID, "", 1, ""],
    [ID, "a" * 41, 1, ""],
    [ID, "image/png", 0, ""],
    [ID, "image/png", (1 << 20) + 1, ""],
    [ID, "image/png", 1, "a" * 401],
    [ID, "image/png", 1, None],
]
SEALED_ENTRY: Content = {"salt": bytes(16), "commit": ID, "slots": [bytes(72)] * 4, "body": bytes(272)}
BAD_REACTIONS: list[Content] = [
    *(
        {},
        {"ref": REF, "on": True},
        {"on": True, "rev": 1},
        {"ref": REF, "rev": 1},
        {"ref": REF[:2], "on": True, "rev": 1},
    ),
    *({"ref": REF, "on": on, "rev": 1} for on in (1, 0, None)),
    *({"ref": REF, "on": True, "rev": rev} for rev in (0, 2**53 + 1, True)),
]
BAD: dict[str, list[Content]] = {
    "post": [
        *({}, {"text": 1}, {"text": None}, {"text": b"a"}, {"text": "a" * 141}, {"text": "\U0001f600" * 141}),
        *({"text": "a", "!": 1}, {"text": "a", "!new": None}, {"text": "a", "reply": REF}, {"text": "a", "reply": {}}),
        {"text": "a", "reply": {"root": REF}},
        {"text": "a", "reply": {"parent": REF}},
        {"text": "a", "reply": {"root": REF, "parent": None}},
        {"text": "a", "quote": None},
        *({"text": "a", "replaces": replaces} for replaces in ([], [REF] * 17, REF, None, [None])),
        {"text": "a", "media": None},
        {"text": "a", "media": {}},
        {"text": "a", "media": [[ID, "image/png", 1, ""]] * 5},
        *({"text": "a", "media": [row]} for row in BAD_PICTURES),
        {"text": "a", "mentions": None},
        *({"text": "a", "lang": lang} for lang in ("", "a" * 36, None, 1)),
    ],
    "profile": [
        *({}, {"rev": 1}, {"name": "a"}, {"rev": 1, "name": "a" * 51}, {"rev": 1, "name": 1}),
        *({"rev": rev, "name": "a"} for rev in (0, -1, 2**53 + 1, True, "1", None)),
        *({"rev": 1, "name": "a", "bio": bio} for bio in ("b" * 501, None, 1)),
        *(
            {"rev": 1, "name": "a", "link": link}
            for link in ("", "example.org", "HTTPS://a", "javascript:alert(1)", " https://a", "https://" + "l" * 249, 1)
        ),
    ],
    "follow": [
        *({}, {"account": BOB, "on": True}, {"account": BOB, "rev": 1}, {"on": True, "rev": 1}),
        *({"account": account, "on": True, "rev": 1} for account in (IDENTITY, BOB[1:], BOB.hex(), None)),
        *({"account": BOB, "on": on, "rev": 1} for on in (1, 0, None, "true")),
        *({"account": BOB, "on": True, "rev": rev} for rev in (0, 2**53 + 1, False)),
    ],
    "follows": [
        *({}, {"part": 0, "parts": 1}, {"part": 0, "list": []}, {"parts": 1, "list": []}),
        *({"part": part, "parts": 2, "list": []} for part in (-1, 2, True, None)),
        *({"part": 0, "parts": parts, "list": []} for parts in (0, 501, True, None)),
        *({"part": 0, "parts": 1, "list": rows} for rows in BAD_ROWS),
    ],
    "revoke": [
        *({"feed": feed, "seq": 1, "id": ID, "sig": bytes(64)} for feed in (IDENTITY, b"", None)),
        *({"feed": ALICE, "seq": seq, "id": ID, "sig": bytes(64)} for seq in (0, 2**32, True, None)),
        *({"feed": ALICE, "seq": 1, "id": entry_id, "sig": bytes(64)} for entry_id in (ID[1:], ID.hex(), None)),
        *({"feed": ALICE, "seq": 1, "id": ID, "sig": signature} for signature in (bytes(63), bytes(65), None)),
    ],
    "like": BAD_REACTIONS,
    "repost": BAD_REACTIONS,
    "sealed": [
        *({key: value for key, value in SEALED_ENTRY.items() if key != gone} for gone in SEALED_ENTRY),
        *({**SEALED_ENTRY, "slots": slots} for slots in ([], [bytes(72)] * 5, [bytes(71)] * 4, bytes(288), None)),
        *({**SEALED_ENTRY, "body": body} for body in (b"", bytes(256), bytes(273), bytes(4112), "a" * 272, None)),
        *({**SEALED_ENTRY, "salt": salt} for salt in (bytes(15), bytes(17), None)),
        *({**SEALED_ENTRY, "commit": commit} for commit in (bytes(31), None)),
    ],
    "delete": [
        *({}, {"ref": None}, {"ref": {}}, {"ref": [ALICE, 7]}, {"ref": [ALICE, 7, ID, 1]}),
        *({"ref": [feed, 7, ID]} for feed in (IDENTITY, ALICE[1:], ALICE.hex())),
        *({"ref": [ALICE, seq, ID]} for seq in (0, -1, 2**32, 2**53, True, "7")),
        *({"ref": [ALICE, 7, entry_id]} for entry_id in (ID[1:], ID + b"a", "a" * 32, None)),
    ],
}
BAD_MENTIONS: list[cbor.Value] = [
    {},
    [None],
    [[0, 5]],
    [[0, 5, ALICE, 1]],
    [[0, 5, IDENTITY]],
    [[0, 5, ALICE[1:]]],
    [[-1, 1, ALICE]],
    [[0, 0, ALICE]],
    [[0, -1, ALICE]],
    [[0, 6, ALICE]],
    [[5, 1, ALICE]],
    [[6, 1, ALICE]],
    [[False, 1, ALICE]],
    [[0, True, ALICE]],
    [[2, 1, ALICE], [0, 1, ALICE]],
    [[0, 2, ALICE], [1, 1, ALICE]],
    [[0, 1, ALICE]] * 33,
]


def _payload(kind: str, fields: Content, time_ms: int = 5) -> bytes:
    return cbor.encode([time_ms, kind, fields])


def _cases(table: dict[str, list[Content]]) -> list[tuple[str, Content]]:
    return [(kind, fields) for kind, rows in table.items() for fields in rows]


@pytest.mark.parametrize(("kind", "fields"), _cases(GOOD))
def test_entry_that_fits_its_schema_is_read(kind: str, fields: Content) -> None:
    assert read(write(5, kind, fields)) == Entry(5, kind, fields)
    assert read_many([_payload(kind, fields)]) == [Entry(5, kind, fields)]


@pytest.mark.parametrize(("kind", "fields"), _cases(BAD))
def test_entry_that_does_not_fit_its_schema_is_unreadable(kind: str, fields: Content) -> None:
    payload = _payload(kind, fields)
    with pytest.raises(ContentError):
        read(payload)
    with pytest.raises(ContentError):
        write(5, kind, fields)
    (error,) = read_many([payload])
    assert isinstance(error, ContentError)


@pytest.mark.parametrize("mentions", BAD_MENTIONS)
def test_mentions_lie_within_the_text_in_order_and_apart(mentions: cbor.Value) -> None:
    with pytest.raises(ContentError):
        read(_payload("post", {"text": "hello", "mentions": mentions}))


@pytest.mark.parametrize("field", ["feed", "account", "device", "box", "gen", "sig"])
def test_device_needs_each_of_its_fields_right(field: str) -> None:
    good = GOOD["device"][0]
    values: list[object] = [None, b"", IDENTITY, bytes(32), b"\xff" * 32, -1, 2**32, "a", bytes(63), True]
    for value in values:
        with pytest.raises(ContentError):
            read(_payload("device", {**good, field: value}))
    with pytest.raises(ContentError, match=f"'{field}'"):
        read(_payload("device", {key: good[key] for key in good if key != field}))


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, "post", {}, [], [5, "post"], [5, "post", {"text": "a"}, 1], ["5", "post", {"text": "a"}]),
        *([True, "post", {"text": "a"}], [5, b"post", {"text": "a"}], [5, "post", [["text", "a"]]]),
        *([5, "post", None], [None, "post", {"text": "a"}], {"kind": "post"}),
    ],
)
def test_payload_is_an_integer_a_text_and_a_map(value: cbor.Value) -> None:
    payload = cbor.encode(value)
    with pytest.raises(ContentError):
        read(payload)
    (error,) = read_many([payload])
    assert isinstance(error, ContentError)


@pytest.mark.parametrize("kind", ["", "Post", "post ", "keys", "state", "circle-key", "x" * 8000])
def test_unknown_kind_is_unreadable_and_named_in_short(kind: str) -> None:
    with pytest.raises(ContentError) as caught:
        read(_payload(kind, {"text": "a"}))
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("kind", sorted(content.KINDS))
def test_critical_field_that_is_unknown_makes_any_kind_unreadable(kind: str) -> None:
    for key in ("!", "!a", "!text"):
        with pytest.raises(ContentError, match="critical"):
            read(_payload(kind, {**GOOD[kind][0], key: 1}))
    read(_payload(kind, {**GOOD[kind][0], "a!": 1}))


def test_every_kind_is_tested_both_ways() -> None:
    assert GOOD.keys() == content.KINDS
    assert BAD.keys() | {"device"} == content.KINDS


@pytest.mark.parametrize("time_ms", [0, -1, 2**63 - 1, -(2**63 - 1)])
def test_any_time_is_a_claim(time_ms: int) -> None:
    assert read(_payload("post", {"text": "a"}, time_ms)).time_ms == time_ms


def test_payload_cut_or_continued_is_unreadable() -> None:
    payload = write(5, "post", {"text": "hello"})
    for given in (*(payload[:end] for end in range(len(payload))), payload + b"\0", payload * 2):
        with pytest.raises(EncodingError):
            read(given)
        (error,) = read_many([given])
        assert isinstance(error, EncodingError)


def test_bad_payloads_stand_among_good_ones_as_their_errors() -> None:
    good = [write(number, "post", {"text": message(number)}) for number in range(100)]
    payloads = list(good)
    payloads[7], payloads[50], payloads[99] = b"\xff", _payload("post", {}), good[99][:-1]
    read_ones = read_many(payloads)
    assert [type(one) for one in (read_ones[7], read_ones[50], read_ones[99])] == [
        EncodingError,
        ContentError,
        EncodingError,
    ]
    assert [one for place, one in enumerate(read_ones) if place not in (7, 50, 99)] == [
        read(payload) for place, payload in enumerate(good) if place not in (7, 50, 99)
    ]


def test_none_to_read_is_none_read() -> None:
    assert read_many([]) == []


def test_payload_over_8192_bytes_is_not_written() -> None:
    room = PAYLOAD_MAX_BYTES - len(_payload("post", {"text": "a", "filler": b""})) - 2
    assert len(write(5, "post", {"text": "a", "filler": bytes(room)})) == PAYLOAD_MAX_BYTES
    with pytest.raises(SizeError):
        write(5, "post", {"text": "a", "filler": bytes(room + 1)})


def test_full_part_of_follows_fits_a_payload() -> None:
    rows = [(AccountId(private_key(str(number)).public), number + 1, True) for number in range(200)]
    payload = write(2**41, "follows", content.follows(0, 1, rows))
    assert len(read(payload).content["list"]) == 200


def test_contents_that_are_made_are_those_that_are_read() -> None:
    alice, ref = AccountId(ALICE), Ref(FeedId(ALICE), 7, EntryId(ID))
    for kind, made in (
        ("post", content.post("hello")),
        ("profile", content.profile(1, "a")),
        ("profile", content.profile(1, "a", "", "https://example.org")),
        ("follow", content.follow(alice, 3, False)),
        ("follows", content.follows(1, 2, [(alice, 3, True)])),
        ("delete", content.delete(ref)),
    ):
        assert read(write(5, kind, made)).content == made
    assert content.profile(1, "a") == {"rev": 1, "name": "a"}
    assert ref_of(content.delete(ref)["ref"]) == ref


# --- The rule of 140 ---


@pytest.mark.parametrize(
    "text", [*SENTENCES[::20], "a", "a" * 140, "\U0001f600" * 140, "a\nb", "e\u0301" * 140, " a ", "\u200d"]
)
def test_text_that_fits_is_brought_to_nfc(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned == unicodedata.normalize("NFC", text)
    assert clean_text(cleaned) == cleaned


@pytest.mark.parametrize("text", ["a" * 141, "\U0001f600" * 141, "e\u0301" * 141, "👨‍👩‍👧‍👦" * 21])
def test_text_of_141_code_points_is_refused_with_its_count(text: str) -> None:
    over = len(unicodedata.normalize("NFC", text))
    with pytest.raises(TextError, match=rf"has {over} characters .* {over - 140} more than 140"):
        clean_text(text)


@pytest.mark.parametrize("text", ["", " ", "\n", "\t", "\u3000", "\u00a0 \r\n"])
def test_empty_text_is_refused(text: str) -> None:
    with pytest.raises(TextError, match="empty"):
        clean_text(text)


def test_every_control_character_but_newline_is_refused() -> None:
    for number in (*range(0x20), *range(0x7F, 0xA0)):
        text = f"a{chr(number)}b"
        if number == 0x0A:
            assert clean_text(text) == text
        else:
            with pytest.raises(TextError, match=rf"U\+{number:04X}.* at 2"):
                clean_text(text)


def test_windows_newlines_become_newlines_and_a_lone_return_is_refused() -> None:
    assert clean_text("a\r\nb") == "a\nb"
    with pytest.raises(TextError):
        clean_text("a\rb")


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\ud83d\ude00"])
def test_half_of_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(TextError, match="lone surrogate"):
        clean_text(text)
    with pytest.raises(EncodingError):
        write(5, "post", {"text": text})


def test_other_fields_have_their_own_count_and_name() -> None:
    assert clean_text("a" * 50, 50, "name") == "a" * 50
    with pytest.raises(TextError, match="The name has 51"):
        clean_text("a" * 51, 50, "name")


def test_text_error_is_the_callers_own() -> None:
    assert issubclass(TextError, LocalError)
    assert TextError.code == "local.text"
