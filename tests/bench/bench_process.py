"""What a command and an idle node cost as whole processes.

    python -m tests.bench.bench_process

The raw limits: Python that starts and ends, and Python that imports what every post needs.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.texts import message

RUNS = 15
IDLE_S = 20
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "P2PMICRO_HOME": f"{folder}/home", "P2PMICRO_STATE": f"{folder}/state"}
        python = [sys.executable, "-c"]
        program = [sys.executable, "-m", "p2pmicro"]
        subprocess.run([*program, "init", "--name", "Ada"], env=environment, check=True, stdout=subprocess.DEVNULL)
        _row("raw: python starts and ends", [_run([*python, "pass"], environment) for _ in range(RUNS)])
        imports = "import sqlite3, argparse, cbor2, cryptography.hazmat.primitives.asymmetric.ed25519"
        _row("raw: and imports libraries", [_run([*python, imports], environment) for _ in range(RUNS)])
        posts = [_run([*program, "post", message(number)], environment) for number in range(RUNS)]
        _row("p2pmicro post", posts)
        ready = []
        for _ in range(5):
            took, node = _start(program, environment)
            ready.append(took)
            node.send_signal(signal.SIGTERM)
            assert node.wait(10) == 0
        _row("p2pmicro run, until ready", ready)
        _, node = _start(program, environment)
        time.sleep(10)  # zeroconf is up by then
        before = _cpu_s(node.pid)
        time.sleep(IDLE_S)
        share = (_cpu_s(node.pid) - before) / IDLE_S
        print(f"{'idle node':44} {share:10.2%} CPU   {_memory_mb(node.pid):.1f} MB")
        node.send_signal(signal.SIGTERM)
        node.wait(10)


def _run(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _start(program: list[str], environment: dict[str, str]) -> tuple[float, "subprocess.Popen[bytes]"]:
    start = time.perf_counter()
    node = subprocess.Popen([*program, "run", "--json"], env=environment, stdout=subprocess.PIPE)
    assert node.stdout is not None
    assert json.loads(node.stdout.readline())["event"] == "ready"
    return time.perf_counter() - start, node


def _row(what: str, took: list[float]) -> None:
    print(f"{what:44} {statistics.median(took):10.3f} s   at most {max(took):.3f} s", flush=True)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
