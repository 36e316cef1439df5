"""Tables as people see them in a notebook or on a terminal: what a customer's text holds is shown and never acts.

Loaded where a table is made, since it needs pandas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from expdiag.safe import printable


class ShownSeries(pd.Series):
    """A column or row of a `ShownFrame`."""

    @property
    def _constructor(self) -> Callable[..., ShownSeries]:
        return ShownSeries

    @property
    def _constructor_expanddim(self) -> Callable[..., ShownFrame]:
        return ShownFrame

    def __repr__(self) -> str:
        return printable(super().__repr__())


class ShownFrame(pd.DataFrame):
    """A DataFrame whose cells hold what was sent, and whose display shows no character that acts.

    Parts of it do the same: rows, columns, sorted or filtered. What pandas sums up of it is a plain DataFrame.
    """

    @property
    def _constructor(self) -> Callable[..., ShownFrame]:
        return ShownFrame

    @property
    def _constructor_sliced(self) -> Callable[..., ShownSeries]:
        return ShownSeries

    def __repr__(self) -> str:
        return printable(super().__repr__())

    def _repr_html_(self) -> str | None:
        page: Any = super()._repr_html_()  # type: ignore[misc]
        return None if page is None else printable(page)
