"""Delay between the peers, both ways and one way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from expdiag import knowledge
from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.network.latency import Delay, Limit, delays, limit_for, slowest_of
from expdiag.model.network.oneway import OneWay, one_way
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import passed, rule, unknown, violation

_MOVE_CLOSER = (
    "shorten the path between the two peers (compare the hops of a traceroute with the round trip), or place the "
    "far peer nearer; peers that stay apart belong into clusters of their own, joined by neighbor zones"
)


@rule("R07")
def round_trip_delay(cluster: Cluster, one: Peer, other: Peer) -> Verdict:
    """The round trip between two peers is within the supported delay.

    Why: the shared database waits for its peers; over the limit it parts, and calls fail with it.
    Passes: the 95th percentile of the slowest run either way is within the limit of the peers' release: 80 ms
    from X12.6 on, 30 ms up to X8.5; in between the sources do not say, so up to 30 ms passes.
    Violates: it is over the limit.
    Weighed: where kinds of measurement disagree, such as a ping under the limit and a capture over it, the slower one
    counts and the reason shows both. ICMP may wait behind other traffic, so TCP is the better measure where they
    differ; a capture on the calling peer includes the time the other one takes to answer.
    Warning: from three quarters of the limit on (60 of 80 ms) the reason says that it is close.
    Unknown: no run with at least four answers; or there are only summaries, and the shortest and longest round trip
    of one lie on two sides of the limit. Beside a run that shows every answer a summary's longest one does not count.
    """
    limit = limit_for((one.version.value, other.version.value), cluster.facts.limits)
    return _as_stated(_round_trip(cluster, one, other, limit), limit, cluster)


def _round_trip(cluster: Cluster, one: Peer, other: Peer, limit: Limit) -> Verdict:
    measured = delays(cluster.paths.between(one.name, other.name))
    if not measured:
        return _not_measured(cluster, one, other)
    evidence = [source for delay in measured for source in delay.sources]
    slowest = slowest_of(measured)
    compared: dict[str, Any] = {"measured": _rounded(slowest.high), "wanted": limit.upto, "unit": "ms"}
    slow = [delay for delay in measured if delay.low > limit.beyond]
    if slow:
        return violation(
            f"{_rounded(slow[0].low):g} ms from {slow[0].run.vantage} to {slow[0].run.target} "
            f"({_how(slow[0])}) is over the limit of {limit.beyond:g} ms{_yet(slow[0], measured, limit)}",
            evidence=evidence,
            at_fault=_far_peer(cluster, one, other, limit),
            fix=_MOVE_CLOSER,
            **compared | {"measured": _rounded(slow[0].low), "wanted": limit.beyond},
        )
    if slowest.high > limit.upto:
        return unknown(_between(slowest, limit), want=_longer_pings(one, other), evidence=evidence, **compared)
    near = knowledge.load("limits")["probes"]["near_limit"] * limit.upto
    note = "; close to the limit" if slowest.high > near else ""
    return passed(
        f"{_rounded(slowest.high):g} ms at most{note} ({_how(slowest)}, the slowest of {len(measured)} runs)"
        f"{_silent_runs(cluster, one, other)}",
        evidence=evidence,
        **compared,
    )


@rule("R08")
def one_way_hop(cluster: Cluster, one: Peer, other: Peer) -> Verdict:
    """The delay between two peers, one way, is within half the supported round trip.

    Why: the guide gives the limit both ways round; 40 ms here is one direction, not one router.
    Passes: the round trip is within the one-way limit, so each direction is; or half the round trip is, and the
    reason says that both directions were taken to be alike.
    Violates: the round trip is over twice the limit, so one direction is over it whichever way it is shared out.
    Measured one way: where captures of both peers show one connection, and each also shows a time server's answers,
    their clocks are corrected by these; such a delay counts by itself, less the error the servers admit.
    Unknown: no round trip was measured.
    """
    limit = limit_for((one.version.value, other.version.value), cluster.facts.limits)
    return _as_stated(_one_way(cluster, one, other, limit), limit, cluster)


def _one_way(cluster: Cluster, one: Peer, other: Peer, limit: Limit) -> Verdict:
    measured = delays(cluster.paths.between(one.name, other.name))
    timed = _timed(cluster, one, other)
    if over := [(way, found) for way, found in timed if found.delay - found.error > limit.one_way]:
        return _over_one_way(over, limit, _far_peer(cluster, one, other, limit), measured)
    if not measured:
        return _not_measured(cluster, one, other)
    evidence = [source for delay in measured for source in delay.sources]
    evidence += [source for _, found in timed for source in found.sources]
    slowest = slowest_of(measured)
    half = _rounded(slowest.high / 2)
    compared: dict[str, Any] = {"measured": half, "wanted": limit.one_way, "unit": "ms"}
    slow = [delay for delay in measured if delay.low > 2 * limit.one_way]
    if slow:
        return violation(
            f"a round trip of {_rounded(slow[0].low):g} ms leaves at least {_rounded(slow[0].low / 2):g} ms for one "
            f"direction, over the limit of {limit.one_way:g} ms ({_how(slow[0])}){_yet(slow[0], measured, limit)}",
            evidence=evidence,
            at_fault=_far_peer(cluster, one, other, limit),
            fix=_MOVE_CLOSER,
            **compared | {"measured": _rounded(slow[0].low / 2)},
        )
    if slowest.high > limit.upto:
        return unknown(_between(slowest, limit), want=_longer_pings(one, other), evidence=evidence, **compared)
    if slowest.high <= limit.one_way:
        reason = f"the whole round trip of {_rounded(slowest.high):g} ms is within the one-way limit"
    else:
        reason = f"half of the round trip, {half:g} ms, taking both directions to be alike"
    directions = [
        f"{way} {found.delay:.1f} ms, give or take {found.error:.1f}"
        for way, found in timed
        if found.delay + found.error <= limit.one_way
    ]
    if directions:
        reason += f"; captures of both ends show {'; '.join(dict.fromkeys(directions))}"
    return passed(reason, evidence=evidence, **compared)


def _timed(cluster: Cluster, one: Peer, other: Peer) -> list[tuple[str, OneWay]]:
    """Return for each direction that captures of both ends measured the longest delay."""
    ways = cluster.view(one_way)
    found = []
    for start, end in ((one, other), (other, one)):
        if delays_there := ways.get((start.name, end.name)):
            found.append((f"{start} to {end}", max(delays_there, key=lambda way: way.delay - way.error)))
    return found


def _over_one_way(over: list[tuple[str, OneWay]], limit: Limit, far: tuple[str, ...], measured: list[Delay]) -> Verdict:
    way, found = over[0]
    trips = f"; the round trip is {_rounded(measured[0].high):g} ms ({_how(measured[0])})" if measured else ""
    return violation(
        f"{way} takes {found.delay:.1f} ms one way, give or take {found.error:.1f} ms, over the limit of "
        f"{limit.one_way:g} ms: captures of both ends, their clocks corrected by time servers{trips}",
        evidence=[*found.sources, *(source for delay in measured for source in delay.sources)],
        at_fault=far,
        fix=_MOVE_CLOSER,
        measured=_rounded(found.delay),
        wanted=limit.one_way,
        unit="ms",
    )


def _how(delay: Delay) -> str:
    """Return what measured, for a reason."""
    kind = "TCP in a capture" if delay.run.method == "tcp-syn" and delay.run.tool == "capture" else delay.run.tool
    return f"{kind}, {delay.method}"


def _yet(slow: Delay, measured: list[Delay], limit: Limit) -> str:
    """Return a remark on measurements of another kind that are within the limit."""
    kind = (slow.run.tool, slow.run.method)
    others = [d for d in measured if (d.run.tool, d.run.method) != kind and d.high <= limit.upto]
    if not others:
        return ""
    other = others[0]
    better = slow.run.method == "icmp" and other.run.method.startswith("tcp")
    why = "; ICMP may wait behind other traffic, so take more captures" if better else ""
    return (
        f"; yet {_rounded(other.high):g} ms from {other.run.vantage} to {other.run.target} ({_how(other)}) is within "
        f"it{why}"
    )


def _as_stated(verdict: Verdict, limit: Limit, cluster: Cluster) -> Verdict:
    """Return a verdict that says where it was not held against the documented limit."""
    if not limit.is_stated:
        return verdict
    keys = ("limits.round_trip_ms", "limits.one_way_ms")
    stated = tuple(cluster.facts.sources[key] for key in keys if key in cluster.facts.sources)
    return replace(verdict, reason=f"{verdict.reason}; limit from {limit.cite}", evidence=(*verdict.evidence, *stated))


def _not_measured(cluster: Cluster, one: Peer, other: Peer) -> Verdict:
    runs = cluster.paths.between(one.name, other.name)
    answered = sum(run.answered for run in runs)
    sent = sum(run.sent or 0 for run in runs)
    reason = (
        f"only {answered} of {sent} probes between them were answered, too few to judge"
        if runs
        else "no round trip between them was measured"
    )
    return unknown(reason, want=[want.ping(one, other)], evidence=[run.source for run in runs])


def _silent_runs(cluster: Cluster, one: Peer, other: Peer) -> str:
    silent = [run for run in cluster.paths.between(one.name, other.name) if run.answered == 0]
    return f"; {len(silent)} more run(s) got no answer at all" if silent else ""


def _between(delay: Delay, limit: Limit) -> str:
    if delay.low < delay.high:
        return (
            f"the summary gives {delay.low:g} to {delay.high:g} ms, on both sides of the limit of {limit.upto:g} ms, "
            "and not how many were slow"
        )
    return (
        f"{_rounded(delay.high):g} ms lies between {limit.upto:g} and {limit.beyond:g} ms, where the sources do not "
        f"say what this release supports ({limit.cite})"
    )


def _longer_pings(one: Peer, other: Peer) -> list[Want]:
    return [want.ping(one, other), want.ping(other, one)]


def _far_peer(cluster: Cluster, one: Peer, other: Peer, limit: Limit) -> tuple[str, ...]:
    """Return the peer that is far from more than one, else the one that is not the primary."""

    def far_from(peer: Peer) -> int:
        return sum(
            1
            for third in cluster.peers
            if any(delay.low > limit.beyond for delay in delays(cluster.paths.between(peer.name, third.name)))
        )

    if far_from(one) != far_from(other):
        return (max((one, other), key=far_from).name,)
    if cluster.primary in (one, other):
        return ((other if cluster.primary is one else one).name,)
    return ()


def _rounded(milliseconds: float) -> float:
    return round(milliseconds, 3)


RULES = (round_trip_delay, one_way_hop)
