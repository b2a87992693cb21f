"""`init`, `whoami`, `words`."""

import sys
from argparse import Namespace

from ..errors import LocalError
from ..ids import format_account, format_feed
from ..node.home import find_home
from ..node.local import LocalNode
from .opening import open_home
from .output import agreed, print_json, printable, printable_name

_WORDS = 24
_LINE_MAX = 4096  # characters: a wrong file must not be read to its end


def init(args: Namespace) -> None:
    """Make an account, or bring one back."""
    words = None
    if args.recover:
        if sys.stdin.isatty():
            print("Type the 24 words, then Enter; numbers between them do no harm:", file=sys.stderr)
        words = _read_words()
    before = find_home(args.home).seed.exists()
    with LocalNode.open(args.home, create=True, words=words) as node:
        if args.name is not None:
            node.profile(name=args.name)
        _print_account(args, node)
        if not args.json:
            if before:
                print("This account was here already.")
            print(f"Home: {node.home.path}. Who holds this folder unlocked is this account. See `p2pmicro words`.")


def _read_words() -> str:
    """Read until there are 24 words, as `words` prints them: on several lines, with numbers."""
    found: list[str] = []
    while len(found) < _WORDS and (line := sys.stdin.readline(_LINE_MAX)):
        found += [word for word in line.split() if not word.isdecimal()]
    return " ".join(found)


def whoami(args: Namespace) -> None:
    """Show one's account, feed and name."""
    with open_home(args) as node:
        _print_account(args, node)


def _print_account(args: Namespace, node: LocalNode) -> None:
    profile = node.profile_of(node.account)
    name = profile.name or None if profile is not None else None
    if args.json:
        print_json({"account": format_account(node.account), "feed": format_feed(node.feed), "name": name})
    else:
        print(f"account  {format_account(node.account)}")
        print(f"feed     {format_feed(node.feed)}")
        print(f"name     {printable_name(name) if name else '(none: `p2pmicro init --name NAME` sets one)'}")


def words(args: Namespace) -> None:
    """Show the recovery words, after a question."""
    if not args.yes:
        if not sys.stdin.isatty():
            raise LocalError("The words are the account itself: say --yes to print them where nobody can be asked.")
        if not agreed("Who reads these words can write in your name for ever. Show them?"):
            print("Not shown.", file=sys.stderr)
            return
    with open_home(args) as node:
        found = node.words()
    if args.json:
        print_json({"words": found})
        return
    for row in range(0, len(found), 6):
        print("  ".join(f"{place:2d} {word:<9}" for place, word in enumerate(found[row : row + 6], row + 1)).rstrip())


def profile(args: Namespace) -> None:
    """Show or change one's own profile."""
    changes = {name: getattr(args, name) for name in ("name", "bio", "link") if getattr(args, name) is not None}
    if args.avatar is not None:
        from .pictures import read_file  # not needed to say who one is

        changes["avatar"] = read_file(args.avatar) if args.avatar else b""
    with open_home(args) as node:
        if changes:
            node.profile(**changes)
        mine = node.profile_of(node.account)
        account = format_account(node.account)
    shown = {name: (getattr(mine, name) or None) if mine is not None else None for name in ("name", "bio", "link")}
    if args.json:
        print_json({"account": account, **shown, "changed": bool(changes)})
        return
    print(f"account  {account}")
    for label, text in shown.items():
        print(f"{label:<8} {printable(text) if text else '(none)'}")
