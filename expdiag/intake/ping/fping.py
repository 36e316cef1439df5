"""fping: many targets at once, a line a probe or a line a target, its errors in between.

What an ICMP error was for is told by the target alone, so it is a statement about the target and no probe of its own.
"""

from __future__ import annotations

import re

from expdiag.intake.ping.rows import MOST_PROBES, clock, finish, line_of, unresolved
from expdiag.intake.ping.run import Run, Session
from expdiag.intake.ping.words import ADDRESS, COUNT, STAMP, speaker, state_of

_TARGET = r"(?P<target>\w[\w.:%-]{0,254}|::[\w.:%-]{0,254})(?: \((?P<inner>[^)\s]{1,60})\))? +"
# A time without a point has three digits or more, so 14 of 14.8 is seen to be cut
_TIME = r"(?:[0-9]{1,6}\.[0-9]{1,6}|[0-9]{3,9})"
# [1795372737.82545] 10.77.2.10 : [0], 64 bytes, 15.2 ms (15.2 avg, 0% loss)     10.77.1.99 : [0], timed out (NaN avg, …
_PROBE = re.compile(
    rf"^{STAMP}{_TARGET}: (?P<again>duplicate for )?\[(?P<sequence>{COUNT})\], "
    rf"(?:[0-9]+ bytes, (?P<rtt>[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?) ms|timed out)(?: \(|$)"
)
# 10.77.2.10 : 14.8 14.5 - 14.4 15.1     a name and one number, `Port : 4371`, is anybody's
_VALUES = re.compile(
    rf"^(?=\S*[.:]|.* : \S+ \S){STAMP}{_TARGET}:(?P<values>(?: (?:{_TIME}|-))+)(?P<cut>(?: [0-9.]+)?)$"
)
# 10.77.2.10 : xmt/rcv/%loss = 4/4/0%, min/avg/max = 14.7/16.9/23.0
_TOTALS = re.compile(
    rf"^{STAMP}{_TARGET}: xmt/rcv/%loss = (?P<sent>{COUNT})/(?P<received>{COUNT})/[0-9]+%(?:, outage\(ms\) = [0-9]+)?"
    rf"(?:, min/avg/max = (?P<min>{_TIME})/(?P<mean>{_TIME})/(?P<max>{_TIME}))?(?P<rest>,.*)?$"
)
# 10.77.2.10 is alive (19.9 ms)     10.77.1.99 is unreachable
_VERDICT = re.compile(
    r"^(?P<target>\S{1,255})(?: \((?P<inner>[^)\s]{1,60})\))? is "
    r"(?:(?P<alive>alive)(?: \((?P<rtt>[0-9]{1,9}(?:\.[0-9]{1,9})?) ms\))?|unreachable)$"
)
# ICMP Host Unreachable from 10.77.1.10 for ICMP Echo sent to 10.77.1.99
_ICMP = re.compile(
    r"^ICMP (?P<what>[A-Z][\w ()]{1,80}?) from (?P<from>\S+(?: \(\S+\))?) for ICMP Echo sent to "
    r"(?P<target>\S+)(?: \((?P<inner>[^)\s]+)\))?$"
)
# nosuch.lab.test: Name or service not known     nosuch.lab.test address not found
_NO_NAME = re.compile(
    r"^(?:fping6?: )?(?P<target>[^\s:]{1,255})(?:: (?:Name or service not known|Temporary failure in name resolution|"
    r"No address associated with hostname)| address not found)$"
)
# The totals of -s, and the hours of -Q
_DECORATION = re.compile(
    rf"^(?:{COUNT} (?:targets?|alive|unreachable|unknown addresses|timeouts \(.*\)|ICMP Echos sent|"
    rf"ICMP Echo Replies received|other ICMP received)|[0-9.]+ ms \((?:min|avg|max) round trip time\)|"
    rf"[0-9.]+ sec \(elapsed real time\)|\[[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}\])$"
)


