"""Boxes and labels on an ellipse: nothing meets anything, whatever the sizes."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from expdiag.show.arrange import Box, arrange

SIZES = st.tuples(st.floats(0.3, 2.4), st.floats(0.2, 1.4))


@st.composite
def drawings(draw: st.DrawFn) -> tuple[dict[str, tuple[float, float]], dict[tuple[str, str], tuple[float, float]]]:
    names = [f"e{n}" for n in range(1, draw(st.integers(0, 6)) + 1)]
    boxes = {name: draw(SIZES) for name in names}
    return boxes, {pair: draw(SIZES) for pair in combinations(names, 2)}


@settings(max_examples=20, deadline=None)
@given(drawings())
def test_nothing_meets_anything_and_all_is_on_the_paper(drawing) -> None:  # type: ignore[no-untyped-def]
    sizes, labels = drawing

    placed = arrange(sizes, labels)

    nodes = {name: Box.at(placed.boxes[name], size) for name, size in sizes.items()}
    found = [*nodes.values(), *(Box.at(placed.labels[pair], size) for pair, size in labels.items())]
    assert not any(one.meets(other) for one, other in combinations(found, 2))
    for box in found:
        assert 0 <= box.x - box.half_width <= box.x + box.half_width <= placed.width
        assert 0 <= box.y - box.half_height <= box.y + box.half_height <= placed.height
    for one, other in labels:
        ends = placed.boxes[one], placed.boxes[other]
        assert not any(box.is_crossed(*ends) for name, box in nodes.items() if name not in (one, other))


def test_a_line_crosses_the_boxes_in_its_way_only() -> None:
    box = Box(0, 0, 1, 1)

    assert box.is_crossed((-2, 0), (2, 0))
    assert box.is_crossed((0, -2), (0, 2))
    assert not box.is_crossed((-2, 1.5), (2, 1.5))
    assert not box.is_crossed((-2, 0), (-1.5, 0))
    assert not box.is_crossed((-2, 0.5), (0.5, 3))
