"""`export` and `draft`, at the terminal and in scripts."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.cli.program import Person


def test_manifest_is_shown_and_nothing_written_before_a_yes(person: Person, tmp_path: Path) -> None:
    person.begin()
    person.post("Hello")
    path = tmp_path / "me.p2pb"
    done = person.answer(b"\n", "export", path)
    assert done.returncode == 0
    assert done.stderr.endswith(f"Write {path}? [y/N] Nothing was written.\n".encode())
    for part in (f"{path}: a signed bundle", "of       you", "entries  3 of 1 feed, 20", "private  nothing", "about "):
        assert part in done.stdout.decode()
    assert not path.exists()
    assert person.answer(b"y\n", "export", path).returncode == 0
    assert path.exists()
    assert b"in place of the one there? [y/N]" in person.answer(b"n\n", "export", path).stderr


def test_where_nobody_can_be_asked_yes_is_wanted(ada: Shell, tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    status, code, sentence = ada.refused("export", str(path))
    assert (status, code) == (2, "local")
    assert "--yes" in sentence
    assert not path.exists()


def test_export_tells_programs_what_it_wrote(ada: Shell, tmp_path: Path) -> None:
    ada.json("post", "Hello")
    path = tmp_path / "me.json"
    (told,) = ada.json("export", str(path), "--yes")
    assert told["bytes"] == path.stat().st_size
    assert (told["file"], told["as"], told["feeds"], told["people"]) == (str(path), "json", 1, 1)
    assert told["entries"] == len(json.loads(path.read_text())["entries"])
    (told,) = ada.json("export", str(tmp_path / "any name"), "--as", "bundle", "--all", "--yes")
    assert (told["as"], told["private"]) == ("bundle", None)


def test_name_that_does_not_say_what_it_is_to_be_is_refused(ada: Shell, tmp_path: Path) -> None:
    status, code, sentence = ada.refused("export", "--yes", str(tmp_path / "me"))
    assert (status, code) == (2, "local")
    assert "--as json or bundle" in sentence


def test_draft_is_kept_listed_posted_and_dropped(ada: Shell) -> None:
    assert ada("draft", "list").out.startswith("There are no drafts")
    (kept,) = ada.json("draft", "save", "Hello, h")
    assert ada("draft", "save", "-", stdin=b"Second\n").out == "Kept as draft 2.\n"
    ada.json("draft", "save", "--number", str(kept["number"]), "Hello, hills")
    assert [draft["text"] for draft in ada.json("draft", "list")] == ["Hello, hills", "Second"]
    (posted,) = ada.json("draft", "post", "1")
    assert ada.json("show", posted["ref"])[0]["text"] == "Hello, hills"
    assert ada("draft", "delete", "2").out == "Draft 2 is gone.\n"
    assert ada.json("draft", "list") == []


@pytest.mark.parametrize("argv", [("draft", "post", "9"), ("draft", "delete", "9"), ("draft", "save", " ")])
def test_draft_that_can_not_be_is_refused(ada: Shell, argv: tuple[str, ...]) -> None:
    status, code, _ = ada.refused(*argv)
    assert (status, code) == (2, "local")


def test_draft_alone_says_what_can_follow(ada: Shell) -> None:
    said = ada("draft")
    assert said.status == 2
    assert "p2pmicro draft --help" in said.err
