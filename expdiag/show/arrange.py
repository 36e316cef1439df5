"""Places for boxes on an ellipse and for a label on each line between two of them, so that nothing overlaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import cos, hypot, pi, sin
from typing import NamedTuple

Point = tuple[float, float]
Size = tuple[float, float]
Pair = tuple[str, str]
_GAP = 0.16  # in, between any two boxes, and of a line to a box it does not lead to
_SHARES = (0.5, 0.43, 0.57, 0.36, 0.64, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8)  # of a line, where its label may stand
_ORDERS = (_SHARES, tuple(sorted(_SHARES, key=lambda share: abs(0.33 - share))))  # middles first, thirds first
_WIDER = 1.3  # how much wider than high the ellipse is, because names are
_MARGIN = 0.12


class Box(NamedTuple):
    """A box by its middle and half of its size, in inches."""

    x: float
    y: float
    half_width: float
    half_height: float

    @classmethod
    def at(cls, middle: Point, size: Size, gap: float = 0.0) -> Box:
        """Return the box of a size around a point, larger by a gap on each side."""
        return cls(*middle, size[0] / 2 + gap, size[1] / 2 + gap)

    def meets(self, other: Box) -> bool:
        """Whether two boxes have a point in common."""
        across, down = abs(self.x - other.x), abs(self.y - other.y)
        return across < self.half_width + other.half_width and down < self.half_height + other.half_height

    def is_crossed(self, start: Point, end: Point) -> bool:
        """Whether a line passes through the box."""
        first, last = 0.0, 1.0
        for middle, half, a, b in (
            (self.x, self.half_width, start[0], end[0]),
            (self.y, self.half_height, start[1], end[1]),
        ):
            if abs(b - a) < 1e-9:
                if abs(a - middle) >= half:
                    return False
                continue
            enters, leaves = sorted(((middle - half - a) / (b - a), (middle + half - a) / (b - a)))
            first, last = max(first, enters), min(last, leaves)
        return first < last


class Arrangement(NamedTuple):
    """Where everything stands, in inches from the upper left corner, and how large the paper has to be."""

    boxes: Mapping[str, Point]
    labels: Mapping[Pair, Point]
    width: float
    height: float


def arrange(boxes: Mapping[str, Size], labels: Mapping[Pair, Size]) -> Arrangement:
    """Return places for boxes, and for the labels of the lines between them, on the smallest ellipse that has room."""
    radius = 0.5
    while True:
        points = dict(zip(boxes, _around(len(boxes), radius), strict=True))
        for shares in _ORDERS if _is_clear(points, boxes, labels) else ():
            placed = _labels(points, boxes, labels, shares)
            if placed is not None:
                return _on_paper(points, placed, boxes, labels)
        radius *= 1.08


def _around(count: int, radius: float) -> list[Point]:
    """Return points on an ellipse, the first at the top; two stand side by side."""
    if count < 3:
        return [(0.0, 0.0)] if count == 1 else [(-radius, 0.0), (radius, 0.0)][:count]
    turns = (2 * pi * n / count for n in range(count))
    return [(_WIDER * radius * sin(turn), -radius * cos(turn)) for turn in turns]


def _is_clear(points: Mapping[str, Point], boxes: Mapping[str, Size], lines: Mapping[Pair, Size]) -> bool:
    """Whether boxes keep apart, and lines pass by those they do not lead to."""
    wide = {name: Box.at(points[name], size, _GAP) for name, size in boxes.items()}
    if any(wide[one].meets(wide[other]) for one, other in combinations(boxes, 2)):
        return False
    return not any(
        box.is_crossed(points[one], points[other])
        for one, other in lines
        for name, box in wide.items()
        if name not in (one, other)
    )


def _labels(
    points: Mapping[str, Point], boxes: Mapping[str, Size], labels: Mapping[Pair, Size], shares: Sequence[float]
) -> dict[Pair, Point] | None:
    """Return a place for each label on its line, where it hides least of the others; None where one has no room."""
    taken = [Box.at(points[name], size, _GAP) for name, size in boxes.items()]
    placed: dict[Pair, Point] = {}
    by_length = sorted(labels, key=lambda pair: hypot(*_step(points[pair[0]], points[pair[1]])))
    for pair in by_length:
        others = [(points[one], points[other]) for one, other in labels if (one, other) != pair]
        free = list(_free_places(points[pair[0]], points[pair[1]], labels[pair], taken, shares))
        if not free:
            return None
        place = min(free, key=lambda at: sum(Box.at(at, labels[pair]).is_crossed(*line) for line in others))
        placed[pair] = place
        taken.append(Box.at(place, labels[pair], _GAP / 4))
    return placed


def _free_places(
    start: Point, end: Point, size: Size, taken: Sequence[Box], shares: Sequence[float]
) -> Iterator[Point]:
    across, down = _step(start, end)
    for share in shares:
        place = (start[0] + share * across, start[1] + share * down)
        box = Box.at(place, size)
        if not any(box.meets(other) for other in taken):
            yield place


def _step(start: Point, end: Point) -> Point:
    return end[0] - start[0], end[1] - start[1]


def _on_paper(
    points: Mapping[str, Point], placed: Mapping[Pair, Point], boxes: Mapping[str, Size], labels: Mapping[Pair, Size]
) -> Arrangement:
    """Move everything so that the paper begins at 0 and ends where the last box does."""
    found = [Box.at(points[name], size, _MARGIN) for name, size in boxes.items()]
    found += [Box.at(placed[pair], size, _MARGIN) for pair, size in labels.items()]
    left = min((box.x - box.half_width for box in found), default=0.0)
    top = min((box.y - box.half_height for box in found), default=0.0)
    width = max((box.x + box.half_width for box in found), default=1.0) - left
    height = max((box.y + box.half_height for box in found), default=0.4) - top
    return Arrangement(
        {name: (x - left, y - top) for name, (x, y) in points.items()},
        {pair: (x - left, y - top) for pair, (x, y) in placed.items()},
        width,
        height,
    )
