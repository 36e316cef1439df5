"""How every picture looks: colours that stay apart for colour-blind eyes and on both page colours, and never alone."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape, unescape
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.safe import one_line, printable
from expdiag.show.layout import POINTS_PER_INCH, length

COLOURS = {PASS: "#0072B2", VIOLATION: "#D55E00", UNKNOWN: "#767676", NOT_APPLICABLE: "#9A9A9A"}
LINES = {PASS: "solid", VIOLATION: (0, (5, 1.5)), UNKNOWN: (0, (1, 2)), NOT_APPLICABLE: (0, (1, 2))}
WIDTHS = {PASS: 1.6, VIOLATION: 3.0, UNKNOWN: 1.4, NOT_APPLICABLE: 1.0}
INK, PAPER, FAINT = "#1B1B1B", "#FFFFFF", "#EDEDED"
_SETTINGS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "svg.hashsalt": "expdiag",
    "svg.fonttype": "none",
    "text.color": INK,
}


_TEXT = re.compile(r'<text style="([^"]*)"([^>]*)>([^<]*)</text>')
_SIZE = re.compile(r"([\d.]+)px")
_BOLD = re.compile(r"\b700\b")
_NO_TURN = re.compile(r' transform="rotate\(-0 [^"]*"')


class Picture(Figure):
    """A figure that draws itself in a notebook without any set-up."""

    def _repr_png_(self) -> bytes:
        return self._as("png", dpi=110)

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        return self._as("png", dpi=200)

    def svg(self, title: str) -> str:
        """Return the picture as an SVG element to stand inside a page; `title` is what a screen reader says."""
        tips = [_attribute(words) for words in self.__dict__.get("_tips", ())]
        text = self._as("svg").decode()
        text = re.sub(r'<g id="tip-(\d+)">', lambda found: f"<g><title>{tips[int(found[1])]}</title>", text)
        text = _TEXT.sub(_of_its_length, text[text.index("<svg") :])
        text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
        text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
        text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->\n?", "", text, flags=re.S)  # comments repeat the texts
        return text.replace("<svg", f'<svg role="img" aria-label="{_attribute(title)}"', 1)

    def _as(self, kind: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        with rc_context(_SETTINGS):
            self.savefig(buffer, format=kind, metadata=metadata, facecolor=PAPER, **options)
        return buffer.getvalue()

    def __repr__(self) -> str:
        width, height = self.get_size_inches()
        return f"<Picture {width:g} x {height:g} in>"


def _of_its_length(found: re.Match[str]) -> str:
    """Return a text as long as it was laid out, whatever letters the reader's machine has for it."""
    style, place, words = found.groups()
    size = _SIZE.search(style)
    if not size or not words.strip():
        return found[0]
    weight = "bold" if _BOLD.search(style) else "normal"
    long = length(unescape(words), float(size[1]), weight) * POINTS_PER_INCH
    place = _NO_TURN.sub("", place)
    return f'<text style="{style}"{place} textLength="{long:.2f}" lengthAdjust="spacingAndGlyphs">{words}</text>'


def tip(artist: Any, words: str) -> None:
    """Have an SVG show words where the pointer rests on something that was drawn into a picture."""
    tips = artist.get_figure().__dict__.setdefault("_tips", [])
    artist.set_gid(f"tip-{len(tips)}")
    tips.append(words)


def _attribute(text: str) -> str:
    return escape(printable(text))


@contextmanager
def picture(width: float, height: float, *, arranged: bool = True) -> Iterator[Picture]:
    """Give a picture of a size in inches to draw on, under the common settings; `arranged` by matplotlib or by us."""
    with rc_context(_SETTINGS):
        drawn = Picture(figsize=(width, height), layout="constrained" if arranged else None)
        FigureCanvasAgg(drawn)
        yield drawn


def shorten(text: str, limit: int = 22) -> str:
    """Return a name that fits a label, its end kept because names differ there."""
    shown = one_line(text).replace("$", r"\$")
    return shown if len(shown) <= limit else f"{shown[: limit // 2 - 1]}…{shown[-(limit // 2) :]}"
