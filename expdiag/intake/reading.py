"""What every reader shares: lines out of bytes, and the place where rows and issues are put."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from expdiag.evidence import FileSources
from expdiag.intake.member import Member
from expdiag.intake.secrets import bare_secrets, scrub
from expdiag.tables import NAME_OF, Block, Issue, Leaves

MAX_LINE_BYTES = 1 << 18
MAX_ROWS = 1_000_000
_MAX_NOTE = 1000
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_ISSUE_TEXT = 300
_MAX_ISSUES_OF_A_KIND = 200


class TooMuchError(Exception):
    """A file holds more than any Expressway writes; what was read of it counts."""


def _too_many_rows() -> TooMuchError:
    return TooMuchError(f"more than {MAX_ROWS} rows; the rest of the file was not read")


@dataclass(slots=True)
class Harvest:
    """Rows and issues of one file.

    Attributes:
        sources: places of this file; `note()` makes the source id of a row.
        vantage: where a probe stood, as the folder names it; empty where it does not.
        open_origin: starts the places of another machine that speaks in the same file.
        rows: rows by table name, lists and `Leaves`.
        certificates: the bytes (DER) of the certificates in `rows`, by their fingerprints.
        lines: lines of the file as far as it was read; None where it is not read by lines.
        complete: False once something shows that the end of the file is missing.
        lines_before: lines of the file before those a reader is given, where it is given a part of the file.
        open_end: True once the last line has come without its line end, so that it may be cut.
    """

    sources: FileSources
    vantage: str = ""
    open_origin: Callable[[str], FileSources] | None = None
    rows: dict[str, Any] = field(default_factory=dict)
    certificates: dict[str, bytes] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    first_time: datetime | None = None
    last_time: datetime | None = None
    lines: int | None = None
    complete: bool = True
    open_end: bool = False
    lines_before: int = 0
    _issue_counts: dict[str, int] = field(default_factory=dict)
    _origins: dict[str, FileSources] = field(default_factory=dict)

    def add(self, row: Any) -> None:
        """Take a row; its type says which table it belongs to."""
        table = NAME_OF[type(row)]
        self.rows.setdefault(table, Leaves() if table == "settings" else []).append(row)

    def add_block(self, block: Block) -> None:
        """Take many settings at once, with their places; the first one has the source `sources.next`."""
        room = MAX_ROWS - len(self.sources)
        here = block.moved(self.lines_before) if self.lines_before else block
        taken = here if len(here) <= room else here.begin(room)
        if len(taken):
            self.sources.note_all(taken)
            self.rows.setdefault("settings", Leaves()).extend(taken)
        if taken is not here:
            raise _too_many_rows()

    def note(self, line: int, text: str, context: str = "", origin: str = "") -> int:
        """Remember a line of this file, as far as anybody would read it, and return its source id.

        Args:
            line: number of the line.
            text: its words.
            context: which setting it is, where the words alone do not tell.
            origin: machine whose words these are, where several speak in one file; empty for the file's own.
        """
        sources = self._of(origin) if origin else self.sources
        if len(sources) >= MAX_ROWS:
            raise _too_many_rows()
        line = line + self.lines_before if line > 0 else line
        return sources.note(line, text if len(text) <= _MAX_NOTE else text[:_MAX_NOTE], context)

    def note_packet(self, packet: int, text: str) -> int:
        """Remember a packet of this file and return its source id.

        Args:
            packet: its number, counted from 1 as Wireshark does.
            text: what it is, such as `10.77.1.10:43210 > 10.77.2.10:4371 SYN`.
        """
        return self.note(-packet, f"packet {packet}: {text}")

    def _of(self, origin: str) -> FileSources:
        if origin not in self._origins:
            self._origins[origin] = self.open_origin(self.sources.name) if self.open_origin else self.sources
        return self._origins[origin]

    def issue(self, kind: str, text: str, line: int | None = None) -> None:
        """Report what is not a row. After 200 of a kind only their number is kept, in the last one's text."""
        if kind in ("truncated", "bomb"):
            self.complete = False
        count = self._issue_counts.get(kind, 0) + 1
        self._issue_counts[kind] = count
        if count <= _MAX_ISSUES_OF_A_KIND:
            shown = scrub(text.strip())
            if kind == "unrecognised":
                shown = bare_secrets(shown)
            if len(shown) > _ISSUE_TEXT:
                shown = shown[: _ISSUE_TEXT - 1] + "…"
            self.issues.append(Issue(self.sources.name, line + self.lines_before if line else line, kind, shown))

    def close(self) -> None:
        """Say how many issues were only counted."""
        for kind, count in self._issue_counts.items():
            if count > _MAX_ISSUES_OF_A_KIND:
                more = count - _MAX_ISSUES_OF_A_KIND
                self.issues.append(Issue(self.sources.name, None, kind, f"and {more} more lines like these"))

    def clock(self, time: datetime) -> None:
        """Take note of a time stamp met in the file; one no Expressway can have lived in is an issue."""
        if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
            self.issue("clock", f"a time stamp of the year {time.year} is not used")
            return
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

    A line over 256 kB is an issue and is passed over; bytes that are no UTF-8 are replaced and an issue. What stands
    between the marks of a private key is reported and never handed out.
    """
    return without_keys(_numbered(member, harvest), harvest)


def _numbered(member: Member, harvest: Harvest) -> Iterator[tuple[int, str]]:
    for first, text in texts(member, harvest):
        yield from enumerate(text.split("\n"), start=first)


def texts(member: Member, harvest: Harvest) -> Iterator[tuple[int, str]]:
    """Yield blocks of whole lines, without the last line end, and the number of the first line of each."""
    first = 1
    for block in _blocks(as_utf8(member, harvest), harvest):
        text = _decoded(block, first - 1, harvest)
        yield first, text
        first += text.count("\n") + 1
        harvest.lines = first - 1


def without_keys(numbered: Iterable[tuple[int, str]], harvest: Harvest) -> Iterator[tuple[int, str]]:
    """Yield numbered lines without what stands between the marks of a private key, which is reported."""
    keys = Keys(harvest)
    return ((number, words) for number, line in numbered for words in keys.beside(number, line))


class Keys:
    """Follows lines in order and keeps back what stands between the marks of a private key."""

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._lines = 0  # of the key that is open

    def beside(self, number: int, line: str) -> Iterable[str]:
        """Return what a line holds beside keys: itself, nothing, or the blocks run together with a key on it."""
        if KEY_MARK in line and (marks := list(_KEY_MARK.finditer(line))):
            if not self._lines or any(mark[1] == "BEGIN" for mark in marks):
                report_key(number, self._harvest)
            rest = _between(line, marks, inside=self._lines > 0)
            self._lines = int(marks[-1][1] == "BEGIN")
            return rest
        if self._lines and _belongs_to_key(line):
            self._lines = self._lines + 1 if self._lines < _MAX_KEY_LINES and "-----END" not in line else 0
            return ()
        self._lines = 0
        return (line,)

    def end(self) -> None:
        """Take note that lines follow which no key can hold."""
        self._lines = 0


def _between(line: str, marks: list[re.Match[str]], inside: bool) -> list[str]:
    """Return what a line with marks of keys holds of other blocks, run together with them."""
    found, start = [], 0
    for mark in marks:
        if not inside and "-----" in line[start : mark.start()]:
            found.append(line[start : mark.start()])
        inside, start = mark[1] == "BEGIN", mark.end()
    if not inside and "-----" in line[start:]:
        found.append(line[start:])
    return found


def report_key(number: int, harvest: Harvest) -> None:
    """Report a private key on a line."""
    harvest.issue("secret", _KEY_FOUND, number)


KEY_MARK = "PRIVATE KEY-----"
_MAX_KEY_LINES = 500
_KEY_FOUND = (
    "a private key is in this file; it was not read. Treat the key as compromised if the file was sent to anyone, and "
    "send certificates only"
)
_KEY_MARK = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_KEY_LINE = re.compile(r"[ |>]*(?:[A-Za-z0-9+/=\ufffd]*|(?:Proc-Type|DEK-Info): .*|-----END .*)[ \r]*")


def _belongs_to_key(line: str) -> bool:
    return _KEY_LINE.fullmatch(line) is not None


def _decoded(block: bytes, number: int, harvest: Harvest) -> str:
    """Return the text of a block, each line ended by one character; `number` is that of the line before it."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = block.decode("utf-8", errors="replace")
        for offset, raw in enumerate(block.split(b"\n"), start=1):
            if not _is_utf8(raw):
                harvest.issue("undecodable", "bytes that are no UTF-8 were replaced", number + offset)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if block.endswith(b"\r"):
            text = text[:-1]
    return text


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def is_wide(head: bytes) -> bool:
    """Whether content begins with the byte order mark of UTF-16."""
    return head[:2] in _WIDE


