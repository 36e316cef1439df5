"""Round trips over time, a band a pair, with the limit and the times of changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.model.network.latency import limit_for
from expdiag.show.layout import extent, plain, wrapped
from expdiag.show.style import COLOURS, INK, Picture, picture, tip

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_BAND = 0.95  # in
Point = tuple[datetime, float]


def round_trips_over_time(case: Case) -> pd.DataFrame:
    """Return every round trip between two peers whose time is known: pair, time, ms and how it was measured."""
    import pandas as pd

    from expdiag.tables.shown import ShownFrame

    table = ShownFrame(sorted(measured(case)), columns=["one", "other", "time", "round_trip_ms", "method"])
    table["time"] = pd.to_datetime(table["time"], utc=True)
    return table


def measured(case: Case) -> Iterator[tuple[str, str, datetime, float, str]]:
    """Yield answers of probes and handshakes in captures, each pair sorted by name."""
    cluster = case.cluster
    runs = {run.source: run for run in case.tables.rows("round_trips")}
    for probe in case.tables.rows("probes"):
        run = runs.get(probe.run)
        if run and probe.time and probe.rtt is not None:
            start, end = cluster.find(run.vantage), cluster.find(run.address or run.target)
            if start and end and start is not end:
                one, other = sorted((start.name, end.name))
                yield one, other, probe.time, probe.rtt, f"{run.tool} {run.method}".strip()
    for row in case.tables.rows("connections"):
        start, end = cluster.find(row.client), cluster.find(row.server)
        if row.rtt is not None and row.syn_time and start and end and start is not end:
            one, other = sorted((start.name, end.name))
            yield one, other, row.syn_time, row.rtt, "capture tcp-syn"


def round_trips_picture(case: Case) -> Picture:
    """Draw `round_trips_over_time`: dots, dashed the limit, shaded the time of a stated change."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    pairs: dict[tuple[str, str], list[Point]] = {}
    for one, other, time, ms, _ in sorted(measured(case)):
        pairs.setdefault((one, other), []).append((time, ms))
    if not pairs:
        return _nothing()
    names = {pair: wrapped(f"{pair[0]} – {pair[1]}", 24) for pair in pairs}
    left = max(extent(name, 8.5)[0] for name in names.values()) + 0.75
    bands = [max(_BAND, extent(name, 8.5)[1] + 0.25) for name in names.values()]
    width, height = left + 5.6, sum(bands) + 0.85
    first = min(point[0] for points in pairs.values() for point in points)
    last = max(point[0] for points in pairs.values() for point in points)
    with picture(width, height, arranged=False) as drawn:
        drawn.text(0.08 / width, 1 - 0.2 / height, "Round trips over time, ms", ha="left", va="center", fontsize=9.5)
        top = height - 0.4
        for (pair, points), band in zip(pairs.items(), bands, strict=True):
            place = (left / width, (top - band + 0.12) / height, 5.4 / width, (band - 0.14) / height)
            axes = drawn.add_axes(place)
            _draw_band(axes, case, pair, points, (first, last))
            middle = (top - band / 2) / height
            drawn.text((left - 0.6) / width, middle, plain(names[pair]), ha="right", va="center", fontsize=8.5)
            top -= band
            axes.tick_params(labelbottom=top < 0.6, labelsize=7.5)
            locator = AutoDateLocator(minticks=2, maxticks=6)  # type: ignore[no-untyped-call]
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    return drawn


def _draw_band(
    axes: Axes, case: Case, pair: tuple[str, str], points: list[Point], span: tuple[datetime, datetime]
) -> None:
    peers = [peer for name in pair if (peer := case.cluster.find(name))]
    limit = limit_for([peer.version.value for peer in peers], case.cluster.facts.limits).beyond
    over = [point for point in points if point[1] > limit]
    within = [point for point in points if point[1] <= limit]
    for found, colour, mark in ((within, COLOURS["pass"], "o"), (over, COLOURS["violation"], "X")):
        (dots,) = axes.plot([time for time, _ in found], [ms for _, ms in found], mark, color=colour, markersize=4)  # type: ignore[arg-type]
        tip(dots, f"{pair[0]} – {pair[1]}: {_said(points, limit)}")
    axes.axhline(limit, color=INK, linestyle=(0, (4, 2)), linewidth=0.9)
    axes.axhline(median(ms for _, ms in points), color="#BBBBBB", linewidth=0.7, zorder=0)
    change = case.cluster.facts.change
    if change and change.start and change.end:
        axes.axvspan(change.start, change.end, color="#F3E4B8", zorder=-1)  # type: ignore[arg-type]
    seconds = max((span[1] - span[0]).total_seconds(), 1.0)
    margin = 0.03 * (span[1] - span[0]) if seconds > 1 else span[1] - span[0]
    if span[1] > span[0]:
        axes.set_xlim(span[0] - margin, span[1] + margin)  # type: ignore[arg-type]
    axes.set_ylim(0, 1.15 * max(limit, *(ms for _, ms in points)))
    axes.set_yticks([0, limit])


def _said(points: list[Point], limit: float) -> str:
    shown = sorted(ms for _, ms in points)
    middle = f"median {median(shown):.3g} ms, limit {limit:g} ms"
    return f"{len(shown)} round trips of {shown[0]:.3g} to {shown[-1]:.3g} ms, {middle}"


def _nothing() -> Picture:
    with picture(3.6, 0.5, arranged=False) as drawn:
        drawn.text(0.5, 0.5, "no round trip between peers has a time", ha="center", va="center", fontsize=9)
    return drawn
