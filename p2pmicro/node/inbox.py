"""Conversations, as a person reads and marks them."""

from collections.abc import Sequence

from ..errors import LocalError
from ..store import private
from ..store.db import read_transaction, transaction
from ..views import CONVERSATIONS
from ..views.conversations import CONVERSATION_BYTES, Conversation, of_circle, of_people
from ..views.message import Message
from .circles import Circles


class Inbox(Circles):
    """What people wrote to some alone, this account among them."""

    def inbox(self, limit: int = 50) -> list[Conversation]:
        """Conversations, the one with the newest message first, each with how many of its messages are unread."""
        self.unseal()
        with read_transaction(self.connection):
            return CONVERSATIONS.inbox(self.connection, self.account, limit)

    def conversation(self, conversation: bytes, limit: int = 50) -> list[Message]:
        """The newest messages of a conversation, newest first; empty where there is none."""
        self.unseal()
        with read_transaction(self.connection):
            return CONVERSATIONS.messages(self.connection, conversation, limit)

    def find_conversation(self, names: Sequence[str]) -> bytes:
        """Which conversation is meant: one's circle by its name, people as they are named, or its id in hex.

        Raises:
            LocalError: nobody, or several, are meant.
        """
        if len(names) == 1:
            circle = self._find_circle(names[0])
            if circle is not None:
                return of_circle(self.account, circle.id)
            if len(names[0]) == 2 * CONVERSATION_BYTES:
                try:
                    return bytes.fromhex(names[0])
                except ValueError:
                    pass
        if not names:
            raise LocalError("Say whose conversation: people, or a circle, as `p2pmicro inbox` lists them.")
        return of_people([self.account, *map(self._other, names)])

    def mark_read(self, conversation: bytes) -> bool:
        """Mark all of a conversation as read, on each of one's devices; whether any of it was unread."""
        with read_transaction(self.connection):
            unread = CONVERSATIONS.unread(self.connection, self.account, conversation)
            newest = CONVERSATIONS.messages(self.connection, conversation, 1)
        if not unread or not newest:
            return False
        with transaction(self.connection):
            return private.put(self.connection, "read", conversation, newest[0].time_ms)

    def circle_name(self, conversation: Conversation) -> str | None:
        """What a conversation's circle is called, if it is one's own; None for others' circles and for none."""
        if conversation.circle is None or conversation.circle[0] != self.account:
            return None
        return next((circle.name for circle in self.circles() if circle.id == conversation.circle[1]), None)
