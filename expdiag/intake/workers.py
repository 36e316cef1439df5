"""Reads the parts of a case side by side, in processes of their own.

A worker is a fresh interpreter and not a fork: the caller may be a notebook with threads, or a script that does not
expect to be imported again.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from time import monotonic

from expdiag.intake import parts
from expdiag.intake.parts import Part, Task
from expdiag.progress import Tell

_VARIABLE = "EXPDIAG_WORKERS"
_BYTES_WORTH_A_WORKER = 16 << 20
_PAUSE = 0.1  # s, between two looks at how far the workers are


def read(tasks: Sequence[Task], tell: Tell) -> Generator[Part, None, None]:
    """Yield what was read of each task, in their order.

    `EXPDIAG_WORKERS` sets the number of workers, 1 for none; without it there are as many as processors, where there
    is enough to read. Whatever ends it, an interrupt too, ends them.

    Args:
        tasks: what to read.
        tell: called with bytes used up, bytes of all tasks, and what is read.

    Raises:
        CaseFileError: `case.toml` has an unknown key or value.
    """
    first, *large = tasks
    processors = _workers(large)
    count = min(processors, len(large))
    tally = _Tally(tasks, tell)
    if count < 2:
        for number, task in enumerate(tasks):
            yield parts.read(task._replace(alone=processors > 1), partial(tally.tell, number))
        return
    from concurrent.futures import ThreadPoolExecutor, wait

    idle: list[_Worker] = []

    def share_out(number: int, task: Task) -> Part | None:
        worker = idle.pop()
        try:
            return worker.read(task, partial(tally.note, number))
        finally:
            idle.append(worker)

    with ThreadPoolExecutor(count) as pool, ExitStack() as ended:
        for _ in range(count):
            idle.append(_Worker())
            ended.callback(idle[-1].end)
        answers = [pool.submit(share_out, number, task) for number, task in enumerate(large, start=1)]
        yield parts.read(first, partial(tally.tell, 0))
        for number, (task, answer) in enumerate(zip(large, answers, strict=True), start=1):
            while wait([answer], _PAUSE).not_done:
                tally.show()
            part = answer.result() or parts.read(task, partial(tally.tell, number))
            tally.end(number)
            yield part


class _Tally:
    """What is used up of each task, told as one sum, and by the main thread only: it may be drawn in a notebook."""

    def __init__(self, tasks: Sequence[Task], tell: Tell) -> None:
        self._sizes = [task.bytes for task in tasks]
        self._used = [0] * len(tasks)
        self._whole = sum(self._sizes)
        self._tell = tell
        self._name = ""

    def note(self, number: int, used: int, name: str) -> None:
        """Take note of how far a task is, in any thread."""
        self._used[number], self._name = used, name

    def show(self) -> None:
        """Tell how far all are."""
        self._tell(sum(self._used), self._whole, self._name)

    def end(self, number: int) -> None:
        """Tell that a task is done."""
        self.tell(number, self._sizes[number], self._name)

    def tell(self, number: int, used: int, name: str) -> None:
        """Take note of how far a task is, and tell."""
        self.note(number, used, name)
        self.show()


def _workers(large: Sequence[Task]) -> int:
    wanted = os.environ.get(_VARIABLE, "")
    if wanted.isascii() and wanted.isdigit():
        return int(wanted)
    if sum(task.bytes for task in large) < _BYTES_WORTH_A_WORKER:
        return 1
    return os.cpu_count() or 1


class _Worker:
    """Another process, that reads one task after the other."""

    def __init__(self) -> None:
        import subprocess

        command = [sys.executable, "-m", "expdiag.intake.workers"]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing)

    def read(self, task: Task, note: Callable[[int, str], None]) -> Part | None:
        """Return what it read, None where it came to nothing; `note` is called with how far it is."""
        tasks, answers = self._process.stdin, self._process.stdout
        if not tasks or not answers:
            return None
        try:
            pickle.dump(task, tasks)
            tasks.flush()
            while not isinstance(answer := pickle.load(answers), Part):
                note(*answer)
        except (OSError, EOFError, pickle.UnpicklingError):
            return None  # as for all tasks after this one
        return answer

    def end(self) -> None:
        """End it, busy or not."""
        self._process.kill()
        with suppress(OSError):
            self._process.communicate()


def _work() -> None:
    """Write a part to standard output for every task on standard input, and before it how far reading is."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    due = 0.0

    def tell(used: int, name: str) -> None:
        nonlocal due
        if (now := monotonic()) >= due:
            due = now + _PAUSE
            pickle.dump((used, name), answers)
            answers.flush()

    while True:
        try:
            task: Task = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(parts.read(task, tell), answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    _work()
