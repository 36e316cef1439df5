"""Reads the parts of a case side by side, in processes of their own.

A worker is a fresh interpreter and not a fork: the caller may be a notebook with threads, or a script that does not
expect to be imported again.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress

from expdiag.intake import parts
from expdiag.intake.parts import Part, Task

_VARIABLE = "EXPDIAG_WORKERS"
_BYTES_WORTH_A_WORKER = 16 << 20


def read(tasks: Sequence[Task]) -> Iterator[Part]:
    """Yield what was read of each task, in their order.

    `EXPDIAG_WORKERS` sets the number of workers, 1 for none; without it there are as many as processors, where there
    is enough to read.

    Raises:
        CaseFileError: `case.toml` has an unknown key or value.
    """
    first, *large = tasks
    processors = _workers(large)
    count = min(processors, len(large))
    if count < 2:
        yield from (parts.read(task._replace(alone=processors > 1)) for task in tasks)
        return
    from concurrent.futures import ThreadPoolExecutor

    idle = [_Worker() for _ in range(count)]

    def share_out(task: Task) -> Part | None:
        worker = idle.pop()
        try:
            return worker.read(task)
        finally:
            idle.append(worker)

    with ThreadPoolExecutor(count) as pool, ExitStack() as ended:
        for worker in idle:
            ended.callback(worker.end)
        answers = [pool.submit(share_out, task) for task in large]
        yield parts.read(first)
        for task, answer in zip(large, answers, strict=True):
            yield answer.result() or parts.read(task)


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

    def read(self, task: Task) -> Part | None:
        """Return what it read, None where it came to nothing."""
        tasks, answers = self._process.stdin, self._process.stdout
        if not tasks or not answers:
            return None
        try:
            pickle.dump(task, tasks)
            tasks.flush()
            part: Part = pickle.load(answers)
        except (OSError, EOFError, pickle.UnpicklingError):
            return None  # as for all tasks after this one
        return part

    def end(self) -> None:
        """End it, busy or not."""
        self._process.kill()
        with suppress(OSError):
            self._process.communicate()


def _work() -> None:
    """Write a part to standard output for every task on standard input."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    while True:
        try:
            task: Task = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(parts.read(task), answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    _work()
