"""`follow`, `unfollow`, `following`."""

from argparse import Namespace

from ..ids import format_account, format_ref
from ..node.local import LocalNode
from .output import print_json, printable_name


def follow(args: Namespace) -> None:
    """Follow somebody."""
    _set(args, True)


def unfollow(args: Namespace) -> None:
    """Follow somebody no longer."""
    _set(args, False)


def _set(args: Namespace, on: bool) -> None:
    with LocalNode.open(args.home) as node:
        account = node.find_account(args.account)
        ref = node.follow(account) if on else node.unfollow(account)
        running = node.is_running()
        profile = node.profile_of(account)
    if args.json:
        fields = {"account": format_account(account), "following": on, "changed": ref is not None}
        print_json(fields | {"ref": None if ref is None else format_ref(ref.feed, ref.seq)})
    elif ref is None:
        print("You follow this account already." if on else "You do not follow this account.")
    else:
        name = printable_name(profile.name) if profile is not None and profile.name else "them"
        hint = "" if running or not on else " Start your node with `p2pmicro run` to fetch their messages."
        if on and profile is None:  # any key is an account: a mistyped one is nobody's
            hint += " Nothing of theirs is here yet: if nothing comes, compare this account with their `whoami`."
        print((f"You follow {name} now." if on else f"You follow {name} no longer.") + hint)


def following(args: Namespace) -> None:
    """List those whom one follows."""
    with LocalNode.open(args.home) as node:
        people = node.following()
    for account, name in people:
        if args.json:
            print_json({"account": format_account(account), "name": name})
        else:
            print(f"{format_account(account)}  {printable_name(name) if name else '?'}")
    if not people and not args.json:
        print("You follow nobody yet: `p2pmicro follow did:key:…`.")
