"""All traces as one picture: peers, the routers between them, and where the time goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from expdiag.case import Case
from expdiag.graphs.hops import single_points
from expdiag.show.layout import extent, plain, wrapped
from expdiag.show.style import COLOURS, INK, PAPER, Picture, picture, tip

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from matplotlib.axes import Axes

_GAP = 0.22  # in, between any two boxes
_BETWEEN = 0.85  # in, between two columns: room for an arrow and what it adds
_SLOW = 10.0  # ms; a step that adds more is drawn thick and named

Point = tuple[float, float]
Size = tuple[float, float]  # width and height in inches


def hop_table(case: Case) -> pd.DataFrame:
    """Return the steps of the merged traces: from, to, what they add in ms, loss, and the paths that take them."""
    from expdiag.tables.shown import ShownFrame

    graph = case.hop_graph()
    rows = [
        (start, end, edge["added_ms"], edge["loss"], ", ".join(edge["paths"]))
        for start, end, edge in graph.edges(data=True)
    ]
    table = ShownFrame(rows, columns=["from", "to", "added_ms", "loss", "paths"])
    return table.astype({"added_ms": "Float64", "loss": "Float64"})


def hop_picture(case: Case) -> Picture:
    """Draw the merged traces: peers with a thick frame, routers nothing can go without with a doubled one."""
    graph = case.hop_graph()
    labels = {node: _label(node, attributes) for node, attributes in graph.nodes(data=True)}
    sizes = {node: _size(label) for node, label in labels.items()}
    points = _spread(_levels(graph), sizes)
    width = max([x + sizes[node][0] / 2 for node, (x, _) in points.items()], default=2.5) + 0.15
    height = max([y + sizes[node][1] / 2 for node, (_, y) in points.items()], default=0.4) + 0.15
    alone = single_points(graph) if len(graph) else {}
    with picture(width, height, arranged=False) as drawn:
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        if not points:
            axes.text(width / 2, height / 2, "no trace in the case", ha="center", va="center")
        for start, end, edge in graph.edges(data=True):
            _step(axes, _between(points[start], sizes[start], points[end], sizes[end]), edge)
        for node, point in points.items():
            box = _box(axes, labels[node], point, graph.nodes[node]["kind"], is_alone=node in alone)
            tip(box, _said(graph, node, alone.get(node, ())))
    return drawn


def _label(node: str, attributes: dict[str, Any]) -> str:
    if attributes["kind"] == "silent":
        return "no answer"
    return wrapped(node, 20)


def _size(label: str) -> Size:
    width, height = extent(label, 8, "bold")
    return width + 0.24, height + 0.2


def _levels(graph: nx.DiGraph) -> list[list[str]]:
    """Return the nodes by their distance from the first node met, whatever the direction; parts one under another."""
    neighbours = graph.to_undirected(as_view=True)
    distance: dict[str, int] = {}
    for first in graph:
        if first in distance:
            continue
        distance[first] = 0
        ahead = [first]
        for node in ahead:
            for following in neighbours[node]:
                if following not in distance:
                    distance[following] = distance[node] + 1
                    ahead.append(following)
    deepest = max(distance.values(), default=-1)
    return [[node for node in graph if distance[node] == level] for level in range(deepest + 1)]


def _spread(levels: list[list[str]], sizes: dict[str, Size]) -> dict[str, Point]:
    """Return a place in inches for the middle of each box: a column a level, so that no two boxes touch."""
    tallest = max([sum(sizes[node][1] + _GAP for node in level) for level in levels], default=0.0)
    points: dict[str, Point] = {}
    left = 0.15
    for level in levels:
        wide = max(sizes[node][0] for node in level)
        spare = (tallest - sum(sizes[node][1] for node in level)) / (len(level) + 1)
        top = 0.15
        for node in level:
            top += spare
            points[node] = (left + wide / 2, top + sizes[node][1] / 2)
            top += sizes[node][1]
        left += wide + _BETWEEN
    return points


def _between(start: Point, start_size: Size, end: Point, end_size: Size) -> tuple[Point, Point]:
    """Return where the line between the middles of two boxes leaves the one and enters the other."""
    return _edge_of(start, start_size, end), _edge_of(end, end_size, start)


def _edge_of(middle: Point, size: Size, towards: Point) -> Point:
    across, down = towards[0] - middle[0], towards[1] - middle[1]
    share = min(
        (half / abs(step) for half, step in ((size[0] / 2, across), (size[1] / 2, down)) if abs(step) > 1e-9),
        default=0.0,
    )
    return middle[0] + share * across, middle[1] + share * down


def _step(axes: Axes, ends: tuple[Point, Point], edge: dict[str, Any]) -> None:
    from matplotlib.patches import FancyArrowPatch

    slow = edge["added_ms"] is not None and edge["added_ms"] >= _SLOW
    start, end = ends
    arrow = axes.add_artist(
        FancyArrowPatch(
            start,
            end,
            connectionstyle="arc3,rad=0.05",
            arrowstyle="-|>",
            mutation_scale=9,
            shrinkA=1,
            shrinkB=1,
            color=COLOURS["violation"] if slow else "#777777",
            linewidth=2.2 if slow else 1.0,
            linestyle=(0, (5, 1.5)) if slow else "solid",
            zorder=1,
        )
    )
    added = "time not known" if edge["added_ms"] is None else f"adds {edge['added_ms']:.3g} ms"
    tip(arrow, f"{added}; {', '.join(edge['paths'])}")
    if slow:
        axes.text(
            (start[0] + end[0]) / 2,
            (start[1] + end[1]) / 2,
            f"+{edge['added_ms']:.3g} ms",
            ha="center",
            va="center",
            fontsize=7.5,
            weight="bold",
            bbox={"boxstyle": "round,pad=0.1", "facecolor": PAPER, "edgecolor": "none"},
            zorder=3,
        )


def _said(graph: nx.DiGraph, node: str, parts: Sequence[Sequence[str]]) -> str:
    """Return which paths lead over a node, and which peers lose each other without it."""
    edges = (*graph.in_edges(node, data="paths"), *graph.out_edges(node, data="paths"))
    passing = ", ".join(dict.fromkeys(path for _, _, paths in edges for path in paths))
    lost = f"; without it these lose each other: {' | '.join(map(', '.join, parts))}" if parts else ""
    return f"{node}, on the way {passing}{lost}"


def _box(axes: Axes, label: str, point: Point, kind: str, *, is_alone: bool) -> Any:
    return axes.text(
        *point,
        plain(label),
        ha="center",
        va="center",
        fontsize=8,
        weight="bold" if kind == "peer" else "normal",
        color=INK if kind != "silent" else "#666666",
        bbox={
            "boxstyle": "round,pad=0.35" if kind == "peer" else "square,pad=0.3",
            "facecolor": "#FFF3C4" if is_alone else PAPER,
            "edgecolor": INK,
            "linewidth": 2.0 if kind == "peer" or is_alone else 0.8,
            "linestyle": "dotted" if kind == "silent" else "solid",
        },
        zorder=2,
    )
