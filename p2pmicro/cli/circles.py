"""`circle`, `inbox`."""

from argparse import Namespace
from typing import Any

from ..ids import AccountId, format_account
from ..node.circles import Circle
from ..node.local import LocalNode
from ..views.conversations import Conversation
from .message import message_json, originals_of, print_message
from .opening import open_home
from .output import bold, counted, dim, local_time, print_json, printable
from .person import called


def create(args: Namespace) -> None:
    """Make a circle."""
    with open_home(args) as node:
        circle = node.create_circle(args.name, args.people)
    if args.json:
        print_json(_circle_json(circle))
    else:
        print(f"Your circle {printable(circle.name)} has {counted(len(circle.members), 'person', 'people')}.")
        print(f'Write to it by `p2pmicro post --to "{printable(circle.name)}" TEXT`. Nobody else learns who is in it.')


def add(args: Namespace) -> None:
    """Put people into a circle."""
    with open_home(args) as node:
        changed = node.add_to_circle(args.name, args.people)
        _print_change(
            args, node, changed, "can read what you write to it from now on.", "Nobody is new to this circle."
        )


def remove(args: Namespace) -> None:
    """Take people out of a circle."""
    with open_home(args) as node:
        changed = node.remove_from_circle(args.name, args.people)
        end = "can't read what you write to it from now on; what they have read stays theirs."
        _print_change(args, node, changed, end, "None of them was in this circle.")


def delete(args: Namespace) -> None:
    """Forget a circle."""
    with open_home(args) as node:
        circle = node.circle(args.name)
        node.delete_circle(args.name)
    if args.json:
        print_json(_circle_json(circle) | {"deleted": True})
    else:
        print(f"Your circle {printable(circle.name)} is gone. What you wrote to it stays, for those who could read it.")


def show(args: Namespace) -> None:
    """List circles, or who belongs to one."""
    with open_home(args) as node:
        circles = node.circles() if args.name is None else [node.circle(args.name)]
        for circle in circles:
            if args.json:
                print_json(_circle_json(circle))
                continue
            print(f"{bold(printable(circle.name))}  {dim(counted(len(circle.members), 'person', 'people'))}")
            for account in circle.members:
                print(f"  {called(node, account)}")
    if not circles and not args.json:
        print("You have no circles yet: `p2pmicro circle create NAME PEOPLE…` makes one.")


def inbox(args: Namespace) -> None:
    """List conversations, or show one and mark it as read."""
    with open_home(args) as node:
        if args.people:
            _show_conversation(args, node)
        else:
            _list_conversations(args, node)


def _list_conversations(args: Namespace, node: LocalNode) -> None:
    found = node.inbox(args.limit)
    for one in found:
        circle = node.circle_name(one)
        if args.json:
            print_json(_conversation_json(one, circle))
            continue
        unread = f"  {counted(one.unread, 'unread message')}" if one.unread else ""
        print(f"{bold(_title(node, one, circle))}{unread}  {dim(local_time(one.newest.time_ms))}")
        who = "You" if one.newest.account == node.account else called(node, one.newest.account)
        print(f"  {who}: {printable(one.newest.text)}")
        print(dim(f"  {_how_to_open(node, one, circle)}"))
    if not found and not args.json:
        print("Nobody has written to you alone yet: `p2pmicro post --to NAME TEXT` begins a conversation.")


def _show_conversation(args: Namespace, node: LocalNode) -> None:
    conversation = node.find_conversation(args.people)
    found = node.conversation(conversation, args.limit)
    originals = originals_of(node, found)
    for message in reversed(found):  # as it was said
        if args.json:
            print_json(message_json(message) | {"conversation": conversation.hex()})
        else:
            print_message(message, originals=originals)
    if not found and not args.json:
        print("Nothing was said here yet.")
    if not args.keep_unread:
        node.mark_read(conversation)


def _title(node: LocalNode, one: Conversation, circle: str | None) -> str:
    if circle is not None:
        return printable(circle)
    if one.circle is not None:
        return f"A circle of {called(node, one.circle[0])}"
    return ", ".join(called(node, account) for account in one.people) or "To yourself"


def _how_to_open(node: LocalNode, one: Conversation, circle: str | None) -> str:
    """The words that show a conversation, by a name where it says which is meant: nobody likes to type an id."""
    if circle is not None:
        return f'p2pmicro inbox "{printable(circle)}"'
    if len(one.people) == 1 and one.circle is None:
        name = node.petnames().get(one.people[0]) or node.names(one.people)[one.people[0]]
        if name and _means(node, name, one.people[0]):
            return f'p2pmicro inbox "{printable(name)}"'
    return f"p2pmicro inbox {one.id.hex()}"


def _means(node: LocalNode, name: str, account: AccountId) -> bool:
    from ..errors import LocalError

    try:
        return node.find_account(name) == account
    except LocalError:
        return False


def _print_change(args: Namespace, node: LocalNode, changed: list[AccountId], end: str, nobody: str) -> None:
    circle = node.circle(args.name)
    if args.json:
        print_json(_circle_json(circle) | {"changed": [format_account(account) for account in changed]})
    elif changed:
        print(f"{', '.join(called(node, account) for account in changed)} {end}")
    else:
        print(nobody)


def _circle_json(circle: Circle) -> dict[str, Any]:
    return {
        "circle": circle.name,
        "id": circle.id.hex(),
        "members": [format_account(account) for account in circle.members],
    }


def _conversation_json(one: Conversation, circle: str | None) -> dict[str, Any]:
    return {
        "conversation": one.id.hex(),
        "people": [format_account(account) for account in one.people],
        "circle": circle,
        "circle_of": None if one.circle is None else format_account(one.circle[0]),
        "unread": one.unread,
        "newest": message_json(one.newest),
    }
