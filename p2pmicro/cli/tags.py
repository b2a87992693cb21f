"""`tag`."""

from argparse import Namespace

from ..errors import LocalError
from ..node.local import LocalNode
from .message import print_messages
from .opening import open_home
from .output import counted, print_json, printable


def tag(args: Namespace) -> None:
    """Show the messages of a tag, follow it, or list the tags that one follows."""
    if args.name is None and (args.follow or args.unfollow):
        raise LocalError("Which tag? Give its name, as in `p2pmicro tag harbour --follow`.")
    with open_home(args) as node:
        if args.name is None:
            _list(args, node)
        elif args.follow or args.unfollow:
            changed = node.follow_tag(args.name) if args.follow else node.unfollow_tag(args.name)
            _told(args, changed)
        else:
            messages = node.tag_timeline(args.name, args.limit)
            print_messages(node, messages, args.json)
            if not messages and not args.json:
                near = [one for one in node.suggest_tags(args.name) if one.messages]
                perhaps = ", ".join(f"#{printable(one.name)} ({one.messages})" for one in near)
                print(f"Nothing here has this tag.{f' There is: {perhaps}.' if near else ''}")


def _told(args: Namespace, changed: bool) -> None:
    if args.json:
        print_json({"tag": args.name, "following": args.follow, "changed": changed})
    elif args.follow:
        more = "Messages with it are in your timeline too, of those whom the people you follow follow."
        print(more + " Nobody learns of it." if changed else "You follow this tag already.")
    else:
        print("You follow this tag no longer." if changed else "You do not follow this tag.")


def _list(args: Namespace, node: LocalNode) -> None:
    followed, used = node.followed_tags(), node.suggest_tags()
    if args.json:
        for name in followed:
            print_json({"tag": name, "following": True})
        return
    print(f"You follow {', '.join('#' + printable(name) for name in followed)}." if followed else "You follow no tag.")
    if used:
        told = ", ".join(f"#{printable(one.name)} ({counted(one.messages, 'message')})" for one in used)
        print(f"The most used here: {told}.")
