"""Derived tables and their queries: what can be thrown away and computed again from the log."""

import sqlite3

from ..store.view import View
from .conversations import Conversations
from .notices import Notices
from .people import People
from .pictures import Pictures
from .reactions import Reactions
from .search import Search
from .tags import Tags
from .threads import Threads
from .timeline import Timeline
from .wanted import Wanted

TIMELINE = Timeline()
PEOPLE = People()
PICTURES = Pictures()
SEARCH = Search()
CONVERSATIONS = Conversations()
THREADS = Threads()
REACTIONS = Reactions()
TAGS = Tags()
NOTICES = Notices()
WANTED = Wanted()
ALL: tuple[View, ...] = (
    TIMELINE,
    PEOPLE,
    PICTURES,
    SEARCH,
    THREADS,
    REACTIONS,
    CONVERSATIONS,
    TAGS,
    NOTICES,
    WANTED,
)
"""What the store hands its rows to. Views hold nothing between calls: any connection and thread may use them."""


def idle_step(connection: sqlite3.Connection) -> bool:
    """One small piece of work that could wait, in the caller's transaction; False once there is none."""
    return TIMELINE.step(connection) or WANTED.step(connection) or SEARCH.merge_step(connection)
