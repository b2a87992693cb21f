"""What may come when: the states of a session and the table of what each takes. Source: protocol/sync.md, "States"."""

from collections.abc import Mapping
from enum import Enum

from .message import (
    AskIds,
    Asks,
    Close,
    ExcerptGiven,
    Gone,
    Have,
    Hello,
    Ids,
    Interest,
    Media,
    Message,
    Ping,
    Pong,
    RangeGiven,
    Resume,
    WantMedia,
    Wants,
)


class State(Enum):
    """What a session has heard from its peer."""

    AWAIT_HELLO = "await hello"
    """Nothing: only a small hello may come."""
    AWAIT_RESUME = "await resume"
    """Who it is."""
    AWAIT_INTEREST = "await interest"
    """Where it stands with us."""
    OPEN = "open"
    """What it wants to hear of."""
    CLOSED = "closed"
    """Its last word, or ours."""


TABLE: Mapping[State, Mapping[type[Message], State]] = {
    State.AWAIT_HELLO: {Hello: State.AWAIT_RESUME, Close: State.CLOSED},
    State.AWAIT_RESUME: {Resume: State.AWAIT_INTEREST, Close: State.CLOSED},
    # An interest with more to follow stays: session.py, `_move`.
    State.AWAIT_INTEREST: {
        Interest: State.OPEN,
        Ping: State.AWAIT_INTEREST,
        Pong: State.AWAIT_INTEREST,
        Close: State.CLOSED,
    },
    State.OPEN: {
        **dict.fromkeys((Interest, Have, Wants, RangeGiven, Gone, AskIds, Ids, Ping, Pong), State.OPEN),
        **dict.fromkeys((Asks, ExcerptGiven, WantMedia, Media), State.OPEN),
        Close: State.CLOSED,
    },
    State.CLOSED: {},
}
