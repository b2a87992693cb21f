"""`search`."""

from argparse import Namespace
from collections.abc import Sequence

from ..ids import format_account
from .message import print_messages
from .opening import open_home
from .output import counted, dim, print_json, print_table, printable
from .person import called_by, person_json, relation


def search(args: Namespace) -> None:
    """Find messages, or people."""
    query = " ".join(args.query)
    if args.people:
        _people(args, query)
        return
    with open_home(args) as node:
        found = node.search(query, args.limit)
        print_messages(node, found.messages, args.json)
    if args.json:
        extent = {"searched_messages": found.searched_messages, "searched_people": found.searched_people}
        print_json(extent | {"hints": list(found.hints)})
        return
    people = counted(found.searched_people, "person", "people")
    messages = f"{found.searched_messages:,} message{'' if found.searched_messages == 1 else 's'}"
    _print_end(found.hints, bool(found.messages), f"searched {messages} of {people} that you hold")


def _people(args: Namespace, query: str) -> None:
    with open_home(args) as node:
        found = node.search_people(query, args.limit)
    if args.json:
        for person in found.people:
            print_json(person_json(person))
        print_json({"searched_people": found.searched_people, "hints": list(found.hints)})
        return
    if found.people:
        rows = [(called_by(one), relation(one), format_account(one.account)) for one in found.people]
        print_table(rows, ("NAME", "", "ACCOUNT"))
    people = counted(found.searched_people, "person", "people")
    _print_end(found.hints, bool(found.people), f"searched {people} of whom you hold something")


def _print_end(hints: Sequence[str], any_found: bool, extent: str) -> None:
    for hint in hints:
        print(printable(hint))
    print(dim(extent[:1].upper() + extent[1:] + ".") if any_found else f"Nothing found: {extent}.")
