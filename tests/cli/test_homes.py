"""Homes that are damaged, copied, restored, lost in part, or somebody else's: a sentence and a code, and no loss."""

import os
import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest

from tests.cli.conftest import Shell
from tests.cli.program import Person
from tests.made import flipped
from tests.texts import message

PAGE_BYTES = 4096
_HEADER_BYTES = 100  # of the file: without them it is no database, which is another test
READS = (["whoami"], ["timeline"], ["status"], ["feeds"], ["following"], ["peers"], ["verify"], ["rebuild"])
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="giving a file away needs root")


def settle(shell: Shell) -> Path:
    """Fold the write-ahead log into the database, so that the file is all there is; the file."""
    database = shell.person.home / "p2pmicro.db"
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return database


# --- Not a home of one's own ---


@pytest.mark.parametrize("command", ["init", "whoami", "run"])
def test_home_that_is_a_file_is_said_so(shell: Shell, command: str) -> None:
    shell.person.home.parent.mkdir()
    shell.person.home.write_text("a letter")
    status, code, sentence = shell.refused(command)
    assert (status, code) == (2, "config")
    assert "is not a folder" in sentence
    assert shell.person.home.read_text() == "a letter"


def test_home_below_a_file_is_said_so(shell: Shell) -> None:
    shell.person.home.parent.write_text("a letter")
    assert "is not a folder" in shell.refused("init")[2]


def test_home_whose_name_is_no_utf8_is_said_so(shell: Shell, tmp_path: Path) -> None:
    assert shell.refused("--home", f"{tmp_path}/\udcff", "init")[:2] == (2, "config")


def test_home_with_a_name_of_many_scripts_and_signs_works(shell: Shell, tmp_path: Path) -> None:
    for name in ("дом", "家?x=1#y", "a %41 'b\"", "deep/" * 30 + "home"):
        assert shell.json("--home", f"{tmp_path}/{name}", "init")
        assert shell.json("--home", f"{tmp_path}/{name}", "post", message(0))
        assert shell.json("--home", f"{tmp_path}/{name}", "peers") == []


@root
@pytest.mark.parametrize("name", [".", "p2pmicro.db"])
def test_home_of_another_user_is_left_alone(ada: Shell, name: str) -> None:
    os.chown(ada.person.home / name, 65534, 65534)
    for command in (["timeline"], ["post", "hello"], ["init"], ["run"]):
        status, code, sentence = ada.refused(*command)
        assert (status, code) == (2, "config")
        assert "another user" in sentence


@pytest.mark.parametrize("name", ["seed", "feed.key"])
def test_key_file_that_others_can_read_is_not_used(ada: Shell, name: str) -> None:
    for mode in (0o644, 0o640, 0o604, 0o620, 0o602, 0o610):
        (ada.person.home / name).chmod(mode)
        for command in (["whoami"], ["post", "hello"], ["run"]):
            status, code, sentence = ada.refused(*command)
            assert (status, code) == (2, "config")
            assert "chmod 600" in sentence
    (ada.person.home / name).chmod(0o600)
    assert ada.json("whoami")


def test_everything_in_a_home_is_for_its_owner_alone(ada: Shell) -> None:
    ada.json("post", message(0))
    for folder in (ada.person.home, ada.person.state):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [file.name for file in folder.iterdir() if file.stat().st_mode & 0o077] == []


# --- Versions ---


def test_database_of_a_newer_version_is_not_touched(ada: Shell) -> None:
    database = settle(ada)
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 4711")
    connection.close()
    before = database.read_bytes()
    for command in (*READS, ["post", "hello"], ["init"], ["run"]):
        status, code, sentence = ada.refused(*command)
        assert (status, code) == (1, "store.too_new")
        assert "4711" in sentence
    assert database.read_bytes() == before


def test_database_of_another_program_is_not_touched(ada: Shell) -> None:
    database = settle(ada)
    database.unlink()
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE recipes (text)")
    connection.close()
    before = database.read_bytes()
    assert ada.refused("post", "hello")[:2] == (2, "config")
    assert database.read_bytes() == before


# --- Damage ---


@pytest.mark.parametrize(
    "content", [b"not a database" * 1000, b"\0" * PAGE_BYTES, b"SQLite format 3\0" + b"\xff" * 8000]
)
def test_database_that_is_none_is_said_to_be_damaged_and_kept(ada: Shell, content: bytes) -> None:
    database = settle(ada)
    database.write_bytes(content)
    for command in (*READS, ["post", "hello"], ["init"], ["run"]):
        status, code, _ = ada.refused(*command)
        assert (status, code) in ((1, "store.damaged"), (2, "config"))
    assert database.read_bytes() == content


def test_damage_of_any_page_ends_in_a_sentence_and_is_found_by_verify(ada: Shell, rng: Random) -> None:
    for number in range(3):
        ada.json("post", message(number))
    pages = settle(ada).stat().st_size // PAGE_BYTES
    folder = ada.person.home.parent
    whole = folder.with_name("whole")
    shutil.copytree(folder, whole)
    unseen = []
    for page in range(pages):
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        start = max(page * PAGE_BYTES, _HEADER_BYTES)
        with (ada.person.home / "p2pmicro.db").open("r+b") as file:
            file.seek(start)
            file.write(rng.randbytes((page + 1) * PAGE_BYTES - start))
        found = ada("verify")
        assert found.status in (0, 1)
        for command in (["timeline"], ["status"], ["post", "hello"], ["rebuild"]):
            said = ada(*command)
            assert said.status in (0, 1)
            assert said.status == 0 or said.err.startswith("p2pmicro: ")
        if found.status == 0:
            unseen.append(page)
    assert unseen == []


