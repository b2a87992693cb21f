"""How a person finds messages and people."""

from ..store.db import read_transaction
from ..views.find import Found, find_messages
from ..views.find_people import FoundPeople, find_people
from ..views.held import Place
from .noticing import Noticing


class Finding(Noticing):
    """Search."""

    def search(self, query: str, limit: int = 50, before: Place | None = None) -> Found:
        """The newest messages that a query asks for; nothing in it is an error.

        Args:
            query: words, "phrases", prefix*, -without, #tag, from:NAME, since:DATE, until:DATE, has:picture.
            before: for the next page, the last `Message.place` shown.
        """
        with read_transaction(self.connection):
            return find_messages(self.connection, query, limit, before)

    def search_people(self, query: str, limit: int = 50) -> FoundPeople:
        """People by name, petname, what they say of themselves, and #tags that they write about; the closest first."""
        with read_transaction(self.connection):
            return find_people(self.connection, self.account, query, limit)
