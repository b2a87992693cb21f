"""Exports: what they have, how they are written, and what another node makes of them. Source: protocol/export.md."""

import json
import os
import re
import shutil
import stat
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from p2pmicro.errors import ConfigError, LocalError, StoreFullError
from p2pmicro.feed import content
from p2pmicro.feed.bundle import Carried, Manifest, encode_manifest, encode_record
from p2pmicro.ids import format_account, format_feed, format_ref
from p2pmicro.keys import seed_words
from p2pmicro.node.carried import Imported
from p2pmicro.node.export import Form
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.node.newpicture import NewPicture
from p2pmicro.store import private
from p2pmicro.store.db import transaction
from p2pmicro.store.lock import NodeLock
from p2pmicro.store.serve import read_excerpt
from tests.canaries import secrets_of, spellings
from tests.pictures import png
from tests.test_docs import read

MARKER = "wandering albatross"


def opened(folder: Path, name: str, words: str | None = None) -> LocalNode:
    home = Home(folder / name, folder / f"{name} state")
    return LocalNode.open(home, create=True, words=words)


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[LocalNode]:
    with opened(tmp_path, "ada") as node:
        node.profile("Ada", "On the hills", "https://example.org/ada")
        yield node


def exported(node: LocalNode, path: Path, **options: Any) -> Any:
    plan = node.plan_export(path, **options)
    assert node.export(plan) == path.stat().st_size
    return json.loads(path.read_text("utf-8")) if path.suffix == ".json" else None


def texts(document: Any) -> list[str]:
    return [entry["content"]["text"] for entry in document["entries"] if entry["kind"] == "post"]


# --- As JSON ---


def test_plain_export_has_everything_of_oneself_in_plain_words(ada: LocalNode, tmp_path: Path) -> None:
    first, gone, last = (ada.post(text) for text in ("one", MARKER, "two \u2603"))
    ada.delete(gone)
    document = exported(ada, tmp_path / "me.json")
    assert document["format"] == "p2pmicro export 1"
    assert document["account"] == format_account(ada.account)
    (me,) = document["people"]
    assert (me["name"], me["bio"], me["link"]) == ("Ada", "On the hills", "https://example.org/ada")
    (feed,) = document["feeds"]
    assert feed["feed"] == format_feed(ada.feed)
    assert feed["held"] == [[1, ada.height()]]
    assert texts(document) == ["one", "two \u2603"]
    found = [entry for entry in document["entries"] if entry["kind"] == "post"]
    assert [(entry["ref"], entry["id"]) for entry in found] == [
        (format_ref(ref.feed, ref.seq), ref.id.hex()) for ref in (first, last)
    ]
    (erasing,) = [entry for entry in document["entries"] if entry["kind"] == "delete"]
    assert erasing["content"]["ref"] == {"ref": format_ref(gone.feed, gone.seq), "id": gone.id.hex()}
    assert "private" not in document
    assert "drafts" not in document


def test_every_field_of_a_plain_export_is_documented(ada: LocalNode, tmp_path: Path) -> None:
    ada.post("one", [NewPicture(png(), "a square")])
    ada.save_draft("two")
    document = exported(ada, tmp_path / "me.json", private_too=True, drafts_too=True)
    named = set(re.findall(r"`([^`]+)`", read("export.md")))
    assert document.keys() <= named
    for part in ("people", "feeds", "drafts", "pictures", "entries"):
        for field in document[part][0]:
            assert f".{field}" in named or f"{part}[].{field}" in named, field
    assert document["private"].keys() <= named


def test_private_things_are_in_it_only_if_asked_for(ada: LocalNode, tmp_path: Path) -> None:
    muted = b"w" + MARKER.encode()
    with transaction(ada.connection):
        private.put(ada.connection, "mute", muted, {"until": None})
        private.put(ada.connection, "something that is no business of people", b"", MARKER)
    ada.save_draft(f"A {MARKER}!")
    exported(ada, tmp_path / "me.json")
    assert MARKER not in (tmp_path / "me.json").read_text()
    document = exported(ada, tmp_path / "me.json", private_too=True)
    assert document["private"]["mute"] == [{"word": MARKER, "value": {"until": None}}]
    assert json.dumps(document).count(MARKER) == 1
    document = exported(ada, tmp_path / "me.json", drafts_too=True)
    assert [draft["text"] for draft in document["drafts"]] == [f"A {MARKER}!"]
    assert json.dumps(document).count(MARKER) == 1


