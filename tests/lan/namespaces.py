"""A LAN inside this machine: a network namespace for each node, joined by a bridge. Skipped where root is missing."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import pytest

_PREFIX = "p2pmicro"
_NAMESPACES = Path("/run/netns")
_CLONE_NEWNET = 0x40000000


def missing() -> str | None:
    """Why no network namespaces can be made here, or None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need the ip command (iproute2)"
    return None


class Namespace:
    """One machine of the LAN: its own interfaces, routes and port numbers; the files are everybody's."""

    def __init__(self, name: str, full_name: str, ipv4: str | None) -> None:
        self.name = name
        self.full_name = full_name  # as `ip netns` knows it
        self.ipv4 = ipv4  # None: it has link-local IPv6 only
        self._processes: list[subprocess.Popen[bytes]] = []

    def popen(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = subprocess.PIPE,
        stderr: int | IO[bytes] | None = None,
        cwd: str | Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process here; `env` is added to this process's own. It is killed with the LAN at the latest."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.full_name, *argv],  # it execs: the process id is the program's
            env={**os.environ, **(env or {})},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Open a socket that lives here, for this process to use; the caller closes it."""
        made: list[socket.socket] = []
        errors: list[OSError] = []

        def enter() -> None:  # a thread of its own, since a namespace holds for a thread
            libc = ctypes.CDLL(None, use_errno=True)
            with (_NAMESPACES / self.full_name).open() as file:
                if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
                    errors.append(OSError(ctypes.get_errno(), "setns"))
                    return
            try:
                made.append(socket.socket(family, kind, protocol))
            except OSError as error:
                errors.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return made[0]

    def link_down(self) -> None:
        """Switch the interface off. IPv6 addresses go, IPv4 ones stay."""
        _ip("-n", self.full_name, "link", "set", "eth0", "down")

    def link_up(self) -> None:
        """Switch it on again."""
        _ip("-n", self.full_name, "link", "set", "eth0", "up")

    def kill(self) -> None:
        """End what runs here."""
        for process in self._processes:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        self._processes.clear()


class Lan:
    """A switch with machines on it. Use it as a context manager: it leaves nothing behind, whatever happens.

    with Lan() as lan:
        laptop, phone = lan.add_node("laptop"), lan.add_node("phone")
        process = laptop.popen([sys.executable, "-m", "p2pmicro", "run"], {"P2PMICRO_HOME": ...})
        lan.cut({"laptop"}, {"phone"}); lan.join()
    """

    _made = 0  # in this process, so that two LANs never share a name

    def __init__(self) -> None:
        Lan._made += 1
        self._prefix = f"{_PREFIX}-{os.getpid()}-{Lan._made}"
        self._switch = f"{self._prefix}-switch"
        self._bridges = 0
        self._ports: dict[str, str] = {}  # a node's name to its interface in the switch
        self.nodes: dict[str, Namespace] = {}

    def __enter__(self) -> Self:
        if (reason := missing()) is not None:
            pytest.skip(reason)
        _remove_left_over()
        try:
            _ip("netns", "add", self._switch)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
        try:
            self._add_bridge()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def add_node(self, name: str, *, ipv4: bool = True, ipv6: bool = True, up: bool = True) -> Namespace:
        """Add a machine with an interface `eth0`: 10.77.0.N/24, and link-local IPv6 without a wait for its check."""
        number = len(self.nodes) + 1
        full_name, port = f"{self._prefix}-{name}", f"port{number}"
        node = Namespace(name, full_name, f"10.77.0.{number}" if ipv4 else None)
        _ip("netns", "add", full_name)
        self.nodes[name] = node
        settings = ["accept_dad=0"] if ipv6 else ["disable_ipv6=1"]
        for setting in settings:
            key, _, value = setting.partition("=")
            _in(full_name, "sh", "-c", f"echo {value} | tee /proc/sys/net/ipv6/conf/*/{key}")
        _ip("-n", full_name, "link", "set", "lo", "up")
        _ip("-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", full_name)
        self._ports[name] = port
        _ip("-n", self._switch, "link", "set", port, "master", "bridge0", "up")
        if node.ipv4 is not None:
            _ip("-n", full_name, "address", "add", f"{node.ipv4}/24", "dev", "eth0")
        if up:
            node.link_up()
        return node

    def cut(self, *groups: Collection[str]) -> None:
        """Let only nodes of one group hear each other; those in none stay with each other. No link goes down."""
        self.join()
        for number, group in enumerate(groups, 1):
            if number >= self._bridges:
                self._add_bridge()
            for name in group:
                self._plug(name, number)

    def join(self) -> None:
        """Let all nodes hear each other again."""
        for name in self.nodes:
            self._plug(name, 0)

    def tap(self) -> socket.socket:
        """Open a socket that gets every frame which passes the switch; the caller closes it."""
        every_protocol = 3  # ETH_P_ALL, packet(7)
        return Namespace("switch", self._switch, None).socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(every_protocol)
        )

    def close(self) -> None:
        """Kill what runs and remove all; does what it can."""
        for node in self.nodes.values():
            node.kill()
        _remove(self._prefix)

    def _add_bridge(self) -> None:
        bridge = f"bridge{self._bridges}"
        self._bridges += 1
        # Without snooping: it drops multicast to groups that it has not yet heard anybody join.
        _ip("-n", self._switch, "link", "add", bridge, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        _ip("-n", self._switch, "link", "set", bridge, "up")

    def _plug(self, name: str, bridge: int) -> None:
        _ip("-n", self._switch, "link", "set", self._ports[name], "master", f"bridge{bridge}")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _in(namespace: str, *argv: str) -> None:
    subprocess.run(["ip", "netns", "exec", namespace, *argv], check=True, capture_output=True)


def _remove(prefix: str) -> None:
    """Delete all namespaces of a LAN; their interfaces go with them."""
    for file in _NAMESPACES.glob(f"{prefix}-*"):
        subprocess.run(["ip", "netns", "delete", file.name], check=False, capture_output=True)


def _remove_left_over() -> None:
    """Clean up after runs that were killed: their processes in the namespaces, and the namespaces."""
    for file in _NAMESPACES.glob(f"{_PREFIX}-*-*-*"):
        pid = file.name.split("-")[1]
        if not pid.isdigit() or Path("/proc", pid).exists():
            continue
        inside = subprocess.run(["ip", "netns", "pids", file.name], check=False, capture_output=True, text=True)
        for other in inside.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(other), signal.SIGKILL)
        _remove(file.name.rpartition("-")[0])
