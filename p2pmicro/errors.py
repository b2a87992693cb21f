"""Every exception that p2pmicro raises, by who is at fault.

    P2PMicroError
      LocalError            the caller asked for what the protocol forbids (a wrong command, or a bug)
      RemoteError           the peer did it: the session ends
        FrameError          a frame's length or shape
        MessageError        a message's CBOR, type or fields
        StateError          a message that has no place in this state
        LimitError          too much of something
        AuthError           a hello that does not prove who sent it
      EntryError            data of a feed refused
        EncodingError       bytes that are not our CBOR profile
        SizeError           a payload, range or text over its limit
        BadKeyError         a small-order, non-canonical or ill-sized public key
        SignatureError      a signature that does not hold
        DeviceError         an entry 1 that does not prove whose feed it is
        SeqError            not the next entry, or a page end without its head
        BacklinkError       a chain that does not reach the id that it should
        ForkError           a fork proof that proves nothing
        ContentError        a payload whose kind or fields are not as the schema says (never refused: shown to nobody)
      StoreError            the home's database
        SchemaTooNewError   written by a newer version
        StoreLockedError    somebody else holds what cannot be shared
        StoreDamagedError   it contradicts itself
        StoreFullError      the disk or a quota is full
        StoreReadOnlyError  it can be read and not written
        DiskFailedError     the disk failed to write or sync
        FeedBehindError     this install may not write to its feed any more
      ConfigError           a home, setting or address that cannot be used

Each has a stable `code`: the vectors' `expect`, a session's close reason and the JSON of the CLI use it.
"""

from typing import ClassVar


class P2PMicroError(Exception):
    """The root: `code` is stable, `str()` is a sentence for people."""

    code: ClassVar[str] = "error"


class LocalError(P2PMicroError):
    """What was asked for can't be done as asked; nothing was written."""

    code = "local"


class RemoteError(P2PMicroError):
    """The peer broke the protocol; the session ends with this code as its reason."""

    code = "remote"


class FrameError(RemoteError):
    """A frame is empty, over 1 MiB, or not an array."""

    code = "remote.frame"


class MessageError(RemoteError):
    """A message has an unknown type, a wrong field, or is not our CBOR profile."""

    code = "remote.message"


class StateError(RemoteError):
    """A message came that has no place in the session's state."""

    code = "remote.state"


class LimitError(RemoteError):
    """A peer sent or asked for more than the protocol allows, or was too slow."""

    code = "remote.limit"


class AuthError(RemoteError):
    """A hello's signature, network or version is wrong."""

    code = "remote.auth"


class EntryError(P2PMicroError):
    """Data of a feed was refused; nothing of it was kept."""

    code = "entry"


class EncodingError(EntryError):
    """Bytes are not the CBOR profile of protocol/content.md."""

    code = "entry.encoding"


class SizeError(EntryError):
    """A payload, range, proof or text is empty or over its limit."""

    code = "entry.size"


class BadKeyError(EntryError):
    """A public key is of the wrong length, not canonical, or of small order."""

    code = "entry.key"


class SignatureError(EntryError):
    """A signature does not hold for its key and message."""

    code = "entry.signature"


class DeviceError(EntryError):
    """Entry 1 does not prove whose feed it is."""

    code = "entry.device"


class SeqError(EntryError):
    """An entry is not next, a head lies outside its range, or a page end has no head."""

    code = "entry.seq"


class BacklinkError(EntryError):
    """The chain does not reach the id that it should: `expected` and `found` are 32-byte ids at `seq`."""

    code = "entry.backlink"

    def __init__(self, message: str, seq: int, expected: bytes, found: bytes) -> None:
        super().__init__(message)
        self.seq = seq
        self.expected = expected
        self.found = found


class ForkError(EntryError):
    """A fork proof proves nothing: one id on both sides, or sides that do not start at one place."""

    code = "entry.fork"


class ContentError(EntryError):
    """A payload's kind is unknown or its fields are not as its schema says; the entry stays in the feed, unseen."""

    code = "entry.content"


class StoreError(P2PMicroError):
    """The home's database can't do what was asked."""

    code = "store"


class SchemaTooNewError(StoreError):
    """The database was written by a newer version; it was not touched."""

    code = "store.too_new"


class StoreLockedError(StoreError):
    """Another process holds what cannot be shared."""

    code = "store.locked"


class StoreDamagedError(StoreError):
    """The database, a key file or the mark contradicts itself."""

    code = "store.damaged"


class StoreFullError(StoreError):
    """The disk is full, or a quota is used up."""

    code = "store.full"


class StoreReadOnlyError(StoreError):
    """The database can be read and not written."""

    code = "store.read_only"


class DiskFailedError(StoreError):
    """The disk failed to write or sync. It must not be tried again: the node turns read-only and says so."""

    code = "store.disk"


class FeedBehindError(StoreError):
    """This install may not write to its feed any more; nothing was written. It makes a new feed."""

    code = "store.behind"


class ConfigError(P2PMicroError):
    """A home, a setting or an address can't be used."""

    code = "config"
