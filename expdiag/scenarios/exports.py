"""What the exports of a made-up peer say, as leaves of the two trees, and the trees as text and as XML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from expdiag.scenarios import products
from expdiag.scenarios.spec import PeerSpec

Leaf = tuple[str, str]
_NAMESPACE = "http://www.tandberg.no/XML/CUIL/1.0"
_INDEXED = re.compile(r"([A-Za-z][\w-]*)(?: (\d+))?(?: |$)")


def configuration(peer: PeerSpec) -> list[Leaf]:
    """Return the configuration as paths and values."""
    return _overlaid(_configuration(peer), peer.settings)


def _overlaid(leaves: list[Leaf], changes: Mapping[str, str]) -> list[Leaf]:
    """Return leaves in order of their paths, some with other values, some new."""
    return sorted({**dict(leaves), **changes}.items(), key=_in_order) if changes else leaves


def _in_order(leaf: Leaf) -> list[str]:
    return [word.zfill(4) for word in leaf[0].split()]


def _configuration(peer: PeerSpec) -> list[Leaf]:
    return [
        ("Alternates Cluster Name", peer.cluster_name),
        ("Alternates ConfigurationPrimary", str(peer.primary)),
        *((f"Alternates Peer {n} Address", _at(peer.peer_list, n)) for n in range(1, 7)),
        ("Authentication H350 LdapServerAddress", ""),
        ("Authentication H350 Mode", "Off"),
        ("Applications ConferenceFactory Mode", "Off"),
        ("Applications ConferenceFactory Template", ""),
        ("Call Routed Mode", "Optimal"),
        ("CollaborationEdge Enabled", "On"),
        ("CollaborationEdge SsoEnabled", "Off"),
        *((f"DNS Server {n} Address", _at(peer.dns_servers, n)) for n in range(1, 6)),
        *_ethernet(peer, 1, peer.ipv4, peer.ipv6),
        *_ethernet(peer, 2, peer.lan2_ipv4 or "192.168.0.100"),
        ("ExternalManager Address", ""),
        ("H323 Gatekeeper Registration UDP Port", "1719"),
        ("H323 Gatekeeper TimeToLive", "60"),
        ("H323 Mode", peer.h323),
        ("IP DNS Domain Name", peer.domain),
        ("IP DNS Hostname", peer.host_name),
        ("IP Ephemeral PortRange End", "35999"),
        ("IP Ephemeral PortRange Start", "30000"),
        ("IP External Interface", "LAN2" if peer.lan2_ipv4 else "LAN1"),
        ("IP Gateway", peer.ipv4.rpartition(".")[0] + ".1"),
        ("IP RFC4821 Mode", "Disabled"),
        ("IPProtocol", _protocol(peer)),
        ("Login Remote LDAP Server Address", ""),
        ("Management Interface Port", "443"),
        *((f"NTP Server {n} Address", _at(peer.ntp_servers, n)) for n in range(1, 6)),
        *products.keys(peer.option_keys, peer.host_name),
        ("SIP Mode", "On"),
        ("SIP TLS Mode", "On"),
        ("SIP TLS Port", "5061"),
        ("SystemUnit Maintenance Mode", "Off"),
        ("SystemUnit Name", peer.system_name),
        ("TimeZone Name", "GMT"),
        ("Zones DefaultZone SIP TLS Verify Mode", "Off"),
        *products.traversal_zone(peer.traversal_peers),
    ]


def _at(values: tuple[str, ...], place: int) -> str:
    return values[place - 1] if place <= len(values) else ""


def _protocol(peer: PeerSpec) -> str:
    return "Both" if peer.ipv6 else "IPv4"


def _ethernet(peer: PeerSpec, number: int, address: str, ipv6: str = "") -> list[Leaf]:
    nat = peer.static_nat.get(number, "")
    return [
        (f"Ethernet {number} IP V4 Address", address),
        (f"Ethernet {number} IP V4 StaticNAT Address", nat),
        (f"Ethernet {number} IP V4 StaticNAT Mode", "On" if nat else "Off"),
        (f"Ethernet {number} IP V4 SubnetMask", "255.255.255.0"),
        (f"Ethernet {number} IP V6 Address", ipv6),
        (f"Ethernet {number} Speed", "Auto"),
    ]


def status(peer: PeerSpec, now: datetime) -> list[Leaf]:
    """Return the status as paths and values."""
    clock = f"{now:%Y-%m-%d %H:%M:%S}"
    flags = "SystemUnit Software Configuration"
    leaves = [
        ("SystemUnit Product", "TANDBERG VCS"),
        ("SystemUnit Uptime", str(peer.uptime)),
        ("SystemUnit SystemTime", clock),
        ("SystemUnit TimeZone", "GMT"),
        ("SystemUnit LocalTime", clock),
        ("SystemUnit Software Version", peer.version),
        ("SystemUnit Software Build", peer.build),
        ("SystemUnit Software Name", "s42700"),
        (f"{flags} Expressway", str(peer.type == "E")),
        (f"{flags} Encryption", "True"),
        (f"{flags} DualNetworkInterfaces", str(bool(peer.lan2_ipv4))),
        (f"{flags} ExpresswaySeries", "True"),
        ("SystemUnit Hardware Version", peer.hardware),
        ("SystemUnit Hardware SerialNumber", peer.serial),
        ("Ethernet 1 IPv4 Address", peer.ipv4),
        ("Ethernet 1 IPv4 SubnetMask", "255.255.255.0"),
        ("Ethernet 2 IPv4 Address", peer.lan2_ipv4 or "192.168.0.100"),
        ("Ethernet 2 IPv4 SubnetMask", "255.255.255.0"),
        ("IP Protocol", _protocol(peer)),
        ("IP DNS Domain Name", peer.domain),
        *((f"IP DNS Server {n} Address", _at(peer.dns_servers, n)) for n in range(1, 6)),
        ("Fips Mode", peer.fips),
        *products.hardware(peer.hardware, peer.platform),
    ]
    for slot, alarm in enumerate(peer.alarms, start=61):
        leaves += [
            (f"Warnings Warning {slot} ID", alarm.uuid),
            (f"Warnings Warning {slot} Reason", f"{alarm.title} - {alarm.detail}"),
            (f"Warnings Warning {slot} State", "Unacknowledged"),
        ]
    return _overlaid(leaves, peer.state)


def configuration_text(leaves: Iterable[Leaf]) -> str:
    """Return a configuration as `xConfiguration` prints it."""
    return "".join(f'*c xConfiguration {path}: "{value}"\n' for path, value in leaves)


def status_text(leaves: Iterable[Leaf]) -> str:
    """Return a status as `xStatus` prints it: one block per element, two blanks a level."""
    lines: list[str] = []
    open_nodes: list[str] = []
    for path, value in leaves:
        steps = _steps(path)
        nodes = [name if index is None else f"{name} {index}" for name, index in steps]
        if nodes[:1] != open_nodes[:1]:
            if open_nodes:
                lines.append("*s/end\n")
            lines.append(f"*s {nodes[0]}: /\n")
            open_nodes = nodes[:1]
        common = 1
        while common < min(len(nodes) - 1, len(open_nodes)) and nodes[common] == open_nodes[common]:
            common += 1
        for depth in range(common, len(nodes) - 1):
            lines.append(f"{' ' * (3 + 2 * depth)}{nodes[depth]}:\n")
        open_nodes = nodes[:-1] or nodes
        if len(nodes) == 1:
            continue
        shown = value if value.isdigit() else f'"{value}"'
        lines.append(f"{' ' * (3 + 2 * (len(nodes) - 1))}{nodes[-1]}: {shown}\n")
    return "".join([*lines, "*s/end\n\nOK\n"])


def _steps(path: str) -> list[tuple[str, str | None]]:
    return [(name, index or None) for name, index in _INDEXED.findall(path)]


def xml(root: str, leaves: Iterable[Leaf], version: str) -> str:
    """Return a tree as XML, every element with its `item`."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<{root} xmlns="{_NAMESPACE}" product="TANDBERG VCS" version={quoteattr(version)}>\n',
    ]
    open_nodes: list[tuple[str, str | None]] = []
    for path, value in leaves:
        steps = _steps(path)
        common = 0
        while common < min(len(steps) - 1, len(open_nodes)) and steps[common] == open_nodes[common]:
            common += 1
        _close(open_nodes, common, lines)
        for depth in range(common, len(steps) - 1):
            name, index = steps[depth]
            lines.append(f'{"  " * (depth + 1)}<{name} item="{index or 1}">\n')
        open_nodes = steps[:-1]
        name, index = steps[-1]
        lines.append(f'{"  " * len(steps)}<{name} item="{index or 1}">{escape(value)}</{name}>\n')
    _close(open_nodes, 0, lines)
    return "".join([*lines, f"</{root}>\n"])


def _close(open_nodes: list[tuple[str, str | None]], keep: int, lines: list[str]) -> None:
    for depth in range(len(open_nodes) - 1, keep - 1, -1):
        lines.append(f"{'  ' * (depth + 1)}</{open_nodes[depth][0]}>\n")
