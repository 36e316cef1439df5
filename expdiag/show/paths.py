"""One path hop by hop: round trip and loss at each distance, as mtr shows them, against the limit."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.graphs.hops import Path, Stop, paths, slowest_steps
from expdiag.model.network.latency import limit_for
from expdiag.show.layout import extent, plain, wrapped
from expdiag.show.style import COLOURS, INK, Picture, picture, tip

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PAD = 0.09
_BARS = 3.4  # in, as wide as the longest bar may be


def traced_pairs(case: Case) -> list[tuple[str, str]]:
    """Return start and end of every path that was traced."""
    return list(dict.fromkeys((path.start, path.end) for path in case.cluster.view(paths)))


def path_table(case: Case, start: str, end: str) -> pd.DataFrame:
    """Return the hops of a path: distance, who answered, round trip in ms, lost share.

    Of several traces the one with the most hops that answered; empty where none was traced.
    """
    from expdiag.tables.shown import ShownFrame

    path = _path(case, start, end)
    rows = [(stop.ttl, stop.node, stop.rtt, stop.loss) for stop in path.stops] if path else []
    table = ShownFrame(rows, columns=["hop", "node", "round_trip_ms", "loss"])
    return table.astype({"round_trip_ms": "Float64", "loss": "Float64"}).set_index("hop")


def path_picture(case: Case, start: str, end: str) -> Picture:
    """Draw `path_table` as bars against the limit of a round trip; the step that adds the most is named."""
    path = _path(case, start, end)
    title = f"{start} → {end}, hop by hop" if path else f"{start} → {end}: no trace in the case"
    stops = path.stops if path else ()
    step = next(iter(slowest_steps([path] if path else [])), None)
    if step:
        title += f"; {step.added:.3g} ms of it between {step.before} and {step.after}"
    limit = _limit(case, start, end)
    labels = [f"{stop.ttl}  {wrapped(stop.node, 34)}" for stop in stops]
    notes = [_note(stop) for stop in stops]
    left = max([extent(label, 8.5)[0] for label in labels], default=0.5) + 2 * _PAD
    right = max([extent(note, 8)[0] for note in notes], default=0.5) + 2 * _PAD
    heading = wrapped(title, int((left + _BARS + right) * 12))
    above = extent(heading, 9.5)[1] + 0.3
    heights = [max(extent(label, 8.5)[1], 0.16) + _PAD for label in labels]
    width, height = left + _BARS + right, above + sum(heights) + 0.45
    with picture(width, height, arranged=False) as drawn:
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.text(_PAD, _PAD, plain(heading), ha="left", va="top", fontsize=9.5)
        longest = max([stop.rtt for stop in stops if stop.rtt is not None], default=0.0)
        scale = _BARS / (1.1 * max(longest, limit))
        at = left + limit * scale
        bottom = above + sum(heights)
        axes.plot([at, at], [above, bottom], color=INK, linestyle=(0, (4, 2)), linewidth=1)
        axes.text(at, bottom + 0.05, f"limit {limit:g} ms", ha="center", va="top", fontsize=8)
        for stop, label, note, top, tall in zip(
            stops, labels, notes, accumulate(heights, initial=above), heights, strict=False
        ):
            axes.text(left - _PAD, top + tall / 2, plain(label), ha="right", va="center", fontsize=8.5)
            _bar(axes, stop, (left, top, tall), scale, over=(stop.rtt or 0) > limit)
            axes.text(left + _BARS + _PAD, top + tall / 2, note, ha="left", va="center", fontsize=8)
    return drawn


def _bar(axes: Axes, stop: Stop, place: tuple[float, float, float], scale: float, *, over: bool) -> None:
    left, top, tall = place
    if stop.rtt is None:
        return
    colour = COLOURS["violation"] if over else COLOURS["pass"]
    hatch = "////" if over else None
    bars = axes.barh(
        top + tall / 2, stop.rtt * scale, height=tall * 0.55, left=left, color=colour, hatch=hatch, edgecolor="white"
    )
    for bar in bars:
        tip(bar, f"{stop.ttl} {stop.node}: {_note(stop)}")


def _note(stop: Stop) -> str:
    time = f"{stop.rtt:.1f} ms" if stop.rtt is not None else "silent"
    return f"{time}, {stop.loss:.0%} lost" if stop.loss else time


def _path(case: Case, start: str, end: str) -> Path | None:
    found = [path for path in case.cluster.view(paths) if (path.start, path.end) == (start, end)]
    return max(found, key=lambda path: sum(1 for stop in path.stops if stop.rtt is not None), default=None)


def _limit(case: Case, start: str, end: str) -> float:
    ends = [peer for name in (start, end) if (peer := case.cluster.find(name))]
    return limit_for([peer.version.value for peer in ends], case.cluster.facts.limits).beyond
