"""Making sealed entries for one account: to recipients, to a thread, and to oneself.

Source: protocol/content.md, "Sealing" and "Private state".
"""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence

from .. import cbor
from ..feed import content
from ..feed.seal import sealed
from ..ids import AccountId, FeedId
from ..keys import box_public
from ..limits import SEALED_BODY_BYTES, STATE_ITEMS_MAX
from ..store import private
from .unsealing import own_generation

DAY_MS = 86_400_000
_STATE_MAX_BYTES = SEALED_BODY_BYTES[-1] - 64  # what stands around the items of an entry


class Sealing:
    """Seals as one account, in one feed."""

    def __init__(self, account: AccountId, feed: FeedId, seed: bytes) -> None:
        self._account = account
        self._feed = feed
        self._seed = seed

    def seal(
        self,
        connection: sqlite3.Connection,
        kind: str,
        fields: content.Content,
        boxes: Sequence[bytes] = (),
        tagged: Sequence[bytes] = (),
    ) -> tuple[str, content.Content]:
        """An entry, kind and content, for those with `boxes` (public box keys) and `tagged` (secrets), and oneself.

        Raises:
            SealError: too long, or for too many.
            BadKeyError: a recipient's key is refused.
        """
        own = box_public(self._seed, own_generation(connection, self._account))
        given = sealed(self._account, self._feed, kind, fields, [own, *boxes], tagged, secrets.token_bytes)
        return "sealed", given

    def private(self, connection: sqlite3.Connection) -> list[tuple[str, content.Content]]:
        """What waits of one's private state, sealed to oneself."""
        return [self.seal(connection, "state", {"items": items}) for items in _parts(private.due(connection))]


def _parts(items: Sequence[private.Item]) -> Iterator[list[cbor.Value]]:
    """Items for one entry each: as many as fit."""
    part: list[cbor.Value] = []
    size = 0
    for item in items:
        value: cbor.Value = list(item)
        length = len(cbor.encode(value))
        if part and (size + length > _STATE_MAX_BYTES or len(part) == STATE_ITEMS_MAX):
            yield part
            part, size = [], 0
        part.append(value)
        size += length
    if part:
        yield part


def is_due(connection: sqlite3.Connection, now_ms: int) -> bool:
    """Whether private state that waits is to be written now, though no message is; in a transaction.

    The first time that something waits, a time within a day is drawn: so nobody learns when it was changed.
    """
    row = connection.execute("SELECT value FROM meta WHERE name = 'private_at'").fetchone()
    if row is None:
        connection.execute(
            "INSERT INTO meta (name, value) VALUES ('private_at', ?)", (now_ms + secrets.randbelow(DAY_MS),)
        )
        return False
    return now_ms >= int(row[0]) or int(row[0]) > now_ms + DAY_MS  # or the clock was wrong


def forget_due(connection: sqlite3.Connection) -> None:
    """Nothing waits any more: a new time is drawn when something does."""
    connection.execute("DELETE FROM meta WHERE name = 'private_at'")
