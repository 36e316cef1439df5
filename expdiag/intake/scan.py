"""Finds the few lines that matter in a log of any size: literals over blocks of whole lines, nothing per line.

With the optional library hyperscan all literals are looked for at once; without it one after the other, with the
same lines as the result.
"""

from __future__ import annotations

import importlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

from expdiag.intake.member import CutShortError

_BLOCK = 1 << 20
WORTH_NUMPY = 1 << 18
_LONGEST_LINE = 1 << 23


class Block:
    """Whole lines of a file, and the number of the first one."""

    def __init__(self, first_line: int, data: bytes) -> None:
        self.first_line = first_line
        self.data = data

    @cached_property
    def ends(self) -> Sequence[int]:
        """Places of the line ends; numpy finds them ten times as fast, but is worth its import only for much."""
        if len(self.data) < WORTH_NUMPY:
            return [found.start() for found in re.finditer(b"\n", self.data)]
        import numpy as np

        ends: Any = np.flatnonzero(np.frombuffer(self.data, np.uint8) == ord("\n"))
        return cast("Sequence[int]", ends)

    @property
    def lines(self) -> int:
        """Number of its lines; the last one counts also where its end is missing."""
        return len(self.ends) + (not self.data.endswith(b"\n"))

    def line_at(self, place: int) -> int:
        """Return the number of the line a place lies on."""
        return self.first_line + bisect_left(self.ends, place)


class Line(NamedTuple):
    """One line of a file, without its end."""

    number: int
    data: bytes


def blocks(chunks: Iterable[bytes], too_long: Callable[[int], None]) -> Iterator[Block]:
    """Yield the content of a file in blocks of whole lines of about a megabyte; the last one may lack its line end.

    Args:
        chunks: the content in pieces.
        too_long: called with the number of a line of more than 8 MB, which is passed over.

    Raises:
        CutShortError: the file is cut; all whole lines before the cut were yielded.
    """
    number = 1
    parts: list[bytes | memoryview] = []
    size = 0
    skipping = False
    try:
        for piece in chunks:
            chunk = piece
            if skipping:
                _, found, chunk = piece.partition(b"\n")
                skipping = not found
                number += bool(found)
            parts.append(chunk)
            size += len(chunk)
            if size < _BLOCK:
                continue
            end = chunk.rfind(b"\n") + 1
            if not end and size > _LONGEST_LINE:
                chunk = b"".join(parts)  # whole lines may stand before the long one
                parts, end = [chunk], chunk.rfind(b"\n") + 1
                if not end:
                    too_long(number)
                    parts, size, skipping = [], 0, True
            if not end:
                continue
            parts[-1] = memoryview(chunk)[:end]
            block = Block(number, b"".join(parts))
            yield block
            number += block.lines
            parts, size = [chunk[end:]], len(chunk) - end
    except CutShortError:
        if size:
            yield Block(number, b"".join(parts))
        raise
    if size:
        yield Block(number, b"".join(parts))


def finder(literals: Sequence[bytes]) -> Callable[[Block], list[Line]]:
    """Return a function that gives the lines of a block that hold one of some texts, in order."""
    places = _hyperscan(literals) or _one_by_one(literals)
    return lambda block: _lines_at(block, places(block.data))


def _lines_at(block: Block, places: list[int]) -> list[Line]:
    found: list[Line] = []
    data = block.data
    end = -1
    for place in places:
        if place < end:
            continue  # a second hit on the same line
        start = data.rfind(b"\n", 0, place) + 1
        end = data.find(b"\n", place)
        end = len(data) if end < 0 else end
        found.append(Line(block.line_at(start), data[start:end].rstrip(b"\r")))
    return found


def _hyperscan(literals: Sequence[bytes]) -> Callable[[bytes], list[int]] | None:
    """Return the search for all literals at once, None where the library is not installed."""
    try:
        library: Any = importlib.import_module("hyperscan")
    except ImportError:
        return None
    database = library.Database(mode=library.HS_MODE_BLOCK)
    count = len(literals)
    database.compile(
        expressions=list(literals), ids=list(range(count)), elements=count, flags=[0] * count, literal=True
    )
    lengths = [len(literal) for literal in literals]

    def search(data: bytes) -> list[int]:
        places: list[int] = []
        database.scan(data, match_event_handler=lambda i, _start, end, *_: places.append(end - lengths[i]))
        return sorted(places)

    return search


def _one_by_one(literals: Sequence[bytes]) -> Callable[[bytes], list[int]]:
    def search(data: bytes) -> list[int]:
        places = []
        for literal in literals:
            place = data.find(literal)
            while place >= 0:
                places.append(place)
                place = data.find(literal, place + 1)
        return sorted(places)

    return search
