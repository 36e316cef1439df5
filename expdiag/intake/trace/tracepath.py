"""Tracepath: one row an answer, the path MTU where it changes, at the end what it resumes.

It does not print its target: that is the host of the row that says `reached`, else what the command line names.
`no reply` stands for as many probes as it tries, up to three; how many is not shown.
"""

from __future__ import annotations

import re

from expdiag.intake.reading import whole_number
from expdiag.intake.trace import answers
from expdiag.intake.trace.answers import LOST, Seen
from expdiag.intake.trace.run import Family, Place, Run, Unresolved

#  1?: [LOCALHOST]                      pmtu 1500
_START = re.compile(r"\s*1\??:\s+\[LOCALHOST\]\s+pmtu (?P<mtu>[0-9]{1,6})\s*", re.A)
#  3:  expc03.lab.test (10.77.3.10)          46.417ms asymm  4 pmtu 1400 reached
_ROW = re.compile(
    r"\s*(?P<ttl>[0-9]{1,3})(?P<guess>\?)?:\s+(?P<host>[^\s()]{1,255}(?: +\([^\s()]{1,64}\))?)\s+"
    r"(?P<rtt>[0-9]{1,9}\.[0-9]{1,9})ms(?P<tail>(?:\s+(?:asymm +[0-9]{1,3}|pmtu [0-9]{1,6}|reached|![A-Z]"
    r"|\(This broken router returned corrupted payload\)))*)\s*",
    re.A,
)
_SILENT = re.compile(r"\s*(?P<ttl>[0-9]{1,3})\??:\s+no reply\s*", re.A)
#      Resume: pmtu 1500 hops 3 back 3
_END = re.compile(
    r"\s*Resume: pmtu (?P<mtu>[0-9]{1,6})(?: hops (?P<hops>[0-9]{1,3}))?(?: back (?P<back>[0-9]{1,3}))?\s*", re.A
)
_TOO_FAR = re.compile(r"\s*Too many hops: pmtu (?P<mtu>[0-9]{1,6})\s*", re.A)
_NO_NAME = re.compile(r"tracepath6?: (?P<name>[^\s:]{1,255}): .*(?:not known|resol).*", re.A)


class Tracepath(Run):
    """A run of tracepath. It sends UDP and finds the path MTU."""

    tool = "tracepath"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.method = "udp"

    def take(self, number: int, line: str) -> bool:
        """Take a row or one of the last lines."""
        if self.ended and not _END.fullmatch(line):
            return False
        if row := _ROW.fullmatch(line):
            return self._take_row(row, number, line)
        if silent := _SILENT.fullmatch(line):
            self._see(int(silent["ttl"]), LOST, number, line)
        elif end := _END.fullmatch(line) or _TOO_FAR.fullmatch(line):
            self.report_unread("unrecognised")
            if self.at_open_end and not (self.reached and end.re is _END and end["hops"]):
                self.leave(number, line)
                return True
            self.ended = True
            self.path_mtu = whole_number(end["mtu"])
        elif re.match(r"\s*[0-9]{1,3}\??:\s", line, re.A):
            self.leave(number, line)
        else:
            return False
        return True

    def _take_row(self, row: re.Match[str], number: int, line: str) -> bool:
        if self.at_open_end:
            self.leave(number, line)
            return True
        address, name = answers.host(row["host"])
        words = re.sub(r"\s+", " ", row["tail"]).strip()
        if "reached" in words and 1 <= int(row["ttl"]) <= 255:
            self.target, self.address = self.target or name or address, self.address or address
            self.arrived(int(row["ttl"]))
        detail = words.replace("reached", "").replace("  ", " ").strip()
        is_too_big = "pmtu" in words and "reached" not in words  # said by the router before a narrow link, however far
        outcome = "error" if is_too_big or "!" in words else "answered"
        others = self.others.copy()
        self._see(int(row["ttl"]), Seen(outcome, address, name, float(row["rtt"]), detail), number, line)
        if is_too_big:
            self.others = others
        return True

    def _see(self, ttl: int, probe: Seen, number: int, line: str) -> None:
        self.report_unread("unrecognised")
        was_ended = self.ended
        if not 1 <= ttl <= 255:
            self.leave(number, line)
            return
        self.see(ttl, [probe], number, line)
        self.ended = was_ended
        if probe is LOST:
            hops = self.harvest.rows["hops"]
            hops[-1] = hops[-1]._replace(sent=None)

    def _is_whole(self) -> bool:
        return self.ended and not self.unread


def claims(line: str) -> bool:
    """Whether a line is one of its rows."""
    return any(known.fullmatch(line) for known in (_START, _ROW, _SILENT, _NO_NAME)) or bool(_END.fullmatch(line))


def begin(place: Place) -> Run | None:
    """Start at the row of the local host, or at a name that did not resolve."""
    if _START.fullmatch(place.line):
        return Tracepath(place)
    if no_name := _NO_NAME.fullmatch(place.line):
        run = Unresolved(place, target=no_name["name"])
        run.tool, run.method = "tracepath", "udp"
        return run
    return None


def adopt(place: Place) -> Run | None:
    """Start at a row whose first line is missing."""
    return Tracepath(place) if _ROW.fullmatch(place.line) or _SILENT.fullmatch(place.line) else None


FAMILY = Family(claims, begin, adopt)
