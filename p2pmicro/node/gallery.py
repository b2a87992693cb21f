"""Pictures between this node and its peers: asked of one at a time, and given. Source: protocol/sync.md, "Media"."""

import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ..ids import FeedId
from ..limits import (
    MEDIA_LACKED_MAX,
    MEDIA_OUTSTANDING_MAX,
    WANT_OUTSTANDING_MAX_BYTES,
)
from ..store import media
from ..store.db import read_transaction
from ..store.media import MediaFolder
from ..sync.message import Media, WantMedia
from .inbound import Inbound, PictureTaken
from .switchboard import Switchboard
from .talk import Job, Talk

_PLAN = 64  # wishes looked up at once
_LOOK_AGAIN_S = 60.0  # after nothing was found; news are looked for at once
_ASK_AGAIN_S = 60.0  # who lacked a picture may have fetched it meanwhile; doubled each time
_ASK_AGAIN_MAX_S = 3600.0
_LACKED_AGAIN_S = 30.0  # of those that may lack in a session, one more after each
_NOT_HELD_BYTES = 128  # what a hash that is not held costs who asks for it


@dataclass(slots=True)
class _Asked:
    """What a peer is asked for while its session lasts."""

    open: dict[bytes, int] = field(default_factory=dict)  # not yet come, or not yet stored: hash to size as named
    plan: deque[tuple[bytes, int]] = field(default_factory=deque)  # to be asked for next
    lacked: dict[bytes, tuple[float, float]] = field(default_factory=dict)  # when again; how long it waited
    lacked_count: int = 0
    since: float = 0.0  # when the session began
    looking: bool = False
    look_at: float = 0.0  # before that there is nothing to look for
    looked_at_all: bool = False  # the last time; otherwise only at what people chose


class Gallery:
    """Fetches what is wanted, and gives what is here.

    Args:
        board: the sessions.
        folder: the files; without one nothing is asked for, and nothing given.
        now: seconds, monotonic.
        others_first: whether entries are being fetched: pictures that nobody waits for come after them.
    """

    def __init__(
        self,
        board: Switchboard,
        folder: MediaFolder | None,
        now: Callable[[], float],
        others_first: Callable[[], bool],
    ) -> None:
        self._board = board
        self._folder = folder
        self._now = now
        self._others_first = others_first
        self._asked: dict[FeedId, _Asked] = {}
        self._in_flight: set[bytes] = set()  # asked of any peer: of one at a time

    # --- Asking ---

    def wake(self) -> None:
        """Something may be wanted that was not before, or was chosen: plans are made anew."""
        for asked in self._asked.values():
            asked.look_at = 0.0
            asked.plan.clear()

    def ready(self, talk: Talk) -> None:
        """A peer has said what it holds: what is fetched of it is known, and pictures may be asked for after that."""
        if talk.feed is not None and self._folder is not None:
            self._asked.setdefault(talk.feed, _Asked(since=self._now()))

    def tick(self) -> None:
        """Ask every peer; called each second, and when somebody waits."""
        for talk in self._board.talks.values():
            self._ask(talk)

    def peer_left(self, peer: FeedId) -> None:
        """A session ended: what it was asked for is asked of others."""
        asked = self._asked.pop(peer, None)
        if asked is not None:
            self._in_flight.difference_update(asked.open)

    def _ask(self, talk: Talk) -> None:
        asked = None if talk.feed is None else self._asked.get(talk.feed)
        if asked is None or not talk.is_open:
            return
        now = self._now()
        names = []
        while asked.plan and self._has_room(asked, asked.plan[0][1]):
            name, size = asked.plan.popleft()
            if name not in self._in_flight and asked.lacked.get(name, (0.0, 0.0))[0] <= now:
                names.append(name)
                asked.open[name] = size
                self._in_flight.add(name)
        if names:
            self._board.send(talk, WantMedia(names))
        elif not asked.plan and not asked.looking:
            self._look(talk, asked, now)

    @staticmethod
    def _has_room(asked: _Asked, size: int) -> bool:
        waiting = sum(asked.open.values())
        return not asked.open or (
            len(asked.open) < MEDIA_OUTSTANDING_MAX and waiting + size <= WANT_OUTSTANDING_MAX_BYTES
        )

    def _look(self, talk: Talk, asked: _Asked, now: float) -> None:
        """Look up what is wanted, unless that was in vain a moment ago."""
        patience = MEDIA_LACKED_MAX + (now - asked.since) // _LACKED_AGAIN_S
        look_at_all = asked.lacked_count < patience and not self._others_first()
        if now < asked.look_at and (asked.looked_at_all or not look_at_all):
            return
        asked.looking, asked.looked_at_all = True, look_at_all
        left_out = {name for name, (again_at, _) in asked.lacked.items() if again_at > now} | self._in_flight

        def run(connection: sqlite3.Connection) -> list[tuple[bytes, int]]:
            with read_transaction(connection):
                return media.wanted(connection, talk.account, left_out, _PLAN, chosen=not look_at_all)

        def found(wishes: list[tuple[bytes, int]]) -> None:
            asked.looking = False
            asked.plan.extend(wishes)
            if wishes:
                self._ask(talk)
            else:
                asked.look_at = self._now() + _LOOK_AGAIN_S

        self._board.do(talk, Job(run, found))

    def on_media(self, talk: Talk, message: Media) -> None:
        """Take a picture, or that the peer lacks it; whether it is the one is checked on its way to the store."""
        assert talk.feed is not None
        asked = self._asked.get(talk.feed)
        if message.data is None and asked is not None:
            asked.open.pop(message.name, None)
            self._in_flight.discard(message.name)
            waited_s = min(2 * asked.lacked.get(message.name, (0.0, _ASK_AGAIN_S / 2))[1], _ASK_AGAIN_MAX_S)
            asked.lacked[message.name] = (self._now() + waited_s, waited_s)
            asked.lacked_count += 1
            for other in self._asked.values():
                other.look_at = 0.0  # it is their turn
        self._board.put(Inbound(talk, message))
        if message.data is None:
            self.tick()

    def taken(self, result: PictureTaken) -> None:
        """A picture that came is stored, or was not worth it."""
        self._in_flight.discard(result.name)
        talk = result.talk
        asked = None if talk.feed is None else self._asked.get(talk.feed)
        if asked is not None and self._board.talks.get(talk.feed or FeedId(b"")) is talk:
            asked.open.pop(result.name, None)
            asked.lacked.pop(result.name, None)
            self._ask(talk)

    # --- Giving ---

    def serve_job(self, talk: Talk, name: bytes) -> Job:
        """Answer for one picture: whoever knows its hash may have it."""
        folder = self._folder

        def run(connection: sqlite3.Connection) -> tuple[bytes | None, int]:
            with read_transaction(connection):
                here = media.here(connection, [name])
                held = sum(media.stored_bytes(connection))
            return folder.load(name) if here and folder is not None else None, held

        def send(found: tuple[bytes | None, int]) -> None:
            data, held = found
            talk.given_media_bytes += _NOT_HELD_BYTES if data is None else len(data)
            if not self._board.is_over(talk, talk.given_media_bytes, held):
                self._board.send(talk, Media(name, data))

        return Job(run, send)
