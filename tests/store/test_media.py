"""Pictures on the disk. Source: protocol/content.md, "Pictures"."""

import errno
import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from p2pmicro.errors import StoreError, StoreReadOnlyError
from p2pmicro.ids import AccountId, FeedId
from p2pmicro.store import media
from p2pmicro.store.db import Connection, open_database, transaction
from p2pmicro.store.media import MediaFolder, State, Wish

DATA = b"a picture" * 100
NAME = sha256(DATA).digest()
DAY_MS = 86_400_000
PEER = FeedId(b"p" * 32)


def wish(
    name: bytes = NAME, size: int = len(DATA), used_ms: int = 1, key: int = 1 << 32 | 5, own: bool = False
) -> Wish:
    return Wish(name, size, key, used_ms, own)


@pytest.fixture
def folder(tmp_path: Path) -> MediaFolder:
    return MediaFolder(tmp_path / "media")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    made = open_database(tmp_path / "store.db", durable=False)
    for number, name in enumerate((b"a", b"b"), 1):
        made.execute("INSERT INTO accounts (number, account, role) VALUES (?, ?, 3)", (number, name * 32))
        made.execute(
            "INSERT INTO feeds (number, feed, account, device, device_head, change) VALUES (?, ?, ?, x'', x'', ?)",
            (number, name * 32, number, number),
        )
    yield made  # type: ignore[misc]  # the tests use nothing of ours on it
    made.close()


def name_it(connection: Connection, name: bytes = NAME, key: int = 1 << 32 | 5, size: int = len(DATA)) -> None:
    connection.execute("INSERT INTO pictures VALUES (?, 0, ?, 'image/png', ?, NULL)", (key, name, size))


def summed(connection: Connection) -> tuple[int, int]:
    """What is here, counted anew: of others, and of one's own."""
    rows = connection.execute("SELECT own, bytes FROM media WHERE state = 1").fetchall()
    return sum(size for own, size in rows if not own), sum(size for own, size in rows if own)


# --- Files ---


def test_a_file_is_its_owners_alone_and_whole(folder: MediaFolder, tmp_path: Path) -> None:
    folder.save(NAME, DATA)
    (file,) = (tmp_path / "media").iterdir()
    assert file.name == NAME.hex()
    assert file.read_bytes() == DATA
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert folder.load(NAME) == DATA


def test_bytes_of_another_hash_get_no_name(folder: MediaFolder, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        folder.save(NAME, DATA + b"a")
    assert not (tmp_path / "media").exists()


def test_a_file_cut_off_by_a_crash_is_never_taken_for_a_picture(folder: MediaFolder, tmp_path: Path) -> None:
    folder.save(NAME, DATA)
    (tmp_path / "media" / NAME.hex()).rename(tmp_path / "media" / f"{NAME.hex()}.new")
    (tmp_path / "media" / f"{NAME.hex()}.new").write_bytes(DATA[:50])
    assert folder.load(NAME) is None
    folder.save(NAME, DATA)
    assert folder.load(NAME) == DATA


def test_a_flipped_bit_is_noticed(folder: MediaFolder, tmp_path: Path) -> None:
    folder.save(NAME, DATA)
    file = tmp_path / "media" / NAME.hex()
    for at in (0, len(DATA) // 2, len(DATA) - 1):
        changed = bytearray(DATA)
        changed[at] ^= 1
        file.write_bytes(changed)
        assert folder.load(NAME) is None


def test_what_is_not_there_is_none_and_removed_twice(folder: MediaFolder) -> None:
    assert folder.load(NAME) is None
    folder.remove(NAME)
    folder.save(NAME, DATA)
    folder.remove(NAME)
    folder.remove(NAME)
    assert folder.load(NAME) is None


def test_a_folder_that_can_not_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(b"")
    with pytest.raises(StoreError, match="folder of pictures"):
        MediaFolder(tmp_path / "media").save(NAME, DATA)
    with pytest.raises(StoreError):
        MediaFolder(tmp_path / "media").load(NAME)


def test_a_folder_of_others_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:  # what the system says to who is not root
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "media").mkdir(mode=0o700)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreReadOnlyError, match="writable"):
        MediaFolder(tmp_path / "media").save(NAME, DATA)


# --- What is wanted ---


