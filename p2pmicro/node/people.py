"""What a person does with people: one's own profile, follows, and who is who."""

import sqlite3
from collections.abc import Iterable

from ..errors import LocalError
from ..feed import content
from ..feed.content import clean_name, clean_text
from ..ids import AccountId, Ref
from ..limits import BIO_MAX_CODE_POINTS, LINK_MAX_CODE_POINTS, NAME_MAX_CODE_POINTS
from ..store.db import read_transaction
from ..views import PEOPLE, PICTURES
from ..views.people import Profile
from ..views.person import Person, Portrait, followers, following, people, portrait
from ..views.pins import pinned_refs
from .install import wall_ms
from .lists import Lists
from .newpicture import keep_avatar, strip_avatar


class People(Lists):
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
            TextError: too long, or with characters that can't be sent, or that nobody sees in a name.
            PictureError: no picture, or a too large one; the sentence says what to do.
        """
        picture = strip_avatar(avatar) if avatar else None
        name = clean_name(name, NAME_MAX_CODE_POINTS) if name else name
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
            pins = pinned_refs(connection, self.account)
            fields = (new_name or "", new_bio or None, new_link or None, new_avatar, pins)
            return [("profile", content.profile(rev, *fields))]

        return self.append(make)[0]

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

    def following(self, account: AccountId | str | None = None) -> list[Person]:
        """Whom one follows, or somebody else does, as far as is known here, in the order of their keys.

        Raises:
            LocalError: nobody, or several, are meant.
        """
        whose = self.account if account is None else self._account(account)
        with read_transaction(self.connection):
            return following(self.connection, self.account, whose)

    def followers(self, account: AccountId | str | None = None) -> list[Person]:
        """Who follows oneself, or somebody else, as far as is known here, in the order of their keys."""
        whose = self.account if account is None else self._account(account)
        with read_transaction(self.connection):
            return followers(self.connection, self.account, whose)

    def people(self, accounts: Iterable[AccountId]) -> list[Person]:
        """Accounts as people, in their order."""
        with read_transaction(self.connection):
            return people(self.connection, self.account, accounts)

    def who(self, account: AccountId | str) -> Portrait:
        """All that is known here of somebody.

        Raises:
            LocalError: nobody, or several, are meant.
        """
        whose = self._account(account)
        with read_transaction(self.connection):
            return portrait(self.connection, self.account, whose)

    def names(self, accounts: Iterable[AccountId]) -> dict[AccountId, str | None]:
        """What accounts call themselves."""
        return {account: self._name(account) for account in accounts}

    def _name(self, account: AccountId) -> str | None:
        profile = PEOPLE.profile_of(self.connection, account)
        return profile.name or None if profile is not None else None


def _clean(text: str | None, count_max: int, what: str) -> str | None:
    return clean_text(text, count_max, what) if text else text
