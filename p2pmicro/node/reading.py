"""What a person reads: lists of messages, one message, and what became of it."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ..errors import LocalError
from ..ids import AccountId, FeedId, Ref, ends_with, format_ref, parse_ref, parse_short_ref
from ..store.db import read_transaction
from ..store.feeds import feed_state
from ..store.sealed import is_closed
from ..views import REACTIONS, THREADS, TIMELINE
from ..views.filter import Filter
from ..views.held import ids_of, is_deleted, named_at
from ..views.message import Message, find
from ..views.pins import pinned
from ..views.reactions import Reacted
from ..views.tree import Thread
from .inbox import Inbox

GivenRef: TypeAlias = Ref | str
"""A ref, or its text: `z6Mk…/12`, or with the last letters of the feed alone (`…abcdefgh/12`)."""


class Reading(Inbox):
    """Messages that are held here."""

    def timeline(self, limit: int = 50, before: tuple[int, int] | None = None) -> list[Message]:
        """The newest messages that oneself and those one follows wrote or passed on.

        Args:
            before: for the next page, the last `Message.place` shown.
        """
        with read_transaction(self.connection):
            return TIMELINE.home(self.connection, limit, before)

    def page(self, account: AccountId | str, limit: int = 50, before: Mapping[int, int] | None = None) -> list[Message]:
        """What one person wrote and passed on, newest first; what they pinned above it.

        Args:
            account: whose, also by name.
            before: for the next page, `views.timeline.page_end` of all shown so far; without what is pinned.
        Raises:
            LocalError: nobody, or several, are meant.
        """
        whose = self._account(account)
        with read_transaction(self.connection):
            first = pinned(self.connection, whose)[:limit] if before is None else []
            at_top = {message.ref for message in first}
            rest = TIMELINE.page(self.connection, whose, limit, before)
            return first + [message for message in rest if message.ref not in at_top][: limit - len(first)]

    def message(self, feed: FeedId, seq: int) -> Message | None:
        """One message; None if it is not held or not shown. A repost gives what it passes on."""
        with read_transaction(self.connection):
            return TIMELINE.message(self.connection, feed, seq)

    def find_message(self, ref: GivenRef) -> Message:
        """One message by its ref.

        Raises:
            LocalError: no ref, one that fits several feeds, or nothing that can be shown; the sentence says why.
        """
        with read_transaction(self.connection):
            return self._find(self.connection, ref)

    def find_ref(self, text: str) -> Ref:
        """The ref of a message that is here, by its text form, also a short one.

        Raises:
            LocalError: as `find_message`.
        """
        return self.find_message(text).ref

    def thread(self, ref: GivenRef) -> Thread:
        """The whole conversation around a message, with what of it is not here.

        Of a message that is not here itself, deleted or never fetched, it is shown by what answers it.

        Raises:
            LocalError: as `find_message`, and nothing here answers it.
        """
        with read_transaction(self.connection):
            try:
                message = self._find(self.connection, ref)
            except LocalError:
                named = ref if isinstance(ref, Ref) else named_at(self.connection, *place_of(self.connection, ref))
                around = None if named is None else THREADS.around(self.connection, named)
                if around is None:
                    raise
                return around
            return THREADS.thread(self.connection, message)

    def reacted(self, ref: GivenRef) -> Reacted:
        """Who likes a message and who has passed it on, as far as this node knows.

        Raises:
            LocalError: as `find_message`.
        """
        with read_transaction(self.connection):
            return REACTIONS.who(self.connection, self._find(self.connection, ref).ref)

    def originals(self, refs: Iterable[Ref]) -> dict[Ref, Message]:
        """Messages that others quote or answer, as far as they are here and to be seen."""
        with read_transaction(self.connection):
            found = find(self.connection, refs)
            shown = {message.ref for message in Filter.read(self.connection).shown(list(found.values()))}
        return {ref: message for ref, message in found.items() if message.ref in shown}

    # --- What is meant ---

    def _place(self, connection: sqlite3.Connection, given: GivenRef) -> tuple[FeedId, int]:
        return (given.feed, given.seq) if isinstance(given, Ref) else place_of(connection, given)

    def _find(self, connection: sqlite3.Connection, given: GivenRef) -> Message:
        place = self._place(connection, given)
        if isinstance(given, Ref):
            message = find(connection, [given]).get(given)
        else:
            message = TIMELINE.message(connection, *place)
        if message is None:
            raise LocalError(_why_absent(connection, *place))
        return message

    def _public(self, connection: sqlite3.Connection, given: GivenRef, done: str) -> Message:
        """A message that everybody may be pointed to."""
        message = self._find(connection, given)
        if message.sealed:
            raise LocalError(f"This message is for some only: it can't be {done}.")
        return message


def place_of(connection: sqlite3.Connection, text: str) -> tuple[FeedId, int]:
    """The feed and seq that a text names.

    Raises:
        LocalError: no ref, or one that fits no feed here or several.
    """
    short = parse_short_ref(text)
    if short is None:
        return parse_ref(text)
    ending, seq = short
    feeds = [FeedId(feed) for (feed,) in connection.execute("SELECT feed FROM feeds") if ends_with(feed, ending)]
    if not feeds:
        raise LocalError(f"No feed here ends with {ending}: take the ref as `p2pmicro timeline` shows it.")
    if len(feeds) > 1:
        refs = " or ".join(format_ref(feed, seq) for feed in feeds[:3])
        raise LocalError(f"Several feeds here end with {ending}: write more of its letters, as in {refs}.")
    return feeds[0], seq


def _why_absent(connection: sqlite3.Connection, feed: FeedId, seq: int) -> str:
    """Why there is no message to show, in a sentence."""
    state = feed_state(connection, feed)
    if state is None:
        return "This message is not here: nothing of its author's feed is held."
    key = state.key(seq)
    row = connection.execute("SELECT payload IS NOT NULL FROM entries WHERE key = ?", (key,)).fetchone()
    entry_id = ids_of(connection, [key]).get(key)
    if entry_id is not None and is_deleted(connection, Ref(feed, seq, entry_id)):
        return "This message is not here: its author has deleted it."
    if is_closed(connection, feed, seq):
        return "This is sealed for others: that something was written is all that can be seen."
    if row is not None and row[0]:
        return "This entry is not here as a message: it says something else, or what it passes on is not held."
    return "This message is not here: it was not fetched yet, or is hidden since its feed is forked."
