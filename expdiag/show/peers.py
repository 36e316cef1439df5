"""The peer graph as a picture: between two peers the worst of all that is judged of them, what is broken in words."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text

from expdiag.case import Case
from expdiag.findings import PASS, UNKNOWN, VIOLATION
from expdiag.graphs.peers import RELATIONS, PeerGraph
from expdiag.show.arrange import Point, Size, arrange
from expdiag.show.layout import begun, clipped, extent, plain, wrapped
from expdiag.show.style import COLOURS, INK, LINES, PAPER, WIDTHS, Picture, picture, tip

if TYPE_CHECKING:
    import pandas as pd

_WORST_FIRST = (VIOLATION, UNKNOWN, PASS)
_WORDS = {"one_way": "one way", "translation": "address translation"}
_NAMED = 2  # so many unknown relations are named, more are counted
_NODE, _LABEL = 9.0, 8.0  # points


class Link(NamedTuple):
    """What holds between two peers.

    Attributes:
        outcome: the worst of all that is judged of them; unknown where nothing is.
        round_trip_ms: of the slower direction; None where neither was measured.
        broken: what is violated, `R07 delay`.
        unknown: what is not known, likewise.
    """

    outcome: str
    round_trip_ms: float | None
    broken: tuple[str, ...]
    unknown: tuple[str, ...]


def link(graph: PeerGraph, one: str, other: str) -> Link:
    """Return what holds between two peers of a graph, both directions together."""
    ways = [graph.edges[way] for way in ((one, other), (other, one)) if graph.has_edge(*way)]
    worst = {relation: _worst([way.get(relation) for way in ways]) for relation in RELATIONS}
    times = [way["round_trip_ms"] for way in ways if way.get("round_trip_ms") is not None]
    return Link(
        _worst(list(worst.values())) or UNKNOWN,
        max(times, default=None),
        tuple(_called(relation) for relation, outcome in worst.items() if outcome == VIOLATION),
        tuple(_called(relation) for relation, outcome in worst.items() if outcome == UNKNOWN),
    )


def _worst(outcomes: list[str | None]) -> str | None:
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), None)


def _called(relation: str) -> str:
    return f"{RELATIONS[relation]} {_WORDS.get(relation, relation)}"


def peer_table(case: Case) -> pd.DataFrame:
    """Return what holds between each two peers: the round trip in ms, the worst outcome, what is broken or unknown."""
    from expdiag.tables.shown import ShownFrame

    graph = case.graph()
    rows = []
    for one, other in combinations(graph, 2):
        found = link(graph, one, other)
        rows.append((one, other, found.round_trip_ms, found.outcome, ", ".join(found.broken), ", ".join(found.unknown)))
    columns = ["one", "other", "round_trip_ms", "outcome", "broken", "unknown"]
    return ShownFrame(rows, columns=columns).astype({"round_trip_ms": "Float64"})


def peer_graph(case: Case) -> Picture:
    """Draw the peers and what holds between them; see `draw`."""
    return draw(case.graph())


def draw(graph: PeerGraph) -> Picture:
    """Draw a peer graph from what its nodes and edges say.

    A line is as the worst of all relations of its two peers: solid where all hold, thick dashes where one is broken,
    dots where one is unknown. Beside it the round trip of the slower direction, and which requirements are broken.
    """
    nodes = {name: _node_words(name, attributes) for name, attributes in graph.nodes(data=True)}
    links = {pair: link(graph, *pair) for pair in combinations(graph, 2)}
    labels = {pair: _link_words(found) for pair, found in links.items()}
    placed = arrange(
        {name: _size(words, _NODE, 0.34, 0.26) for name, words in nodes.items()},
        {pair: _size(words, _LABEL, 0.1, 0.08) for pair, words in labels.items()},
    )
    with picture(placed.width, placed.height, arranged=False) as drawn:
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, placed.width)
        axes.set_ylim(placed.height, 0)
        if not nodes:
            axes.text(placed.width / 2, placed.height / 2, "no peers", ha="center", va="center")
        for pair, found in links.items():
            said = f"{pair[0]} – {pair[1]}: {'; '.join(labels[pair].splitlines())}"
            tip(_line(axes, found.outcome, placed.boxes[pair[0]], placed.boxes[pair[1]]), said)
            tip(_label(axes, found.outcome, labels[pair], placed.labels[pair]), said)
        for name, attributes in graph.nodes(data=True):
            _node(axes, nodes[name], attributes, placed.boxes[name])
    return drawn


def _size(words: str, points: float, across: float, down: float) -> Size:
    width, height = extent(words, points, "bold")
    return width + across, height * 1.08 + down


def _link_words(found: Link) -> str:
    lines = ["not measured" if found.round_trip_ms is None else f"{found.round_trip_ms:.1f} ms"]
    lines += [f"✗ {broken}" for broken in found.broken]
    if len(found.unknown) > _NAMED:
        lines.append(f"? {len(found.unknown)} of {len(RELATIONS)} unknown")
    else:
        lines += [f"? {unknown}" for unknown in found.unknown]
    return "\n".join(lines)


def _node_words(name: str, attributes: dict[str, Any]) -> str:
    if not attributes.get("seen"):
        return "\n".join([_name(name), "no exports in the case"])
    kind = f"Expressway-{clipped(attributes['type'], 3)}" if attributes.get("type") else "type ?"
    version = begun(attributes["version"], 14) if attributes.get("version") else "version ?"
    platform = begun(attributes["platform"], 22) if attributes.get("platform") else "platform ?"
    return "\n".join([_name(name), f"{kind}  {version}", platform, *(["primary"] if attributes.get("primary") else [])])


def _name(name: str) -> str:
    return wrapped(clipped(name, 88), 22)


def _line(axes: Axes, outcome: str, start: Point, end: Point) -> Line2D:
    (line,) = axes.plot(
        [start[0], end[0]],
        [start[1], end[1]],
        color=COLOURS[outcome],
        linestyle=LINES[outcome],
        linewidth=WIDTHS[outcome],
        zorder=1,
    )
    return line


def _label(axes: Axes, outcome: str, words: str, place: Point) -> Text:
    return axes.text(
        *place,
        words,
        ha="center",
        va="center",
        fontsize=_LABEL,
        linespacing=1.15,
        weight="bold" if outcome == VIOLATION else "normal",
        color="#A03F00" if outcome == VIOLATION else INK,
        bbox={"boxstyle": "square,pad=0.15", "facecolor": PAPER, "edgecolor": "none"},
        zorder=2,
    )


def _node(axes: Axes, words: str, attributes: dict[str, Any], place: Point) -> None:
    is_primary = attributes.get("primary")
    axes.text(
        *place,
        plain(words),
        ha="center",
        va="center",
        fontsize=_NODE,
        color=INK,
        linespacing=1.2,
        bbox={
            "boxstyle": "round,pad=0.5",
            "facecolor": PAPER,
            "edgecolor": INK,
            "linewidth": 2.2 if is_primary else 1.0,
            "linestyle": "solid" if attributes.get("seen") else "dotted",
        },
        zorder=3,
    )
