"""The peers as a graph: a node a peer, an edge a direction, with what was measured and what was judged."""

from __future__ import annotations

from typing import Any

import networkx as nx

from expdiag.evidence import Source
from expdiag.findings import Finding, Findings
from expdiag.model.cluster import Cluster
from expdiag.model.network.latency import delays
from expdiag.model.peers import Peer
from expdiag.tables import Reachability

# what is judged of two peers, by the name its attributes have
RELATIONS = {
    "delay": "R07",
    "one_way": "R08",
    "route": "R09",
    "translation": "R10",
    "ports": "R11",
    "reliability": "R13",
    "trust": "R20",
}
PORTS = (("tcp", 4371), ("tcp", 4372), ("udp", 1719))

Way = tuple[str, str]
States = dict[tuple[str, str, str, int], str]


class PeerGraph(nx.DiGraph):  # type: ignore[misc]
    """The peer graph of a cluster, which draws itself in a notebook."""

    def _repr_svg_(self) -> str:
        from expdiag.show import peers

        return peers.draw(self).svg("Peer graph")

    def __repr__(self) -> str:
        return f"<PeerGraph of {', '.join(self) or 'no peers'}>"


def peer_graph(cluster: Cluster, findings: Findings) -> PeerGraph:
    """Return the peer graph of a cluster.

    Nodes carry `type`, `version`, `platform`, `address`, `primary` and `seen`. There is an edge for each ordered pair,
    from A to B:

    - `listed`: B is in A's peer list;
    - `round_trip_ms` (95th percentile of the slowest run from A), `sent`, `answered`, `loss` over all runs from A;
    - `tcp_4371`, `tcp_4372`, `udp_1719`: the newest answer of a probe from A, in the words of `reachability`;
    - for each of `RELATIONS` its outcome, and `…_reason` and `…_sources` (`file:line`); relations of a pair without
      direction stand on both edges.

    What is not known is None.
    """
    graph = PeerGraph()
    for peer in cluster.peers:
        graph.add_node(peer.name, **_node(peer, cluster))
    judged = _judged(findings)
    states = cluster.view(port_states)
    for start, end in cluster.ordered_pairs():
        graph.add_edge(
            start.name,
            end.name,
            listed=any(cluster.find(entry) is end for entry in start.peer_list),
            **_measured(start, end, cluster),
            **{f"{kind}_{port}": states.get((start.name, end.name, kind, port)) for kind, port in PORTS},
            **_relations(judged.get((start.name, end.name), {})),
        )
    return graph


def _node(peer: Peer, cluster: Cluster) -> dict[str, Any]:
    return {
        "type": peer.type.value,
        "version": str(peer.version.value) if peer.version.value else None,
        "platform": peer.platform.value,
        "address": str(peer.addresses[0]) if peer.addresses else None,
        "primary": peer is cluster.primary,
        "seen": peer.seen,
    }


def _measured(start: Peer, end: Peer, cluster: Cluster) -> dict[str, Any]:
    runs = cluster.paths.directed(start.name, end.name)
    slowest = delays(runs)
    sent = sum(run.sent or 0 for run in runs)
    answered = sum(run.answered for run in runs)
    return {
        "round_trip_ms": slowest[0].high if slowest else None,
        "sent": sent,
        "answered": answered,
        "loss": (sent - answered) / sent if sent else None,
    }


def port_states(cluster: Cluster) -> States:
    """Return what the newest probe of a port between two peers found, by start, end, transport and port; a view."""
    newest: dict[tuple[str, str, str, int], Reachability] = {}
    for row in cluster.rows["reachability"]:
        start, end = cluster.find(row.vantage), cluster.find(row.address or row.target)
        if start and end and row.port is not None and row.vantage:
            key = (start.name, end.name, row.transport, row.port)
            if key not in newest or _is_newer(row, newest[key]):
                newest[key] = row
    return {key: row.state for key, row in newest.items()}


def _is_newer(row: Reachability, than: Reachability) -> bool:
    return bool(row.time and (than.time is None or row.time >= than.time))


def _judged(findings: Findings) -> dict[Way, dict[str, Finding]]:
    """Return the verdicts about two peers by direction and number; those without direction under both."""
    numbers = set(RELATIONS.values())
    found: dict[Way, dict[str, Finding]] = {}
    for finding in findings:
        number, peers = finding.requirement.number, finding.subject.peers
        if number in numbers and len(peers) == 2:
            one, other = peers
            found.setdefault((one, other), {})[number] = finding
            if finding.subject.kind == "pair":
                found.setdefault((other, one), {})[number] = finding
    return found


def _relations(judged: dict[str, Finding]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name, number in RELATIONS.items():
        finding = judged.get(number)
        attributes[name] = finding.outcome if finding else None
        attributes[f"{name}_reason"] = finding.verdict.reason if finding else None
        attributes[f"{name}_sources"] = [_place(source) for source in finding.sources] if finding else []
    return attributes


def _place(source: Source) -> str:
    return f"{source.file}:{source.line}" if source.line else source.file
