"""The peer graph as a picture."""

from __future__ import annotations

from itertools import combinations
from math import cos, hypot, pi, sin
from typing import Any

from matplotlib.axes import Axes

from expdiag.case import Case
from expdiag.findings import PASS, UNKNOWN, VIOLATION
from expdiag.graphs.peers import PeerGraph
from expdiag.show.style import COLOURS, INK, LINES, PAPER, WIDTHS, Picture, picture, shorten, tip

_WORST_FIRST = (VIOLATION, UNKNOWN, PASS)
Point = tuple[float, float]


def peer_graph(case: Case) -> Picture:
    """Draw the peers and the paths between them, each with the round trip of its slower direction.

    Dashed and thick where over the limit, dotted with a question mark where not measured.
    """
    return draw(case.graph())


def draw(graph: PeerGraph) -> Picture:
    """Draw a peer graph from what its nodes and edges say."""
    places = _places(len(graph))
    with picture(*_size(len(graph))) as drawn:
        axes = drawn.add_subplot()
        axes.set_axis_off()
        axes.set_xlim(-1.62, 1.62)
        heights = [y for _, y in places]
        axes.set_ylim(min(heights, default=0) - 0.36, max(heights, default=0) + 0.36)
        axes.set_aspect("equal")
        where = dict(zip(graph, places, strict=True))
        for one, other in combinations(graph, 2):
            _path(axes, graph, one, other, where)
        for name, attributes in graph.nodes(data=True):
            _node(axes, name, attributes, where[name])
    return drawn


def _size(count: int) -> tuple[float, float]:
    """Return width and height in inches that leave room for the labels between the nodes."""
    return {1: (6.4, 1.6), 2: (6.4, 1.6)}.get(count, (6.4, 4.1) if count < 5 else (10.5, 7.6))


def _places(count: int) -> list[Point]:
    """Return places on an ellipse, the first at the top."""
    if count == 1:
        return [(0.0, 0.0)]
    if count == 2:
        return [(-0.95, 0.0), (0.95, 0.0)]
    return [(1.12 * sin(2 * pi * n / count), 0.92 * cos(2 * pi * n / count)) for n in range(count)]


def _path(axes: Axes, graph: PeerGraph, one: str, other: str, where: dict[str, Point]) -> None:
    start, end = where[one], where[other]
    ways = [graph.edges[way] for way in ((one, other), (other, one)) if graph.has_edge(*way)]
    worst = next((outcome for outcome in _WORST_FIRST if outcome in {way["delay"] for way in ways}), UNKNOWN)
    (line,) = axes.plot(
        [start[0], end[0]],
        [start[1], end[1]],
        color=COLOURS[worst],
        linestyle=LINES[worst],
        linewidth=WIDTHS[worst],
        zorder=1,
    )
    values = [way["round_trip_ms"] for way in ways if way["round_trip_ms"] is not None]
    text = f"{max(values):.1f} ms" if values else "?"
    if worst == VIOLATION:
        text += "\nover the limit"
    share = _label_share(start, end)
    label = axes.text(
        start[0] + share * (end[0] - start[0]),
        start[1] + share * (end[1] - start[1]),
        text,
        ha="center",
        va="center",
        fontsize=8,
        weight="bold" if worst == VIOLATION else "normal",
        color=COLOURS[worst] if worst == VIOLATION else INK,
        bbox={"boxstyle": "round,pad=0.2", "facecolor": PAPER, "edgecolor": "none"},
        zorder=2,
    )
    for part in (line, label):
        tip(part, f"{one} – {other}: {text}")


def _label_share(start: Point, end: Point) -> float:
    """Return where on a path its label stands: off the middle where paths cross there."""
    crosses = hypot((start[0] + end[0]) / 2, (start[1] + end[1]) / 2) < 0.25
    return 0.36 if crosses and start[1] != end[1] else 0.5


def _node(axes: Axes, name: str, attributes: dict[str, Any], place: Point) -> None:
    is_primary = attributes["primary"]
    kind = f"Expressway-{attributes['type']}" if attributes["type"] else "type ?"
    version = shorten(attributes["version"], 14) if attributes["version"] else "version ?"
    lines = [shorten(name), f"{kind}  {version}", attributes["platform"] or "platform ?"]
    if is_primary:
        lines.append("primary")
    if not attributes["seen"]:
        lines = [shorten(name), "no exports in the case"]
    box = axes.text(
        place[0],
        place[1],
        "\n".join(lines),
        ha="center",
        va="center",
        color=INK,
        linespacing=1.35,
        bbox={
            "boxstyle": "round,pad=0.5",
            "facecolor": PAPER,
            "edgecolor": INK,
            "linewidth": 2.2 if is_primary else 1.0,
            "linestyle": "solid" if attributes["seen"] else "dotted",
        },
        zorder=3,
    )
    tip(box, "; ".join((name, *lines[1:])))
