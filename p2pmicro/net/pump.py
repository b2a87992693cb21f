"""One stream <-> one session, nothing else."""

import logging
from collections.abc import Awaitable, Callable

import trio

from ..errors import RemoteError
from ..limits import UNSENT_MAX_BYTES
from ..sync.message import Message
from ..sync.session import Session
from ..sync.state import State

log = logging.getLogger(__name__)

READ_BYTES = 65_536
WRITE_BYTES = 65_536
_LAST_WORDS_TIMEOUT_S = 1.0


class Pump:
    """Moves bytes between a stream and a session until one of them ends.

    The owner calls `wake` after it has put something into the session, and waits with long answers until little is
    unsent (`drained`). Reading never waits for that: two sides that both have much to say would wait for each other.
    """

    def __init__(self, stream: trio.abc.Stream, session: Session) -> None:
        self._stream = stream
        self._session = session
        self._wanted = trio.Event()
        self._drained = trio.Event()
        self._busy_since: float | None = None  # while the owner takes a message

    def wake(self) -> None:
        """Something waits to be sent, or the session is closed."""
        self._wanted.set()

    async def drained(self) -> None:
        """Wait until little is unsent."""
        while self._session.unsent_bytes >= UNSENT_MAX_BYTES and self._session.state is not State.CLOSED:
            self._drained = trio.Event()
            await self._drained.wait()

    async def run(self, handle: Callable[[Message], Awaitable[None]]) -> None:
        """Pump until the session is closed or the stream ends, then close the stream.

        Args:
            handle: takes each message for the owner; what it raises of RemoteError closes the session with its code.

        A cancellation closes the stream without a last word.
        """
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, nursery.cancel_scope)
                nursery.start_soon(self._watch, nursery.cancel_scope)
                await self._read(handle)
                self._finish()
        finally:
            self._session.state = State.CLOSED
            self._drained.set()
            await trio.aclose_forcefully(self._stream)

    async def _read(self, handle: Callable[[Message], Awaitable[None]]) -> None:
        session = self._session
        try:
            while session.state is not State.CLOSED:
                data = await self._stream.receive_some(READ_BYTES)
                if not data:
                    return
                session.receive_data(data, trio.current_time())
                while (message := session.next_event(trio.current_time())) is not None:
                    await self._handle(handle, message)
                self.wake()
        except RemoteError as error:
            self._fail(error)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # a cable pulled is no fault of the peer's

    async def _handle(self, handle: Callable[[Message], Awaitable[None]], message: Message) -> None:
        """Let the owner take a message; if it is slow, the peer is not to blame for what is not read meanwhile."""
        self._busy_since = trio.current_time()
        try:
            await handle(message)
        finally:
            self._excuse()
            self._busy_since = None

    def _excuse(self) -> None:
        if self._busy_since is not None:
            now = trio.current_time()
            self._session.excuse(now - self._busy_since)
            self._busy_since = now

    async def _write(self, scope: trio.CancelScope) -> None:
        session = self._session
        try:
            while True:
                data = session.data_to_send()
                if data:
                    # Piece by piece: over a slow link a long range is minutes of progress, and no stall.
                    for at in range(0, len(data), WRITE_BYTES):
                        piece = data[at : at + WRITE_BYTES]
                        await self._stream.send_all(piece)
                        session.sent(len(piece), trio.current_time())
                        self._drained.set()
                elif session.state is State.CLOSED:
                    break
                else:
                    self._wanted = trio.Event()
                    await self._wanted.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()

    async def _watch(self, scope: trio.CancelScope) -> None:
        """Call the session when its time comes; hang up on a peer that does not take the last words."""
        session = self._session
        while session.state is not State.CLOSED:
            due = session.next_timeout()
            now = trio.current_time()
            # A deadline may come nearer without notice (a frame begins): look again after a second at the latest.
            await trio.sleep(max(0.0, min(1.0, 1.0 if due is None else due - now)))
            self._excuse()
            try:
                session.handle_timeout(trio.current_time())
            except RemoteError as error:
                self._fail(error)
            self.wake()
        await trio.sleep(_LAST_WORDS_TIMEOUT_S)
        scope.cancel()

    def _fail(self, error: RemoteError) -> None:
        log.info("session ends: %s: %s", error.code, error)
        self._session.close(error.code, str(error), trio.current_time())
        self._finish()

    def _finish(self) -> None:
        """Let the writer say the last words, for a moment."""
        self._session.state = State.CLOSED
        self.wake()
