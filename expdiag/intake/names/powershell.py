"""Tables and lists of PowerShell's `Resolve-DnsName`, and its errors. Without a question; the server is not shown."""

from __future__ import annotations

import re

from expdiag.intake.names import records
from expdiag.intake.names.records import Line
from expdiag.intake.names.session import Session

# Name                        Type   TTL   Section    NameTarget        Priority Weight Port
_HEAD = re.compile(r"^\s*Name\s+Type\s+TTL\s+Section\s+\S")
_RULE = re.compile(r"^[\s-]*-[\s-]*$")
# IP4Address : 10.77.2.10
_PAIR = re.compile(r"^(?P<key>[A-Za-z]\w*)\s+:(?: (?P<value>.*))?$", re.A)
# Resolve-DnsName : nosuch.lab.test : DNS name does not exist      (7: without the blank before the colon)
_ERROR = re.compile(r"^Resolve-DnsName ?: (?P<name>\S+) ?: (?P<what>.+)$")
_TRAPPINGS = re.compile(r"^(?:At line:[0-9]+ char:[0-9]+|\+ .*|\s+\+ .*|Line \||\s*[0-9]* \| .*)$", re.A)
_ERRORS = (
    ("does not exist", "NXDOMAIN"),
    ("timeout", "TIMEOUT"),
    ("server failure", "SERVFAIL"),
    ("refused", "REFUSED"),
    ("no records", "NOERROR"),
)
_DATA = (
    "ip4address",
    "ip6address",
    "ipaddress",
    "nametarget",
    "namehost",
    "nameexchange",
    "exchange",
    "server",
    "strings",
    "text",
)
_ORDER = {"SRV": ("priority", "weight", "port"), "MX": ("preference",)}
_OF_SOA = (
    "primaryserver",
    "nameadministrator",
    "serialnumber",
    "timetozonerefresh",
    "timetozonefailureretry",
    "timetoexpiration",
    "defaultttl",
)
_SECTIONS = ("answer", "authority", "additional")


def looks_like(line: str) -> bool:
    """Whether a line is the head of a table, an error or a key no other format has."""
    pair = _PAIR.match(line)
    return bool(
        _HEAD.match(line) or _ERROR.match(line) or (pair and pair["key"] in ("QueryType", "IP4Address", "IP6Address"))
    )


class ResolveDnsName:
    """Follows tables, whose columns are as wide as their heads, and lists, which a blank line ends."""

    name = "Resolve-DnsName"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._columns: list[tuple[str, int, int | None]] = []
        self._pairs: dict[str, str] = {}
        self._first = (0, "")
        self._key = ""
        self._failed = False

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it is of a table, a list or an error."""
        if not line.strip():
            self._flush()
            self._columns, self._failed = [], False
        elif _HEAD.match(line):
            self._flush()
            starts = [found.start() for found in re.finditer(r"\S+", line)]
            words = line.lower().split()
            self._columns = list(zip(words, starts, [*starts[1:], None], strict=True))
        elif self._columns and _RULE.match(line):
            return True
        elif self._columns:
            return self._row(number, line)
        elif found := _ERROR.match(line):
            self._flush()
            self._error(number, line, found["name"], found["what"])
        elif self._failed and _TRAPPINGS.match(line):
            return True
        elif found := _PAIR.match(line):
            return self._pair(number, line, found["key"].lower(), (found["value"] or "").strip())
        elif self._pairs and self._key and line.startswith("   "):
            self._pairs[self._key] += line.strip()
        else:
            return False
        return True

    def settle(self) -> None:
        """Take the record of a list that is still open."""
        self._flush()

    def close(self) -> None:
        """Take the record of a list that is still open, and forget the table."""
        self._flush()
        self._columns, self._failed = [], False

    def _row(self, number: int, line: str) -> bool:
        cells = {key: line[start:end].strip() for key, start, end in self._columns}
        if any(start and line[start - 1 : start].strip() for _, start, _ in self._columns):
            cells = dict(zip((key for key, _, _ in self._columns), line.split(), strict=False))
        return self._record(number, line, cells)

    def _pair(self, number: int, line: str, key: str, value: str) -> bool:
        if key == "name" and "name" in self._pairs:
            self._flush()
        if not self._pairs:
            if key != "name":
                return False
            self._first = (number, line)
        self._key = "type" if key in ("querytype", "type") else key
        self._pairs.setdefault(self._key, value)
        return True

    def _flush(self) -> None:
        """Take the record of a list; one without type or data is an issue."""
        pairs, self._pairs = self._pairs, {}
        if pairs and not self._record(*self._first, pairs):
            self._session.harvest.issue("unparsed", f"no record in this list: {self._first[1]}", self._first[0])

    def _record(self, number: int, line: str, cells: dict[str, str]) -> bool:
        kind = records.known_type(cells.get("type", ""))
        section = cells.get("section", "").lower()
        if kind is None or section not in _SECTIONS or not cells.get("name"):
            return False
        if any(cell.endswith(("...", "…")) for cell in cells.values()):
            self._session.unread = True
            self._session.harvest.issue(
                "unparsed", f"the table cuts a column; Format-List shows it whole: {line}", number
            )
            return True
        found = Line(cells["name"], records.seconds(cells.get("ttl", "")), kind, _words(kind, cells))
        now = self._session.current
        if not found.words or (section != "answer" and now is None and not self._session.single):
            self._session.harvest.issue("unparsed", f"a record without its data or its question: {line}", number)
            return True
        if section == "answer":
            self._session.bare(self.name, found, number, line)
        else:
            if now is None:
                self._session.open(self.name, number, line)
            self._session.record(section, found, number, line)
        return True

    def _error(self, number: int, line: str, name: str, what: str) -> None:
        self._failed = True
        now = self._session.open(self.name, number, line)
        now.name = self._session.spelled(name, number)
        lower = what.lower()
        now.status = next((status for words, status in _ERRORS if words in lower), "FAILED")


def _words(kind: str, cells: dict[str, str]) -> str:
    """Return the data of a record in the order of its presentation form, empty where it is not there."""
    if kind == "SOA":
        return " ".join(cells[key] for key in _OF_SOA) if all(cells.get(key) for key in _OF_SOA) else ""
    value = next((cells[key] for key in _DATA if cells.get(key)), "")
    before = [cells.get(key, "") for key in _ORDER.get(kind, ())]
    if not value or not all(before):
        return ""
    if kind == "TXT":
        text = value.removeprefix("{").removesuffix("}")
        return f'"{text}"' if '"' not in text else text
    return " ".join([*before, value])
