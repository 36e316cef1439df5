"""Tests that measure are tried again with a fresh run of what they measure, because a busy machine takes longer.

A busy moment does not come back; a defect fails with every run. A fixture returns `Runs` and another, which the tests
take, its first run. A test that takes a run and fails is called again with the next one, which is made when it is
first needed and then shared by all tests. Only what fails with every run fails; each other one is a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest

MOST = 3
Run = TypeVar("Run")


class MeasuredAgainWarning(UserWarning):
    """A test passed, but not with the first run."""


class Runs(Generic[Run]):
    """Runs of one thing, counted from 0, each made once."""

    def __init__(self, make: Callable[[int], Run]) -> None:
        self._make = make
        self._made: list[Run] = []

    def __getitem__(self, number: int) -> Run:
        while len(self._made) <= number:
            self._made.append(self._make(len(self._made)))
        return self._made[number]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Call a test that takes a run, with further ones where it fails."""
    runs = next((value for value in pyfuncitem.funcargs.values() if isinstance(value, Runs)), None)
    if runs is None:
        return None
    failures: list[str] = []
    for number in range(MOST):
        try:
            pyfuncitem.obj(**_arguments(pyfuncitem, runs, number))
        except Exception as failure:
            failures.append(_in_short(failure))
            if number + 1 == MOST:
                failure.add_note(f"It failed with each of {MOST} runs: {'; '.join(failures)}")
                raise
        else:
            break
    if failures:
        pyfuncitem.warn(MeasuredAgainWarning(f"passed with run {len(failures) + 1}; before: {'; '.join(failures)}"))
    return True


def _arguments(item: pytest.Function, runs: Runs[Any], number: int) -> dict[str, Any]:
    """Return what the test takes, with the first run exchanged for another."""
    first = runs[0]
    taken = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    return {name: runs[number] if value is first else value for name, value in taken.items()}


def _in_short(failure: Exception) -> str:
    return f"{type(failure).__name__} {str(failure).partition(chr(10))[0][:200]}".strip()
