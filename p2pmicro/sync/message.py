"""The messages of a session; how they are written is coding.py. Source: protocol/sync.md, "Messages"."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from .. import cbor
from ..errors import AuthError, EntryError
from ..feed import wire
from ..feed.chain import Excerpt, Range
from ..feed.device import DeviceProof, Revoke
from ..feed.fork import ForkProof
from ..ids import AccountId, EntryId, FeedId, Ref
from ..keys import PrivateKey, verify
from ..limits import PROTOCOL_VERSION

EPOCH_BYTES = 8
VERSION_BYTES = 8
SALT_BYTES = 16
ELEMENT_BYTES = 16
ID_PREFIX_BYTES = 16  # of an id, where a peer only compares: X5 of the threats says why not fewer
CAPABILITIES_MAX = 16
CAPABILITY_MAX_CHARS = 32
EXCERPTS = "excerpts"  # the capability to ask for entries by ref
CLOSE_TEXT_MAX_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hello:
    """Who one is, in a session between these two certificates and in no other. Source: "Hello"."""

    fields: bytes  # the CBOR map that is signed, as it came: unknown fields stay under the signature
    signature: bytes  # 64 bytes by the feed key
    feed: FeedId
    epoch: bytes  # 8 bytes: of the sender's store
    capabilities: frozenset[str]
    device: DeviceProof | None  # absent if the receiver has it, or the sender has no seed


@dataclass(frozen=True, slots=True)
class Resume:
    """Where the sender stands with the receiver since they last met. Source: "Resume"."""

    epoch: bytes | None  # the receiver's, as the sender knows it
    cursor: int  # the receiver's changes up to here are stored or noted at the sender
    answered: bytes | None  # the last version of the sender's interest that the receiver answered in full
    held: bytes | None  # the version of the receiver's interest that the sender holds


@dataclass(frozen=True, slots=True)
class Interest:
    """What the sender wants to hear of: a change of what the receiver holds, or all of it. Source: "Interest"."""

    base: bytes | None  # the version that this changes; None: it is all
    version: bytes  # 8 bytes: the version that results
    salt: bytes | None  # 16 bytes with a full one
    added: Sequence[bytes]  # elements of 16 bytes
    removed: Sequence[bytes]
    last: bool = True  # False: more of it follows in the next message


@dataclass(frozen=True, slots=True)
class HaveItem:
    """What the sender holds of one feed. Source: "Have"."""

    feed: FeedId
    account: AccountId
    change: int  # its place in the sender's changes
    runs: Sequence[tuple[int, int, int]]  # (first, first with payload, last), the newest run first; at most 2
    id_prefix: bytes  # 16 bytes of the id at the end of the newest run; of id(0) without one
    device: DeviceProof | None = None
    revoke: Revoke | None = None
    fork: ForkProof | None = None


@dataclass(frozen=True, slots=True)
class Have:
    """Feeds that the receiver wants, by the sender's change numbers."""

    items: Sequence[HaveItem]  # at most 256
    upto: int | None = None  # every change up to here has been told; with the last message of an answer, and while live
    answered: bytes | None = None  # the version of the receiver's interest that is answered in full with this message


@dataclass(frozen=True, slots=True)
class Want:
    """Entries asked for; each is answered by a range or gone of the same number. Source: "Want"."""

    number: int  # chosen by who asks, rising
    feed: FeedId
    first: int
    last: int
    id_prefix: bytes | None  # 16 bytes of the id at `last`, where the sender knows it


@dataclass(frozen=True, slots=True)
class Wants:
    """Several wants, answered in this order."""

    items: Sequence[Want]  # at most 64


@dataclass(frozen=True, slots=True)
class RangeGiven:
    """A range: the answer to a want, or pushed because it is new."""

    number: int | None  # the want's; None: pushed
    range: Range


@dataclass(frozen=True, slots=True)
class Gone:
    """A want or an ask that can't be answered: not held, or on another branch."""

    number: int


