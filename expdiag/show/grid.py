"""A grid of verdicts: rows, columns, and in each cell an outcome that is colour, mark and words at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.show.layout import extent, plain, wrapped
from expdiag.show.style import FAINT, INK, PAPER, Picture, picture, tip

MARKS = {PASS: "✓", VIOLATION: "✗", UNKNOWN: "?", NOT_APPLICABLE: "–"}
# the words on a violation are white, so it is darker here than as a line: a contrast of 5.6 to 1
FACES = {PASS: "#DCEBF5", VIOLATION: "#B34700", UNKNOWN: PAPER, NOT_APPLICABLE: "#EFEFEF"}
_PAD = 0.09
_LABEL, _WORDS = 8.5, 8.0


class Cell(NamedTuple):
    """One cell: an outcome, None where there is nothing to say, and what stands in it, in at most a few words."""

    outcome: str | None
    words: str = ""


def grid(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[Cell]],
    *,
    title: str,
    row_name: str = "",
    column_name: str = "",
    words_width: int = 16,
    label_width: int = 22,
) -> Picture:
    """Draw a grid as large as its texts need.

    Args:
        rows: labels of the rows.
        columns: labels of the columns.
        cells: one list a row.
        title: what the picture shows, and what it is held against.
        row_name: what the rows are.
        column_name: what the columns are.
        words_width: most characters on a line in a cell.
        label_width: most characters on a line of a label.
    """
    row_labels = [wrapped(label, label_width) for label in rows]
    column_labels = [wrapped(label, label_width) for label in columns]
    texts = [[_text(cell, words_width) for cell in line] for line in cells]
    corner = f"{row_name} \\ {column_name}" if row_name and column_name else row_name
    left = max([extent(label, _LABEL)[0] for label in (*row_labels, corner)], default=0.3) + 2 * _PAD
    widths = [
        max(extent(label, _LABEL, "bold")[0], *(extent(line[n], _WORDS, "bold")[0] for line in texts), 0.35) + 2 * _PAD
        for n, label in enumerate(column_labels)
    ]
    top = max([extent(label, _LABEL)[1] for label in (*column_labels, corner)], default=0.2) + 2 * _PAD
    heights = [
        max(extent(label, _LABEL)[1], *(extent(text, _WORDS)[1] for text in texts[n])) + 2 * _PAD
        for n, label in enumerate(row_labels)
    ]
    heading = wrapped(title, max(30, int((left + sum(widths)) * 12)))
    above = extent(heading, 9.5)[1] + 2 * _PAD
    width, height = left + sum(widths) + 0.1, above + top + sum(heights) + 0.1
    width = max(width, extent(heading, 9.5)[0] + 0.2)
    with picture(width, height, arranged=False) as drawn:
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        lefts = [left + x for x in accumulate(widths, initial=0.0)]
        tops = [above + top + y for y in accumulate(heights, initial=0.0)]
        axes.text(0.1, _PAD, plain(heading), ha="left", va="top", fontsize=9.5)
        axes.text(
            left - _PAD, above + top - _PAD, plain(corner), ha="right", va="bottom", fontsize=_LABEL, color="#555555"
        )
        for place, label in enumerate(column_labels):
            middle = lefts[place] + widths[place] / 2
            axes.text(middle, above + top - _PAD, plain(label), ha="center", va="bottom", fontsize=_LABEL)
        for number, label in enumerate(row_labels):
            middle = tops[number] + heights[number] / 2
            axes.text(left - _PAD, middle, plain(label), ha="right", va="center", fontsize=_LABEL)
            for place, cell in enumerate(cells[number]):
                box = (lefts[place], tops[number], widths[place], heights[number])
                about = f"{rows[number]}, {columns[place]}"
                _draw(axes, cell, texts[number][place], box, about)
    return drawn


def _text(cell: Cell, width: int) -> str:
    mark = MARKS.get(cell.outcome or "", "")
    words = wrapped(cell.words, width) if cell.words else ""
    return f"{mark} {words}".strip() if mark else words


def _draw(axes: Any, cell: Cell, text: str, box: tuple[float, float, float, float], about: str) -> None:
    from matplotlib.patches import Rectangle

    x, y, width, height = box
    face = FAINT if cell.outcome is None and not cell.words else FACES.get(cell.outcome or "", PAPER)
    field = axes.add_artist(Rectangle((x, y), width, height, facecolor=face, edgecolor="#8A8A8A", linewidth=0.6))
    is_bad = cell.outcome == VIOLATION
    words = axes.text(
        x + width / 2,
        y + height / 2,
        plain(text),
        ha="center",
        va="center",
        fontsize=_WORDS,
        weight="bold" if is_bad else "normal",
        color=PAPER if is_bad else INK,
        linespacing=1.1,
    )
    for part in (field, words):
        tip(part, said_of(cell, about))


def said_of(cell: Cell, about: str) -> str:
    """Return what a cell says where the pointer rests on it."""
    return ": ".join(part for part in (about, cell.outcome or "", cell.words) if part)
