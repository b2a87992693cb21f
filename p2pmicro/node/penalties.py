"""Peers that sent what is refused wait before they are heard again, longer each time. Source: threats G3."""

from ..ids import FeedId
from ..limits import BACKOFF_MAX_S, PENALTIES_MAX, PENALTY_FIRST_S


class Penalties:
    """How long each peer is out; kept while the node runs, over reconnects."""

    def __init__(self) -> None:
        self._out: dict[FeedId, tuple[float, float]] = {}  # how long it waited last, until when; oldest first

    def is_out(self, peer: FeedId, now: float) -> bool:
        """Whether a peer has still to wait."""
        return peer in self._out and now < self._out[peer][1]

    def strike(self, peer: FeedId, now: float) -> None:
        """A peer did it (again); of many peers, those are forgotten that did so longest ago."""
        wait_s = min(BACKOFF_MAX_S, 2 * self._out.pop(peer, (PENALTY_FIRST_S / 2, 0.0))[0])
        self._out[peer] = (wait_s, now + wait_s)
        if len(self._out) > PENALTIES_MAX:
            del self._out[next(iter(self._out))]
