"""The form of a vector file: its keys, how bytes are written in it, and how a value is shown. See protocol/vectors."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from p2pmicro import cbor

FOLDER = Path(__file__).resolve().parents[2] / "protocol" / "vectors"
CHECKS = (
    *("bundle", "cbor", "device", "entry", "excerpt", "fork"),
    *("key", "range", "revoke", "sealed", "signature", "text"),
)
"""The folders of vectors that this module makes; each names the check that its files are for."""
_SHORT_MAX_BYTES = 1024  # more is written with its repetitions counted, and without diagnostic notation


@dataclass(frozen=True, slots=True)
class Vector:
    """One file: an input, what the receiver knows already, and the verdict that the text asks for."""

    name: str  # folder and file name without .json
    spec: str  # "feed.md#range-heads": a rule's anchor
    comment: str  # why it is worth having, or where it comes from
    data: bytes
    expect: str = "ok"  # or an error code
    given: dict[str, Any] = field(default_factory=dict)  # what the receiver knows
    value: Any = None  # the CBOR value of `data` where it has one: for `diag` and for short `hex`
    diag: str | None = None  # where `value` can't give it
    decoded: Any = None  # what a reader finds, where `expect` is "ok"
    signed: tuple[tuple[str, bytes, bytes, bytes], ...] = ()  # use, key, message, signature
    sealed: dict[str, str] = field(default_factory=dict)  # the steps of sealing, in hex
    parts: tuple[tuple[bytes, int], ...] = ()  # `data` with its repetitions counted, where it is no one CBOR value

    def document(self) -> dict[str, Any]:
        """The file's content, with its keys in their order."""
        short = len(self.data) <= _SHORT_MAX_BYTES
        diag = self.diag
        if diag is None and short and self.value is not None:
            diag = diagnostic(self.value)
        document: dict[str, Any] = {"name": self.name, "spec": self.spec, "comment": self.comment}
        if self.given:
            document["given"] = self.given
        document["expect"] = self.expect
        document["hex"] = self.data.hex() if short else _counted(self.data, self.parts or _parts(self.value))
        document["diag"] = diag
        document["decoded"] = self.decoded
        if self.signed:
            document["signed"] = [
                {"use": use, "key": key.hex(), "message": message.hex(), "signature": signature.hex()}
                for use, key, message, signature in self.signed
            ]
        if self.sealed:
            document["sealed"] = self.sealed
        return document


def to_json(document: Any) -> str:
    """A document as the files have it: ASCII, since some texts are not fit to be shown."""
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def load_hex(written: Any) -> bytes:
    """Read a file's `hex`: text, or a list of texts and of `[text, count]`."""
    if isinstance(written, str):
        return bytes.fromhex(written)
    parts = [(part, 1) if isinstance(part, str) else (part[0], part[1]) for part in written]
    return b"".join(bytes.fromhex(text) * count for text, count in parts)


def diagnostic(value: Any) -> str:
    """A value of the profile in CBOR diagnostic notation. Source: RFC 8949 section 8."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case bytes():
            return f"h'{value.hex()}'"
        case str():
            return json.dumps(value)
        case list():
            return "[" + ", ".join(diagnostic(item) for item in value) + "]"
        case dict():
            pairs = sorted(value.items(), key=lambda pair: cbor.encode(pair[0]))
            return "{" + ", ".join(f"{diagnostic(key)}: {diagnostic(item)}" for key, item in pairs) + "}"
    return str(value)


def rendered(value: Any) -> Any:
    """A value of the profile in JSON: what JSON lacks becomes an object of one key (bytes, int, map)."""
    match value:
        case bytes():
            return {"bytes": value.hex()}
        case bool() | None | str():
            return value
        case int():
            return value if abs(value) <= 2**53 - 1 else {"int": str(value)}
        case list():
            return [rendered(item) for item in value]
        case dict():
            pairs = sorted(value.items(), key=lambda pair: cbor.encode(pair[0]))
            return {"map": [[key, rendered(item)] for key, item in pairs]}
    raise TypeError(value)


def in_runs(items: Iterable[Any]) -> list[list[Any]]:
    """`[item, how many in a row]` for each run of equal items."""
    return [[item, len(list(run))] for item, run in groupby(items)]


def array_head(length: int) -> bytes:
    """The first bytes of an array of some length: up to 65,535."""
    return cbor.encode([None] * length)[:-length] if length else b"\x80"


def _counted(data: bytes, counted: Iterable[tuple[bytes, int]]) -> list[Any]:
    """Write long bytes with their repetitions counted."""
    parts = list(counted)
    if b"".join(part * count for part, count in parts) != data:
        raise ValueError("a long vector needs its value or its parts")
    written: list[Any] = []
    plain = b""
    for part, count in parts:
        if count > 1:
            if plain:
                written.append(plain.hex())
                plain = b""
            written.append([part.hex(), count])
        else:
            plain += part
    if plain:
        written.append(plain.hex())
    return written


def _parts(value: Any) -> Iterable[tuple[bytes, int]]:
    if isinstance(value, bytes) and len(value) > _SHORT_MAX_BYTES and len(set(value)) == 1:
        yield cbor.encode(value)[: -len(value)], 1
        yield value[:1], len(value)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, str)):
        yield array_head(len(value)), 1
        for item, count in in_runs(value):
            if count >= 4:
                yield cbor.encode(item), count
            else:
                for _ in range(count):
                    yield from _parts(item)
    else:
        yield cbor.encode(value), 1
