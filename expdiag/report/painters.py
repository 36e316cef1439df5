"""Draws the figures of a report in processes of their own, while the case is read and other parts of the page are made.

What drawing needs takes longer to load than most cases take to be judged, so it is loaded beside that.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from expdiag.case import Case
    from expdiag.report.drawing import Drawing

_VARIABLE = "EXPDIAG_WORKERS"


@contextmanager
def ready() -> Iterator[Painters | None]:
    """Have painters get ready while the case is read; None where they would not help, or cannot be."""
    can_fork = sys.platform == "linux"
    if not can_fork or (os.cpu_count() or 1) < 2 or os.environ.get(_VARIABLE) in ("0", "1"):
        yield None
        return
    painters = Painters()
    try:
        yield painters
    finally:
        painters.end()


class Painters:
    """A process that waits for a case and then draws its figures with as many copies of itself as processors."""

    def __init__(self) -> None:
        import subprocess

        command = [sys.executable, "-m", "expdiag.report.painters"]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing, start_new_session=True)

    @property
    def process(self) -> int:
        """Number of the process, and of the group all of them are in."""
        return self._process.pid

    def drawings(self, case: Case) -> Iterator[Drawing]:
        """Have the figures of a case drawn; waits for them when the first is asked for.

        They are drawn here where the painters come to nothing.
        """
        self._send(case)
        return self._received(case)

    def _send(self, case: Case) -> None:
        try:
            sent = pickle.dumps((case.dossier, case.findings), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception:  # whatever the rule of a plug-in has put into its verdict
            sent = b""
        with suppress(OSError):
            self._process.stdin.write(sent)  # type: ignore[union-attr]
            self._process.stdin.close()  # type: ignore[union-attr]

    def _received(self, case: Case) -> Iterator[Drawing]:
        try:
            drawn: list[Drawing] = pickle.load(self._process.stdout)  # type: ignore[arg-type]
            self._process.wait()
        except (OSError, EOFError, pickle.UnpicklingError):
            from expdiag.report.drawings import drawings

            drawn = list(drawings(case))
        yield from drawn

    def end(self) -> None:
        """End them, busy or not."""
        import signal

        if self._process.poll() is None:
            os.killpg(self.process, signal.SIGKILL)
        with suppress(OSError, ValueError):
            self._process.communicate()


def _paint() -> None:
    """Read a case from standard input and write its drawings to standard output."""
    gc.disable()  # they end soon; what they load is much to look through for garbage

    from multiprocessing import get_context

    from expdiag.case import Case
    from expdiag.report import drawings

    answer, sys.stdout = sys.stdout.buffer, sys.stderr
    drawings.get_ready()
    try:
        dossier, findings = pickle.load(sys.stdin.buffer)
    except EOFError:
        return
    case = Case(dossier)
    case.findings = findings
    with get_context("fork").Pool(initializer=_take, initargs=(case,)) as pool:
        drawn = pool.map(_draw, drawings.NUMBERS, chunksize=1)
    pickle.dump([drawing for of_one in drawn for drawing in of_one], answer, protocol=pickle.HIGHEST_PROTOCOL)
    answer.flush()


_taken: list[Any] = []


def _take(case: Case) -> None:
    _taken.append(case)


def _draw(number: int) -> tuple[Drawing, ...]:
    from expdiag.report import drawings

    return drawings.drawing_of(_taken[0], number)


if __name__ == "__main__":
    _paint()
