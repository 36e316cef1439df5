"""Runs processes and tells what they took: the best of several runs, those that are compared in turn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

Command = Sequence[object]
_CACHE = tempfile.TemporaryDirectory()
# Byte code is kept, as for a package that is installed, whatever the environment says
_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPYCACHEPREFIX": _CACHE.name,
}
_PAUSE = 0.02


class Took(NamedTuple):
    """Seconds of wall time, and megabytes of memory at most: of a process and its children together, of any of them.

    What processes share, as the interpreter itself, counts for each.
    """

    seconds: float
    megabytes: float = 0
    largest: float = 0


def tables(path: Path) -> Command:
    """Return the command that reads a case into its tables."""
    return (sys.executable, "-c", f"import expdiag; expdiag.load({str(path)!r})")


def load(path: Path) -> Command:
    """Return the command that reads a case into its tables, and tells whose they are."""
    return (sys.executable, "-c", f"import expdiag; expdiag.load({str(path)!r}).cluster")


def check(path: Path) -> Command:
    """Return the command that judges a case."""
    return (sys.executable, "-m", "expdiag", "check", path, "--format", "json")


def in_turn(commands: Mapping[str, Command], runs: int) -> dict[str, Took]:
    """Return the least each command took, after a run that warms up where there are several runs."""
    best: dict[str, Took] = {}
    for number in range(runs + (runs > 1)):
        for name, command in commands.items():
            took = once(command)
            if number or runs == 1:
                best[name] = Took(*map(min, took, best.get(name, took)))
    return best


def once(command: Command) -> Took:
    """Return what one run takes."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_ENVIRONMENT
    )
    most = [0.0, 0.0]
    watch = threading.Thread(target=_watch, args=(process, most))
    watch.start()
    process.wait()
    seconds = time.perf_counter() - start
    watch.join()
    return Took(seconds, *most)


def _watch(process: subprocess.Popen[bytes], most: list[float]) -> None:
    while process.poll() is None:
        of_each = _memory(process.pid)
        most[:] = max(most[0], sum(of_each)), max(most[1], *of_each)
        time.sleep(_PAUSE)


def _memory(process: int) -> list[float]:
    """Return the resident memory in megabytes of a process and of its children; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        threads = Path(f"/proc/{process}/task").glob("*/children")
        children = [child for thread in threads for child in thread.read_text(encoding="utf-8").split()]
    except OSError:
        return [0]
    own = status.partition("VmRSS:")[2].split()
    return [int(own[0]) / 1000 if own else 0, *(size for child in children for size in _memory(int(child)))]


def head(title: str, compared: str) -> None:
    """Print the head of a table."""
    print(f"\n{title:40} {'best':>8} {'to ' + compared:>15} {'promised':>9}", flush=True)


def row(name: str, seconds: float, ratio: float, promised: str = "") -> None:
    """Print a row."""
    print(f"{name:40} {seconds:7.3f}s {ratio:14.2f}x {promised:>9}", flush=True)


def figure(name: str, value: str, promised: str) -> None:
    """Print a figure that is no time."""
    print(f"{name:40} {value:>8} {'':15} {promised:>9}", flush=True)


def has(program: str) -> bool:
    """Whether a program is installed."""
    return shutil.which(program) is not None
