"""`draft save`, `draft list`, `draft post`, `draft delete`."""

from argparse import Namespace

from ..ids import format_account, format_ref
from .opening import open_home
from .output import local_time, print_json, printable, rfc3339
from .write import standard_input


def save(args: Namespace) -> None:
    """Keep a text for later."""
    text = standard_input() if args.text == "-" else args.text
    with open_home(args) as node:
        draft = node.save_draft(text, args.number)
    if args.json:
        print_json({"number": draft.number, "saved": rfc3339(draft.saved_ms), "text": draft.text})
    else:
        print(f"Kept as draft {draft.number}.")


def show(args: Namespace) -> None:
    """List drafts."""
    with open_home(args) as node:
        found = node.drafts()
    for draft in found:
        if args.json:
            print_json({"number": draft.number, "saved": rfc3339(draft.saved_ms), "text": draft.text})
        else:
            print(f"{draft.number:3d}  {local_time(draft.saved_ms)}  {printable(draft.text)}")
    if not found and not args.json:
        print('There are no drafts: `p2pmicro draft save "…"` keeps one.')


def post(args: Namespace) -> None:
    """Post a draft."""
    with open_home(args) as node:
        ref = node.post_draft(args.number)
        account = node.account
    if args.json:
        print_json(
            {
                "ref": format_ref(ref.feed, ref.seq),
                "id": ref.id.hex(),
                "account": format_account(account),
                "seq": ref.seq,
            }
        )
    else:
        print(f"Posted: {format_ref(ref.feed, ref.seq)}")


def delete(args: Namespace) -> None:
    """Drop a draft."""
    with open_home(args) as node:
        node.delete_draft(args.number)
    if args.json:
        print_json({"number": args.number, "deleted": True})
    else:
        print(f"Draft {args.number} is gone.")
