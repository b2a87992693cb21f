"""A thread as people read it: a tree in reading order, with what is not here.

A ref names an id, and an id can't be known before its entry is written, so that honest threads have no cycle. One that
somebody makes up by `replaces` is broken up where a message would come twice.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

from ..ids import Ref
from .held import account_of, is_deleted, marks, target_of
from .message import Message, load


class RefKind(IntEnum):
    """What a message does to the one that it names, answers apart."""

    QUOTES = 1
    REPLACES = 2


class State(Enum):
    """How it stands with a message of a thread."""

    HERE = "here"
    MISSING = "not here"  # an answer to it is held, and it is not, nor was it deleted
    DELETED = "deleted"
    HIDDEN = "hidden"  # muted or blocked, and something that is not answers it


class Slot(NamedTuple):
    """One place in a thread."""

    ref: Ref
    depth: int  # 0 for what began the thread; one more than what it answers
    state: State
    message: Message | None  # where it is here


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread in reading order: each message is followed by its answers, the earliest first."""

    slots: tuple[Slot, ...]
    focus: Ref  # whose thread was asked for, or what takes its place
    more: bool  # whether there are answers beyond THREAD_MAX

    def count(self, state: State) -> int:
        """How many of its messages stand so."""
        return sum(slot.state is state for slot in self.slots)


def replacing(connection: sqlite3.Connection, refs: Iterable[Ref]) -> dict[Ref, Message]:
    """The messages that take the place of deleted ones, by what they replace; of the same account, and the newest."""
    wanted = {target_of(ref.id): ref for ref in refs}
    rows = connection.execute(
        f"SELECT key FROM refs WHERE target IN ({marks(len(wanted))}) AND kind = {RefKind.REPLACES:d}", list(wanted)
    )
    candidates = load(connection, [key for (key,) in rows])
    chosen: dict[Ref, Message] = {}
    for candidate in sorted(candidates, key=order_of):
        for ref in candidate.replaces:
            if ref == wanted.get(target_of(ref.id)) and candidate.account == account_of(connection, ref.feed):
                chosen[ref] = candidate
    return {ref: one for ref, one in chosen.items() if is_deleted(connection, ref)}


class Tree:
    """Puts the messages of a thread in order."""

    def __init__(
        self, connection: sqlite3.Connection, found: dict[Ref, Message], shown: dict[Ref, Message], top: Ref
    ) -> None:
        self._connection = connection
        self._found = found
        self._shown = shown
        self._instead = self._replaced(top)
        self._absent: set[Ref] = set()
        self._children: dict[Ref | None, list[Ref]] = defaultdict(list)
        self._named_top = top
        self._top = self._holder(top)
        for one in sorted(found.values(), key=order_of):
            self._children[None if one.parent is None else self._holder(one.parent)].append(one.ref)
        # What is absent stands where the first answer to it would.
        orders = {ref: order_of(found[self._children[ref][0]]) for ref in self._absent if self._children[ref]}
        for ref in sorted(self._absent):
            self._children[self._place_of_absent(ref)].append(ref)
        for children in self._children.values():
            children.sort(key=lambda ref: order_of(found[ref]) if ref in found else orders.get(ref, _FIRST))

    def _replaced(self, top: Ref) -> dict[Ref, Ref]:
        """What stands in the place of what is not here."""
        named = {top, *(one.parent for one in self._found.values() if one.parent is not None)}
        newer = replacing(self._connection, named - self._found.keys())
        return {ref: one.ref for ref, one in newer.items() if one.ref in self._found}

    def _holder(self, ref: Ref) -> Ref:
        """Under what an answer to a ref stands: what is here, what replaces it, or else the ref, noted as absent."""
        if ref in self._found:
            return ref
        if ref in self._instead:
            return self._instead[ref]
        self._absent.add(ref)
        return ref

    def _place_of_absent(self, ref: Ref) -> Ref | None:
        """Under what an absent message stands: what it answered is not known, but what began the thread may be."""
        for child in self._children[ref]:
            root = self._found[child].root if child in self._found else None
            if root is not None and root != ref:
                at = self._instead.get(root, root)
                if at in self._found or at in self._absent:
                    return at
        return None

    def slots(self, focus: Ref) -> Iterator[Slot]:
        """All in reading order, each once, whatever the refs say; `focus` is there in any case."""
        visited: set[Ref] = set()
        yield from self._below(self._top, visited)
        # What is left goes round in a circle, and is broken up where it is met; or it does not belong here.
        for ref, message in self._found.items():
            if ref == focus or message.root == self._named_top:
                yield from self._below(ref, visited)

    def _below(self, start: Ref, visited: set[Ref]) -> Iterator[Slot]:
        waiting = [(start, 0)]
        hidden: list[Slot] = []  # those above: shown only if something below is
        while waiting:
            ref, depth = waiting.pop()
            if ref in visited:
                continue
            visited.add(ref)
            waiting += [(child, depth + 1) for child in reversed(self._children.get(ref, ()))]
            hidden = [slot for slot in hidden if slot.depth < depth]
            slot = self._slot(ref, depth)
            if slot.state is State.HIDDEN:
                hidden.append(slot)
            else:
                yield from hidden
                hidden.clear()
                yield slot

    def _slot(self, ref: Ref, depth: int) -> Slot:
        if ref not in self._found:
            return Slot(ref, depth, State.DELETED if is_deleted(self._connection, ref) else State.MISSING, None)
        message = self._shown.get(ref)
        return Slot(ref, depth, State.HIDDEN if message is None else State.HERE, message)


_FIRST = (0, b"", 0)


def order_of(message: Message) -> tuple[int, bytes, int]:
    """Earliest first; feeds by their ids, so that it is the same on each node that saw them at the same time."""
    return message.time_ms, message.ref.feed, message.ref.seq
