"""Settings of large dumps: kept as a few long texts, given as rows when somebody looks."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress, count, groupby, repeat
from typing import overload

from expdiag.tables.exports import Setting

# Stand for the path and the value in the words a block's rows are quoted with; no dump can hold them there
PATH, VALUE = "\x00", "\x01"
_NUMBER = re.compile(r"[0-9]+")


def shape(path: str) -> str:
    """Return what paths that differ only in numbers and case have in common."""
    return _NUMBER.sub("0", path).lower()


def numbers(values: Sequence[int]) -> Sequence[int]:
    """Return small numbers in the least memory."""
    return bytes(values) if max(values, default=0) < 256 else array("I", values)


@lru_cache(maxsize=4)
def _cells(column: str) -> list[str]:
    """Return a column cell by cell; who looks at one row of a block is likely to look at the next."""
    return column.split("\n")


@dataclass(frozen=True, slots=True)
class Block(Sequence[Setting]):
    """Settings of one tree that follow each other in a file, a column a text.

    As named tuples they would take five times the memory, and longer to make than the file to read.

    Attributes:
        tree: tree of all of them.
        first: source id of the first one; the others follow.
        paths: their paths, one a line.
        values: their values, one a line, masked where they may not be shown.
        lines: their line numbers.
        quotes: the ways their words are quoted, with `PATH` and `VALUE` where path and value stand.
        quoted: for each which of `quotes` it is.
        shapes: the shapes of their paths.
        in_context: whether the words alone do not tell which setting it is.
    """

    tree: str
    first: int
    paths: str
    values: str
    lines: Sequence[int]
    quotes: Sequence[str]
    quoted: Sequence[int]
    shapes: frozenset[str]
    in_context: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Setting]:
        columns = (repeat(self.tree), self.paths.split("\n"), self.values.split("\n"), count(self.first))
        return map(Setting._make, zip(*columns, strict=False))

    @overload
    def __getitem__(self, place: int) -> Setting: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Setting]: ...
    def __getitem__(self, place: int | slice) -> Setting | Sequence[Setting]:
        if isinstance(place, slice):
            return tuple(self)[place]
        at = range(len(self))[place]
        return Setting(self.tree, _cells(self.paths)[at], _cells(self.values)[at], self.first + at)

    def place(self, number: int) -> tuple[int, str, str]:
        """Return line, words and context of a row, counted from 0."""
        path, value = _cells(self.paths)[number], _cells(self.values)[number]
        quote = self.quotes[self.quoted[number]]
        words = quote.replace(PATH, path).replace(VALUE, value)
        return self.lines[number], words, path if self.in_context else ""

    def moved(self, lines: int) -> Block:
        """Return the rows as those of a part of a file that begins so many lines after it."""
        return replace(self, lines=array("I", (line + lines for line in self.lines)))

    def only(self, wanted: Sequence[bool]) -> Iterator[Setting]:
        """Yield some of the rows: those whose place in `wanted` is true."""
        columns = (self.paths.split("\n"), self.values.split("\n"), count(self.first))
        chosen = (compress(column, wanted) for column in columns)
        return map(Setting._make, zip(repeat(self.tree), *chosen, strict=False))

    def begin(self, size: int) -> Block:
        """Return the first rows."""
        return replace(
            self,
            paths="\n".join(self.paths.split("\n")[:size]),
            values="\n".join(self.values.split("\n")[:size]),
            lines=self.lines[:size],
            quoted=self.quoted[:size],
        )


class Leaves(Sequence[Setting]):
    """All settings in the order they were read: single rows, and blocks."""

    def __init__(self) -> None:
        self._parts: list[list[Setting] | Block] = []
        self._starts: list[int] = []
        self._size = 0

    def append(self, row: Setting) -> None:
        """Add a row."""
        if not self._parts or isinstance(self._parts[-1], Block):
            self._add([])
        self._parts[-1].append(row)  # type: ignore[union-attr]
        self._size += 1

    def extend(self, rows: Iterable[Setting]) -> None:
        """Add rows; a block of them stays one."""
        if isinstance(rows, Leaves):
            for part in rows._parts:
                self.extend(part)
        elif isinstance(rows, Block):
            self._add(rows)
            self._size += len(rows)
        else:
            for row in rows:
                self.append(row)

    def _add(self, part: list[Setting] | Block) -> None:
        self._parts.append(part)
        self._starts.append(self._size)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Setting]:
        for part in self._parts:
            yield from part

    @overload
    def __getitem__(self, place: int) -> Setting: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Setting]: ...
    def __getitem__(self, place: int | slice) -> Setting | Sequence[Setting]:
        if isinstance(place, slice):
            return tuple(self)[place]
        at = range(self._size)[place]
        part = bisect_right(self._starts, at) - 1
        return self._parts[part][at - self._starts[part]]

    def where(self, fits: Callable[[str, str], bool]) -> Iterator[Setting]:
        """Yield the rows whose tree and shape fit; a block that holds none is passed over unread."""
        for part in self._parts:
            if isinstance(part, list):
                yield from (row for row in part if fits(row.tree, shape(row.path)))
            elif wanted := {known for known in part.shapes if fits(part.tree, known)}:
                shapes = shape(part.paths).split("\n")  # all at once, which is several times as fast
                yield from part.only([known in wanted for known in shapes])

    def runs(self, tree: str, file_of: Callable[[int], int]) -> Iterator[Sequence[Setting]]:
        """Yield all settings of a tree as runs out of one file: blocks as they are, single rows as lists."""
        for part in self._parts:
            if isinstance(part, list):
                rows = (row for row in part if row.tree == tree)
                yield from (list(run) for _, run in groupby(rows, key=lambda row: file_of(row.source)))
            elif part.tree == tree:
                yield part

    def last_sources(self, file_of: Callable[[int], int]) -> dict[int, int]:
        """Return the source of the last row of each file, by file number."""
        last: dict[int, int] = {}
        for part in self._parts:
            sources = (row.source for row in part) if isinstance(part, list) else (part.first + len(part) - 1,)
            for source in sources:
                file = file_of(source)
                last[file] = max(source, last.get(file, 0))
        return last
