"""Full and read-only disks, other users, closed streams: made for real, in a mount namespace of their own."""

import contextlib
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Person
from tests.texts import message

SMALL = "size=1m"  # of which a new home takes a third


def missing() -> str | None:
    """Why no mounts can be made here, or None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "mounts need root"
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return "mounts need unshare and nsenter (util-linux)"
    made = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    return None if made.returncode == 0 else f"no mounts here: {made.stderr.decode().strip()}"


class Mounts:
    """A mount namespace: what is mounted in it nobody else sees, and it goes with it."""

    def __init__(self) -> None:
        self._keeper = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", "echo ready; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._keeper.stdout is not None
        self._keeper.stdout.readline()
        self.inside = ("nsenter", "-m", "-t", str(self._keeper.pid), "--")

    def run(self, *argv: str | Path) -> int:
        """Run a command in it."""
        return subprocess.run([*self.inside, *argv], capture_output=True, check=False).returncode

    def close(self) -> None:
        self._keeper.communicate()


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    if (reason := missing()) is not None:
        pytest.skip(reason)
    made = Mounts()
    yield made
    made.close()


@pytest.mark.parametrize("full", ["home", "state", "both"])
def test_full_disk_is_said_so_and_loses_nothing(person: Person, mounts: Mounts, full: str) -> None:
    place = {"home": person.home, "state": person.state, "both": person.home.parent}[full]
    place.mkdir(parents=True)
    assert mounts.run("mount", "-t", "tmpfs", "-o", SMALL, "tmpfs", place) == 0
    assert person.call("init", "--name", "Ada", wrapped=mounts.inside).returncode == 0
    assert person.call("post", message(0), wrapped=mounts.inside).returncode == 0

    mounts.run("dd", "if=/dev/zero", f"of={place}/filler", "bs=4096")
    refused = person.call("post", message(1), wrapped=mounts.inside)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr.startswith(b"p2pmicro: ")
    assert b"full" in refused.stderr or b"no room" in refused.stderr
    assert refused.stderr.count(b"\n") == 1
    for command in ("timeline", "status", "run", "verify", "rebuild"):
        said = person.call(command, wrapped=("timeout", "-s", "INT", "2", *mounts.inside)) if command == "run" else (
            person.call(command, wrapped=mounts.inside)
        )  # fmt: skip
        assert b"Traceback" not in said.stderr
        assert b"A bug in" not in said.stderr

    mounts.run("rm", place / "filler")
    assert person.call("post", message(2), wrapped=mounts.inside).returncode == 0
    shown = person.call("timeline", wrapped=mounts.inside).stdout.decode()
    assert message(0) in shown
    assert message(2) in shown
    verified = person.call("verify", wrapped=mounts.inside)
    assert (verified.returncode, verified.stderr) == (0, b"")


def test_read_only_home_is_said_so_by_every_command(person: Person, mounts: Mounts) -> None:
    person.begin()
    person.post(message(0))
    assert mounts.run("mount", "--bind", person.home, person.home) == 0
    assert mounts.run("mount", "-o", "remount,ro,bind", person.home) == 0
    for command in (("post", "hello"), ("whoami",), ("timeline",), ("init",), ("run",), ("verify",)):
        said = person.call(*command, wrapped=mounts.inside)
        assert (said.returncode, said.stdout) == (1, b"")
        assert said.stderr.startswith(b"p2pmicro: ")
        assert said.stderr.count(b"\n") == 1
        assert b"writ" in said.stderr
    assert person.texts() == {message(0)}


def test_folder_where_no_home_can_be_made_is_said_so(person: Person, mounts: Mounts) -> None:
    place = person.home.parent
    place.mkdir()
    assert mounts.run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", place) == 0
    for command in ("init", "run"):
        said = person.call(command, wrapped=mounts.inside)
        assert said.returncode == 1
        assert b"can be read and not written" in said.stderr


def test_visitor_without_rights_is_told_so(person: Person) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming another user needs root and setpriv (util-linux)")
    person.begin()
    visitor = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if subprocess.run([*visitor, sys.executable, "-c", "import p2pmicro.cli.main"], check=False).returncode != 0:
        pytest.skip("the program can't be read by another user here")
    for command in (("timeline",), ("post", "hello"), ("init",), ("run",)):
        said = person.call(*command, wrapped=visitor)
        assert (said.returncode, said.stdout) in ((1, b""), (2, b""))
        assert said.stderr.startswith(b"p2pmicro: ")
        assert said.stderr.count(b"\n") == 1


@pytest.mark.parametrize("text", [b"\xff\xfe", b"ok \xc3", b"\xed\xa0\x80"])
def test_bytes_that_are_no_utf8_are_refused_as_a_message(person: Person, text: bytes) -> None:
    person.begin()
    said = person.call("post", text)
    assert (said.returncode, said.stdout) == (2, b"")
    assert b"lone surrogate" in said.stderr
    assert person.texts() == set()


def through_shell(person: Person, script: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `$p2pmicro` is the command."""
    command = f'"{sys.executable}" -m p2pmicro --home "{person.home}"'
    return subprocess.run(
        ["sh", "-c", script.replace("$p2pmicro", command)],
        env={**os.environ, **person.environment, "LC_ALL": "C", "PYTHONUNBUFFERED": ""},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "status", "part"),
    [
        ("$p2pmicro post - <&-", 2, b"empty"),
        ("$p2pmicro words <&-", 2, b"--yes"),
        ("$p2pmicro post hello >&-", 0, b""),
        ("$p2pmicro post '' 2>&-", 2, b""),
        ("$p2pmicro timeline >/dev/full", 1, b"No space left"),
        ("$p2pmicro timeline --json >/dev/full", 1, b"No space left"),
        ("$p2pmicro timeline --limit 1000 | true", 0, b""),
        ("$p2pmicro post - </dev/zero", 2, b"characters"),
        ("$p2pmicro init --recover </dev/zero", 2, b"words"),
    ],
)
def test_streams_that_are_closed_full_or_endless(person: Person, script: str, status: int, part: bytes) -> None:
    person.begin()
    person.post(message(0))
    said = through_shell(person, script)
    assert said.returncode == status
    assert part in said.stderr
    assert b"Traceback" not in said.stderr
    assert b"Exception" not in said.stderr
    assert b"A bug in" not in said.stderr


