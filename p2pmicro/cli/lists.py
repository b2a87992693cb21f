"""`list`: lists of people."""

from argparse import Namespace

from ..ids import format_account
from .message import print_messages
from .opening import open_home
from .output import counted, print_json, printable
from .person import called, called_by


def show_all(args: Namespace) -> None:
    """List one's lists with who is on them."""
    with open_home(args) as node:
        found = node.lists()
        names = node.named(account for one in found for account in one.members)
    for one in found:
        if args.json:
            print_json({"list": one.name, "members": [format_account(account) for account in one.members]})
        else:
            who = ", ".join(called_by(names[account]) for account in one.members)
            print(f"{printable(one.name)}: {who or 'nobody yet'}")
    if not found and not args.json:
        print("You have no list: `p2pmicro list create NAME` makes one.")


def create(args: Namespace) -> None:
    """Make a list."""
    with open_home(args) as node:
        made = node.create_list(args.name)
    if args.json:
        print_json({"list": made.name, "members": []})
    else:
        print(f"Made the list {printable(made.name)}: `p2pmicro list add` puts people on it. Nobody else sees it.")


def add(args: Namespace) -> None:
    """Put people on a list."""
    _set(args, True)


def remove(args: Namespace) -> None:
    """Take people off a list."""
    _set(args, False)


def _set(args: Namespace, on: bool) -> None:
    with open_home(args) as node:
        accounts = [node.find_account(text) for text in args.account]  # all or none
        changed = [account for account in accounts if node.set_listed(args.name, account, on)]
        names = [called(node, account) for account in changed]
        followed = {person.account for person in node.following()} | {node.account}
        strangers = [called(node, account) for account in changed if account not in followed]
    if args.json:
        print_json({"list": args.name, "listed": on, "changed": [format_account(account) for account in changed]})
        return
    what = ("on" if on else "off") + f" the list {printable(args.name)}"
    print(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {what} now." if names else "That is so already.")
    if on and strangers:
        print(f"You don't follow {', '.join(strangers)}: their messages come only if somebody whom you follow does.")


def show(args: Namespace) -> None:
    """Print the newest messages of those on a list."""
    with open_home(args) as node:
        messages = node.list_timeline(args.name, args.limit)
        print_messages(node, messages, args.json)
    if not messages and not args.json:
        print("Nothing of those on this list is here yet.")


def delete(args: Namespace) -> None:
    """Take a list away."""
    with open_home(args) as node:
        count = next((len(one.members) for one in node.lists() if one.name == args.name), 0)
        node.delete_list(args.name)
    if args.json:
        print_json({"list": args.name, "deleted": True})
    else:
        print(f"The list {printable(args.name)} is gone; {counted(count, 'person', 'people')} on it stay as they are.")
