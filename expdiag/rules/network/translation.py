"""Address translation between the peers."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import Address, address
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import passed, rule, unknown, violation


@rule("R10")
def no_nat_between_peers(cluster: Cluster, start: Peer, end: Peer) -> Verdict:
    """A peer reaches another at the address that stands on the other's own interface.

    Why: peers identify each other by address; translation on the way makes the presented and the expected one
    differ.
    Passes: the entry for the other peer in this one's peer list, or what the address mapping makes of it, is an
    address of the other peer's interfaces.
    Violates: it is the public address that static NAT puts in front of the other peer.
    Unknown: no entry for it, or a name whose address here only DNS can tell.
    """
    entries = [
        (entry, fact.sources) for fact in start.listed.values() if (entry := fact.value) and cluster.find(entry) is end
    ]
    if not entries:
        wanted = [want.export(peer, "peer_address") for peer in (start, end) if not peer.seen] or [
            want.export(start, "peer_address")
        ]
        return unknown(f"the peer list of {start} shows no entry that is known to be {end}", want=wanted)
    entry, sources = entries[0]
    mapping = cluster.facts.sources.get("cluster.address_mapping")
    found = cluster.address_of(entry)
    if found is None:
        return unknown(
            f"{start} reaches {end} as {entry}; which address that gives is not in the evidence",
            want=[want.lookup(start, entry)],
            evidence=sources,
        )
    evidence = [*sources, *([mapping] if mapping is not None and address(entry) is None else [])]
    return _judge_address(cluster, start, end, entry, found, evidence)


def _judge_address(
    cluster: Cluster, start: Peer, end: Peer, entry: str, found: Address, evidence: list[int]
) -> Verdict:
    if behind := end.nat_addresses.get(found):
        own = end.lan.ipv4.value or "the address of its LAN 1"
        return violation(
            f"{start} is set to reach {end} at {found}, the static NAT address in front of its LAN {behind.number}",
            evidence=[*evidence, *behind.static_nat_address.sources, *behind.static_nat_on.sources],
            at_fault=[start.name],
            measured=str(found),
            wanted=own,
            fix=f"on {start}, replace {entry} in the peer list by {_right_entry(cluster, end, found, own)} "
            f"(System > Clustering), save and restart {start}; keep static NAT on LAN 2 and cluster on LAN 1",
        )
    for interface in end.interfaces:
        if found in interface.addresses:
            proof = interface.ipv4.sources if found.version == 4 else interface.ipv6.sources
            through = "" if str(found) == entry else f" (by way of {entry})"
            return passed(
                f"{start} is set to reach {end} at {found}{through}, the address on its LAN {interface.number}",
                evidence=[*evidence, *proof],
                measured=str(found),
                wanted=str(found),
            )
    other = cluster.find(str(found))
    whose = f"the address of {other}" if other else f"an address nothing shows {end} to have"
    return unknown(
        f"{start} is led by {entry} to {found}, {whose}",
        want=[want.export(end, "ipv4")],
        evidence=evidence,
    )


def _right_entry(cluster: Cluster, end: Peer, wrong: Address, own: str) -> str:
    """Return what the entry for a peer should be: what other lists have, a name rather than an address."""
    others = [
        entry
        for peer in (cluster.primary, *cluster.peers)
        if peer is not None
        for entry in peer.peer_list
        if cluster.find(entry) is end and cluster.address_of(entry) != wrong
    ]
    names_first = sorted(dict.fromkeys(others), key=lambda entry: address(entry) is not None)
    if names_first:
        return f"{names_first[0]}, as the other peers have it"
    if end.fqdn.value:
        return f"{end.fqdn.value}, with a cluster address mapping to {own}, the same on every peer"
    return f"{own}, the same on every peer"


RULES = (no_nat_between_peers,)
