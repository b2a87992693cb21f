"""Waiting for news."""

import trio


class Signal:
    """Set by whoever has news, waited for by one task."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def set(self) -> None:
        """There is news."""
        self._event.set()

    async def wait(self) -> None:
        """Wait for news, which is then known."""
        await self._event.wait()
        self._event = trio.Event()
