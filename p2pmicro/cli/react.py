"""`repost`, `like`, `unlike`, `bookmark`, `pin`."""

from argparse import Namespace

from ..ids import Ref
from .message import message_lines, ref_text
from .opening import open_home
from .output import print_json


def repost(args: Namespace) -> None:
    """Pass a message on, or no longer."""
    with open_home(args) as node:
        target = node.find_message(args.ref)
        ref = node.unrepost(target.ref) if args.undo else node.repost(target.ref)
    done = "You pass it on no longer." if args.undo else "Passed on to those who follow you:"
    no = "You had not passed it on." if args.undo else "You have passed it on already."
    _told(args, {"reposted": not args.undo}, target.ref, ref, done if ref is not None else no)
    if not args.json and ref is not None and not args.undo:
        print("\n".join(message_lines(target)))


def like(args: Namespace) -> None:
    """Like a message."""
    with open_home(args) as node:
        target = node.find_message(args.ref)
        ref = node.like(target.ref)
    who = "who can read it" if target.sealed else "everybody"
    said = f"You like it; {who} can see that." if ref is not None else "You like it already."
    _told(args, {"liked": True}, target.ref, ref, said)


def unlike(args: Namespace) -> None:
    """Like a message no longer."""
    with open_home(args) as node:
        target = node.find_ref(args.ref)
        ref = node.unlike(target)
    said = "You like it no longer." if ref is not None else "You did not like it."
    _told(args, {"liked": False}, target, ref, said)


def _told(args: Namespace, state: dict[str, bool], target: Ref, ref: Ref | None, said: str) -> None:
    if args.json:
        entry = None if ref is None else ref_text(ref)
        print_json({"target": ref_text(target)} | state | {"changed": ref is not None, "ref": entry})
    else:
        print(said)


def bookmark(args: Namespace) -> None:
    """Keep a message for later, or no longer."""
    with open_home(args) as node:
        changed = node.remove_bookmark(args.ref) if args.remove else node.bookmark(args.ref)
    if args.json:
        print_json({"target": args.ref, "bookmarked": not args.remove, "changed": changed})
    elif args.remove:
        print("You keep it no longer." if changed else "You did not keep it.")
    else:
        print("You keep it: `p2pmicro bookmarks` shows it. Nobody learns of it." if changed else "You keep it already.")


def pin(args: Namespace) -> None:
    """Have a message first on one's page, or no longer."""
    with open_home(args) as node:
        target = node.find_ref(args.ref)
        ref = node.unpin(target) if args.remove else node.pin(target)
    no = "It was not pinned." if args.remove else "It is pinned already."
    said = "It is pinned no longer." if args.remove else "It stands first on your page; everybody can see that."
    _told(args, {"pinned": not args.remove}, target, ref, said if ref is not None else no)
