"""Pictures through the commands: posted, described, shown, waited for and saved."""

import json
import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from p2pmicro.feed.picture import strip
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from tests import pictures
from tests.cli.conftest import Shell
from tests.cli.others import bring, says
from tests.cli.program import Person, wait_for
from tests.made import MadeFeed
from tests.pictures import MARKER
from tests.texts import message

LOCAL = ("--listen", "127.0.0.1:0", "--no-mdns")


def put(folder: Path, name: str = "hill.png", data: bytes | None = None) -> str:
    """A file with a picture."""
    path = folder / name
    path.write_bytes(pictures.png_chatty() if data is None else data)
    return str(path)


def media(person: Person) -> list[Path]:
    return sorted((person.home / "media").glob("*"))


# --- Into a message ---


def test_a_picture_is_posted_with_what_it_shows_and_without_where_it_was_taken(ada: Shell, tmp_path: Path) -> None:
    (posted,) = ada.json("post", "look", "--picture", put(tmp_path), "--alt", "A hill in snow")
    (shown,) = ada.json("timeline")
    stripped = strip(pictures.png_chatty())
    assert shown["pictures"] == [
        {"hash": sha256(stripped).hexdigest(), "type": "image/png", "bytes": len(stripped), "alt": "A hill in snow"}
    ]
    assert ada.json("show", posted["ref"])[0]["pictures"] == shown["pictures"]
    (file,) = media(ada.person)
    assert file.read_bytes() == stripped
    assert MARKER not in b"".join(path.read_bytes() for path in ada.person.home.rglob("*") if path.is_file())
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_each_alternative_text_belongs_to_the_picture_before_it(ada: Shell, tmp_path: Path) -> None:
    files = [put(tmp_path, f"{number}.png", pictures.png(seed=number)) for number in range(4)]
    options = [word for number, file in enumerate(files) for word in ("--picture", file, "--alt", f"picture {number}")]
    (posted,) = ada.json("post", "four", *options)
    assert [one["alt"] for one in ada.json("show", posted["ref"])[0]["pictures"]] == [
        f"picture {number}" for number in range(4)
    ]
    said = ada("timeline").out
    assert said.index("four") < said.index("[picture: picture 0]") < said.index("[picture: picture 3]")
    assert ada("post", "--alt", "before", "look", "--picture", files[0]).status == 2
    assert ada("post", "look", "--picture", files[0], "--alt", "one", "--alt", "two").status == 2
    five = [word for _ in range(5) for word in ("--picture", files[0], "--alt", "")]
    assert "at most 4" in ada.refused("post", "five", *five)[2]


def test_a_picture_may_stand_alone_and_need_not_be_described_on_purpose(ada: Shell, tmp_path: Path) -> None:
    (posted,) = ada.json("post", "", "--picture", put(tmp_path), "--alt", "")
    assert ada.json("show", posted["ref"])[0]["text"] == ""
    assert "  [picture]\n" in ada("show", posted["ref"]).out


def test_without_an_alternative_text_nothing_is_posted_and_the_way_is_told(ada: Shell, tmp_path: Path) -> None:
    status, code, sentence = ada.refused("post", "look", "--picture", put(tmp_path))
    assert (status, code) == (2, "local")
    assert "--alt" in sentence
    assert ada.json("timeline") == []
    assert media(ada.person) == []


def test_on_a_terminal_what_it_shows_is_asked_for(person: Person, tmp_path: Path) -> None:
    person.begin()
    file = put(tmp_path, "hill\x1b[31m.png")
    said = person.answer("Ein Hügel\n".encode(), "post", "look", "--picture", file, "--json")
    assert said.returncode == 0
    assert b"What does hill" in said.stderr
    assert b"\x1b" not in said.stderr
    assert [one["alt"] for one in person.json("timeline")[0]["pictures"]] == ["Ein Hügel"]


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG"),
        (b"", "PNG, JPEG, WebP and GIF"),
        (pictures.png()[:-5], "cut off"),
        (pictures.png(20_000, 1), "20000 × 1 pixels"),
        (pictures.png(extra=[pictures.chunk(b"IDAT", bytes(1 << 20))]), "at most 1,024 KiB"),
    ],
)
def test_what_can_not_be_posted_is_refused_with_a_way_on(ada: Shell, tmp_path: Path, data: bytes, part: str) -> None:
    status, code, sentence = ada.refused("post", "look", "--picture", put(tmp_path, data=data), "--alt", "a")
    assert (status, code) == (2, "local.picture")
    assert part in sentence
    assert ada.json("timeline") == []
    assert media(ada.person) == []


def test_metadata_do_not_count_to_the_size(ada: Shell, tmp_path: Path) -> None:
    large = pictures.png(extra=[pictures.chunk(b"tEXt", bytes(3 << 20))])
    assert ada.json("post", "look", "--picture", put(tmp_path, data=large), "--alt", "a")


@pytest.mark.parametrize("file", ["nowhere.png", ".", "a\x1bb", "\udcff", "x" * 300])
def test_a_file_that_can_not_be_read_is_said_so(ada: Shell, file: str) -> None:
    status, _, sentence = ada.refused("post", "look", "--picture", file, "--alt", "a")
    assert status == 2
    assert "\x1b" not in sentence


