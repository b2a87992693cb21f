"""A process that announces a port and prints what it finds, for the tests that need several machines."""

import sys
from functools import partial

import trio

from p2pmicro.net.mdns import run_mdns


async def main(port: int) -> None:
    send, receive = trio.open_memory_channel[str](16)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(run_mdns, port, send, on_change=lambda: print("changed", flush=True)))
        nursery.start_soon(stop_when_told, nursery.cancel_scope)
        print("ready", flush=True)
        async for address in receive:
            print(address, flush=True)


async def stop_when_told(scope: trio.CancelScope) -> None:
    """The end of standard input ends this process, with its goodbyes said."""
    await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
    scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