@dataclass(frozen=True, slots=True)
class AskIds:
    """Ids asked for by seq, to find where two branches part."""

    feed: FeedId
    seqs: Sequence[int]  # at most 64, rising


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids that were asked for, without those not held."""

    feed: FeedId
    ids: Sequence[tuple[int, EntryId]]


@dataclass(frozen=True, slots=True)
class WantMedia:
    """Pictures asked for by their hashes; each is answered by a `media`. Source: "Media"."""

    names: Sequence[bytes]  # 32 bytes each, at most 16


@dataclass(frozen=True, slots=True)
class Media:
    """A picture that was asked for, or that it is not held."""

    name: bytes  # the hash that was asked for; whether `data` are of it is checked by the receiver
    data: bytes | None  # 1 byte to 1 MiB


@dataclass(frozen=True, slots=True)
class Ping:
    """Is anybody there?"""


@dataclass(frozen=True, slots=True)
class Pong:
    """Yes."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One entry asked for by its ref; answered by an excerpt or gone of the same number. Source: "Excerpts"."""

    number: int  # of one series with the wants
    ref: Ref


@dataclass(frozen=True, slots=True)
class Asks:
    """Several entries asked for by their refs."""

    items: Sequence[Ask]  # at most 64


@dataclass(frozen=True, slots=True)
class ExcerptGiven:
    """One entry with what proves it: the one that was asked for, or the delete that names it."""

    number: int | None  # the ask's; None: told because the peer asked before, or wants to hear of deletes
    excerpt: Excerpt
    devices: Sequence[DeviceProof]  # of its feed; of a delete of another feed's entry, then that feed's


@dataclass(frozen=True, slots=True)
class Close:
    """The last message: why the session ends."""

    code: str  # an error's code, or `bye`, `busy`, `duplicate`
    text: str  # a sentence


Message: TypeAlias = (
    Hello
    | Resume
    | Interest
    | Have
    | Wants
    | RangeGiven
    | Gone
    | AskIds
    | Ids
    | Ping
    | Pong
    | Close
    | Asks
    | ExcerptGiven
    | WantMedia
    | Media
)


# --- Hello ---


def make_hello(
    key: PrivateKey,
    initiator: bool,
    certificates: tuple[bytes, bytes],
    epoch: bytes,
    capabilities: frozenset[str],
    device: DeviceProof | None,
) -> Hello:
    """Sign a hello for one session.

    Args:
        key: the feed key.
        initiator: whether the signer dialled.
        certificates: the initiator's and the responder's, DER.
        epoch: 8 bytes of the signer's store.
        capabilities: what the signer can do beyond version 1.
        device: its device proof, unless the other has it.
    """
    content: dict[str, cbor.Value] = {
        "v": PROTOCOL_VERSION,
        "feed": key.public,
        "epoch": epoch,
        "caps": [*sorted(capabilities)],
    }
    if device is not None:
        content["device"] = wire.device_proof_value(device)
    fields = cbor.encode(content)
    signature = key.sign(_hello_message(initiator, certificates, fields))
    return Hello(fields, signature, FeedId(key.public), epoch, capabilities, device)


def check_hello(hello: Hello, initiator: bool, certificates: tuple[bytes, bytes]) -> None:
    """Check that the feed's key signed this hello for this session and this role.

    Raises:
        AuthError: it did not: a replayed, relayed or reflected hello among them.
    Source: protocol/sync.md, "Hello".
    """
    try:
        verify(hello.feed, _hello_message(initiator, certificates, hello.fields), hello.signature)
    except EntryError as error:  # a refused key or a wrong signature: one answer for both
        raise AuthError(f"The hello does not prove who sent it: {error}") from None


def _hello_message(initiator: bool, certificates: tuple[bytes, bytes], fields: bytes) -> bytes:
    digests = b"".join(sha256(part).digest() for part in (*certificates, fields))
    return b"p2pmicro hello 1" + (b"\0" if initiator else b"\1") + digests
