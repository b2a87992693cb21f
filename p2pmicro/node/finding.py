"""How a person finds messages and people."""

from ..store.db import read_transaction
from ..views import SEARCH
from ..views.message import Message
from .reacting import Reacting


class Finding(Reacting):
    """Search."""

    def search(self, query: str, limit: int = 50) -> list[Message]:
        """Messages with all of the words, newest first."""
        with read_transaction(self.connection):
            return SEARCH.search(self.connection, query, limit)
