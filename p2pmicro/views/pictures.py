"""Which entry names which picture, and whether what came is what they say. Source: protocol/content.md, "Pictures"."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from .. import cbor
from ..errors import ContentError, EncodingError
from ..feed import picture
from ..feed.content import Content, read
from ..feed.picture import Facts, PictureError
from ..ids import AccountId
from ..limits import AVATAR_OF_HOPS_MAX_BYTES
from ..store import media
from ..store.feeds import Role
from ..store.media import Wish
from ..store.view import Row
from .message import Picture

_FOLLOWED_BEFORE_MAX = 256
"""Pictures of a person that are wanted when one begins to follow them: the newest."""
_NAMED_MAX = 64  # entries that are asked whether a picture is what they say: who names it a million times gains nothing


def open_picture(one: Picture, data: bytes) -> bytes:
    """The picture itself, from the bytes of its hash.

    Raises:
        PictureError: they are not what the entry says.
    """
    if len(data) != one.size_bytes:
        raise PictureError("This is not the picture that the message names: it has another length.")
    plain = data if one.key is None else picture.unseal(data, one.key)
    if picture.look(plain).type != one.type:
        raise PictureError("This is not the picture that the message names: it is of another type.")
    return plain


def pictures_of(content: Content) -> tuple[Picture, ...]:
    """The pictures of a message whose schema was checked."""
    return tuple(Picture(*row) for row in content.get("media", ()))


def avatar_of(content: Content) -> Picture | None:
    """The picture of a profile whose schema was checked."""
    row = content.get("avatar")
    return None if row is None else Picture(row[0], row[1], row[2], "")


class Pictures:
    """The pictures of all messages and profiles that are held, and of those followed what is to be fetched."""

    # --- As a view; after People, which says which profile holds ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Note what new entries name; of those one follows it is wanted."""
        named: list[tuple[Any, ...]] = []
        wishes: list[Wish] = []
        for row in rows:
            content = row.entry.content
            if row.entry.kind == "post" and "media" in content:
                for place, one in enumerate(pictures_of(content)):
                    named.append((row.key, place, one.hash, one.type, one.size_bytes, one.key))
                    # P4: who fetches a picture of a sealed message shows that it can read that, so a person has to ask.
                    if row.role >= Role.FOLLOWED and not row.alone and not row.sealed:
                        wishes.append(_wish(one, row.key, row.time_ms, row.role))
        if named:
            connection.executemany("INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?)", named)
            media.want(connection, wishes)
        self._settle_avatars(connection, rows)

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Forget what entries named; what nothing else names goes."""
        gone: list[bytes] = []
        for row in rows:
            if row.entry.kind == "post" and "media" in row.entry.content:
                connection.execute("DELETE FROM pictures WHERE key = ?", (row.key,))
                gone += [one.hash for one in pictures_of(row.entry.content)]
        media.release(connection, gone)
        self._settle_avatars(connection, rows)

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget who names what; files stay."""
        for table in ("pictures", "avatars"):
            connection.execute(f"DELETE FROM {table}")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Want the newest pictures of who is followed now; of who no longer is, none that is not here."""
        if new >= Role.FOLLOWED > old:
            feeds = [
                number for (number,) in connection.execute("SELECT number FROM feeds WHERE account = ?", (account,))
            ]
            for feed in feeds:
                rows = connection.execute(
                    "SELECT hash, bytes, p.key, seen_ms, ? FROM pictures p JOIN entries e ON e.key = p.key"
                    " WHERE p.key BETWEEN ? AND ? AND p.secret IS NULL ORDER BY p.key DESC LIMIT ?",
                    (new == Role.OWN, feed << 32, feed << 32 | 0xFFFFFFFF, _FOLLOWED_BEFORE_MAX),
                ).fetchall()
                media.want(connection, [Wish(*row) for row in rows])
        elif old >= Role.FOLLOWED > new:
            connection.execute(
                "DELETE FROM media WHERE state = 0 AND NOT chosen"
                " AND key >> 32 IN (SELECT number FROM feeds WHERE account = ?)",
                (account,),
            )
        if new >= Role.HOP:
            self._want_avatar(connection, account, new)

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: rows that are deleted are overwritten (secure_delete)."""

    def _settle_avatars(self, connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
        """Bring the pictures of accounts in line with the profiles that hold now."""
        for account, role in {(row.account, row.role) for row in rows if row.entry.kind == "profile"}:
            before = connection.execute("SELECT key, hash FROM avatars WHERE account = ?", (account,)).fetchone()
            found = connection.execute(
                "SELECT key, payload FROM profiles JOIN entries USING (key) WHERE account = ?", (account,)
            ).fetchone()
            if before is not None and found is not None and before[0] == found[0]:
                continue
            avatar = None if found is None or found[1] is None else _read_avatar(found[1])
            connection.execute("DELETE FROM avatars WHERE account = ?", (account,))
            if avatar is not None:
                values = (account, found[0], avatar.hash, avatar.type, avatar.size_bytes)
                connection.execute("INSERT INTO avatars VALUES (?, ?, ?, ?, ?)", values)
                self._want_avatar(connection, account, role)
            if before is not None:
                media.release(connection, [before[1]])

    @staticmethod
    def _want_avatar(connection: sqlite3.Connection, account: int, role: int) -> None:
        size_max = AVATAR_OF_HOPS_MAX_BYTES if role == Role.HOP else None
        row = connection.execute(
            "SELECT hash, bytes, a.key, seen_ms, ? FROM avatars a JOIN entries e ON e.key = a.key WHERE account = ?"
            " AND bytes <= coalesce(?, bytes)",
            (role == Role.OWN, account, size_max),
        ).fetchone()
        if row is not None and role >= Role.HOP:
            media.want(connection, [Wish(*row)])

    # --- Queries ---

    def sealed_wishes(self, connection: sqlite3.Connection, name: bytes) -> list[Wish]:
        """What messages to some, of people one follows and of oneself, name by this hash."""
        rows = connection.execute(
            "SELECT p.hash, p.bytes, p.key, e.seen_ms, a.role = ? FROM pictures p JOIN entries e ON e.key = p.key"
            " JOIN feeds f ON f.number = p.key >> 32 JOIN accounts a ON a.number = f.account"
            " WHERE p.hash = ? AND p.secret IS NOT NULL AND a.role >= ?",
            (int(Role.OWN), name, int(Role.FOLLOWED)),
        )
        return [Wish(*row) for row in rows]

    def fits(self, connection: sqlite3.Connection, name: bytes, data: bytes, facts: Facts | None) -> bool:
        """Whether bytes that came are what some entry that is held says of this hash.

        Args:
            facts: what the bytes are as they are; None if that is no picture.
        """
        rows = connection.execute(
            "SELECT hash, type, bytes, '', secret FROM pictures WHERE hash = ?1 AND bytes = ?2"
            " UNION ALL SELECT hash, type, bytes, '', NULL FROM avatars WHERE hash = ?1 AND bytes = ?2 LIMIT ?3",
            (name, len(data), _NAMED_MAX),
        ).fetchall()
        return any(_is_as_said(one, data, facts) for one in dict.fromkeys(Picture(*row) for row in rows))

    def avatar(self, connection: sqlite3.Connection, account: AccountId) -> tuple[Picture, int] | None:
        """The picture of an account's profile as it names it, and the profile's key."""
        row = connection.execute(
            "SELECT key, hash, type, bytes FROM avatars JOIN accounts ON number = avatars.account"
            " WHERE accounts.account = ?",
            (account,),
        ).fetchone()
        return None if row is None else (Picture(row[1], row[2], row[3], ""), row[0])

    def avatar_value(self, connection: sqlite3.Connection, account: AccountId) -> cbor.Value:
        """The same as the field of a profile, to be repeated; None if there is none."""
        found = self.avatar(connection, account)
        return None if found is None else [*found[0][:3]]


def _is_as_said(one: Picture, data: bytes, facts: Facts | None) -> bool:
    if one.key is None:
        return facts is not None and facts.type == one.type
    try:
        open_picture(one, data)
    except PictureError:
        return False
    return True


def _wish(one: Picture, key: int, time_ms: int, role: int) -> Wish:
    return Wish(one.hash, one.size_bytes, key, time_ms, role == Role.OWN)


def _read_avatar(payload: bytes) -> Picture | None:
    try:
        entry = read(payload)
    except (EncodingError, ContentError):
        return None
    return avatar_of(entry.content)
