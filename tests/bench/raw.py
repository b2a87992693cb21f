"""What the parts can do by themselves: the limits that the figures of a run are printed beside.

python -m tests.bench.raw
"""

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import trio

from p2pmicro.feed.chain import genesis, walk
from p2pmicro.net.dial import dial
from p2pmicro.net.listen import open_listeners, serve
from p2pmicro.net.tls import Connection, issue_credentials
from tests.bench.bench_ingest import _loads, _make, _raw_insert

COUNT = 50_000
TLS_BYTES = 256 << 20
_PIECE = bytes(1 << 16)


def print_limits() -> None:
    """Measure and print the raw limits of this machine, now."""
    made, _, payloads = _make(COUNT)
    with tempfile.TemporaryDirectory() as folder:
        _row("raw: chain steps", COUNT, "/s", lambda: walk(genesis(made.feed), payloads))
        _row("raw: cbor2.loads by page", COUNT, "/s", lambda: _loads(payloads))
        _row(
            "raw: bulk insert with full text, rows",
            COUNT,
            "/s",
            lambda: _raw_insert(Path(folder, "raw"), payloads, True),
        )
    _row("raw: loopback TLS", TLS_BYTES / 1e6, "MB/s", _send_over_tls)


def _row(what: str, count: float, unit: str, work: Callable[[], object]) -> None:
    start = time.perf_counter()
    work()
    print(f"{what:44} {count / (time.perf_counter() - start):10,.0f} {unit}", flush=True)


def _send_over_tls() -> None:
    """Send from one thread to another over the node's own TLS; OpenSSL leaves the interpreter to both."""
    ready = threading.Event()
    address: list[str] = []

    async def sink() -> None:
        listeners = await open_listeners("127.0.0.1", 0)
        address.append(f"127.0.0.1:{listeners[0].socket.getsockname()[1]}")
        async with trio.open_nursery() as nursery:

            async def swallow(connection: Connection, admit: Callable[[], None]) -> None:
                admit()
                left = TLS_BYTES
                while left > 0:
                    left -= len(await connection.stream.receive_some(1 << 16))
                await connection.stream.send_all(b"x")
                nursery.cancel_scope.cancel()

            nursery.start_soon(serve, listeners, credentials, swallow)
            ready.set()

    async def send() -> None:
        connection = await dial(address[0], credentials)
        for _ in range(TLS_BYTES // len(_PIECE)):
            await connection.stream.send_all(_PIECE)
        await connection.stream.receive_some(1)
        await trio.aclose_forcefully(connection.stream)

    credentials = issue_credentials()
    thread = threading.Thread(target=trio.run, args=(sink,))
    thread.start()
    ready.wait()
    trio.run(send)
    thread.join()


if __name__ == "__main__":
    print_limits()
