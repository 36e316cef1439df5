"""Room for texts: how large a text is on paper, and where it is broken into lines, so that nothing overlaps."""

from __future__ import annotations

import re
from functools import cache

from expdiag.safe import one_line

POINTS_PER_INCH = 72
_HINTED = 1.04  # on a coarse raster letters are moved to whole pixels, which makes lines a little longer
# after these a name may be broken: `e1.edge.example.com`, `2001:db8::1`, `cluster-node`, `from e1`; not `10.0.1.12`
_BREAKS = re.compile(r"(?<=[\s:\-_/,;→–])|(?<=\.)(?![0-9])")


def wrapped(text: object, width: int) -> str:
    """Return a text in lines of at most `width` characters, broken between words, else within names.

    Nothing is lost but blanks at the ends of lines.
    """
    lines = [""]
    for word in _BREAKS.split(one_line(str(text))):
        for piece in _pieces(word, width):
            if len(lines[-1]) + len(piece.rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _pieces(word: str, width: int) -> list[str]:
    return [word[start : start + width] for start in range(0, len(word), width)] or [""]


def plain(text: str) -> str:
    """Return a text of which matplotlib takes no part for a formula."""
    return text.replace("$", r"\$")


@cache
def extent(text: str, size: float = 9, weight: str = "normal") -> tuple[float, float]:
    """Return width and height in inches of a text of several lines, as it is drawn in points of `size`."""
    lines = text.split("\n")
    widths = [length(line, size, weight) for line in lines if line.strip()]
    return _HINTED * max(widths, default=0.0), len(lines) * 1.22 * size / POINTS_PER_INCH


@cache
def length(line: str, size: float, weight: str) -> float:
    """Return the length in inches of one line in points of `size`, on paper or any fine raster."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(line, font, False)[0]) / POINTS_PER_INCH


def clipped(text: object, most: int) -> str:
    """Return a text on one line, of at most `most` characters: its beginning and its end, where names differ."""
    shown = one_line(str(text))
    return shown if len(shown) <= most else f"{shown[: most // 2 - 1]}…{shown[most // 2 - most :]}"


def begun(text: object, most: int) -> str:
    """Return a text on one line, of at most `most` characters: its beginning."""
    shown = one_line(str(text))
    return shown if len(shown) <= most else f"{shown[: most - 1].rstrip()}…"
