"""A busy moment of the machine is forgiven, a defect is not: what is measured again, how often, and that it is said."""

from __future__ import annotations

import pytest

FIXTURES = """
import pytest
from tests.again import Runs

made = []

@pytest.fixture(scope="module")
def runs():
    def make(number):
        made.append(number)
        return {"delay": [9, 5, 1][number]}
    return Runs(make)

@pytest.fixture(scope="module")
def measured(runs):
    return runs[0]
"""


def outcomes(pytester: pytest.Pytester, tests: str) -> pytest.RunResult:
    pytester.makepyfile(FIXTURES + tests)
    return pytester.runpytest_inprocess("-p", "tests.again", "-p", "no:cacheprovider")


def test_what_passes_at_once_is_not_measured_again(pytester: pytest.Pytester) -> None:
    result = outcomes(
        pytester,
        """
def test_it(measured):
    assert measured["delay"] < 10

def test_runs():
    assert made == [0]
""",
    )

    result.assert_outcomes(passed=2, warnings=0)


def test_a_busy_moment_is_forgiven_and_told(pytester: pytest.Pytester) -> None:
    result = outcomes(
        pytester,
        """
def test_second(measured):
    assert measured["delay"] < 6

@pytest.mark.parametrize("limit", [2, 3])
def test_third(limit, measured):
    assert measured["delay"] < limit

def test_runs_are_shared():
    assert made == [0, 1, 2]
""",
    )

    result.assert_outcomes(passed=4, warnings=3)
    result.stdout.fnmatch_lines(["*MeasuredAgainWarning: passed with run 2; before: AssertionError assert 9 < 6"])
    result.stdout.fnmatch_lines(["*MeasuredAgainWarning: passed with run 3; before: *9 < 2; *5 < 2"])


def test_a_defect_fails_with_each_run(pytester: pytest.Pytester) -> None:
    result = outcomes(
        pytester,
        """
def test_defect(measured):
    assert measured["delay"] < 0

def test_missing(measured):
    measured["loss"]

def test_runs():
    assert made == [0, 1, 2]
""",
    )

    result.assert_outcomes(failed=2, passed=1, warnings=0)
    result.stdout.fnmatch_lines(["*It failed with each of 3 runs: *9 < 0; *5 < 0; *1 < 0"])


def test_others_are_called_once(pytester: pytest.Pytester) -> None:
    result = outcomes(
        pytester,
        """
calls = []

def test_without_a_run():
    calls.append(1)
    assert False

def test_skips(measured):
    calls.append(2)
    pytest.skip("cannot")

@pytest.mark.xfail(strict=True)
def test_known(measured):
    assert measured["delay"] < 0

def test_calls():
    assert calls == [1, 2]
""",
    )

    result.assert_outcomes(failed=1, skipped=1, xfailed=1, passed=1, warnings=0)
