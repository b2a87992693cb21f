"""Whether the time that opening takes tells "not for me" from "damaged" (threat P4): a soak, since it needs many opens.

    python -m tests.bench.timing_seal [OPENS]      # 20,000; on a machine that does nothing else

Before each opening an entry of each sort is made, in random order, and one of a random sort opened: what the making
of a sort leaves in the caches would tell it. Then one of a random sort is opened, and the times are compared by the
test of Kolmogorov and Smirnov. The exit status is 1 where one pair can be told apart (p ≤ 0.01, for all pairs
together); some 3 µs of the 400 that an entry of four slots takes are enough.
"""

import gc
import sys
import time
from collections.abc import Callable
from itertools import combinations
from random import Random

from p2pmicro import keys
from p2pmicro.feed.content import Content
from p2pmicro.feed.seal import Keyring, open_sealed, sealed
from p2pmicro.ids import AccountId, FeedId
from tests.chance import same_distribution_p, smallest_of
from tests.made import flipped, private_key, secret

ADA, FEED = AccountId(private_key("ada").public), FeedId(private_key("feed").public)
READER, REPLY = keys.load_box_private(secret("reader")), secret("reply key")
MINE, OTHER = READER.public_key().public_bytes_raw(), keys.device_public(secret("other"))


def main() -> None:
    """Open, compare and print."""
    opens = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rng = Random(1)
    sorts: dict[str, Callable[[], Content]] = {
        "not for me": lambda: _seal(rng, OTHER),
        "body damaged": lambda: _damaged(rng, _seal(rng, MINE)),
        "body damaged, found by tag": lambda: _damaged(rng, _seal(rng, OTHER, REPLY)),
    }
    keyring = Keyring([READER], [secret("newer"), REPLY])
    times: dict[str, list[float]] = {name: [] for name in sorts}
    gc.disable()
    for _ in range(opens):
        made = {name: sorts[name]() for name in rng.sample(list(sorts), len(sorts))}
        open_sealed(ADA, FEED, sorts[rng.choice(list(sorts))](), keyring)
        name = rng.choice(list(sorts))
        start = time.perf_counter_ns()
        opened = open_sealed(ADA, FEED, made[name], keyring)  # each once: where its bytes lie would tell it again
        times[name].append(time.perf_counter_ns() - start)
        assert opened is None
    chances = []
    for one, other in combinations(sorts, 2):
        chances.append(same_distribution_p(times[one], times[other]))
        print(f"{one:28} {other:28} p = {chances[-1]:.3f}")
    for name, taken in times.items():
        print(f"{name:28} median {sorted(taken)[len(taken) // 2] / 1000:.1f} µs of {len(taken):,}")
    if smallest_of(chances) <= 0.01:
        raise SystemExit("They can be told apart.")


def _seal(rng: Random, box: bytes, *tagged: bytes) -> Content:
    return sealed(ADA, FEED, "post", {"text": "for some"}, [box], tagged, rng.randbytes)


def _damaged(rng: Random, content: Content) -> Content:
    return content | {"body": flipped(content["body"], rng.randrange(len(content["body"]) * 8))}


if __name__ == "__main__":
    main()
