"""The figures of a report are the same whoever draws them, and whatever becomes of the painters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import expdiag
from expdiag import cli
from expdiag.report import painters
from expdiag.report.drawings import drawings
from tests.conftest import CASES, ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or (os.cpu_count() or 1) < 2, reason="figures are only shared out on Linux with processors"
)
TROUBLED = CASES / "troubled-e"


def report(path: Path, *options: str) -> bytes:
    page = path / "page.html"
    assert cli.main(["check", str(TROUBLED), "--format", "html", "--output", str(page), *options]) == cli.VIOLATED
    return page.read_bytes()


def started(monkeypatch) -> list[painters.Painters]:
    """Return the list that will hold the painters that are started."""
    found: list[painters.Painters] = []
    begin = painters.Painters.__init__
    monkeypatch.setattr(painters.Painters, "__init__", lambda self: (begin(self), found.append(self))[0])
    return found


@pytest.mark.parametrize("options", [(), ("--rule", "R07")], ids=["all rules", "one rule"])
def test_the_report_is_the_same_without_painters(tmp_path, monkeypatch, options) -> None:
    found = started(monkeypatch)
    shared = report(tmp_path, *options)
    assert len(found) == 1

    monkeypatch.setenv("EXPDIAG_WORKERS", "1")

    assert report(tmp_path, *options) == shared
    assert len(found) == 1


def test_painters_give_what_is_drawn_here() -> None:
    case = expdiag.load(TROUBLED)

    with painters.ready() as ready:
        assert list(ready.drawings(case)) == list(drawings(case))


@pytest.mark.parametrize("when", ["before it is sent the case", "while it draws"])
def test_the_figures_are_drawn_here_if_the_painters_die(when) -> None:
    case = expdiag.load(TROUBLED)

    with painters.ready() as ready:
        if when == "while it draws":
            drawn = ready.drawings(case)
            os.killpg(ready.process, signal.SIGKILL)
        else:
            os.killpg(ready.process, signal.SIGKILL)
            time.sleep(0.2)
            drawn = ready.drawings(case)
        assert list(drawn) == list(drawings(case))


def test_the_figures_are_drawn_here_if_a_verdict_cannot_be_sent() -> None:
    case = expdiag.load(TROUBLED)
    case.findings.problems = (lambda: None,)  # as whatever a plug-in may have put there

    with painters.ready() as ready:
        assert [drawing.name for drawing in ready.drawings(case)] == [drawing.name for drawing in drawings(case)]


def test_nothing_is_left_of_the_painters(monkeypatch, tmp_path) -> None:
    found = started(monkeypatch)
    report(tmp_path)

    (ready,) = found
    with pytest.raises(ProcessLookupError):
        os.killpg(ready.process, 0)


def test_painters_whose_case_cannot_be_read_end(tmp_path) -> None:
    (tmp_path / "nothing").mkdir()
    page = tmp_path / "page.html"
    command = [sys.executable, "-m", "expdiag", "check", tmp_path / "nothing", "--format", "html", "--output", page]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)

    assert done.returncode == cli.UNREADABLE
    assert b"Traceback" not in done.stderr
