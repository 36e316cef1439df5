"""Round trips between peers, whoever measured them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from expdiag import knowledge
from expdiag.intake import Limits
from expdiag.model.names import Address, address
from expdiag.model.versions import Release, row_for
from expdiag.tables import RoundTrip


@dataclass(frozen=True, slots=True)
class Limit:
    """The supported delay: up to `upto` surely within it, over `beyond` surely out of it; milliseconds.

    `is_stated` tells that `case.toml` put it in place of the documented one, which `cite` then names.
    """

    upto: float
    beyond: float
    one_way: float
    cite: str
    is_stated: bool = False


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


def limit_for(releases: Iterable[Release | None], stated: Limits | None = None) -> Limit:
    """Return the limit for a pair of peers: that of the older release; without any, the current one.

    Args:
        releases: what the two peers run.
        stated: what `case.toml` puts in place of it.
    """
    known = [release for release in releases if release]
    row = row_for(knowledge.load("limits")["round_trip"], min(known) if known else None)
    documented = Limit(row["upto_ms"], row["beyond_ms"], row["one_way_ms"], row["cite"])
    return _overridden(documented, stated) if stated else documented


def _overridden(limit: Limit, stated: Limits) -> Limit:
    """Return a limit with what was stated; half the stated round trip is the way one way, unless that is stated too."""
    if stated.round_trip_ms is None and stated.one_way_ms is None:
        return limit
    round_trip = stated.round_trip_ms
    one_way = stated.one_way_ms or (round_trip / 2 if round_trip else limit.one_way)
    cite = f"case.toml, [limits], in place of {limit.upto:g} and {limit.one_way:g} ms ({limit.cite})"
    return Limit(round_trip or limit.upto, round_trip or limit.beyond, one_way, cite, is_stated=True)
