"""Output of Linux ping (iputils, and busybox, whose summary is alike): runs, and every probe of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from expdiag import statistics
from expdiag.evidence import place
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, lines
from expdiag.tables import Probe, RoundTrip

_COUNT = r"[0-9]{1,9}"
_STAMP = r"(?:\[(?P<clock>[0-9]{1,11}\.[0-9]{1,9})\] )?"
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
# PING expc03.lab.test (10.77.3.10) 56(84) bytes of data.
# PING expc02(expc02.lab.test (fd77:2::10)) 56 data bytes
_RUN = re.compile(
    r"^PING (?P<target>[^\s(]+) ?\((?:\S+ \()?(?P<address>[0-9A-Fa-f:.%\w]+)\)+:?(?: from \S+(?: \S+)?:)? "
    r"\d{1,9}(?:\(\d{1,9}\))? (?:data )?bytes"
)
# [1795372714.214748] 64 bytes from expc03.lab.test (10.77.3.10): icmp_seq=1 ttl=62 time=32.5 ms
_ANSWER = re.compile(
    rf"^{_STAMP}\d+ bytes from (?P<from>[^=]+): (?:icmp_)?seq=(?P<sequence>{_COUNT}) "
    rf"(?:ttl|hlim)=\d+ time=(?P<rtt>{_NUMBER}) ms(?P<tail>.*)$"
)
# From 10.77.100.2 icmp_seq=1 Destination Host Unreachable
_ERROR = re.compile(rf"^{_STAMP}From (?P<from>\S+(?: \(\S+\))?):? icmp_seq=(?P<sequence>{_COUNT}) (?P<what>.+)$")
# ping: local error: message too long, mtu=1500
_LOCAL_ERROR = re.compile(r"^ping6?: (?:local error|sendmsg)\b.*$")
# ping: nosuch.lab.test: Name or service not known
_NO_NAME = re.compile(r"^ping6?: (?:bad address '(?P<bad>[^']+)'$|(?P<target>[^\s:]+): (?:.*\bnot known|.*resol.*)$)")
_NO_ANSWER_YET = re.compile(r"^(?:\[\d+\.\d+\] )?no answer yet for icmp_seq=\d+")
_SUMMARY_HEAD = re.compile(r"^--- .* ping statistics ---$")
# 30 packets transmitted, 27 received, +3 errors, 10% packet loss, time 2922ms
_SUMMARY = re.compile(rf"^(?P<sent>{_COUNT}) packets transmitted, (?P<received>{_COUNT}) (?:packets )?received\b")
# rtt min/avg/max/mdev = 36.690/37.437/40.030/0.638 ms
_TIMES = re.compile(
    r"^(?:rtt|round-trip) min/avg/max(?:/\w+)? = "
    rf"(?P<min>{_NUMBER})/(?P<mean>{_NUMBER})/(?P<max>{_NUMBER})(?:/(?P<deviation>{_NUMBER}))? ms"
)
_DECORATION = re.compile(r"^(?:pipe \d+|RR:|TS:|\t\S|Unrecorded hops:|\s+\(same route\))")
_MOST_PROBES = 100_000


@dataclass
class _Run:
    """A run as far as it was read; `source` is the line that says most of it, the summary's last."""

    target: str
    address: str
    source: int
    answers: list[tuple[int, float]] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    sent: int | None = None
    received: int | None = None
    summary: dict[str, str] = field(default_factory=dict)


def _claims(first: list[str]) -> int:
    return sum(1 for line in first for pattern in (_RUN, _ANSWER, _SUMMARY_HEAD, _NO_NAME) if pattern.match(line))


def _read(member: Member, harvest: Harvest) -> None:
    run: _Run | None = None
    for number, line in lines(member, harvest):
        if head := _RUN.match(line):
            _finish(run, harvest)
            run = _Run(head["target"], head["address"], harvest.note(number, line))
        elif run is None:
            if name := _NO_NAME.match(line):
                _unresolved(name["target"] or name["bad"], line, number, harvest)
            elif line.strip():
                harvest.issue("unrecognised", line, number)
        elif not _take(run, number, line, harvest) and line.strip():
            harvest.issue("unrecognised", line, number)
    _finish(run, harvest)