@pytest.mark.parametrize(("alt", "part"), [("x" * 401, "401 characters"), ("a\x1b[31m", "control character")])
def test_an_alternative_text_keeps_to_the_rules_of_texts(ada: Shell, tmp_path: Path, alt: str, part: str) -> None:
    status, code, sentence = ada.refused("post", "look", "--picture", put(tmp_path), "--alt", alt)
    assert (status, code) == (2, "local.text")
    assert part in sentence
    assert "alternative text" in sentence


# --- Out of a message ---


def test_a_picture_is_saved_as_it_was_posted(ada: Shell, tmp_path: Path) -> None:
    files = [put(tmp_path, f"{number}.gif", pictures.gif_chatty() + bytes(number)) for number in range(2)]
    other = put(tmp_path, "lake.png", pictures.png(7, 5))
    (posted,) = ada.json("post", "look", "--picture", files[0], "--alt", "hill", "--picture", other, "--alt", "lake")
    target = tmp_path / "saved.gif"
    (told,) = ada.json("picture", posted["ref"], "--save", str(target))
    assert target.read_bytes() == strip(pictures.gif_chatty())
    assert told["saved"] == str(target)
    assert (told["alt"], told["here"], told["width"], told["height"]) == ("hill", True, 4, 3)
    said = ada("picture", posted["ref"], "2").out
    assert said.startswith("lake\nPNG, 7 × 5 pixels")
    assert "--save" in said
    assert "2 frames" in ada("picture", posted["ref"]).out
    for number in ("3", "4"):
        assert "2 pictures" in ada.refused("picture", posted["ref"], number)[2]
    assert ada("picture", posted["ref"], "0").status == 2


def test_a_picture_is_not_saved_over_ones_keys(ada: Shell, tmp_path: Path) -> None:
    (posted,) = ada.json("post", "look", "--picture", put(tmp_path), "--alt", "")
    seed = ada.person.home / "seed"
    before = seed.read_bytes()
    assert ada.refused("picture", posted["ref"], "--save", str(seed))[0] == 2
    assert seed.read_bytes() == before
    assert ada.refused("picture", posted["ref"], "--save", str(tmp_path / "nowhere" / "a.png"))[0] == 2


def test_a_message_without_pictures_or_not_here_is_said_so(ada: Shell) -> None:
    (posted,) = ada.json("post", "only words")
    assert "no picture" in ada.refused("picture", posted["ref"])[2]
    feed = ada.json("whoami")[0]["feed"]
    assert "not here" in ada.refused("picture", f"{feed}/99")[2]
    assert ada.refused("picture", ada.json("whoami")[0]["account"])[0] == 2


def test_what_is_not_here_is_noted_and_said(ada: Shell, tmp_path: Path) -> None:
    made = MadeFeed(1, "ben feed", account="ben")
    data = pictures.png()
    says(made, "post", text="look", media=[[sha256(data).digest(), "image/png", len(data), "a \x1b[31mhill"]])
    bring(ada.person, made)
    (shown,) = [one for one in ada.json("timeline") if one["text"] == "look"]
    said = ada("picture", shown["ref"])
    assert "a <U+001B>[31mhill" in said.out
    assert "not here yet" in said.out
    assert "\x1b" not in said.out
    assert "p2pmicro run" in ada.refused("picture", shown["ref"], "--save", str(tmp_path / "a.png"))[2]
    assert not (tmp_path / "a.png").exists()
    assert ada.json("picture", shown["ref"])[0]["here"] is False
    with LocalNode.open(Home(ada.person.home, ada.person.state)) as node:
        assert node.connection.execute("SELECT state, chosen FROM media").fetchall() == [(0, 1)]


def test_deleting_takes_the_file_along_at_once(ada: Shell, tmp_path: Path) -> None:
    (posted,) = ada.json("post", "look", "--picture", put(tmp_path), "--alt", "")
    (again,) = ada.json("post", "again", "--picture", put(tmp_path), "--alt", "")
    for one in (posted, again):
        assert len(media(ada.person)) == 1, "the other message has it still"
        assert ada("delete", one["ref"]).status == 0
    assert media(ada.person) == []


def test_status_and_verify_tell_of_pictures(ada: Shell, tmp_path: Path) -> None:
    assert "pictures" not in ada("status").out
    (posted,) = ada.json("post", "look", "--picture", put(tmp_path), "--alt", "")
    size = len(strip(pictures.png_chatty()))
    (told,) = ada.json("status")
    assert (told["pictures"], told["pictures_bytes"], told["pictures_wanted"]) == (1, size, 0)
    assert ada("verify").status == 0
    (file,) = media(ada.person)
    file.write_bytes(file.read_bytes()[:-1] + b"a")
    said = ada("verify")
    assert said.status == 1
    assert file.name in said.out
    assert ada("verify").status == 0, "it is wanted now"
    assert "1 still to come" in ada("status").out
    assert ada.json("picture", posted["ref"])[0]["here"] is False


