"""How many answers, reposts and likes a message has, as far as this node knows, without those that are hidden."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..ids import Ref
from ..store.feeds import Role
from .filter import Filter
from .held import marks, target_of

if TYPE_CHECKING:
    from .message import Message

_READ_MAX = 1000  # answers whose texts are read where words or tags are muted; those beyond are all counted


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a message."""

    replies: int
    reposts: int
    likes: int
    reposted: bool  # by the person whose node this is
    liked: bool


NOTHING = Counts(0, 0, 0, reposted=False, liked=False)
"""What became of most messages, and of what was not counted."""


def count(
    connection: sqlite3.Connection,
    hidden: Filter,
    messages: "Sequence[Message]",
    load: "Callable[[Sequence[int]], list[Message]]",
) -> dict[Ref, Counts]:
    """Count for some messages.

    Args:
        load: reads messages by their keys: asked for only where words or tags are muted.
    """
    if not messages:
        return {}
    targets = [target_of(message.ref.id) for message in messages]
    reactions = _reactions(connection, hidden, targets)
    own = set(
        connection.execute(
            f"SELECT target, kind FROM reactions WHERE target IN ({marks(len(targets))}) AND kind IN (1, 2)"
            f" AND account IN (SELECT number FROM accounts WHERE role = {Role.OWN:d}) AND wanted",
            targets,
        ).fetchall()
    )
    # Answers to earlier wordings are answers to the message.
    earlier = {message.ref: [target_of(ref.id) for ref in message.replaces] for message in messages}
    replies = _replies(connection, hidden, [*targets, *(one for some in earlier.values() for one in some)], load)
    return {
        message.ref: Counts(
            replies[target] + sum(replies[one] for one in earlier[message.ref]),
            reactions[target, 2],
            reactions[target, 1],
            (target, 2) in own,
            (target, 1) in own,
        )
        for message, target in zip(messages, targets, strict=True)
    }


def _reactions(connection: sqlite3.Connection, hidden: Filter, targets: Sequence[bytes]) -> Counter[tuple[bytes, int]]:
    """How many count for each target and kind."""
    sums: Counter[tuple[bytes, int]] = Counter()
    grouped = "SELECT target, kind, count(*) FROM reactions WHERE target IN ({}) {} AND wanted GROUP BY target, kind"
    for target, kind, number in connection.execute(grouped.format(marks(len(targets)), ""), targets).fetchall():
        sums[target, kind] += number
    if sums and hidden.accounts:
        those = f"AND kind IN (1, 2) AND account IN ({marks(len(hidden.accounts))})"
        rows = connection.execute(grouped.format(marks(len(targets)), those), (*targets, *hidden.accounts))
        for target, kind, number in rows:
            sums[target, kind] -= number
    return sums


def _replies(
    connection: sqlite3.Connection,
    hidden: Filter,
    targets: Sequence[bytes],
    load: "Callable[[Sequence[int]], list[Message]]",
) -> Counter[bytes]:
    """How many answers each target has."""
    sums: Counter[bytes] = Counter()
    by_words = hidden.words is not None or bool(hidden.tags or hidden.letters)
    if not by_words and not hidden.feeds:
        rows = connection.execute(
            f"SELECT parent, count(*) FROM replies WHERE parent IN ({marks(len(targets))}) GROUP BY parent", targets
        ).fetchall()
        sums.update(dict(rows))
        return sums
    keys = connection.execute(
        f"SELECT key, parent FROM replies WHERE parent IN ({marks(len(targets))}) ORDER BY key DESC", targets
    ).fetchall()
    parents = {key: parent for key, parent in keys if not hidden.hides_key(key)}
    if by_words:
        read = list(parents)[:_READ_MAX]
        hidden_ones = set(read) - {message.key for message in hidden.shown(load(read))}
        parents = {key: parent for key, parent in parents.items() if key not in hidden_ones}
    sums.update(parents.values())
    return sums
