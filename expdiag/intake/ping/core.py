"""What every dialect shares: a run as far as it was read, and the rows that come of it.

`<1 ms`, as Windows prints it, is an upper bound and no measurement: its probe has no `rtt`. A run with such answers has
no shortest, mean or jitter; its median is missing where it falls on a bound. Its 95th percentile and its longest
are 1.0 where they fall on one: the delay is certainly not more, and a delay within any limit must count as within it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from expdiag import statistics
from expdiag.evidence import place
from expdiag.intake import reading
from expdiag.intake.ping.words import state_of
from expdiag.intake.reading import Harvest, TooMuchError
from expdiag.tables import Probe, Reachability, RoundTrip

MOST_PROBES = 100_000
_WRAP = 1 << 16


class Answer(NamedTuple):
    """An answered probe; `rtt` is None where its time is not shown, and an upper bound where `below` is set."""

    number: int
    rtt: float | None
    below: bool
    source: int


class Said(NamedTuple):
    """What an answer or an error says of the target, and where it first stands."""

    source: int
    rtt: float | None
    time: datetime | None
    detail: str


@dataclass
class Session:
    """What stands around the runs of a file: the prompt of the machine and the command it echoed."""

    harvest: Harvest
    host: str = ""
    command: str = ""

    def vantage(self, source: str = "") -> str:
        """Return where a run stood: the folder, else the prompt, else the source address the output shows."""
        return self.harvest.vantage or self.host or source


class Dialect(Protocol):
    """One program's output. It keeps the run it is in, and adds the rows when the run ends."""

    def __init__(self, session: Session) -> None: ...

    @staticmethod
    def claims(line: str) -> bool:
        """Whether nothing but this program prints such a line."""

    def take(self, number: int, line: str) -> bool:
        """Understand a line, or return False."""

    def close(self) -> None:
        """End the run."""


