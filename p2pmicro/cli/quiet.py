"""`mute`, `block`."""

from argparse import Namespace
from datetime import datetime
from typing import Any

from ..errors import LocalError
from ..ids import AccountId, format_account
from ..node.install import wall_ms
from ..node.local import LocalNode
from ..views.filter import ACCOUNT, TAG, Mute
from .opening import open_home
from .output import local_time, print_json, printable, rfc3339
from .person import called


def mute(args: Namespace) -> None:
    """Mute somebody, a word or a tag, or list what is muted."""
    given = [args.account, args.word, args.tag]
    with open_home(args) as node:
        if given == [None, None, None]:
            _refuse_alone(args, "mute")
            _list_mutes(args, node)
            return
        until_ms = None if args.until is None else _until(args.until)
        what = node.mute_of(args.account, word=args.word, tag=args.tag, until_ms=until_ms)
        changed = node.unmute(what) if args.off else node.mute(what)
        name = _named(node, what)
    if args.json:
        print_json(_mute_json(what) | {"muted": not args.off, "changed": changed})
    elif args.off:
        print(f"You see {name} again." if changed else f"You have not muted {name}.")
    elif not changed:
        print(f"You have muted {name} already.")
    else:
        end = "" if until_ms is None else f" until {local_time(until_ms)}"
        print(f"You do not see {name} any more{end}. Nobody learns of it; `p2pmicro mute` lists what is muted.")


def block(args: Namespace) -> None:
    """Block somebody, or list who is blocked."""
    with open_home(args) as node:
        if args.account is None:
            _refuse_alone(args, "block")
            _list_blocks(args, node)
            return
        account = node.find_account(args.account)
        name = called(node, account)
        followed = account in [person.account for person in node.following()]
        changed = node.unblock(account) if args.off else node.block(account)
    if args.json:
        print_json({"account": format_account(account), "blocked": not args.off, "changed": changed})
    elif args.off:
        again = " What others have of their messages is fetched again." if changed else ""
        print((f"{name} is blocked no longer." if changed else f"You have not blocked {name}.") + again)
    elif not changed:
        print(f"You have blocked {name} already.")
    else:
        print(f"You have nothing more to do with {name}: what was here of them is gone. Nobody learns of it.")
        if followed:
            print("That you follow them is public, and stays: `p2pmicro unfollow` ends it.")


def _refuse_alone(args: Namespace, command: str) -> None:
    if args.off or getattr(args, "until", None) is not None:
        raise LocalError(f"Say whom or what: `p2pmicro {command} --help` shows how.")


def _list_mutes(args: Namespace, node: LocalNode) -> None:
    found = node.mutes()
    for what in found:
        if args.json:
            print_json(_mute_json(what))
        else:
            end = "" if what.until_ms is None else f"  until {local_time(what.until_ms)}"
            print(f"{_named(node, what)}{end}")
    if not found and not args.json:
        print("Nothing is muted: `p2pmicro mute NAME`, `--word WORD` or `--tag TAG` does.")


def _list_blocks(args: Namespace, node: LocalNode) -> None:
    found = node.blocked()
    for account in found:
        if args.json:
            print_json({"account": format_account(account), "petname": node.petnames().get(account)})
        else:
            print(f"{format_account(account)}  {called(node, account)}")
    if not found and not args.json:
        print("Nobody is blocked: `p2pmicro block NAME` does.")


def _mute_json(what: Mute) -> dict[str, Any]:
    until = None if what.until_ms is None else rfc3339(what.until_ms)
    if what.kind == ACCOUNT:
        assert isinstance(what.value, bytes)
        return {"kind": "account", "account": format_account(what.value), "until": until}
    return {"kind": "tag" if what.kind == TAG else "word", "text": what.value, "until": until}


def _named(node: LocalNode, what: Mute) -> str:
    if isinstance(what.value, bytes):
        return called(node, AccountId(what.value))
    return printable(f"#{what.value}" if what.kind == TAG else f"“{what.value}”")


def _until(text: str) -> int:
    """Read a date, or a date and time, of this place, or with an offset."""
    try:
        moment = datetime.fromisoformat(text).astimezone()
        until_ms = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise LocalError(
            f"{text[:60]!r} is no date: give one as 2030-12-31, or with a time as 2030-12-31T18:00."
        ) from None
    if until_ms <= wall_ms():
        raise LocalError(f"{text[:60]!r} has passed: give a date to come.")
    return until_ms
