"""What a node does when nothing else is to do: merges of the index, large follows, and wiping what was deleted."""

import sqlite3
from collections.abc import Sequence

from ..limits import QUOTA_TOTAL_BYTES
from ..store import erase, media
from ..store.blocks import drop_step
from ..store.db import transaction
from ..store.forget import make_room
from ..store.media import MediaFolder
from ..store.view import View
from ..views import WANTED, idle_step

NEARLY_FULL_BYTES = QUOTA_TOTAL_BYTES * 9 // 10
WIPE_EVERY_S = 60.0
"""A full merge of the index and a truncating checkpoint cost time: at most once a minute, for all deletes since."""


class Housework:
    """Small pieces of work that could wait; used on the thread of the ingest connection."""

    def __init__(self, views: Sequence[View], folder: MediaFolder) -> None:
        self._views = views
        self._folder = folder
        self._swept = False
        self._wiped_at = -WIPE_EVERY_S

    def step(self, connection: sqlite3.Connection, now: float) -> bool:
        """Do one piece, of a few ms but for wiping; False once there is none that is due.

        Args:
            now: seconds, monotonic.
        Raises:
            StoreError: as `db.transaction`.
        """
        if now >= self._wiped_at + WIPE_EVERY_S and erase.pending(connection):
            self._wiped_at = now
            erase.finish(connection, self._views)
            return True
        with transaction(connection):
            if not self._swept:
                self._swept = True
                media.sweep(connection, self._folder)
            if media.erase_files(connection, self._folder):
                return True
            return (
                drop_step(connection, self._views)
                or make_room(connection, self._views, NEARLY_FULL_BYTES)
                or WANTED.settle_step(connection, self._views)
                or idle_step(connection)
            )