@dataclass
class Run:
    """A run as far as it was read.

    Attributes:
        source: the line that says most of it, the summary's last.
        first: number of its first probe, as the tool counts.
        sent, received: as the summary says, None where it does not.
        printed: figures of the summary in milliseconds.
        complete: nothing shows that its end is missing.
        has_summary: the program ends every run with one, so a missing one shows a cut.
        loss_counts: what was not answered was really lost.
    """

    target: str
    address: str
    source: int
    tool: str = "ping"
    method: str = "icmp"
    port: int | None = None
    vantage: str = ""
    first: int = 1
    sent: int | None = None
    received: int | None = None
    complete: bool = False
    has_summary: bool = True
    loss_counts: bool = True
    printed: dict[str, float] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    said: dict[tuple[str, str], Said] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)
    _nameless: list[int] = field(default_factory=list)
    _last: int = 0

    def answer(
        self,
        rtt: float | None,
        source: int,
        sequence: int | None = None,
        *,
        time: datetime | None = None,
        detail: str = "",
        below: bool = False,
        repeated: bool = False,
    ) -> None:
        """Take an answer; the second to the same number is a duplicate, one to a number given up replaces the loss."""
        number = self._number(sequence)
        earlier = self._places.get(number)
        if repeated or (earlier is not None and self.probes[earlier].outcome == "answered"):
            self._add(Probe(0, sequence, "duplicate", rtt, time, detail, source))
            return
        probe = Probe(0, sequence, "answered", None if below else rtt, time, detail, source)
        self.answers.append(Answer(number, rtt, below, source))
        if earlier is None:
            self._add(probe, number)
        else:
            self.probes[earlier] = probe

    def miss(
        self,
        outcome: str,
        source: int,
        sequence: int | None = None,
        *,
        time: datetime | None = None,
        detail: str = "",
    ) -> None:
        """Take a probe that was not answered. A time-out names the number of the error printed before it, if any."""
        if sequence is None:
            if outcome == "error":
                self._nameless.append(len(self.probes))
            self._add(Probe(0, None, outcome, None, time, detail, source))
            return
        number = self._number(sequence)
        if number in self._places:
            return
        if outcome == "lost" and self._nameless:
            index = self._nameless.pop(0)
            self.probes[index] = self.probes[index]._replace(sequence=sequence)
            self._places[number] = index
            return
        self._add(Probe(0, sequence, outcome, None, time, detail, source), number)

    def error(
        self,
        what: str,
        by: str,
        source: int,
        sequence: int | None = None,
        *,
        time: datetime | None = None,
        detail: str = "",
    ) -> None:
        """Take an error; where its words are a statement about the target, note who made it."""
        self.miss("error", source, sequence, time=time, detail=detail or (f"{what} (said by {by})" if by else what))
        if state := state_of(what, by_target=bool(by) and by == self.address):
            self.say(state, by, source, time=time, detail=what)

    def knows(self, sequence: int) -> bool:
        """Whether a probe of this number is there."""
        return sequence in self._places

    def say(
        self,
        state: str,
        by: str,
        source: int,
        *,
        rtt: float | None = None,
        time: datetime | None = None,
        detail: str = "",
    ) -> None:
        """Note a statement about the target; the first of its kind stands for all."""
        self.said.setdefault((state, by), Said(source, rtt, time, detail))

    def _add(self, probe: Probe, number: int | None = None) -> None:
        if number is not None:
            self._places[number] = len(self.probes)
        self.probes.append(probe)

    def _number(self, sequence: int | None) -> int:
        """Return the running number of a probe: sequences of 16 bits start again at 0; without one, the position."""
        if sequence is None:
            return self.first + len(self.probes)
        number = sequence
        if self._last >= _WRAP >> 1 and sequence < _WRAP:
            number += self._last - self._last % _WRAP
            if self._last - number > _WRAP >> 1:
                number += _WRAP
        self._last = max(self._last, number)
        return number

    def add_lost(self) -> None:
        """What the tool sent and never printed again is lost; known only where it printed answers, or got none."""
        if not self.sent or not self.loss_counts or not (self.answers or self.received == 0):
            return
        if len(self.answers) < (self.received or 0):
            return
        missing = self.sent - sum(probe.outcome != "duplicate" for probe in self.probes)
        if missing <= 0:
            return
        unseen = (n for n in range(self.first, self.first + self.sent) if n not in self._places)
        numbered = bool(self.probes) and all(probe.sequence is not None for probe in self.probes)
        for _ in range(missing):
            sequence = next(unseen, None) if numbered else None
            wrapped = None if sequence is None else sequence % _WRAP
            self.probes.append(Probe(0, wrapped, "lost", None, None, "", self.source))


def clock(epoch: str | None, harvest: Harvest) -> datetime | None:
    """Return the time an epoch means and take note of it; None where it cannot be one."""
    try:
        time = datetime.fromtimestamp(float(epoch), UTC) if epoch else None
    except (OverflowError, OSError, ValueError):
        return None
    if time:
        harvest.clock(time)
    return time


def unresolved(target: str, number: int, line: str, session: Session, tool: str = "ping") -> None:
    """Add the rows of a run that never began because its name did not resolve."""
    harvest = session.harvest
    source = harvest.note(number, line)
    run = Run(target, "", source, tool=tool, vantage=session.vantage(), sent=0, received=0, complete=True)
    run.miss("error", source, detail="the name did not resolve")
    run.say("unresolved", "", source)
    finish(run, harvest)


def finish(run: Run | None, harvest: Harvest) -> None:
    """Add the rows of a run, and the issues that its end shows."""
    if run is None:
        return
    _check(run, harvest)
    if len(harvest.rows.get("probes", ())) + len(run.probes) > reading.MAX_ROWS:
        raise TooMuchError(f"more than {reading.MAX_ROWS} probes; the rest of the file was not read")
    for probe in run.probes:
        harvest.add(probe._replace(run=run.source))
    harvest.add(_row(run))
    for row in _reachability(run):
        harvest.add(row)


def line_of(source: int, harvest: Harvest) -> int | None:
    """Return the number of the line a source stands for."""
    return harvest.sources.at(place(source)).line


