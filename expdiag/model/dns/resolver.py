"""What names lead to: for each peer its own view, and the view of the public.

A peer asks the cluster address mapping first; a hit there means that DNS is never asked. Otherwise it asks the DNS
servers configured on it. An answer of a server that is not configured on a peer, or one got elsewhere, does not prove
what the peer gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from expdiag import knowledge
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import FOUND, Answer, Result, View, from_message, from_query
from expdiag.model.dns.scope import is_public
from expdiag.model.names import Address, address, canonical
from expdiag.model.peers import Peer
from expdiag.model.versions import release
from expdiag.tables import DnsQuery, DnsRecord

OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class PeerView:
    """DNS as one peer sees it.

    Attributes:
        servers: the DNS servers configured on it; empty where that is not known.
        own: what those servers answered it.
        foreign: what other servers answered it, which does not prove what it gets.
    """

    servers: tuple[str, ...] = ()
    own: View = field(default_factory=View)
    foreign: View = field(default_factory=View)

    @property
    def asks_public_servers(self) -> bool:
        """Whether every server it asks has a public address."""
        return bool(self.servers) and all(is_public(server) for server in self.servers)


@dataclass(frozen=True, slots=True)
class Resolver:
    """All views of a cluster.

    Attributes:
        peers: the view of each peer, by its name.
        public: what is answered beyond the customer's firewall, or by a DNS server with a public address.
    """

    peers: Mapping[str, PeerView]
    public: View

    def of(self, peer: Peer) -> PeerView:
        """Return the view of a peer."""
        return self.peers.get(peer.name, PeerView())


def resolver(cluster: Cluster) -> Resolver:
    """Return the views of a cluster, made once."""
    return cluster.view(_make)


def _make(cluster: Cluster) -> Resolver:
    servers = {peer.name: _servers(peer) for peer in cluster.peers}
    own: dict[str, list[Answer]] = {peer.name: [] for peer in cluster.peers}
    foreign: dict[str, list[Answer]] = {peer.name: [] for peer in cluster.peers}
    public: list[Answer] = []

    def sort(answer: Answer, place: str, name: str | None) -> None:
        if place == OUTSIDE or is_public(answer.server):
            public.append(answer)
        if name is not None:
            known, server = servers[name], address(answer.server)
            theirs = not known or server is None or server.is_loopback or str(server) in known
            (own if theirs else foreign)[name].append(answer)

    places: dict[str, str | None] = {"": None, OUTSIDE: None}
    for query, answers in _probed(cluster):
        place = query.vantage.strip().lower()
        if place and place not in places:
            found = cluster.find(place)
            places[place] = found.name if found else None
        if place:
            for answer in answers:
                sort(answer, place, places[place])
    owners = {str(at): peer.name for peer in cluster.peers for at in peer.addresses}
    for message in cluster.rows.get("dns_messages", ()):
        if (answered := from_message(message)) and message.client in owners:
            sort(answered, "", owners[message.client])
    return Resolver(
        {name: PeerView(servers[name], View(own[name]), View(foreign[name])) for name in servers}, View(public)
    )


def _probed(cluster: Cluster) -> list[tuple[DnsQuery, list[Answer]]]:
    records: dict[int, list[DnsRecord]] = {}
    for record in cluster.rows.get("dns_records", ()):
        records.setdefault(record.query, []).append(record)
    return [(query, from_query(query, records.get(query.source, ()))) for query in cluster.rows.get("dns_queries", ())]


def _servers(peer: Peer) -> tuple[str, ...]:
    """Return the addresses a peer asks; none where its list is not shown or cut."""
    if peer.dns_is_cut:
        return ()
    listed = [fact.value for fact in peer.dns_servers.values() if fact.value]
    of_domains = [fact.value for fact in peer.settings.values("dns_per_domain_server").values() if fact.value]
    return tuple(dict.fromkeys(str(address(text) or text) for text in (*listed, *of_domains) if text))


def has_mapping(peer: Peer) -> bool:
    """Whether the release of a peer has the cluster address mapping; one that is not known may have it."""
    since = release(knowledge.load("dns")["address_mapping"]["since"])
    version = peer.version.value
    return version is None or since is None or version.numbers >= since.numbers


@dataclass(frozen=True, slots=True)
class Reach:
    """Which addresses an entry of a peer list leads a peer to.

    Attributes:
        addresses: where it leads; empty where it leads nowhere or that is not known.
        by: `address`, `mapping` or `dns`.
        result: what DNS says of a name that is not mapped.
        sources: what shows it.
    """

    addresses: tuple[Address, ...]
    by: str
    result: Result | None = None
    sources: tuple[int, ...] = ()


def reach(cluster: Cluster, start: Peer, entry: str) -> Reach:
    """Return where an entry of the peer list of a peer leads it."""
    if at := address(entry):
        return Reach((at,), "address")
    if mapped := mapped_to(cluster, entry):
        return Reach((mapped,), "mapping", sources=mapping_sources(cluster, entry))
    result = resolver(cluster).of(start).own.addresses(entry)
    found = tuple(at for text in result.values if (at := address(text))) if result.state == FOUND else ()
    return Reach(found, "dns", result, result.sources)


def mapped_to(cluster: Cluster, name: str) -> Address | None:
    """Return the address the cluster address mapping gives a name, None where it is not in use or has none."""
    if address(name) is not None or not cluster.view(_uses_mapping):
        return None
    return cluster.directory.mapped(name)


def _uses_mapping(cluster: Cluster) -> bool:
    """Whether the mapping may be in use: the release has it, and no export says that it is off."""
    is_off = any(peer.settings.value("address_mapping_mode").value == "Off" for peer in cluster.peers)
    return not is_off and any(has_mapping(peer) for peer in cluster.peers)


def mapping_sources(cluster: Cluster, name: str = "") -> tuple[int, ...]:
    """Return what shows the mapping of a name, of all names for none."""
    shown = [
        source
        for peer in cluster.peers
        for mapped, fact in peer.address_mapping.items()
        if not name or canonical(mapped) == canonical(name)
        for source in fact.sources
    ]
    stated = cluster.facts.sources.get("cluster.address_mapping")
    return tuple(shown) or (() if stated is None else (stated,))
