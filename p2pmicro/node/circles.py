"""Circles (named sets of people that only their owner knows), and messages to some people alone.

A message to people or a circle goes to the box keys of all, up to 63; a larger circle has a key of its own, which its
members are given with the next message after anybody joined or left: each key is known to those alone who belong to the
circle while it is used. Source: protocol/content.md, "Sealing".
"""

import secrets
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LocalError
from ..feed import content
from ..feed.content import clean_text
from ..feed.kinds import CIRCLE_BYTES
from ..feed.seal import SealError
from ..ids import AccountId, Ref, short
from ..keys import KEY_BYTES
from ..limits import CIRCLE_MEMBERS_MAX, NAME_MAX_CODE_POINTS, RECIPIENTS_NAMED_MAX, SEALED_SLOTS
from ..store import private
from ..store.db import read_transaction, transaction
from ..store.feeds import account_number
from ..store.sealed import answer_secret, circle_secret, next_generation, note_given
from ..views.held import keys_of
from ..views.names import petnames
from .people import People
from .unsealing import box_of

_DIRECT_MAX = SEALED_SLOTS[-1] - 1  # beside one's own
Entries = list[tuple[str, content.Content]]


@dataclass(frozen=True, slots=True)
class Circle:
    """A named part of one's network; nobody else knows its name, or who belongs to it."""

    id: bytes  # 16 bytes
    name: str
    members: tuple[AccountId, ...]  # in the order of their keys


