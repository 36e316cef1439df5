"""An axis of time that leaves out long stretches in which nothing happened, and says how long they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

from expdiag.show.ticks import moved

BREAK = 0.46  # in, what a stretch that is left out takes
_WIDTH, _LEAST = 5.2, 1.0  # in, of all, and of one stretch
_MOST_STRETCHES = 5
_LONG = 0.25  # of the time that is drawn; a longer stretch without events is left out
_NO_BREAK = timedelta(minutes=30)


class Stretch(NamedTuple):
    """A part of the axis without a break: moments, and places in inches."""

    start: datetime
    end: datetime
    left: float
    right: float

    def at(self, time: datetime) -> float:
        """Return the place of a moment, of one outside the nearer end."""
        share = (time - self.start) / (self.end - self.start)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)


class Scale(NamedTuple):
    """An axis of time, one stretch after the other."""

    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, times: Iterable[datetime], left: float) -> Scale:
        """Return an axis on which some moments have a place, at least one."""
        groups = _groups(sorted(set(times)))
        spans = [_wider(group[0], group[-1]) for group in groups]
        weights = [sqrt((end - start).total_seconds()) for start, end in spans]
        spare = max(_WIDTH - BREAK * (len(spans) - 1) - _LEAST * len(spans), 0.2 * len(spans))
        stretches = []
        for (start, end), weight in zip(spans, weights, strict=True):
            right = left + _LEAST + spare * weight / sum(weights)
            stretches.append(Stretch(start, end, left, right))
            left = right + BREAK
        return cls(tuple(stretches))

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.stretches[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.stretches[-1].right

    def at(self, time: datetime) -> float:
        """Return the place of a moment; one that is left out is in the middle of its break."""
        for stretch in self.stretches:
            if time <= stretch.end:
                inside = time >= stretch.start or stretch is self.stretches[0]
                return stretch.at(time) if inside else stretch.left - BREAK / 2
        return self.right

    def breaks(self) -> Iterator[tuple[float, str]]:
        """Yield the middle of each break and how long it is."""
        for before, after in pairwise(self.stretches):
            yield (before.right + after.left) / 2, _length(after.start - before.end)


def _groups(times: list[datetime]) -> list[list[datetime]]:
    """Return moments in groups, parted where longest nothing happened."""
    gaps = sorted((later - earlier, later) for earlier, later in pairwise(times))
    drawn = times[-1] - times[0]
    cuts: set[datetime] = set()
    while gaps and len(cuts) < _MOST_STRETCHES - 1 and gaps[-1][0] > max(_LONG * drawn, _NO_BREAK):
        gap, at = gaps.pop()
        drawn -= gap
        cuts.add(at)
    groups: list[list[datetime]] = []
    for time in times:
        if not groups or time in cuts:
            groups.append([])
        groups[-1].append(time)
    return groups


def _wider(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    margin = max((end - start) / 25, timedelta(seconds=30))
    return moved(start, -margin), moved(end, margin)


def _length(time: timedelta) -> str:
    for unit, seconds in (("y", 365.25 * 86_400), ("d", 86_400), ("h", 3600), ("min", 60)):
        if time.total_seconds() >= 1.5 * seconds:
            return f"{time.total_seconds() / seconds:.0f} {unit}"
    return "1 min"
