"""No key encrypts twice, whatever a restart, a kill or a copy of the whole home repeats. Source: threat L14.

The whole row: P2PMICRO_SOAK=25, some seven minutes on one core.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from itertools import count
from random import Random

import pytest

from p2pmicro.node.local import LocalNode
from tests.made import NOW_MS
from tests.property.pipe import memory_folder
from tests.property.sealing_homes import begin, copied, noted, seal_some

RESTARTS, COPIES = 20, 4
HOMES_MAX = 6  # the oldest goes for a newer copy
KILLS = 30


def test_no_key_encrypts_twice_in_homes_that_are_restarted_and_copied(
    rng: Random, soak: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All homes are at the same place of the same feed, it is always the same time, and `random` begins anew."""
    monkeypatch.setattr(time, "time_ns", lambda: NOW_MS * 10**6)
    used: Counter[bytes] = Counter()
    uses: Counter[str] = Counter()

    def note(use: str, what: bytes) -> None:
        used[what] += 1
        uses[use] += 1

    with memory_folder() as folder, noted(note):
        homes = [begin(folder)]
        per_start = 20 if soak == 1 else 400
        for start in range(RESTARTS * soak):
            if start % (RESTARTS // COPIES) == 2:
                homes.append(copied(homes[-1], folder / f"copy {start}"))
                if len(homes) > HOMES_MAX:
                    shutil.rmtree(homes.pop(0).path)
            random.seed(1)
            with LocalNode.open(homes[rng.randrange(-2, 0) if len(homes) > 1 else 0]) as node:
                assert node.renewed is None, "a copy goes on with the same feed: it does not know"
                enough = uses["body"] + per_start
                turns = count()
                while uses["body"] < enough:
                    seal_some(node, next(turns), 10 if soak == 1 else 100)
    print(f"{uses}")
    assert used.most_common(1)[0][1] == 1
    assert uses["body"] >= RESTARTS * soak * per_start
    assert uses["picture"] > 0
    assert uses["slot"] == 4 * uses["body"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 and fork are POSIX")
def test_no_key_encrypts_twice_in_processes_that_are_killed(rng: Random, soak: int) -> None:
    with memory_folder() as folder:
        command = [sys.executable, "-m", "tests.property.sealing_homes", str(folder), str(rng.random())]
        done = subprocess.run(
            [*command, str(KILLS * soak)], capture_output=True, text=True, check=False, timeout=60 * soak
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert [path.read_text() for path in folder.glob("failed-*")] == []
        notes = (folder / "used").read_bytes()
    used = Counter(notes[at : at + 16] for at in range(0, len(notes), 16))
    assert used.total() > 5 * KILLS
    assert used.most_common(1)[0][1] == 1