def as_utf8(member: Member, harvest: Harvest) -> Iterator[bytes]:
    """Turn UTF-16, as PowerShell writes it, into UTF-8; leave out a byte order mark, and NULs, which are reported."""
    wide = _WIDE.get(member.head[:2])
    if wide:
        decoder = codecs.getincrementaldecoder(wide)(errors="replace")
        for number, chunk in enumerate(member.chunks()):
            yield decoder.decode(chunk if number else chunk[2:]).encode("utf-8", errors="replace")
        yield decoder.decode(b"", final=True).encode()
        return
    reported = False
    for number, chunk in enumerate(member.chunks()):
        has_nul = b"\0" in chunk
        if has_nul and not reported:
            harvest.issue("undecodable", "NUL bytes are left out, as a restart without a shutdown leaves them")
            reported = True
        text = chunk.replace(b"\0", b"") if has_nul else chunk
        yield text.removeprefix(codecs.BOM_UTF8) if number == 0 else text


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
            harvest.issue("line-too-long", f"a line of more than {MAX_LINE_BYTES >> 10} kB is passed over")
            pending, skipping = b"", True
            yield b""
    if pending:
        harvest.open_end = not pending.endswith(b"\r")
        yield pending


def whole_number(text: str | None) -> int | None:
    """Return a number of at most nine plain digits, None for any other text."""
    return int(text) if text and len(text) <= 9 and text.isascii() and text.isdigit() else None


def first_lines(head: bytes) -> list[str]:
    """Return the lines of a member's head, as far as it shows them, for telling formats apart."""
    if is_wide(head):
        text = head.decode("utf-16", errors="replace")
    else:
        text = head.decode("utf-8", errors="replace").removeprefix("\ufeff")
    return text.splitlines()[:400]
