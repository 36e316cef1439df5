"""Mtr: what its report, CSV, JSON and XML share, and the report and CSV.

A report does not print its target, nor any form what was sent (`-T`, `-u`) and to which port; a command line
beside it does. Loss is printed as a share; the counts behind it are worked out where only one pair gives that share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from expdiag.intake.reading import whole_number
from expdiag.intake.trace import answers, totals
from expdiag.intake.trace.run import Family, Place, Run, Unresolved
from expdiag.intake.trace.totals import Total

_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.A)
_NO_HOST = frozenset({"???", "(waiting for reply)"})
_COLUMNS = frozenset(
    {"Loss%", "Drop", "Rcv", "Snt", "Last", "Best", "Avg", "Wrst", "StDev", "Gmean", "Jttr", "Javg", "Jmax", "Jint"}
)
# Start: 2026-11-22T18:38:48+0000
_START = re.compile(r"\s*Start: (?P<time>\S.{5,40}?)\s*", re.A)
# HOST: vm                          Loss%   Snt   Last   Avg  Best  Wrst StDev
_HEAD = re.compile(r"\s*HOST: (?P<host>\S{0,255})\s+(?P<columns>\S.*?)\s*", re.A)
#   1.|-- r1.lab.test      0.0%    10    4.4        1. AS???    r1.lab.test (10.77.1.1)    0.0%     5    4.3
_ROW = re.compile(r"\s*(?P<ttl>[0-9]{1,3})\.(?P<bar>\|--)? (?P<rest>.*\S)\s*", re.A)
#     |  `|-- 10.77.101.2            |   +-- [MPLS: Lbl 24 Exp 0 S 1 TTL 1]
_MORE = re.compile(
    r"\s+(?:\|\s+)?(?:`?\|--|\+--)?\s*(?P<text>\[MPLS: [^\]]{1,200}\]|[^\s\[\]]\S{0,255}(?: \(\S{1,64}\))?)\s*", re.A
)
_AS = re.compile(r"(?P<as>AS\S{1,12})\s+")
_NARROW = 33  # where a report that is not wide cuts its hosts
_CSV_HEAD = ("Mtr_Version", "Start_Time", "Status", "Host", "Hop", "Ip")
_NO_NAME = re.compile(r"mtr(?:-packet)?: Failed to resolve host: (?P<name>[^\s:]{1,255}): .*", re.A)


def number(text: str | None) -> float | None:
    """Return a number as mtr prints it, None for any other text."""
    return float(text) if text and _DECIMAL.fullmatch(text) else None


def counts(sent: int | None, loss: str | None) -> tuple[int | None, int | None]:
    """Return over how many probes a printed share of lost ones was counted, and how many of them were answered.

    Mtr leaves out a last probe that is still on its way when it ends, so the share may be one of `sent - 1`. Both are
    None where no number of lost probes gives the share, or several do.
    """
    share = number(loss.strip().rstrip("%")) if loss else None
    if sent is None or share is None or not sent or share > 100:
        return (0, 0) if sent == 0 else (None, None)
    decimals = len(str(loss).strip().rstrip("%").partition(".")[2])
    half_unit = 0.5 * 10.0**-decimals + 0.0011  # mtr cuts off after the third decimal before it rounds
    for total in (sent, sent - 1):
        lost = round(share * total / 100)
        if total and abs(100 * lost / total - share) <= half_unit and 100 / total > 2 * half_unit:
            return total, total - lost
    return None, None


class Mtr(Run):
    """A run of mtr, of which each hop is a row of totals."""

    tool = "mtr"

    def __init__(self, place: Place, *, target: str = "") -> None:
        super().__init__(place, target=target)
        self.ended = True
        self._last: Total | None = None

    def hub(self, ttl: int, host: str, cells: Mapping[str, str], number_: int, line: str, detail: str = "") -> None:
        """Take one hop: its host as printed and its columns by their names."""
        self.report_unread("unrecognised")
        address, name = ("", "") if host in _NO_HOST else answers.host(host)
        sent = whole_number(cells.get("Snt"))
        counted, answered = counts(sent, cells.get("Loss%"))
        if "Rcv" in cells:
            answered, drop = whole_number(cells["Rcv"]), whole_number(cells.get("Drop"))
            counted = answered + drop if answered is not None and drop is not None else counted
        self._last = Total(
            ttl=ttl,
            address=address,
            name=name,
            sent=sent,
            counted=counted,
            answered=0 if host in _NO_HOST else answered,
            min=number(cells.get("Best")),
            mean=number(cells.get("Avg")),
            max=number(cells.get("Wrst")),
            deviation=number(cells.get("StDev")),
            detail=detail,
            source=self.harvest.note(number_, line),
        )
        totals.add(self, self._last)
        self._last_answer = len(self.harvest.rows["hops"]) - 1

    def finish(self) -> None:
        """Add the run, and the round trips to its last hop."""
        if self._last is None:
            self.cut, self.has_lines = True, False
        super().finish()
        if self._last and not self.unread and self._last.address + self._last.name:
            if self._last.answered is None:
                self.harvest.issue(
                    "imprecise",
                    "the share of lost probes gives no exact count, so the run is not used",
                    self.line_number,
                )
            totals.add_round_trip(self, self._last)

    def _whether_reached(self, whole: bool) -> bool | None:
        """Not reached is certain where nobody answered at the last hop, or another address did."""
        if self.reached or not whole or self._last is None:
            return True if self.reached else None
        silent = not (self._last.address or self._last.name)
        return False if silent or (self.address and self._last.address) else None


class Report(Mtr):
    """A run of `mtr --report`."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._columns: list[str] = []
        self._may_cut = False
        for number_, line in place.before[-1:]:
            if start := _START.fullmatch(line):
                self.used = frozenset({number_})
                self.first_time = _zoned(start["time"])
        self._take_head(place.line)

    def take(self, number: int, line: str) -> bool:
        """Take a row, or a further host or label of the row before."""
        row = _ROW.fullmatch(line)
        if row and 1 <= int(row["ttl"]) <= 255:
            if self.last_ttl is not None and int(row["ttl"]) <= self.last_ttl:
                return False
            self._take_row(row, number, line)
            return True
        more = _MORE.fullmatch(line) if self.last_ttl is not None and not self.at_open_end else None
        return more is not None and _is_host_or_label(more["text"]) and self.say(more["text"])

    def _take_head(self, line: str) -> None:
        head = _HEAD.fullmatch(line)
        if head:
            self.vantage = self.vantage or head["host"]
            self._columns = head["columns"].split()
            self._may_cut = line.find(f" {self._columns[0]}") <= _NARROW

    def _take_row(self, row: re.Match[str], number_: int, line: str) -> None:
        words = row["rest"].rsplit(maxsplit=len(self._columns))
        values = words[-len(self._columns) :]
        is_row = len(words) == len(self._columns) + 1 and all(map(_is_value, self._columns, values))
        if not is_row or (self.at_open_end and "." not in values[-1]):
            self.leave(number_, line)
            return
        host, detail = words[0].strip(), ""
        if not row["bar"] and (asn := _AS.match(host)):
            host, detail = host[asn.end() :].strip(), "" if asn["as"] == "AS???" else asn["as"]
        end = line.find(host, row.start("rest")) + len(host)
        if self._may_cut and end == _NARROW and host not in _NO_HOST:
            host, detail = f"{host}…", f"{detail} cut by mtr".strip()
        self.hub(int(row["ttl"]), host, dict(zip(self._columns, values, strict=True)), number_, line, detail)


