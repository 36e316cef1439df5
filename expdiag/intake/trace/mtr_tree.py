"""Mtr's JSON and XML, whole or cut, by themselves or pasted with the prompt before them.

Values are taken as the texts they are: releases print numbers or strings, and `psize` always as a string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.parsers import expat

from expdiag.intake.reading import whole_number
from expdiag.intake.trace.mtr import Mtr
from expdiag.intake.trace.run import Family, Place, Run

_MOST_CHARACTERS = 8 << 20
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_JSON_START = re.compile(r'\s*\{\s*(?:"(?:report|mtr)"\s*:.*)?', re.S)
_XML_START = re.compile(r"\s*(?:<\?xml\b[^<>]*\?>\s*)?(?:<MTR\b.*)?")
_JSON_CLAIM = re.compile(r'\s*"(?:Loss%|Snt|Best|Wrst|StDev)"\s*:\s*"?[0-9.]{1,20}"?,?\s*', re.A)
_XML_CLAIM = re.compile(r"\s*<(?:HUB COUNT=|MTR SRC=|(?:Loss|Snt|Best|Wrst|StDev)>).*")
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


class _Hub(NamedTuple):
    ttl: int
    host: str
    cells: Mapping[str, str]
    line: int


class _Document(Run):
    """The lines of one document; it is read when they are all there."""

    collects = True
    goes_on: re.Pattern[str]  # how a line of it begins; any other ends a document that lacks its end

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._place = place
        self._lines: list[str] = []
        self._size = 0
        self._is_done = False
        self.take(place.number, place.line)

    def take(self, number: int, line: str) -> bool:
        """Take a line of the document; after its end, none."""
        if self._is_done or self._size > _MOST_CHARACTERS or not self.goes_on.match(line):
            return False
        self._lines.append(line)
        self._size += len(line) + 1
        self._is_done = self._ends(line)
        return True

    def _ends(self, line: str) -> bool:
        raise NotImplementedError

    def _read(self, text: str) -> tuple[Mapping[str, str], list[_Hub], str]:
        """Return what heads the document, its hops, and what is wrong with its end."""
        raise NotImplementedError

    def finish(self) -> None:
        """Read the document and add its run."""
        head, hubs, wrong = self._read("\n".join(self._lines))
        if not head and not hubs:
            for offset, line in enumerate(self._lines):
                if line.strip():
                    self.harvest.issue("truncated" if wrong else "unrecognised", line, self.line_number + offset)
            return
        run = Mtr(self._place, target=head.get("dst", ""))
        run.vantage = run.vantage or head.get("src", "")
        run.has_lines = bool(hubs)
        for hub in hubs:
            number = self.line_number + hub.line
            asn = hub.cells.get("ASN", "").strip()
            line = self._lines[hub.line].strip()
            run.hub(hub.ttl, hub.host, hub.cells, number, f"{line} {hub.host}", "" if asn in ("", "AS???") else asn)
        if wrong or not self._is_done:
            run.cut = True
        run.finish()


class _Json(_Document):
    """A JSON document; it ends where its braces are closed."""

    goes_on = re.compile(r"\s*(?:[\"{}\],]|$)")
    _depth = 0

    def _ends(self, line: str) -> bool:
        bare = _STRING.sub("", line)
        self._depth += bare.count("{") - bare.count("}")
        return self._depth <= 0

    def _read(self, text: str) -> tuple[Mapping[str, str], list[_Hub], str]:
        head = _decode_at(text, re.search(r'"mtr"\s*:\s*', text))
        hubs, at_line, at = [], 0, 0
        wrong = _error_of(text)
        for start, value in _list_at(text, re.search(r'"hubs"\s*:\s*\[\s*', text)):
            if value is None:
                break
            at_line, at = at_line + text.count("\n", at, start), start
            cells = _texts(value)
            ttl = whole_number(cells.get("count")) or 0
            if 1 <= ttl <= 255 and "host" in cells:
                hubs.append(_Hub(ttl, cells["host"], cells, at_line))
            else:
                self.harvest.issue("unrecognised", str(value), self.line_number + at_line)
        return _texts(head), hubs, wrong


def _error_of(text: str) -> str:
    """Return why a text is no JSON document, empty where it is one."""
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""


def _decode_at(text: str, found: re.Match[str] | None) -> Any:
    try:
        return _DECODER.raw_decode(text, found.end())[0] if found else None
    except (ValueError, RecursionError):
        return None


def _list_at(text: str, found: re.Match[str] | None) -> Iterator[tuple[int, Any]]:
    """Yield place and value of each item of a list that may be cut; None for a value says that it is closed."""
    at = found.end() if found else len(text)
    while at < len(text) and text[at] != "]":
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield at, value if value is not None else {}
        at = re.compile(r"\s*,?\s*").match(text, end).end()  # type: ignore[union-attr]
    if at < len(text):
        yield at, None


def _texts(value: object) -> dict[str, str]:
    """Return the texts of an object by their names; what is no text or number is left out."""
    if not isinstance(value, dict):
        return {}
    return {key: text.encode(errors="replace").decode() for key, text in value.items() if isinstance(text, str)}


class _Xml(_Document):
    """An XML document with the root element `MTR`."""

    goes_on = re.compile(r"\s*(?:<|$)")

    def _ends(self, line: str) -> bool:
        return "</MTR>" in line

    def _read(self, text: str) -> tuple[Mapping[str, str], list[_Hub], str]:
        reading = _XmlReading()
        wrong = reading.parse(text)
        for line, stray in reading.stray:
            self.harvest.issue("unrecognised", stray, self.line_number + line)
        return reading.head, reading.hubs, wrong


class _DoctypeError(Exception):
    pass


class _XmlReading:
    """Collects the hubs of an XML document while expat walks through it."""

    def __init__(self) -> None:
        self.head: dict[str, str] = {}
        self.hubs: list[_Hub] = []
        self.stray: list[tuple[int, str]] = []
        self._hub: dict[str, str] | None = None
        self._line = 0
        self._text: list[str] = []
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.StartDoctypeDeclHandler = self._refuse

    def parse(self, text: str) -> str:
        """Read a document and return what is wrong with it."""
        try:
            self._parser.Parse(text.lstrip().encode(errors="replace"), True)
        except expat.ExpatError as error:
            return expat.ErrorString(error.code) or "not well formed"
        except (_DoctypeError, ValueError) as error:
            return str(error)
        return ""

    def _refuse(self, *_: object) -> None:
        raise _DoctypeError("an XML document with a DOCTYPE is not read")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._leave_text()
        if tag == "MTR":
            self.head = {name.lower(): value for name, value in attributes.items()}
        elif tag == "HUB":
            self._hub = {name.lower(): value for name, value in attributes.items()}
            self._line = self._parser.CurrentLineNumber - 1

    def _leave_text(self) -> None:
        """Keep text beside elements, which mtr does not print."""
        if text := "".join(self._text).strip():
            self.stray.append((self._parser.CurrentLineNumber - 1, text))
        self._text.clear()

    def _end(self, tag: str) -> None:
        hub = self._hub
        if tag in ("HUB", "MTR"):
            self._leave_text()
        if tag == "HUB" and hub is not None:
            ttl = whole_number(hub.get("count")) or 0
            if 1 <= ttl <= 255:
                self.hubs.append(_Hub(ttl, hub.get("host", ""), hub, self._line))
            self._hub = None
        elif hub is not None:
            hub["Loss%" if tag == "Loss" else tag] = "".join(self._text).strip()
        self._text.clear()


def begin(place: Place) -> Run | None:
    """Start at the first line of a document."""
    if _JSON_START.fullmatch(place.line):
        return _Json(place)
    if place.line.strip() and _XML_START.fullmatch(place.line):
        return _Xml(place)
    return None


def claims(line: str) -> bool:
    """Whether a line is of a hop in a document."""
    return bool(_JSON_CLAIM.fullmatch(line) or _XML_CLAIM.fullmatch(line))


FAMILY = Family(claims, begin)
