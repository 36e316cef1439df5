"""All figures of a case as SVG inside one page, where their names do not meet, each with its table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from expdiag.case import Case
from expdiag.report.drawing import Drawing
from expdiag.safe import printable
from expdiag.show.figures import FIGURES, Figure
from expdiag.show.style import picture

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 200
_STYLE = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.S)
_GROUP = re.compile(r'<g id="[^"]*">')
_NAME = re.compile(r'(\bid="|href="#|url\(#)')
_VIEW = re.compile(r'viewBox="0 0 ([0-9.]+) ')


NUMBERS = range(len(FIGURES))


def get_ready() -> None:
    """Load what drawing needs, as a first picture and a first question to networkx would."""
    import dns.name  # noqa: F401
    import networkx as nx

    import expdiag.tables.shown  # noqa: F401

    nx.number_connected_components(nx.Graph())
    with picture(1, 1, arranged=False) as drawn:
        drawn.text(0, 0, "x", weight="bold")
    drawn.svg("")


def drawings(case: Case) -> Iterator[Drawing]:
    """Return the figures that have content."""
    return (drawing for number in NUMBERS for drawing in drawing_of(case, number))


def drawing_of(case: Case, number: int) -> tuple[Drawing, ...]:
    """Return a figure; none where it has no content."""
    figure = FIGURES[number]
    try:
        return (_drawing(case, figure),) if figure.has_content(case) else ()
    except Exception as error:  # a figure that fails must not cost the report
        return (Drawing(figure.name, figure.caption, None, problem=f"{type(error).__name__}: {error}"),)


def _drawing(case: Case, figure: Figure) -> Drawing:
    svg = figure.draw(case).svg(f"{figure.caption} The table below says the same.")
    table = figure.table(case)
    columns, rows = _cells(table)
    return Drawing(
        figure.name,
        figure.caption,
        Markup(_alone(svg, figure.name)),
        columns,
        rows,
        max(0, len(table) - _MOST_ROWS),
    )


def _alone(svg: str, name: str) -> str:
    """Return a picture without what the page has once, whose names are its own."""
    svg = _GROUP.sub("<g>", _STYLE.sub("", svg, count=1))
    svg = re.sub(r"<defs>\s*</defs>\s*", "", svg)
    svg = re.sub(r"\n\s*", "\n", _NAME.sub(rf"\g<1>{name}-", svg))
    view = _VIEW.search(svg)
    width = float(view[1]) / 72 if view else 6.0
    return svg.replace("<svg", f'<svg style="width:{width:.2f}in"', 1)


def _cells(table: pd.DataFrame) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    import pandas as pd

    plain = table if isinstance(table.index, pd.RangeIndex) else table.reset_index()
    rows = plain.head(_MOST_ROWS).itertuples(index=False, name=None)
    return tuple(_said(column) for column in plain.columns), tuple(tuple(map(_said, row)) for row in rows)


def _said(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_said, value))
    if value is None or str(value) in ("<NA>", "NaT", "nan"):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else printable(str(value))
