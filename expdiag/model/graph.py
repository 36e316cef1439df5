"""The peers as a graph: a node a peer, an edge a direction in which something is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expdiag.model.cluster import Cluster
from expdiag.model.latency import delays

if TYPE_CHECKING:
    import networkx as nx


def peer_graph(cluster: Cluster) -> nx.DiGraph:
    """Return the peer graph of a cluster.

    Nodes carry `type`, `version`, `platform`, `address`, `primary` and `seen`. An edge from A to B says what A
    knows of B: `listed` (B is in A's peer list), `round_trip_ms` (95th percentile of the slowest run from A),
    `sent`, `answered` and `loss` over all runs from A; a number that was not measured is None.
    """
    import networkx as nx

    graph = nx.DiGraph()
    for peer in cluster.peers:
        graph.add_node(
            peer.name,
            type=peer.type.value,
            version=str(peer.version.value) if peer.version.value else None,
            platform=peer.platform.value,
            address=str(peer.addresses[0]) if peer.addresses else None,
            primary=peer is cluster.primary,
            seen=peer.seen,
        )
    for start, end in cluster.ordered_pairs():
        runs = cluster.paths.directed(start.name, end.name)
        listed = any(cluster.find(entry) is end for entry in start.peer_list)
        if not runs and not listed:
            continue
        slowest = delays(runs)
        sent = sum(run.sent or 0 for run in runs)
        answered = sum(run.answered for run in runs)
        graph.add_edge(
            start.name,
            end.name,
            listed=listed,
            round_trip_ms=slowest[0].high if slowest else None,
            sent=sent,
            answered=answered,
            loss=(sent - answered) / sent if sent else None,
        )
    return graph
