"""Text from a bundle is hostile: what is taken out before it reaches a terminal, a page or a table cell."""

from __future__ import annotations

import re

# C0 and C1 controls, bidirectional overrides and isolates, separators that end a line for some programs
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2060\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff\ufeff]"
)
_FORMULA = ("=", "+", "-", "@", "\t")


def printable(text: str) -> str:
    """Return a text without characters that act instead of being shown."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(printable(text).split())


def cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    shown = printable(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
