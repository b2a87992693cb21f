"""Where a node does its blocking work: the store's, and the checking of signatures."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

T = TypeVar("T")


class Offload(Protocol):
    """Runs blocking work for a trio task, one piece at a time under each limiter.

    A cancellation waits until the work is done, so that nothing is half done. A program with a pool of threads of its
    own hands one in; so does one that runs many nodes on one thread, by trio's mock clock, which can't see threads.
    """

    async def __call__(self, work: Callable[[], T], limiter: trio.CapacityLimiter) -> T:
        """Run it and give what it returns, or raise what it raises."""


async def on_thread(work: Callable[[], T], limiter: trio.CapacityLimiter) -> T:
    """Run it on one of trio's threads."""
    return await trio.to_thread.run_sync(work, limiter=limiter)
