"""What a person does with tags: reads them, follows them, and is told which there are."""

from ..errors import LocalError
from ..feed.content import clean_text
from ..feed.tags import Tag, parse_tag, plain
from ..store import private
from ..store.db import read_transaction, transaction
from ..views import TAGS
from ..views.held import Place
from ..views.message import Message
from ..views.tags import Suggestion, followed_tags
from .reacting import Reacting


class Tagging(Reacting):
    """Tags."""

    def tag_timeline(self, tag: str, limit: int = 50, before: Place | None = None) -> list[Message]:
        """The newest messages with a tag, of oneself, those one follows, and those whom they follow.

        Args:
            tag: with or without its #.
            before: for the next page, the last `Message.place` shown.
        Raises:
            LocalError: it is no tag.
        """
        name = _tag(tag).name
        with read_transaction(self.connection):
            return TAGS.timeline(self.connection, name, limit, before)

    def suggest_tags(self, begun: str = "", limit: int = 10) -> list[Suggestion]:
        """The most used tags that begin so, whatever their accents; those of all messages held here.

        Args:
            begun: a tag or the beginning of one, with or without its #; empty: of all tags.
        """
        read = parse_tag(begun)
        with read_transaction(self.connection):
            return TAGS.suggestions(self.connection, plain(read.name) if read is not None else "", limit)

    def follow_tag(self, tag: str) -> bool:
        """See messages with a tag in the timeline also where their authors are only followed by those one follows.

        Nobody learns of it. Returns: whether that is new.
        Raises:
            LocalError: it is no tag.
        """
        read = _tag(tag)
        with transaction(self.connection):
            if private.get(self.connection, "tag", read.name.encode()) is not None:
                return False
            return private.put(self.connection, "tag", read.name.encode(), read.text)

    def unfollow_tag(self, tag: str) -> bool:
        """See them no longer; whether the tag was followed."""
        name = _tag(tag).name
        with transaction(self.connection):
            return private.put(self.connection, "tag", name.encode(), None)

    def followed_tags(self) -> list[str]:
        """The tags that one follows, as they were typed."""
        return sorted(followed_tags(self.connection).values())


def _tag(text: str) -> Tag:
    read = parse_tag(clean_text(text, what="tag"))
    if read is None:
        raise LocalError(f"{text[:60]!r} is no tag: give a word with at least one letter, as in `harbour`.")
    return read
