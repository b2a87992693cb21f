"""The running node's local socket: other programs on its home wake it after an append, or ask how it is.

A datagram is `wake` (no answer) or `peers` (answered with JSON). Whoever can open it is this user: the home is 0700.
"""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

WAKE = b"wake"
PEERS = b"peers"
ANSWER_MAX_BYTES = 65_536
_ANSWER_TIMEOUT_S = 0.5
_PATH_MAX_BYTES = 100  # sun_path has 108 bytes on Linux, 104 elsewhere


def has_sockets() -> bool:
    """Whether this system has local datagram sockets; without, a node looks each second."""
    return hasattr(socket, "AF_UNIX") and os.name == "posix"


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of the socket that fits its address: by its folder's descriptor where the path is long."""
    if len(os.fsencode(path)) <= _PATH_MAX_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def open_wake_socket(path: Path) -> socket.socket | None:
    """Bind the running node's socket; the caller holds the node's lock. None where there can be none."""
    if not has_sockets():
        return None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        path.unlink(missing_ok=True)
        with _short(path) as name:
            made.bind(name)
        path.chmod(0o600)
        made.setblocking(False)
    except OSError:
        made.close()
        return None
    return made


def wake_node(path: Path) -> bool:
    """Wake the node that runs on this home; False if none does."""
    if not has_sockets():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            with _short(path) as name:
                sender.sendto(WAKE, name)
        except BlockingIOError:
            return True  # it has enough to wake for
        except OSError:
            return False
        return True


def ask_node(path: Path, question: bytes) -> bytes | None:
    """Ask the running node; None if none runs or it does not answer in time."""
    if not has_sockets() or not path.exists():
        return None
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asker:
        try:
            asker.bind(os.path.join(folder, "answer"))
            asker.settimeout(_ANSWER_TIMEOUT_S)
            with _short(path) as name:
                asker.sendto(question, name)
            return asker.recv(ANSWER_MAX_BYTES)
        except OSError:
            return None
