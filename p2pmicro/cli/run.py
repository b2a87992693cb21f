"""`run`: the node, until it is told to stop."""

import signal
import sys
from argparse import Namespace
from collections.abc import Sequence

import trio

from ..errors import P2PMicroError
from ..ids import AccountId, format_account, format_feed
from ..node.node import NetworkSettings, open_node
from ..node.offline import Node
from .message import message_json, print_message
from .opening import AFTER_UPDATE
from .output import Progress, bold, dim, print_json, printable

_FOLLOWED_S = 1.0  # whom one follows is looked up again after that


def run(args: Namespace) -> int:
    """Run the node; 0 when it was asked to stop."""
    settings = NetworkSettings(args.listen, not args.no_mdns, args.peer)
    try:
        trio.run(_run, args, settings)
    except BaseExceptionGroup as group:
        # What ended the node at its start is one error, however deep the nurseries are that it came through.
        found = group
        while isinstance(found, BaseExceptionGroup) and len(found.exceptions) == 1:
            inner = found.exceptions[0]
            if isinstance(inner, (P2PMicroError, KeyboardInterrupt, BrokenPipeError)):
                raise inner from None
            if not isinstance(inner, BaseExceptionGroup):
                break
            found = inner
        raise
    return 0


async def _run(args: Namespace, settings: NetworkSettings) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_node, args, settings, nursery.cancel_scope)
            async for _ in signals:
                nursery.cancel_scope.cancel()
                break


async def _node(args: Namespace, settings: NetworkSettings, scope: trio.CancelScope) -> None:
    async with open_node(args.home, network=settings, progress=Progress(AFTER_UPDATE)) as node:
        if args.name is not None:
            before = await node.profile_of(node.account)
            if before is None or before.name != args.name:
                await node.profile(name=args.name)
        _print_ready(args, node)
        followed: set[AccountId] = set()
        read_at = -_FOLLOWED_S
        async for message in node.arrivals():
            if trio.current_time() >= read_at + _FOLLOWED_S:
                read_at = trio.current_time()
                followed = {node.account, *(person.account for person in await node.following())}
            known = message.account in followed
            if args.json:
                print_json({"event": "message", **message_json(message), "followed": known})
            else:
                refs = [ref for ref in (message.parent, message.quote) if ref is not None]
                originals = await node.originals(refs) if refs else {}
                print_message(message, "" if known else " (not followed)", originals)
                sys.stdout.flush()
    scope.cancel()


def _print_ready(args: Namespace, node: Node) -> None:
    if args.json:
        print_json(
            {
                "event": "ready",
                "account": format_account(node.account),
                "feed": format_feed(node.feed),
                "listen": list(node.listening),
            }
        )
        return
    print(f"Your node runs. Your account is {bold(printable(format_account(node.account)))}")
    where = _where(node.listening)
    print(dim(f"It listens on {where}. Messages appear here, also of others around; Ctrl-C stops it."))
    sys.stdout.flush()


def _where(listening: Sequence[str]) -> str:
    """For people: 0.0.0.0 is where a node listens, and nowhere that anybody could reach it."""
    everywhere = {name.rpartition(":")[2] for name in listening if name.startswith(("0.0.0.0:", "[::]:"))}
    return f"port {everywhere.pop()} of all addresses of this computer" if everywhere else ", ".join(listening)