def test_locale_without_utf8_does_not_matter(person: Person) -> None:
    person.begin()
    assert through_shell(person, f"$p2pmicro post '{message(200)}'").returncode == 0
    assert message(200) in through_shell(person, "$p2pmicro timeline").stdout.decode()


def on_terminal(person: Person, *argv: str) -> tuple[int, str]:
    """Run a command with all its streams on a terminal; its status, and what the terminal was sent."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            person.argv(*argv),
            env={**os.environ, **person.environment, "TERM": "xterm", "NO_COLOR": ""},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the other end has gone
            while piece := screen.read(4096):
                shown += piece
        return process.wait(), shown.decode()


@pytest.mark.parametrize("command", ["verify", "rebuild"])
def test_progress_is_shown_on_a_terminal_and_taken_away(person: Person, command: str) -> None:
    person.begin()
    status, shown = on_terminal(person, command)
    assert status == 0
    assert f"\r{command} " in shown
    assert "100 %\r\x1b[K" in shown
    assert person.call(command).stderr == b""


def test_names_stand_out_on_a_terminal_alone(person: Person) -> None:
    person.begin()
    assert on_terminal(person, "post", message(2))[1].startswith("Posted: z6Mk")
    assert "\x1b[1mAda\x1b[0m" in on_terminal(person, "timeline")[1]
    assert b"\x1b" not in person.call("timeline").stdout


@pytest.mark.parametrize(("typed", "shown"), [(b"y\n", True), (b"n\n", False), (b"\n", False), (b"\x04", False)])
def test_words_are_shown_on_a_terminal_after_a_yes_alone(person: Person, typed: bytes, shown: bool) -> None:
    person.begin()
    words = person.json("words", "--yes")[0]["words"]
    done = person.answer(typed, "words", "--json")
    assert done.returncode == 0
    assert b"Show them? [y/N]" in done.stderr
    assert (str(words).replace("'", '"').encode() in done.stdout) is shown
    assert (b"Not shown." in done.stderr) is not shown