def test_a_corrected_message_keeps_its_pictures_or_takes_others(ada: Shell, tmp_path: Path) -> None:
    (posted,) = ada.json("post", "lok", "--picture", put(tmp_path), "--alt", "A hill")
    (corrected,) = ada.json("post", "--replace", posted["ref"], "look")
    (told,) = ada.json("picture", corrected["ref"])
    assert (told["alt"], told["here"]) == ("A hill", True)
    other = put(tmp_path, "other.png", pictures.png(9, 9))
    (again,) = ada.json("post", "--replace", corrected["ref"], "look", "--picture", other, "--alt", "Another hill")
    assert [one["alt"] for one in ada.json("show", again["ref"])[0]["pictures"]] == ["Another hill"]
    assert [file.read_bytes() for file in media(ada.person)] == [pictures.png(9, 9)]


# --- Profiles ---


def test_a_profile_has_a_picture_that_stays_until_it_is_replaced(ada: Shell, tmp_path: Path) -> None:
    account = ada.json("whoami")[0]["account"]
    assert ada("profile", "--avatar", put(tmp_path, "me.jpg", pictures.jpeg_chatty())).status == 0
    assert ada("profile", "--bio", "I climb.").status == 0
    with LocalNode.open(Home(ada.person.home, ada.person.state)) as node:
        opened = node.avatar(node.account)
        assert opened is not None
        assert opened.data == strip(pictures.jpeg_chatty())
    ada.json("picture", account, "--save", str(tmp_path / "ada.jpg"))
    assert (tmp_path / "ada.jpg").read_bytes() == strip(pictures.jpeg_chatty())
    assert "leave the number out" in ada.refused("picture", account, "1")[2]
    assert ada("profile", "--avatar", put(tmp_path, data=pictures.png())).status == 0
    assert [file.name for file in media(ada.person)] == [sha256(pictures.png()).hexdigest()]
    large = put(tmp_path, "large.png", pictures.png(extra=[pictures.chunk(b"IDAT", bytes(256 << 10))]))
    status, code, sentence = ada.refused("profile", "--avatar", large)
    assert (status, code) == (2, "local.picture")
    assert "at most 256 KiB" in sentence
    assert "smaller" in sentence
    assert ada("profile", "--avatar", "").status == 0
    assert "no picture" in ada.refused("picture", account)[2]
    assert media(ada.person) == []


# --- Two nodes ---


def test_a_picture_comes_to_a_friend_and_goes_with_its_message(tmp_path: Path) -> None:
    ada, ben = Person(tmp_path, "Ada"), Person(tmp_path, "Ben")
    account = ada.begin()
    ben.begin()
    ben.json("follow", account)
    file = put(tmp_path)
    ref = ada.json("post", "look", "--picture", file, "--alt", "A hill")[0]["ref"]
    stripped = strip(pictures.png_chatty())
    with ada.running(*LOCAL) as node, ben.running(*LOCAL, "--peer", node.ready["listen"][0]) as other:
        other.message("look")
        told = json.loads(ben.call("picture", ref, "--save", tmp_path / "got.png", "--wait", "30", "--json").stdout)
        assert told["alt"] == "A hill"
        assert (tmp_path / "got.png").read_bytes() == stripped
        second = ada.json("post", message(1), "--picture", put(tmp_path, data=pictures.gif()), "--alt", "")[0]["ref"]
        other.message(message(1))
        wait_for("the picture, live and unasked", lambda: len(media(ben)) == 2)
        assert ben.json("picture", second)[0]["here"] is True


def test_a_picture_to_one_person_is_read_by_nobody_else_on_the_way(tmp_path: Path) -> None:
    ada, ben, eve = (Person(tmp_path, name) for name in ("Ada", "Ben", "Eve"))
    accounts = [person.begin() for person in (ada, ben, eve)]
    ada.json("follow", accounts[1])
    for person in (ben, eve):
        person.json("follow", accounts[0])
    with ada.running(*LOCAL) as node, eve.running(*LOCAL, "--peer", node.ready["listen"][0]) as between:
        with ben.running(*LOCAL, "--peer", node.ready["listen"][0]):
            wait_for("Ben's keys", lambda: "Ben" in {one["name"] for one in ada.json("following")})
            sent = ada.json("post", "look", "--to", accounts[1], "--picture", put(tmp_path), "--alt", "A hill")[0]
            wait_for("the message", lambda: ben.call("show", sent["ref"]).returncode == 0)
            assert media(ben) == [], "nothing is fetched unasked: it would show that he can read the message"
            ben.json("picture", sent["ref"], "--save", str(tmp_path / "got.png"), "--wait", "30")
        ada.json("post", "that was all")
        between.message("that was all")
    stripped = strip(pictures.png_chatty())
    assert (tmp_path / "got.png").read_bytes() == stripped
    assert media(eve) == []
    for person in (ada, ben, eve):
        files = [path for path in person.home.rglob("*") if path.is_file()]
        assert not any(stripped[16:] in path.read_bytes() for path in files), "encrypted wherever it lies"
    assert eve.call("picture", sent["ref"]).returncode == 2