def test_messages_to_some_are_in_it_only_if_asked_for_and_keys_never(ada: LocalNode, tmp_path: Path) -> None:
    with opened(tmp_path, "ben") as ben:
        exported(ben, tmp_path / "ben.p2pb")
        ada.follow(ben.account)
        ada.import_bundle(tmp_path / "ben.p2pb")
        ada.create_circle("Hills", [ben.account])
        root = ada.post(MARKER, [NewPicture(png(), "a square")], to=["Hills"])
        exported(ada, tmp_path / "ada.p2pb")
        ben.follow(ada.account)
        ben.import_bundle(tmp_path / "ada.p2pb")
        ben.reply(root, f"A {MARKER}!")
        ben.mark_read(ben.inbox()[0].id)
        for node in (ada, ben):
            everything = exported(node, tmp_path / "all.json", everybody=True, private_too=True, drafts_too=True)
            without = exported(node, tmp_path / "public.json", everybody=True)
            exported(node, tmp_path / "all.p2pb", everybody=True)
            assert MARKER in texts(everything)
            assert [picture["base64"] for picture in everything["pictures"]] == [b64encode(png()).decode()]
            assert not any(entry["sealed"] for entry in without["entries"])
            assert without["pictures"] == []
            secrets = [
                *secrets_of(node.home),
                *(row[0] for row in node.connection.execute("SELECT secret FROM secrets")),
            ]
            secrets += [row[0] for row in node.connection.execute("SELECT secret FROM pictures")]
            assert len(secrets) > 6
            for name in ("all.json", "public.json", "all.p2pb"):
                data = (tmp_path / name).read_bytes()
                assert (MARKER.encode() in data) is (name == "all.json")
                assert not [spelling for secret in secrets for spelling in spellings(secret) if spelling in data]


def test_each_item_stands_on_a_line_of_its_own(ada: LocalNode, tmp_path: Path) -> None:
    ada.post('[ "quotes", {braces}\nand a new line')
    exported(ada, tmp_path / "me.json")
    lines = (tmp_path / "me.json").read_text().splitlines()
    entries = lines[lines.index('"entries": [') + 1 : -2]
    assert len(entries) == ada.height()
    for line in entries:
        json.loads(line.removesuffix(","))


# --- As a bundle ---


def test_bundle_brings_everything_back_into_an_empty_home_of_the_same_account(ada: LocalNode, tmp_path: Path) -> None:
    for number in range(150):
        ada.post(f"message {number}")
    gone = ada.post(MARKER)
    ada.delete(gone)
    exported(ada, tmp_path / "me.p2pb")
    assert MARKER.encode() not in (tmp_path / "me.p2pb").read_bytes()
    with opened(tmp_path, "again", " ".join(seed_words(ada.keys.seed))) as again:
        result = again.import_bundle(tmp_path / "me.p2pb")
        assert (result.fault, result.refused, result.feeds) == (None, {}, 1)
        assert result.entries == ada.height()
        assert [message.text for message in again.page(ada.account, 200)] == [
            message.text for message in ada.page(ada.account, 200)
        ]
        assert again.profile_of(ada.account) == ada.profile_of(ada.account)
        assert again.verify() == []


def test_bundle_of_everybody_is_taken_in_as_far_as_it_is_wanted(ada: LocalNode, tmp_path: Path) -> None:
    with opened(tmp_path, "ben") as ben, opened(tmp_path, "cleo") as cleo:
        ben.post("from Ben")
        exported(ben, tmp_path / "ben.p2pb")
        ada.follow(ben.account)
        ada.import_bundle(tmp_path / "ben.p2pb")
        ada.post("from Ada")
        exported(ada, tmp_path / "own.p2pb")
        exported(ada, tmp_path / "all.p2pb", everybody=True)
        assert cleo.import_bundle(tmp_path / "all.p2pb").unwanted == 2
        assert len(cleo.feeds()) == 1
        cleo.follow(ada.account)
        first = cleo.import_bundle(tmp_path / "all.p2pb")  # Ada first: whom she follows, Cleo wants from then on
        assert (first.feeds, first.unwanted) == (1, 1)
        assert cleo.import_bundle(tmp_path / "all.p2pb").feeds == 2
        assert {message.text for message in cleo.page(ben.account)} == {"from Ben"}
        assert cleo.import_bundle(tmp_path / "all.p2pb").entries == 0
        cleo.block(ben.account)
        assert cleo.import_bundle(tmp_path / "all.p2pb").feeds == 1
        assert cleo.page(ben.account) == []


