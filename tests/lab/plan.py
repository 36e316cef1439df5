"""What the network is made of, and the truth that follows from it: expectations are worked out from here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address, ip_interface
from itertools import pairwise

import networkx as nx

DOMAIN = "edge.example.net"
CLUSTER = f"cluster.{DOMAIN}"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link: an interface, with addresses of its own or as a port of a bridge."""

    node: str
    interface: str
    addresses: tuple[str, ...] = ()
    bridge: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A wire. Delay and jitter are milliseconds one way, jitter being the most that is added; loss is a share."""

    a: End
    b: End
    delay: float
    jitter: float = 0.0
    loss: float = 0.0
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class Node:
    """A host or router: its routes as `ip route` takes them, its bridges with their addresses."""

    name: str
    routes: tuple[str, ...] = ()
    bridges: dict[str, tuple[str, ...]] = field(default_factory=dict)
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A rule of a router that keeps something out: where, for whom, and what it answers.

    Attributes:
        node: router that holds it.
        what: `tcp 4372`, `udp 53`, `echo`.
        answer: `drop`, `admin-prohibited`, `reset`, or `drop every N` for a lossy path.
        interface: where the packet comes in; empty for any.
        source: address it comes from; empty for any.
        destination: address it goes to; empty for any.
    """

    node: str
    what: str
    answer: str
    interface: str = ""
    source: str = ""
    destination: str = ""

    @property
    def family(self) -> str:
        """Address family of the rule, as nft spells it."""
        return "ip6" if ":" in self.destination or ":" in self.source else "ip"

    @property
    def rule(self) -> str:
        """The rule as nft takes it."""
        icmp = "icmpv6" if self.family == "ip6" else "icmp"
        kind, _, port = self.what.partition(" ")
        words = [
            f"meta nfproto {'ipv6' if self.family == 'ip6' else 'ipv4'}",
            f"iifname {self.interface}" if self.interface else "",
            f"{self.family} saddr {self.source}" if self.source else "",
            f"{self.family} daddr {self.destination}" if self.destination else "",
            f"{icmp} type echo-request" if kind == "echo" else f"{kind} dport {port}",
        ]
        if self.answer.startswith("drop every "):
            words += [f"numgen inc mod {self.answer.removeprefix('drop every ')} 0 counter drop"]
        else:
            answers = {
                "drop": "counter drop",
                "admin-prohibited": f"counter reject with {icmp} type admin-prohibited",
                "reset": "counter reject with tcp reset",
            }
            words.append(answers[self.answer])
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Nat:
    """A router that hides a host: what the host is called outside, and which ports lead to it. Echoes do, too."""

    node: str
    outside: str
    inside: str
    host: str
    ports: tuple[int, ...]

    @property
    def public(self) -> str:
        """The address outside."""
        return own_address(self.node, self.outside)

    @property
    def private(self) -> str:
        """The address inside."""
        return address(self.host)


PEERS = ("e1", "e2", "e3", "e4")
DNS, OUTSIDE = "ns", "out"
CLUSTER_PORTS, SIP_TLS = (4371, 4372), 5061
NOBODY = "10.99.0.9"

# Site A is a LAN with two peers and the resolver, site B a routed one, site C lies behind a NAT and a smaller MTU.
LINKS = (
    Link(End("e1", "eth0", ("10.41.17.21/20", "fd41:a::21/64")), End("ra", "pe1", bridge="lan"), 0.6),
    Link(End("e2", "eth0", ("10.41.19.22/20", "fd41:a::22/64")), End("ra", "pe2", bridge="lan"), 1.4),
    Link(End("ns", "eth0", ("10.41.16.53/20", "fd41:a::53/64")), End("ra", "pns", bridge="lan"), 0.3),
    Link(
        End("e3", "eth0", ("172.22.8.131/25", "fd41:b::3/64")),
        End("rb", "lan", ("172.22.8.129/25", "fd41:b::1/64")),
        0.9,
    ),
    Link(End("e4", "eth0", ("192.168.141.30/26",)), End("nc", "inside", ("192.168.141.1/26",)), 1.2),
    Link(
        End("ra", "core", ("10.41.255.1/31", "fd41:f1::2/64")),
        End("wan", "to-a", ("10.41.255.0/31", "fd41:f1::1/64")),
        6.5,
    ),
    Link(
        End("rb", "core", ("172.22.255.5/31", "fd41:f2::2/64")),
        End("wan", "to-b", ("172.22.255.4/31", "fd41:f2::1/64")),
        16,
    ),
    Link(End("nc", "outside", ("198.51.100.36/29",)), End("wan", "to-c", ("198.51.100.33/29",)), 24.5, mtu=1400),
    Link(
        End("out", "eth0", ("203.0.113.200/24", "2001:db8:99::200/64")),
        End("wan", "internet", ("203.0.113.1/24", "2001:db8:99::1/64")),
        17,
        jitter=1.5,
        loss=0.02,
    ),
)

