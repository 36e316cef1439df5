"""The timeline of all peers as a picture: a lane a peer, in it a row for each kind of event and each alarm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from expdiag.case import Case
from expdiag.findings import VIOLATION
from expdiag.model.cluster import Cluster
from expdiag.model.history import timeline as times
from expdiag.show import events as happened
from expdiag.show.events import Event, events
from expdiag.show.layout import begun, clipped, extent, plain, wrapped
from expdiag.show.scale import Scale
from expdiag.show.style import COLOURS, INK, PAPER, Picture, picture
from expdiag.show.ticks import SIZE, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _PAD, _BAR = 0.19, 0.07, 0.1  # in
_NAME, _LABEL = 8.5, 7.5  # points
_MOST_ALARMS = 6  # rows of a peer; the alarms beyond share one
_SINCE = "up, since ?"
_OVERHANG = 0.12  # in, by which the label of a tick may stand out of its stretch
_CLOSE, _COUNTED = 0.09, 0.42  # in: nearer marks are one; room for how many they are
_COLOURS = {
    happened.STATED: "#B58900",
    happened.PROCEDURE: "#00785A",
    happened.RESTART: INK,
    happened.DOWN: INK,
    happened.FAILURE: INK,
    happened.UPGRADE: "#8A4F9E",
    happened.CHANGE: COLOURS["pass"],
    happened.ALARM: COLOURS[VIOLATION],
}
_PLURAL = {
    happened.RESTART: "restarts",
    happened.DOWN: "went down, not seen up again",
    happened.FAILURE: "failures of applications",
    happened.UPGRADE: "upgrades",
    happened.CHANGE: "configuration changes",
}


class Row(NamedTuple):
    """A row of a lane: its label and its events."""

    label: str
    events: tuple[Event, ...]


class Lane(NamedTuple):
    """A lane: the peer, or the cluster, and its rows from the top."""

    name: str
    rows: tuple[Row, ...]

    @property
    def height(self) -> float:
        """Its height in inches."""
        return max(len(self.rows) * _ROW, extent(_lane_name(self.name), _NAME, "bold")[1]) + 2 * _PAD


class Mark(NamedTuple):
    """One or several events so close that they are one mark, from the left to the right in inches."""

    left: float
    right: float
    total: int


def has_events(case: Case) -> bool:
    """Whether anything that happened has a time."""
    return any(event.start or event.end for event in events(case))


def lanes(case: Case) -> tuple[Lane, ...]:
    """Return the lanes: the cluster where anything concerns it, then each peer, also one of which nothing is told."""
    found = events(case)
    of_cluster = tuple(_rows([event for event in found if not event.peer]))
    peers = [
        Lane(peer.name, tuple(_rows([event for event in found if event.peer == peer.name])) or (Row("no event", ()),))
        for peer in case.cluster.peers
    ]
    return (*([Lane("cluster", of_cluster)] if of_cluster else []), *peers)


def _rows(found: Sequence[Event]) -> Iterator[Row]:
    by_name = {key: tuple(group) for key, group in groupby(found, key=lambda event: (event.kind, event.name))}
    alarms = [name for kind, name in by_name if kind == happened.ALARM]
    for (kind, name), group in by_name.items():
        if kind != happened.ALARM:
            yield Row(_PLURAL.get(kind, name), group)
        elif name in alarms[:_MOST_ALARMS]:
            yield Row(group[0].what, group)
    rest = alarms[_MOST_ALARMS:]
    if rest:
        yield Row(f"{len(rest)} further alarms", tuple(e for name in rest for e in by_name[happened.ALARM, name]))


def timeline_picture(case: Case) -> Picture:
    """Draw what happened: marks and bars, those too close together counted; an alarm still up goes on to the end."""
    drawn_lanes, moments = lanes(case), list(_moments(case))
    if not moments:
        return _nothing()
    names = max([extent(_lane_name(lane.name), _NAME, "bold")[0] for lane in drawn_lanes], default=0.0) + 0.2
    labels = max([extent(_row_label(row), _LABEL)[0] for lane in drawn_lanes for row in lane.rows], default=0.0) + 0.2
    scale = Scale.of(moments, names + labels)
    width = scale.right + max(extent("×999, still up", _LABEL, "bold")[0], _COUNTED + extent(_SINCE, _LABEL, "bold")[0])
    width += 0.15
    above = 0.6
    height = above + sum(lane.height for lane in drawn_lanes) + 0.5
    with picture(width, height, arranged=False) as drawn:
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.text(0.1, 0.1, "What happened, in UTC", ha="left", va="top", fontsize=9.5)
        top, bottom = above, height - 0.5
        _axis(axes, scale, top, bottom)
        for lane in drawn_lanes:
            _lane(axes, case.cluster, lane, scale, top)
            top += lane.height
        axes.plot([0.05, scale.right], [bottom, bottom], color="#555555", linewidth=0.8)
        if case.as_of:
            x = scale.at(case.as_of)
            axes.plot([x, x], [above, bottom], color=INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=4)
    return drawn


def _nothing() -> Picture:
    with picture(3.6, 0.5, arranged=False) as drawn:
        drawn.text(0.5, 0.5, "nothing that happened has a time", ha="center", va="center", fontsize=9)
    return drawn


def _moments(case: Case) -> Iterator[datetime]:
    for event in events(case):
        yield from (time for time in (event.start, event.end) if time)
    if case.as_of:
        yield case.as_of


def _lane_name(name: str) -> str:
    return wrapped(clipped(name, 88), 18)


def _row_label(row: Row) -> str:
    return begun(row.label, 50)


def _axis(axes: Axes, scale: Scale, top: float, bottom: float) -> None:
    for stretch in scale.stretches:
        inches = stretch.right - stretch.left
        for share, label in ticks(stretch.start, stretch.end, inches):
            x = stretch.left + share * inches
            axes.plot([x, x], [top, bottom], color="#DADADA", linewidth=0.6, zorder=1)
            half = extent(label, SIZE)[0] / 2 - _OVERHANG
            if stretch.left + half <= x <= stretch.right - half:
                axes.text(x, bottom + 0.05, label, ha="center", va="top", fontsize=SIZE, color="#444444")
        axes.text(stretch.left, bottom + 0.24, f"{stretch.start:%Y-%m-%d}", ha="left", va="top", fontsize=SIZE)
    for x, length in scale.breaks():
        for side in (-0.04, 0.04):
            axes.plot([x + side - 0.03, x + side + 0.03], [bottom + 0.06, bottom - 0.06], color=INK, linewidth=1.0)
        axes.text(x, top - 0.06, length, ha="center", va="bottom", fontsize=SIZE - 0.5, color="#444444")


def _lane(axes: Axes, cluster: Cluster, lane: Lane, scale: Scale, top: float) -> None:
    from matplotlib.patches import Rectangle

    axes.plot([0.05, scale.right], [top, top], color="#AAAAAA", linewidth=0.6)
    middle = top + lane.height / 2
    axes.text(0.1, middle, plain(_lane_name(lane.name)), ha="left", va="center", fontsize=_NAME, weight="bold")
    for log in cluster.view(times.of_cluster).logs.get(lane.name, ()):
        left, right = scale.at(log.start), scale.at(log.end)
        size = (max(right - left, 0.02), lane.height)
        axes.add_artist(Rectangle((left, top), *size, facecolor="#EEF4F8", edgecolor="none", zorder=0))
    for place, row in enumerate(lane.rows):
        y = middle + (place - (len(lane.rows) - 1) / 2) * _ROW
        axes.text(scale.left - 0.1, y, plain(_row_label(row)), ha="right", va="center", fontsize=_LABEL)
        _draw_row(axes, row, scale, y)


def _draw_row(axes: Axes, row: Row, scale: Scale, y: float) -> None:
    from matplotlib.patches import Rectangle

    is_up = any(event.still_up for event in row.events)
    for mark in _marks(row.events, scale):
        colour = _COLOURS[row.events[0].kind]
        wide = max(mark.right - mark.left, 0.06)
        is_bar = mark.right - mark.left > 0.06
        hatch = "////" if is_up and mark.right >= scale.right else ""
        axes.add_artist(
            Rectangle(
                (mark.left - (0.0 if is_bar else 0.03), y - _BAR / 2),
                wide,
                _BAR,
                facecolor=PAPER if hatch else colour,
                edgecolor=colour,
                linewidth=0.8,
                hatch=hatch,
                zorder=3,
            )
        )
        ends_up = is_up and mark.right >= scale.right
        words = ", ".join([*([f"×{_count(mark.total)}"] if mark.total > 1 else []), *(["still up"] if ends_up else [])])
        weight = "bold" if ends_up else "normal"
        axes.text(mark.right + 0.06, y, words, ha="left", va="center", fontsize=_LABEL, weight=weight, zorder=5)
    if is_up and not any(event.still_up and event.start for event in row.events):
        x = scale.right + (_COUNTED if any(event.start for event in row.events) else 0.06)
        axes.text(x, y, _SINCE, ha="left", va="center", fontsize=_LABEL, weight="bold", zorder=5)


def _count(number: int) -> str:
    return str(number) if number < 1000 else f"{number // 1000}k"


def _marks(found: Iterable[Event], scale: Scale) -> Iterator[Mark]:
    """Yield the marks of a row from left to right; what is too close to the one before is one mark with it."""
    last: Mark | None = None
    for left, right in sorted(_places(found, scale)):
        if last is None:
            last = Mark(left, right, 1)
        elif left < last.right + (_CLOSE if last.total == 1 else _COUNTED):
            last = Mark(last.left, max(last.right, right), last.total + 1)
        else:
            yield last
            last = Mark(left, right, 1)
    if last:
        yield last


def _places(found: Iterable[Event], scale: Scale) -> Iterator[tuple[float, float]]:
    for event in found:
        is_stated = event.kind == happened.STATED
        start, end = event.start, event.end
        if start is None and not (is_stated and end):
            continue
        left = scale.at(start) if start else scale.left
        yield left, scale.at(end) if end else scale.right
