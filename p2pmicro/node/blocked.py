"""What a block does to a running node: its sessions with blocked accounts end, and nothing of theirs is asked for.

A peer is told no reason: a block is nobody's business.
"""

import sqlite3
from collections.abc import Callable

from ..ids import AccountId, FeedId
from ..store.blocks import blocked_accounts, blocked_feeds, is_due, unblocked_count
from ..store.db import read_transaction
from ..sync.gossip import Gossip, Held
from .inbound import Inbound, Refresh
from .interests import Interests
from .switchboard import Switchboard
from .talk import Job, Talk

NO_PLACE = "All places are taken: try again later."
"""What a peer is told that is not let in."""


class Blocked:
    """Brings sessions in line with the blocks in force.

    Args:
        board: the sessions.
        gossip: the plan of fetching.
        interests: what was said to be wanted.
        ask_anew: has peers asked again for single entries.
        end: forgets a session that is over.
    """

    def __init__(
        self,
        board: Switchboard,
        gossip: Gossip,
        interests: Interests,
        ask_anew: Callable[[], None],
        end: Callable[[Talk], None],
    ) -> None:
        self._board = board
        self._gossip = gossip
        self._interests = interests
        self._ask_anew = ask_anew
        self._end = end
        self._lifted: int | None = None  # how often a block had been lifted when that was last looked at

    def job(self) -> Job:
        """Somebody may have been blocked, or be so no longer, here or by another process: leave them, or ask anew."""

        def run(connection: sqlite3.Connection) -> tuple[set[AccountId], list[FeedId], int, bool]:
            with read_transaction(connection):
                accounts = set(blocked_accounts(connection))
                return accounts, blocked_feeds(connection), unblocked_count(connection), is_due(connection)

        def apply(found: tuple[set[AccountId], list[FeedId], int, bool]) -> None:
            accounts, feeds, lifted, due = found
            if due:  # said on another device of this account's, and opened just now
                self._board.put(Inbound(None, Refresh()))
            for talk in list(self._board.talks.values()):
                if talk.account in accounts or talk.feed in feeds:
                    self._board.close(talk, "busy", NO_PLACE)
                    self._end(talk)
            for feed in feeds:
                self._gossip.changed(feed, Held(closed=True))
            # At the first look, sessions may have been open for a while: since then it counts for each of them.
            met_before = [
                talk
                for talk in self._board.talks.values()
                if (talk.lifted if self._lifted is None else self._lifted) != lifted
            ]
            for talk in met_before:
                self._interests.send(talk, None, whole=True)  # it answers with all that it has
            if met_before:
                self._ask_anew()
            self._lifted = lifted

        return Job(run, apply)
