"""Zones: peers find each other as peers, never as neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import address, same_name
from expdiag.model.peers import Peer
from expdiag.model.products.zones import Target, zones
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

PAGE = "Configuration > Zones > Zones"


@rule("E08")
def peers_not_each_others_neighbors(cluster: Cluster, peer: Peer) -> Verdict:
    """No zone of the peer leads to a peer of the same cluster.

    Why: peers already know each other; as zone neighbours they hand calls round in circles. Zones of other systems
    are another matter: they should list all peers of this cluster.
    Passes: the zones are shown, and none leads to a peer: not by address, by name, or through the address mapping. A
    name that nothing in the evidence resolves is taken for what it says, another system.
    Violates: a neighbour or traversal zone has a peer, the peer itself, or the name of the cluster as its address.
    Unknown: the zones are not in the evidence, or the export is cut off.
    Not applicable: a single Expressway whose peer list is empty, which is not clustered.
    """
    shown = cluster.view(zones).get(peer.name)
    if shown is None or shown.sample is None:
        return unknown("its zones are not in the evidence", want=[want.configuration(peer)])
    meaning = {text: _leads_to(cluster, peer, text) for text in {target.text for target in shown.targets}}
    found = [target for target in shown.targets if meaning[target.text]]
    if found:
        listing = "; ".join(
            f'zone "{target.zone}" ({target.kind}) leads to {target.text}, which is {meaning[target.text]}'
            for target in found
        )
        return violation(
            listing,
            evidence=[target.source for target in found],
            at_fault=[peer.name],
            measured=", ".join(target.text for target in found),
            wanted="systems outside the cluster",
            log_in=[cluster.primary.name] if cluster.primary else [],
            fix=_fix(cluster, peer, found),
            cite="Cluster guide X14.0.2, How to Change a Cluster",
        )
    if not peer.peer_list and len(cluster.peers) == 1 and peer.listed:
        return not_applicable("its peer list is empty: this Expressway is not clustered", evidence=[shown.sample])
    if not shown.complete:
        return unknown("the export of its zones is cut off", want=[want.configuration(peer)], evidence=[shown.sample])
    open_names = sorted(text for text in meaning if address(text) is None)
    note = f" (by name, so taken for other systems: {', '.join(open_names[:5])})" if open_names else ""
    sources = [target.source for target in shown.targets[:10]]
    return passed(f"no zone leads to a peer; they lead to {len(meaning)} systems{note}", [shown.sample, *sources])


def zones_to_peers(cluster: Cluster) -> frozenset[str]:
    """Return the names of the zones that lead to a peer, on whichever peer they are."""
    by_name = {peer.name: peer for peer in cluster.peers}
    return frozenset(
        target.zone
        for name, shown in cluster.view(zones).items()
        for target in shown.targets
        if _leads_to(cluster, by_name[name], target.text)
    )


def _leads_to(cluster: Cluster, peer: Peer, text: str) -> str:
    """Return which peer an address of a zone means, in words; empty for none."""
    is_name = address(text) is None and len(cluster.peers) > 1
    if is_name and same_name(text, peer.cluster_name.value or ""):
        return "the name of this cluster"
    met = cluster.find(text)
    if met is None or text.strip().casefold() == (met.system_name.value or "").strip().casefold():
        return ""
    return "this peer itself" if met is peer else f"peer {met}"


def _fix(cluster: Cluster, peer: Peer, found: Sequence[Target]) -> str:
    where = f"on {cluster.primary}, the primary" if cluster.primary else "on the primary"
    called = " and ".join(dict.fromkeys(f'"{target.zone}"' for target in found))
    texts = " and ".join(dict.fromkeys(target.text for target in found))
    return steps(
        f"{where}: take {texts} out of zone {called} ({PAGE}), or delete the zone where nothing else is in it; search "
        "rules that point to it go first (Configuration > Dial plan > Search rules)",
        f"wait two minutes and check on {peer} that the change arrived",
    )


RULES = (peers_not_each_others_neighbors,)