def test_pictures_come_along_and_are_kept_where_an_entry_names_them(ada: LocalNode, tmp_path: Path) -> None:
    ref = ada.post("Look", [NewPicture(png(seed=1), "a square"), NewPicture(png(seed=2), "another")])
    ada.profile(avatar=png(seed=3))
    gone = ada.post("Not this", [NewPicture(png(seed=4), "")])
    ada.delete(gone)
    document = exported(ada, tmp_path / "me.json")
    pictures = {picture["sha256"]: picture for picture in document["pictures"]}
    assert len(pictures) == 3
    for picture in pictures.values():
        assert sha256(b64decode(picture["base64"])).hexdigest() == picture["sha256"]
        assert picture["type"] == "image/png"
    posted = next(entry for entry in document["entries"] if entry["kind"] == "post")
    assert [(row["alt"], row["sha256"] in pictures) for row in posted["content"]["media"]] == [
        ("a square", True),
        ("another", True),
    ]
    assert "pictures" not in exported(ada, tmp_path / "me.json", pictures_too=False)
    exported(ada, tmp_path / "me.p2pb")
    exported(ada, tmp_path / "without.p2pb", pictures_too=False)
    with opened(tmp_path, "again", " ".join(seed_words(ada.keys.seed))) as again:
        assert again.import_bundle(tmp_path / "without.p2pb").pictures == 0
        assert again.import_bundle(tmp_path / "me.p2pb").pictures == 3
        assert again.picture(ref, 2) == ada.picture(ref, 2)
    with opened(tmp_path, "ben") as stranger:
        assert stranger.import_bundle(tmp_path / "me.p2pb").pictures == 0
        assert stranger.folder.names() == []


def test_picture_that_is_not_what_its_message_says_is_not_kept(ada: LocalNode, tmp_path: Path) -> None:
    named = [sha256(png()).digest(), "image/gif", len(png()), "said to be a GIF"]
    ada.append(lambda _: [("post", content.post("Look", media=[named]))])
    exported(ada, tmp_path / "me.p2pb")
    with (tmp_path / "me.p2pb").open("ab") as file:
        file.write(encode_record(Carried(png())))
    with opened(tmp_path, "again", " ".join(seed_words(ada.keys.seed))) as again:
        result = again.import_bundle(tmp_path / "me.p2pb")
        assert (result.fault, result.pictures, again.folder.names()) == (None, 0, [])


def test_what_is_held_alone_is_carried_on_to_who_lacks_it(ada: LocalNode, tmp_path: Path) -> None:
    """Ada holds what Ben wrote since Dora, whom she follows, answered it; Cleo follows Dora too."""
    with opened(tmp_path, "ben") as ben, opened(tmp_path, "cleo") as cleo, opened(tmp_path, "dora") as dora:
        asked = ben.post("Who has seen the owl?")
        dora.follow(ben.account)
        exported(ben, tmp_path / "ben.p2pb")
        dora.import_bundle(tmp_path / "ben.p2pb")
        dora.reply(asked, "I have.")
        dora.unfollow(ben.account)
        exported(dora, tmp_path / "dora.p2pb")
        excerpt = read_excerpt(ben.connection, asked.feed, asked.seq)
        assert excerpt is not None
        records = [encode_record(ben.device().proof), encode_record(excerpt)]
        (tmp_path / "alone.p2pb").write_bytes(encode_manifest(Manifest(0, 1, 0, None, None)) + b"".join(records))
        ada.follow(dora.account)
        assert ada.import_bundle(tmp_path / "alone.p2pb").entries == 0, "nothing refers to it"
        ada.import_bundle(tmp_path / "dora.p2pb")
        assert ada.import_bundle(tmp_path / "alone.p2pb").entries == 1
        exported(ada, tmp_path / "all.p2pb", everybody=True)
        cleo.follow(dora.account)
        cleo.import_bundle(tmp_path / "all.p2pb")
        found = cleo.message(asked.feed, asked.seq)
        assert found is not None
        assert (found.text, found.alone, found.account) == ("Who has seen the owl?", True, ben.account)
        ada.block(ben.account)
        exported(ada, tmp_path / "all.p2pb", everybody=True)
        assert b"owl" not in (tmp_path / "all.p2pb").read_bytes()


