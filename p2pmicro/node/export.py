"""Everything of oneself in a file: as a signed bundle, or as plain JSON.

Source: protocol/bundle.md, "Feeds in it"; protocol/export.md, "The file".
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from ..errors import LocalError
from ..feed.bundle import Carried, Manifest, encode_manifest, encode_record
from ..feed.chain import Range
from ..feed.picture import PictureError
from ..ids import AccountId, FeedId, format_account, format_feed
from ..store import drafts, private
from ..store.bundle import (
    Extent,
    excerpts_of,
    feeds_held_alone,
    feeds_to_give,
    pictures_to_give,
    records_of,
    survey,
)
from ..store.db import read_transaction
from ..store.feeds import FeedState, feed_state
from ..store.serve import entry_ids
from ..store.view import shown_rows
from ..views import PEOPLE
from ..views.message import Picture
from ..views.pictures import open_picture
from .drafts import Drafts
from .install import wall_ms
from .newfile import check_place, new_file
from .plain import PRIVATE, Plain, plain_entry, plain_state, rfc3339

Progress = Callable[[int, int], None]
"""Told how many of all entries are done."""

JSON_FORMAT = "p2pmicro export 1"
_BUNDLE_RECORD_BYTES = 600  # of a feed's proof, and of a header: for the estimate
_PLAIN_ENTRY_BYTES = 600  # around a content in JSON
_STEP_ENTRIES = 2048  # read in one transaction


class Form(Enum):
    """What the file is."""

    BUNDLE = "bundle"  # signed ranges, for another node
    JSON = "json"  # plain, for people and programs


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export will have: shown before anything is written."""

    path: Path
    form: Form
    everybody: bool  # what is held of others too
    private: bool  # private state and sealed messages
    drafts: bool
    feeds: tuple[FeedId, ...]
    people: tuple[AccountId, ...]  # whose they are, oneself first
    extent: Extent
    private_items: int
    draft_count: int
    replaces: bool  # a file that is there already
    pictures: bool = True

    @property
    def about_bytes(self) -> int:
        """How large the file will be, roughly."""
        pictures = self.extent.picture_bytes * (3 if self.form is Form.BUNDLE else 4) // 3 if self.pictures else 0
        if self.form is Form.BUNDLE:
            return (
                pictures + self.extent.bytes + 3 * self.extent.entries + _BUNDLE_RECORD_BYTES * (1 + self.extent.feeds)
            )
        return (
            pictures
            + self.extent.bytes
            + _PLAIN_ENTRY_BYTES * (self.extent.entries + self.private_items + self.draft_count)
        )


