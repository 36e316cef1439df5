"""By which interface and gateway a peer would send packets to an address, as it is configured."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from expdiag.model.names import Address, address
from expdiag.model.network.clustering import in_use
from expdiag.model.peers import Interface, Peer


@dataclass(frozen=True, slots=True)
class Route:
    """The way out.

    Attributes:
        how: `subnet` (on an interface's own subnet), `static`, `default`, or empty where nothing leads there.
        interface: number of the interface; None where that is not known.
    """

    how: str
    interface: int | None
    gateway: Address | None
    sources: tuple[int, ...] = ()


def subnet(peer: Peer, interface: Interface) -> ipaddress.IPv4Network | None:
    """Return the IPv4 subnet of an interface, None where address or mask is not known."""
    mask = peer.settings.values("ipv4_mask").get(interface.number)
    if not interface.ipv4.value or mask is None or not mask.value:
        return None
    try:
        return ipaddress.IPv4Network(f"{interface.ipv4.value}/{mask.value}", strict=False)
    except ValueError:
        return None


def route(peer: Peer, to: Address) -> Route | None:
    """Return how a peer sends packets to an IPv4 address; None where its subnets or gateway are not known."""
    subnets = {i.number: net for i in in_use(peer) if (net := subnet(peer, i))}
    if to.version != 4 or not subnets:
        return None
    for number, net in subnets.items():
        if to in net:
            return Route("subnet", number, None)
    lengths, gateways = peer.settings.values("route_length"), peer.settings.values("route_gateway")
    fitting = []
    for number, fact in peer.settings.values("route_address").items():
        length, gateway = lengths.get(number), gateways.get(number)
        try:
            net = ipaddress.IPv4Network(f"{fact.value}/{length.value if length and length.value else 32}", strict=False)
        except ValueError:
            continue
        if to in net:
            by = address(gateway.value) if gateway and gateway.value else None
            fitting.append((net.prefixlen, Route("static", _leads_to(by, subnets), by, fact.sources)))
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    default = peer.settings.value("gateway")
    by = address(default.value) if default.value else None
    if default.value is None:
        return None
    return Route("default" if by else "", _leads_to(by, subnets), by, default.sources)


def _leads_to(gateway: Address | None, subnets: dict[int, ipaddress.IPv4Network]) -> int | None:
    return next((number for number, net in subnets.items() if gateway is not None and gateway in net), None)
