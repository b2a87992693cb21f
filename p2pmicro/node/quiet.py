"""Mutes and blocks: private, and in force everywhere."""

import secrets

from .. import cbor
from ..errors import LocalError
from ..feed.content import clean_text
from ..feed.tags import parse_tag
from ..ids import AccountId
from ..store import private
from ..store.blocks import drop_step
from ..store.db import transaction
from ..views.filter import ACCOUNT, TAG, WORD, Mute, blocked, mutes
from ..views.words import has_words
from .naming import Naming
from .roles import refresh_interest
from .wake import wake_node


class Quiet(Naming):
    """What a person does not want to see, or to have."""

    def mute_of(
        self,
        account: AccountId | str | None = None,
        *,
        word: str | None = None,
        tag: str | None = None,
        until_ms: int | None = None,
    ) -> Mute:
        """What is to be muted: exactly one of a person, a word and a tag is given.

        Args:
            account: an account, or how one is named.
            word: a word or a phrase: whole words, in any case, with or without accents.
            tag: with or without its #.
            until_ms: Unix milliseconds, when it is seen again; None: never.
        Raises:
            LocalError: nobody, or several, are meant; no word, or no tag; or oneself.
        """
        if (account is not None) + (word is not None) + (tag is not None) != 1:
            raise LocalError("Say one thing to mute: somebody, a word, or a tag.")
        if word is not None:
            text = " ".join(clean_text(word, what="word").casefold().split())
            if not has_words(self.connection, text):
                raise LocalError(f"{word[:60]!r} has no letter or digit, so no message would have it.")
            return Mute(WORD, text, until_ms)
        if tag is not None:
            read = parse_tag(clean_text(tag, what="tag"))
            if read is None:
                raise LocalError(f"{tag[:60]!r} is no tag: give one, as in `nightwalk`.")
            return Mute(TAG, read.name, until_ms)
        assert account is not None
        return Mute(ACCOUNT, self._other(account), until_ms)

    def mute(self, what: Mute) -> bool:
        """See nothing more of somebody, or of messages with a word, phrase or tag; whether that is new."""
        return self._note("mute", what.item, {"until": what.until_ms})

    def unmute(self, what: Mute) -> bool:
        """See it again; whether it was muted."""
        return self._note("mute", what.item, None)

    def mutes(self) -> list[Mute]:
        """What is muted now: people, then words, then tags."""
        return mutes(self.connection)

    def block(self, account: AccountId | str) -> bool:
        """Have nothing more to do with somebody: what is held of them is dropped, and nothing is let in again.

        Nobody learns of it. A follow is public, and stays until `unfollow`.
        Returns: whether they were not blocked before.
        Raises:
            LocalError: nobody, or several, are meant, or oneself.
        """
        return self._set_block(self._other(account), True)

    def unblock(self, account: AccountId | str) -> bool:
        """Let somebody in again: what peers have of them is fetched anew; whether they were blocked."""
        return self._set_block(self._account(account), None)

    def blocked(self) -> list[AccountId]:
        """Whom one has blocked, in the order of their keys."""
        return blocked(self.connection)

    def _set_block(self, account: AccountId, value: cbor.Value) -> bool:
        with transaction(self.connection):
            changed = private.put(self.connection, "block", account, value)
            # Also where nothing is new: it may have been written, and this left undone.
            refresh_interest(self.connection, self.views, self.account, self.feed, secrets.token_bytes)
        wake_node(self.home.wake)  # its sessions with them end before the large work begins
        more = True
        while more:
            with transaction(self.connection):
                more = drop_step(self.connection, self.views)
        return changed
