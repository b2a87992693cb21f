"""Entries and private state as plain JSON values, for programs that know nothing of p2pmicro.

Source: protocol/export.md, "Entries" and "Private".
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..feed.content import Content
from ..ids import format_account, format_feed, format_ref
from ..store.view import Row

Plain = dict[str, Any]

_YEAR_1_MS, _YEAR_9999_MS = -62_135_596_800_000, 253_402_300_799_999
_NOT_FOR_PEOPLE = frozenset(("circle-key", "sealed", "state"))
"""Kinds that are left out: keys, what nobody here can open, and what the private part says better."""


def rfc3339(time_ms: int) -> str:
    """A time as RFC 3339 in UTC with milliseconds; times that no calendar holds are cut to year 1 or 9999."""
    at = min(max(time_ms, _YEAR_1_MS), _YEAR_9999_MS)
    moment = datetime.fromtimestamp(0, UTC).timestamp() + at // 1000
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + f".{at % 1000:03d}Z"


# --- Entries ---


def plain_entry(row: Row, feed: bytes, account: bytes, entry_id: bytes, *, private: bool) -> Plain | None:
    """One entry; None for what is not for people, and for sealed ones unless `private`."""
    entry = row.entry
    if entry.kind in _NOT_FOR_PEOPLE or (row.sealed and not private):
        return None
    return {
        "ref": format_ref(feed, row.key & 0xFFFFFFFF),
        "id": entry_id.hex(),
        "account": format_account(account),
        "time": rfc3339(entry.time_ms),
        "seen": rfc3339(row.seen_ms),
        "kind": entry.kind,
        "sealed": row.sealed,
        "content": plain_content(entry.kind, entry.content),
    }


def plain_content(kind: str, content: Content) -> Plain:
    """The fields of a content; keys that open something are left out."""
    fields = {}
    for name, value in content.items():
        if name == "key":  # a reply key: who has it reads the answers
            continue
        render = _FIELDS.get(name)
        fields[name] = plain_value(value) if render is None else render(value)
    return fields


def plain_value(value: Any) -> Any:
    """Any other value: bytes as hex, maps and lists as they are."""
    match value:
        case bytes():
            return value.hex()
        case list():
            return [plain_value(item) for item in value]
        case dict():
            return {name: plain_value(item) for name, item in value.items()}
    return value


def _ref(value: Any) -> Plain:
    feed, seq, entry_id = value
    return {"ref": format_ref(feed, seq), "id": entry_id.hex()}


def _picture(row: Any) -> Plain:
    return dict(zip(("sha256", "type", "bytes", "alt"), [row[0].hex(), *row[1:4]], strict=False))  # without its key


def _mention(row: Any) -> Plain:
    start, length, account = row
    return {"start": start, "length": length, "account": format_account(account)}


def _follow(row: Any) -> Plain:
    account, rev, on = row
    return {"account": format_account(account), "rev": rev, "on": on}


def _each(render: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    return lambda rows: [render(row) for row in rows]


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "account": format_account,
    "avatar": _picture,
    "feed": format_feed,
    "list": _each(_follow),
    "media": _each(_picture),
    "mentions": _each(_mention),
    "quote": _ref,
    "ref": _ref,
    "replaces": _each(_ref),
    "reply": lambda reply: {"root": _ref(reply["root"]), "parent": _ref(reply["parent"])},
    "to": _each(format_account),
}


# --- Private state ---


def plain_state(name: str, item: bytes, value: Any) -> Plain:
    """One value of private state, of a name in `PRIVATE`: what it is of, and the value."""
    return {**PRIVATE[name](item), "value": plain_value(value)}


def _hex(item: bytes) -> Plain:
    return {"item": item.hex()}


def _account(item: bytes) -> Plain:
    return {"account": format_account(item)}


def _message(item: bytes) -> Plain:
    return {"ref": format_ref(item[:32], int.from_bytes(item[32:36]))}


def _member(of: str) -> Callable[[bytes], Plain]:
    return lambda item: {of: item[:16].hex(), "account": format_account(item[16:])}


def _muted(item: bytes) -> Plain:
    match item[:1]:
        case b"a":
            return _account(item[1:])
        case b"w":
            return {"word": item[1:].decode(errors="replace")}
        case b"t":
            return {"tag": item[1:].decode(errors="replace")}
    return _hex(item)


def _text(of: str) -> Callable[[bytes], Plain]:
    return lambda item: {of: item.decode(errors="replace")}


PRIVATE: Mapping[str, Callable[[bytes], Plain]] = {
    "block": _account,
    "bookmark": _message,
    "circle": lambda item: {"circle": item.hex()},
    "list": lambda item: {"list": item.hex()},
    "listed": _member("list"),
    "member": _member("circle"),
    "mute": _muted,
    "petname": _account,
    "pin": _message,
    "read": lambda item: {"name": "notices"} if item == b"notices" else {"conversation": item.hex()},
    "tag": _text("tag"),
}
"""The names of private state that are for people; others may hold keys, and are in no export."""
