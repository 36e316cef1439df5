"""Software releases of an Expressway: `X14.3.4`, in order, and which row of a table holds for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, total_ordering
from typing import Any

# X14.3.4  X8.11.4  X15.0PreAlpha2
_RELEASE = re.compile(r"^\s*[Xx]?(?P<numbers>[0-9]{1,6}(?:\.[0-9]{1,6})*)(?P<tail>[^0-9.].*)?\s*$")


@total_ordering
@dataclass(frozen=True, slots=True)
class Release:
    """A release, ordered by its numbers; `X14.3` comes before `X14.3.1`.

    Attributes:
        text: as the Expressway prints it.
        numbers: its numbers.
    """

    text: str
    numbers: tuple[int, ...]

    def __lt__(self, other: Release) -> bool:
        return self.numbers < other.numbers

    def __str__(self) -> str:
        return self.text


@cache
def release(text: str) -> Release | None:
    """Return the release a text names, None where it names none."""
    match = _RELEASE.match(text)
    if not match:
        return None
    return Release(text.strip(), tuple(int(number) for number in match["numbers"].split(".")))


def row_for(rows: Iterable[Mapping[str, Any]], of: Release | None) -> Mapping[str, Any]:
    """Return the row of a table that holds for a release: the newest whose `from` is not later.

    Without a release the first row holds, the one of the newest releases.
    """
    ordered = list(rows)
    if of is None:
        return ordered[0]
    for row in ordered:
        start = release(row["from"])
        if start is not None and start.numbers <= of.numbers:
            return row
    return ordered[-1]
