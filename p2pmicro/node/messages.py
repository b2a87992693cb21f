"""What a person does with messages: writes them, and reads them in lists."""

import sqlite3
from collections.abc import Sequence

from ..feed import content
from ..feed.content import clean_text
from ..ids import AccountId, FeedId, Ref
from ..store.db import read_transaction
from ..views import TIMELINE
from ..views.message import Message
from .install import wall_ms
from .newpicture import NewPicture, keep_pictures, strip_pictures
from .pictures import Pictures


class Messages(Pictures):
    """Messages, written and read."""

    def post(self, text: str, pictures: Sequence[NewPicture] = ()) -> Ref:
        """Write a message: on the disk when this returns.

        Args:
            pictures: at most 4; with one, the text may be empty.
        Raises:
            TextError: empty, over 140 code points, or with characters that can't be sent; nothing was written.
            PictureError: no picture, or a too large one; nothing was written.
            StoreError: nothing was written.
        """
        clean = clean_text(text) if text or not pictures else ""
        ready = strip_pictures(pictures)

        def make(connection: sqlite3.Connection) -> list[tuple[str, content.Content]]:
            media = keep_pictures(connection, self.folder, ready, wall_ms())
            return [("post", content.post(clean, media=media))]

        return self.append(make)[0]

    def timeline(self, limit: int = 50, before: tuple[int, int] | None = None) -> list[Message]:
        """The newest messages of oneself and those one follows."""
        with read_transaction(self.connection):
            return TIMELINE.home(self.connection, limit, before)

    def page(self, account: AccountId, limit: int = 50) -> list[Message]:
        """One person's messages, newest first."""
        with read_transaction(self.connection):
            return TIMELINE.page(self.connection, account, limit)

    def message(self, feed: FeedId, seq: int) -> Message | None:
        """One message; None if it is not held or not shown."""
        with read_transaction(self.connection):
            return TIMELINE.message(self.connection, feed, seq)
