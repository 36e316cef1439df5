"""Where a row came from: the file inside which bundle, the line or packet, and the words themselves.

A row carries one integer, its `source`. The high bits number the file, the low bits the place inside it, so
a source survives filters, joins and storage, and two workers never have to agree on a counter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

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


@dataclass(slots=True)
class FileSources:
    """The places of one file that rows point at, in the order they were read.

    Attributes:
        number: the file, in reading order.
        name: its name as the reports write it.
        lines: by place, the line or 0 for the whole file; the number of a packet is kept negative.
    """

    number: int
    name: str
    lines: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    contexts: dict[int, str] = field(default_factory=dict)

    def note(self, line: int, text: str, context: str = "") -> int:
        """Remember a line and return its source id."""
        if context:
            self.contexts[len(self.lines)] = context
        self.lines.append(line)
        self.texts.append(text)
        return (self.number << _PLACE_BITS) + len(self.lines) - 1

    def note_packet(self, packet: int, text: str) -> int:
        """Remember a packet, counted from 1 as Wireshark does, and return its source id."""
        return self.note(-packet, text)

    def at(self, place: int) -> Source:
        """Return the place with this number."""
        text = self.texts[place].strip()
        if len(text) > _EXCERPT_LIMIT:
            text = text[: _EXCERPT_LIMIT - 1] + "…"
        context = self.contexts.get(place, "")
        line = self.lines[place]
        return Source(self.name, line if line > 0 else None, -line if line < 0 else None, text, context)


class SourceBook:
    """All places of a case; `book[source]` opens one."""

    def __init__(self) -> None:
        self._files: list[FileSources] = []

    def open(self, name: str) -> FileSources:
        """Start a file; its number is its position in reading order."""
        sources = FileSources(len(self._files), name)
        self._files.append(sources)
        return sources

    def __getitem__(self, source: int) -> Source:
        return self._files[file_number(source)].at(place(source))

    def __len__(self) -> int:
        return sum(len(file.lines) for file in self._files)

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files, by number."""
        return tuple(file.name for file in self._files)


def file_number(source: int) -> int:
    """Return the number of the file a source lies in."""
    return source >> _PLACE_BITS


def place(source: int) -> int:
    """Return the number of the place inside its file."""
    return source & ((1 << _PLACE_BITS) - 1)
