"""The installed program as people and other programs use it: a home, its commands, and its running node."""

import json
import os
import pty
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

PATIENCE_S = 30.0  # after which something that must come is said to be missing; what comes is never waited for longer
_ASK_AGAIN_S = 0.1
Argument = str | bytes | Path
T = TypeVar("T")


class Popen(Protocol):
    """Start a process somewhere, with variables added to the environment, and its standard output and error piped."""

    def __call__(self, argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]: ...


def popen_here(argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a process in this namespace."""
    return subprocess.Popen(
        argv,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a ^C meant for the tests ends them, and they end it
    )


def wait_for(what: str, ask: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
    """Ask until the answer is true, and give it; the only wait of these tests for what tells nobody that it happened.

    Raises:
        AssertionError: it did not come true in time.
    """
    deadline = time.monotonic() + patience_s
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:.0f} s"
        time.sleep(_ASK_AGAIN_S)
    return answer


class Person:
    """Somebody with a computer: a home and a state folder of their own, and the commands on it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.home = folder / name / "home"
        self.state = folder / name / "state"
        self.environment = {"P2PMICRO_STATE": str(self.state), "P2PMICRO_HOME": "", "COLUMNS": "100"}

    def argv(self, *arguments: Argument) -> list[Argument]:
        """The command as a shell would call it."""
        return [sys.executable, "-m", "p2pmicro", "--home", str(self.home), *arguments]

    def call(
        self, *arguments: Argument, stdin: bytes = b"", wrapped: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end, within another one such as `unshare` if `wrapped` names it."""
        return subprocess.run(
            [*wrapped, *self.argv(*arguments)],
            env={**os.environ, **self.environment},
            input=stdin,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def answer(self, typed: bytes, *arguments: Argument) -> subprocess.CompletedProcess[bytes]:
        """Run a command at a terminal, where somebody types."""
        ours, theirs = pty.openpty()
        try:
            os.write(ours, typed)
            return subprocess.run(
                self.argv(*arguments),
                env={**os.environ, **self.environment},
                stdin=theirs,
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
        finally:
            os.close(ours)
            os.close(theirs)

    def json(self, *arguments: Argument) -> list[dict[str, Any]]:
        """Run a command that must go well; its lines of JSON."""
        done = self.call(*arguments, "--json")
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    def begin(self) -> str:
        """Make the account; its did:key."""
        account: str = self.json("init", "--name", self.name)[0]["account"]
        return account

    def post(self, text: str) -> str:
        """Write a message; its ref."""
        ref: str = self.json("post", text)[0]["ref"]
        return ref

    def texts(self) -> set[str]:
        """What the timeline shows."""
        return {message["text"] for message in self.json("timeline", "--limit", "1000")}

    def log(self) -> set[tuple[str, str]]:
        """The refs and ids of the timeline: equal where the messages are."""
        return {(message["ref"], message["id"]) for message in self.json("timeline", "--limit", "1000")}

    @contextmanager
    def running(self, *arguments: str, popen: Popen = popen_here) -> Iterator["RunningNode"]:
        """Run the node; what is left of it at the end is killed."""
        node = self.start(*arguments, popen=popen)
        try:
            yield node
        finally:
            node.kill()

    def start(self, *arguments: str, popen: Popen = popen_here) -> "RunningNode":
        """Start the node, and come back when it is ready; the caller ends it."""
        node = RunningNode(popen([str(part) for part in self.argv("run", "--json", *arguments)], self.environment))
        try:
            node.ready = node.event("ready")
        except BaseException:
            node.kill()
            raise
        return node


class RunningNode:
    """A `run --json`: its lines are read as they come."""

    ready: dict[str, Any]

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []  # all that were read, oldest first
        self.complaints = b""  # standard error, complete after its end
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._readers = [threading.Thread(target=self._read_lines), threading.Thread(target=self._read_complaints)]
        for reader in self._readers:
            reader.start()

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _read_complaints(self) -> None:
        assert self.process.stderr is not None
        self.complaints = self.process.stderr.read()

    def event(self, kind: str, **fields: object) -> dict[str, Any]:
        """Wait for an event with these fields, or give one that came before.

        Raises:
            AssertionError: the node ended first, or it did not come in time.
        """
        deadline = time.monotonic() + PATIENCE_S
        wanted = {"event": kind, **fields}
        seen = 0
        while True:
            for event in self.events[seen:]:
                if wanted.items() <= event.items():
                    return event
            seen = len(self.events)
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {wanted} within {PATIENCE_S:.0f} s") from None
            if not line:
                self.process.wait()
                self._readers[1].join()
                raise AssertionError(f"the node ended before {wanted}: {self.complaints.decode()}")
            self.events.append(json.loads(line))

    def message(self, text: str) -> dict[str, Any]:
        """Wait until a message with this text has arrived."""
        return self.event("message", text=text)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to end; the seconds that it took. What was not yet read of its events is read."""
        asked = time.monotonic()
        os.kill(self.process.pid, number)
        self.process.wait(PATIENCE_S)
        took_s = time.monotonic() - asked
        self._close()
        return took_s

    def kill(self) -> None:
        """End it as a power cut would, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self) -> None:
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        while not self._lines.empty():
            if line := self._lines.get():
                self.events.append(json.loads(line))
