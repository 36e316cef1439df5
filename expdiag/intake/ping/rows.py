"""The rows that come of a run.

`<1 ms`, as Windows prints it, is an upper bound and no measurement: its probe has no `rtt`. A run with such answers has
no shortest, mean or jitter; its median is missing where it falls on a bound. Its 95th percentile and its longest
are 1.0 where they fall on one: the delay is certainly not more, and a delay within any limit must count as within it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from expdiag import statistics
from expdiag.evidence import place
from expdiag.intake import reading
from expdiag.intake.ping.run import Answer, Run, Session
from expdiag.intake.ping.words import canonical
from expdiag.intake.reading import Harvest, TooMuchError
from expdiag.tables import Reachability, RoundTrip

MOST_PROBES = 100_000


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
    times = [run.printed[name] for name in ("min", "mean", "max") if name in run.printed]
    if times != sorted(times):
        harvest.issue("contradiction", "the shortest, mean and longest time are not in this order; none is used", line)
        run.printed = {}
    if run.sent is not None and run.sent > max(MOST_PROBES, run.received or 0):
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
        address=canonical(run.address),
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
    heard = run.said or run.answers or any(probe.outcome == "error" for probe in run.probes)
    if run.port is not None and run.complete and not heard:
        silence = "open-or-filtered" if run.method == "udp" else "filtered"
        run.say(silence, "", run.source)
    transport = {"icmp": "icmp", "udp": "udp"}.get(run.method, "tcp")
    if transport != "icmp" and run.port is None:
        return []
    return [
        Reachability(
            vantage=run.vantage,
            target=run.target,
            address=canonical(run.address),
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
