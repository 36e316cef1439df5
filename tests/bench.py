"""Times whole processes: what the README promises, each figure beside a bare interpreter of the same run.

`make bench` prints the table. These are measurements, not tests: a busy machine moves them.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
CASES = ROOT / "data" / "cases"
RUNS = 7


def seconds(*command: object) -> list[float]:
    """Return wall seconds of several runs of a command, after one that warms up."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - start)
    return times[1:]


def main() -> None:
    """Print the table."""
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            ("python -c pass", "", (python, "-c", "pass")),
            ("import expdiag", "", (python, "-c", "import expdiag")),
            ("expdiag --help", "0.3 s", (python, "-m", "expdiag", "--help")),
        ]
        for case in sorted(path.name for path in CASES.iterdir()):
            for kind in ("table", "json", "markdown", "html"):
                command = (python, "-m", "expdiag", "check", CASES / case, "--format", kind)
                rows.append((f"check {case} ({kind})", "2 s", (*command, "--output", f"{folder}/out")))
        bare = statistics.median(seconds(*rows[0][2]))
        print(f"{'whole process':34} {'median':>8} {'worst':>8} {'to bare Python':>15} {'promised':>9}")
        for name, promised, command in rows:
            times = seconds(*command)
            middle = statistics.median(times)
            print(f"{name:34} {middle:7.3f}s {max(times):7.3f}s {middle / bare:14.1f}x {promised:>9}")


if __name__ == "__main__":
    main()
