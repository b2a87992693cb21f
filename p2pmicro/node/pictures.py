"""What a person does with the pictures of messages and profiles: looks at them, once they are here."""

from dataclasses import dataclass

from ..errors import LocalError
from ..ids import AccountId, Ref
from ..store import media
from ..store.db import read_transaction, transaction
from ..store.media import Wish
from ..views import PICTURES
from ..views.message import Picture
from ..views.pictures import open_picture
from .install import Make, wall_ms
from .reading import GivenRef, Reading
from .wake import wake_node


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """A picture of a message or a profile, and its bytes if they are here."""

    picture: Picture
    data: bytes | None  # None: not here yet; it is wanted now, and comes when a node that has it is met


class Pictures(Reading):
    """Pictures, shown and erased."""

    def append(self, make: Make, *, refresh: bool = False, private: bool = False) -> list[Ref]:
        """Append as `Install.append`; pictures that nothing names any more are then erased."""
        refs = super().append(make, refresh=refresh, private=private)
        if media.erasures_pending(self.connection):
            with transaction(self.connection):
                media.erase_files(self.connection, self.folder)
        return refs

    def picture(self, ref: GivenRef, number: int = 1) -> OpenedPicture:
        """A picture of a message. If it is not here, that is noted: a running node asks the nodes that it meets.

        Args:
            number: which of the message's pictures, from 1.
        Raises:
            LocalError: no such message is here, or it has fewer pictures.
            PictureError: what came is not what the message says.
        """
        message = self.find_message(ref)
        pictures = message.pictures
        if not 1 <= number <= len(pictures):
            has = {0: "no picture", 1: "one picture"}.get(len(pictures), f"{len(pictures)} pictures")
            raise LocalError(f"This message has {has}, and no number {number}.")
        return self._open(pictures[number - 1], message.key)

    def is_here(self, picture: Picture) -> bool:
        """Whether the bytes of a picture are here."""
        return bool(media.here(self.connection, [picture.hash]))

    def mend_pictures(self) -> list[str]:
        """Read all files of pictures again; a sentence for each that is damaged or gone: it is wanted again."""
        found = media.damaged(self.connection, self.folder)
        if found:
            with transaction(self.connection):
                for name in found:
                    media.lost(self.connection, name)
            wake_node(self.home.wake)
        return [f"The file of picture {name.hex()} is damaged or gone: other nodes are asked for it." for name in found]

    def avatar(self, account: AccountId) -> OpenedPicture | None:
        """The picture of somebody's profile; None if there is none. If it is not here, that is noted."""
        with read_transaction(self.connection):
            found = PICTURES.avatar(self.connection, account)
        return None if found is None else self._open(*found)

    def _open(self, one: Picture, key: int) -> OpenedPicture:
        now_ms = wall_ms()
        data = None
        with transaction(self.connection):
            if media.here(self.connection, [one.hash]):
                data = self.folder.load(one.hash)
                if data is None:
                    media.lost(self.connection, one.hash)
                else:
                    media.used(self.connection, one.hash, now_ms)
            if data is None:
                media.choose(self.connection, Wish(one.hash, one.size_bytes, key, now_ms, False))
        if data is None:
            wake_node(self.home.wake)
            return OpenedPicture(one, None)
        return OpenedPicture(one, open_picture(one, data))
