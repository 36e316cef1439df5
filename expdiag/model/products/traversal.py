"""The cluster on the other side of a traversal zone, as an Expressway-C's configuration lists it."""

from __future__ import annotations

import re

from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.peers import Peer

# Zones Zone 3 TraversalClient Peer 2 Address
_WORDS = {"on": True, "true": True, "enabled": True, "off": False, "false": False, "disabled": False}
_PEER_OF_ZONE = re.compile(r"Zone (?P<zone>[0-9]{1,9}) TraversalClient Peer (?P<peer>[0-9]{1,9}) Address$", re.I)


def far_ends(cluster: Cluster) -> dict[int, Fact[tuple[str, ...]]]:
    """Return the entries of each traversal client zone by its number, as the primary has them, else the first peer.

    Zones are replicated, so one peer's are everybody's. A zone that leads to peers of this cluster is left out: it is a
    fault of its own. Give it to `Cluster.view`.
    """
    ordered = sorted(cluster.peers, key=lambda peer: peer is not cluster.primary)
    zones = next((found for peer in ordered if (found := _zones(peer))), {})
    return {
        number: fact for number, fact in zones.items() if fact.value and not any(cluster.find(e) for e in fact.value)
    }


def _zones(peer: Peer) -> dict[int, Fact[tuple[str, ...]]]:
    entries: dict[int, dict[int, tuple[str, int]]] = {}
    chosen = None
    for mention in peer.settings.mentions("traversal_peer"):
        chosen = chosen or mention.place
        match = _PEER_OF_ZONE.search(mention.path)
        if match and mention.place == chosen and mention.value.strip():
            zone = entries.setdefault(int(match["zone"]), {})
            zone.setdefault(int(match["peer"]), (mention.value.strip(), mention.source))
    return {
        number: Fact(tuple(text for _, (text, _) in sorted(zone.items())), tuple(source for _, source in zone.values()))
        for number, zone in sorted(entries.items())
    }


def uses_mra(cluster: Cluster) -> Fact[bool]:
    """Return whether Mobile and Remote Access is on: what an export says, else `case.toml`."""
    said = [
        fact
        for peer in cluster.peers
        if (fact := peer.settings.value("mra").map(lambda t: _WORDS.get(t.lower()))).known
    ]
    if said:
        return next((fact for fact in said if fact.value), said[0])
    source = cluster.facts.sources.get("services.mra")
    return Fact(cluster.facts.services.mra, () if source is None else (source,))
