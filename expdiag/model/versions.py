"""Software releases of an Expressway: `X14.3.4`, in order, and which row of a table holds for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, total_ordering
from typing import Any, NamedTuple

from expdiag import knowledge

# X14.3.4  X8.11.4  X7  X15.0PreAlpha2
_RELEASE = re.compile(r"^\s*[Xx]?(?P<numbers>[0-9]{1,6}(?:\.[0-9]{1,6})*)(?P<tail>[^0-9.].*)?\s*$")
# oak_v14.3.4_rc_2  oak_v15.0_prealpha_7
_BUILD = re.compile(r"_v(?P<numbers>[0-9]{1,6}(?:\.[0-9]{1,6})*)(?:_|$)")
# Words behind the numbers that mean a release that was not yet out
_BEFORE = re.compile(r"[\s_-]*(?:pre|alpha|beta|rc|dev)", re.I)


@total_ordering
@dataclass(frozen=True, slots=True)
class Release:
    """A release, ordered by its numbers: `X14.3` comes before `X14.3.1`, `X15.0PreAlpha2` before `X15.0`.

    Attributes:
        text: as the Expressway prints it; two spellings of one release are equal.
        numbers: its numbers.
        tail: what follows them, in lower case.
    """

    text: str = field(compare=False)
    numbers: tuple[int, ...]
    tail: str = ""

    @property
    def is_out(self) -> bool:
        """Whether it is a release, and no version from before it."""
        return _BEFORE.match(self.tail) is None

    def __lt__(self, other: Release) -> bool:
        return (self.numbers, self.is_out, self.tail) < (other.numbers, other.is_out, other.tail)

    def __str__(self) -> str:
        return self.text


@cache
def release(text: str) -> Release | None:
    """Return the release a text names, None where it names none."""
    match = _RELEASE.match(text)
    if not match:
        return None
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    return Release(text.strip(), numbers, (match["tail"] or "").strip().lower())


@cache
def of_build(text: str) -> Release | None:
    """Return the release a build such as `oak_v14.3.4_rc_2` is named after, None where it names none."""
    match = _BUILD.search(text)
    return release(f"X{match['numbers']}") if match else None


def is_from(of: Release, first: str) -> bool:
    """Whether a release is one or later; what came before a release counts as it."""
    start = release(first)
    return start is not None and of.numbers >= start.numbers


def is_upto(of: Release, last: str) -> bool:
    """Whether a release is one or earlier; `X12.5` takes every `X12.5.x`."""
    end = release(last)
    return end is not None and of.numbers[: len(end.numbers)] <= end.numbers


class Change(NamedTuple):
    """Something that is new in a release: since when, what, and who says so."""

    since: Release
    what: str
    cite: str

    def holds(self, of: Release) -> bool:
        """Whether a release has it."""
        return of.numbers >= self.since.numbers


@cache
def change(name: str) -> Change:
    """Return a row of the list of what changes with a release, `knowledge/releases.toml`."""
    row = knowledge.load("releases")["change"][name]
    since = release(row["from"])
    assert since is not None, row
    return Change(since, row["what"], row["cite"])


def row_for(rows: Iterable[Mapping[str, Any]], of: Release | None) -> Mapping[str, Any]:
    """Return the row of a table that holds for a release: the newest whose `from` is not later.

    Without a release the first row holds, the one of the newest releases.
    """
    ordered = list(rows)
    if of is None:
        return ordered[0]
    for row in ordered:
        if is_from(of, row["from"]):
            return row
    return ordered[-1]
