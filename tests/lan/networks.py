"""Two networks for one story: a real LAN of namespaces, and loopback with wires that can be pulled out."""

import contextlib
import socket
import subprocess
import threading
from collections.abc import Collection
from functools import partial
from itertools import count
from types import TracebackType
from typing import Protocol, Self

from tests.cli.program import Person, RunningNode
from tests.lan.namespaces import Lan

_CHUNK_BYTES = 1 << 16


class Network(Protocol):
    """Where people's nodes run and can hear each other, or some of them."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def start(self, person: Person) -> RunningNode:
        """Run somebody's node, joined to the network; it ends with the network at the latest."""

    def cut(self, *groups: Collection[str]) -> None:
        """Let only people of one group hear each other; those in none stay with each other."""

    def join(self) -> None:
        """Let all hear each other again."""


class MdnsLan:
    """Namespaces on a bridge; nodes are found by mDNS, with no address given."""

    def __init__(self) -> None:
        self.lan = Lan()
        self._running: list[RunningNode] = []

    def __enter__(self) -> Self:
        self.lan.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for node in self._running:
                node.kill()
        finally:
            self.lan.__exit__(kind, error, trace)

    def start(self, person: Person) -> RunningNode:
        place = self.lan.nodes.get(person.name) or self.lan.add_node(person.name)
        node = person.start(popen=partial(place.popen, stderr=subprocess.PIPE))
        self._running.append(node)
        return node

    def cut(self, *groups: Collection[str]) -> None:
        self.lan.cut(*groups)

    def join(self) -> None:
        self.lan.join()


class Loopback:
    """This machine alone: each node is told the addresses of those before it, on a wire for each pair."""

    def __init__(self) -> None:
        self._running: dict[str, RunningNode] = {}
        self._wires: list[Wire] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self._running.values():
            node.kill()
        for wire in self._wires:
            wire.close()

    def start(self, person: Person) -> RunningNode:
        peers = []
        for name, node in self._running.items():
            if node.process.poll() is None:
                wire = Wire(node.ready["listen"][0], (person.name, name))
                self._wires.append(wire)
                peers += ["--peer", wire.address]
        node = person.start("--no-mdns", "--listen", "127.0.0.1:0", *peers)
        self._running[person.name] = node
        return node

    def cut(self, *groups: Collection[str]) -> None:
        of = {name: number for number, group in enumerate(groups) for name in group}
        for wire in self._wires:
            one, other = wire.between
            wire.connect(of.get(one) == of.get(other))

    def join(self) -> None:
        for wire in self._wires:
            wire.connect(True)


class Wire:
    """A TCP address that leads to another one, as long as it is connected."""

    def __init__(self, target: str, between: tuple[str, str]) -> None:
        self.between = between
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._connected = True
        self._ends: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._numbers = count()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def connect(self, on: bool) -> None:
        """Plug it in, or pull it out: then what runs over it ends, and new connections end at once."""
        with self._lock:
            self._connected = on
            ends = [] if on else list(self._ends.values())
        for pair in ends:
            _shut(*pair)

    def close(self) -> None:
        """End it all."""
        self.connect(False)
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:  # closed
                return
            try:
                far = socket.create_connection(self._target, timeout=5.0)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            number = next(self._numbers)
            with self._lock:
                self._ends[number] = near, far
                if not self._connected:
                    _shut(near, far)
            both = threading.Barrier(2)
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=(number, source, sink, both))
                self._threads.append(thread)
                thread.start()

    def _carry(self, number: int, source: socket.socket, sink: socket.socket, both: threading.Barrier) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                sink.sendall(data)
        _shut(source, sink)
        if both.wait() == 0:
            with self._lock:
                del self._ends[number]
            source.close()
            sink.close()


def _shut(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