def test_verify_tells_each_fault_and_exits_with_1(ada: Shell) -> None:
    ref = ada.json("post", message(0))[0]["ref"]
    connection = sqlite3.connect(settle(ada))
    (key, payload) = connection.execute("SELECT key, payload FROM entries ORDER BY key DESC LIMIT 1").fetchone()
    connection.execute("UPDATE entries SET payload = ? WHERE key = ?", (flipped(payload, len(payload) * 8 - 1), key))
    connection.commit()
    connection.close()
    said = ada("verify", "--json")
    assert said.status == 1
    *faults, last = said.json
    assert faults
    assert last["faults"] == len(faults)
    assert any(ref.partition("/")[0] in fault["fault"] for fault in faults)
    plain = ada("verify")
    assert (plain.status, plain.out.splitlines()) == (1, [fault["fault"] for fault in faults])


@pytest.mark.parametrize("name", ["seed", "feed.key"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"feed 00\ndevice 00\n", b"zz" * 32, b"00" * 31])
def test_damaged_key_file_is_said_so_and_kept(ada: Shell, name: str, content: bytes) -> None:
    (ada.person.home / name).write_bytes(content)
    for command in (["whoami"], ["post", "hello"], ["init"], ["run"]):
        assert ada.refused(*command)[:2] == (1, "store.damaged")
    assert (ada.person.home / name).read_bytes() == content


def test_damaged_mark_is_said_so_and_nothing_is_written(ada: Shell) -> None:
    (mark,) = ada.person.state.glob("*.mark")
    mark.write_bytes(mark.read_bytes()[:-1])
    status, code, sentence = ada.refused("post", "hello")
    assert (status, code) == (1, "store.damaged")
    assert str(mark) in sentence


def test_lost_seed_lets_nobody_else_move_in_and_its_words_bring_it_back(ada: Shell, tmp_path: Path) -> None:
    who = ada.json("whoami")
    words = " ".join(ada.json("words", "--yes")[0]["words"]).encode() + b"\n"
    ada.json("--home", f"{tmp_path}/other", "init")
    others = " ".join(ada.json("--home", f"{tmp_path}/other", "words", "--yes")[0]["words"]).encode() + b"\n"
    (ada.person.home / "seed").unlink()
    for command, stdin in ((["init"], b""), (["run"], b""), (["init", "--recover"], others)):
        assert ada.refused(*command, stdin=stdin)[0] == 2
        assert not (ada.person.home / "seed").exists()
    assert ada("init", "--recover", "--json", stdin=words).json == who
    ada.json("post", message(0))
    assert ada.json("verify")[0]["faults"] == 0


def test_lost_feed_key_begins_a_new_feed(ada: Shell) -> None:
    ref = ada.json("post", message(0))[0]["ref"]
    (ada.person.home / "feed.key").unlink()
    after = ada.json("post", message(1))[0]["ref"]
    assert after.partition("/")[0] != ref.partition("/")[0]
    assert [m["ref"] for m in ada.json("timeline")] == [after, ref]


# --- Copies, in processes of their own: the sentence goes to standard error ---


def test_copied_home_goes_on_under_a_new_feed_and_says_so_once(person: Person, tmp_path: Path) -> None:
    account = person.begin()
    first = person.post(message(0))
    copied = Person(tmp_path, "copy")
    shutil.copytree(person.home, copied.home)
    said = copied.call("post", message(1))
    assert said.returncode == 0
    assert said.stderr.count(b"\n") == 1
    assert said.stderr.startswith(b"p2pmicro: ")
    assert b"new feed of the same account" in said.stderr
    assert copied.call("post", message(2)).stderr == b""
    assert copied.json("whoami")[0]["account"] == account
    feeds = {ref.partition("/")[0] for ref, _ in copied.log()}
    assert len(feeds) == 2
    assert copied.texts() == {message(0), message(1), message(2)}
    # The first goes on as before: nobody has written to its feed.
    assert person.post(message(3)).partition("/")[0] == first.partition("/")[0]
    assert copied.json("verify")[0]["faults"] == person.json("verify")[0]["faults"] == 0


def test_restored_older_home_goes_on_under_a_new_feed_and_says_so(person: Person, tmp_path: Path) -> None:
    person.begin()
    first = person.post(message(0))
    shutil.copytree(person.home, tmp_path / "backup")
    person.post(message(1))
    shutil.rmtree(person.home)
    (tmp_path / "backup").rename(person.home)
    said = person.call("post", message(2))
    assert said.returncode == 0
    assert b"new feed of the same account" in said.stderr
    feeds = {ref.partition("/")[0] for ref, _ in person.log()}
    assert feeds > {first.partition("/")[0]}
    assert person.texts() == {message(0), message(2)}
    assert person.json("verify")[0]["faults"] == 0
