"""Tables of verdicts as one picture: sections under each other, each with a title, columns and rows of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from expdiag.findings import VIOLATION
from expdiag.show.grid import FACES, MARKS, Cell, said_of
from expdiag.show.layout import extent, plain, wrapped
from expdiag.show.style import FAINT, INK, PAPER, Picture, picture, tip

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PAD, _EDGE = 0.09, 0.12
_LEADING = 0.055  # in, above and below the text of a cell
_LABEL, _WORDS, _TITLE = 8.5, 8.0, 9.5
_ABOVE = 0.2  # in, between two sections

Box = tuple[float, float, float, float]  # left, top, width, height in inches


class Row(NamedTuple):
    """A row: what it is about, and a cell for each column."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Rows with a title; the heads of the columns are drawn where they differ from those of the section before."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Laid:
    """A section with its texts broken into lines, in inches."""

    title: str
    heads: tuple[str, ...]
    labels: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    title_height: float
    head_height: float
    heights: tuple[float, ...]

    @property
    def height(self) -> float:
        return _ABOVE + self.title_height + self.head_height + sum(self.heights)


def sheet(
    sections: Sequence[Section],
    *,
    title: str,
    label_width: int = 36,
    head_width: int = 22,
    words_width: int = 26,
) -> Picture:
    """Draw sections as large as their texts need.

    Args:
        sections: from top to bottom; those with equal columns have them at the same places.
        title: what the picture shows.
        label_width, head_width, words_width: most characters on a line of a label, a column's head, a cell.
    """
    labels = [[wrapped(row.label, label_width) for row in section.rows] for section in sections]
    left = max((extent(label, _LABEL)[0] for of_one in labels for label in of_one), default=0.3) + 2 * _PAD
    widths = _widths(sections, head_width, words_width)
    width = left + max((sum(of_one) for of_one in widths.values()), default=1.0)
    width = max(width, 4.2)
    laid, before = [], None
    for section, names in zip(sections, labels, strict=True):
        columns = () if section.columns == before else section.columns
        laid.append(_lay(section, columns, names, int(width * 13), head_width, words_width))
        before = section.columns
    heading = wrapped(title, int(width * 12))
    above = _EDGE + extent(heading, _TITLE)[1]
    height = above + sum(one.height for one in laid) + _EDGE
    with picture(width + 2 * _EDGE, height, arranged=False) as drawn:
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width + 2 * _EDGE)
        axes.set_ylim(height, 0)
        axes.text(_EDGE, _EDGE, plain(heading), ha="left", va="top", fontsize=_TITLE)
        top, boxes = above, list[tuple[Cell, Box]]()
        for section, one in zip(sections, laid, strict=True):
            boxes += _draw(axes, section, one, (_EDGE + left, top + _ABOVE), widths[section.columns])
            top += one.height
        _draw_boxes(axes, boxes)
    return drawn


def frame(sections: Sequence[Section], names: Sequence[str]) -> pd.DataFrame:
    """Return sections as a table, one row a cell that says something.

    Args:
        sections: what is drawn.
        names: what section, row and column are; `outcome` and `shown` follow.
    """
    from expdiag.tables.shown import ShownFrame

    rows = [
        (_clean(section.title), _clean(row.label), _clean(column), cell.outcome, _clean(cell.words))
        for section in sections
        for row in section.rows
        for column, cell in zip(section.columns, row.cells, strict=True)
        if cell.outcome or cell.words
    ]
    return ShownFrame(rows, columns=[*names, "outcome", "shown"], dtype="string")


def _clean(text: str) -> str:
    """Return a text from the evidence as a table may hold it."""
    from expdiag.safe import one_line

    return one_line(text)


def _widths(sections: Sequence[Section], head_width: int, words_width: int) -> dict[tuple[str, ...], list[float]]:
    """Return by columns how wide each is."""
    found: dict[tuple[str, ...], list[float]] = {}
    for section in sections:
        heads = [extent(wrapped(head, head_width), _LABEL)[0] for head in section.columns]
        wide = found.setdefault(section.columns, [max(head, 0.35) + 2 * _PAD for head in heads])
        for row in section.rows:
            for place, cell in enumerate(row.cells):
                wide[place] = max(wide[place], extent(_text(cell, words_width), _WORDS, "bold")[0] + 2 * _PAD)
    return found


def _lay(
    section: Section, columns: Sequence[str], labels: list[str], title_width: int, head_width: int, words_width: int
) -> _Laid:
    heads = tuple(wrapped(head, head_width) for head in columns)
    texts = tuple(tuple(_text(cell, words_width) for cell in row.cells) for row in section.rows)
    title = wrapped(section.title, title_width)
    return _Laid(
        title=title,
        heads=heads,
        labels=tuple(labels),
        texts=texts,
        title_height=extent(title, _LABEL, "bold")[1] + _PAD if title else 0.0,
        head_height=max((extent(head, _LABEL)[1] for head in heads), default=-_PAD) + _PAD,
        heights=tuple(
            max(extent(label, _LABEL)[1], *(extent(text, _WORDS)[1] for text in line)) + 2 * _LEADING
            for label, line in zip(labels, texts, strict=True)
        ),
    )


def _text(cell: Cell, width: int) -> str:
    return wrapped(f"{MARKS.get(cell.outcome or '', '')} {cell.words}", width)


def _draw(
    axes: Axes, section: Section, one: _Laid, corner: tuple[float, float], widths: Sequence[float]
) -> Iterator[tuple[Cell, Box]]:
    """Draw the texts of a section; yield its cells and where their boxes are."""
    left, top = corner
    if one.title:
        axes.text(_EDGE, top, plain(one.title), ha="left", va="top", fontsize=_LABEL, weight="bold")
    top += one.title_height + one.head_height
    x = left
    for head, wide in zip(one.heads, widths, strict=False):
        axes.text(x + wide / 2, top - _PAD / 2, plain(head), ha="center", va="bottom", fontsize=_LABEL, color="#555555")
        x += wide
    for row, label, texts, tall in zip(section.rows, one.labels, one.texts, one.heights, strict=True):
        axes.text(_EDGE, top + tall / 2, plain(label), ha="left", va="center_baseline", fontsize=_LABEL)
        x = left
        for text, column, cell, wide in zip(texts, section.columns, row.cells, widths, strict=True):
            about = ", ".join(part for part in (section.title, row.label, column) if part)
            _draw_words(axes, cell, text, (x + wide / 2, top + tall / 2), about)
            yield cell, (x, top, wide, tall)
            x += wide
        top += tall


def _draw_words(axes: Axes, cell: Cell, text: str, middle: tuple[float, float], about: str) -> None:
    is_bad = cell.outcome == VIOLATION
    if text:
        words = axes.text(
            *middle,
            plain(text),
            ha="center",
            va="center_baseline",
            fontsize=_WORDS,
            weight="bold" if is_bad else "normal",
            color=PAPER if is_bad else INK,
            linespacing=1.1,
        )
        tip(words, said_of(cell, about))


def _draw_boxes(axes: Axes, boxes: Sequence[tuple[Cell, Box]]) -> None:
    """Draw the boxes of all cells at once, which is much faster than one by one."""
    from matplotlib.collections import PolyCollection

    corners = [[(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall)] for _, (x, y, wide, tall) in boxes]
    faces = [FACES.get(cell.outcome or "", PAPER if cell.words else FAINT) for cell, _ in boxes]
    axes.add_collection(
        PolyCollection(corners, facecolors=faces, edgecolors="#8A8A8A", linewidths=0.6, zorder=1), autolim=False
    )
