"""Which address to dial when: a pure plan. Source: protocol/discovery.md, "Known addresses" and "Back-off"."""

from collections import deque
from dataclasses import dataclass, field
from math import inf
from random import Random

from ..limits import ANNOUNCED_MAX, BACKOFF_FIRST_S, BACKOFF_MAX_S, DIALS_PER_MINUTE_MAX

_MINUTE_S = 60.0


@dataclass(slots=True)
class _Place:
    known: bool
    due: float  # inf while it is in hand
    wait_s: float = 0.0  # before the next try, without jitter; 0: the last one went well, or there was none
    last_dial: float = field(default=-inf)


class DialPlan:
    """The addresses that a node may dial, and their turn.

    Known addresses (named by a person, in an invite, met before) stay until they are forgotten. Announced ones are a
    stranger's word: there is room for a few, they never take the place of a known one and no more than every second
    turn, and each is dialled once a minute at most. All dials together keep to a number a minute.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng  # for the jitter, so that two nodes that lost each other do not dial in step
        self._places: dict[str, _Place] = {}
        self._announced = 0  # how many of them are not known
        self._dials: deque[float] = deque(maxlen=DIALS_PER_MINUTE_MAX)
        self._last_was_known = False

    def __contains__(self, address: str) -> bool:
        return address in self._places

    def __len__(self) -> int:
        return len(self._places)

    def know(self, address: str, now: float) -> None:
        """Keep an address; a new one is due at once."""
        place = self._places.get(address)
        if place is None:
            self._places[address] = _Place(known=True, due=now)
        elif not place.known:
            place.known = True
            self._announced -= 1

    def announce(self, address: str, now: float) -> None:
        """Somebody says that a node is there: a hint, and for an address that waits, a reason to wait no longer."""
        place = self._places.get(address)
        if place is not None:
            if place.due != inf:
                place.due = min(place.due, max(now, place.last_dial + _MINUTE_S))
        elif self._announced < ANNOUNCED_MAX or self._drop_failed():
            self._places[address] = _Place(known=False, due=now)
            self._announced += 1

    def take(self, now: float) -> str | None:
        """The address to dial now, or None: the one that is due for longest, of known and announced ones by turns.

        It is in hand, and not given again, until `settle` or `forget`. An address that led to a peer with whom there is
        a session already stays in hand as long as that session.
        """
        if len(self._dials) == DIALS_PER_MINUTE_MAX and now < self._dials[0] + _MINUTE_S:
            return None
        due = [
            (place.known == self._last_was_known, place.due, address)
            for address, place in self._places.items()
            if place.due <= now
        ]
        if not due:
            return None
        address = min(due)[2]
        self._dials.append(now)
        place = self._places[address]
        place.due, place.last_dial = inf, now
        self._last_was_known = place.known
        return address

    def next_timeout(self) -> float | None:
        """When `take` may give an address next, if nothing else happens; None: not before something does."""
        first = min((place.due for place in self._places.values()), default=inf)
        if first == inf:
            return None
        return max(first, self._dials[0] + _MINUTE_S) if len(self._dials) == DIALS_PER_MINUTE_MAX else first

    def settle(self, address: str, now: float, *, met: bool) -> None:
        """What came of the address in hand; it may be dialled again after a while.

        Args:
            met: a node was there, and the session with it is over. Otherwise the dial failed, and the wait doubles.
        """
        place = self._places.get(address)
        if place is None:
            return
        if met:
            place.wait_s = 0.0
        else:
            place.wait_s = min(BACKOFF_MAX_S, 2 * place.wait_s or BACKOFF_FIRST_S)
        wait_s = (place.wait_s or BACKOFF_FIRST_S) * self._rng.uniform(0.5, 1.0)
        place.due = now + wait_s
        if not place.known:
            place.due = max(place.due, place.last_dial + _MINUTE_S)

    def hurry(self, now: float) -> None:
        """Another network, or awake again: the known addresses begin anew, soon and not all at the same moment."""
        for place in self._places.values():
            if place.known and place.due != inf:
                place.wait_s = 0.0
                place.due = min(place.due, now + BACKOFF_FIRST_S * self._rng.random())

    def forget(self, address: str) -> None:
        """Never dial it again: it is this node's own, or a person removed it."""
        place = self._places.pop(address, None)
        if place is not None and not place.known:
            self._announced -= 1

    def _drop_failed(self) -> bool:
        """Make room by the announced address that has failed most, if one has."""
        failed = [(p.wait_s, a) for a, p in self._places.items() if not p.known and p.due != inf and p.wait_s]
        if failed:
            self.forget(max(failed)[1])
        return bool(failed)
