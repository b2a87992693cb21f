"""What a person does with people: one's own profile, follows, and who is who."""

import sqlite3
from collections.abc import Iterable

from ..errors import LocalError
from ..feed import content
from ..feed.content import clean_text
from ..ids import AccountId, Ref, parse_account
from ..keys import check_public_key
from ..limits import BIO_MAX_CODE_POINTS, LINK_MAX_CODE_POINTS, NAME_MAX_CODE_POINTS
from ..store.db import read_transaction
from ..views import PEOPLE
from ..views.people import Profile
from .install import Install


class People(Install):
    """Profiles and follows."""

    def profile(self, name: str | None = None, bio: str | None = None, link: str | None = None) -> Ref:
        """Change one's profile; what is not given stays, an empty text takes away.

        Raises:
            TextError: too long, or with characters that can't be sent.
        """
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
            return [("profile", content.profile(rev, new_name or "", new_bio or None, new_link or None))]

        return self.append(make)[0]

    def follow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody; None if one does already.

        Raises:
            LocalError: no account, a refused key, or oneself.
        """
        return self._set_follow(account, True)

    def unfollow(self, account: AccountId | str) -> Ref | None:
        """Follow somebody no longer; None if one does not."""
        return self._set_follow(account, False)

    def _set_follow(self, given: AccountId | str, on: bool) -> Ref | None:
        account = parse_account(given) if isinstance(given, str) else given
        check_public_key(account)
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
