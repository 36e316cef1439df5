"""How far long work is, shown to whoever watches: on a terminal, in a notebook, and to nobody else.

The work tells a `Tell`; `shown` gives one that draws a line once the work takes long enough to wonder about it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from time import monotonic
from typing import Any, Protocol

from expdiag.safe import one_line

Tell = Callable[[int, int, str], None]  # done, of how much, and what is worked on now

_VARIABLE = "EXPDIAG_PROGRESS"
_PATIENCE = 0.5  # s
_PAUSE = 0.1  # s; no eye is faster
_WORTH_BYTES = 8 << 20  # what is smaller is read before anybody wonders, and its notebooks are the same on every run


class _Line(Protocol):
    def draw(self, share: float, words: str) -> None: ...

    def wipe(self) -> None: ...


def silent(done: int, whole: int, words: str) -> None:
    """Show nothing."""


@contextmanager
def shown(what: str, size: int) -> Iterator[Tell]:
    """Give a `Tell` that shows how far the work is, where somebody watches and it takes longer than a moment.

    `EXPDIAG_PROGRESS=off` shows nothing anywhere.

    Args:
        what: the work, such as `reading`.
        size: size of the case in bytes; work on a small one is never shown.
    """
    new_line = _where_watched() if size >= _WORTH_BYTES else None
    if new_line is None:
        yield silent
        return
    line: _Line | None = None
    due = monotonic() + _PATIENCE

    def tell(done: int, whole: int, words: str) -> None:
        nonlocal line, due
        now = monotonic()
        if now >= due:
            due = now + _PAUSE
            line = line or new_line(what)
            line.draw(min(done / whole, 1.0) if whole else 0.0, one_line(words))

    try:
        yield tell
    finally:
        if line:
            line.wipe()


def _where_watched() -> Callable[[str], _Line] | None:
    if os.environ.get(_VARIABLE, "").lower() in ("off", "0", "no"):
        return None
    if _is_notebook():
        return _Cell
    return _Terminal if sys.stderr is not None and sys.stderr.isatty() else None


def _is_notebook() -> bool:
    """Whether this is a kernel; nobody is in one who has not imported IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


class _Terminal:
    """A line at the bottom of a terminal, on standard error."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        columns = (
            TextColumn(what),
            BarColumn(24),
            TaskProgressColumn(),
            TextColumn("{task.fields[words]}", markup=False),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
        self._task = self._progress.add_task("", total=1.0, words="")
        self._progress.start()

    def draw(self, share: float, words: str) -> None:
        self._progress.update(self._task, completed=share, words=words, refresh=True)

    def wipe(self) -> None:
        self._progress.stop()


class _Cell:
    """A line below a cell of a notebook, updated in place, empty at the end."""

    def __init__(self, what: str) -> None:
        from IPython.display import display

        self._what = what
        self._handle: Any = display({"text/plain": ""}, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def draw(self, share: float, words: str) -> None:
        text = f"{self._what} {share:.0%} {words}"
        bar = f'<progress value="{share:.3f}" aria-label="{escape(self._what)}"></progress>'
        self._show({"text/plain": text, "text/html": f"{bar} {escape(text)}"})

    def wipe(self) -> None:
        self._show({"text/plain": "", "text/html": ""})

    def _show(self, data: dict[str, str]) -> None:
        self._handle.update(data, raw=True)
