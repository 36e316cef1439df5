"""Blocks of PEM out of lines: indented, quoted with headers, run together, between whatever `openssl` prints."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest, report_key

_MARK = re.compile(r"-----(BEGIN|END) ([A-Za-z0-9 #]{1,60})-----")
_MAX_BLOCK = 8 << 20
# Bag Attributes | subject=CN = x | Key Attributes: <No Attributes> | 0 s:CN = x | # comment
_BETWEEN = re.compile(
    r"(?:(?:Bag|Key) Attributes\b|subject ?=|issuer ?=|[0-9]+ s:|[ais]:|#|friendlyName: |localKeyID: )"
)
# what stands indented below `Bag Attributes`:     Microsoft CSP Name: x |     1.3.6.1.4.1.311.17.3.20: 7A 16
_ATTRIBUTE = re.compile(r"\s+(?:[A-Z][\w .-]{0,60}|[0-9.]{3,60}): ")
# a line of a block whose beginning is cut off, of a key perhaps, and its last one
_STRAY, _STRAY_END = re.compile(r"[A-Za-z0-9+/=]{32,}"), re.compile(r"\W*[A-Za-z0-9+/]+={0,2}")
# a handshake, which prints certificates too, is another reader's
_SESSION = re.compile(r"CONNECTED\(|SSL handshake has read|Certificate chain$|SSL-Session:|- Certificate\[[0-9]")


class Block(NamedTuple):
    """One block: its label, the bytes it holds (None where they are no base64), and the line it begins at."""

    label: str
    data: bytes | None
    line: int


def claims(first: list[str]) -> int:
    """Count the lines of blocks; none in the output of a TLS client, which is not for this reader."""
    inside, count = False, 0
    for line in first:
        marks = _MARK.findall(line) if "-----" in line else []
        count += inside or bool(marks)
        inside = marks[-1][0] == "BEGIN" if marks else inside
        if not inside and _SESSION.match(line):
            return 0
    return count


def blocks(numbered: Iterable[tuple[int, str]], harvest: Harvest) -> Iterator[Block]:
    """Yield the blocks of numbered lines; what is in none, and no known decoration, is an issue."""
    reader = _Reader(harvest)
    for number, line in numbered:
        if "-----" not in line:
            reader.text(number, line)
            continue
        before = 0
        for mark in _MARK.finditer(line):
            reader.text(number, line[before : mark.start()])
            before = mark.end()
            if mark[1] == "BEGIN":
                reader.begin(number, mark[2])
            elif block := reader.end(number, mark[2]):
                yield block
        reader.text(number, line[before:])
    reader.finish()


class _Reader:
    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._label: str | None = None
        self._line = self._size = 0
        self._body: list[str] = []
        self._printed = self._stray = False

    def begin(self, number: int, label: str) -> None:
        self.finish()
        self._label, self._line, self._size, self._body = label, number, 0, []
        self._printed = self._stray = False

    def end(self, number: int, label: str) -> Block | None:
        if self._label is None:
            if "PRIVATE" in label:
                report_key(number, self._harvest)
            else:
                self._harvest.issue("truncated", f"the end of a {label} block without its beginning", number)
            return None
        block = self._decoded(self._label, self._line)
        self._label = None
        return block

    def finish(self) -> None:
        if self._label is not None:
            self._harvest.issue("truncated", f"a {self._label} block without its end", self._line)
            self._label = None

    def text(self, number: int, line: str) -> None:
        """Take a line, or the rest of one, inside a block or between two."""
        words = line.strip()
        if not words:
            return
        if self._label is None:
            self._between(number, line, words)
        elif ":" not in words:  # a header of the block, as encrypted ones have
            self._size += len(words)
            if self._size <= _MAX_BLOCK:
                self._body.append(words)

    def _between(self, number: int, line: str, words: str) -> None:
        """Pass over what `openssl` prints: a certificate in words stands before its block."""
        self._printed = self._printed or words == "Certificate:"
        if self._printed or _BETWEEN.match(words) or _ATTRIBUTE.match(line) or prompt(line):
            return
        self._stray = bool(_STRAY.search(words) or (self._stray and _STRAY_END.fullmatch(words)))
        if self._stray:
            self._harvest.issue("unrecognised", "a line of base64 that is in no block", number)
        else:
            self._harvest.issue("unrecognised", words, number)

    def _decoded(self, label: str, line: int) -> Block:
        if self._size > _MAX_BLOCK:
            self._harvest.issue("too-large", f"a {label} block of more than {_MAX_BLOCK >> 20} MB is not read", line)
            return Block(label, None, line)
        try:
            return Block(label, base64.b64decode("".join(self._body), validate=True), line)
        except (binascii.Error, ValueError):
            self._harvest.issue("broken", f"a {label} block that is no base64", line)
            return Block(label, None, line)
