"""Every benchmark, one after the other, each as a process of its own.

python -m tests.bench.all
"""

import subprocess
import sys

BENCHES = (
    ("bench_core",),
    ("bench_ingest", "100000"),
    ("bench_sync", "100000", "300000"),
    ("bench_live", "1000"),
    ("bench_meet", "100", "10000"),
    ("bench_process",),
    ("bench_timeline",),
    ("bench_views",),
    ("bench_search",),
    ("bench_seal",),
)


def main() -> None:
    """Run them all; the exit status is 1 if one fails."""
    failed = []
    for name, *arguments in BENCHES:
        print(f"\n--- {' '.join((name, *arguments))}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *arguments], check=False).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"These failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
