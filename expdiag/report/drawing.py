"""A figure as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


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
