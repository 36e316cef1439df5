"""The few numbers that are computed from probes, each saying what it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

__all__ = ["jitter", "median", "p95", "settled_p95", "wilson"]

_Z95 = 1.959963984540054


def p95(values: Sequence[float]) -> float | None:
    """Return the 95th percentile by nearest rank, a value that was measured; None of nothing."""
    if not values:
        return None
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def settled_p95(answers: Iterable[tuple[int, float]]) -> float | None:
    """Return the 95th percentile of (sequence, round trip), without the run's first probe where that is the slowest.

    The first probe may carry the address resolution of the first hop, 5 to 15 ms that are not the path's. It is
    left out where at least four others were answered.
    """
    ordered = sorted(answers)
    values = [rtt for _, rtt in ordered]
    first_is_slowest = len(values) > 4 and ordered[0][0] <= 1 and values[0] == max(values)
    return p95(values[1:] if first_is_slowest else values)


def jitter(values: Sequence[float]) -> float | None:
    """Return the mean change from one value to the next; None of fewer than two."""
    if len(values) < 2:
        return None
    return sum(abs(b - a) for a, b in pairwise(values)) / (len(values) - 1)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share; `trials` is at least 1."""
    hits = max(0, min(hits, trials))
    share = hits / trials
    spread = 1 + _Z95**2 / trials
    middle = (share + _Z95**2 / (2 * trials)) / spread
    half = _Z95 * math.sqrt(share * (1 - share) / trials + _Z95**2 / (4 * trials**2)) / spread
    return max(0.0, middle - half), min(1.0, middle + half)
