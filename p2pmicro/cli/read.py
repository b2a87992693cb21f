"""`timeline`, `show`, `thread`, `bookmarks`."""

from argparse import Namespace

from ..ids import format_account
from ..views.tree import Slot, State
from .message import (
    Originals,
    message_json,
    message_lines,
    originals_of,
    print_message,
    print_messages,
    ref_text,
    who_json,
    who_text,
)
from .opening import open_home
from .output import counted, dim, print_json, rfc3339

_INDENTED_MAX = 8  # levels of a thread: deeper ones stand at the same place


def timeline(args: Namespace) -> None:
    """Print the newest messages, newest first."""
    with open_home(args) as node:
        messages = node.timeline(args.limit) if args.account is None else node.page(args.account, args.limit)
        print_messages(node, messages, args.json)
    if not messages and not args.json:
        print("Nothing here yet: `p2pmicro post` writes, `p2pmicro follow` brings others' messages.")


def show(args: Namespace) -> None:
    """Print one message."""
    with open_home(args) as node:
        message = node.find_message(args.ref)
        reacted = node.reacted(message.ref)
        originals = originals_of(node, [message])
    if args.json:
        people = {
            "liked_by": [who_json(who) for who in reacted.likes],
            "passed_on_by": [who_json(who) for who in reacted.reposts],
        }
        print_json(message_json(message) | people)
        return
    print_message(message, originals=originals)
    print(dim(f"  account {format_account(message.account)}"))
    print(dim(f"  id      {message.ref.id.hex()}"))
    print(dim(f"  claimed {rfc3339(message.claimed_ms)}, first seen here {rfc3339(message.seen_ms)}"))
    for what, those in (("liked by", reacted.likes), ("passed on by", reacted.reposts)):
        if those:
            print(dim(f"  {what} {', '.join(who_text(who) for who in those)}"))


def thread(args: Namespace) -> None:
    """Print a conversation."""
    with open_home(args) as node:
        found = node.thread(args.ref)
        originals = originals_of(node, [slot.message for slot in found.slots if slot.message is not None])
    for slot in found.slots:
        if args.json:
            message = message_json(slot.message) if slot.message is not None else {"ref": ref_text(slot.ref)}
            print_json(message | {"depth": slot.depth, "state": slot.state.value, "focus": slot.ref == found.focus})
            continue
        indent = "  " * min(slot.depth, _INDENTED_MAX)
        for line in _slot_lines(slot, originals):
            print(indent + line)
    if args.json:
        return
    missing = found.count(State.MISSING)
    if missing:
        here = "is" if missing == 1 else "are"
        print(dim(f"{counted(missing, 'message')} {here} not here: your node asks for them whom it meets."))
    if found.more:
        print(dim("There are more answers than are shown."))


def _slot_lines(slot: Slot, originals: Originals) -> list[str]:
    if slot.message is not None:
        return message_lines(slot.message, originals=originals, in_thread=True)
    said = {
        State.MISSING: "(a message that is not here)",
        State.DELETED: "(a message that was deleted)",
        State.HIDDEN: "(a message that you have muted)",
    }[slot.state]
    return [dim(said), dim(f"  {ref_text(slot.ref)}")]


def bookmarks(args: Namespace) -> None:
    """Print what one keeps."""
    with open_home(args) as node:
        messages, absent = node.bookmarks(args.limit)
        print_messages(node, messages, args.json)
    if args.json:
        return
    if absent:
        print(dim(f"{counted(absent, 'bookmark')} not here: deleted, or its author's feed is not held."))
    elif not messages:
        print("You keep nothing yet: `p2pmicro bookmark REF` does.")
