"""How soon commands answer, beside a bare interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench import timing
from tests.bench.timing import Command

CASES = Path(__file__).parent.parent.parent / "data" / "cases"
RUNS = 5


def run(folder: Path) -> None:
    """Print how long commands take."""
    python = sys.executable
    commands: dict[str, Command] = {
        "python -c pass": (python, "-c", "pass"),
        "import expdiag": (python, "-c", "import expdiag"),
        "expdiag --help": (python, "-m", "expdiag", "--help"),
    }
    for case in sorted(path.name for path in CASES.iterdir()):
        for kind in ("table", "json", "markdown", "html"):
            command = (python, "-m", "expdiag", "check", CASES / case, "--format", kind, "--output", folder / "out")
            commands[f"check {case} ({kind})"] = command
    timing.head("whole process", "bare Python")
    best = timing.in_turn(commands, RUNS)
    for name, took in best.items():
        promised = "0.3 s" if "--help" in name else "2 s" if name.startswith("check") else ""
        timing.row(name, took.seconds, took.seconds / best["python -c pass"].seconds, promised)
