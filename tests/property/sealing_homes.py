"""Homes that seal without end, are killed and copied; each key that encrypts is noted. Run by test_fresh_keys.py.

    python -m tests.property.sealing_homes FOLDER SEED KILLS

FOLDER/used has 16 bytes for each time that something was encrypted: the first of a hash of the key and the nonce, or of
the key that HPKE drew, from which both come.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from p2pmicro.feed import content, seal
from p2pmicro.feed.picture import sealed as picture
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.node.newpicture import NewPicture
from p2pmicro.node.unsealing import box_of
from tests.pictures import png
from tests.unit.node.town import Town

Note = Callable[[str, bytes], None]
"""Told what encrypts (`body`, `picture` or `slot`), and 16 bytes that are the same for the same key and nonce."""


@contextmanager
def noted(note: Note) -> Iterator[None]:
    """Have every encryption noted, before its result is known to anybody."""

    class Cipher:
        use = ""

        def __init__(self, key: bytes) -> None:
            self._key = key

        def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
            note(self.use, sha256(self._key + nonce).digest()[:16])
            return ChaCha20Poly1305(self._key).encrypt(nonce, data, aad)

        def decrypt(self, *arguments: Any) -> bytes:
            return ChaCha20Poly1305(self._key).decrypt(*arguments)

    class Suite:
        def __init__(self, real: Any) -> None:
            self._real = real

        def encrypt(self, plain: bytes, public: X25519PublicKey, info: bytes) -> bytes:
            encrypted: bytes = self._real.encrypt(plain, public, info)
            note("slot", sha256(encrypted[:32]).digest()[:16])
            return encrypted

        def decrypt(self, encrypted: bytes, private: X25519PrivateKey, info: bytes) -> bytes:
            plain: bytes = self._real.decrypt(encrypted, private, info)
            return plain

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seal, "ChaCha20Poly1305", type("Body", (Cipher,), {"use": "body"}))
        patch.setattr(picture, "ChaCha20Poly1305", type("Picture", (Cipher,), {"use": "picture"}))
        patch.setattr(seal, "_SUITE", Suite(seal._SUITE))
        yield


def begin(folder: Path) -> Home:
    """The home of Ada, who knows Ben."""
    with Town(folder, "Ada", "Ben") as town:
        town.know("Ada", "Ben")
        return town["Ada"].home


def copied(home: Home, folder: Path) -> Home:
    """The home on another computer, with its mark: nothing there tells that it is a copy."""
    made = Home(folder / "home", folder / "state")
    shutil.copytree(home.path, made.path)
    shutil.copytree(home.state, made.state)
    return made


def seal_some(node: LocalNode, turn: int, many: int) -> None:
    """What a person seals by turns: pictures, answers, private state, likes; else `many` messages at once."""
    match turn % 32:
        case 0:
            node.post("look", [NewPicture(png(), "")], to=["Ben"])
        case 1:
            node.reply(node.post("Sunday?", to=["Ben"]), "or Monday?")
        case 2:
            node.mute(node.mute_of(word=f"word{turn}"))
            node.post("for all")  # private state goes with it
        case 3:
            node.like(node.post("for Ben", to=["Ben"]))
        case _:
            (ben,) = [one.account for one in node.following()]
            box = box_of(node.connection, ben)
            assert box is not None
            given = [node.sealing.seal(node.connection, "post", content.post("the same"), [box]) for _ in range(many)]
            node.append(lambda _: given)


def main(folder: Path, seed: str, kills: int) -> None:
    """Begin a process that seals, kill it, and copy its home now and then: again and again."""
    rng = Random(seed)
    homes = [begin(folder)]
    # Whatever a process draws from is copied with it by a fork, so it has been used before: by `begin`, and once more.
    seal._SUITE.encrypt(bytes(16), X25519PrivateKey.generate().public_key(), b"")
    for kill in range(kills):
        if rng.random() < 0.2:
            homes.append(copied(rng.choice(homes), folder / f"copy {kill}"))
        home = rng.choice(homes)
        noted_before = _noted(folder)
        worker = os.fork()
        if worker == 0:
            try:
                _seal_forever(folder, home)
            except BaseException as error:
                (folder / f"failed-{os.getpid()}").write_text(repr(error))
            os._exit(1)
        _wait_for(folder, noted_before + 16 * (1 + rng.randrange(60)))
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


def _noted(folder: Path) -> int:
    path = folder / "used"
    return path.stat().st_size if path.exists() else 0


def _wait_for(folder: Path, size: int) -> None:
    deadline = time.monotonic() + 30
    while _noted(folder) < size:
        if time.monotonic() > deadline:
            sys.exit("Nobody seals any more.")
        time.sleep(0.0005)


def _seal_forever(folder: Path, home: Home) -> None:
    used = os.open(folder / "used", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with noted(lambda _use, what: _write(used, what)), LocalNode.open(home) as node:
        for turn in count():
            seal_some(node, turn, 8)


def _write(file: int, what: bytes) -> None:
    os.write(file, what)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
