"""Round trips between peers, whoever measured them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from expdiag import knowledge
from expdiag.model.names import Address, address
from expdiag.model.versions import Release, row_for
from expdiag.tables import RoundTrip


@dataclass(frozen=True, slots=True)
class Limit:
    """The supported delay: up to `upto` surely within it, over `beyond` surely out of it; milliseconds."""

    upto: float
    beyond: float
    one_way: float
    cite: str


@dataclass(frozen=True, slots=True)
class Delay:
    """The round trip of one run as an interval: both ends are the 95th percentile where every probe is known.

    A run that only printed a summary gives its shortest and longest round trip, because its percentiles lie
    somewhere between.
    """

    low: float
    high: float
    run: RoundTrip

    @property
    def sources(self) -> tuple[int, ...]:
        """Where it is shown: the answer at the percentile, and the summary."""
        return (self.run.source,) if self.run.p95_line is None else (self.run.p95_line, self.run.source)

    @property
    def method(self) -> str:
        """What the figures are, for a reason."""
        if self.run.p95 is None:
            return f"shortest to longest of {self.run.answered} answers, from a summary only"
        return f"95th percentile of {self.run.answered} answers"


class Paths:
    """The measured paths between peers, by direction.

    Only runs to an address the target is clustered on count: a way to its public address or to LAN 2 is another way.
    Those of TLS do not: what a server computes before it answers is in them.
    """

    def __init__(
        self,
        runs: Iterable[RoundTrip],
        find: Callable[[str], str | None],
        clustered_on: Mapping[str, Collection[Address]],
    ) -> None:
        self._runs: dict[tuple[str, str], list[RoundTrip]] = {}
        for run in runs:
            start = find(run.vantage) if run.vantage else None
            end = find(run.address or run.target) or find(run.target)
            probed = address(run.address)
            if not start or not end or start == end or run.method == "tls":
                continue
            elsewhere = probed and end in clustered_on and probed not in clustered_on[end]
            if not elsewhere:
                self._runs.setdefault((start, end), []).append(run)

    def directed(self, start: str, end: str) -> tuple[RoundTrip, ...]:
        """Return the runs from one peer to another."""
        return tuple(self._runs.get((start, end), ()))

    def between(self, one: str, other: str) -> tuple[RoundTrip, ...]:
        """Return the runs between two peers, either way."""
        return self.directed(one, other) + self.directed(other, one)


def delays(runs: Iterable[RoundTrip]) -> list[Delay]:
    """Return the delays of the runs that have enough answers to say anything, longest first."""
    least = knowledge.load("limits")["probes"]["least_answered"]
    found = []
    for run in runs:
        if run.answered < least:
            continue
        if run.p95 is not None:
            found.append(Delay(run.p95, run.p95, run))
        elif run.min is not None and run.max is not None:
            found.append(Delay(run.min, run.max, run))
    return sorted(found, key=lambda delay: -delay.high)


def slowest_of(found: Sequence[Delay]) -> Delay:
    """Return the slowest run that shows every answer; where there are only summaries, the one that went up highest.

    The longest answer of a summary may be one of hundreds, so beside a run that shows each it does not count.
    """
    return next((delay for delay in found if delay.run.p95 is not None), found[0])


def limit_for(releases: Iterable[Release | None]) -> Limit:
    """Return the limit for a pair of peers: that of the older release; without any, the current one."""
    known = [release for release in releases if release]
    row = row_for(knowledge.load("limits")["round_trip"], min(known) if known else None)
    return Limit(row["upto_ms"], row["beyond_ms"], row["one_way_ms"], row["cite"])
