"""What the rules of SRV records share: names and questions of all peers, and the form of targets."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from expdiag.model.cluster import Cluster
from expdiag.model.dns.service_records import Record, Target
from expdiag.model.names import canonical
from expdiag.model.peers import Peer
from expdiag.rules.dns.asking import families
from expdiag.rules.dns.peers import known_peers
from expdiag.rules.dns.tally import Tally

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


def may_be(record: Record, missing: Collection[Peer]) -> bool:
    """Whether peers that no target names may be listed by other names, of another domain, that nobody asked for."""
    theirs = {canonical(peer.domain.value or "") for peer in missing}
    other_names = [t for t in record.unclear if t.service.target.partition(".")[2] not in theirs]
    return len(other_names) >= len(missing)


def unsettle(tally: Tally, record: Record, missing: Collection[Peer]) -> None:
    """Take that other names may stand for peers, with what settles it."""
    names = [target.service.target for target in record.unclear]
    kinds = dict.fromkeys(kind for peer in missing for kind in families(peer))
    text = f"{record.name} lists {', '.join(names)}; nobody asked whether {fqdns(missing)} is behind that"
    tally.unsettled(text, *(f"{name} {kind}" for name in names for kind in kinds), sources=record.result.sources)
