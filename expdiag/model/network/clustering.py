"""Where a peer is clustered: interface, address and IP version; and which interfaces it uses at all."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from expdiag import knowledge
from expdiag.model.cluster import Cluster
from expdiag.model.gathering.membership import MOST_PEERS
from expdiag.model.names import Address, address, canonical
from expdiag.model.peers import Interface, Peer

IP_VERSIONS = {"ipv4": (4,), "ipv6": (6,), "both": (4, 6)}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an entry of a peer list leads to on one peer, how, and what shows it.

    Attributes:
        by: `address`, `mapping`, `DNS` or `log`; empty where nothing tells.
    """

    entry: str
    address: Address | None
    by: str = ""
    sources: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer takes part in the cluster.

    Attributes:
        addresses: what the peer lists lead to; its LAN 1 where they tell nothing.
        interface: the interface that has one of them, LAN 1 where none does.
        versions: IP versions the cluster uses for it.
        sends_from: addresses its packets to peers may come from: those of the clustered interface and of LAN 1.
        reached_at: addresses at which a try of it counts: what the lists lead to, and those of both.
        own: all addresses that mean it: of its interfaces, of static NAT, of the lists.
        entries: the entries of all peer lists that mean it, by whose list it is.
    """

    addresses: tuple[Address, ...]
    interface: Interface
    versions: tuple[int, ...]
    sends_from: tuple[Address, ...]
    reached_at: frozenset[Address]
    own: frozenset[Address]
    entries: Mapping[str, tuple[Resolution, ...]] = field(default_factory=dict)


def places(cluster: Cluster) -> dict[str, Place]:
    """Return by peer where it is clustered; a view."""
    looked_up = cluster.view(_dns_answers)
    entries: dict[str, dict[str, list[Resolution]]] = {peer.name: {} for peer in cluster.peers}
    for peer in cluster.peers:
        for number, fact in peer.listed.items():
            if fact.value and (end := cluster.find(fact.value)):
                found = _resolve(cluster, peer, fact.value, number, fact.sources, looked_up)
                entries[end.name].setdefault(peer.name, []).append(found)
    return {peer.name: _place(cluster, peer, entries[peer.name]) for peer in cluster.peers}


def _place(cluster: Cluster, peer: Peer, entries: Mapping[str, list[Resolution]]) -> Place:
    led = [found.address for of_one in entries.values() for found in of_one if found.address]
    led += [at for alias in peer.aliases if not peer.seen and (at := cluster.address_of(alias))]
    addresses = tuple(dict.fromkeys(led)) or peer.lan.addresses
    own = frozenset((*peer.addresses, *peer.nat_addresses, *addresses))
    interface = next((i for i in peer.interfaces if set(i.addresses) & set(addresses)), peer.lan)
    versions = tuple(sorted({at.version for at in addresses})) or (4,)
    near = dict.fromkeys((*interface.addresses, *peer.lan.addresses))
    sends_from = tuple(at for at in near if at.version in versions) or addresses
    reached_at = frozenset((*addresses, *near))
    return Place(
        addresses,
        interface,
        versions,
        sends_from,
        reached_at,
        own,
        {who: tuple(of_one) for who, of_one in entries.items()},
    )


def _resolve(
    cluster: Cluster,
    start: Peer,
    entry: str,
    number: int,
    sources: tuple[int, ...],
    looked_up: Mapping[tuple[str, str], tuple[Address, int]],
) -> Resolution:
    """Return what an entry leads to: itself, the address mapping, what the peer's own resolver says, what it logged."""
    if at := address(entry):
        return Resolution(entry, at, "address", sources)
    if at := cluster.directory.mapped(entry):
        return Resolution(entry, at, "mapping", (*sources, *_mapping_sources(cluster, entry)))
    if known := looked_up.get((start.name, canonical(entry))):
        return Resolution(entry, known[0], "DNS", (*sources, known[1]))
    logged = start.replicated.get(number)
    if logged and logged.value and (at := address(logged.value)):
        return Resolution(entry, at, "log", (*sources, *logged.sources))
    return Resolution(entry, None, "", sources)


def _mapping_sources(cluster: Cluster, entry: str) -> tuple[int, ...]:
    key = canonical(entry)
    for peer in cluster.peers:
        for name, fact in peer.address_mapping.items():
            if canonical(name) == key:
                return fact.sources
    stated = cluster.facts.sources.get("cluster.address_mapping")
    return () if stated is None else (stated,)


def _dns_answers(cluster: Cluster) -> dict[tuple[str, str], tuple[Address, int]]:
    """Return by peer and name the address its own resolver gave, the first where there are several."""
    queries = {row.source: row for row in cluster.rows["dns_queries"] if row.type in ("A", "AAAA", "")}
    found: dict[tuple[str, str], tuple[Address, int]] = {}
    for record in cluster.rows["dns_records"]:
        query = queries.get(record.query)
        if query is None or record.type not in ("A", "AAAA") or record.section != "answer" or not query.vantage:
            continue
        asker, at = cluster.find(query.vantage), address(record.value)
        if asker and at:
            found.setdefault((asker.name, canonical(query.name or record.name)), (at, record.source))
    return found


def two_interfaces(peer: Peer) -> bool | None:
    """Return whether a peer uses both interfaces; None where nothing tells."""
    if peer.dual_interfaces.known:
        return peer.dual_interfaces.value
    if (peer.external_interface.value or "").upper() == "LAN2":
        return True
    second = next((i for i in peer.interfaces if i.number != 1), None)
    factory = address(knowledge.load("limits")["factory"]["ipv4"])
    if second is None or all(at == factory for at in second.addresses):
        return False if peer.seen and peer.interfaces else None
    return None


def in_use(peer: Peer) -> tuple[Interface, ...]:
    """Return the interfaces a peer uses; the second counts where nothing says that it is not used."""
    return tuple(i for i in peer.interfaces if i.number == 1 or two_interfaces(peer) is not False) or (peer.lan,)


def versions_of(peer: Peer) -> tuple[int, ...]:
    """Return the IP versions a peer has on: as set, else those of its addresses."""
    if peer.ip_protocol.value and peer.ip_protocol.value.casefold() in IP_VERSIONS:
        return IP_VERSIONS[peer.ip_protocol.value.casefold()]
    return tuple(sorted({at.version for at in peer.addresses})) or (4,)


_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)


def is_private(at: Address) -> bool:
    """Whether the Internet does not route an address; addresses set aside for documentation stand for public ones."""
    return any(at.version == network.version and at in network for network in _PRIVATE)


def of_hidden_address(cluster: Cluster) -> tuple[Peer, ...]:
    """Return the peers of which no address is known, or, without exports, only public ones: NAT may be in front."""
    known = cluster.view(places)
    return tuple(
        peer
        for peer in cluster.peers
        if (not peer.seen and not any(map(is_private, known[peer.name].own))) or not known[peer.name].addresses
    )


def may_be_elsewhere(cluster: Cluster) -> int:
    """Return how many addresses may be those of peers without being known: all a list may hold where none is shown."""
    unplaced = len(of_hidden_address(cluster))
    return unplaced if cluster.shows_a_list else max(unplaced, MOST_PEERS - len(cluster.peers))
