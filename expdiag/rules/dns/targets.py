"""What the rules of SRV records share: names and questions of all peers, and the form of targets."""

from __future__ import annotations

from collections.abc import Iterable

from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.model.service_records import Record, Target
from expdiag.rules.dns.asking import families
from expdiag.rules.dns.peers import known_peers

GUIDE = "Cluster Creation and Maintenance Deployment Guide X12.6, Reference, DNS SRV records"


def fqdns(peers: Iterable[Peer]) -> str:
    """Return the names of peers, as a zone has them."""
    known = [peer.fqdn.value or (peer.aliases[0] if peer.aliases else peer.name) for peer in peers]
    return ", ".join(known)


def addresses_of_all(cluster: Cluster) -> list[str]:
    """Return the questions for the addresses of all peers."""
    known = known_peers(cluster).values()
    return [f"{name} {kind}" for one in known for name in one.names[:1] for kind in families(one.peer)]


def faults_of_form(record: Record, targets: Iterable[Target]) -> list[str]:
    """Return what is wrong with the form of targets: an address or alias instead of a host, another port."""
    faults = []
    for target in targets:
        name, port = target.service.target, target.service.port
        if target.is_address:
            faults.append(f"{record.name} has the address {name} as target, not a name")
        if target.addresses.aliases:
            faults.append(f"{name}, a target of {record.name}, is an alias of {', '.join(target.addresses.aliases)}")
        if port is not None and port != record.port:
            faults.append(f"{record.name} has port {port} for {name}, not {record.port}")
    return faults
