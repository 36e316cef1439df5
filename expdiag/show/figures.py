"""All figures of a case, each with its caption and the table that says the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.graphs.hops import paths, slowest_steps
from expdiag.show import (
    compatibility,
    drifting,
    events,
    firewall_order,
    hops,
    lanes,
    latency,
    lookups,
    matrices,
    nat,
    peers,
    reachability,
    timing,
    trust,
    validity,
)
from expdiag.show.paths import path_picture, path_table
from expdiag.show.style import Picture

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        name: short, for file names and links.
        caption: what it shows and how to read it.
        draw: gives the picture of a case.
        table: gives the table that says the same.
        has_content: whether the case holds what it shows.
    """

    name: str
    caption: str
    draw: Callable[[Case], Picture]
    table: Callable[[Case], pd.DataFrame]
    has_content: Callable[[Case], bool]


def _several(case: Case) -> bool:
    return len(case.cluster.peers) > 1


def _any(case: Case) -> bool:
    return bool(case.cluster.peers)


def _traced(case: Case) -> bool:
    return bool(case.cluster.view(paths))


def _slowest(case: Case) -> tuple[str, str]:
    """Return the path whose slowest step is the slowest of all, else the first one traced; empty names without any."""
    traced = case.cluster.view(paths)
    steps = sorted(slowest_steps(traced), key=lambda step: -step.added)
    path = steps[0].path if steps else next(iter(traced), None)
    return (path.start, path.end) if path else ("", "")


FIGURES = (
    Figure(
        "peers",
        "The peers and the worst of all that is judged between two: delay, path, ports, translation, loss, trust. "
        "Solid: all holds; thick dashes: what is named is broken; dots: something is unknown.",
        peers.peer_graph,
        peers.peer_table,
        _several,
    ),
    Figure(
        "verdicts",
        "Every rule that is violated or unknown, for the cluster and for each peer.",
        lambda case: matrices.verdict_matrix(case.findings, ("violation", "unknown")),
        lambda case: matrices.verdict_table(case.findings),
        lambda case: bool(case.findings.of("violation") or case.findings.of("unknown")),
    ),
    Figure(
        "round-trips",
        "Round trips by direction: 95th percentile of the slowest run.",
        latency.latency_matrix,
        latency.latency_table,
        _several,
    ),
    Figure(
        "round-trips-over-time",
        "Round trips whose time is known; dashed the limit, shaded a change that case.toml states.",
        timing.round_trips_picture,
        timing.round_trips_over_time,
        lambda case: any(True for _ in timing.measured(case)),
    ),
    Figure(
        "path",
        "The traced path with the slowest step, hop by hop. A hatched bar is over the limit of a round trip.",
        lambda case: path_picture(case, *_slowest(case)),
        lambda case: path_table(case, *_slowest(case)),
        _traced,
    ),
    Figure(
        "hops",
        "All traces merged. Thick frame: a peer; yellow: a router without which peers lose each other; dashes: slow.",
        hops.hop_picture,
        hops.hop_table,
        _traced,
    ),
    Figure(
        "ports",
        "Which ports open from peer to peer and from outside. In words what became of the tries, by mark the verdict.",
        reachability.reachability_matrix,
        reachability.reachability_table,
        _any,
    ),
    Figure(
        "nat",
        "The entry each peer has for each other, the address it leads to, whose that is, and what captures show of it.",
        nat.nat_picture,
        nat.nat_table,
        _any,
    ),
    Figure(
        "dns",
        "What DNS servers answered, by who asked. Blank: no rule judges it and nobody asked.",
        lookups.lookup_matrix,
        lookups.lookup_table,
        _any,
    ),
    Figure(
        "firewall",
        "Rules in the order a packet meets them, the first on top, and who gets in or is kept out at each.",
        firewall_order.order_picture,
        firewall_order.order_table,
        lambda case: len(firewall_order.order_table(case)) > 0,
    ),
    Figure(
        "validity",
        "When the certificates the peers present are valid. Dashed: the time of the case; hatched: expired, not yet "
        "valid, or at its end within 30 days.",
        validity.validity_picture,
        validity.validity_table,
        validity.has_certificates,
    ),
    Figure(
        "trust",
        "Who trusts whose certificate (R20): the peer of the row presents it, the peer of the column verifies it.",
        trust.trust_matrix,
        trust.trust_table,
        _several,
    ),
    Figure(
        "timeline",
        "What happened on each peer, in UTC. Marks too close together are one and counted; a hatched alarm is still "
        "up; shaded: what the log of the peer covers; dashed: the time of the case; long stretches without events are "
        "left out.",
        lanes.timeline_picture,
        events.event_table,
        lanes.has_events,
    ),
    Figure(
        "compatibility",
        "Type, version, platform, option keys and appliance of each peer, against what the cluster needs. Marked: the "
        "peer that has to change, or what is not known.",
        compatibility.compatibility_matrix,
        compatibility.compatibility_table,
        lambda case: bool(case.cluster.peers),
    ),
    Figure(
        "drift",
        "Settings that are not the same on all peers. Marked: the peer that differs from the primary, else from the "
        "others.",
        drifting.drift_matrix,
        drifting.drift_table,
        drifting.has_drift,
    ),
)