class Fping:
    """Follows the runs of all targets at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._harvest = session.harvest
        self._runs: dict[str, Run] = {}
        self._lengths: set[int] = set()
        self._held = 0
        self._short: Run | None = None

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is one that only fping prints."""
        text = line.strip()
        return any(form.match(text) for form in (_PROBE, _VALUES, _TOTALS, _VERDICT, _ICMP))

    def take(self, number: int, line: str) -> bool:
        """Understand a line."""
        text = line.strip()
        self._short = None
        if probe := _PROBE.match(text):
            self._probe(probe, number, line)
        elif values := _VALUES.match(text):
            self._values(values, number, line)
        elif totals := _TOTALS.match(text):
            self._totals(totals, number, line)
        elif verdict := _VERDICT.match(text):
            self._verdict(verdict, number, line)
        elif error := _ICMP.match(text):
            self._error(error, number, line)
        elif (self._runs or self._session.command.startswith("fping")) and (name := _NO_NAME.match(text)):
            unresolved(name["target"], number, line, self._session, "fping")
        else:
            return bool(self._runs and _DECORATION.match(text))
        return True

    def close(self) -> None:
        """End the runs; a last line with fewer values than the others is cut."""
        if self._short:
            self._cut(self._short)
        for run in self._runs.values():
            finish(run, self._harvest)
        self._runs, self._lengths, self._held, self._short = {}, set(), 0, None

    def _of(self, found: re.Match[str], number: int, line: str, *, begins: bool) -> Run:
        """Return the run of a target; one that had its summary is over when something begins."""
        target, inner = found["target"], found["inner"]
        run = self._runs.get(target)
        if run and run.complete and begins:
            finish(self._runs.pop(target), self._harvest)
            run = None
        if run is None:
            address = inner or (target if re.fullmatch(ADDRESS, target) else "")
            source = self._harvest.note(number, line)
            run = Run(target, address, source, tool="fping", vantage=self._session.vantage(), first=0)
            self._runs[target] = run
        return run

    def _probe(self, found: re.Match[str], number: int, line: str) -> None:
        run = self._of(found, number, line, begins=True)
        sequence, time = int(found["sequence"]), clock(found["clock"], self._harvest)
        if sequence == 0 and any(probe.sequence == 0 for probe in run.probes[:1]) and not found["again"]:
            finish(self._runs.pop(found["target"]), self._harvest)
            run = self._of(found, number, line, begins=True)
        source = self._harvest.note(number, line)
        if found["rtt"]:
            run.answer(float(found["rtt"]), source, sequence, time=time, repeated=bool(found["again"]))
        else:
            run.miss("lost", source, sequence, time=time)

    def _values(self, found: re.Match[str], number: int, line: str) -> None:
        run = self._of(found, number, line, begins=True)
        values = found["values"].split()
        source = self._harvest.note(number, line)
        listed = bool(run.probes)
        run.source, run.sent, run.complete = source, len(values), True
        if found["cut"]:
            self._cut(run)
        elif len(values) < max(self._lengths, default=0):
            self._short = run
        self._lengths.add(len(values))
        for value in () if listed else values:
            if value == "-":
                run.miss("lost", source)
            else:
                run.answer(float(value), source)
        self._held += len(values)
        if self._held > MOST_PROBES:
            self.close()

    def _cut(self, run: Run) -> None:
        self._harvest.issue("truncated", f"the line of {run.target} is cut", line_of(run.source, self._harvest))
        run.sent, run.complete, run.has_summary = None, False, False

    def _totals(self, found: re.Match[str], number: int, line: str) -> None:
        run = self._of(found, number, line, begins=True)
        run.source = self._harvest.note(number, line)
        run.sent, run.received, run.complete = int(found["sent"]), int(found["received"]), True
        if found["min"]:
            run.printed = {name: float(found[name]) for name in ("min", "mean", "max")}
        elif found["rest"]:
            self._harvest.issue("truncated", f"the times of {run.target} are cut", number)

    def _verdict(self, found: re.Match[str], number: int, line: str) -> None:
        run = self._of(found, number, line, begins=True)
        run.source, run.complete = self._harvest.note(number, line), True
        if found["alive"]:
            run.answer(float(found["rtt"]) if found["rtt"] else None, run.source)

    def _error(self, found: re.Match[str], number: int, line: str) -> None:
        run = self._of(found, number, line, begins=False)
        by = speaker(found["from"])
        if state := state_of(found["what"], by_target=by == run.address):
            run.say(state, by, self._harvest.note(number, line), detail=found["what"])
