"""Two processes append to one feed and are killed at random moments; run by test_kill.py, as it forks.

    python -m tests.store.killing FOLDER SEED KILLS

Each append that returned is noted in FOLDER/acknowledged: 8 bytes seq, 32 bytes id.
"""

import os
import signal
import sys
import time
from pathlib import Path
from random import Random

from p2pmicro.feed.content import post, write
from p2pmicro.store.append import append
from p2pmicro.store.changes import ChangeNumbers
from p2pmicro.store.db import open_database
from p2pmicro.store.mark import MarkFile
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home


def main(folder: Path, seed: str, kills: int) -> None:
    """Kill one of the two again and again, and begin another in its place."""
    rng = Random(seed)
    home = Home(folder)
    home.create()
    home.close()  # no connection of SQLite crosses a fork
    workers = [_begin(folder), _begin(folder)]
    for _ in range(kills):
        # Up to three more entries, and a moment: some die while they open the database, most while they append.
        _wait_for(folder, _noted(folder) + 40 * rng.randrange(4))
        time.sleep(0.002 * rng.random())
        place = rng.randrange(2)
        os.kill(workers[place], signal.SIGKILL)
        os.waitpid(workers[place], 0)
        workers[place] = _begin(folder)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


def _noted(folder: Path) -> int:
    path = folder / "acknowledged"
    return path.stat().st_size if path.exists() else 0


def _wait_for(folder: Path, size: int) -> None:
    deadline = time.monotonic() + 30
    while _noted(folder) < size:
        if time.monotonic() > deadline:
            sys.exit("Nobody appends any more.")
        time.sleep(0.0005)


def _begin(folder: Path) -> int:
    worker = os.fork()
    if worker == 0:
        try:
            _append_forever(folder)
        except BaseException as error:
            (folder / f"failed-{os.getpid()}").write_text(repr(error))
        os._exit(1)
    return worker


def _append_forever(folder: Path) -> None:
    made = MadeFeed(1, "own feed", account="owner")
    connection = open_database(folder / "store.db", durable=True)
    mark = MarkFile(folder / "state", made.feed)
    changes = ChangeNumbers(mark)
    notes = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    count = 0
    while True:
        payloads = [write(NOW_MS, "post", post(f"{os.getpid()} {count} {part}")) for part in range(1 + count % 3)]
        refs = append(connection, (), changes, mark, made.key, payloads, NOW_MS)
        os.write(notes, b"".join(ref.seq.to_bytes(8) + ref.id for ref in refs))
        count += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
