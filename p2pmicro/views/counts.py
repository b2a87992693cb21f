"""How many answers, reposts and likes a message has, as far as this node knows, without those that are hidden."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..store.feeds import Role
from .filter import Filter
from .held import marks, target_of

if TYPE_CHECKING:
    from .message import Message

_READ_MAX = 1000  # answers whose texts are read where words or tags are muted; those beyond are all counted


class Counts(NamedTuple):
    """What became of a message."""

    replies: int
    reposts: int
    likes: int
    reposted: bool  # by the person whose node this is
    liked: bool


NOTHING = Counts(0, 0, 0, reposted=False, liked=False)
"""What became of most messages, and of what was not counted."""
_NONE = (0, False)


def count(
    connection: sqlite3.Connection,
    hidden: Filter,
    messages: "Sequence[Message]",
    load: "Callable[[Sequence[int]], list[Message]]",
) -> list[Counts]:
    """Count for some messages, in their order.

    Args:
        load: reads messages by their keys: asked for only where words or tags are muted.
    """
    if not messages:
        return []
    targets = [target_of(message.ref.id) for message in messages]
    reactions = _reactions(connection, hidden, targets)
    # Answers to earlier wordings are answers to the message.
    earlier = [target_of(ref.id) for message in messages for ref in message.replaces]
    replies = _replies(connection, hidden, [*targets, *earlier], load)
    found = []
    for message, target in zip(messages, targets, strict=True):
        answers = replies[target] + sum(replies[target_of(ref.id)] for ref in message.replaces)
        reposts, reposted = reactions.get((target, 2), _NONE)
        likes, liked = reactions.get((target, 1), _NONE)
        found.append(Counts(answers, reposts, likes, reposted, liked) if answers or reposts or likes else NOTHING)
    return found


def _reactions(
    connection: sqlite3.Connection, hidden: Filter, targets: Sequence[bytes]
) -> dict[tuple[bytes, int], tuple[int, bool]]:
    """How many count for each target and kind, and whether one's own is among them: it is never hidden."""
    rows = connection.execute(
        f"SELECT target, kind, sum(account NOT IN ({','.join(map(str, hidden.accounts))})),"
        f" max(account IN (SELECT number FROM accounts WHERE role = {Role.OWN:d}))"
        f" FROM reactions WHERE target IN ({marks(len(targets))}) AND wanted GROUP BY target, kind",
        targets,
    )
    return {(target, kind): (number, bool(own)) for target, kind, number, own in rows}


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
