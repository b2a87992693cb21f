"""`timeline`, `show`."""

from argparse import Namespace
from typing import Any

from ..errors import LocalError
from ..ids import format_account, format_ref, parse_ref, short
from ..node.local import LocalNode
from ..views.message import Message
from .output import bold, dim, local_time, print_json, printable, printable_name, rfc3339
from .pictures import picture_json, picture_line


def message_json(message: Message) -> dict[str, Any]:
    """A message as every command prints it."""
    return {
        "ref": format_ref(message.ref.feed, message.ref.seq),
        "id": message.ref.id.hex(),
        "account": format_account(message.account),
        "name": message.name,
        "time": rfc3339(message.time_ms),
        "text": message.text,
        "seen": rfc3339(message.seen_ms),
        "kind": message.kind,
        "marks": list(message.marks),
        "pictures": [picture_json(picture) for picture in message.pictures],
    }


def print_message(message: Message, remark: str = "") -> None:
    """A message for people: who (with a remark) and when, then what, then its ref."""
    name = printable_name(message.name) if message.name else "?"
    marks = f" [{', '.join(message.marks)}]" if message.marks else ""
    print(f"{bold(name)} {dim(short(message.account) + remark)} {dim(local_time(message.time_ms))}{marks}")
    if message.text or not message.pictures:
        print(f"  {printable(message.text)}")
    for picture in message.pictures:
        print(f"  {picture_line(picture)}")
    print(dim(f"  {format_ref(message.ref.feed, message.ref.seq)}"))


def timeline(args: Namespace) -> None:
    """Print the newest messages, newest first."""
    with LocalNode.open(args.home) as node:
        messages = node.timeline(args.limit)
    for message in messages:
        if args.json:
            print_json(message_json(message))
        else:
            print_message(message)
    if not messages and not args.json:
        print("Nothing here yet: `p2pmicro post` writes, `p2pmicro follow` brings others' messages.")


def show(args: Namespace) -> None:
    """Print one message."""
    feed, seq = parse_ref(args.ref)
    with LocalNode.open(args.home) as node:
        message = node.message(feed, seq)
    if message is None:
        raise LocalError("This message is not here: it was deleted, or its author's feed is not held.")
    if args.json:
        print_json(message_json(message))
        return
    print_message(message)
    print(dim(f"  account {format_account(message.account)}"))
    print(dim(f"  id      {message.ref.id.hex()}"))
    print(dim(f"  claimed {rfc3339(message.claimed_ms)}, first seen here {rfc3339(message.seen_ms)}"))
