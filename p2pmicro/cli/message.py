"""How messages are shown: as JSON, and as lines for people."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..ids import Ref, format_account, format_ref, short
from ..views.message import Message, Who
from .output import bold, counted, dim, local_time, print_json, printable, printable_name, rfc3339
from .pictures import picture_json, picture_line

if TYPE_CHECKING:
    from ..node.local import LocalNode

_QUOTED_MAX = 60  # characters of what is answered
Originals = Mapping[Ref, Message]
"""What messages answer and quote, as far as it is here."""


def message_json(message: Message) -> dict[str, Any]:
    """A message as every command prints it."""
    counts = message.counts
    return {
        "ref": ref_text(message.ref),
        "id": message.ref.id.hex(),
        "account": format_account(message.account),
        "name": message.name,
        "petname": message.petname,
        "time": rfc3339(message.time_ms),
        "text": message.text,
        "seen": rfc3339(message.seen_ms),
        "kind": message.kind,
        "marks": list(message.marks),
        "pictures": [picture_json(picture) for picture in message.pictures],
        "parent": _optional(message.parent),
        "root": _optional(message.root),
        "quote": _optional(message.quote),
        "replaces": [ref_text(ref) for ref in message.replaces],
        "mentions": [
            {"start": one.start, "length": one.length, "account": format_account(one.account)}
            for one in message.mentions
        ],
        "lang": message.lang,
        "sealed": message.sealed,
        "tag": message.tag,
        "pinned": message.pinned,
        "reposted_by": [who_json(who) for who in message.relay.by] if message.relay is not None else [],
        "replies": counts.replies,
        "reposts": counts.reposts,
        "likes": counts.likes,
        "liked": counts.liked,
        "reposted": counts.reposted,
    }


def who_json(who: Who) -> dict[str, Any]:
    """A person in a list."""
    return {"account": format_account(who.account), "name": who.name, "petname": who.petname}


def ref_text(ref: Ref) -> str:
    """A ref as it is typed."""
    return format_ref(ref.feed, ref.seq)


def _optional(ref: Ref | None) -> str | None:
    return None if ref is None else ref_text(ref)


def print_messages(node: "LocalNode", messages: Iterable[Message], json: bool) -> None:
    """Print a list."""
    messages = list(messages)
    if json:
        for message in messages:
            print_json(message_json(message))
        return
    originals = originals_of(node, messages)
    for message in messages:
        print_message(message, originals=originals)


def originals_of(node: "LocalNode", messages: Iterable[Message]) -> Originals:
    """What some messages answer and quote."""
    refs = {ref for message in messages for ref in (message.parent, message.quote) if ref is not None}
    return node.originals(refs) if refs else {}


def print_message(message: Message, remark: str = "", originals: Originals | None = None) -> None:
    """Print a message for people."""
    for line in message_lines(message, remark, originals or {}):
        print(line)


def message_lines(
    message: Message, remark: str = "", originals: Originals | None = None, in_thread: bool = False
) -> list[str]:
    """A message for people: who (with a remark) and when, what it answers, what it says, what became of it, its ref.

    Args:
        originals: what it answers and quotes, where that is to be shown.
        in_thread: whether what it answers stands above it anyway.
    """
    marks = [
        *message.marks,
        *["pinned"] * message.pinned,
        *["for some only"] * message.sealed,
        *[f"#{message.tag}"] * (message.tag is not None),
    ]
    remarks = f" [{', '.join(printable(mark) for mark in marks)}]" if marks else ""
    lines = []
    if message.relay is not None:
        lines.append(dim(f"passed on by {', '.join(who_text(who) for who in message.relay.by)}"))
    shown = message.petname or message.name
    name = printable_name(shown) if shown else "?"
    lines.append(f"{bold(name)} {dim(short(message.account) + remark)} {dim(local_time(message.time_ms))}{remarks}")
    if message.parent is not None and not in_thread and originals is not None:
        lines.append(dim(f"  answers {_said(originals.get(message.parent))}"))
    if message.text or not message.pictures:
        lines.append(f"  {printable(message.text)}")
    lines += [f"  {picture_line(picture)}" for picture in message.pictures]
    if message.quote is not None and originals is not None:
        lines.append(dim(f"  quotes {_said(originals.get(message.quote))}"))
    became = _counts_text(message)
    lines.append(dim(f"  {ref_text(message.ref)}{'  ' + became if became else ''}"))
    return lines


def who_text(who: Who) -> str:
    """A person in a sentence."""
    name = who.petname or who.name
    return f"{printable_name(name)} ({short(who.account)})" if name else short(who.account)


def _said(message: Message | None) -> str:
    if message is None:
        return "a message that is not here"
    text = printable(message.text)
    cut = text if len(text) <= _QUOTED_MAX else text[: _QUOTED_MAX - 1] + "…"
    return f"{who_text(Who(message.account, message.name, message.petname))}: {cut}"


def _counts_text(message: Message) -> str:
    counts = message.counts
    told = [
        (counts.replies, "answer", False),
        (counts.reposts, "repost", counts.reposted),
        (counts.likes, "like", counts.liked),
    ]
    return ", ".join(counted(number, what) + " (yours too)" * mine for number, what, mine in told if number)
