"""All figures of a case as SVG inside one page: letters are kept once, names do not meet, each with its table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from expdiag.case import Case
from expdiag.safe import printable
from expdiag.show.figures import FIGURES, Figure

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 200
_GLYPH = re.compile(r'\s*<path id="(DejaVu[\w-]+)"(.*?)/>', re.S)
_STYLE = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.S)
_GROUP = re.compile(r'<g id="[^"]*">')
_NAME = re.compile(r'((?:\bid="|href="#|url\(#))(?!DejaVu)')
_VIEW = re.compile(r'viewBox="0 0 ([0-9.]+) ')


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as the page shows it.

    Attributes:
        name: its name within the page.
        caption: what it shows.
        svg: the picture; None where drawing failed, `problem` then says why.
        columns: heads of the table that says the same.
        rows: its cells as text.
        left_out: rows too many for a page.
    """

    name: str
    caption: str
    svg: Markup | None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    left_out: int = 0
    problem: str = ""


def drawings(case: Case, figures: Iterable[Figure] = FIGURES) -> tuple[tuple[Drawing, ...], Markup]:
    """Return the figures that have content, and the letters they share."""
    glyphs: dict[str, str] = {}
    found = []
    for figure in figures:
        try:
            if figure.has_content(case):
                found.append(_drawing(case, figure, glyphs))
        except Exception as error:  # a figure that fails must not cost the report
            found.append(Drawing(figure.name, figure.caption, None, problem=f"{type(error).__name__}: {error}"))
    return tuple(found), Markup("".join(f'<path id="{name}"{shape}/>' for name, shape in sorted(glyphs.items())))


def _drawing(case: Case, figure: Figure, glyphs: dict[str, str]) -> Drawing:
    svg = figure.draw(case).svg(f"{figure.caption} The table below says the same.")
    glyphs.update(_GLYPH.findall(svg))
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
    svg = _GROUP.sub("<g>", _STYLE.sub("", _GLYPH.sub("", svg), count=1))
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
