"""`feeds`, `peers`, `status`, `verify`, `rebuild`."""

import json
from argparse import Namespace
from typing import Any

from ..ids import format_account, format_feed
from ..node.status import peer_json
from ..node.wake import PEERS, ask_node
from .opening import open_home
from .output import Progress, counted, local_time, print_json, print_table, printable_name, rfc3339, size


def feeds(args: Namespace) -> None:
    """List the feeds that are held."""
    with open_home(args) as node:
        states = node.feeds()
    found = [
        {
            "account": format_account(state.account),
            "feed": format_feed(state.feed),
            "height": state.newest.end.seq if state.newest is not None else 0,
            "bytes": state.bytes,
            "forked": state.fork_seq is not None,
        }
        for state in states
    ]
    if args.json:
        for fields in found:
            print_json(fields)
        return
    rows = [
        (
            str(f["feed"]),
            str(f["height"]),
            size(int(str(f["bytes"]))),
            "forked" if f["forked"] else "",
            str(f["account"]),
        )
        for f in found
    ]
    print_table(rows, ("FEED", "HEIGHT", "SIZE", "", "ACCOUNT"))


def peers(args: Namespace) -> None:
    """List nodes: those connected, as the running node tells, and those met before."""
    with open_home(args) as node:
        answer = ask_node(node.home.wake, PEERS)
        known = [] if answer is not None else node.known_peers()
    found: list[dict[str, Any]] = [peer_json(peer) for peer in known]
    if answer is not None:
        found = [json.loads(line) for line in answer.decode().splitlines()]
    for fields in found:
        since_ms = fields.pop("since_ms")
        fields["since"] = rfc3339(since_ms) if since_ms else None
        fields["since_text"] = local_time(since_ms) if since_ms else "never"
    if args.json:
        for fields in found:
            del fields["since_text"]
            print_json(fields)
        return
    if answer is None:
        print(
            "Your node is not running. " + ("These are the nodes that it has met:" if found else "It has met nobody.")
        )
    elif not found:
        print("No other node yet: those on your network are found by themselves, others with `p2pmicro run --peer`.")
    if not found:
        return
    rows = [
        (
            f["address"],
            f["state"],
            f["since_text"],
            size(f["bytes_in"]),
            size(f["bytes_out"]),
            printable_name(f["name"] or "?"),
            f["account"] or "?",
        )
        for f in found
    ]
    print_table(rows, ("ADDRESS", "STATE", "SINCE", "IN", "OUT", "NAME", "ACCOUNT"))


def status(args: Namespace) -> None:
    """Show how the node is."""
    with open_home(args) as node:
        found = node.status()
        home = node.home.path
    fields = {
        "account": format_account(found.account),
        "feed": format_feed(found.feed),
        "name": found.name,
        "home": str(home),
        "running": found.running,
        "height": found.height,
        "entries": found.entries,
        "feeds": found.feeds,
        "following": found.following,
        "followers": found.followers,
        "store_bytes": found.store_bytes,
        "erasures_pending": found.erasures_pending,
        "pictures": found.pictures.here,
        "pictures_bytes": found.pictures.size_bytes,
        "pictures_wanted": found.pictures.wanted,
    }
    if args.json:
        print_json(fields)
        return
    print(f"{printable_name(found.name or '?')}  {fields['account']}")
    print(f"node       {'running' if found.running else 'not running: start it with `p2pmicro run`'}")
    print(f"your feed  {_entries(found.height)}")
    print(
        f"store      {_entries(found.entries)} of {counted(found.feeds, 'feed')}, {size(found.store_bytes)} in {home}"
    )
    if found.pictures.here or found.pictures.wanted:
        wanted = f", {found.pictures.wanted} still to come" if found.pictures.wanted else ""
        print(f"pictures   {found.pictures.here}, {size(found.pictures.size_bytes)}{wanted}")
    print(f"people     {found.following} followed, {counted(found.followers, 'known follower')}")
    if found.erasures_pending:
        deleted = counted(found.erasures_pending, "deleted text or picture", "deleted texts or pictures")
        print(f"deleting   {deleted} still to be wiped from the disk")


def verify(args: Namespace) -> int:
    """Check everything; 1 if something is wrong."""
    with open_home(args) as node, Progress("verify") as progress:
        faults = node.verify(progress)
        checked = node.status()
    if args.json:
        for fault in faults:
            print_json({"fault": fault})
        print_json({"faults": len(faults), "entries": checked.entries, "feeds": checked.feeds})
    else:
        for fault in faults:
            print(fault)
        if not faults:
            print(f"All is well: checked {_entries(checked.entries)} of {counted(checked.feeds, 'feed')}.")
    return 1 if faults else 0


def rebuild(args: Namespace) -> int:
    """Compute the views again."""
    with open_home(args) as node, Progress("rebuild") as progress:
        node.rebuild(progress)
        entries = node.status().entries
    if args.json:
        print_json({"entries": entries})
    else:
        print(f"Timelines, people and search were computed again from {_entries(entries)}.")
    return 0


def _entries(count: int) -> str:
    return counted(count, "entry", "entries")
