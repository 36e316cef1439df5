"""What `dig` prints on every peer of a made-up cluster, and outside of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import datetime

from expdiag.scenarios.spec import ClusterSpec, PeerSpec

Zone = Mapping[tuple[str, str], tuple[str, ...]]
_PUBLIC_SERVER = "198.51.100.53"
_CALLS = {"_sips._tcp": 5061, "_sip._tcp": 5060, "_h323cs._tcp": 1720, "_h323ls._udp": 1719}


def lookups(cluster: ClusterSpec) -> dict[str, str]:
    """Return lookups of all peers from every peer that has a DNS server, and the public view, by path."""
    inside, outside = inner_zone(cluster), outer_zone(cluster)
    files = {
        f"probes/{peer.host_name}/dig.txt": digs(asked_by(peer, cluster), inside, peer.dns_servers[0], cluster.as_of)
        for peer in cluster.peers
        if peer.dns_servers
    }
    if any(peer.type == "E" for peer in cluster.peers):
        asked = [*outside, *((f"_cisco-uds._tcp.{domain}", "SRV") for domain in _domains(cluster))]
        files["probes/outside/dig.txt"] = digs(asked, outside, _PUBLIC_SERVER, cluster.as_of)
    return files


def asked_by(peer: PeerSpec, cluster: ClusterSpec) -> list[tuple[str, str]]:
    """Return what a peer asks: names and addresses of all peers, and the time servers it has by name."""
    asked = [(other.fqdn.lower(), kind) for other in cluster.peers for kind in _addresses(other)]
    asked += [(_pointer(at), "PTR") for other in cluster.peers for at in _addresses(other).values()]
    asked += [(server, "A") for server in peer.ntp_servers if not _is_address(server)]
    return list(dict.fromkeys(asked))


def inner_zone(cluster: ClusterSpec) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what the servers of the peers know: the peers by their LAN 1 addresses, both ways, and time servers."""
    zone: dict[tuple[str, str], tuple[str, ...]] = {}
    for peer in cluster.peers:
        for kind, at in _addresses(peer).items():
            zone[peer.fqdn.lower(), kind] = (at,)
            zone[_pointer(at), "PTR"] = (f"{peer.fqdn.lower()}.",)
    for number, name in enumerate(sorted({s for p in cluster.peers for s in p.ntp_servers if not _is_address(s)})):
        zone[name, "A"] = (f"10.0.1.{123 + number}",)
    return zone


def outer_zone(cluster: ClusterSpec) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what the public sees of an Expressway-E cluster: public addresses, collab-edge and call records."""
    zone: dict[tuple[str, str], tuple[str, ...]] = {}
    for peer in cluster.peers:
        behind_firewall = f"203.0.113.{peer.ipv4.rpartition('.')[2]}" if _is_private(peer.ipv4) else peer.ipv4
        zone[peer.fqdn.lower(), "A"] = (next(iter(peer.static_nat.values()), behind_firewall),)
    for domain in _domains(cluster):
        for service, port in {"_collab-edge._tls": 8443, **_CALLS}.items():
            targets = tuple(f"10 10 {port} {peer.fqdn.lower()}." for peer in cluster.peers)
            zone[f"{service}.{domain}", "SRV"] = tuple(dict.fromkeys(targets))
    return zone


def _domains(cluster: ClusterSpec) -> list[str]:
    return list(dict.fromkeys(peer.domain.lower() for peer in cluster.peers if peer.type == "E"))[:1]


def _addresses(peer: PeerSpec) -> dict[str, str]:
    return {kind: at for kind, at in (("A", peer.ipv4), ("AAAA", peer.ipv6)) if at}


def _pointer(at: str) -> str:
    return ipaddress.ip_address(at).reverse_pointer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_private(text: str) -> bool:
    return text.startswith(("10.", "172.16.", "192.168."))


def digs(asked: Iterable[tuple[str, str]], zone: Zone, server: str, when: datetime) -> str:
    """Return what one run of `dig` prints for some questions, answered by a server out of a zone."""
    return "".join(dig(name, kind, zone, server, when) for name, kind in asked)


def dig(name: str, kind: str, zone: Zone, server: str, when: datetime) -> str:
    """Return what `dig` prints for one question: the answer, or that there is no such name or record."""
    answers = zone.get((name, kind), ())
    exists = any(owner == name for owner, _ in zone)
    status = "NOERROR" if exists else "NXDOMAIN"
    lines = [
        "",
        f"; <<>> DiG 9.16.23 <<>> {name} {kind}",
        ";; global options: +cmd",
        ";; Got answer:",
        f";; ->>HEADER<<- opcode: QUERY, status: {status}, id: {abs(sum(map(ord, name + kind))) % 65536}",
        f";; flags: qr rd ra; QUERY: 1, ANSWER: {len(answers)}, AUTHORITY: 0, ADDITIONAL: 0",
        "",
        ";; QUESTION SECTION:",
        f";{name}.\t\tIN\t{kind}",
        "",
    ]
    if answers:
        lines += [";; ANSWER SECTION:", *(f"{name}.\t300\tIN\t{kind}\t{value}" for value in answers), ""]
    return "\n".join(
        [
            *lines,
            ";; Query time: 2 msec",
            f";; SERVER: {server}#53({server})",
            f";; WHEN: {when:%a %b %d %H:%M:%S} UTC {when:%Y}",
            ";; MSG SIZE  rcvd: 84",
            "",
            "",
        ]
    )