NODES = (
    Node("e1", ("default via 10.41.16.1", "default via fd41:a::1")),
    Node("e2", ("default via 10.41.16.1", "default via fd41:a::1")),
    Node("ns", ("default via 10.41.16.1", "default via fd41:a::1")),
    Node("e3", ("default via 172.22.8.129", "default via fd41:b::1")),
    Node("e4", ("default via 192.168.141.1",)),
    Node("out", ("default via 203.0.113.1", "default via 2001:db8:99::1")),
    Node(
        "ra",
        ("default via 10.41.255.0", "default via fd41:f1::1"),
        bridges={"lan": ("10.41.16.1/20", "fd41:a::1/64")},
        forwards=True,
    ),
    Node("rb", ("default via 172.22.255.4", "default via fd41:f2::1"), forwards=True),
    Node("nc", ("default via 198.51.100.33",), forwards=True),
    Node(
        "wan",
        (
            "10.41.16.0/20 via 10.41.255.1",
            "fd41:a::/64 via fd41:f1::2",
            "172.22.8.128/25 via 172.22.255.5",
            "fd41:b::/64 via fd41:f2::2",
            "unreachable 10.99.0.0/16",
        ),
        forwards=True,
    ),
)

LOSSY = Block("ra", "echo", "drop every 6", source="10.41.19.22", destination="172.22.8.131")
BLOCKS = (
    Block("rb", "tcp 4372", "drop", destination="172.22.8.131"),
    Block("rb", "udp 53", "drop", destination="172.22.8.131"),
    Block("rb", "tcp 5061", "admin-prohibited", destination="fd41:b::3"),
    Block("wan", "tcp 4371", "admin-prohibited", interface="internet"),
    Block("ra", "tcp 5061", "reset", interface="core", source="203.0.113.200"),
    Block("ra", "echo", "drop", source="203.0.113.200", destination="10.41.19.22"),
    LOSSY,
)
NAT = Nat("nc", "outside", "inside", "e4", (4371, 5061))

EXPIRED, MISNAMED, ONLY_TLS13 = "e2", "e3", "e4"
WRONG_NAME = f"old-edge.{DOMAIN}"


def ends(node: str) -> list[End]:
    """Return the interfaces of a node."""
    return [end for link in LINKS for end in (link.a, link.b) if end.node == node]


def own_address(node: str, interface: str, version: int = 4) -> str:
    """Return the address of an interface, or of the bridge it is a port of."""
    bridges = next(n.bridges for n in NODES if n.name == node)
    (end,) = [end for end in ends(node) if end.interface == interface]
    return _pick(end.addresses or bridges[end.bridge], version)


def address(node: str, version: int = 4) -> str:
    """Return the first address of a host."""
    return _pick(ends(node)[0].addresses, version)


def _pick(addresses: tuple[str, ...], version: int) -> str:
    return next((str(ip_interface(a).ip) for a in addresses if ip_interface(a).version == version), "")


def reached_at(node: str, start: str, version: int = 4) -> str:
    """Return the address one node reaches another at: behind the NAT it has another name."""
    if version == 4 and node == NAT.host and start not in (NAT.host, NAT.node):
        return NAT.public
    return address(node, version)