def _is_host_or_label(text: str) -> bool:
    address, name = answers.host(text)
    return bool(address) or text.startswith("[MPLS") or ("." in name and name[:1].isalnum() and name[-1:].isalpha())


def _is_value(column: str, text: str) -> bool:
    """Whether a cell is whole; times always have one decimal, so one that lacks it is cut."""
    plain = text.removesuffix("%") if column == "Loss%" else text
    has_decimal = column not in ("Snt", "Drop", "Rcv")
    return bool(_DECIMAL.fullmatch(plain)) and ("." in plain) == has_decimal


def _zoned(text: str) -> datetime | None:
    """Return a time that names its zone; older releases print local time without one."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return time.astimezone(UTC) if time.tzinfo else None
    except (OverflowError, ValueError):
        return None


class Csv(Mtr):
    """A run of `mtr --csv`; the head names the columns, one of them has no name."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._columns = [column.strip() for column in place.line.strip().split(",")]
        self._key: tuple[str, str] | None = None

    def take(self, number_: int, line: str) -> bool:
        """Take a row."""
        if not line.startswith("MTR."):
            return False
        cells = dict(zip(self._columns, (cell.strip() for cell in line.split(",")), strict=False))
        is_open = self.at_open_end and "." not in line.rpartition(",")[2]
        whole = not is_open and all(
            _is_csv_value(column, cells.get(column)) for column in _COLUMNS.intersection(self._columns)
        )
        ttl = whole_number(cells.get("Hop")) or 0
        if not whole or not 1 <= ttl <= 255:
            self.report_unread("unrecognised")
            self.leave(number_, line)
            return True
        key = (cells["Start_Time"], cells["Host"])
        if self._key and (key != self._key or ttl <= (self.last_ttl or 0)):
            return False
        if not self._key:
            self._key, self.target = key, cells["Host"]
            self.address = answers.canonical(self.target)
            self.first_time = _epoch(cells["Start_Time"])
        asn = cells.get("Asn", "")
        self.hub(ttl, cells["Ip"], cells, number_, line, asn if asn.startswith("AS") and asn != "AS???" else "")
        return True


def _is_csv_value(column: str, text: str | None) -> bool:
    """Whether a cell is whole; shares and times have two decimals."""
    if text is None or not _DECIMAL.fullmatch(text):
        return False
    return column in ("Snt", "Drop", "Rcv") or len(text.partition(".")[2]) == 2


def _epoch(text: str) -> datetime | None:
    seconds = text if text.isascii() and text.isdigit() and len(text) <= 11 else ""
    try:
        return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None


def claims(line: str) -> bool:
    """Whether a line is a head, a row of a report or one of a CSV."""
    if line.startswith(("Mtr_Version,", "MTR.")):
        return line.count(",") >= 6
    row = _ROW.fullmatch(line)
    return _is_head(line) or (row is not None and bool(row["bar"] or "%" in row["rest"]))


def begin(place: Place) -> Run | None:
    """Start at the head of a report, whose time stands before it, or that of a CSV."""
    if _is_head(place.line):
        return Report(place)
    if tuple(place.line.strip().split(",")[: len(_CSV_HEAD)]) == _CSV_HEAD:
        return Csv(place)
    if no_name := _NO_NAME.fullmatch(place.line):
        run = Unresolved(place, target=no_name["name"])
        run.tool = "mtr"
        return run
    return None


def _is_head(line: str) -> bool:
    head = _HEAD.fullmatch(line)
    return head is not None and _COLUMNS.issuperset(head["columns"].split())


FAMILY = Family(claims, begin)