def test_a_wish_is_kept_and_told_once(connection: Connection) -> None:
    media.want(connection, [wish(), wish()])
    assert media.wanted(connection, None, (), 10, chosen=False) == [(NAME, len(DATA))]
    assert media.wanted(connection, None, [NAME], 10, chosen=False) == []
    assert media.wanted(connection, None, (), 10, chosen=True) == []


def test_the_authors_own_come_first_then_the_least_tried_then_the_newest_day_small_ones_first(
    connection: Connection,
) -> None:
    names = {letter: letter.encode() * 32 for letter in "qrstuvw"}
    media.want(
        connection,
        [
            wish(names["q"], 900, DAY_MS * 3 + 5),
            wish(names["r"], 100, DAY_MS * 3 + 1),
            wish(names["s"], 1, DAY_MS * 1),
            wish(names["t"], 1, DAY_MS * 9),
            wish(names["u"], 500, DAY_MS * 1, key=2 << 32 | 3),
        ],
    )
    media.choose(connection, wish(names["v"], 1000, 0))
    media.not_had(connection, names["t"], PEER)
    order = [name for name, _ in media.wanted(connection, AccountId(b"b" * 32), (), 10, chosen=False)]
    assert "".join(chr(name[0]) for name in order) == "uvrqst"
    assert [size for _, size in media.wanted(connection, None, (), 2, chosen=False)] == [1000, 100]
    assert connection.execute("SELECT tries, asked FROM media WHERE hash = ?", (names["t"],)).fetchone() == (1, PEER)


def test_what_a_person_asks_for_is_wanted_whatever_it_was(connection: Connection, folder: MediaFolder) -> None:
    for state in (State.PRUNED, State.REFUSED):
        connection.execute("DELETE FROM media")
        media.want(connection, [wish()])
        connection.execute("UPDATE media SET state = ?", (state,))
        media.want(connection, [wish()])
        assert media.state_of(connection, NAME) is state, "the same entry again, as a rebuild brings it"
        media.want(connection, [wish(used_ms=2)])
        assert media.state_of(connection, NAME) is State.WANTED, "another entry names it"
        connection.execute("UPDATE media SET state = ?", (state,))
        media.choose(connection, wish(used_ms=3))
        assert media.wanted(connection, None, (), 10, chosen=True) == [(NAME, len(DATA))]
    assert media.keep(connection, folder, NAME, DATA)
    media.choose(connection, wish(used_ms=4))
    assert media.state_of(connection, NAME) is State.HERE


# --- What comes ---


def test_what_came_is_here_and_charged_once(connection: Connection, folder: MediaFolder) -> None:
    media.want(connection, [wish(size=5)])
    with transaction(connection):
        assert media.keep(connection, folder, NAME, DATA)
        assert not media.keep(connection, folder, NAME, DATA), "wanted no longer"
    assert media.stored_bytes(connection) == (len(DATA), 0) == summed(connection)
    assert media.here(connection, [NAME, b"x" * 32]) == {NAME}
    assert media.wanted(connection, None, (), 10, chosen=False) == []


def test_what_nobody_wants_is_not_kept(connection: Connection, folder: MediaFolder, tmp_path: Path) -> None:
    assert not media.keep(connection, folder, NAME, DATA)
    assert not (tmp_path / "media").exists()


def test_one_that_was_refused_is_not_asked_for_again(connection: Connection) -> None:
    media.want(connection, [wish()])
    media.refuse(connection, NAME)
    assert media.wanted(connection, None, (), 10, chosen=False) == []
    assert media.state_of(connection, NAME) is State.REFUSED


def test_a_file_that_got_lost_is_wanted_again(connection: Connection, folder: MediaFolder) -> None:
    media.want(connection, [wish()])
    media.keep(connection, folder, NAME, DATA)
    media.lost(connection, NAME)
    assert media.wanted(connection, None, (), 10, chosen=False) == [(NAME, len(DATA))]
    assert media.stored_bytes(connection) == (0, 0)


def test_an_own_picture_has_no_quota(
    connection: Connection, folder: MediaFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "QUOTA_MEDIA_BYTES", 0)
    with transaction(connection):
        assert media.keep_own(connection, folder, DATA, 7) == NAME
        media.want(connection, [wish(used_ms=7, own=True)])
    assert media.stored_bytes(connection) == (0, len(DATA)) == summed(connection)
    assert connection.execute("SELECT state, key FROM media").fetchone() == (1, 1 << 32 | 5)
    media.lost(connection, NAME)
    assert media.keep(connection, folder, NAME, DATA), "brought back by a peer"


