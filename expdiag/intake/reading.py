"""What every reader shares: lines out of bytes, and the place where rows and issues are put."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from expdiag.evidence import FileSources
from expdiag.intake.archive import Member
from expdiag.intake.secrets import scrub
from expdiag.tables import NAME_OF, Issue

MAX_LINE_BYTES = 1 << 20
_ISSUE_TEXT = 300
_MAX_ISSUES_OF_A_KIND = 200


@dataclass(slots=True)
class Harvest:
    """Rows and issues of one file.

    Attributes:
        sources: places of this file; `note()` makes the source id of a row.
        vantage: where a probe stood, as the folder names it; empty where it does not.
        rows: rows by table name.
        complete: False once something shows that the end of the file is missing.
    """

    sources: FileSources
    vantage: str = ""
    rows: dict[str, list[Any]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    first_time: datetime | None = None
    last_time: datetime | None = None
    complete: bool = True
    _issue_counts: dict[str, int] = field(default_factory=dict)

    def add(self, row: Any) -> None:
        """Take a row; its type says which table it belongs to."""
        self.rows.setdefault(NAME_OF[type(row)], []).append(row)

    def note(self, line: int, text: str) -> int:
        """Remember a line of this file and return its source id."""
        return self.sources.note(line, text)

    def issue(self, kind: str, text: str, line: int | None = None) -> None:
        """Report what is not a row. After 200 of a kind only their number is kept, in the last one's text."""
        if kind in ("truncated", "bomb"):
            self.complete = False
        count = self._issue_counts.get(kind, 0) + 1
        self._issue_counts[kind] = count
        if count <= _MAX_ISSUES_OF_A_KIND:
            shown = scrub(text.strip())
            if len(shown) > _ISSUE_TEXT:
                shown = shown[: _ISSUE_TEXT - 1] + "…"
            self.issues.append(Issue(self.sources.name, line, kind, shown))

    def close(self) -> None:
        """Say how many issues were only counted."""
        for kind, count in self._issue_counts.items():
            if count > _MAX_ISSUES_OF_A_KIND:
                more = count - _MAX_ISSUES_OF_A_KIND
                self.issues.append(Issue(self.sources.name, None, kind, f"and {more} more lines like these"))

    def clock(self, time: datetime) -> None:
        """Take note of a time stamp met in the file."""
        if self.last_time is None or time > self.last_time:
            self.last_time = time
        if self.first_time is None or time < self.first_time:
            self.first_time = time


@dataclass(frozen=True, slots=True)
class Reader:
    """One format.

    Attributes:
        kind: its name in `files` and in issues.
        claims: given the first lines of a text, how many of them look like this format.
        read: turns a member into rows and issues.
    """

    kind: str
    claims: Callable[[list[str]], int]
    read: Callable[[Member, Harvest], None]


def lines(member: Member, harvest: Harvest) -> Iterator[tuple[int, str]]:
    """Yield numbered lines without their ends, whatever the encoding, in memory that stays flat.

    A line over a megabyte is an issue and is passed over; bytes that are no UTF-8 are replaced and an issue.
    """
    number = 0
    for block in _blocks(as_utf8(member), harvest):
        try:
            text = block.decode()
        except UnicodeDecodeError:
            for raw in block.split(b"\n"):
                number += 1
                yield number, _decode(raw, number, harvest).rstrip("\r")
            continue
        for line in text.split("\n"):
            number += 1
            yield number, line.rstrip("\r")


def _decode(raw: bytes, number: int, harvest: Harvest) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="replace")
        harvest.issue("undecodable", text, number)
        return text


_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def is_wide(member: Member) -> bool:
    """Whether a member begins with the byte order mark of UTF-16."""
    return member.head[:2] in _WIDE


def as_utf8(member: Member) -> Iterator[bytes]:
    """Turn UTF-16, as PowerShell writes it, into UTF-8; drop a byte order mark."""
    wide = _WIDE.get(member.head[:2])
    if wide:
        decoder = codecs.getincrementaldecoder(wide)(errors="replace")
        for number, chunk in enumerate(member.chunks()):
            yield decoder.decode(chunk if number else chunk[2:]).encode()
        return
    for number, chunk in enumerate(member.chunks()):
        yield chunk.removeprefix(codecs.BOM_UTF8) if number == 0 else chunk


def _blocks(chunks: Iterator[bytes], harvest: Harvest) -> Iterator[bytes]:
    """Yield blocks of whole lines without the last line end."""
    pending = b""
    skipping = False
    for piece in chunks:
        chunk = piece
        if skipping:
            _, found, chunk = chunk.partition(b"\n")
            if not found:
                continue
            skipping = False
        end = chunk.rfind(b"\n")
        if end >= 0:
            yield pending + chunk[:end]
            pending = chunk[end + 1 :]
        else:
            pending += chunk
        if len(pending) > MAX_LINE_BYTES:
            harvest.issue("line-too-long", f"a line of more than {MAX_LINE_BYTES >> 20} MB is passed over")
            pending, skipping = b"", True
            yield b""
    if pending:
        yield pending


def first_lines(head: bytes) -> list[str]:
    """Return the lines of a member's head, as far as it shows them, for telling formats apart."""
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        text = head.decode("utf-16", errors="replace")
    else:
        text = head.decode("utf-8", errors="replace").removeprefix("\ufeff")
    return text.splitlines()[:400]