def node_at(text: str) -> str:
    """Return whose address this is; a public address is that of the host behind it."""
    if text == NAT.public:
        return NAT.host
    every = {str(ip_interface(a).ip): end.node for n in NODES for end in ends(n.name) for a in end.addresses}
    bridged = {str(ip_interface(a).ip): n.name for n in NODES for own in n.bridges.values() for a in own}
    return (every | bridged)[str(ip_address(text))]


@cache
def _graph() -> nx.Graph:
    graph = nx.Graph()
    for link in LINKS:
        graph.add_edge(link.a.node, link.b.node, link=link, delay=link.delay)
    return graph


def _way(start: str, end: str) -> list[str]:
    found: list[str] = nx.shortest_path(_graph(), start, end, weight="delay")
    return found


def _links(start: str, end: str) -> list[Link]:
    return [_graph().edges[step]["link"] for step in pairwise(_way(start, end))]


def round_trip(start: str, end: str) -> float:
    """Return the shortest round trip the wires allow, in ms."""
    return 2 * sum(link.delay for link in _links(start, end))


def jitter(start: str, end: str) -> float:
    """Return the most that jitter adds to a round trip, in ms."""
    return 2 * sum(link.jitter for link in _links(start, end))


def crossings(start: str, end: str) -> int:
    """Return how many wires a round trip crosses."""
    return 2 * len(_links(start, end))


def path_mtu(start: str, end: str) -> int:
    """Return the largest packet the path takes."""
    return min(link.mtu for link in _links(start, end))


def _facing(node: str, neighbour: str) -> End:
    """Return the interface of a node that leads to a neighbour."""
    link: Link = _graph().edges[node, neighbour]["link"]
    return link.a if link.a.node == node else link.b


def nodes(start: str, end: str) -> list[str]:
    """Return the node at each distance, the target last; a bridge is no hop for its own ports."""
    way = _way(start, end)
    triples = zip(way, way[1:], way[2:], strict=False)
    bridged = {here for before, here, after in triples if _bridge(here, before) == _bridge(here, after) != ""}
    return [node for node in way[1:] if node not in bridged]


def _bridge(node: str, neighbour: str) -> str:
    return _facing(node, neighbour).bridge


def hops(start: str, end: str, version: int = 4) -> list[str]:
    """Return who answers at each distance: routers with the address that faces the start, then the target.

    A NAT that is traced from outside answers with the same address as the host behind it.
    """
    way = _way(start, end)
    before = dict(zip(way[1:], way, strict=False))
    routers = [own_address(node, _facing(node, before[node]).interface, version) for node in nodes(start, end)[:-1]]
    return [*routers, reached_at(end, start, version)]


def port_state(start: str, target: str, port: int, transport: str = "tcp") -> tuple[str, str]:
    """Return what a scan of one port has to show, and who said so where it is a router that answers."""
    version = ip_address(target).version
    end = node_at(target)
    for before, node in pairwise(_way(start, end)):
        near = _facing(node, before)
        for block in BLOCKS:
            if block.node == node and _hits(block, near, start, target, f"{transport} {port}", version):
                said = own_address(node, near.interface, version) if block.answer == "admin-prohibited" else ""
                return _state(block, transport), said
    if target == NAT.public and port not in NAT.ports:
        return "refused", ""
    listening = transport == "tcp" and end in PEERS and port in (*CLUSTER_PORTS, SIP_TLS)
    return ("open" if listening else "refused"), ""


def _hits(block: Block, near: End, start: str, target: str, what: str, version: int) -> bool:
    return (
        block.what == what
        and block.family == ("ip6" if version == 6 else "ip")
        and block.interface in ("", near.bridge or near.interface)
        and block.source in ("", address(start, version))
        and block.destination in ("", target)
    )


def _state(block: Block, transport: str) -> str:
    silent = "filtered" if transport == "tcp" else "open-or-filtered"
    return {"drop": silent, "admin-prohibited": "prohibited", "reset": "refused"}[block.answer]
