"""Processes that are killed while they append: nothing acknowledged is lost, and the feed stays one chain."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from p2pmicro.feed.content import post, write
from p2pmicro.store.append import check_own
from p2pmicro.store.serve import entry_ids
from p2pmicro.store.verify import verify
from tests.made import NOW_MS
from tests.store.home import Home

KILLS = 300


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 and fork are POSIX")
def test_killed_processes_lose_nothing_that_was_acknowledged(tmp_path: Path, rng: Random, soak: int) -> None:
    command = [sys.executable, "-m", "tests.store.killing", str(tmp_path), str(rng.random()), str(KILLS * soak)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120 * soak)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.read_text() for path in tmp_path.glob("failed-*")] == []

    notes = (tmp_path / "acknowledged").read_bytes()
    assert len(notes) % 40 == 0
    acknowledged = {int.from_bytes(notes[i : i + 8]): notes[i + 8 : i + 40] for i in range(0, len(notes), 40)}
    assert len(acknowledged) == len(notes) // 40 > KILLS  # none twice

    home = Home(tmp_path)
    end = check_own(home.connection, home.mark, home.own.feed)
    state = home.feed(home.own.feed)
    assert state.newest is not None
    assert (state.newest.before.seq, state.older) == (0, None)
    assert end == state.newest.end
    seqs = sorted(acknowledged)
    assert entry_ids(home.connection, home.own.feed, seqs) == [acknowledged[seq] for seq in seqs]
    assert verify(home.connection, lambda done, of: None) == []
    assert home.append(write(NOW_MS, "post", post("after all that")))[0].seq == end.seq + 1
    home.close()
