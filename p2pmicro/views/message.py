"""A message as people read it, and how it is loaded from the log."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from .. import cbor
from ..errors import ContentError, EncodingError
from ..feed.content import Content, Entry, read_many, read_opened, ref_of
from ..feed.hidden import has_hidden
from ..ids import AccountId, Ref
from ..store.feeds import Role
from .counts import NOTHING, Counts, count
from .filter import Filter
from .held import ids_of, keys_of, marks, select, target_of
from .names import lookalikes, petnames

FUTURE_MARK_MS = 5 * 60_000
"""How far a claim may run ahead of when it was first seen: clocks differ by minutes, and nobody cheats by so little."""
FROM_THE_FUTURE = "from the future"
DATED_BACK = "dated back"
HIDDEN = "contains hidden characters"
LOOKS_LIKE = "name looks like somebody else's"
_BLOCK = 8  # messages loaded at once, where a list lacks fewer
_LOADED_MAX = 10_000  # messages that one list loads: about 0.4 s


class Mention(NamedTuple):
    """Whom a part of a text names: the account counts, whatever the text says."""

    start: int  # in code points of the text
    length: int
    account: AccountId


class Picture(NamedTuple):
    """A picture that a message has, by its hash."""

    hash: bytes  # 32 bytes: SHA-256 of the file as it travels
    type: str  # as the author says
    size_bytes: int
    alt: str  # may be empty
    key: bytes | None = None  # of a sealed message: 32 bytes under which it is encrypted

    def __repr__(self) -> str:
        """All but the key: what is shown may be logged. Source: threats L15."""
        shown = (f"{name}={value!r}" for name, value in zip(self._fields[:-1], self, strict=False))
        return f"Picture({', '.join(shown)})"


class Who(NamedTuple):
    """A person who did something."""

    account: AccountId
    name: str | None  # as the account says; None while there is none
    petname: str | None = None  # what the person calls them: shown instead


@dataclass(frozen=True, slots=True)
class Relay:
    """Why a message stands in a list that is not its author's: somebody passed it on."""

    key: int  # of the repost
    time_ms: int  # its place in a list by time
    by: tuple[Who, ...]  # the one whose repost it is, then others of whom the list knows


