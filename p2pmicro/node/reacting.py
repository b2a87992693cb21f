"""What a person does with others' messages: passes them on, likes them, keeps them for later."""

import sqlite3

from ..feed import content
from ..ids import EntryId, FeedId, Ref
from ..store import private
from ..store.db import read_transaction, transaction
from ..views import REACTIONS
from ..views.held import keys_of
from ..views.message import Message, visible
from ..views.reactions import Reaction
from .circles import Entries
from .messages import Messages
from .reading import GivenRef

_ALL = 10_000  # bookmarks that are looked at


class Reacting(Messages):
    """Reposts, likes and bookmarks."""

    def repost(self, ref: GivenRef) -> Ref | None:
        """Pass a message on to those who follow this account, under its author's name; None if that is so already.

        Raises:
            LocalError: it is not here, or not public; nothing was written.
        """
        return self._react(Reaction.REPOST, ref, True)

    def unrepost(self, ref: GivenRef) -> Ref | None:
        """Pass a message on no longer; None if one does not."""
        return self._react(Reaction.REPOST, ref, False)

    def like(self, ref: GivenRef) -> Ref | None:
        """Like a message: whoever can read it can see that; None if one does already.

        Raises:
            LocalError: it is not here; nothing was written.
        """
        return self._react(Reaction.LIKE, ref, True)

    def unlike(self, ref: GivenRef) -> Ref | None:
        """Like a message no longer; None if one does not."""
        return self._react(Reaction.LIKE, ref, False)

    def _react(self, kind: Reaction, given: GivenRef, on: bool) -> Ref | None:
        def make(connection: sqlite3.Connection) -> Entries:
            message = None
            if on or not isinstance(given, Ref):  # what is gone by now can still be taken back, by who knows its ref
                message = self._find(connection, given)
            if message is not None and kind is Reaction.REPOST:
                message = self._public(connection, given, "passed on")
            ref = given if message is None else message.ref
            assert isinstance(ref, Ref)
            state, rev = REACTIONS.state(connection, self.account, kind, ref)
            if state is on:
                return []
            fields = content.reaction(ref, rev, on)
            if message is not None and message.sealed:
                return [self._sealed_answer(connection, message.root or message.ref, kind.name.lower(), fields)]
            return [(kind.name.lower(), fields)]

        refs = self.append(make)
        return refs[0] if refs else None

    # --- Bookmarks: private ---

    def bookmark(self, ref: GivenRef) -> bool:
        """Keep a message for later; nobody else learns of it. Whether that is new.

        Raises:
            LocalError: it is not here.
        """
        with transaction(self.connection):
            found = self._find(self.connection, ref).ref
            return private.put(self.connection, "bookmark", _item(found.feed, found.seq), found.id)

    def remove_bookmark(self, ref: GivenRef) -> bool:
        """Keep it no longer; whether it was kept."""
        with transaction(self.connection):
            return private.put(self.connection, "bookmark", _item(*self._place(self.connection, ref)), None)

    def bookmarks(self, limit: int = 50) -> tuple[list[Message], int]:
        """What one keeps, the newest messages first, and how many of all are not here."""
        with read_transaction(self.connection):
            refs = [
                Ref(FeedId(item[:32]), int.from_bytes(item[32:]), EntryId(value))
                for item, value in private.items(self.connection, "bookmark").items()
                if isinstance(value, bytes)
            ]
            keys = keys_of(self.connection, refs)
            found = [
                message
                for message in visible(self.connection, keys.values(), _ALL)
                if message.ref in keys and message.relay is None
            ]
        newest = sorted(found, key=lambda message: message.place, reverse=True)
        return newest[:limit], len(refs) - len(found)


def _item(feed: FeedId, seq: int) -> bytes:
    return feed + seq.to_bytes(4)
