"""Every file of protocol/vectors, through the reader that its folder names. Source: protocol/vectors/README.md."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pycddl
import pytest

from p2pmicro import cbor, errors, ids, keys
from p2pmicro.errors import P2PMicroError, SizeError
from p2pmicro.feed import chain, content, device, fork, kinds, tags, wire
from p2pmicro.ids import AccountId, EntryId, FeedId
from p2pmicro.limits import PAYLOAD_MAX_BYTES
from p2pmicro.node.talk import element
from p2pmicro.store.peers import Scope

from . import ed25519
from .cases_bundle import EVERYTHING, decoded_bundle
from .cases_device import decoded_device
from .cases_excerpt import decoded_excerpt
from .cases_fork import decoded_fork, decoded_revoke
from .cases_range import decoded_range
from .cases_sealed import decoded_sealed
from .form import CHECKS, FOLDER, load_hex, rendered
from .make_vectors import files, on_disk

PROTOCOL = FOLDER.parent
_OTHERS = ("README.md", "keys.json", "schema.json", "verify.mjs")
_OF_SYNC = ("discovery", "frame", "frontier", "message", "session")  # other tests take these
_FILES = {path.relative_to(FOLDER).as_posix(): path for check in CHECKS for path in sorted((FOLDER / check).glob("*"))}


def load(name: str) -> Any:
    """A file of protocol/vectors."""
    return json.loads((FOLDER / name).read_text("ascii"))


def every_vector() -> Iterator[Any]:
    """All documents."""
    return (load(name) for name in _FILES)


# --- Reading: each function returns what was decoded, and raises what was wrong ---


def _cbor(data: bytes, _given: dict[str, str]) -> Any:
    return rendered(cbor.decode(data))


def _key(data: bytes, given: dict[str, str]) -> Any:
    if given["key"] == "x25519":
        keys.check_box_key(data)
        return {"box": data.hex()}
    keys.check_public_key(data)
    return {"feed": ids.format_feed(data), "account": ids.format_account(data)}


def _signature(data: bytes, given: dict[str, str]) -> Any:
    keys.verify(bytes.fromhex(given["key"]), bytes.fromhex(given["message"]), data)


def _text(data: bytes, given: dict[str, str]) -> Any:
    text = data.decode()
    match given["form"]:
        case "feed":
            return ids.parse_feed(text).hex()
        case "account":
            return ids.parse_account(text).hex()
        case "message":
            return content.clean_text(text)
        case "tags":
            return [[tag.text, tag.name] for tag in tags.tags_in(text)]
    feed, seq = ids.parse_ref(text)
    return {"feed": ids.format_feed(feed), "seq": seq}


def _entry(data: bytes, _given: dict[str, str]) -> Any:
    entry = content.read(data)
    return {"time_ms": rendered(entry.time_ms), "kind": entry.kind, "content": rendered(entry.content)}


def _range(data: bytes, given: dict[str, str]) -> Any:
    value, end = cbor.decode(data), bytes.fromhex(given["end"]) if "end" in given else None
    chain.check_range(wire.parse_range(value), EntryId(end) if end else None)
    return decoded_range(value, end)


def _excerpt(data: bytes, _given: dict[str, str]) -> Any:
    value = cbor.decode(data)
    chain.check_excerpt(wire.parse_excerpt(value))
    return decoded_excerpt(value)


def _device(data: bytes, given: dict[str, str]) -> Any:
    value = cbor.decode(data)
    feed: FeedId | None = ids.parse_feed(given["feed"]) if "feed" in given else None
    account: AccountId | None = ids.parse_account(given["account"]) if "account" in given else None
    device.check_device_proof(wire.parse_device_proof(value), feed, account)
    return decoded_device(value, feed, account)


def _fork(data: bytes, _given: dict[str, str]) -> Any:
    value = cbor.decode(data)
    fork.check_fork_proof(wire.parse_fork_proof(value))
    return decoded_fork(value)


def _revoke(data: bytes, given: dict[str, str]) -> Any:
    value, account = cbor.decode(data), ids.parse_account(given["account"])
    device.check_revoke(wire.parse_revoke(value), account)
    return decoded_revoke(value, account)


def _bundle(data: bytes, _given: dict[str, str]) -> Any:
    return decoded_bundle(data)


READERS: dict[str, Callable[[bytes, dict[str, Any]], Any]] = {
    "bundle": _bundle,
    "cbor": _cbor,
    "device": _device,
    "entry": _entry,
    "excerpt": _excerpt,
    "fork": _fork,
    "key": _key,
    "range": _range,
    "revoke": _revoke,
    "sealed": decoded_sealed,
    "signature": _signature,
    "text": _text,
}
# What is read from the wire and written to it again, from the parsed form.
_AGAIN: dict[str, Callable[[cbor.Value], cbor.Value]] = {
    "cbor": lambda value: value,
    "entry": lambda value: value,
    "sealed": lambda value: value,
    "range": lambda value: wire.range_value(wire.parse_range(value)),
    "excerpt": lambda value: wire.excerpt_value(wire.parse_excerpt(value)),
    "device": lambda value: wire.device_proof_value(wire.parse_device_proof(value)),
    "fork": lambda value: wire.fork_proof_value(wire.parse_fork_proof(value)),
    "revoke": lambda value: wire.revoke_value(wire.parse_revoke(value)),
}
_RULES = {
    "cbor": "value",
    "entry": "known-payload",
    "sealed": "sealed",
    "range": "range",
    "excerpt": "excerpt",
    "device": "device-proof",
    "fork": "fork-proof",
    "revoke": "revoke",
}


@cache
def grammar(rule: str, closed: bool = False) -> pycddl.Schema:
    """The CDDL with a rule as its root; closed: without the places where unknown keys may stand."""
    text = (PROTOCOL / "p2pmicro.cddl").read_text("utf-8")
    if closed:
        text = re.sub(r",?\s*\* tstr => value,?(?=\s*})", "", text)
    return pycddl.Schema(f"the-root = {rule}\n{text}")


@pytest.mark.parametrize("name", _FILES)
def test_vector(name: str) -> None:
    vector, check = load(name), name.split("/")[0]
    check_schema(vector, load("schema.json"), name)
    assert name == f"{vector['name']}.json"
    data, given = load_hex(vector["hex"]), vector.get("given", {})
    if vector["expect"] != "ok":
        with pytest.raises(P2PMicroError) as caught:
            READERS[check](data, given)
        assert caught.value.code == vector["expect"]
        assert vector["decoded"] is None
        return
    assert READERS[check](data, given) == vector["decoded"]
    if check in _AGAIN:
        assert cbor.encode(_AGAIN[check](cbor.decode(data))) == data
        grammar(_RULES[check]).validate_cbor(data)
    for signed in vector.get("signed", ()):
        key, message, signature = (bytes.fromhex(signed[part]) for part in ("key", "message", "signature"))
        keys.verify(key, message, signature)
        assert ed25519.verify(key, message, signature)


def test_a_signature_is_judged_alike_by_a_second_verifier() -> None:
    for vector in every_vector():
        if vector["name"].startswith("signature/") and vector["expect"] != "entry.key":
            given = vector["given"]
            holds = ed25519.verify(
                bytes.fromhex(given["key"]), bytes.fromhex(given["message"]), load_hex(vector["hex"])
            )
            assert holds == (vector["expect"] == "ok"), vector["name"]


def test_signed_bytes_are_those_that_the_code_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[bytes, bytes, bytes]] = set()
    real = keys.verify

    def spy(key: bytes, message: bytes, signature: bytes) -> None:
        seen.add((key, message, signature))
        real(key, message, signature)

    for module in (chain, device):
        monkeypatch.setattr(module, "verify", spy)
    for vector in every_vector():
        seen.clear()
        if "signed" in vector:
            READERS[vector["name"].split("/")[0]](load_hex(vector["hex"]), vector.get("given", {}))
            for signed in vector["signed"]:
                triple = tuple(bytes.fromhex(signed[part]) for part in ("key", "message", "signature"))
                assert triple in seen, vector["name"]


def test_generated_files_are_as_the_generator_makes_them() -> None:
    made, there = files(), on_disk()
    assert made.keys() == there.keys(), "run python -m tests.vectors.make_vectors"
    for name in made:
        assert made[name] == there[name], f"{name}: run python -m tests.vectors.make_vectors"


def test_every_folder_has_vectors_and_is_known() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert set(CHECKS) <= folders <= {*CHECKS, *_OF_SYNC}, "a folder that no test takes"
    for check in CHECKS:
        assert any(name.startswith(f"{check}/") for name in _FILES), check
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == set(_OTHERS)
    assert READERS.keys() == set(CHECKS)


def test_a_file_with_a_fault_of_form_is_refused() -> None:
    schema, good = load("schema.json"), load("entry/post.json")
    check_schema(good, schema, "good")
    without = {key: value for key, value in good.items() if key != "expect"}
    for fault in (
        {**good, "extra": 1},
        {**good, "expect": "entry.wrong"},
        {**good, "hex": "0"},
        {**good, "hex": [["00", 1]]},
        {**good, "hex": [["00"]]},
        {**good, "given": {"who": "me"}},
        {**good, "spec": "feed.md"},
        {**good, "comment": "No full stop"},
        {**good, "diag": 1},
        without,
    ):
        with pytest.raises(AssertionError):
            check_schema(fault, schema, "fault")


def test_records_of_a_bundle_fit_the_grammar() -> None:
    for record in EVERYTHING:
        grammar("bundle-record").validate_cbor(cbor.encode(record))
    item = load_hex(load("bundle/empty.json")["hex"])
    grammar("bundle-header").validate_cbor(cbor.decode(item))


def test_every_error_code_of_entries_has_a_vector() -> None:
    codes = {
        value.code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.EntryError)
    }
    codes.remove("entry")  # the family itself
    assert codes <= {vector["expect"] for vector in every_vector()}


def test_every_kind_has_valid_and_faulty_vectors() -> None:
    names = {
        vector["name"].removeprefix("entry/"): vector
        for vector in every_vector()
        if vector["name"].startswith("entry/")
    }
    for kind in content.KINDS:
        mine = [vector["expect"] for name, vector in names.items() if name.split("_")[0] == kind]
        assert "ok" in mine, kind
        assert "entry.content" in mine, kind


def test_every_kind_that_is_sealed_has_valid_and_faulty_vectors() -> None:
    found: dict[str, set[str]] = {kind: set() for kind in kinds.SEALED}
    for plain, verdict in _insides().values():
        if verdict != "entry.encoding":
            value = cbor.decode(plain)
            assert isinstance(value, list)
            found.setdefault(str(value[0]), set()).add(verdict)
    for kind in kinds.SEALED:
        assert found[kind] == {"ok", "entry.content"}, kind


def test_grammar_takes_what_is_sealed_and_refuses_the_faults_that_it_can_say() -> None:
    # Not `state`: pycddl 0.6 overflows its stack where a row has a map.
    rules = {"post": "sealed-post", "like": "reaction", "circle-key": "circle-key"}
    fitting = set()
    for name, (plain, verdict) in _insides().items():
        value = None if verdict == "entry.encoding" else cbor.decode(plain)
        if isinstance(value, list) and len(value) == 2 and value[0] in rules:
            fits = fits_grammar(rules[str(value[0])], cbor.encode(value[1]), verdict != "ok")
            assert fits or verdict != "ok", name
            if fits and verdict != "ok":
                fitting.add(name)
    assert fitting == {"inside_text_141"}  # as in _BEYOND_CDDL


def _insides() -> dict[str, tuple[bytes, str]]:
    """What is inside of each sealed entry that opens, and what reading it gives."""
    found = (vector for vector in every_vector() if "sealed" in vector)
    return {
        vector["name"].removeprefix("sealed/"): (bytes.fromhex(vector["sealed"]["plain"]), vector["decoded"]["inside"])
        for vector in found
    }


# What CDDL can't say, or says in bytes where the text counts code points.
_BEYOND_CDDL = {
    *("critical_key", "critical_key_bare", "critical_key_known_word"),
    *(f"device_{fault}" for fault in ("account_small_order", "box_small_order", "box_top_bit", "device_small_order")),
    *("device_feed_small_order", "follow_account_small_order", "follows_part_is_parts", "post_text_141"),
    *(
        f"post_mentions_{fault}"
        for fault in ("account_small_order", "not_in_order", "overlap", "past_the_end", "utf16")
    ),
    *("post_mentions_start_at_the_end", "post_lang_36", "profile_bio_501", "profile_name_51"),
    *(f"profile_link_{fault}" for fault in ("257", "javascript", "space_before", "upper_case")),
    *("post_media_alt_401", "post_media_type_41", "sealed_slots_5"),
    *("follows_row_account_small_order", "ref_feed_small_order", "revoke_feed_small_order"),
}
# What the grammar says and pycddl 0.6 lets pass: `.size` on another type than text or bytes was meant for, the upper
# bound of an occurrence, and whatever stands in an array of a choice.
_BEYOND_PYCDDL = {
    *("device_device_text", "post_lang_list", "post_text_bytes", "profile_name_bytes", "post_reply_not_a_map"),
    *("follows_list_201", "post_mentions_33", "excerpt/shape_tail_64", "fork/shape_side_65"),
    *("post_media_5", "post_media_hash_text", "post_media_type_integer", "post_replaces_17", "post_replaces_ref"),
    *("sealed_body_text", "sealed_salt_text", "profile_pin_6", "profile_pin_one_ref"),
    *("follows_row_last_bad", "post_mentions_row_not_a_list", "shape_kind_bytes"),
    *(f"range/shape_hole_{fault}" for fault in ("hash_31", "length_negative", "length_text", "of_1", "of_3")),
    *("range/shape_item_text", "range/shape_items_bytes"),
}


def test_grammar_refuses_the_faults_that_it_can_say() -> None:
    fitting = set()
    for vector in every_vector():
        check, name = vector["name"].split("/")
        rule = {"entry": "known-payload"}.get(check, _RULES.get(check, ""))
        if vector["expect"] == "entry.content" or (name.startswith("shape_") and check != "entry"):
            shown = name if check == "entry" else vector["name"]
            if shown not in _BEYOND_PYCDDL and fits_grammar(rule, load_hex(vector["hex"])):
                fitting.add(shown)
    assert fitting == _BEYOND_CDDL


def fits_grammar(rule: str, data: bytes, closed: bool = True) -> bool:
    """Whether data fits a rule; closed: where no unknown keys may stand."""
    try:
        grammar(rule, closed).validate_cbor(data)
    except pycddl.ValidationError:
        return False
    return True


def test_payloads_decoded_many_at_once_are_judged_as_alone() -> None:
    payloads = [load_hex(vector["hex"]) for vector in every_vector() if vector["name"].startswith("entry/")]
    alone: list[content.Entry | str] = []
    for payload in payloads:
        try:
            alone.append(content.read(payload))
        except P2PMicroError as error:
            alone.append(error.code)
    together = content.read_many(payloads)
    assert [found.code if isinstance(found, P2PMicroError) else found for found in together] == alone


@pytest.mark.parametrize("length", [0, PAYLOAD_MAX_BYTES + 1])
def test_payload_sizes_are_refused_wherever_a_payload_is_walked(length: int) -> None:
    with pytest.raises(SizeError):
        chain.walk(chain.genesis(FeedId(bytes(32))), [bytes(length)])


def test_known_keys_are_derived_as_the_text_says() -> None:
    known = load("keys.json")
    for account in known["accounts"]:
        seed = bytes.fromhex(account["seed"])
        assert keys.account_key(seed).public.hex() == account["public"]
        assert keys.parse_seed_words(account["words"]) == seed
        assert ids.format_account(keys.account_key(seed).public) == account["text"]
        for box in account["box"]:
            assert keys.box_public(seed, box["generation"]).hex() == box["public"]
    for feed in known["feeds"]:
        assert keys.PrivateKey(bytes.fromhex(feed["secret"])).public.hex() == feed["public"]
    for install in known["devices"]:
        assert keys.device_public(bytes.fromhex(install["secret"])).hex() == install["public"]
    for one in known["elements"]:
        made = element(bytes.fromhex(one["salt"]), bytes.fromhex(one["name"]), Scope(one["scope"]))
        assert made.hex() == one["element"]


# --- A small part of JSON Schema: what schema.json uses ---


def check_schema(value: Any, schema: dict[str, Any], where: str) -> None:
    """Check a value against a schema. Source: JSON Schema 2020-12, the keywords below alone."""
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}
    if "type" in schema:
        wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert isinstance(value, tuple(kinds[kind] for kind in wanted)), where
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value}"
    if "pattern" in schema and isinstance(value, str):
        assert re.search(schema["pattern"], value), f"{where}: {value[:80]}"
    if "minimum" in schema:
        assert value >= schema["minimum"], where
    if "anyOf" in schema:
        assert any(_fits(value, choice, where) for choice in schema["anyOf"]), where
    if isinstance(value, dict):
        assert value.keys() >= set(schema.get("required", ())), where
        for key, item in value.items():
            inner = schema.get("properties", {}).get(key)
            assert inner is not None or schema.get("additionalProperties", True), f"{where}: unknown key {key}"
            check_schema(item, inner or {}, f"{where}.{key}")
    if isinstance(value, list):
        assert schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), where
        first = schema.get("prefixItems", [])
        for place, item in enumerate(value):
            check_schema(item, first[place] if place < len(first) else schema.get("items", {}), f"{where}[{place}]")


def _fits(value: Any, schema: dict[str, Any], where: str) -> bool:
    try:
        check_schema(value, schema, where)
    except AssertionError:
        return False
    return True
