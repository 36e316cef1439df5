"""Hops of which a tool prints totals only, and the run of round trips to the last of them."""

from __future__ import annotations

from typing import NamedTuple

from expdiag import statistics
from expdiag.intake.trace.run import Run
from expdiag.tables import Hop, RoundTrip


class Total(NamedTuple):
    """What one hop's row says; an address or name is empty and a number None where it does not.

    Attributes:
        counted: probes the lost share is counted over: mtr leaves out one that is still on its way.
    """

    ttl: int
    address: str
    name: str
    sent: int | None
    counted: int | None
    answered: int | None
    min: float | None
    mean: float | None
    max: float | None
    deviation: float | None
    detail: str
    source: int


def add(run: Run, total: Total) -> None:
    """Add the row of a hop; nobody measured a round trip where nothing came back."""
    outcome = "lost" if total.answered == 0 or not (total.address or total.name) else "answered"
    run.met(total.ttl, outcome, total.address, total.name)
    silent = outcome == "lost"
    run.harvest.add(
        Hop(
            run=run.source,
            ttl=total.ttl,
            probe=None,
            outcome=outcome,
            address=total.address,
            name=total.name,
            rtt=None,
            sent=total.sent,
            answered=total.answered,
            min=None if silent else total.min,
            mean=None if silent else total.mean,
            max=None if silent else total.max,
            deviation=None if silent else total.deviation,
            detail=total.detail,
            source=total.source,
        )
    )


def add_round_trip(run: Run, last: Total) -> None:
    """Add the run to who answered last, where anybody did.

    The target is named as the command does only where the answer is surely the target's; else as it was printed:
    what was measured is the way to that host, whoever he is.
    """
    proved = run.is_target(last.address, last.name)
    if not last.sent or last.answered is None or not (last.address or last.name):
        return
    if not proved and run.address and last.address:
        return
    counted = last.counted or 0
    low, high = statistics.wilson(counted - last.answered, counted) if counted else (None, None)
    run.harvest.add(
        RoundTrip(
            vantage=run.vantage,
            target=run.target if proved and run.target else last.name or last.address,
            address=last.address or (run.address if proved else ""),
            method=run.method,
            tool=run.tool,
            port=run.port,
            sent=last.sent,
            answered=last.answered,
            loss=(counted - last.answered) / counted if counted else None,
            loss_low=low,
            loss_high=high,
            min=last.min if last.answered else None,
            median=None,
            p95=None,
            max=last.max if last.answered else None,
            mean=last.mean if last.answered else None,
            deviation=last.deviation if last.answered else None,
            jitter=None,
            first_time=None,
            last_time=None,
            complete=True,
            p95_line=None,
            source=last.source,
        )
    )
