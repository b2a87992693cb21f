"""A node that follows one account and says how long it took to have all of it; run by the benchmarks.

python -m tests.bench.receiver HOME STATE ADDRESS ACCOUNT COUNT
"""

import json
import sys
import time
from pathlib import Path

import trio

from p2pmicro.ids import AccountId
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.node.node import NetworkSettings, open_node


async def receive(home: Home, address: str, account: AccountId, count: int) -> dict[str, float]:
    """Follow, connect, and wait for everything."""
    with LocalNode.open(home, create=True) as local:
        local.follow(account)
    newest_s = None
    start = time.perf_counter()
    async with open_node(home, network=NetworkSettings("127.0.0.1:0", False, [address])) as node:
        while True:
            await trio.sleep(0.05 if newest_s is not None else 0.005)
            if newest_s is None and len(await node.timeline(50)) == 50:
                newest_s = time.perf_counter() - start
            held = {state.account: state for state in await node.feeds()}.get(account)
            if held and held.newest and held.newest.before.seq == 0 and held.newest.end.seq > count:
                break
        whole_s = time.perf_counter() - start
        bytes_in = sum(peer.bytes_in for peer in await node.peers())
    return {"newest_s": newest_s or whole_s, "whole_s": whole_s, "bytes_in": bytes_in}


def weigh(home: Home) -> dict[str, float]:
    """What it took: bytes on the disk, and memory at the highest."""
    with LocalNode.open(home) as local:
        local.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        stored = home.database.stat().st_size
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {"stored": stored, "peak_mb": int(status.split("VmHWM:")[1].split()[0]) / 1024}


def main() -> None:
    """Run as the benchmarks call it."""
    path, state, address, account, count = sys.argv[1:]
    home = Home(Path(path), Path(state))
    found = trio.run(receive, home, address, AccountId(bytes.fromhex(account)), int(count))
    print(json.dumps(found | weigh(home)))


if __name__ == "__main__":
    main()
