"""How fast the format is: `python -m tests.bench.bench_core`. The raw limit of the same work stands beside each figure.

Best of several rounds on one core, real messages, pages of 64 entries in ranges of 1,024.
"""

from collections.abc import Callable
from hashlib import sha256
from struct import Struct
from time import perf_counter

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from p2pmicro import keys
from p2pmicro.feed.chain import check_range, genesis, walk
from p2pmicro.feed.content import post, read, read_many, write
from tests.made import NOW_MS, MadeFeed
from tests.texts import message

COUNT = 1024
ROUNDS = 15


def best_us(work: Callable[[], object], entries: int) -> float:
    """The least microseconds an entry of several rounds."""
    least = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        least = min(least, perf_counter() - start)
    return least / entries * 1e6


def _raw_chain(before: bytes, payloads: list[bytes]) -> None:
    pack = Struct(">QI").pack
    link = before
    for seq, payload in enumerate(payloads, 1):
        link = sha256(link + pack(seq, len(payload)) + sha256(payload).digest()).digest()


def _raw_read(payloads: list[bytes]) -> None:
    for payload in payloads:
        cbor2.dumps(cbor2.loads(payload))


def _raw_read_joined(payloads: list[bytes]) -> None:
    values = cbor2.loads(b"\x99" + len(payloads).to_bytes(2) + b"".join(payloads))
    list(map(cbor2.dumps, values))  # dearer than on values that were written before: text keeps its UTF-8


def main() -> None:
    """Print a line a figure: ours, the raw limit, both in microseconds and a second."""
    feed = MadeFeed(COUNT)
    given = feed.range(1, COUNT)
    holes = feed.range(1, COUNT, holes=range(1, COUNT + 1))
    payloads = [write(NOW_MS + number, "post", post(message(number))) for number in range(COUNT)]
    head_message = b"p2pmicro head 1" + feed.feed + bytes(8) + feed.links[1].id
    signature = feed.key.sign(head_message)
    public = Ed25519PublicKey.from_public_bytes(feed.feed)
    start = genesis(feed.feed)

    def checks() -> None:
        for _ in range(100):
            keys.verify(feed.feed, head_message, signature)

    def raw_checks() -> None:
        for _ in range(100):
            public.verify(signature, head_message)

    check_us = best_us(raw_checks, 100)
    chain_us = best_us(lambda: _raw_chain(start.id, feed.payloads), COUNT)
    read_us = best_us(lambda: _raw_read(payloads), COUNT)
    lines = (
        ("chain step", best_us(lambda: walk(start, feed.payloads), COUNT), chain_us),
        ("signature check", best_us(checks, 100), check_us),
        ("check_range, payloads", best_us(lambda: check_range(given), COUNT), chain_us + check_us / 64),
        ("check_range, holes", best_us(lambda: check_range(holes), COUNT), chain_us + check_us / 64),
        ("read, one by one", best_us(lambda: [read(payload) for payload in payloads], COUNT), read_us),
        ("read_many", best_us(lambda: read_many(payloads), COUNT), best_us(lambda: _raw_read_joined(payloads), COUNT)),
        ("write", best_us(lambda: [write(NOW_MS, "post", post("hello")) for _ in range(COUNT)], COUNT), read_us),
    )
    size = sum(map(len, payloads)) / COUNT
    print(f"{COUNT} payloads of {size:.0f} bytes on average, best of {ROUNDS} rounds\n")
    print(f"{'':24}{'µs an entry':>14}{'a second':>14}{'raw µs':>10}")
    for name, ours_us, raw_us in lines:
        print(f"{name:24}{ours_us:14.2f}{1e6 / ours_us:14,.0f}{raw_us:10.2f}")


if __name__ == "__main__":
    main()
