"""Connections between peers as captures show them at both ends: with their own addresses, or translated on the way."""

from __future__ import annotations

from dataclasses import dataclass

from expdiag.model.cluster import Cluster
from expdiag.model.names import address
from expdiag.model.network import matches
from expdiag.model.network.ports import CLUSTER_PORTS
from expdiag.model.peers import Peer


@dataclass(frozen=True, slots=True)
class Crossing:
    """One connection of one peer to another.

    Attributes:
        words: the connection as each capture shows it.
        translated: an address or port is another at the other end, or one of them is that of a static NAT.
        by: the peer whose static NAT translates, empty where it is a device between them.
        sources: the connection in each capture.
    """

    start: str
    end: str
    words: str
    translated: bool
    by: str
    sources: tuple[int, ...]


def crossings(cluster: Cluster) -> dict[tuple[str, str], list[Crossing]]:
    """Return by ordered pair the connections that show whether something translates; a view."""
    found: dict[tuple[str, str], list[Crossing]] = {}
    matched = set()
    for row in cluster.view(matches.of_cluster):
        start, end = row.peer or _name(cluster, row.client), row.far_peer or _name(cluster, row.server_there)
        matched |= {row.source, row.source_there}
        if start and end and start != end and {row.port, row.port_there} & CLUSTER_PORTS:
            words = f"{row.client} to {row.server}:{row.port} at {start}"
            if row.translated:
                words += f" is {row.client_there} to {row.server_there}:{row.port_there} at {end}"
            by = _whose_nat(cluster, start, row.client_there) or _whose_nat(cluster, end, row.server)
            found.setdefault((start, end), []).append(
                Crossing(start, end, words, row.translated, by, (row.source, row.source_there))
            )
    for one in cluster.rows["connections"]:
        if one.source in matched or one.port not in CLUSTER_PORTS:
            continue
        start, end = _name(cluster, one.client), _name(cluster, one.server)
        at = cluster.peer_of(one.source)
        if not start or not end or start == end:
            continue
        by = _whose_nat(cluster, start, one.client) or _whose_nat(cluster, end, one.server)
        if by or at == end:
            words = f"a capture at {at or 'an unknown place'} shows {one.client} to {one.server}:{one.port}"
            found.setdefault((start, end), []).append(Crossing(start, end, words, bool(by), by, (one.source,)))
    return found


def _name(cluster: Cluster, text: str) -> str:
    peer = cluster.find(text)
    return peer.name if peer else ""


def _whose_nat(cluster: Cluster, name: str, text: str) -> str:
    """Return the name of a peer if an address is one its own static NAT puts in front of it."""
    peer: Peer | None = next((peer for peer in cluster.peers if peer.name == name), None)
    at = address(text)
    return name if peer and at and at in peer.nat_addresses else ""
