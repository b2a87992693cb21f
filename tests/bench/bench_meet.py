"""What it costs two nodes that share many feeds to meet again with nothing new.

    python -m tests.bench.bench_meet [FEEDS]...      # 100 10000

Bytes in both directions together, TLS records counted, TLS handshake aside; beside them what a bare list of the feeds'
heads would take (32 + 4 bytes each), which is what a node without cursors would send.
"""

import secrets
import sys
import tempfile
import time
from pathlib import Path

import trio

from p2pmicro.feed.chain import Range, check_range, genesis
from p2pmicro.feed.content import follows, read, write
from p2pmicro.feed.device import check_device_proof, make_device
from p2pmicro.ids import AccountId
from p2pmicro.keys import PrivateKey, device_public
from p2pmicro.net.tls import issue_credentials, secure
from p2pmicro.node.home import Home
from p2pmicro.node.install import wall_ms
from p2pmicro.node.local import LocalNode
from p2pmicro.node.node import NetworkNode, NetworkSettings, open_node
from p2pmicro.node.roles import refresh_interest
from p2pmicro.store.append import append
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import add_feed
from p2pmicro.store.ingest import Checked, ingest

_PART = 150


class CountingStream(trio.abc.Stream):
    """A stream that counts what goes through it."""

    def __init__(self, inner: trio.abc.Stream) -> None:
        self._inner = inner
        self.count = 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, and count."""
        self.count += len(data)
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the inner stream."""
        await self._inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive, and count."""
        data = await self._inner.receive_some(max_bytes)
        self.count += len(data)
        return data

    async def aclose(self) -> None:
        """As the inner stream."""
        await self._inner.aclose()


def fill(home: Home, count: int) -> None:
    """Make a home that follows so many accounts and holds a feed of each."""
    accounts = [
        (PrivateKey(number.to_bytes(32)), PrivateKey((1 << 40 | number).to_bytes(32))) for number in range(count)
    ]
    with LocalNode.open(home, create=True) as node:
        now_ms = wall_ms()
        targets = [(AccountId(account.public), 1, True) for account, _ in accounts]
        parts = [targets[start : start + _PART] for start in range(0, count, _PART)]
        payloads = [write(now_ms, "follows", follows(part, len(parts), items)) for part, items in enumerate(parts)]
        append(node.connection, node.views, node.changes, node.mark, node.keys.feed, payloads, now_ms)
        box = device_public(bytes(range(32)))
        with transaction(node.connection):
            refresh_interest(node.connection, node.views, node.account, node.feed, secrets.token_bytes)
            for account, feed in accounts:
                device = check_device_proof(make_device(account, feed, box, box, 0, 1_700_000_000_000))
                add_feed(node.connection, node.changes, device)
                given = check_range(
                    Range(device.feed, genesis(device.feed), [device.proof.payload], {1: device.proof.head})
                )
                ingest(
                    node.connection, node.views, node.changes, [Checked(given, [read(device.proof.payload)])], now_ms
                )


async def measure(folder: Path, count: int) -> None:
    """Let two nodes meet twice, and print what the second time cost."""
    ada, ben = (Home(folder / name, folder / f"{name}-state") for name in ("ada", "ben"))
    for home in (ada, ben):
        await trio.to_thread.run_sync(fill, home, count)
    async with open_node(ada, network=NetworkSettings("127.0.0.1:0", False)) as here:
        assert isinstance(here, NetworkNode)
        async with open_node(ben, network=NetworkSettings("127.0.0.1:0", False)) as there:
            port = int(there.listening[0].rpartition(":")[2])
            first, took_first_s = await _meet(here, port)
            again, took_s = await _meet(here, port)
    print(f"{f'{count:,} shared feeds: meeting again':44} {again:10,} B   {took_s * 1000:8.0f} ms")
    print(f"{'the first meeting':44} {first:10,} B   {took_first_s * 1000:8.0f} ms")
    print(f"{'a list of all heads':44} {2 * 36 * count:10,} B", flush=True)


async def _meet(node: NetworkNode, port: int) -> tuple[int, float]:
    """Bytes and seconds until both have nothing more to say."""
    transport = CountingStream(await trio.open_tcp_stream("127.0.0.1", port))
    connection = await secure(transport, issue_credentials(), f"127.0.0.1:{port}", initiator=True)
    handshake = transport.count
    start = time.perf_counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.converse, connection)
        before = -1
        while transport.count != before:  # quiet for two seconds: every tick has had its say
            before = transport.count
            quiet_since = time.perf_counter()
            await trio.sleep(2)
        count = transport.count - handshake
        nursery.cancel_scope.cancel()
    return count, quiet_since - start


def main() -> None:
    """Run it in folders of its own."""
    for count in [int(text) for text in sys.argv[1:]] or [100, 10_000]:
        with tempfile.TemporaryDirectory() as folder:
            trio.run(measure, Path(folder), count)


if __name__ == "__main__":
    main()
