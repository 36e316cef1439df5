"""How long the report of a six-peer case, each figure, and judging such a case again take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import expdiag
from expdiag.scenarios.write import write_case
from expdiag.show.figures import FIGURES
from tests.bench import timing
from tests.test_figures import with_paths

RUNS = 5
PEERS = 6


def run(folder: Path) -> None:
    """Print how long they take."""
    from expdiag.scenarios.spec import healthy

    write_case(with_paths(healthy(PEERS)), folder / "case")
    page = folder / "report.html"
    command = (sys.executable, "-m", "expdiag", "check", folder / "case", "--format", "html", "--output", page)
    report = timing.in_turn({"report": command}, 2)["report"]
    timing.head(f"case of {PEERS} peers", "the report")
    timing.row("report, whole process", report.seconds, 1, "3 s")
    timing.figure("its size", f"{page.stat().st_size / 1e6:.1f} MB", "3 MB")
    case = expdiag.load(folder / "case")
    assert case.findings
    for figure in FIGURES:
        if figure.has_content(case):
            seconds = _best(lambda drawn=figure: drawn.draw(case).svg("x"))
            timing.row(f"figure {figure.name}", seconds, seconds / report.seconds, "0.5 s")
    judging = _best(lambda: expdiag.Case(case.dossier).findings)
    timing.row("judging the loaded case", judging, judging / report.seconds, "0.15 s")
    kept = _without_one_pair(case)
    again = _best(lambda: case.with_rows(round_trips=kept).findings)
    timing.row("judging again, one pair changed", again, again / report.seconds, "0.05 s")


def _without_one_pair(case: expdiag.Case) -> tuple[Any, ...]:
    """Return the round trips but those from the first peer to the second."""
    gone = {run.source for run in case.cluster.paths.directed(*(peer.name for peer in case.cluster.peers[:2]))}
    return tuple(run for run in case.dossier.rows["round_trips"] if run.source not in gone)


def _best(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)
