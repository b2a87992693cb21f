"""Frames, and sessions told step by step. Source: protocol/sync.md, "Frames" and "States"."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from p2pmicro import cbor

from .cases_message import (
    ASK,
    CERTIFICATES,
    NEWER,
    PICTURE,
    SALT,
    VALID,
    VERSION,
    WANT,
    device_proof,
    hello,
    hello_fields,
)
from .parties import FEED_A, FEED_B, LOG_A

Document = dict[str, Any]
Step = dict[str, Any]
OTHER = (b"the certificates", b"of another session")


def frame(value: Any) -> bytes:
    """A message behind its length."""
    body = cbor.encode(value)
    return len(body).to_bytes(4) + body


# --- Frames ---


def frames() -> Iterator[Document]:
    """The folder frame."""
    ping, want = frame([9]), frame([4, [WANT]])

    def case(name: str, comment: str, hex_: Any, decoded: Any, expect: str = "ok", first: bool = False) -> Document:
        given = {"given": {"hello": True}} if first else {}
        made = {"name": f"frame/{name}", "spec": "sync.md#frame-length", "comment": comment, **given, "expect": expect}
        return {**made, "hex": hex_, "diag": None, "decoded": decoded}

    def read(*bodies: str, rest: str = "") -> Any:
        return {"frames": [*bodies], "rest": rest}

    def cut(name: str, comment: str, data: bytes, *bodies: bytes, rest: bytes = b"") -> Document:
        return case(name, comment, data.hex(), read(*(body[4:].hex() for body in bodies), rest=rest.hex()))

    yield cut("ping", "The smallest message.", ping, ping)
    yield cut("want", "A want.", want, want)
    yield cut("two", "Two frames in one piece.", ping + want, ping, want)
    yield cut("left_over", "The second frame has begun.", ping + want[:9], ping, rest=want[:9])
    yield cut("length_begun", "Even the length is not whole.", b"\0\0\0", rest=b"\0\0\0")
    yield cut("nothing", "Nothing came.", b"")
    yield case("smallest", "One byte: no message, but a frame.", "00000001f6", read("f6"))
    for name, size, first in (("largest", 1_179_648, False), ("largest_hello", 2048, True)):
        promised = size.to_bytes(4).hex()
        comment = "The length is at the limit; nothing of the frame has come."
        yield case(name, comment, promised, read(rest=promised), first=first)
    for name, size, first in (
        ("zero", 0, False),
        ("over", 1_179_649, False),
        ("over_hello", 2049, True),
        ("half", 2**31, False),
        ("all", 2**32 - 1, False),
    ):
        comment = "The length alone is enough to refuse it."
        yield case(f"length_{name}", comment, size.to_bytes(4).hex(), None, "remote.frame", first)


# --- Sessions ---


RESUME, INTEREST = [1, None, 0, None, None], [2, None, VERSION, SALT, b"", b"", True]
THEIR_HELLO = {
    "responder": hello(True, hello_fields(FEED_B), FEED_B),
    "initiator": hello(False, hello_fields(FEED_B), FEED_B),
}
OUR_HELLO = {
    "responder": hello(False, hello_fields(device=device_proof())),
    "initiator": hello(True, hello_fields(device=device_proof())),
}


def hear(value: Any, at: float = 0) -> Step:
    """The peer says something."""
    return {"at": at, "hear": frame(value).hex()}


def say(value: Any, at: float = 0) -> Step:
    """The node says something that its owner wants said."""
    return {"at": at, "say": frame(value).hex()}


def must_say(value: Any, at: float = 0) -> Step:
    """The node has to say something by itself."""
    return {"at": at, "must_say": frame(value).hex()}


def opening(role: str, upto: str) -> list[Step]:
    """The way to a state."""
    ours, theirs = say(OUR_HELLO[role]), hear(THEIR_HELLO[role])
    steps = {"await hello": 0, "await resume": 1, "await interest": 2, "open": 3}[upto]
    heard = [theirs, hear(RESUME), hear(INTEREST)][:steps]
    if role == "responder":
        return [ours, *heard]
    return [*heard[:1], *([ours] if steps else []), *heard[1:]]


def case(
    name: str, spec: str, comment: str, role: str, steps: Iterable[Step], state: str, expect: str = "ok"
) -> Document:
    """A file of the folder session."""
    given = {"role": role, "certificates": [part.hex() for part in CERTIFICATES]}
    made: Document = {"name": f"session/{name}", "spec": f"sync.md#{spec}", "comment": comment, "given": given}
    made |= {"expect": expect, "steps": [*steps]}
    return {**made, "state": state} if expect == "ok" else made


def sessions() -> Iterator[Document]:
    """The folder session."""
    yield from _good()
    yield from _no_place()
    yield from _faults()
    yield from _late()


def _good() -> Iterator[Document]:
    for role in ("initiator", "responder"):
        steps = [
            *opening(role, "open"),
            say(RESUME),
            say(INTEREST),
            hear([3, [], 9, VERSION]),
            say([3, [], 4, VERSION]),
        ]
        yield case(f"meeting_{role}", "state-said", f"A quiet meeting, as the {role} sees it.", role, steps, "open")
    role = "responder"
    opened = opening(role, "open")
    half = opening(role, "await interest")
    part = [2, None, VERSION, SALT, b"first element...", b"", False]
    yield case("part", "state-parts", "The first of two parts.", role, [*half, hear(part)], "await interest")
    last = [*part[:4], b"second element..", b"", True]
    yield case("parts", "interest-parts", "Both parts.", role, [*half, hear(part), hear(last)], "open")
    yield case("ping", "ping-after", "A ping is answered.", role, [*opened, hear([9]), must_say([10])], "open")
    yield case(
        "ping_early",
        "ping-after",
        "Even before an interest.",
        role,
        [*half, hear([9]), must_say([10])],
        "await interest",
    )
    silence = [*opened, must_say([9], 60), hear([10], 80), must_say([9], 140)]
    yield case("silence", "ping-after", "A minute without a byte, twice.", role, silence, "open")
    asked = [*opened, say([4, [WANT]]), hear([5, 7, LOG_A.range(65, 128)])]
    yield case("want", "want-answer", "A want is answered.", role, asked, "open")
    swapped = [*opened, say([4, [WANT, [8, *WANT[1:]]]]), hear([6, 8]), hear([6, 7])]
    yield case("want_order", "want-order", "Answers in another order are no fault.", role, swapped, "open")
    yield case(
        "push", "live-push", "A push needs no want.", role, [*opened, hear([5, None, LOG_A.range(70, 70)])], "open"
    )
    ids = [*opened, say([7, FEED_A.public, [1, 70]]), hear([8, FEED_A.public, [[70, LOG_A.id(70)]]])]
    yield case("ids", "ids-answer", "Not all are held.", role, ids, "open")
    pictures = [
        *opened,
        say([14, [PICTURE, bytes(32)]]),
        hear([15, bytes(32), None]),
        hear([15, PICTURE, b"a picture"]),
    ]
    yield case("media", "media-answer", "One is not held; the order does not matter.", role, pictures, "open")
    full = [*opened, *[hear([14, [PICTURE] * 16])] * 4]
    yield case("media_64", "media-queue", "64 pictures may wait.", role, full, "open")
    again = [*opened, hear([2, VERSION, NEWER, None, b"", b"", True])]
    yield case("interest_again", "interest-full", "Interests change.", role, again, "open")
    excerpt = [LOG_A.excerpt(70, 70), [device_proof()]]
    asked = [*opened, say([12, [ASK, [8, *ASK[1:]]]]), hear([6, 8]), hear([13, 7, *excerpt])]
    yield case("ask", "ask-answer", "One of two is held.", role, asked, "open")
    told = [*opened, hear([13, None, *excerpt])]
    yield case("excerpt_told", "ask-later", "An excerpt that is told needs no ask.", role, told, "open")
    full = [*opened, *[hear([12, [ASK] * 64])] * 4]
    yield case("asks_256", "ask-queue", "256 asks may wait.", role, full, "open")
    full = [*opened, hear([4, [WANT] * 64])] + [hear([4, [WANT] * 64])] * 3
    yield case("wants_256", "want-queue", "256 wants may wait.", role, full, "open")
    for state in ("await hello", "await resume", "await interest", "open"):
        steps = [*opening(role, state), hear([11, "bye", ""])]
        name = state.replace(" ", "_")
        yield case(f"close_{name}", "close-last", f"A close may come while in {state!r}.", role, steps, "closed")


def _no_place() -> Iterator[Document]:
    """Every message in every state in which it has no place."""
    takes = {
        "await hello": {"hello", "close"},
        "await resume": {"resume", "close"},
        "await interest": {"interest", "ping", "pong", "close"},
        "open": {*VALID} - {"resume"},
    }
    samples: Mapping[str, Any] = {kind: cases[0][2] for kind, cases in VALID.items()}
    for state, taken in takes.items():
        for kind in ("hello", *VALID):
            if kind in taken:
                continue
            role = "initiator" if state == "await hello" else "responder"
            message = THEIR_HELLO[role] if kind == "hello" else samples[kind]
            name = f"no_place_{kind}_in_{state.replace(' ', '_')}"
            comment = f"It has no place in {state!r}."
            steps = [*opening(role, state), hear(message)]
            yield case(
                name, "close-last" if kind == "close" else "state-table", comment, role, steps, state, "remote.state"
            )


def _faults() -> Iterator[Document]:
    def wrong(
        name: str, spec: str, comment: str, code: str, *steps: Step, state: str = "open", role: str = "responder"
    ) -> Document:
        return case(name, spec, comment, role, [*opening(role, state), *steps], state, code)

    for role in ("initiator", "responder"):
        initiator = role == "responder"  # who is heard
        for name, message in {
            "reflected": hello(not initiator, hello_fields(FEED_B), FEED_B),
            "replayed": hello(initiator, hello_fields(FEED_B), FEED_B, OTHER),
            "stolen": hello(initiator, hello_fields(FEED_A), FEED_B),
        }.items():
            comment = f"To the {role}: a hello that proves nothing here."
            spec = "hello-signature"
            yield wrong(
                f"hello_{name}_{role}", spec, comment, "remote.auth", hear(message), state="await hello", role=role
            )
    state = "remote.state"
    yield wrong("gone_unasked", "want-answer", "No want is open.", state, hear([6, 7]))
    yield wrong("given_unasked", "want-answer", "No want is open.", state, hear([5, 7, LOG_A.range(65, 70)]))
    excerpt = [LOG_A.excerpt(70, 70), [device_proof()]]
    yield wrong("excerpt_unasked", "ask-answer", "No ask is open.", state, hear([13, 7, *excerpt]))
    crossed = [say([4, [WANT]]), hear([13, 7, *excerpt])]
    yield wrong("excerpt_to_want", "ask-answer", "Number 7 is a want.", state, *crossed)
    crossed = [say([12, [ASK]]), hear([5, 7, LOG_A.range(70, 70)])]
    yield wrong("given_to_ask", "ask-answer", "Number 7 is an ask.", state, *crossed)
    many = [hear([12, [ASK] * 64])] * 4
    yield wrong("asks_257", "ask-queue", "One too many waits.", "remote.limit", *many, hear([12, [ASK]]))
    twice = [say([4, [WANT]]), hear([6, 7]), hear([6, 7])]
    yield wrong("gone_twice", "want-answer", "The want was answered.", state, *twice)
    yield wrong("ids_unasked", "ids-answer", "No question is open.", state, hear([8, FEED_A.public, []]))
    question = say([7, FEED_A.public, [1, 70]])
    yield wrong("ids_other_feed", "ids-answer", "Of another feed.", state, question, hear([8, FEED_B.public, []]))
    answer = hear([8, FEED_A.public, [[2, LOG_A.id(2)]]])
    yield wrong("ids_other_seq", "ids-answer", "Of a seq that was not asked for.", "remote.message", question, answer)
    part = [2, VERSION, NEWER, None, b"", b"", False]
    for name, other in {
        "version": [2, VERSION, VERSION, None, b"", b"", True],
        "base": [2, NEWER, NEWER, None, b"", b"", True],
        "salt": [2, None, NEWER, SALT, b"", b"", True],
    }.items():
        comment = "Its parts do not belong together."
        yield wrong(f"parts_{name}", "interest-parts", comment, "remote.message", hear(part), hear(other))
    yield wrong("media_unasked", "media-answer", "No picture was asked for.", state, hear([15, PICTURE, None]))
    asked = [say([14, [PICTURE]]), hear([15, PICTURE, None]), hear([15, PICTURE, b"a picture"])]
    yield wrong("media_twice", "media-answer", "The question was answered.", state, *asked)
    many = [hear([14, [PICTURE] * 16])] * 4
    comment = "One too many waits."
    yield wrong("media_65", "media-queue", comment, "remote.limit", *many, hear([14, [PICTURE]]))
    many = [hear([4, [WANT] * 64])] * 4
    yield wrong("wants_257", "want-queue", "One too many waits.", "remote.limit", *many, hear([4, [WANT]]))
    yield wrong("length_zero", "frame-length", "An empty frame.", "remote.frame", {"at": 0, "hear": "00000000"})
    large = {"at": 0, "hear": (2049).to_bytes(4).hex()}
    yield wrong("hello_large", "frame-length", "Too long for a stranger.", "remote.frame", large, state="await hello")


def _late() -> Iterator[Document]:
    def late(
        name: str, spec: str, comment: str, at: float, *steps: Step, state: str = "open", role: str = "responder"
    ) -> Document:
        steps = (*opening(role, state), *steps, {"at": at - 0.25}, {"at": at})
        return case(f"late_{name}", spec, comment, role, steps, state, "remote.limit")

    for role in ("initiator", "responder"):
        yield late(f"hello_{role}", "hello-time", "No hello came.", 5, state="await hello", role=role)
    drip = {"at": 4, "hear": "0000"}
    yield late("hello_begun", "hello-time", "It began, and did not end.", 5, drip, state="await hello")
    yield late("resume", "stall-time", "No resume came.", 30, state="await resume")
    yield late("interest", "stall-time", "No interest came.", 30, state="await interest")
    begun = {"at": 0, "hear": "00"}
    yield late("frame", "frame-time", "Its length is not even known.", 10, begun, {"at": 9, "hear": "00"})
    sized = {"at": 0, "hear": (32_000).to_bytes(4).hex()}
    yield late("large_frame", "frame-time", "10 s and 32,000 bytes at 16,000 a second.", 12, sized)
    yield late("want", "stall-time", "A want is not answered.", 30, say([4, [WANT]]))
    talk = [say([4, [WANT]]), hear([3, [], 5, None], 20)]
    yield late("want_other_talk", "stall-time", "What else is said is no answer.", 30, *talk)
    two = [say([4, [WANT, [8, *WANT[1:]]]]), hear([6, 7], 20)]
    yield late("second_want", "stall-time", "An answer gives the rest their time again.", 50, *two)
    yield late("ids", "stall-time", "A question is not answered.", 30, say([7, FEED_A.public, [1]]))
    yield late("media", "stall-time", "A picture does not come.", 30, say([14, [PICTURE]]))
    yield late("pong", "stall-time", "A ping is not answered.", 90, must_say([9], 60))
