"""The vectors of sync.md through the code, and the page beside code, grammar and vectors."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pycddl
import pytest

from p2pmicro import cbor, errors, limits
from p2pmicro.errors import P2PMicroError
from p2pmicro.limits import FRAME_MAX_BYTES, HELLO_MAX_BYTES
from p2pmicro.sync.coding import MESSAGE_NUMBERS, decode_message_untrusted, encode_message
from p2pmicro.sync.frame import FrameReader
from p2pmicro.sync.message import Hello, check_hello
from p2pmicro.sync.session import Session

from . import ed25519
from .form import FOLDER, load_hex, rendered
from .make_session_vectors import FOLDERS, files, on_disk
from .states import name_of, picture

PROTOCOL = FOLDER.parent
_FILES = sorted(on_disk())
# Rules about what to keep, send or decide: the tests of sync and of whole nodes show them.
_WITHOUT_VECTOR = {
    *("frame-unsent", "message-proofs", "hello-first", "hello-device", "hello-self", "hello-one"),
    *("resume-cursor", "resume-unknown", "resume-full", "interest-salt", "interest-version", "interest-again"),
    *("interest-kept", "interest-blocked", "have-due", "have-proof", "have-checked", "have-upto", "have-unknown-feed"),
    *("want-serve", "want-gone", "want-anybody", "ids-queue", "live-have", "live-gap", "live-unwanted", "close-wait"),
    *("media-anybody", "media-erased"),
    *("fork-hunt", "fork-lower", "fork-own", "change-up", "change-epoch"),
    *("ask-serve", "ask-deleted", "excerpt-compared", "ask-again", "excerpt-delete", "interest-alone"),
    *("excerpt-delete-taken", "interest-deletes"),
    *("extension-caps", "extension-keys", "extension-version"),
}
_CLOSED_BY = {"bye", "busy", "duplicate", "bug", "remote"}


@cache
def page() -> str:
    """sync.md."""
    return (PROTOCOL / "sync.md").read_text("utf-8")


def close_codes() -> set[str]:
    """The codes that the page explains."""
    return set(re.findall(r"^\| `([a-z.]+)` \|", page().split("## Closing")[1].split("## States")[0], re.M))


def load(name: str) -> Any:
    """A file of protocol/vectors."""
    return json.loads((FOLDER / name).read_text("ascii"))


def names(folder: str) -> list[str]:
    """The files of a folder."""
    return [name for name in _FILES if name.startswith(f"{folder}/")]


def check_keys(vector: Any, name: str, *more: str, maybe: tuple[str, ...] = ()) -> None:
    """The form of a file: no key too many, none missing."""
    keys = {"name", "spec", "comment", "expect", *more}
    assert keys <= vector.keys() <= keys | {*maybe, "given"}
    assert f"{vector['name']}.json" == name
    assert re.fullmatch(r"sync\.md#[a-z-]+", vector["spec"])
    assert re.fullmatch(r"\S.*[.?]", vector["comment"])
    assert vector["expect"] == "ok" or vector["expect"].startswith("remote.")


@cache
def grammar(rule: str) -> pycddl.Schema:
    """The CDDL with a rule as its root."""
    return pycddl.Schema(f"the-root = {rule}\n{(PROTOCOL / 'p2pmicro.cddl').read_text('utf-8')}")


# --- The files ---


@pytest.mark.parametrize("name", names("frame"))
def test_frame(name: str) -> None:
    vector = load(name)
    check_keys(vector, name, "hex", "diag", "decoded")
    data = load_hex(vector["hex"])
    for step in (max(1, len(data)), 1):  # whole, and byte by byte
        reader = FrameReader(HELLO_MAX_BYTES if vector.get("given") == {"hello": True} else FRAME_MAX_BYTES)
        found: list[str] = []

        def read(reader: FrameReader = reader, found: list[str] = found, step: int = step) -> None:
            for at in range(0, len(data), step):
                reader.feed(data[at : at + step], 0.0)
                while (body := reader.next_frame(0.0)) is not None:
                    found.append(body.hex())

        if vector["expect"] != "ok":
            with pytest.raises(P2PMicroError) as caught:
                read()
            assert caught.value.code == vector["expect"]
            assert vector["decoded"] is None
        else:
            read()
            assert vector["decoded"] == {"frames": found, "rest": bytes(reader._buffer).hex()}


@pytest.mark.parametrize("name", names("message"))
def test_message(name: str) -> None:
    vector = load(name)
    check_keys(vector, name, "hex", "diag", "decoded", maybe=("signed",))
    data, given = load_hex(vector["hex"]), vector.get("given")

    def read() -> Any:
        message = decode_message_untrusted(data)
        if isinstance(message, Hello):
            one, other = (bytes.fromhex(part) for part in given["certificates"])
            check_hello(message, given["role"] == "initiator", (one, other))
        return message

    if vector["expect"] != "ok":
        with pytest.raises(P2PMicroError) as caught:
            read()
        assert caught.value.code == vector["expect"]
        assert vector["decoded"] is None
        return
    message = read()
    if not name.startswith("message/have_unknown_key"):  # a reader passes nothing on
        assert encode_message(message) == data
    rule = name_of(type(message))
    grammar(rule).validate_cbor(data)
    value = cbor.decode(data)
    if isinstance(message, Hello):
        grammar("hello-fields").validate_cbor(message.fields)
        value = cbor.decode(message.fields)
    assert vector["decoded"] in (None, rendered(value))
    assert vector["decoded"] is not None or len(data) > 1024
    for signed in vector.get("signed", ()):
        key, text, signature = (bytes.fromhex(signed[part]) for part in ("key", "message", "signature"))
        assert signed["use"] == "hello"
        assert isinstance(message, Hello)
        assert (key, signature) == (message.feed, message.signature)
        assert ed25519.verify(key, text, signature)


def run_steps(session: Session, steps: list[dict[str, Any]]) -> None:
    """Play a session; what the peer does wrong is raised at its step."""

    def said(now: float) -> str:
        data = session.data_to_send()
        session.sent(len(data), now)
        return data.hex()

    for step in steps:
        now = float(step["at"])
        session.handle_timeout(now)
        if "must_say" in step:
            assert said(now) == step["must_say"], f"at {now}"
            continue
        assert said(now) == "", f"at {now}"
        if "say" in step:
            session.send(decode_message_untrusted(bytes.fromhex(step["say"])[4:]), now)
            assert said(now) == step["say"]
        elif "hear" in step:
            session.receive_data(bytes.fromhex(step["hear"]), now)
            while session.next_event(now) is not None:
                pass


@pytest.mark.parametrize("name", names("session"))
def test_session(name: str) -> None:
    vector = load(name)
    check_keys(vector, name, "steps", maybe=("state",))
    for step in vector["steps"]:
        assert {"at"} <= step.keys() <= {"at", "hear"} or step.keys() in ({"at", "say"}, {"at", "must_say"})
    one, other = (bytes.fromhex(part) for part in vector["given"]["certificates"])
    session = Session(vector["given"]["role"] == "initiator", (one, other), 0.0)
    steps = vector["steps"]
    if vector["expect"] == "ok":
        run_steps(session, steps)
    else:
        run_steps(session, steps[:-1])
        with pytest.raises(P2PMicroError) as caught:
            run_steps(session, steps[-1:])
        assert caught.value.code == vector["expect"]
    assert vector.get("state") == (session.state.value if vector["expect"] == "ok" else None)


def test_files_are_as_the_generator_makes_them() -> None:
    made, there = files(), on_disk()
    assert made.keys() == there.keys(), "run python -m tests.vectors.make_session_vectors"
    for name in made:
        assert made[name] == there[name], f"{name}: run python -m tests.vectors.make_session_vectors"


# --- What they cover ---


def test_every_message_close_code_and_error_has_a_vector() -> None:
    good = [load(name) for name in names("message") if load(name)["expect"] == "ok"]
    read = [cbor.decode(load_hex(vector["hex"])) for vector in good]
    assert {value[0] for value in read if isinstance(value, list)} == set(MESSAGE_NUMBERS.values())
    codes = {value[1] for value in read if isinstance(value, list) and value[0] == MESSAGE_NUMBERS_BY_NAME["close"]}
    assert codes >= close_codes()
    expected = {load(name)["expect"] for name in _FILES}
    remote = {error.code for error in vars(errors).values() if _is_kind(error, errors.RemoteError)}
    assert expected == {"ok", *remote} - {"remote"}


MESSAGE_NUMBERS_BY_NAME = {name_of(kind): number for kind, number in MESSAGE_NUMBERS.items()}


def _is_kind(thing: object, family: type) -> bool:
    return isinstance(thing, type) and issubclass(thing, family)


def test_folders_have_vectors() -> None:
    for folder in FOLDERS:
        assert len(names(folder)) >= 10


# --- The page ---


def test_picture_of_the_states_is_made_from_the_table() -> None:
    (shown,) = re.findall(r"^```states\n(.*?)^```$", page(), re.M | re.S)
    assert shown == picture()


def test_example_in_hex_is_a_vector() -> None:
    ((path, text),) = re.findall(r"^```hex ([^\n]+)\n(.*?)^```$", page(), re.M | re.S)
    assert bytes.fromhex(re.sub(r"#.*", "", text)) == load_hex(json.loads((PROTOCOL / path).read_text("ascii"))["hex"])
    assert page().index("```hex") < 4000, "the example comes early"


def test_grammar_of_messages_is_quoted_in_full() -> None:
    def squeeze(text: str) -> str:
        return " ".join(re.sub(r";.*", "", text).split())

    whole = (PROTOCOL / "p2pmicro.cddl").read_text("utf-8").split("; Messages of sync.md")[1]
    quoted = " ".join(re.findall(r"^```cddl\n(.*?)^```$", page(), re.M | re.S))
    assert squeeze(quoted) == squeeze(whole)


def test_numbers_in_the_grammar_are_those_of_the_code() -> None:
    for name, number in MESSAGE_NUMBERS_BY_NAME.items():
        assert re.search(rf"^{name} = \[{number}\b", page(), re.M), name


def test_limits_of_sessions_are_stated_or_a_nodes_own() -> None:
    source = Path(limits.__file__).read_text("utf-8")
    section = source.split("# --- Sessions (protocol/sync.md) ---")[1].split("# ---")[0]
    stated = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", page(), re.M))
    own = {
        *("WANT_OUTSTANDING_MAX_BYTES", "FETCH_STEP_ENTRIES", "FETCH_QUEUED_MAX_BYTES", "UNASKED_QUEUED_MAX_BYTES"),
        *("ASK_IDS_BYTES", "GIVEN_STORE_TIMES_MAX", "GIVEN_SLACK_BYTES"),
        *("ASKS_OUTSTANDING_MAX", "ASKS_PLANNED_MAX", "ASK_COST_BYTES", "DELETES_TOLD_MAX"),
        *("MEDIA_OUTSTANDING_MAX", "MEDIA_LACKED_MAX"),
        *("FRONTIER_NOTE_EVERY_S", "TOLD_FEEDS_MAX", "SESSIONS_MAX", "SESSIONS_OURS_MIN"),
        *("HALF_OPEN_MAX", "HALF_OPEN_PER_ADDRESS_MAX"),  # discovery.md
    }
    assert set(re.findall(r"^([A-Z0-9_]+) =", section, re.M)) - own == stated


def test_codes_are_those_of_the_code() -> None:
    known = {error.code for error in vars(errors).values() if _is_kind(error, P2PMicroError)}
    stated = close_codes()
    assert stated <= known | _CLOSED_BY
    assert {code for code in known if code.startswith("remote")} <= stated
    assert set(re.findall(r"`(remote(?:\.[a-z]+)?)`", page())) <= stated


def test_rules_have_vectors_and_vectors_name_rules() -> None:
    rules = set(re.findall(r'<a id="([a-z-]+)"></a>\*\*\1\*\*', page()))
    named = {load(name)["spec"].split("#")[1] for name in _FILES}
    assert named <= rules
    assert rules - named <= _WITHOUT_VECTOR
    assert rules >= _WITHOUT_VECTOR
