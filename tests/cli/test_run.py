"""The running node: its first line, its end, and who shares a home with it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.cli.program import PATIENCE_S, Person, popen_here, wait_for
from tests.texts import message

STOP_MAX_S = 2.0
LOCAL = ("--listen", "127.0.0.1:0", "--no-mdns")


def test_first_line_is_ready_and_a_first_start_makes_the_account(person: Person) -> None:
    with person.running("--name", "Ada", *LOCAL) as node:
        assert node.events == [node.ready]
        assert node.ready.keys() == {"event", "account", "feed", "listen"}
        who = person.json("whoami")[0]
        assert (node.ready["account"], node.ready["feed"], "Ada") == (who["account"], who["feed"], who["name"])
        (address,) = node.ready["listen"]
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=PATIENCE_S).close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_the_node_within_two_seconds(person: Person, number: signal.Signals) -> None:
    with person.running() as node:  # with announcements, whose goodbye takes the longest
        assert node.stop(number) < STOP_MAX_S
        assert (node.process.returncode, node.complaints) == (0, b"")
    assert not (person.home / "wake").exists()
    assert person.json("status")[0]["running"] is False
    assert person.json("verify")[-1]["faults"] == 0


def test_node_that_was_killed_starts_again_with_all_that_was_acknowledged(person: Person) -> None:
    with person.running(*LOCAL) as node:
        person.post(message(0))
        node.kill()
    with person.running(*LOCAL):
        person.post(message(1))
        assert person.texts() == {message(0), message(1)}
        assert person.json("verify")[-1]["faults"] == 0


def test_post_beside_the_running_node_is_an_event_there(person: Person) -> None:
    with person.running(*LOCAL) as node:
        assert person.json("status")[0]["running"] is True
        ref = person.post(message(5))
        event = node.message(message(5))
        assert event["ref"] == ref
        assert {"event", "ref", "id", "account", "name", "time", "text", "seen", "kind"} <= event.keys()


def test_two_programs_and_a_node_write_one_contiguous_feed(person: Person) -> None:
    person.begin()
    height = person.json("status")[0]["height"]
    refs: list[str] = []
    with person.running(*LOCAL) as node:

        def write(first: int) -> None:
            refs.extend(person.post(message(first + number)) for number in range(5))

        writers = [threading.Thread(target=write, args=(first,)) for first in (0, 100)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert sorted(int(ref.rpartition("/")[2]) for ref in refs) == list(range(height + 1, height + 11))
        for first in (0, 100):
            for number in range(5):
                node.message(message(first + number))
    assert person.json("verify")[-1]["faults"] == 0


def test_people_are_told_where_it_runs_and_what_arrives(person: Person) -> None:
    person.begin()
    with popen_here([str(part) for part in person.argv("run", "--no-mdns")], person.environment) as process:
        assert process.stdout is not None
        patience = threading.Timer(PATIENCE_S, process.kill)
        patience.start()
        try:
            assert person.json("whoami")[0]["account"] in process.stdout.readline().decode()
            assert "0.0.0.0" not in process.stdout.readline().decode()  # nobody can go there
            person.post(message(0))
            assert process.stdout.readline().decode().startswith("Ada …")
            assert process.stdout.readline().decode() == f"  {message(0)}\n"
        finally:
            patience.cancel()
            process.kill()


def test_second_node_on_one_home_is_refused_and_the_first_goes_on(person: Person) -> None:
    with person.running(*LOCAL) as node:
        said = person.call("run", "--json", *LOCAL)
        assert said.returncode == 2
        assert said.stdout == b""
        assert "already runs" in json.loads(said.stderr)["message"]
        person.post(message(0))
        node.message(message(0))


def test_port_that_is_taken_is_said_so(person: Person) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = person.call("run", "--listen", f"127.0.0.1:{port}", "--no-mdns")
    assert (said.returncode, said.stdout) == (2, b"")
    assert str(port).encode() in said.stderr
    assert said.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--listen", "x"),
        ("--listen", "127.0.0.1"),
        ("--listen", "127.0.0.1:99999"),
        ("--listen", "127.0.0.1:-1"),
        ("--listen", "192.0.2.1:4000"),
        ("--listen", "no.such.host.invalid:4000"),
        ("--peer", "x"),
        ("--peer", "::1:4000"),
        ("--peer", "127.0.0.1:0"),
        ("--peer", "\udcff:4000"),
        ("--name", "y" * 51),
    ],
)
def test_setting_that_can_not_be_used_is_said_so(person: Person, arguments: tuple[str, str]) -> None:
    person.begin()
    said = person.call("run", "--no-mdns", *(argument.encode(errors="surrogateescape") for argument in arguments))
    assert (said.returncode, said.stdout) == (2, b"")
    assert said.stderr.startswith(b"p2pmicro: ")
    assert said.stderr.count(b"\n") == 1


def test_node_runs_without_any_network(person: Person) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a place without a network needs root and unshare (util-linux)")

    def popen(argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return popen_here(["unshare", "-n", *argv], env)

    with person.running(popen=popen) as node:
        person.post(message(0))
        node.message(message(0))
        assert node.stop() < STOP_MAX_S
        assert (node.process.returncode, node.complaints) == (0, b"")


def test_peer_that_nobody_answers_at_stops_nothing(person: Person) -> None:
    with person.running(*LOCAL, "--peer", "127.0.0.1:9", "--peer", "no.such.host.invalid:4000") as node:
        person.post(message(0))
        node.message(message(0))
        assert node.stop() < STOP_MAX_S
        assert node.process.returncode == 0
        # Each address that somebody named is told of once, however often it is tried.
        complaints = sorted(node.complaints.decode().splitlines())
        assert [line.split(": ")[1].split()[0] for line in complaints] == ["127.0.0.1:9", "No"]


def test_peers_tells_who_is_connected_and_later_who_was_met(person: Person, tmp_path: Path) -> None:
    other = Person(tmp_path, "Ben")
    account = other.begin()
    fields = {"account", "name", "feed", "address", "state", "since", "bytes_in", "bytes_out"}
    with other.running(*LOCAL) as there:
        (address,) = there.ready["listen"]
        with person.running(*LOCAL, "--peer", address) as node:
            found = wait_for(
                "nobody is connected", lambda: [p for p in person.json("peers") if p["state"] == "connected"]
            )
            (peer,) = found
            assert peer.keys() == fields
            assert (peer["account"], peer["feed"], peer["address"]) == (account, there.ready["feed"], address)
            assert peer["bytes_in"] > 0 < peer["bytes_out"]
            (back,) = other.json("peers")
            assert (back["account"], back["state"]) == (node.ready["account"], "connected")
            assert account.encode() in person.call("peers").stdout
            # What is followed from now on comes over the connection that is there.
            other.post(message(8))
            person.json("follow", account)
            node.message(message(8))
            node.stop()
        (met,) = person.json("peers")
        assert met.keys() == fields
        assert (met["address"], met["state"], met["feed"]) == (address, "away", there.ready["feed"])


def test_reader_of_the_events_may_go_away(person: Person) -> None:
    process = popen_here([str(part) for part in person.argv("run", "--json", *LOCAL)], person.environment)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "ready"
        process.stdout.close()
        person.post(message(0))
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
    assert person.texts() == {message(0)}
