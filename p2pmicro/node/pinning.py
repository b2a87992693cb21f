"""What a person has first on their page: pins, which their profile names."""

import sqlite3
from collections.abc import Callable, Sequence

from ..errors import LocalError
from ..feed import content
from ..ids import Ref
from ..limits import PINS_MAX
from ..views import PEOPLE, PICTURES
from ..views.message import find
from ..views.pins import pinned_refs
from .circles import Entries
from .pictures import Pictures
from .reading import GivenRef


class Pinning(Pictures):
    """Pins."""

    def pin(self, ref: GivenRef) -> Ref | None:
        """Have a message of one's own first on one's page, above those pinned before; None if it is there.

        Raises:
            LocalError: it is not here, not one's own, not public, or five are pinned; nothing was written.
        """

        def pinned(connection: sqlite3.Connection, pins: list[Ref]) -> list[Ref]:
            message = self._public(connection, ref, "shown on your page")
            if message.account != self.account:
                raise LocalError("Only your own messages can be pinned. `p2pmicro repost` passes on others'.")
            here = find(connection, pins)
            kept = [pin for pin in pins if pin in here]  # deleted ones give way
            if message.ref in kept:
                return pins
            if len(kept) == PINS_MAX:
                raise LocalError(f"{PINS_MAX} messages are pinned: take one off with `p2pmicro pin REF --remove`.")
            return [message.ref, *kept]

        return self._set_pins(pinned)

    def unpin(self, ref: GivenRef) -> Ref | None:
        """Have it first no longer; None if it is not."""

        def pinned(connection: sqlite3.Connection, pins: list[Ref]) -> list[Ref]:
            place = self._place(connection, ref)
            return [pin for pin in pins if (pin.feed, pin.seq) != place]

        return self._set_pins(pinned)

    def _move_pin(self, old: GivenRef, new: Ref) -> None:
        """Pin a corrected message where the one before was pinned."""

        def pinned(connection: sqlite3.Connection, pins: list[Ref]) -> list[Ref]:
            place = self._place(connection, old)
            return [new if (pin.feed, pin.seq) == place else pin for pin in pins]

        self._set_pins(pinned)

    def _set_pins(self, change: Callable[[sqlite3.Connection, list[Ref]], list[Ref]]) -> Ref | None:
        def make(connection: sqlite3.Connection) -> Entries:
            before = pinned_refs(connection, self.account)
            after = change(connection, before)
            return [] if after == before else [self._profile_with(connection, after)]

        refs = self.append(make)
        return refs[0] if refs else None

    def _profile_with(self, connection: sqlite3.Connection, pins: Sequence[Ref]) -> tuple[str, content.Content]:
        mine = PEOPLE.profile_of(connection, self.account)
        fields = ("", None, None) if mine is None else (mine.name, mine.bio, mine.link)
        rev = PEOPLE.next_rev(connection, self.account, "profile", None)
        avatar = PICTURES.avatar_value(connection, self.account)
        return "profile", content.profile(rev, *fields, avatar, pins)
