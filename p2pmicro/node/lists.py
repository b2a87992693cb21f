"""Lists of people: some whom one wants to read by themselves. Private, as mutes are."""

import secrets

from ..errors import LocalError
from ..feed.content import clean_name
from ..ids import AccountId
from ..limits import NAME_MAX_CODE_POINTS
from ..store import private
from ..store.db import read_transaction, transaction
from ..views.held import Place
from ..views.lists import LIST_BYTES, PeopleList, list_timeline, people_lists
from ..views.message import Message
from ..views.names import folded_name
from .quiet import Quiet


class Lists(Quiet):
    """Lists of people."""

    def lists(self) -> list[PeopleList]:
        """One's lists, by name."""
        return people_lists(self.connection)

    def create_list(self, name: str) -> PeopleList:
        """Make an empty list.

        Raises:
            LocalError: there is one of this name.
            TextError: the name is empty, too long, or has characters that can't be kept.
        """
        clean = clean_name(name, NAME_MAX_CODE_POINTS)
        made = PeopleList(secrets.token_bytes(LIST_BYTES), clean, ())
        with transaction(self.connection):
            if any(folded_name(one.name) == folded_name(clean) for one in people_lists(self.connection)):
                raise LocalError(f"You have a list {clean!r} already: give this one another name.")
            private.put(self.connection, "list", made.id, clean)
        return made

    def delete_list(self, name: str) -> None:
        """Take a list away; who was on it stays whoever they are."""
        with transaction(self.connection):
            found = self._list(name)
            private.put(self.connection, "list", found.id, None)
            for account in found.members:
                private.put(self.connection, "listed", found.id + account, None)

    def set_listed(self, name: str, account: AccountId | str, on: bool = True) -> bool:
        """Put somebody on a list, or take them off it; whether anything changed.

        Raises:
            LocalError: no such list; nobody, or several, are meant.
        """
        member = self._account(account)
        with transaction(self.connection):
            return private.put(self.connection, "listed", self._list(name).id + member, True if on else None)

    def list_timeline(self, name: str, limit: int = 50, before: Place | None = None) -> list[Message]:
        """The newest messages of those on a list; `before`: the last `Message.place` shown.

        Raises:
            LocalError: no such list.
        """
        with read_transaction(self.connection):
            return list_timeline(self.connection, self._list(name).members, limit, before)

    def _list(self, name: str) -> PeopleList:
        found = people_lists(self.connection)
        fitting = [one for one in found if folded_name(one.name) == folded_name(name)]
        if not fitting:
            have = f"you have {', '.join(repr(one.name) for one in found)}" if found else "you have none yet"
            raise LocalError(f"You have no list {name[:60]!r}: {have}.")
        return fitting[0]  # two devices may have made one of the same name each
