"""The one filter: what a person has muted or blocked is in no list, search, count or notice.

Every query that shows messages or people asks it: lists of messages by `message.visible`, counts and notices by
`hides_account`. Mutes and blocks are private state ("mute", "block"): nobody else sees them.
Source: protocol/content.md, "Private state".
"""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..feed.tags import tags_in
from ..ids import AccountId
from ..store import private
from ..store.feeds import Role, accounts_with_roles
from .words import Query, any_of, is_letter, matching

if TYPE_CHECKING:
    from .message import Message

ACCOUNT, WORD, TAG = b"a", b"w", b"t"
"""The first letter of a mute's item: what stands behind it."""


@dataclass(frozen=True, slots=True)
class Mute:
    """One thing that is not to be seen."""

    kind: bytes  # ACCOUNT, WORD or TAG
    value: AccountId | str  # a word or phrase as typed, a tag as `feed.tags.fold` gives it
    until_ms: int | None  # Unix milliseconds; None: for ever

    @property
    def item(self) -> bytes:
        """Its place in private state."""
        return self.kind + (self.value.encode() if isinstance(self.value, str) else self.value)


def mutes(connection: sqlite3.Connection, now_ms: int | None = None) -> list[Mute]:
    """What is muted now, people first, then words, then tags; what has run out is left out."""
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    found = [_mute(item, value) for item, value in private.items(connection, "mute").items()]
    live = [mute for mute in found if mute is not None and (mute.until_ms is None or mute.until_ms > now_ms)]
    return sorted(live, key=lambda mute: ((ACCOUNT, WORD, TAG).index(mute.kind), mute.item))


def blocked(connection: sqlite3.Connection) -> list[AccountId]:
    """Whom a person has blocked, in the order of their keys."""
    return sorted(AccountId(item) for item in private.items(connection, "block"))


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person wants not to see, as it stood when it was read; used at once, with the connection it came from."""

    people: frozenset[AccountId]
    accounts: frozenset[int]  # the same by accounts.number
    feeds: frozenset[int]  # and their feeds.number: the upper half of a key
    tags: frozenset[str]
    words: Query | None  # None: no word is muted
    letters: frozenset[str]  # single letters of scripts without spaces: hidden wherever they stand
    own: frozenset[AccountId]  # one's own messages are always seen
    connection: sqlite3.Connection

    @classmethod
    def read(cls, connection: sqlite3.Connection, now_ms: int | None = None) -> "Filter":
        """Read what is muted and blocked.

        Args:
            now_ms: Unix milliseconds, for mutes that run out; None: by the clock.
        """
        muted = mutes(connection, now_ms)
        people = {AccountId(mute.value) for mute in muted if isinstance(mute.value, bytes)}
        people.update(blocked(connection))
        own = set(accounts_with_roles(connection, Role.OWN))
        people -= own
        accounts, feeds = _numbers(connection, people)
        texts = [str(mute.value) for mute in muted if mute.kind == WORD]
        return cls(
            frozenset(people),
            frozenset(accounts),
            frozenset(feeds),
            frozenset(str(mute.value) for mute in muted if mute.kind == TAG),
            any_of(connection, [text for text in texts if not is_letter(text)]),
            frozenset(filter(is_letter, texts)),
            frozenset(own),
            connection,
        )

    def hides_account(self, number: int) -> bool:
        """Whether somebody (accounts.number) is muted or blocked: what they do is neither shown nor counted."""
        return number in self.accounts

    def hides_person(self, account: AccountId) -> bool:
        """The same for an account that may have no number."""
        return account in self.people

    def hides_key(self, key: int) -> bool:
        """Whether an entry is of somebody who is muted or blocked: it need not be loaded."""
        return key >> 32 in self.feeds

    def hides(self, message: "Message") -> bool:
        """Whether a message is not to be seen: for whose it is, or for a word or tag in it."""
        return not self.shown([message])

    def shown(self, messages: "Sequence[Message]") -> "list[Message]":
        """Those of some messages that are to be seen, in their order."""
        if not (self.people or self.tags or self.letters) and self.words is None:
            return list(messages)
        left = [message for message in messages if not self._is_plainly_hidden(message)]
        if self.words is not None and left:
            texts = {
                place << 3 | part: text  # each by itself: no phrase reaches from one to the next
                for place, message in enumerate(left)
                if message.account not in self.own
                for part, text in enumerate(_texts(message))
            }
            hidden = {part >> 3 for part in matching(self.connection, self.words, texts)}
            left = [message for place, message in enumerate(left) if place not in hidden]
        return left

    def _is_plainly_hidden(self, message: "Message") -> bool:
        if message.relay is not None and message.relay.by[0].account in self.people:
            return True
        if message.account in self.own:
            return False
        if message.account in self.people:
            return True
        if self.letters and any(letter in text for text in _texts(message) for letter in self.letters):
            return True
        return bool(self.tags) and any(tag.name in self.tags for tag in tags_in(message.text))


def _texts(message: "Message") -> list[str]:
    """All that a message says: its text, and what its pictures (four at most) are said to show."""
    return [message.text, *(picture.alt for picture in message.pictures)]


def _mute(item: bytes, value: Any) -> Mute | None:
    """Read one item; None for what another version wrote and this one does not know."""
    kind, rest = item[:1], item[1:]
    until_ms = value.get("until") if isinstance(value, dict) else None
    if not isinstance(until_ms, int | None):
        return None
    if kind == ACCOUNT:
        return Mute(kind, AccountId(rest), until_ms)
    if kind in (WORD, TAG):
        return Mute(kind, rest.decode(errors="replace"), until_ms)
    return None


def _numbers(connection: sqlite3.Connection, people: Iterable[AccountId]) -> tuple[set[int], set[int]]:
    """The numbers of accounts, and those of their feeds."""
    accounts, feeds = set(), set()
    for account in people:
        rows = connection.execute(
            "SELECT accounts.number, feeds.number FROM accounts LEFT JOIN feeds ON feeds.account = accounts.number"
            " WHERE accounts.account = ?",
            (account,),
        )
        for number, feed in rows:
            accounts.add(number)
            if feed is not None:
                feeds.add(feed)
    return accounts, feeds