class Circles(People):
    """Circles, and what is sealed to them and to people."""

    # --- Circles ---

    def circles(self) -> list[Circle]:
        """One's circles, by name."""
        with read_transaction(self.connection):
            return _circles(self.connection)

    def circle(self, name: str) -> Circle:
        """The circle of a name.

        Raises:
            LocalError: there is none.
        """
        found = self._find_circle(name)
        if found is None:
            raise LocalError(f"You have no circle {name[:60]!r}: `p2pmicro circle create` makes one.")
        return found

    def create_circle(self, name: str, members: Sequence[AccountId | str] = ()) -> Circle:
        """Make a circle of some people.

        Raises:
            LocalError: there is one of that name; a member is not known here, or is oneself.
            TextError: a name that can't be kept.
        """
        clean = clean_text(name, NAME_MAX_CODE_POINTS, "name")
        with read_transaction(self.connection):
            accounts = [self._member(member) for member in members]
        with transaction(self.connection):
            if self._find_circle(clean) is not None:
                raise LocalError(f"You have a circle {clean!r} already: add to it with `p2pmicro circle add`.")
            name_of_it = secrets.token_bytes(CIRCLE_BYTES)
            private.put(self.connection, "circle", name_of_it, {"name": clean})
            for account in accounts:
                private.put(self.connection, "member", name_of_it + account, True)
        return self.circle(clean)

    def delete_circle(self, name: str) -> None:
        """Forget a circle; what was written to it stays."""
        circle = self.circle(name)
        with transaction(self.connection):
            for account in circle.members:
                private.put(self.connection, "member", circle.id + account, None)
            private.put(self.connection, "circle", circle.id, None)
            note_given(self.connection, circle.id, self.feed, (), b"")

    def add_to_circle(self, name: str, members: Sequence[AccountId | str]) -> list[AccountId]:
        """Put people into a circle: they can read what is written to it from now on; those who were not in it.

        Raises:
            LocalError: no such circle; nobody, or several, are meant; or nothing is known of them yet.
        """
        circle = self.circle(name)
        new = [account for account in map(self._member, members) if account not in circle.members]
        if len(circle.members) + len(new) > CIRCLE_MEMBERS_MAX:
            raise LocalError(f"A circle has at most {CIRCLE_MEMBERS_MAX} people: make another one.")
        with transaction(self.connection):
            for account in new:
                private.put(self.connection, "member", circle.id + account, True)
        return new

    def remove_from_circle(self, name: str, members: Sequence[AccountId | str]) -> list[AccountId]:
        """Take people out of a circle: they can't read what is written to it from now on; those who were in it."""
        circle = self.circle(name)
        gone = [account for account in map(self._account, members) if account in circle.members]
        with transaction(self.connection):
            for account in gone:
                private.put(self.connection, "member", circle.id + account, None)
        return gone

    def _find_circle(self, name: str) -> Circle | None:
        return next((one for one in _circles(self.connection) if one.name.casefold() == name.casefold()), None)

    def _member(self, given: AccountId | str) -> AccountId:
        account = self._other(given)
        self._boxes(self.connection, [account])
        return account

    # --- Messages to some ---

    def _sealed_post(self, connection: sqlite3.Connection, fields: content.Content, to: Sequence[str]) -> Entries:
        """A message that begins a thread, for circles and people; the keys that a large circle needs come before it.

        Args:
            fields: of the message, without whom it is for.
            to: names of circles, or people as they are named.
        Raises:
            LocalError: somebody can't be found, or nothing can be sealed to them yet.
        """
        circles = {one.name.casefold(): one for one in _circles(connection)}
        chosen = [circles[name.casefold()] for name in to if name.casefold() in circles]
        named = [self._other(name) for name in to if name.casefold() not in circles]
        named = list(dict.fromkeys(named))
        if len(named) > RECIPIENTS_NAMED_MAX:
            raise LocalError(f"A message names at most {RECIPIENTS_NAMED_MAX} people: make a circle of them.")
        people = dict.fromkeys(named)
        tagged: list[bytes] = []
        before: Entries = []
        large = sum(len(one.members) for one in chosen) + len(named) > _DIRECT_MAX
        for circle in chosen:
            if large and len(circle.members) > SEALED_SLOTS[0]:
                given, key = self._circle_key(connection, circle)
                before += given
                tagged.append(key)
            else:
                people.update(dict.fromkeys(circle.members))
        if not people and not tagged:
            raise LocalError("Nobody is in this circle: `p2pmicro circle add` puts people into it.")
        fields = fields | {"key": secrets.token_bytes(KEY_BYTES)}
        if len(chosen) == 1:
            fields["circle"] = chosen[0].id
        if named:
            fields["to"] = sorted(named)
        return [*before, self.sealing.seal(connection, "post", fields, self._boxes(connection, list(people)), tagged)]

    def _sealed_answer(
        self, connection: sqlite3.Connection, root: Ref, kind: str, fields: content.Content
    ) -> tuple[str, content.Content]:
        """An answer, or a like, within the thread that `root` began: for all who can read that.

        Raises:
            LocalError: the thread's beginning was not sealed to this account.
        """
        secret = answer_secret(connection, keys_of(connection, [root]).get(root, 0))
        if secret is None:
            raise LocalError("This can't be answered: what began it is not here, or was not written to you.")
        return self.sealing.seal(connection, kind, fields, tagged=[secret])

    def _circle_key(self, connection: sqlite3.Connection, circle: Circle) -> tuple[Entries, bytes]:
        """A large circle's key, and the entries that bring it to the members where it is a new one.

        Who holds a key that another of one's devices gave can't be known here: each gives keys of its own.
        """
        key = circle_secret(connection, circle.id, self.feed, circle.members)
        if key is not None:
            return [], key
        key = secrets.token_bytes(KEY_BYTES)
        gen = next_generation(connection, circle.id, account_number(connection, self.account))
        boxes = self._boxes(connection, circle.members)
        fields = {"circle": circle.id, "gen": gen, "key": key}
        parts = [boxes[at : at + _DIRECT_MAX] for at in range(0, len(boxes), _DIRECT_MAX)]
        note_given(connection, circle.id, self.feed, circle.members, key)
        return [self.sealing.seal(connection, "circle-key", fields, part) for part in parts], key

    def _boxes(self, connection: sqlite3.Connection, people: Collection[AccountId]) -> list[bytes]:
        """The box keys of some people."""
        found = []
        for account in people:
            box = box_of(connection, account)
            if box is None:
                raise SealError(
                    f"Nothing of {self._call(account)} is here yet, so nothing can be sealed to them: follow them, and "
                    "wait until your node has met theirs or a friend's."
                )
            found.append(box)
        return found

    def _call(self, account: AccountId) -> str:
        name = petnames(self.connection).get(account) or self._name(account)
        return f"{name} ({short(account)})" if name else short(account)


def _circles(connection: sqlite3.Connection) -> list[Circle]:
    members: dict[bytes, list[AccountId]] = {}
    for item in private.items(connection, "member"):
        members.setdefault(item[:CIRCLE_BYTES], []).append(AccountId(item[CIRCLE_BYTES:]))
    found = []
    for name_of_it, value in private.items(connection, "circle").items():
        fields: dict[str, Any] = value if isinstance(value, dict) else {}
        name = fields.get("name")
        if isinstance(name, str):
            found.append(Circle(name_of_it, name, tuple(sorted(members.get(name_of_it, ())))))
    return sorted(found, key=lambda circle: (circle.name.casefold(), circle.id))