def _check(run: Run, harvest: Harvest) -> None:
    line = line_of(run.source, harvest)
    listed = len(run.answers)
    if run.sent is not None and run.received is not None and (run.received > run.sent or listed > run.received):
        shown = f", {listed} of them shown" if listed > run.received else ""
        harvest.issue(
            "contradiction", f"{run.received} of {run.sent} probes answered{shown}; the summary is not used", line
        )
        run.sent = run.received = None
        run.printed, run.complete = {}, False
        return
    if run.sent is not None and run.sent > MOST_PROBES:
        harvest.issue("too-many", f"{run.sent} probes in one run; the lost ones are only counted", line)
    else:
        run.add_lost()
    if run.has_summary and not run.complete:
        harvest.issue("truncated", f"the ping of {run.target} ends before its summary; loss unknown", line)


def _row(run: Run) -> RoundTrip:
    answered = run.received if run.received is not None else len(run.answers)
    sent = run.sent if run.loss_counts else None
    low, high = statistics.wilson(sent - answered, sent) if sent else (None, None)
    times = [probe.time for probe in run.probes if probe.time and probe.outcome == "answered"]
    figures = _figures(run) if _each_is_known(run) else dict(run.printed)
    p95 = figures.get("p95")
    at_p95 = (a.source for a in sorted(run.answers, key=lambda a: not a.below) if a.rtt == p95)
    return RoundTrip(
        vantage=run.vantage,
        target=run.target,
        address=run.address,
        method=run.method,
        tool=run.tool,
        port=run.port,
        sent=run.sent,
        answered=answered,
        loss=(sent - answered) / sent if sent else None,
        loss_low=low,
        loss_high=high,
        min=figures.get("min"),
        median=figures.get("median"),
        p95=p95,
        max=figures.get("max"),
        mean=figures.get("mean"),
        deviation=run.printed.get("deviation"),
        jitter=figures.get("jitter"),
        first_time=min(times, default=None),
        last_time=max(times, default=None),
        complete=run.complete,
        p95_line=next(at_p95, None) if p95 is not None else None,
        source=run.source,
    )


def _each_is_known(run: Run) -> bool:
    """Whether the figures can be computed: a slow answer whose time is not shown would make them too good."""
    all_listed = run.received is None or len(run.answers) == run.received
    return bool(run.answers) and all_listed and all(answer.rtt is not None for answer in run.answers)


def _figures(run: Run) -> dict[str, float]:
    """Return the figures of answers that all have a time or a bound, in milliseconds; what is not known is left out."""
    in_order = sorted(run.answers, key=lambda answer: answer.number)
    values = [answer.rtt for answer in in_order if answer.rtt is not None]
    found = {
        "median": statistics.median(values),
        "p95": statistics.settled_p95((answer.number, answer.rtt) for answer in in_order if answer.rtt is not None),
        "max": max(values),
    }
    bounds = [answer.rtt for answer in in_order if answer.below and answer.rtt is not None]
    if not bounds:
        found |= {"min": min(values), "mean": sum(values) / len(values), "jitter": statistics.jitter(values)}
    elif _median_rests_on(run.answers):
        del found["median"]
    return {name: value for name, value in found.items() if value is not None}


def _median_rests_on(answers: list[Answer]) -> bool:
    """Whether a bound is one of the values the median is made of."""
    ranked = sorted(answers, key=lambda answer: (answer.rtt or 0.0, not answer.below))
    middle = (len(ranked) - 1) // 2, len(ranked) // 2
    return any(ranked[place_].below for place_ in middle)


def _reachability(run: Run) -> list[Reachability]:
    if not run.said and run.port is not None and run.complete and not run.answers:
        silence = "open-or-filtered" if run.method == "udp" else "filtered"
        run.say(silence, "", run.source)
    transport = {"icmp": "icmp", "udp": "udp"}.get(run.method, "tcp")
    if transport != "icmp" and run.port is None:
        return []
    return [
        Reachability(
            vantage=run.vantage,
            target=run.target,
            address=run.address,
            port=run.port,
            transport=transport,
            state=state,
            said_by=by,
            tool=run.tool,
            rtt=said.rtt,
            time=said.time,
            detail=said.detail,
            source=said.source,
        )
        for (state, by), said in run.said.items()
    ]