class Message(NamedTuple):
    """One message, ready to be shown; nothing in it is trusted: names and text may hold any character.

    A named tuple, since lists make many: a frozen dataclass of so many fields takes five times as long.
    """

    ref: Ref
    key: int  # of its row in this store: feed number << 32 | seq
    account: AccountId
    name: str | None  # from the account's profile; None while there is none, or an empty one
    time_ms: int  # min(claimed, first seen), Unix milliseconds: its place in a list
    seen_ms: int  # when it was first stored here
    claimed_ms: int  # what its author says
    kind: str
    text: str  # at most 140 code points
    marks: tuple[str, ...]  # of FROM_THE_FUTURE, DATED_BACK, HIDDEN, LOOKS_LIKE
    parent: Ref | None = None  # what it answers; None: it begins a thread
    root: Ref | None = None  # what began the thread, as its author says
    quote: Ref | None = None
    replaces: tuple[Ref, ...] = ()  # deleted ones whose place it takes, as its author says
    mentions: tuple[Mention, ...] = ()  # in order
    lang: str | None = None  # BCP 47, unchecked
    pictures: tuple[Picture, ...] = ()
    sealed: bool = False  # whether only some can read it
    alone: bool = False  # whether it is held as an excerpt
    to: tuple[AccountId, ...] = ()  # of a sealed one: who it says that it is to
    circle: bytes | None = None  # of a sealed one: 16 bytes, its author's circle
    relay: Relay | None = None  # in a list: who passed it on
    tag: str | None = None  # in a list: the followed tag for which it stands there
    pinned: bool = False  # on its author's page: whether it stands there first
    petname: str | None = None  # what the person calls its author: shown instead of the name
    counts: Counts = NOTHING  # what became of it: in lists, threads, and what is opened by its ref

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in a list by time: what the next page comes `before`."""
        return (self.time_ms, self.key) if self.relay is None else (self.relay.time_ms, self.relay.key)


Choose = Callable[[Filter, list[Message]], list[Message]]
"""Of some messages of a list, those that it shows, perhaps with more said of them."""


def visible(
    connection: sqlite3.Connection, keys: Iterable[int], limit: int, choose: Choose | None = None
) -> list[Message]:
    """The first `limit` messages of these keys that the person wants to see, in their order: what every list is.

    At most _LOADED_MAX are looked at: what stands behind more than so many hidden ones in a row is not found.
    """
    hidden = Filter.read(connection)
    left = islice((key for key in keys if not hidden.hides_key(key)), _LOADED_MAX)
    found: list[Message] = []
    while len(found) < limit and (block := list(islice(left, max(limit - len(found), _BLOCK)))):
        shown = hidden.shown(load(connection, block))
        found += shown if choose is None else choose(hidden, shown)
    return counted(connection, hidden, found[:limit])


def counted(connection: sqlite3.Connection, hidden: Filter, messages: Sequence[Message]) -> list[Message]:
    """Some messages with what became of them."""
    counts = count(connection, hidden, messages, partial(load, connection))
    told = zip(messages, counts, strict=True)
    # `_replace` takes twice as long; the counts are the last field.
    return [message if one is NOTHING else Message(*message[:-1], one) for message, one in told]


def load(connection: sqlite3.Connection, keys: Sequence[int]) -> list[Message]:
    """The messages of these keys in their order, muted ones too: for what a person opens by its ref.

    The key of a repost gives the verified original, with who passed it on. Those that are not held, not readable or no
    message are left out; so are reposts that were taken back.
    """
    found, reposts = _read(connection, keys)
    if reposts:
        originals = find(connection, [repost.ref for repost in reposts])
        for repost in reposts:
            if repost.ref in originals and _counts(connection, repost):
                found[repost.relay.key] = originals[repost.ref]._replace(relay=repost.relay)
    return [found[key] for key in keys if key in found]


def find(connection: sqlite3.Connection, refs: Iterable[Ref]) -> dict[Ref, Message]:
    """The messages that refs name, by ref: those whose id there is the named one."""
    keys = keys_of(connection, refs)
    found, _ = _read(connection, list(set(keys.values())))
    return {ref: found[key] for ref, key in keys.items() if key in found and found[key].ref.id == ref.id}


class _Repost(NamedTuple):
    ref: Ref
    relay: Relay


def _read(connection: sqlite3.Connection, keys: Sequence[int]) -> tuple[dict[int, Message], list[_Repost]]:
    """What stands at some keys: the messages by key, and the reposts."""
    rows = select(connection, keys)
    entries = read_many([row[2] for row in rows])
    sealed = [row[0] for row, entry in zip(rows, entries, strict=True) if _kind(entry) == "sealed"]
    opened = _opened(connection, sealed) if sealed else {}
    walked = ids_of(connection, [row[0] for row in rows if row[8] is None])
    messages: dict[int, Message] = {}
    reposts: list[_Repost] = []
    strangers: dict[AccountId, str] = {}
    for row, outer in zip(rows, entries, strict=True):
        key, seen_ms, _, previous, feed, account, role, name, entry_id, alone = row
        if name and role < Role.FOLLOWED:
            strangers[account] = name
        before_ms = None if previous is None else cbor.first_integer(previous)
        entry_id = entry_id or walked.get(key)
        if not isinstance(outer, Entry) or entry_id is None:
            continue
        time_ms = outer.time_ms
        place_ms = min(time_ms, seen_ms)
        entry = opened.get(key, outer)
        content = entry.content
        if entry.kind == "repost" and content["on"]:
            relay = Relay(key, place_ms, (Who(account, name or None),))
            reposts.append(_Repost(ref_of(content["ref"]), relay))
        if entry.kind != "post":
            continue
        remarks: tuple[str, ...] = ()
        if time_ms > seen_ms + FUTURE_MARK_MS:
            remarks = (FROM_THE_FUTURE,)
        # Against the feed alone, not against anybody's clock: the same on every node that holds both.
        if before_ms is not None and time_ms < before_ms:
            remarks += (DATED_BACK,)
        if has_hidden(content["text"]):
            remarks += (HIDDEN,)
        ref = Ref(feed, key & 0xFFFFFFFF, entry_id)
        text = content["text"]
        plain = (ref, key, account, name or None, place_ms, seen_ms, time_ms, "post", text, remarks)
        if len(content) == 1 and entry is outer and not alone:  # most messages
            messages[key] = Message(*plain)
        else:
            messages[key] = Message(*plain, *_more(content, entry is not outer, bool(alone)))
    _name(connection, messages, reposts, strangers)
    return messages, reposts


def _name(
    connection: sqlite3.Connection,
    messages: dict[int, Message],
    reposts: list[_Repost],
    strangers: Mapping[AccountId, str],
) -> None:
    """Say how the person calls whom, and which strangers look like somebody whom they know."""
    given = petnames(connection)
    likes = lookalikes(connection, {account: name for account, name in strangers.items() if account not in given})
    if not given and not likes:
        return
    for key, message in messages.items():
        if message.account in likes:
            messages[key] = message._replace(marks=(*message.marks, LOOKS_LIKE))
        elif message.account in given:
            messages[key] = message._replace(petname=given[message.account])
    for place, repost in enumerate(reposts):
        (who,) = repost.relay.by
        if who.account in given:
            relay = replace(repost.relay, by=(Who(who.account, who.name, given[who.account]),))
            reposts[place] = repost._replace(relay=relay)


def _more(content: Content, sealed: bool, alone: bool) -> tuple[Any, ...]:
    """The fields of a message that most have not, from `parent` to `circle`."""
    reply = content.get("reply")
    quote = content.get("quote")
    return (
        None if reply is None else ref_of(reply["parent"]),
        None if reply is None else ref_of(reply["root"]),
        None if quote is None else ref_of(quote),
        tuple(map(ref_of, content["replaces"])) if "replaces" in content else (),
        tuple(Mention(*mention) for mention in content["mentions"]) if "mentions" in content else (),
        content.get("lang"),
        tuple(Picture(*row) for row in content["media"]) if "media" in content else (),
        sealed,
        alone,
        tuple(content.get("to", ())),
        content.get("circle"),
    )


def _kind(entry: Entry | EncodingError | ContentError) -> str | None:
    return entry.kind if isinstance(entry, Entry) else None


def _opened(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, Entry]:
    """What was inside of sealed entries that this account could open."""
    rows = connection.execute(f"SELECT key, plain FROM sealed WHERE state = 2 AND key IN ({marks(len(keys))})", keys)
    return {key: read_opened(0, plain) for key, plain in rows}


def _counts(connection: sqlite3.Connection, repost: _Repost) -> bool:
    """Whether a repost is what its account says last of that message."""
    row = connection.execute(
        "SELECT 1 FROM reactions WHERE target = ? AND kind = 2 AND wanted AND key = ?"
        " AND account = (SELECT account FROM feeds WHERE number = ?)",
        (target_of(repost.ref.id), repost.relay.key, repost.relay.key >> 32),
    ).fetchone()
    return row is not None
