"""What a person is told: who did what that concerns them."""

from ..store.db import read_transaction, transaction
from ..views.notice import Notice, NoticePlace, mark_read, notices, unread_count
from .tagging import Tagging


class Noticing(Tagging):
    """Notices."""

    def notices(self, limit: int = 50, before: NoticePlace | None = None) -> list[Notice]:
        """Who answered, mentioned, quoted, passed on, liked, followed or wrote to oneself; forks of those one follows.

        What is unread comes first; of that and of the rest the newest.

        Args:
            before: for the next page, the last `Notice.place` shown.
        """
        with read_transaction(self.connection):
            return notices(self.connection, limit, before)

    def unread_notices(self, limit: int = 100) -> int:
        """How many notices are unread, counted up to a limit."""
        with read_transaction(self.connection):
            return unread_count(self.connection, limit)

    def mark_notices_read(self) -> bool:
        """Note that all notices that are here were read, for one's other devices too; whether some were not."""
        with transaction(self.connection):
            return mark_read(self.connection)
