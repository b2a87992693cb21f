"""What a person does with people: one's own profile, follows, and who is who."""

import secrets
import sqlite3
from collections.abc import Iterable

from .. import cbor
from ..errors import LocalError
from ..feed import content
from ..feed.content import clean_text
from ..ids import AccountId, Ref
from ..keys import check_public_key
from ..limits import BIO_MAX_CODE_POINTS, LINK_MAX_CODE_POINTS, NAME_MAX_CODE_POINTS
from ..store import private
from ..store.blocks import drop_step
from ..store.db import read_transaction, transaction
from ..views import PEOPLE, PICTURES
from ..views.filter import ACCOUNT, TAG, WORD, Mute, blocked, folded_tag, mutes
from ..views.names import find_account, mentions_in, petnames
from ..views.people import Profile
from ..views.words import has_words
from .install import Install, wall_ms
from .newpicture import keep_avatar, strip_avatar
from .roles import refresh_interest
from .wake import wake_node


class People(Install):
    """Profiles and follows."""

    def profile(
        self,
        name: str | None = None,
        bio: str | None = None,
        link: str | None = None,
        avatar: bytes | None = None,
    ) -> Ref:
        """Change one's profile; what is not given stays, an empty text (of a picture: no bytes) takes away.

        Args:
            avatar: the bytes of a file; what tells of its maker is stripped.
        Raises:
            TextError: too long, or with characters that can't be sent.
            PictureError: no picture, or a too large one; the sentence says what to do.
        """
        picture = strip_avatar(avatar) if avatar else None
        name = _clean(name, NAME_MAX_CODE_POINTS, "name")
        bio = _clean(bio, BIO_MAX_CODE_POINTS, "bio")
        link = _clean(link, LINK_MAX_CODE_POINTS, "link")
        if link and not link.startswith(("https://", "http://")):
            raise LocalError("A profile's link begins with https:// or http://.")

        def make(connection: sqlite3.Connection) -> list[tuple[str, content.Content]]:
            before = PEOPLE.profile_of(connection, self.account)
            rev = PEOPLE.next_rev(connection, self.account, "profile", None)
            kept = (before.name, before.bio, before.link) if before is not None else ("", None, None)
            new_name, new_bio, new_link = (
                old if new is None else new for new, old in zip((name, bio, link), kept, strict=True)
            )
            new_avatar = PICTURES.avatar_value(connection, self.account) if avatar is None else None
            if picture is not None:
                new_avatar = keep_avatar(connection, self.folder, picture, wall_ms())
            return [("profile", content.profile(rev, new_name or "", new_bio or None, new_link or None, new_avatar))]

        return self.append(make)[0]

    # --- Who is who ---

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
        clean = _clean(name, NAME_MAX_CODE_POINTS, "petname")
        return self._note("petname", found, clean or None)

    def petnames(self) -> dict[AccountId, str]:
        """The names that one gave to people."""
        return petnames(self.connection)

    # --- Mutes and blocks: private, and in force everywhere ---

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
            text = folded_tag(clean_text(tag, what="tag"))
            if not text or text.split() != [text]:
                raise LocalError(f"{tag[:60]!r} is no tag: give one, as in `nightwalk`.")
            return Mute(TAG, text, until_ms)
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

    def _other(self, given: AccountId | str) -> AccountId:
        account = self._account(given)
        if account == self.account:
            raise LocalError("This is your own account: nobody can be rid of oneself.")
        return account

    def _account(self, given: AccountId | str) -> AccountId:
        account = self.find_account(given) if isinstance(given, str) else given
        check_public_key(account)
        return account

    def _note(self, name: str, item: bytes, value: cbor.Value) -> bool:
        """Keep something for oneself; whether it is new."""
        with transaction(self.connection):
            return private.put(self.connection, name, item, value)

    # --- Follows ---

    def follow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody; None if one does already.

        Raises:
            LocalError: nobody or several are meant, a refused key, or oneself.
        """
        return self._set_follow(account, True)

    def unfollow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody no longer; None if one does not."""
        return self._set_follow(account, False)

    def _set_follow(self, given: AccountId | str, on: bool) -> Ref | None:
        account = self._account(given)
        if account == self.account:
            raise LocalError("This is your own account: your own messages are in your timeline anyway.")

        def make(connection: sqlite3.Connection) -> list[tuple[str, content.Content]]:
            if (account in PEOPLE.followed(connection, self.account)) is on:
                return []
            rev = PEOPLE.next_rev(connection, self.account, "follow", account)
            return [("follow", content.follow(account, rev, on))]

        refs = self.append(make, refresh=True)
        return refs[0] if refs else None

    def profile_of(self, account: AccountId) -> Profile | None:
        """Somebody's profile, if one is held."""
        return PEOPLE.profile_of(self.connection, account)

    def following(self) -> list[tuple[AccountId, str | None]]:
        """Whom one follows, with their names."""
        with read_transaction(self.connection):
            accounts = PEOPLE.followed(self.connection, self.account)
            return [(account, self._name(account)) for account in accounts]

    def names(self, accounts: Iterable[AccountId]) -> dict[AccountId, str | None]:
        """What accounts call themselves."""
        return {account: self._name(account) for account in accounts}

    def _name(self, account: AccountId) -> str | None:
        profile = PEOPLE.profile_of(self.connection, account)
        return profile.name or None if profile is not None else None


def _clean(text: str | None, count_max: int, what: str) -> str | None:
    return clean_text(text, count_max, what) if text else text
