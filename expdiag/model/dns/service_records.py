"""SRV records of a cluster: whom each target means, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from expdiag import knowledge
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import FOUND, UNASKED, Result, Service, View
from expdiag.model.dns.scope import is_private
from expdiag.model.names import Address, address, canonical
from expdiag.model.peers import Peer


@dataclass(frozen=True, slots=True)
class Target:
    """One target of a record.

    Attributes:
        peer: the peer it means by name, else by a public address; None where it means none.
        addresses: what DNS says of it, in the view of the record.
    """

    service: Service
    peer: Peer | None
    addresses: Result

    @property
    def is_address(self) -> bool:
        """Whether it is an address, which an SRV record must not have."""
        return address(self.service.target) is not None


@dataclass(frozen=True, slots=True)
class Record:
    """The SRV records of one name in one view.

    Attributes:
        name: owner of the records, `_sips._tcp.example.com`.
        domain: what follows the service in it.
        port: the port the service has by default.
    """

    name: str
    domain: str
    port: int
    result: Result
    targets: tuple[Target, ...]

    @property
    def is_there(self) -> bool:
        """Whether there is any target."""
        return self.result.state == FOUND

    def of(self, peer: Peer) -> tuple[Target, ...]:
        """Return the targets that mean a peer."""
        return tuple(target for target in self.targets if target.peer is peer)

    @property
    def strangers(self) -> tuple[Target, ...]:
        """Targets that mean no peer."""
        return tuple(target for target in self.targets if target.peer is None)

    @property
    def unclear(self) -> tuple[Target, ...]:
        """Targets that mean no peer by name, and nobody asked where they lead."""
        return tuple(t for t in self.strangers if not t.is_address and t.addresses.state == UNASKED)

    def uneven(self, what: str) -> tuple[Target, ...]:
        """Return the targets whose `priority` or `weight` is not what most have; all where there is no majority."""
        values = [getattr(target.service, what) for target in self.targets]
        ranked = Counter(value for value in values if value is not None).most_common(2)
        if len(ranked) < 2:
            return ()
        usual = ranked[0][0] if ranked[0][1] > ranked[1][1] else None
        return tuple(t for t, value in zip(self.targets, values, strict=True) if value is not None and value != usual)


def records(cluster: Cluster, view: View, services: Iterable[dict[str, object]]) -> list[Record]:
    """Return the records of some services that were asked for in a view, each with what came of it."""
    found = []
    for asked in view.names("SRV"):
        for service in services:
            domain = asked.removeprefix(f"{service['name']}.")
            if domain != asked:
                result = view.ask(asked, "SRV")
                targets = tuple(_target(cluster, view, one) for one in result.services)
                found.append(Record(asked, domain, int(str(service["port"])), result, targets))
    return found


def _target(cluster: Cluster, view: View, service: Service) -> Target:
    addresses = view.addresses(service.target)
    peer = cluster.find(service.target)
    if peer is None:
        known = {at: other for other in cluster.peers for at in external_addresses(other)}
        peer = next((known[at] for text in addresses.values if (at := address(text)) in known), None)
    return Target(service, peer, addresses)


def external_addresses(peer: Peer) -> tuple[Address, ...]:
    """Return the addresses the public reaches a peer at: those of static NAT, else public ones of its interfaces."""
    return tuple(peer.nat_addresses) or tuple(at for at in peer.addresses if not is_private(at))


def domains(cluster: Cluster) -> tuple[str, ...]:
    """Return where records of the cluster may stand: the domain of its name, the name itself, the peers' domain."""
    found = []
    for peer in cluster.peers:
        name = canonical(peer.cluster_name.value or "")
        if "." in name:
            found += [name.partition(".")[2], name]
    found += [canonical(peer.domain.value) for peer in cluster.peers if peer.domain.value]
    in_order = sorted(dict.fromkeys(found), key=lambda name: -found.count(name))
    return tuple(name for name in in_order if name)


def call_services() -> list[dict[str, object]]:
    """Return the services of calls: SIP and H.323."""
    return list(knowledge.load("dns")["service_records"]["call_services"])


def edge_service() -> dict[str, object]:
    """Return the service of Mobile and Remote Access."""
    return dict(knowledge.load("dns")["service_records"]["edge"])


def internal_service() -> str:
    """Return the service that must not be seen from outside."""
    return str(knowledge.load("dns")["service_records"]["internal_only"])
