"""What a sound network gives: firewall rules of the peers, ports tried between them, and ports tried from outside."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable

from expdiag.scenarios.spec import ClusterSpec, PeerSpec

CLUSTER_PORTS = (4371, 4372)
RAS_PORT = 1719
REST_RULES = "provisioning/common/firewallrules/configuration.json"


def evidence(cluster: ClusterSpec) -> dict[str, str]:
    """Return the files by path in the case folder."""
    return {**rules(cluster), **between(cluster), **outside(cluster)}


def rules(cluster: ClusterSpec) -> dict[str, str]:
    """Return the firewall rules of every peer as its REST API answers them: peers allowed, then everybody dropped.

    They are the same on all peers, because no source tells whether they replicate. Peers whose exports are left out are
    allowed, too, as far as the address mapping knows them. Peers without a host name of their own have none: nothing
    would tell whose they are.
    """
    shown = {peer.fqdn for peer in cluster.peers}
    absent = [address for name, address in cluster.mapping.items() if name not in shown]
    known = [at for peer in cluster.peers for at in (peer.ipv4, peer.ipv6) if at]
    return {
        f"rest/{peer.host_name}/{REST_RULES}": rest_rules([*known, *absent])
        for peer in cluster.peers
        if _label(peer, cluster) == peer.host_name
    }


def _label(peer: PeerSpec, cluster: ClusterSpec) -> str:
    """Return what a folder calls a peer: its host name, its address where that would mean another, too, or is empty."""
    alone = sum(1 for other in cluster.peers if other.host_name == peer.host_name) == 1
    return peer.host_name if peer.host_name and alone else peer.ipv4


def rest_rules(allowed: Iterable[str], *, first: int = 20, drop: int = 50000) -> str:
    """Return rules that allow some addresses from a priority on, and a drop of everybody at another."""
    records = [_rule(first + n, address, None, "Allow") for n, address in enumerate(allowed)]
    records += [_rule(drop, "0.0.0.0", 0, "Drop"), _rule(drop + 1, "::", 0, "Drop")]
    return json.dumps([{"Index": n, **record} for n, record in enumerate(records, start=1)], indent=1) + "\n"


def _rule(priority: int, address: str, length: int | None, action: str) -> dict[str, object]:
    whole = ipaddress.ip_address(address).max_prefixlen
    return {
        "Priority": priority,
        "Address": address,
        "PrefixLength": whole if length is None else length,
        "Interface": "",
        "Service": "Custom",
        "Transport": "TCP",
        "StartPort": CLUSTER_PORTS[0],
        "EndPort": CLUSTER_PORTS[-1],
        "Action": action,
    }


def between(cluster: ClusterSpec) -> dict[str, str]:
    """Return what nc prints on every peer for the clustering ports of every other."""
    return {
        f"probes/{_label(start, cluster)}/ports-{_label(end, cluster)}.txt": tried(start, end.ipv4)
        for start in cluster.peers
        for end in cluster.peers
        if start is not end
    }


def tried(start: PeerSpec, address: str, **states: str) -> str:
    """Return a session of nc; `states` says what a port gives, such as `p4371="filtered"`."""
    lines = []
    for transport, port in (*(("tcp", port) for port in CLUSTER_PORTS), ("udp", RAS_PORT)):
        options = "-zvu" if transport == "udp" else "-zv"
        lines.append(f"[root@{start.host_name or start.ipv4} ~]# nc {options} -w 5 {address} {port}")
        state = states.get(f"p{port}", "open")
        if state == "open":
            lines.append(f"Connection to {address} {port} port [{transport}/*] succeeded!")
        else:
            words = {
                "filtered": "timed out: Operation now in progress",
                "refused": "failed: Connection refused",
                "unreachable": "failed: No route to host",
            }[state]
            lines.append(f"nc: connect to {address} port {port} ({transport}) {words}")
    return "\n".join([*lines, ""])


def outside(cluster: ClusterSpec) -> dict[str, str]:
    """Return what nmap prints beyond the firewall for the public address of every peer that has one."""
    return {
        f"probes/outside/ports-{_label(peer, cluster)}.txt": "".join(map(scan, peer.static_nat.values()))
        for peer in cluster.peers
        if peer.static_nat
    }


def scan(address: str, *states: str) -> str:
    """Return a scan by nmap of the clustering ports; without `states` they are all filtered."""
    said = states or ("filtered",) * len(CLUSTER_PORTS)
    reasons = {"filtered": "no-response", "open": "syn-ack ttl 52", "closed": "reset ttl 52"}
    lines = [
        f"$ nmap -Pn -n --reason -p {','.join(map(str, CLUSTER_PORTS))} {address}",
        "Starting Nmap 7.93 ( https://nmap.org ) at 2026-05-01 11:30 UTC",
        f"Nmap scan report for {address}",
        "Host is up, received user-set (0.012s latency).",
        "",
        "PORT     STATE    SERVICE     REASON",
    ]
    for port, service, state in zip(CLUSTER_PORTS, ("l2c-control", "l2c-data"), said, strict=True):
        lines.append(f"{port}/tcp {state:8} {service:11} {reasons[state]}")
    return "\n".join([*lines, "", "Nmap done: 1 IP address (1 host up) scanned in 2.04 seconds", ""])
