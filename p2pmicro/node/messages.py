"""What a person writes: messages, answers, quotes, corrections, and their deletion."""

import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from .. import cbor
from ..errors import LocalError
from ..feed import content
from ..feed.content import clean_text
from ..ids import Ref
from ..limits import LANG_MAX_CODE_POINTS, PAYLOAD_MAX_BYTES, REPLACES_MAX
from ..store import erase
from ..store.db import read_transaction
from ..store.effects import is_never_erased
from ..store.lock import NodeLock
from ..views.held import account_of, ids_of, is_deleted
from ..views.message import Message, Picture
from ..views.names import mentions_in
from .circles import Entries
from .install import wall_ms
from .newpicture import NewPicture, keep_pictures, strip_pictures
from .pinning import Pinning
from .reading import GivenRef

_LANG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")  # RFC 5646 section 2.1, as far as its shape goes
_FIELDS_MAX_BYTES = PAYLOAD_MAX_BYTES - 64  # less what stands around the fields


class Messages(Pinning):
    """Messages, written and deleted."""

    def post(
        self,
        text: str,
        pictures: Sequence[NewPicture] = (),
        *,
        reply: GivenRef | None = None,
        quote: GivenRef | None = None,
        replace: GivenRef | None = None,
        lang: str | None = None,
        to: Sequence[str] = (),
    ) -> Ref:
        """Write a message: on the disk when this returns. Whom the text names by `@` is bound to it.

        Args:
            pictures: at most 4; with one, the text may be empty.
            reply: what it answers; of a message to some, the answer is for all who can read that.
            quote: what it quotes.
            replace: a message of one's own that is deleted, and whose place it takes: the same thread, the answers to
                it, its pictures and its quote, where no others are given. Likes and reposts are gone with the old one.
            lang: the text's language, a BCP 47 tag.
            to: names of circles, or people as they are named: only they can read it. Empty: everybody.
        Raises:
            TextError: empty, over 140 code points, or with characters that can't be sent; nothing was written.
            PictureError: no picture, or a too large one; nothing was written.
            LocalError: what it refers to is not here, or can't be referred to; somebody it is to can't be found, or
                nothing can be sealed to them yet; nothing was written.
            StoreError: nothing was written.
        """
        clean = clean_text(text) if text or not pictures else ""
        if lang is not None and (len(lang) > LANG_MAX_CODE_POINTS or not _LANG.fullmatch(lang)):
            raise LocalError(f"{lang[:40]!r} is no language: give a BCP 47 tag, as en or pt-BR.")
        if reply is not None and replace is not None:
            raise LocalError("A message keeps its place when it is replaced: it can't answer another.")
        if to and (reply is not None or replace is not None):
            raise LocalError("An answer goes where what it answers went, and a correction too: leave out --to.")
        with read_transaction(self.connection):
            answered = None if reply is None else self._find(self.connection, reply)
        sealed = bool(to) or (answered is not None and answered.sealed)
        ready = strip_pictures(pictures, sealed=sealed)

        def make(connection: sqlite3.Connection) -> Entries:
            fields: dict[str, Any] = {"lang": lang, "mentions": _mentions(connection, clean)}
            if answered is not None:
                fields["reply"] = _reply_to(answered)
            if quote is not None:
                fields["quote"] = content.ref_value(self._public(connection, quote, "quoted in public").ref)
            fields["media"] = keep_pictures(connection, self.folder, ready, wall_ms(), sealed=sealed)
            if to:
                return self._sealed_post(connection, content.post(clean, **fields), to)
            if answered is not None and sealed:
                root = answered.root or answered.ref
                return [self._sealed_answer(connection, root, "post", content.post(clean, **fields))]
            if replace is None:
                return [("post", content.post(clean, **fields))]
            old = self._own(connection, replace)
            return [
                ("post", _in_place_of(old, content.post(clean, **fields))),
                ("delete", content.delete(old.ref)),
            ]

        refs = self.append(make)
        if replace is not None:
            self._move_pin(replace, refs[0])
            self._wipe()
        return refs[-1] if to else refs[0]  # before a message to a large circle, its members are given its key

    def reply(self, ref: GivenRef, text: str, pictures: Sequence[NewPicture] = (), *, lang: str | None = None) -> Ref:
        """Answer a message, as `post`."""
        return self.post(text, pictures, reply=ref, lang=lang)

    def quote(self, ref: GivenRef, text: str, pictures: Sequence[NewPicture] = (), *, lang: str | None = None) -> Ref:
        """Write a message that shows another one, as `post`."""
        return self.post(text, pictures, quote=ref, lang=lang)

    def delete(self, ref: GivenRef) -> Ref | None:
        """Delete an entry of one's own: erased here, and at every honest node on the next contact.

        Returns: the ref of the delete; None if it is deleted already.
        Raises:
            LocalError: not one's own, not here, or of a kind that others need; nothing was written.
        """

        def make(connection: sqlite3.Connection) -> Entries:
            target = self._deletable(connection, ref)
            return [] if is_deleted(connection, target) else [("delete", content.delete(target))]

        with read_transaction(self.connection):
            self._deletable(self.connection, ref)
        refs = self.append(make)
        self._wipe()
        return refs[0] if refs else None

    # --- What is meant ---

    def _own(self, connection: sqlite3.Connection, given: GivenRef) -> Message:
        message = self._public(connection, given, "replaced: delete it, and write another")
        if message.account != self.account:
            raise LocalError("Only your own messages can be replaced.")
        return message

    def _deletable(self, connection: sqlite3.Connection, given: GivenRef) -> Ref:
        """The ref of an entry of one's own, whatever its kind."""
        feed, seq = self._place(connection, given)
        owner = account_of(connection, feed)
        if owner is None:
            raise LocalError("This message is not here: nothing of its author's feed is held.")
        if owner != self.account:
            raise LocalError("Only your own messages can be deleted. `p2pmicro mute` hides others'.")
        (number,) = connection.execute("SELECT number FROM feeds WHERE feed = ?", (feed,)).fetchone()
        key = (number << 32) + seq
        entry_id = ids_of(connection, [key]).get(key)
        if entry_id is None:
            raise LocalError("This message is not here: your feed has no such entry.")
        row = connection.execute("SELECT payload FROM entries WHERE key = ?", (key,)).fetchone()
        if seq == 1 or (row is not None and row[0] is not None and is_never_erased(row[0])):
            raise LocalError("This entry can't be deleted: others need it to judge your feed.")
        return Ref(feed, seq, entry_id)

    def _wipe(self) -> None:
        """Erase for good what was deleted, unless a node runs here, which does so within a minute."""
        with NodeLock(self.home.node_lock) as free:
            pass
        if free:
            erase.finish(self.connection, self.views)


