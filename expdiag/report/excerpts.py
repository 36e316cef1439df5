"""Every place of the evidence that findings cite, once, by file, with the lines before and after it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from expdiag.case import Case
from expdiag.evidence import Source
from expdiag.findings import Findings
from expdiag.intake.reread import AROUND, around

MAX_BYTES = 30 << 20
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{44,}")  # of a certificate, of which its row says what is in it


class Line(NamedTuple):
    """A line of an excerpt; `anchor` is that of cited evidence and empty for a neighbour."""

    number: int | None
    text: str
    anchor: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is cited of a file.

    Attributes:
        file: its name.
        note: why there are no lines around, empty where there are.
        parts: lines that follow each other.
    """

    file: str
    note: str
    parts: tuple[tuple[Line, ...], ...]


class Evidence:
    """Places that findings and symptoms cite."""

    def __init__(self, case: Case, findings: Findings) -> None:
        told = {source for finding in findings for source in finding.sources}
        told |= {source for symptom in findings.symptoms for source in symptom.sources}
        self._places = sorted(told, key=_order)
        self._anchors = {source: f"s{number}" for number, source in enumerate(self._places, start=1)}
        self._notes, self._lines = _read_again(case, self._places)

    def anchor(self, source: Source) -> str:
        """Return the name of a place within the page."""
        return self._anchors[source]

    @property
    def excerpts(self) -> Iterator[Excerpt]:
        """All places, by file."""
        return self.of(self._places)

    def of(self, places: Iterable[Source]) -> Iterator[Excerpt]:
        """Yield some of the places, each once, by file."""
        for file, cited in groupby(sorted(set(places), key=_order), key=lambda source: source.file):
            parts = tuple(tuple(self._around(part)) for part in _parts(cited))
            yield Excerpt(file, self._notes.get(file, ""), parts)

    def _around(self, part: list[Source]) -> Iterator[Line]:
        """Yield the lines of places that stand near each other, each place in the words of its row."""
        neighbours = self._lines.get(part[0].file, {})
        cited: dict[int | None, list[Source]] = {}
        for source in part:
            cited.setdefault(source.line, []).append(source)
        if None in cited:
            yield from (self._cited(source) for source in part)
            return
        first, last = min(map(_line, part)) - AROUND, max(map(_line, part)) + AROUND
        for number in range(first, last + 1):
            if number in cited:
                yield from map(self._cited, cited[number])
            elif number in neighbours and not _BASE64.fullmatch(neighbours[number]):
                yield Line(number, neighbours[number])

    def _cited(self, source: Source) -> Line:
        text = source.text or "(the whole file)"
        return Line(source.line or source.packet, text, self._anchors[source], source.context)


def _order(source: Source) -> tuple[str, int, int, str, str]:
    return source.file, source.line or 0, source.packet or 0, source.text, source.context


def _line(source: Source) -> int:
    return source.line or 0


def _parts(places: Iterable[Source]) -> Iterator[list[Source]]:
    """Yield places whose surroundings touch."""
    part: list[Source] = []
    for source in places:
        if part and (not part[-1].line or not source.line or source.line - part[-1].line > 2 * AROUND + 1):
            yield part
            part = []
        part.append(source)
    if part:
        yield part


def _read_again(case: Case, places: Iterable[Source]) -> tuple[dict[str, str], Mapping[str, Mapping[int, str]]]:
    """Return why files have no surroundings, and the lines around the places of the others."""
    sizes: dict[str, list[int]] = {}
    for row in case.tables.rows("files"):
        sizes.setdefault(row.file, []).append(row.bytes)
    notes: dict[str, str] = {}
    wanted: dict[str, set[int]] = {}
    for source in places:
        known = sizes.get(source.file, [])
        if not source.line:
            continue
        if len(known) != 1:
            notes[source.file] = "several files have this name, so only the cited lines are shown"
        elif known[0] > MAX_BYTES:
            notes[source.file] = f"the file is larger than {MAX_BYTES >> 20} MB, so only the cited lines are shown"
        else:
            wanted.setdefault(source.file, set()).add(source.line)
    found = around(case.dossier.paths, wanted) if wanted else {}
    gone = "the file can no longer be read, so only the cited lines are shown"
    return notes | {file: gone for file in wanted if not found.get(file)}, found
