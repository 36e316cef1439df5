"""Where a row came from: the file inside which bundle, the line or packet, and the words themselves.

A row carries one integer, its `source`. The high bits number the file, the low bits the place inside it, so
a source survives filters, joins and storage, and two workers never have to agree on a counter.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

_PLACE_BITS = 32
_EXCERPT_LIMIT = 400


class Source(NamedTuple):
    """One place in the evidence.

    Attributes:
        file: the file as the reports write it, `bundle.tar.gz!member.txt` inside an archive.
        line: first line, counted from 1; None where the place is a packet or the whole file.
        packet: packet number, counted from 1; None for text.
        text: what stands there, cut at 400 characters.
        context: which setting it is, where the text alone does not tell; empty otherwise.
    """

    file: str
    line: int | None
    packet: int | None
    text: str
    context: str = ""


class Places(Protocol):
    """Places that follow each other in a file, kept together."""

    def __len__(self) -> int: ...

    def place(self, number: int) -> tuple[int, str, str]:
        """Return line, words and context of one, counted from 0; line 0 is the whole file."""
        ...


@dataclass(slots=True)
class _Notes:
    """Places that were noted one by one."""

    lines: array[int] = field(default_factory=lambda: array("i"))
    texts: list[str] = field(default_factory=list)
    contexts: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def place(self, number: int) -> tuple[int, str, str]:
        return self.lines[number], self.texts[number], self.contexts.get(number, "")


class FileSources:
    """The places of one file that rows point at, in the order they were read."""

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self._parts: list[Places] = []
        self._starts: list[int] = []
        self._size = 0
        self._notes: _Notes | None = None

    def __len__(self) -> int:
        return self._size

    @property
    def next(self) -> int:
        """The source id of the place that is noted next."""
        return (self.number << _PLACE_BITS) + self._size

    def note(self, line: int, text: str, context: str = "") -> int:
        """Remember a line and return its source id."""
        if self._notes is None:
            self._notes = _Notes()
            self._parts.append(self._notes)
            self._starts.append(self._size)
        if context:
            self._notes.contexts[len(self._notes)] = context
        self._notes.lines.append(line)
        self._notes.texts.append(text)
        self._size += 1
        return self.next - 1

    def note_all(self, places: Places) -> None:
        """Remember places that are kept together; the first one gets the id `next`."""
        self._parts.append(places)
        self._starts.append(self._size)
        self._size += len(places)
        self._notes = None

    def at(self, place: int) -> Source:
        """Return the place with this number."""
        part = bisect_right(self._starts, place) - 1
        line, text, context = self._parts[part].place(place - self._starts[part])
        text = text.strip()
        if len(text) > _EXCERPT_LIMIT:
            text = text[: _EXCERPT_LIMIT - 1] + "…"
        return Source(self.name, line or None, None, text, context)


class SourceBook:
    """All places of a case; `book[source]` opens one."""

    def __init__(self, first: int = 0) -> None:
        """Start a book that numbers its files from `first`, so that parts of a case need not agree on numbers."""
        self._first = first
        self._files: dict[int, FileSources] = {}

    def open(self, name: str) -> FileSources:
        """Start a file; its number is the next one in reading order."""
        sources = FileSources(self._first + len(self._files), name)
        self._files[sources.number] = sources
        return sources

    def adopt(self, part: SourceBook) -> None:
        """Take over the files of a book with other numbers."""
        self._files |= part._files

    def __getitem__(self, source: int) -> Source:
        return self._files[file_number(source)].at(place(source))

    def __len__(self) -> int:
        return sum(map(len, self._files.values()))

    @property
    def files(self) -> dict[int, str]:
        """Names of all files, by number."""
        return {number: file.name for number, file in self._files.items()}


def file_number(source: int) -> int:
    """Return the number of the file a source lies in."""
    return source >> _PLACE_BITS


def place(source: int) -> int:
    """Return the number of the place inside its file."""
    return source & ((1 << _PLACE_BITS) - 1)