def test_the_least_recently_needed_is_pruned_first_and_nothing_for_what_is_older(
    connection: Connection, folder: MediaFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(media, "QUOTA_MEDIA_BYTES", 3000)
    made = {sha256(bytes([n]) * 1000).digest(): bytes([n]) * 1000 for n in range(6)}
    one, two, three, newer, older, chosen = made
    media.want(connection, [wish(name, 1000, at) for name, at in ((one, 10), (two, 20), (three, 30))])
    for name in (one, two, three):
        assert media.keep(connection, folder, name, made[name])
    media.used(connection, one, 25)

    media.want(connection, [wish(newer, 1000, 40), wish(older, 1000, 5)])
    assert media.keep(connection, folder, newer, made[newer])
    assert media.state_of(connection, two) is State.PRUNED
    assert not media.keep(connection, folder, older, made[older])
    assert media.state_of(connection, older) is State.PRUNED
    media.choose(connection, wish(chosen, 1000, 1))
    assert media.keep(connection, folder, chosen, made[chosen]), "what a person asks for is kept"
    assert media.state_of(connection, one) is State.PRUNED

    assert media.stored_bytes(connection) == (3000, 0) == summed(connection)
    assert media.erasures_pending(connection) == 2
    assert media.erase_files(connection, folder)
    assert {file.name for file in (tmp_path / "media").iterdir()} == {name.hex() for name in (three, newer, chosen)}
    assert not media.erase_files(connection, folder)


# --- What goes ---


def test_what_nothing_names_any_more_is_unlinked_after_the_commit(
    connection: Connection, folder: MediaFolder, tmp_path: Path
) -> None:
    name_it(connection)
    name_it(connection, key=2 << 32 | 9)
    media.want(connection, [wish()])
    media.keep(connection, folder, NAME, DATA)
    connection.execute("DELETE FROM pictures WHERE key = ?", (1 << 32 | 5,))
    media.release(connection, [NAME])
    assert media.state_of(connection, NAME) is State.HERE, "another entry names it"
    connection.execute("DELETE FROM pictures")
    media.release(connection, [NAME, NAME])
    assert media.state_of(connection, NAME) is None
    assert media.stored_bytes(connection) == (0, 0)
    assert folder.load(NAME) == DATA, "until the commit is on the disk"
    assert media.erasures_pending(connection) == 1
    assert media.erase_files(connection, folder)
    assert list((tmp_path / "media").iterdir()) == []
    assert media.erasures_pending(connection) == 0


def test_an_avatar_that_holds_keeps_its_picture(connection: Connection, folder: MediaFolder) -> None:
    connection.execute("INSERT INTO avatars VALUES (1, 5, ?, 'image/png', 9)", (NAME,))
    media.want(connection, [wish()])
    media.release(connection, [NAME])
    assert media.state_of(connection, NAME) is State.WANTED
    connection.execute("DELETE FROM avatars")
    media.release(connection, [NAME])
    assert media.state_of(connection, NAME) is None


def test_a_picture_that_comes_back_before_it_was_unlinked_stays(connection: Connection, folder: MediaFolder) -> None:
    media.want(connection, [wish()])
    media.keep(connection, folder, NAME, DATA)
    media.release(connection, [NAME])
    media.keep_own(connection, folder, DATA, 9)
    assert media.erase_files(connection, folder)
    assert folder.load(NAME) == DATA


def test_what_was_rolled_back_or_half_written_is_swept(
    connection: Connection, folder: MediaFolder, tmp_path: Path
) -> None:
    other = DATA + b"other"
    media.sweep(connection, folder)
    media.keep_own(connection, folder, DATA, 9)
    connection.execute("BEGIN IMMEDIATE")
    media.keep_own(connection, folder, other, 9)
    connection.execute("ROLLBACK")
    (tmp_path / "media" / "half.new").write_bytes(b"half")
    assert media.stored_bytes(connection) == (0, len(DATA))
    with transaction(connection):
        media.sweep(connection, folder)
    assert [file.name for file in (tmp_path / "media").iterdir()] == [NAME.hex()]