def _mentions(connection: sqlite3.Connection, text: str) -> list[cbor.Value] | None:
    found: list[cbor.Value] = [list(mention) for mention in mentions_in(connection, text)]
    return found or None


def _reply_to(message: Message) -> content.Content:
    return content.reply(message.root or message.ref, message.ref)


def _in_place_of(old: Message, new: content.Content) -> content.Content:
    """A corrected message: what it says, with what stays as it was."""
    fields: dict[str, Any] = {}
    if old.parent is not None and old.root is not None:
        fields["reply"] = content.reply(old.root, old.parent)
    if old.quote is not None:
        fields["quote"] = content.ref_value(old.quote)
    if old.pictures:
        fields["media"] = [_picture_row(picture) for picture in old.pictures]
    if old.lang is not None:
        fields["lang"] = old.lang
    replaced = [content.ref_value(ref) for ref in (old.ref, *old.replaces)][:REPLACES_MAX]
    # The earliest wordings give way where all of it would not fit: of their answers the root is still known.
    while len(cbor.encode(made := fields | new | {"replaces": replaced})) > _FIELDS_MAX_BYTES and len(replaced) > 1:
        replaced = replaced[:-1]
    return made


def _picture_row(picture: Picture) -> cbor.Value:
    return [picture.hash, picture.type, picture.size_bytes, picture.alt]