class Export(Drafts):
    """Export."""

    def plan_export(
        self,
        path: str | Path,
        form: Form | None = None,
        *,
        everybody: bool = False,
        private_too: bool = False,
        drafts_too: bool = False,
        pictures_too: bool = True,
        progress: Progress = lambda done, total: None,
    ) -> ExportPlan:
        """Say what an export to a file would have; nothing is written.

        Args:
            path: ends in .json or .p2pb, unless `form` says what it is.
            everybody: also what is held of those whom this node wants; never of guests or of the blocked.
            private_too: with mutes, blocks, bookmarks and the like, and with sealed messages that can be read here.
            drafts_too: with drafts.
            pictures_too: with the pictures that are here.
        Raises:
            LocalError: neither ending nor form, a place inside of the home, or something private in a bundle.
            ConfigError: no such folder.
        """
        found = Path(path)
        form = form or _form_of(found)
        if form is Form.BUNDLE and (private_too or drafts_too):
            raise LocalError(
                "A bundle is for other nodes and has nothing private in it: export private things and drafts as JSON."
            )
        check_place(found, self.home.path, self.home.state)
        if private_too:
            self.unseal()
        states = feeds_to_give(self.connection, self.account, everybody)
        people = dict.fromkeys((self.account, *(state.account for state in states)))
        kept = sum(len(private.items(self.connection, name)) for name in PRIVATE) if private_too else 0
        return ExportPlan(
            found,
            form,
            everybody,
            private_too,
            drafts_too,
            tuple(state.feed for state in states),
            tuple(people),
            survey(self.connection, states, progress),
            kept,
            len(drafts.load(self.connection)) if drafts_too else 0,
            found.exists(),
            pictures_too,
        )

    def export(self, plan: ExportPlan, progress: Progress = lambda done, total: None) -> int:
        """Write what was planned, as it is now: what was deleted meanwhile is not in it.

        Returns: how many bytes the file has; only its owner can read it.
        Raises:
            ConfigError, StoreFullError: it can't be written; nothing is left of it.
        """
        with new_file(plan.path) as file:
            if plan.form is Form.BUNDLE:
                self._write_bundle(plan, file, progress)
            else:
                self._write_json(plan, file, progress)
            return file.tell()

    # --- As a bundle ---

    def _write_bundle(self, plan: ExportPlan, file: BinaryIO, progress: Progress) -> None:
        extent, done = plan.extent, 0
        header = Manifest(wall_ms(), extent.feeds, extent.entries, extent.first_ms, extent.last_ms)
        file.write(encode_manifest(header))
        for feed in plan.feeds:
            for record in records_of(self.connection, feed):
                file.write(encode_record(record))
                if isinstance(record, Range):
                    done += sum(isinstance(item, bytes) for item in record.items)
                    progress(min(done, extent.entries), extent.entries)
        for feed in feeds_held_alone(self.connection) if plan.everybody else ():
            for record in excerpts_of(self.connection, feed):
                file.write(encode_record(record))
        for picture in pictures_to_give(self.connection, self._states(plan)) if plan.pictures else ():
            data = self.folder.load(picture.hash)
            if data is not None:
                file.write(encode_record(Carried(data)))
        progress(extent.entries, extent.entries)

    def _states(self, plan: ExportPlan) -> list[FeedState]:
        """The feeds of a plan as they are now; one that was forgotten meanwhile is not among them."""
        return [state for feed in plan.feeds if (state := feed_state(self.connection, feed)) is not None]

    # --- As JSON: an item a line, so that it can be read in pieces too ---

    def _write_json(self, plan: ExportPlan, file: BinaryIO, progress: Progress) -> None:
        head = {"format": JSON_FORMAT, "made": rfc3339(wall_ms()), "account": format_account(self.account)}
        file.write(b"{\n" + b"".join(_line(name) + b": " + _line(value) + b",\n" for name, value in head.items()))
        _write_list(file, "people", (self._plain_person(account) for account in plan.people))
        states = self._states(plan)
        _write_list(file, "feeds", (_plain_feed(state) for state in states))
        if plan.private:
            kept = {name: private.items(self.connection, name) for name in PRIVATE}
            values = {
                name: [plain_state(name, *pair) for pair in sorted(items.items())] for name, items in kept.items()
            }
            file.write(b'"private": ' + _line(values) + b",\n")
        if plan.drafts:
            texts = drafts.load(self.connection)
            _write_list(
                file,
                "drafts",
                ({"number": one.number, "saved": rfc3339(one.saved_ms), "text": one.text} for one in texts),
            )
        if plan.pictures:
            _write_list(file, "pictures", self._plain_pictures(plan, states))
        _write_list(file, "entries", self._plain_entries(plan, states, progress), last=True)
        file.write(b"}\n")

    def _plain_person(self, account: AccountId) -> Plain:
        profile = PEOPLE.profile_of(self.connection, account)
        followed = sorted(format_account(one) for one in PEOPLE.followed(self.connection, account))
        return {
            "account": format_account(account),
            "name": profile.name if profile is not None else None,
            "bio": profile.bio if profile is not None else None,
            "link": profile.link if profile is not None else None,
            "follows": followed,
        }

    def _plain_pictures(self, plan: ExportPlan, states: list[FeedState]) -> Iterator[Plain]:
        for one in pictures_to_give(self.connection, states):
            if one.secret is not None and not plan.private:
                continue
            data = self.folder.load(one.hash)
            if data is None:
                continue
            try:
                plain = open_picture(Picture(one.hash, one.type, one.size_bytes, "", one.secret), data)
            except PictureError:  # its author said something else of it
                continue
            yield {"sha256": one.hash.hex(), "type": one.type, "base64": b64encode(plain).decode("ascii")}

    def _plain_entries(self, plan: ExportPlan, states: list[FeedState], progress: Progress) -> Iterator[Plain]:
        total, done = plan.extent.entries, 0
        for state in states:
            for run in sorted(state.runs, key=lambda run: run.before.seq):
                for first in range(run.before.seq + 1, run.end.seq + 1, _STEP_ENTRIES):
                    last = min(first + _STEP_ENTRIES - 1, run.end.seq)
                    with read_transaction(self.connection):
                        rows = [row for rows in shown_rows(self.connection, state, first, last) for row in rows]
                        ids = entry_ids(self.connection, state.feed, [row.key & 0xFFFFFFFF for row in rows])
                    for row, entry_id in zip(rows, ids, strict=True):
                        if entry_id is not None:
                            found = plain_entry(row, state.feed, state.account, entry_id, private=plan.private)
                            if found is not None:
                                yield found
                    done += len(rows)
                    progress(min(done, total), total)
        progress(total, total)


def _form_of(path: Path) -> Form:
    match path.suffix.lower():
        case ".json":
            return Form.JSON
        case ".p2pb":
            return Form.BUNDLE
    raise LocalError(f"{path} ends neither in .json nor in .p2pb: say which it is to be with --as json or bundle.")


def _plain_feed(state: FeedState) -> Plain:
    runs = sorted([run.before.seq + 1, run.end.seq] for run in state.runs)
    return {
        "feed": format_feed(state.feed),
        "account": format_account(state.account),
        "held": runs,
        "forked": state.fork_seq,
        "revoked": state.revoke.seq if state.revoke is not None else None,
    }


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _write_list(file: BinaryIO, name: str, items: Iterator[Plain], last: bool = False) -> None:
    file.write(_line(name) + b": [")
    between = b"\n"
    for item in items:
        file.write(between + _line(item))
        between = b",\n"
    file.write(b"\n]" + (b"\n" if last else b",\n"))
