"""Cold sync of one long feed between two processes over real TLS, beside the raw loop of the same run.

    python -m tests.bench.bench_sync [MESSAGES]...      # 100000

Prints, for each length: the raw in-process rate (check, decode, insert with the same index, one thread), the rate of
the sync until all is stored and searchable, when the newest 50 were readable, the receiver's peak memory, bytes on
the wire by byte of payload, and stored bytes by byte of payload.
"""

import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from p2pmicro.feed import content
from p2pmicro.feed.chain import check_range
from p2pmicro.node.home import Home
from p2pmicro.node.install import wall_ms
from p2pmicro.node.local import LocalNode
from p2pmicro.store.append import append
from tests.bench.bench_ingest import _checked as checked
from tests.bench.bench_ingest import _ingest, _make, _store
from tests.bench.raw import print_limits
from tests.texts import message

BATCH = 4096


def main() -> None:
    """Measure and print."""
    print_limits()
    for count in [int(text) for text in sys.argv[1:]] or [100_000]:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), count)


def _measure(folder: Path, count: int) -> None:
    author = Home(folder / "author", folder / "author-state")
    size = write_feed(author, count)
    raw = _raw(folder, count)
    reader = Home(folder / "reader", folder / "reader-state")
    command = [sys.executable, "-m", "p2pmicro", "--home", str(author.path), "run", "--json", "--no-mdns"]
    command += ["--listen", "127.0.0.1:0"]
    with LocalNode.open(author) as node:
        account = node.account
    env = {"P2PMICRO_STATE": str(author.state), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as sender:
        assert sender.stdout is not None
        address = json.loads(sender.stdout.readline())["listen"][0]
        arguments = [str(reader.path), str(reader.state), address, account.hex(), str(count)]
        receiver = [sys.executable, "-m", "tests.bench.receiver", *arguments]
        done = subprocess.run(receiver, stdout=subprocess.PIPE, check=True)
        found = json.loads(done.stdout)
        sender.terminate()
    rate = count / found["whole_s"]
    print(f"{count:,} messages, {size / count:.0f} bytes of payload each")
    print(f"{'raw loop in one process':44} {raw:10,.0f} /s")
    print(f"{'cold sync, two processes, TLS':44} {rate:10,.0f} /s   {rate / raw:.2f} of raw")
    print(f"{'newest 50 readable after':44} {found['newest_s']:10.3f} s")
    print(f"{'receiver peak memory':44} {found['peak_mb']:10.1f} MB")
    print(f"{'bytes on the wire, by byte of payload':44} {found['bytes_in'] / size:10.3f}")
    print(f"{'stored bytes, by byte of payload':44} {found['stored'] / size:10.3f}", flush=True)


def write_feed(home: Home, count: int) -> int:
    """Make a home whose feed has so many messages; the bytes of their payloads."""
    size = 0
    with LocalNode.open(home, create=True) as node:
        for start in range(0, count, BATCH):
            now_ms = wall_ms()
            texts = [message(number) for number in range(start, min(start + BATCH, count))]
            payloads = [content.write(now_ms, "post", content.post(text)) for text in texts]
            size += sum(map(len, payloads))
            append(node.connection, node.views, node.changes, node.mark, node.keys.feed, payloads, now_ms)
    return size


def _raw(folder: Path, count: int) -> float:
    """Check, decode and insert in one loop: entries a second."""
    from p2pmicro.views import ALL

    made, ranges, _ = _make(count)
    gc.set_threshold(50_000, 20, 20)  # tuned as the node is
    with _store(folder / "raw", made) as (connection, changes):
        start = time.perf_counter()
        _ingest(connection, ALL, changes, (checked(check_range(one)) for one in ranges))
        return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
