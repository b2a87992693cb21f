"""From a message's acknowledgement on one node to its sight on another, over loopback TLS.

    python -m tests.bench.bench_live [MESSAGES]      # 300

Twice: posted by the program that runs the node, and by another program beside it, as `p2pmicro post` is. The raw limit
is a byte that goes over the same TLS and comes back.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import trio

from p2pmicro.net.dial import dial
from p2pmicro.net.listen import open_listeners, serve
from p2pmicro.net.tls import Connection, issue_credentials
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.node.node import NetworkSettings, open_node
from p2pmicro.views.message import Message
from tests.texts import message

NODE = """
import sys, time, trio
from pathlib import Path
from p2pmicro.node.home import Home
from p2pmicro.node.node import NetworkSettings, open_node

async def main():
    home = Home(Path(sys.argv[1]), Path(sys.argv[2]))
    async with open_node(home, network=NetworkSettings("127.0.0.1:0", False)) as node:
        print(node.account.hex(), node.listening[0], flush=True)
        while line := await trio.to_thread.run_sync(sys.stdin.readline):
            await node.post(line.rstrip())
            print(time.perf_counter_ns(), flush=True)

trio.run(main)
"""
BESIDE = """
import sys, time
from pathlib import Path
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode

with LocalNode.open(Home(Path(sys.argv[1]), Path(sys.argv[2]))) as node:
    print("ready", flush=True)
    for line in sys.stdin:
        node.post(line.rstrip())
        print(time.perf_counter_ns(), flush=True)
"""


class Poster:
    """A process that posts each line that it is given, and says when that was acknowledged."""

    def __init__(self, program: str, home: Home) -> None:
        command = [sys.executable, "-c", program, str(home.path), str(home.state)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first = self._read()

    def post(self, text: str) -> int:
        """Post; the time of the acknowledgement, in ns of the clock that all processes share."""
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        return int(self._read())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


async def measure(folder: Path, count: int) -> None:
    """Measure and print."""
    show("raw: a byte over TLS and back", await _echoes(count))
    ada, ben = (Home(folder / name, folder / f"{name}-state") for name in ("ada", "ben"))
    with LocalNode.open(ada, create=True) as local:
        account = local.account
    author = await trio.to_thread.run_sync(Poster, NODE, ada)
    beside = await trio.to_thread.run_sync(Poster, BESIDE, ada)
    address = author.first.split()[1]
    with LocalNode.open(ben, create=True) as local:
        local.follow(account)
    async with open_node(ben, network=NetworkSettings("127.0.0.1:0", False, [address])) as reader:
        arrivals = reader.arrivals()
        with trio.fail_after(60):
            await trio.to_thread.run_sync(author.post, "first")
            await anext(arrivals)
            show("posted by the node itself", await _watch(arrivals, author, count))
            show("posted by a program beside it", await _watch(arrivals, beside, count))
        await arrivals.aclose()
    await trio.to_thread.run_sync(author.close)
    await trio.to_thread.run_sync(beside.close)


async def _watch(arrivals: AsyncGenerator[Message, None], poster: Poster, count: int) -> list[float]:
    """Post one message after the other; ms from each acknowledgement until the reader could read it."""
    took: list[float] = []
    for number in range(count):
        acknowledged: list[int] = []
        async with trio.open_nursery() as nursery:

            async def write(text: str, to: list[int] = acknowledged) -> None:
                to.append(await trio.to_thread.run_sync(poster.post, text))

            nursery.start_soon(write, message(number).replace("\n", " "))
            await anext(arrivals)
            seen = time.perf_counter_ns()
        took.append(max(0.0, (seen - acknowledged[0]) / 1e6))
    return took


async def _echoes(count: int) -> list[float]:
    """Ms for a byte there and back over the node's own TLS."""
    credentials = issue_credentials()
    listeners = await open_listeners("127.0.0.1", 0)

    async def echo(connection: Connection, admit: Callable[[], None]) -> None:
        admit()
        while data := await connection.stream.receive_some(100):
            await connection.stream.send_all(data)

    took = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, listeners, credentials, echo)
        port = listeners[0].socket.getsockname()[1]
        connection = await dial(f"127.0.0.1:{port}", credentials)
        for _ in range(count):
            start = time.perf_counter_ns()
            await connection.stream.send_all(b"x")
            await connection.stream.receive_some(1)
            took.append((time.perf_counter_ns() - start) / 1e6)
        nursery.cancel_scope.cancel()
    return took


def show(what: str, took: list[float]) -> None:
    """Print the middle and the end of what was measured, in ms."""
    cuts = statistics.quantiles(took, n=100)
    print(f"{what:44} p50 {statistics.median(took):7.2f} ms   p99 {cuts[98]:7.2f} ms", flush=True)


def main() -> None:
    """Run it in a folder of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as folder:
        trio.run(measure, Path(folder), count)


if __name__ == "__main__":
    main()
