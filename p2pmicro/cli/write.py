"""`post`, `reply`, `quote`, `delete`."""

import sys
from argparse import Namespace

from ..errors import LocalError
from ..ids import Ref, format_account
from ..node.messages import Messages
from .message import ref_text
from .opening import open_home, open_room
from .output import print_json
from .pictures import new_pictures

_READ_MAX_BYTES = 1 << 16  # far over any message: a wrong file must not be read to its end


def post(args: Namespace) -> None:
    """Write a message."""
    text, pictures = _text(args), new_pictures(args.pictures)
    with open_room(args, Messages) as node:
        _print_posted(args, node, node.post(text, pictures, replace=args.replace, lang=args.lang, to=args.to))


def reply(args: Namespace) -> None:
    """Answer a message."""
    text, pictures = _text(args), new_pictures(args.pictures)
    with open_room(args, Messages) as node:
        _print_posted(args, node, node.reply(args.ref, text, pictures, lang=args.lang))


def quote(args: Namespace) -> None:
    """Quote a message."""
    text, pictures = _text(args), new_pictures(args.pictures)
    with open_room(args, Messages) as node:
        _print_posted(args, node, node.quote(args.ref, text, pictures, lang=args.lang))


def _print_posted(args: Namespace, node: Messages, ref: Ref) -> None:
    if args.json or not sys.stdout.isatty():  # a program reads it
        account = format_account(node.account)
        print_json({"ref": ref_text(ref), "id": ref.id.hex(), "account": account, "seq": ref.seq})
    else:
        print(f"Posted: {ref_text(ref)}")


def delete(args: Namespace) -> None:
    """Delete something of one's own."""
    with open_home(args) as node:
        ref = node.delete(args.ref)
        pending = node.status().erasures_pending
    if args.json:
        print_json({"deleted": True, "changed": ref is not None, "ref": None if ref is None else ref_text(ref)})
    elif ref is None:
        print("It is deleted already.")
    else:
        wiped = "Your running node wipes it from the disk within a minute" if pending else "It is gone from this disk"
        print(f"Deleted. {wiped}, and every honest node erases it on its next contact.")


def _text(args: Namespace) -> str:
    return standard_input() if args.text == "-" else str(args.text)


def standard_input() -> str:
    """The text on standard input, without its last newline; LocalError if it is none."""
    raw = sys.stdin.buffer.read(_READ_MAX_BYTES)
    try:
        return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise LocalError("Standard input is not UTF-8 text: convert it first.") from None
