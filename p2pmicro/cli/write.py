"""`post`."""

import sys
from argparse import Namespace

from ..errors import LocalError
from ..ids import format_account, format_ref
from ..node.local import LocalNode
from .output import print_json
from .pictures import new_pictures

_READ_MAX_BYTES = 1 << 16  # far over any message: a wrong file must not be read to its end


def post(args: Namespace) -> None:
    """Write a message."""
    text = standard_input() if args.text == "-" else args.text
    pictures = new_pictures(args.pictures)
    with LocalNode.open(args.home) as node:
        ref = node.post(text, pictures)
        if args.json or not sys.stdout.isatty():  # a program reads it
            print_json(
                {
                    "ref": format_ref(ref.feed, ref.seq),
                    "id": ref.id.hex(),
                    "account": format_account(node.account),
                    "seq": ref.seq,
                }
            )
        else:
            print(f"Posted: {format_ref(ref.feed, ref.seq)}")


def standard_input() -> str:
    """The text on standard input, without its last newline; LocalError if it is none."""
    raw = sys.stdin.buffer.read(_READ_MAX_BYTES)
    try:
        return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise LocalError("Standard input is not UTF-8 text: convert it first.") from None
