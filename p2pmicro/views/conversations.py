"""Conversations: what people wrote to some alone, gathered by who takes part.

A message that begins a thread says whom it is to, or of which circle of its author's it is; its answers go where it
went. Threads of the same people are one conversation; so are those of one circle. An answer may come before what began
its thread: it is kept by the thread, and belongs to a conversation once that is here.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ..ids import AccountId
from ..store import private
from ..store.view import Row
from .filter import Filter
from .held import account_of_key, ids_of, target_of
from .message import Message, load, visible

CONVERSATION_BYTES = 16
_UNREAD_MAX = 1000  # counted up to here: whoever has left so many looks at the newest
_NEWEST_MAX = 100_000
"""Messages of one conversation that are looked at: more than anybody scrolls through."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Some people, or a circle, and what they said to one another."""

    id: bytes  # 16 bytes, the same on each of one's devices
    people: tuple[AccountId, ...]  # who takes part, as far as it is said; oneself left out
    circle: tuple[AccountId, bytes] | None  # whose circle, and its 16 bytes; None: among the people named
    newest: Message
    unread: int


class Conversations:
    """Sealed messages by thread and conversation."""

    # --- As a view ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take in sealed messages that were opened."""
        for row, root in _talks(connection, rows):
            connection.execute(
                "INSERT OR IGNORE INTO talks (root, time_ms, key) VALUES (?, ?, ?)", (root, row.time_ms, row.key)
            )
            if "reply" not in row.entry.content:
                connection.execute(
                    "INSERT OR IGNORE INTO talk_roots (root, conversation, key) VALUES (?, ?, ?)",
                    (root, _conversation_of(connection, row, root), row.key),
                )

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take messages out; what is left of a thread whose beginning is gone is a conversation by itself."""
        for row, root in _talks(connection, rows):
            connection.execute(
                "DELETE FROM talks WHERE root = ? AND time_ms = ? AND key = ?", (root, row.time_ms, row.key)
            )
            if "reply" not in row.entry.content:
                connection.execute("DELETE FROM talk_roots WHERE root = ?", (root,))

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        for table in ("talks", "talk_roots"):
            connection.execute(f"DELETE FROM {table}")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Nothing to do: whoever can be read is shown."""

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: no text is kept here."""

    # --- Queries ---

    def inbox(self, connection: sqlite3.Connection, own: AccountId, limit: int) -> list[Conversation]:
        """Conversations, the one with the newest message first; what is muted or blocked is in none."""
        hidden = Filter.read(connection)
        newest: dict[bytes, Message] = {}
        for conversation, key in connection.execute(
            "SELECT coalesce(r.conversation, t.root), t.key FROM talks t"
            " LEFT JOIN talk_roots r ON r.root = t.root ORDER BY t.time_ms DESC, t.key DESC LIMIT ?",
            (_NEWEST_MAX,),
        ):
            if conversation not in newest and not hidden.hides_key(key):
                shown = hidden.shown(load(connection, [key]))
                if shown:
                    newest[conversation] = shown[0]
            if len(newest) == limit:
                break
        return [self._conversation(connection, own, one, message) for one, message in newest.items()]

    def messages(
        self, connection: sqlite3.Connection, conversation: bytes, limit: int, before: tuple[int, int] | None = None
    ) -> list[Message]:
        """The newest messages of a conversation, newest first; `before`: the last `Message.place` shown."""
        rows = connection.execute(
            "SELECT t.key FROM talks t LEFT JOIN talk_roots r ON r.root = t.root"
            " WHERE (r.conversation = ?1 OR (r.conversation IS NULL AND t.root = ?1))"
            " AND (t.time_ms, t.key) < (?2, ?3) ORDER BY t.time_ms DESC, t.key DESC LIMIT ?4",
            (conversation, *(before or (1 << 62, 1 << 62)), _NEWEST_MAX),
        )
        return visible(connection, (key for (key,) in rows), limit)

    def unread(self, connection: sqlite3.Connection, own: AccountId, conversation: bytes) -> int:
        """How many messages of others came after what was read last, counted up to 1,000."""
        read = private.get(connection, "read", conversation)
        after = read if isinstance(read, int) else -(1 << 62)
        rows = connection.execute(
            "SELECT t.key FROM talks t LEFT JOIN talk_roots r ON r.root = t.root"
            " JOIN feeds ON feeds.number = t.key >> 32 JOIN accounts ON accounts.number = feeds.account"
            " WHERE (r.conversation = ?1 OR (r.conversation IS NULL AND t.root = ?1))"
            " AND t.time_ms > ?2 AND accounts.account <> ?3 LIMIT ?4",
            (conversation, after, own, _UNREAD_MAX),
        )
        return len(visible(connection, (key for (key,) in rows), _UNREAD_MAX))

    def _conversation(
        self, connection: sqlite3.Connection, own: AccountId, conversation: bytes, newest: Message
    ) -> Conversation:
        people: dict[AccountId, None] = {}
        circle = None
        rows = connection.execute("SELECT key FROM talk_roots WHERE conversation = ? ORDER BY key", (conversation,))
        for root in load(connection, [key for (key,) in rows]):
            people.update(dict.fromkeys((root.account, *root.to)))
            if root.circle is not None:
                circle = (root.account, root.circle)
        people[newest.account] = None
        people.pop(own, None)
        return Conversation(conversation, tuple(people), circle, newest, self.unread(connection, own, conversation))


def _talks(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[tuple[Row, bytes]]:
    """The sealed messages among some rows, each with what names its thread."""
    mine = [row for row in rows if row.sealed and row.entry.kind == "post"]
    if not mine:
        return []
    begins = [row.key for row in mine if "reply" not in row.entry.content]
    ids = ids_of(connection, begins)
    found = []
    for row in mine:
        reply = row.entry.content.get("reply")
        entry_id = reply["root"][2] if reply is not None else row.id or ids.get(row.key)
        if entry_id is not None:
            found.append((row, target_of(entry_id)))
    return found


def _conversation_of(connection: sqlite3.Connection, row: Row, root: bytes) -> bytes:
    """What names the conversation of a thread, by the message that began it."""
    content = row.entry.content
    author = account_of_key(connection, row.key)
    if "circle" in content:
        return of_circle(author, content["circle"])
    return of_people([author, *content["to"]]) if "to" in content else root


def of_circle(owner: AccountId, circle: bytes) -> bytes:
    """The conversation of a circle; 16 bytes."""
    return sha256(b"circle" + owner + circle).digest()[:CONVERSATION_BYTES]


def of_people(people: Iterable[AccountId]) -> bytes:
    """The conversation of some people, oneself among them; 16 bytes."""
    return sha256(b"people" + b"".join(sorted(set(people)))).digest()[:CONVERSATION_BYTES]
