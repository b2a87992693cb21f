"""One conversation, sans I/O: bytes and `now` in, messages and bytes out.

The owner feeds `receive_data`, takes messages from `next_event`, wants from `next_want` and asks from `next_ask`,
answers with `send`, writes what `data_to_send` gives, tells `sent`, and calls `handle_timeout` at `next_timeout`.
Whatever the peer does wrong ends as a RemoteError out of `receive_data`, `next_event` or `handle_timeout`; the owner
then calls `close` and hangs up.
Source: protocol/sync.md.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from ..errors import LimitError, MessageError, StateError
from ..limits import (
    ASK_QUEUE_MAX,
    FRAME_MAX_BYTES,
    HANDSHAKE_TIMEOUT_S,
    HELLO_MAX_BYTES,
    INTEREST_MAX_STRANGER,
    MEDIA_QUEUE_MAX,
    PING_AFTER_S,
    STALL_TIMEOUT_S,
    UNSENT_MAX_BYTES,
    WANT_QUEUE_MAX,
)
from .coding import decode_message_untrusted, encode_message
from .frame import FrameReader, frame
from .message import (
    CLOSE_TEXT_MAX_CHARS,
    Ask,
    AskIds,
    Asks,
    Close,
    ExcerptGiven,
    Gone,
    Hello,
    Ids,
    Interest,
    Media,
    Message,
    Ping,
    Pong,
    RangeGiven,
    Want,
    WantMedia,
    Wants,
    check_hello,
)
from .state import TABLE, State

_ANSWERS: Mapping[type[Message], tuple[type, ...]] = {RangeGiven: (Want,), ExcerptGiven: (Ask,), Gone: (Want, Ask)}
"""What each answer may answer."""


class Session:
    """One side of one conversation.

    Args:
        initiator: whether this side dialled.
        certificates: the initiator's and the responder's, DER: a hello counts between these two alone.
        now: seconds, monotonic.
    """

    def __init__(self, initiator: bool, certificates: tuple[bytes, bytes], now: float) -> None:
        self.initiator = initiator
        self.certificates = certificates
        self.state = State.AWAIT_HELLO
        self.interest_kept_max = INTEREST_MAX_STRANGER  # elements; the owner raises it for a known peer
        self.bytes_in = 0
        self.bytes_out = 0
        self._reader = FrameReader(HELLO_MAX_BYTES)
        self._frames: deque[bytes] = deque()  # not yet sent
        self._unsent = 0
        self._wants: deque[Want] = deque()  # the peer's, in order
        self._asks: deque[Ask] = deque()  # and what it asks for by ref
        self._asked: dict[int, Want | Ask] = {}  # ours, not yet answered
        self._asked_ids: deque[AskIds] = deque()
        self._media_wants: deque[bytes] = deque()  # hashes of pictures that the peer asks for, in order
        self._asked_media: set[bytes] = set()  # and that we do
        self._pinged = False
        self._pong_waits = False  # an answer to a ping is not yet sent
        self._interest: Interest | None = None  # what has come of one that is not whole
        self._started_at = now
        self._heard_at = now  # bytes came
        self._answered_at = now  # something awaited came, or began to be awaited
        self._drained_at = now  # bytes left, or began to wait
        self._said_hello = False

    # --- In ---

    def receive_data(self, data: bytes | bytearray, now: float) -> None:
        """Take bytes from the peer; then ask `next_event` until it gives None."""
        if self.state is State.CLOSED:
            return
        self._heard_at = now
        self.bytes_in += len(data)
        self._reader.feed(data, now)

    def next_event(self, now: float) -> Message | None:
        """The next whole message that concerns the owner, or None.

        Raises:
            RemoteError: the peer broke the protocol.
        """
        while self.state is not State.CLOSED:
            body = self._reader.next_frame(now)
            if body is None:
                return None
            message = decode_message_untrusted(body)
            self._move(message)
            event = self._take(message, now)
            if event is not None:
                return event
        return None

    def _move(self, message: Message) -> None:
        after = TABLE[self.state].get(type(message))
        if after is None:
            raise StateError(f"A {type(message).__name__} has no place while this side is in {self.state.value!r}.")
        if self.state is State.AWAIT_INTEREST and isinstance(message, Interest) and not message.last:
            after = State.AWAIT_INTEREST
        self.state = after

    def _take(self, message: Message, now: float) -> Message | None:
        """What the session does with a message by itself; what is left for the owner."""
        match message:
            case Hello():
                check_hello(message, not self.initiator, self.certificates)
                self._reader.max_bytes = FRAME_MAX_BYTES
            case Interest():
                return self._join(message)
            case Wants():
                if len(self._wants) + len(message.items) > WANT_QUEUE_MAX:
                    raise LimitError(f"More than {WANT_QUEUE_MAX} wants wait for an answer.")
                self._wants.extend(message.items)
                return None if not message.items else message
            case Asks():
                if len(self._asks) + len(message.items) > ASK_QUEUE_MAX:
                    raise LimitError(f"More than {ASK_QUEUE_MAX} entries are asked for and wait for an answer.")
                self._asks.extend(message.items)
                return None if not message.items else message
            case RangeGiven() | Gone() | ExcerptGiven():
                if message.number is not None:
                    if not isinstance(self._asked.pop(message.number, None), _ANSWERS[type(message)]):
                        raise StateError("An answer came to a want or an ask that is not open.")
                    self._answered_at = now
            case Ids():
                if not self._asked_ids or self._asked_ids[0].feed != message.feed:
                    raise StateError("Ids came that nobody asked for.")
                asked = set(self._asked_ids.popleft().seqs)
                if not all(seq in asked for seq, _ in message.ids):
                    raise MessageError("Ids came of other entries than were asked for.")
                self._answered_at = now
            case WantMedia():
                if len(self._media_wants) + len(message.names) > MEDIA_QUEUE_MAX:
                    raise LimitError(f"More than {MEDIA_QUEUE_MAX} pictures wait to be sent.")
                self._media_wants.extend(message.names)
                return None if not message.names else message
            case Media():
                if message.name not in self._asked_media:
                    raise StateError("A picture came that nobody asked for.")
                self._asked_media.remove(message.name)
                self._answered_at = now
            case Ping():
                if not self._pong_waits:  # one answer does for many: whoever does not read it can't make it grow
                    self.send(Pong(), now)
                return None
            case Pong():
                self._pinged = False
                self._answered_at = now
                return None
            case _:
                pass
        return message

    def _join(self, part: Interest) -> Interest | None:
        """Put an interest together from its parts."""
        held = self._interest
        if held is not None:
            if (part.base, part.version, part.salt) != (held.base, held.version, held.salt):
                raise MessageError("The parts of an interest do not belong together.")
            added, removed = [*held.added, *part.added], [*held.removed, *part.removed]
            part = Interest(part.base, part.version, part.salt, added, removed, part.last)
        # Of a stranger's long interest the first elements are kept: it can't know that it is one.
        kept = self.interest_kept_max
        if len(part.added) > kept or len(part.removed) > kept:
            part = replace(part, added=part.added[:kept], removed=part.removed[:kept])
        self._interest = None if part.last else part
        return part if part.last else None

    def next_want(self) -> Want | None:
        """The peer's next want, as long as little is unsent: production stops at 256 KiB."""
        return self._wants.popleft() if self._wants and self._unsent < UNSENT_MAX_BYTES else None

    def next_ask(self) -> Ask | None:
        """The next entry that the peer asks for by its ref, as long as little is unsent."""
        return self._asks.popleft() if self._asks and self._unsent < UNSENT_MAX_BYTES else None

    def next_media_want(self) -> bytes | None:
        """The hash of the peer's next picture, as long as little is unsent."""
        return self._media_wants.popleft() if self._media_wants and self._unsent < UNSENT_MAX_BYTES else None

    @property
    def asked(self) -> int:
        """How many of our wants and asks are not yet answered."""
        return len(self._asked)

    # --- Out ---

    def send(self, message: Message, now: float) -> None:
        """Queue a message for the peer."""
        if self.state is State.CLOSED:
            return
        # W13: the initiator sends nothing that tells before the responder's hello has been checked.
        assert self._said_hello or isinstance(message, (Hello, Close)), "hello comes first"
        assert not self.initiator or self.state is not State.AWAIT_HELLO or isinstance(message, Close)
        if isinstance(message, Hello):
            self._said_hello = True
        elif isinstance(message, Pong):
            self._pong_waits = True
        elif isinstance(message, Wants):
            self._await(now)
            self._asked.update((want.number, want) for want in message.items)
        elif isinstance(message, Asks):
            self._await(now)
            self._asked.update((ask.number, ask) for ask in message.items)
        elif isinstance(message, AskIds):
            self._await(now)
            self._asked_ids.append(message)
        elif isinstance(message, WantMedia):
            assert self._asked_media.isdisjoint(message.names), "asked for once at a time"
            self._await(now)
            self._asked_media.update(message.names)
        if not self._unsent:
            self._drained_at = now
        data = frame(encode_message(message))
        self._frames.append(data)
        self._unsent += len(data)

    def _await(self, now: float) -> None:
        if not self._is_awaiting:
            self._answered_at = now

    @property
    def _is_awaiting(self) -> bool:
        return bool(self._asked or self._asked_ids or self._asked_media or self._pinged)

    def data_to_send(self) -> bytes:
        """All bytes that wait; the owner writes them and then calls `sent`."""
        self._pong_waits = False
        data = b"".join(self._frames)
        self._frames.clear()
        return data

    def sent(self, count: int, now: float) -> None:
        """Bytes have left."""
        self._unsent -= count
        self.bytes_out += count
        self._drained_at = now

    @property
    def unsent_bytes(self) -> int:
        """What waits to leave, in bytes."""
        return self._unsent

    def close(self, code: str, text: str, now: float) -> None:
        """Say why, and take nothing more. The initiator says nothing to a peer whose hello it has not checked."""
        if self.state is not State.CLOSED and not (self.initiator and not self._said_hello):
            self.send(Close(code, text[:CLOSE_TEXT_MAX_CHARS]), now)
        self.state = State.CLOSED

    # --- Time ---

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due, in the seconds of `now`."""
        if self.state is State.CLOSED:
            return None
        times = [self._heard_at + PING_AFTER_S] if not self._pinged and self.state is State.OPEN else []
        times.extend(at for at, _ in self._deadlines())
        frame_deadline = self._reader.deadline
        if frame_deadline is not None:
            times.append(frame_deadline)
        return min(times, default=None)

    def handle_timeout(self, now: float) -> None:
        """Ping a silent peer; end a session that makes no progress.

        Raises:
            LimitError: a deadline has passed.
        """
        if self.state is State.CLOSED:
            return
        self._reader.check_deadline(now)
        for at, what in self._deadlines():
            if now >= at:
                raise LimitError(what)
        if not self._pinged and self.state is State.OPEN and now >= self._heard_at + PING_AFTER_S:
            self._await(now)
            self._pinged = True
            self.send(Ping(), now)

    def excuse(self, pause_s: float) -> None:
        """For so many seconds this side did not read: the peer could not answer, and is not to blame."""
        self._reader.excuse(pause_s)
        self._started_at += pause_s
        self._heard_at += pause_s
        self._answered_at += pause_s

    def _deadlines(self) -> list[tuple[float, str]]:
        found = []
        if self.state is State.AWAIT_HELLO:
            found.append((self._started_at + HANDSHAKE_TIMEOUT_S, "No hello came in time."))
        elif self.state is not State.OPEN:
            found.append((self._heard_at + STALL_TIMEOUT_S, "The peer stopped before it said what it wants."))
        if self._is_awaiting:
            # A range under way counts as progress: its frame has a deadline of its own.
            since = max(self._answered_at, self._heard_at if self._reader.deadline is not None else 0.0)
            found.append((since + STALL_TIMEOUT_S, "The peer did not answer."))
        if self._unsent:
            found.append((self._drained_at + STALL_TIMEOUT_S, "The peer does not read what it is sent."))
        return found
