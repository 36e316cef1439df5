"""Limits somebody put in place of the documented ones, and what is said of that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import expdiag
from expdiag.errors import CaseFileError
from expdiag.findings import PASS, VIOLATION
from expdiag.scenarios.spec import ClusterSpec, healthy
from tests.judging import finding

Build = Callable[[ClusterSpec], expdiag.Case]


@pytest.mark.parametrize(
    ("limits", "round_trip", "one_way"),
    [
        ({}, VIOLATION, VIOLATION),
        ({"round_trip_ms": 120}, PASS, PASS),
        ({"round_trip_ms": 120, "one_way_ms": 45}, PASS, VIOLATION),
        ({"round_trip_ms": 90}, VIOLATION, VIOLATION),
    ],
)
def test_a_stated_limit_counts_and_is_said(case_of: Build, limits: dict, round_trip: str, one_way: str) -> None:
    cluster = healthy().with_round_trip("e1", "e3", 95)
    case = case_of(cluster.stating("limits", **limits) if limits else cluster)

    for number, outcome in (("R07", round_trip), ("R08", one_way)):
        found = finding(case, number, "e1", "e3")
        assert found.outcome == outcome, found.verdict.reason
        assert ("case.toml, [limits], in place of 80 and 40 ms" in found.verdict.reason) == bool(limits)
        assert any(source.file == "case.toml" for source in found.sources) == bool(limits)


@pytest.mark.parametrize("value", ['"80"', "0", "-3", "true", "inf", "nan", "[80]"])
def test_a_limit_is_a_number_above_nought(tmp_path, value: str) -> None:
    (tmp_path / "case.toml").write_text(f"[limits]\nround_trip_ms = {value}\n")
    (tmp_path / "xconf.txt").write_text('*c xConfiguration SystemUnit Name: "a"\n')
    with pytest.raises(CaseFileError, match=r"limits\.round_trip_ms is .*, expected a number above 0"):
        expdiag.load(tmp_path)


def test_an_unknown_limit_names_the_nearest(tmp_path) -> None:
    (tmp_path / "case.toml").write_text("[limits]\nround_trip = 90\n")
    with pytest.raises(CaseFileError, match="round_trip_ms"):
        expdiag.load(tmp_path)
