"""Reads the parts of a case side by side, in processes of their own.

A worker is a fresh interpreter and not a fork: the caller may be a notebook with threads, or a script that does not
expect to be imported again.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator, Sequence

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

    with ThreadPoolExecutor(count) as pool:
        answers = [pool.submit(_in_a_worker, task) for task in large]
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


def _in_a_worker(task: Task) -> Part | None:
    """Return what another process read, None where it came to nothing."""
    import subprocess

    command = [sys.executable, "-m", "expdiag.intake.workers"]
    done = subprocess.run(
        command, input=pickle.dumps(task), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        return None
    part: Part = pickle.loads(done.stdout)
    return part


def _work() -> None:
    """Read the task on standard input and write the part to standard output."""
    answer, sys.stdout = sys.stdout.buffer, sys.stderr
    pickle.dump(parts.read(pickle.load(sys.stdin.buffer)), answer, protocol=pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    _work()