def _take(run: _Run, number: int, line: str, harvest: Harvest) -> bool:
    """Take a line inside a run; return whether it was understood."""
    if answer := _ANSWER.match(line):
        _answered(run, answer, number, line, harvest)
    elif error := _ERROR.match(line):
        detail = f"{error['what']} (said by {error['from']})"
        _probe(run, int(error["sequence"]), "error", None, _clock(error), detail, harvest.note(number, line))
    elif _LOCAL_ERROR.match(line):
        _probe(run, None, "error", None, None, line.partition(": ")[2], harvest.note(number, line))
    elif summary := _SUMMARY.match(line):
        run.sent, run.received = int(summary["sent"]), int(summary["received"])
        run.source = harvest.note(number, line)
    elif times := _TIMES.match(line):
        run.source = harvest.note(number, line)
        run.summary = {key: value for key, value in times.groupdict().items() if value}
    else:
        return bool(_NO_ANSWER_YET.match(line) or _SUMMARY_HEAD.match(line) or _DECORATION.match(line))
    return True


def _answered(run: _Run, answer: re.Match[str], number: int, line: str, harvest: Harvest) -> None:
    sequence, rtt = int(answer["sequence"]), float(answer["rtt"])
    repeated = "DUP!" in answer["tail"]
    if not repeated:
        run.answers.append((sequence, rtt))
    outcome = "duplicate" if repeated else "answered"
    clock = _clock(answer)
    if clock:
        run.times.append(clock)
        harvest.clock(clock)
    _probe(run, sequence, outcome, rtt, clock, "", harvest.note(number, line))


def _probe(
    run: _Run,
    sequence: int | None,
    outcome: str,
    rtt: float | None,
    clock: datetime | None,
    detail: str,
    source: int,
) -> None:
    run.probes.append(Probe(run.source, sequence, outcome, rtt, clock, detail, source))


def _clock(match: re.Match[str]) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(match["clock"]), UTC) if match["clock"] else None
    except (OverflowError, OSError, ValueError):
        return None


def _unresolved(target: str, line: str, number: int, harvest: Harvest) -> None:
    source = harvest.note(number, line)
    harvest.add(Probe(source, None, "error", None, None, "the name did not resolve", source))
    harvest.add(_row(_Run(target, "", source, sent=0, received=0), harvest))


def _finish(run: _Run | None, harvest: Harvest) -> None:
    if run is None:
        return
    head = harvest.sources.at(place(run.source)).line
    contradicts = run.sent is not None and run.received is not None and run.received > run.sent
    if contradicts:
        harvest.issue("contradiction", f"{run.received} of {run.sent} probes answered; the summary is not used", head)
        run.sent = run.received = None
    elif run.sent is not None and run.sent > _MOST_PROBES:
        harvest.issue("too-many", f"{run.sent} probes in one run; the lost ones are only counted", head)
    else:
        _add_lost(run)
    for probe in run.probes:
        harvest.add(probe._replace(run=run.source))
    if run.sent is None and not contradicts:
        harvest.issue("truncated", f"the ping of {run.target} ends before its summary; loss unknown", head)
    harvest.add(_row(run, harvest))


def _add_lost(run: _Run) -> None:
    """A number the tool sent and never printed again is a lost probe; known only where it printed answers."""
    if run.sent is None or not run.answers:
        return
    seen = {probe.sequence for probe in run.probes}
    first = 0 if 0 in seen else 1
    for sequence in range(first, first + run.sent):
        if sequence not in seen:
            run.probes.append(Probe(run.source, sequence, "lost", None, None, "", run.source))


def _row(run: _Run, harvest: Harvest) -> RoundTrip:
    rtts = [rtt for _, rtt in run.answers]
    answered = run.received if run.received is not None else len(rtts)
    low, high = statistics.wilson(run.sent - answered, run.sent) if run.sent else (None, None)
    p95 = statistics.settled_p95(run.answers)
    printed = {key: float(value) for key, value in run.summary.items()}
    return RoundTrip(
        vantage=harvest.vantage,
        target=run.target,
        address=run.address,
        method="icmp",
        tool="ping",
        port=None,
        sent=run.sent,
        answered=answered,
        loss=(run.sent - answered) / run.sent if run.sent else None,
        loss_low=low,
        loss_high=high,
        min=min(rtts) if rtts else printed.get("min"),
        median=statistics.median(rtts) if rtts else None,
        p95=p95,
        max=max(rtts) if rtts else printed.get("max"),
        mean=sum(rtts) / len(rtts) if rtts else printed.get("mean"),
        deviation=printed.get("deviation"),
        jitter=statistics.jitter(rtts),
        first_time=min(run.times, default=None),
        last_time=max(run.times, default=None),
        complete=run.sent is not None,
        p95_line=next((p.source for p in run.probes if p.outcome == "answered" and p.rtt == p95), None),
        source=run.source,
    )


READER = Reader("ping", _claims, _read)
