"""Who is meant: accounts, petnames and names, for everything that a person does with people."""

from collections.abc import Iterable

from .. import cbor
from ..errors import LocalError
from ..feed.content import clean_name
from ..ids import AccountId
from ..keys import check_public_key
from ..limits import NAME_MAX_CODE_POINTS
from ..store import private
from ..store.db import transaction
from ..views.names import Known, find_account, mentions_in, named, petnames
from .install import Install


class Naming(Install):
    """People by their names, and what one keeps for oneself."""

    def find_account(self, text: str) -> AccountId:
        """Whom a person means: by account (did:key:…), the end of one (…abcdefgh), petname, or unambiguous name.

        Raises:
            LocalError: nobody, or several, whom the sentence names.
        """
        return find_account(self.connection, text)

    def mentions_in(self, text: str) -> list[tuple[int, int, AccountId]]:
        """Whom a text names by `@`: start and length of each in code points, and the account that is meant."""
        return mentions_in(self.connection, text)

    def set_petname(self, account: AccountId | str, name: str | None) -> bool:
        """Give somebody a name that only oneself sees, shown instead of theirs; None takes it away.

        Returns: whether anything changed.
        Raises:
            LocalError: nobody, or several, are meant.
            TextError: too long, or with characters that can't be kept.
        """
        found = self._account(account)
        clean = clean_name(name, NAME_MAX_CODE_POINTS, "petname") if name else None
        return self._note("petname", found, clean)

    def petnames(self) -> dict[AccountId, str]:
        """The names that one gave to people."""
        return petnames(self.connection)

    def named(self, accounts: Iterable[AccountId]) -> dict[AccountId, Known]:
        """How to call people: by petname, or name; and whether a stranger's name looks like a friend's."""
        return named(self.connection, accounts)

    def _account(self, given: AccountId | str) -> AccountId:
        account = self.find_account(given) if isinstance(given, str) else given
        check_public_key(account)
        return account

    def _note(self, name: str, item: bytes, value: cbor.Value) -> bool:
        """Keep something for oneself; whether it is new."""
        with transaction(self.connection):
            return private.put(self.connection, name, item, value)

    def _other(self, given: AccountId | str) -> AccountId:
        account = self._account(given)
        if account == self.account:
            raise LocalError("This is your own account: nobody can be rid of oneself.")
        return account