def test_damaged_bundle_gives_what_is_whole_and_says_what_is_wrong(ada: LocalNode, tmp_path: Path) -> None:
    for number in range(130):
        ada.post(f"message {number}")
    path = tmp_path / "me.p2pb"
    exported(ada, path)
    whole = path.read_bytes()
    words = " ".join(seed_words(ada.keys.seed))

    def read_again(name: str, data: bytes) -> Imported:
        (tmp_path / f"{name}.p2pb").write_bytes(data)
        with opened(tmp_path, name, words) as again:
            return again.import_bundle(tmp_path / f"{name}.p2pb")

    assert read_again("cut", whole[:-1]).fault == "The bundle was cut short: its last record is not whole."
    twisted = bytearray(whole)
    twisted[-1] ^= 1  # a signature of the only range
    assert read_again("twisted", bytes(twisted)).refused == {"entry.signature": 1}
    nothing = read_again("picture", b"\x89PNG\r\n\x1a\n")
    assert (nothing.manifest, nothing.entries) == (None, 0)
    assert nothing.fault is not None
    with pytest.raises(ConfigError):
        ada.import_bundle(tmp_path / "nowhere.p2pb")


def test_entries_of_the_own_feed_that_are_not_here_begin_a_new_feed(ada: LocalNode, tmp_path: Path) -> None:
    """A virtual machine that was set back took the mark back too: what it wrote since comes from a stick."""
    ada.post("before")
    for folder in (ada.home.path, ada.home.state):
        shutil.copytree(folder, tmp_path / "image" / folder.name)
    ada.post("since")
    exported(ada, tmp_path / "me.p2pb")
    used = ada.feed
    ada.close()
    for folder in (ada.home.path, ada.home.state):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "image" / folder.name, folder)
    with LocalNode.open(ada.home) as again:
        assert again.feed == used
        again.import_bundle(tmp_path / "me.p2pb")
        assert again.feed != used
        again.post("now")
        assert [message.text for message in again.page(again.account)] == ["now", "since", "before"]
        assert all(state.fork_seq is None for state in again.feeds())


def test_bundle_is_not_read_while_the_node_runs(ada: LocalNode, tmp_path: Path) -> None:
    exported(ada, tmp_path / "me.p2pb")
    with NodeLock(ada.home.node_lock) as held:
        assert held
        with pytest.raises(LocalError):
            ada.import_bundle(tmp_path / "me.p2pb")


# --- The file ---


def test_file_is_for_its_owner_alone_and_takes_the_place_of_an_older_one_whole(
    ada: LocalNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "place" / "me.json"
    path.parent.mkdir()
    path.write_text("older")
    plan = ada.plan_export(path)
    assert plan.replaces

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreFullError):
            ada.export(plan)
    assert path.read_text() == "older"
    assert list(path.parent.iterdir()) == [path]
    ada.export(plan)
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("inside", ["seed", "p2pmicro.db", "me.json", "../ada state/me.json"])
def test_nothing_is_written_into_the_home(ada: LocalNode, inside: str) -> None:
    with pytest.raises(LocalError, match="choose a place outside"):
        ada.plan_export(ada.home.path / inside, Form.JSON)


def test_link_into_the_home_is_no_way_into_it(ada: LocalNode, tmp_path: Path) -> None:
    (tmp_path / "me.json").symlink_to(ada.home.seed)
    with pytest.raises(LocalError, match="choose a place outside"):
        ada.plan_export(tmp_path / "me.json")


def test_what_can_not_be_done_is_said_before_anything_is_written(ada: LocalNode, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"\.p2pb"):
        ada.plan_export(tmp_path / "me.txt")
    with pytest.raises(LocalError, match="nothing private"):
        ada.plan_export(tmp_path / "me.p2pb", private_too=True)
    with pytest.raises(LocalError, match="nothing private"):
        ada.plan_export(tmp_path / "me.p2pb", drafts_too=True)
    with pytest.raises(ConfigError, match="There is no folder"):
        ada.plan_export(tmp_path / "nowhere" / "me.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ConfigError, match="is not a file"):
        ada.plan_export(tmp_path / "folder.json")


def test_deleted_between_plan_and_writing_is_not_in_it(ada: LocalNode, tmp_path: Path) -> None:
    ref = ada.post(MARKER)
    for name in ("me.p2pb", "me.json"):
        plan = ada.plan_export(tmp_path / name)
        if name == "me.p2pb":
            ada.delete(ref)
        ada.export(plan)
        assert MARKER.encode() not in (tmp_path / name).read_bytes()
