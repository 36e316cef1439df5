"""The few computed numbers, against values worked out elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expdiag.statistics import p95, settled_p95, wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 20, 0.0089, 0.2361), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_wilson_against_published_values(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@given(st.integers(1, 10_000), st.data())
def test_wilson_holds_the_share(trials: int, data) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = wilson(hits, trials)

    assert 0 <= low <= hits / trials + 1e-12
    assert hits / trials - 1e-12 <= high <= 1


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_the_percentile_is_a_value_that_was_measured(values: list[float]) -> None:
    found = p95(values)

    assert found in values
    assert sum(value <= found for value in values) >= 0.95 * len(values)


def test_nothing_has_no_percentile() -> None:
    assert p95([]) is None
    assert settled_p95([]) is None


def test_the_first_probe_counts_where_there_are_few() -> None:
    assert settled_p95([(1, 30.0), (2, 10.0), (3, 11.0), (4, 12.0)]) == 30.0
    assert settled_p95([(1, 30.0), (2, 10.0), (3, 11.0), (4, 12.0), (5, 13.0)]) == 13.0
