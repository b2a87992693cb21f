"""Frames and messages: every message valid, every field wrong once. Source: protocol/sync.md, "Messages"."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from p2pmicro import cbor
from p2pmicro.keys import PrivateKey

from .form import Vector, rendered
from .parties import ACCOUNT_A, ENTRY_1, FEED_A, FEED_B, LOG_A, SEQ_MAX, SMALL

CERTIFICATES = (b"the initiator's certificate", b"the responder's certificate")
EPOCH, VERSION, NEWER, SALT = b"epoch...", b"version.", b"newer...", b"sixteen bytes..."
ELEMENTS = b"first element..." + b"second element.."
INT_MAX = 2**63 - 1
CODES = (
    *("bye", "busy", "duplicate", "bug", "remote"),
    *("remote.frame", "remote.message", "remote.state", "remote.limit", "remote.auth"),
    *("entry.signature", "entry.device", "entry.size", "entry.seq", "entry.backlink", "entry.fork", "entry.key"),
)


def hello_fields(key: PrivateKey = FEED_A, **changes: Any) -> dict[str, Any]:
    """The fields of a hello; a change to `...` leaves one out."""
    fields: dict[str, Any] = {"v": 1, "feed": key.public, "epoch": EPOCH, "caps": []}
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not ...}


def changed_fields(field: str, value: Any) -> dict[str, Any]:
    """The fields of a hello with one fault."""
    fields = {**hello_fields(), field: value}
    return {name: value for name, value in fields.items() if value is not ...}


def hello_message(initiator: bool, certificates: tuple[bytes, bytes], fields: bytes) -> bytes:
    """What a hello signs, written out a second time."""
    digests = b"".join(sha256(part).digest() for part in (*certificates, fields))
    return b"p2pmicro hello 1" + bytes([not initiator]) + digests


def hello(
    initiator: bool, fields: dict[str, Any], key: PrivateKey = FEED_A, certificates: tuple[bytes, bytes] = CERTIFICATES
) -> list[Any]:
    """A hello, well signed."""
    encoded = cbor.encode(fields)
    return [0, encoded, key.sign(hello_message(initiator, certificates, encoded))]


def device_proof() -> list[Any]:
    """Entry 1 of feed_a with the head at 1."""
    return [ENTRY_1, LOG_A.head(1)]


def have_item(**more: Any) -> list[Any]:
    """What is said of feed_a, held as 1..10 and 20..70."""
    return [FEED_A.public, ACCOUNT_A.public, 7, [[20, 30, 70], [1, 1, 10]], LOG_A.id(70)[:16], more]


PICTURE = sha256(b"a picture").digest()
WANT = [7, FEED_A.public, 65, 128, None]
ASK = [7, FEED_A.public, 70, LOG_A.id(70)]
VALID: dict[str, list[tuple[str, str, list[Any]]]] = {
    "resume": [
        ("first", "Of a peer that was not met before.", [1, EPOCH, 0, None, None]),
        ("empty", "An epoch need not be known.", [1, None, 0, None, None]),
        ("again", "Everything is known; the largest cursor.", [1, EPOCH, INT_MAX, VERSION, NEWER]),
    ],
    "interest": [
        ("full", "The whole of it, with its salt.", [2, None, VERSION, SALT, ELEMENTS, b"", True]),
        ("change", "One element more and one less.", [2, VERSION, NEWER, None, ELEMENTS[:16], ELEMENTS[16:], True]),
        ("no_change", "What is sent at a meeting without news.", [2, VERSION, VERSION, None, b"", b"", True]),
        ("part", "More follows.", [2, None, VERSION, SALT, ELEMENTS, b"", False]),
        ("largest", "16,384 elements.", [2, None, VERSION, SALT, bytes(16 * 16_384), b"", True]),
    ],
    "have": [
        (
            "item",
            "A feed with all that can go with it but a fork.",
            [3, [have_item(device=device_proof())], None, None],
        ),
        ("empty", "What ends an answer without news.", [3, [], 9120, VERSION]),
        ("no_run", "Nothing but the device proof is held.", [3, [[*have_item()[:3], [], bytes(16), {}]], 0, None]),
        (
            "no_payload",
            "Every payload of the run is deleted or not kept.",
            [3, [[*have_item()[:3], [[1, 3, 2]], bytes(16), {}]], None, None],
        ),
        ("unknown_key", "A later version may say more of a feed.", [3, [have_item(zzz=[1])], None, None]),
        ("largest", "256 items.", [3, [have_item()] * 256, None, None]),
    ],
    "wants": [
        ("one", "Entries 65 to 128.", [4, [WANT]]),
        ("prefix", "Up to an entry whose id is known.", [4, [[7, FEED_A.public, 1, 60, LOG_A.id(60)[:16]]]]),
        ("none", "An empty list asks for nothing.", [4, []]),
        ("last_seq", "Up to the last seq that there is.", [4, [[INT_MAX, FEED_A.public, 1, SEQ_MAX, None]]]),
        ("largest", "64 wants.", [4, [WANT] * 64]),
    ],
    "given": [
        ("answer", "Of want number 7.", [5, 7, LOG_A.range(65, 70)]),
        ("pushed", "Because it is new.", [5, None, LOG_A.range(70, 70)]),
        ("holes", "Deleted payloads are holes.", [5, 7, LOG_A.range(1, 64, holes=range(2, 60))]),
    ],
    "gone": [("want", "Number 7 can't be answered.", [6, 7])],
    "ask_ids": [
        ("three", "In rising order.", [7, FEED_A.public, [1, 70, SEQ_MAX]]),
        ("largest", "64 seqs.", [7, FEED_A.public, list(range(1, 65))]),
    ],
    "ids": [
        ("two", "Those that are held.", [8, FEED_A.public, [[1, LOG_A.id(1)], [70, LOG_A.id(70)]]]),
        ("none", "None of them is held.", [8, FEED_A.public, []]),
    ],
    "asks": [
        ("one", "Entry 70, by its ref.", [12, [ASK]]),
        ("none", "An empty list asks for nothing.", [12, []]),
        ("largest", "64 entries.", [12, [ASK] * 64]),
    ],
    "excerpt_given": [
        ("answer", "Of ask number 7.", [13, 7, LOG_A.excerpt(70, 70), [device_proof()]]),
        ("told", "It was asked for before, or is a delete.", [13, None, LOG_A.excerpt(70, 71), [device_proof()]]),
        ("two_devices", "And whose feed a delete names.", [13, 7, LOG_A.excerpt(70, 70), [device_proof()] * 2]),
    ],
    "want_media": [
        ("two", "Two pictures.", [14, [PICTURE, sha256(b"").digest()]]),
        ("none", "An empty list asks for nothing.", [14, []]),
        ("largest", "16 pictures.", [14, [PICTURE] * 16]),
    ],
    "media": [
        ("picture", "The bytes of that hash.", [15, PICTURE, b"a picture"]),
        ("lacked", "It is not held.", [15, PICTURE, None]),
        ("other", "The bytes are of another hash: whoever stores them has to look.", [15, bytes(32), b"a picture"]),
        ("largest", "1 MiB.", [15, PICTURE, bytes(1 << 20)]),
    ],
    "ping": [("plain", "Is anybody there?", [9])],
    "pong": [("plain", "Yes.", [10])],
    "close": [
        *((code.replace(".", "_"), f"Code {code}.", [11, code, "A sentence."]) for code in CODES),
        ("unknown", "A code that is not known is like bye.", [11, "later.code", ""]),
        ("largest", "40 and 200 code points, not bytes.", [11, "ü" * 40, "ü" * 200]),
    ],
}


def vectors() -> Iterator[Vector]:
    """The folders frame and message."""
    for kind, cases in VALID.items():
        for name, comment, value in cases:
            # What is long is counted in `hex`, and read from there.
            decoded = rendered(value) if len(cbor.encode(value)) <= 1024 else None
            yield _message(
                f"{kind}_{name}", _SPECS.get(f"{kind}_{name}", "message-shape"), comment, value, decoded=decoded
            )
    yield from _hellos()
    yield from _faults()


_SPECS = {
    "asks_one": "ask-answer",
    "excerpt_given_two_devices": "excerpt-devices",
    "have_unknown_key": "message-more",
    "have_no_payload": "have-runs",
    "interest_full": "interest-full",
    "interest_part": "interest-parts",
    "close_unknown": "close-last",
    "given_holes": "want-deleted",
    "media_picture": "media-answer",
    "media_lacked": "media-answer",
    "media_other": "media-hash",
    "ping_plain": "ping-after",
}


def _message(name: str, spec: str, comment: str, value: Any, expect: str = "ok", **more: Any) -> Vector:
    data = more.pop("data", None)
    return Vector(
        f"message/{name}",
        f"sync.md#{spec}",
        comment,
        cbor.encode(value) if data is None else data,
        expect,
        value=value if data is None else None,
        **more,
    )


def _hello_vector(
    name: str,
    spec: str,
    comment: str,
    message: list[Any],
    expect: str = "ok",
    initiator: bool = True,
    certificates: tuple[bytes, bytes] = CERTIFICATES,
) -> Vector:
    given = {"role": "initiator" if initiator else "responder", "certificates": [part.hex() for part in certificates]}
    decoded = None
    signed: tuple[tuple[str, bytes, bytes, bytes], ...] = ()
    if expect == "ok":
        fields = cbor.decode(message[1])
        assert isinstance(fields, dict)
        decoded = rendered(fields)
        signed = (("hello", message_key(fields), hello_message(initiator, certificates, message[1]), message[2]),)
    return _message(name, spec, comment, message, expect, given=given, decoded=decoded, signed=signed)


def message_key(fields: dict[str, Any]) -> bytes:
    """Who says hello."""
    return bytes(fields["feed"])


def _hellos() -> Iterator[Vector]:
    plain = hello_fields()
    full = hello_fields(caps=["a", "c" * 32], device=device_proof())
    names = [f"capability {number}" for number in range(16)]
    yield _hello_vector("hello_initiator", "hello-signature", "What an initiator says.", hello(True, plain))
    yield _hello_vector(
        "hello_responder", "hello-signature", "With its device proof.", hello(False, full), initiator=False
    )
    yield _hello_vector("hello_caps", "message-shape", "16 capabilities.", hello(True, hello_fields(caps=names)))
    more = hello_fields(x=[1, {"y": None}], zz="later")
    yield _hello_vector(
        "hello_unknown_key", "message-more", "Unknown fields are signed and ignored.", hello(True, more)
    )

    def wrong(name: str, spec: str, comment: str, message: list[Any], expect: str = "remote.message") -> Vector:
        return _hello_vector(f"hello_{name}", spec, comment, message, expect)

    auth = "remote.auth"
    one, other = CERTIFICATES
    yield wrong("reflected", "hello-signature", "It was said by the other side.", hello(False, plain), auth)
    for name, certificates in {
        "swapped": (other, one),
        "other_initiator": (b"another", other),
        "other_responder": (one, b"another"),
        "joined": (one + other[:3], other[3:]),
    }.items():
        comment = "It was said in a session between other certificates."
        yield wrong(name, "hello-signature", comment, hello(True, plain, certificates=certificates), auth)
    yield wrong("other_key", "hello-signature", "Another feed signed it.", hello(True, plain, FEED_B), auth)
    changed = hello(True, plain)
    changed[2] = bytes([changed[2][0] ^ 1]) + changed[2][1:]
    yield wrong("flipped", "hello-signature", "One bit of the signature is turned.", changed, auth)
    small = [0, cbor.encode(hello_fields(feed=SMALL)), SMALL + bytes(32)]
    yield wrong("small_order", "hello-signature", "Anybody can sign under this key.", small, auth)
    for version, name in ((0, "old"), (2, "new"), (True, "true"), ("1", "text"), (..., "missing")):
        yield wrong(
            f"version_{name}", "hello-version", "Only the integer 1.", hello(True, hello_fields(v=version)), auth
        )
    critical = hello(True, {**hello_fields(), "!x": 1})
    yield wrong("critical", "hello-critical", "A field that must not be overlooked.", critical)
    faults: dict[str, tuple[Any, ...]] = {
        "feed": (..., FEED_A.public[1:], FEED_A.public + b"a", "text", None),
        "epoch": (..., EPOCH[1:], EPOCH + b"a", 8),
        "caps": (..., {}, "a", [*names, "one more"], [""], ["c" * 33], [1]),
        "device": (None, [], [ENTRY_1], [ENTRY_1, bytes(63)], ["text", bytes(64)]),
    }
    for field, values in faults.items():
        for number, value in enumerate(values, 1):
            message = hello(True, changed_fields(field, value))
            yield wrong(f"{field}_{number}", "message-shape", f"Its {field} is missing or of another shape.", message)
    yield wrong("fields_no_map", "message-shape", "The fields are a map.", [0, b"\x80", bytes(64)])
    yield wrong(
        "fields_trailing", "message-shape", "The fields end with the map.", [0, cbor.encode(plain) + b"\0", bytes(64)]
    )
    yield wrong("fields_text", "message-shape", "The fields are a byte string.", [0, "text", bytes(64)])
    yield wrong("signature_short", "message-shape", "A signature has 64 bytes.", [*hello(True, plain)[:2], bytes(63)])


def _faults() -> Iterator[Vector]:
    def wrong(name: str, comment: str, value: Any, spec: str = "message-shape") -> Vector:
        return _message(f"fault_{name}", spec, comment, value, "remote.message")

    yield _message("fault_empty", "message-shape", "Nothing.", None, "remote.message", data=b"")
    yield _message("fault_trailing", "message-shape", "A value and more.", None, "remote.message", data=b"\x81\x09\x00")
    yield _message("fault_long_form", "message-shape", "9 in two bytes.", None, "remote.message", data=b"\x81\x18\x09")
    yield _message("fault_indefinite", "message-shape", "No length.", None, "remote.message", data=b"\x9f\x09\xff")
    for name, value in {
        "array": [],
        "number": [99],
        "negative": [-1],
        "text": ["9"],
        "map": {},
        "true": [True],
    }.items():
        yield wrong(f"no_{name}", "A message is an array that begins with a known number.", value)
    feed = FEED_A.public
    samples = {kind: cases[0][2] for kind, cases in VALID.items()}
    samples["resume"], samples["have"] = VALID["resume"][2][2], VALID["have"][0][2]
    for kind, value in samples.items():
        yield wrong(f"{kind}_long", "One field too many.", [*value, None])
        if len(value) > 1:
            yield wrong(f"{kind}_short", "One field too few.", value[:-1])

    fields: dict[str, dict[str, tuple[int, tuple[Any, ...]]]] = {
        "resume": {
            "epoch": (1, (EPOCH[1:], 0, "epoch...")),
            "cursor": (2, (-1, None, b"")),
            "answered": (3, (VERSION[1:], 1)),
            "held": (4, (VERSION + b"a", 1)),
        },
        "interest": {
            "base": (1, (VERSION[1:], 0)),
            "version": (2, (None, VERSION[1:], 5)),
            "salt": (3, (SALT[1:], "sixteen bytes...")),
            "added": (4, (b"fifteen bytes..", None, [], bytes(16 * 16_385))),
            "removed": (5, (b"fifteen bytes..", None, [])),
            "last": (6, (None, 0, 1)),
        },
        "have": {
            "items": (1, (None, {}, [have_item()] * 257)),
            "upto": (2, (-1, b"")),
            "answered": (3, (VERSION[1:], 1)),
        },
        "wants": {"list": (1, (None, {}, [WANT] * 65))},
        "given": {"number": (1, (-1, b"")), "range": (2, (None, [], LOG_A.range(65, 70)[:4]))},
        "gone": {"number": (1, (-1, None, b""))},
        "ask_ids": {
            "feed": (1, (feed[1:], None)),
            "seqs": (2, (None, [0], [1, 1], [2, 1], [SEQ_MAX + 1], list(range(1, 66)))),
        },
        "ids": {
            "feed": (1, (feed[1:], None)),
            "list": (2, (None, [1], [[1]], [[1, bytes(31)]], [[2, bytes(32)], [1, bytes(32)]])),
        },
        "asks": {
            "list": (1, (None, {}, [ASK] * 65, [[*ASK, None]], [[-1, *ASK[1:]]], [[7, feed, 0, bytes(32)]])),
        },
        "excerpt_given": {
            "number": (1, (-1, b"")),
            "entry": (2, (None, [], LOG_A.excerpt(70, 70)[:5])),
            "devices": (3, (None, [], [device_proof()] * 3, [[ENTRY_1]])),
        },
        "want_media": {"list": (1, (None, PICTURE, [None], [PICTURE[1:]], [PICTURE] * 17))},
        "media": {
            "name": (1, (None, PICTURE + b"a")),
            "data": (2, (b"", "a picture", [], bytes((1 << 20) + 1))),
        },
        "close": {"code": (1, (None, b"bye", "c" * 41)), "text": (2, (None, b"", "t" * 201))},
    }
    for kind, places in fields.items():
        for field, (place, faults) in places.items():
            for number, fault in enumerate(faults, 1):
                value = [*samples[kind]]
                value[place] = fault
                yield wrong(f"{kind}_{field}_{number}", f"The field {field} is of another shape.", value)
    item_faults: dict[str, tuple[int, tuple[Any, ...]]] = {
        "feed": (0, (feed[1:], None)),
        "account": (1, (feed + b"a", None)),
        "change": (2, (-1, None)),
        "prefix": (4, (bytes(15), None)),
        "more": (5, (None, [], {"device": None}, {"revoke": [feed, 1, bytes(32)]}, {"fork": [feed, 1, bytes(32)]})),
    }
    for field, (place, faults) in item_faults.items():
        for number, fault in enumerate(faults, 1):
            item = have_item()
            item[place] = fault
            yield wrong(f"item_{field}_{number}", f"An item's {field} is of another shape.", [3, [item], None, None])
    for name, runs in {
        "zero": [[0, 1, 1]],
        "payload_before": [[2, 1, 3]],
        "payload_after": [[1, 3, 1]],
        "backward": [[2, 2, 1]],
        "over": [[1, 1, SEQ_MAX + 1]],
        "order": [[1, 1, 5], [7, 7, 9]],
        "overlap": [[5, 5, 9], [1, 1, 5]],
        "three": [[20, 20, 30], [10, 10, 15], [1, 1, 5]],
        "short": [[1, 1]],
    }.items():
        item = have_item()
        item[3] = runs
        yield wrong(f"runs_{name}", "Runs are in order, and apart.", [3, [item], None, None], "have-runs")
    for number, want in enumerate(
        (
            [-1, *WANT[1:]],
            [7, feed[1:], 65, 128, None],
            [7, feed, 0, 128, None],
            [7, feed, 65, SEQ_MAX + 1, None],
            WANT[:4],
        ),
        1,
    ):
        yield wrong(f"want_{number}", "A want of another shape.", [4, [want]])
    yield wrong("want_prefix", "16 bytes of an id.", [4, [[*WANT[:4], bytes(15)]]])
    yield wrong("want_backward", "It ends before it begins.", [4, [[7, feed, 66, 65, None]]], "want-order")
    both = "A full interest brings a salt, and a change of one does not."
    yield wrong("interest_neither", both, [2, None, VERSION, None, b"", b"", True], "interest-full")
    yield wrong("interest_both", both, [2, VERSION, NEWER, SALT, b"", b"", True], "interest-full")
