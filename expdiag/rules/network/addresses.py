"""Addresses of the peers' own interfaces."""

from __future__ import annotations

from expdiag import knowledge
from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import address
from expdiag.model.peers import Interface, Peer
from expdiag.rules import want
from expdiag.rules.agreement import names
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation
from expdiag.rules.sharing import at_fault, shared

INVALID_LIST_ALARM, INVALID_ADDRESS_ALARM = 20003, 20005


@rule("R05", compares=True)
def ipv4_addresses_distinct(cluster: Cluster) -> Verdict:
    """No IPv4 address is used on two peers, on whatever interface.

    Why: peers are told apart by address; a cloned VM brings its addresses along.
    Passes: all IPv4 addresses in use differ.
    Violates: one address on two peers. LAN 2 does not count where the status says that one interface is in use; nor,
    where nothing says how many are, with the factory address. Or alarm 20005 is up, which calls a peer address
    invalid, or 20003, which says that addresses are missing or used twice, on a peer that finds itself in its list; on
    another one 20003 speaks of that, which is E04.
    Unknown: a peer's IPv4 address is not in the evidence.
    Not applicable: a cluster of one, or one that uses IPv6 only.
    """
    protocols = {peer.ip_protocol.value.casefold() for peer in cluster.peers if peer.ip_protocol.value}
    if protocols == {"ipv6"}:
        return not_applicable(
            "the cluster uses IPv6 only", evidence=[s for p in cluster.peers for s in p.ip_protocol.sources]
        )
    used = {
        peer.name: {
            str(found): interface.ipv4.sources
            for interface in _interfaces_in_use(peer)
            for found in interface.addresses
            if found.version == 4
        }
        for peer in cluster.peers
    }
    evidence = [source for found in used.values() for sources in found.values() for source in sources]
    if doubles := shared(used):
        listing = "; ".join(f"{double} on {', '.join(owners)}" for double, owners in doubles.items())
        return violation(
            f"an IPv4 address is used twice: {listing}",
            evidence=[
                *(s for double, owners in doubles.items() for name in owners for s in used[name][double]),
                *_alarms(cluster, INVALID_LIST_ALARM, INVALID_ADDRESS_ALARM),
            ],
            at_fault=at_fault(cluster, doubles),
            measured=listing,
            wanted="an address of its own for each peer",
            fix=_new_address(cluster, doubles),
        )
    if told := _reported(cluster):
        return _violated_by_alarm(cluster, told, evidence)
    silent = tuple(peer for peer in cluster.peers if not used[peer.name] and not (peer.seen and peer.lan.addresses))
    if silent:
        return unknown(
            f"nothing shows an IPv4 address of {names(silent)}",
            want=[want.export(peer, "ipv4") for peer in silent],
            evidence=evidence,
        )
    others = [peer.name for peer in cluster.peers if peer.raised(INVALID_LIST_ALARM)]
    note = f"; alarm 20003 on {', '.join(others)}: its own address is not in its list, see E04" if others else ""
    return passed(f"all IPv4 addresses differ{note}", evidence=[*evidence, *_alarms(cluster, INVALID_LIST_ALARM)])


def _alarms(cluster: Cluster, *numbers: int) -> list[int]:
    return [alarm.source for peer in cluster.peers for number in numbers for alarm in peer.raised(number)]


def _reported(cluster: Cluster) -> dict[str, list[int]]:
    """Return the numbers of the alarms that speak of addresses, by peer; 20003 not where E04 explains it."""
    told: dict[str, list[int]] = {}
    for peer in cluster.peers:
        listed = any(cluster.find(entry) is peer for entry in peer.peer_list)
        if peer.raised(INVALID_ADDRESS_ALARM):
            told.setdefault(peer.name, []).append(INVALID_ADDRESS_ALARM)
        if peer.raised(INVALID_LIST_ALARM) and (listed or not peer.listed):
            told.setdefault(peer.name, []).append(INVALID_LIST_ALARM)
    return told


def _violated_by_alarm(cluster: Cluster, told: dict[str, list[int]], evidence: list[int]) -> Verdict:
    meaning = {
        INVALID_ADDRESS_ALARM: "one of its peer addresses is invalid",
        INVALID_LIST_ALARM: "peer addresses are missing or used twice",
    }
    said = "; ".join(
        f"alarm {number} on {name}: {meaning[number]}" for name, numbers in told.items() for number in numbers
    )
    lists = [s for peer in cluster.peers if peer.name in told for fact in peer.listed.values() for s in fact.sources]
    return violation(
        f"{said}; the interface addresses in the evidence all differ, so it is the peer list, or what "
        "its names lead to",
        evidence=[*_alarms(cluster, INVALID_ADDRESS_ALARM, INVALID_LIST_ALARM), *lists, *evidence],
        at_fault=told,
        measured=said,
        wanted="no alarm 20003 or 20005",
        fix=steps(
            f"on {' and '.join(sorted(told))}: compare every Peer field with the addresses of LAN 1 of the "
            "peers, and look "
            "up each name there (System > Clustering; Maintenance > Tools > Network utilities > DNS lookup)",
            "correct the entry on every peer alike, save, and wait until the alarm is lowered; do not clear all peer "
            "fields, which resets the peer to factory settings",
        ),
        cite="Administrator Guide X15.0, Alarms Reference, 20003 and 20005",
    )


def _new_address(cluster: Cluster, doubles: dict[str, tuple[str, ...]]) -> str:
    """Return what to change: another address of LAN 2 is a small step, another one of LAN 1 takes the peer out."""
    peers = {peer.name: peer for peer in cluster.peers}
    on_lan1 = [d for d, owners in doubles.items() if any(address(d) in peers[name].lan.addresses for name in owners)]
    who_changes = " and ".join(at_fault(cluster, doubles)) or "one of these peers"
    if not on_lan1:
        return (
            f"on {who_changes}, change {' and '.join(doubles)} on LAN 2 (System > Network interfaces > IP) and "
            "restart; the clustered address stays"
        )
    return (
        f"give {who_changes} another address than {' and '.join(on_lan1)} on LAN 1, on which it is clustered: take it "
        "out of the cluster (clearing all its peer fields resets it to factory settings at the next restart, "
        "certificate and trust store included, so back up first), change the address (System > Network interfaces > "
        "IP), add it again"
    )


def _interfaces_in_use(peer: Peer) -> list[Interface]:
    factory = address(knowledge.load("limits")["factory"]["ipv4"])
    in_use = peer.dual_interfaces.value
    if in_use is None and peer.external_interface.value == "LAN2":
        in_use = True
    return [
        interface
        for interface in peer.interfaces
        if interface.number == 1 or in_use or (in_use is None and address(interface.ipv4.value or "") != factory)
    ]


_NO_IPV6_ALARM, _NO_IPV6_GATEWAY_ALARM = 25014, 25013


@rule("R06", compares=True)
def ipv6_addresses_distinct(cluster: Cluster) -> Verdict:
    """Where IPv6 is on, each peer has an IPv6 address of its own.

    Why: peers are told apart by address; a cloned VM brings its addresses along.
    Passes: every peer on which IPv6 is on has an IPv6 address, and all of them differ.
    Violates: one address on two peers, on whatever interface in use; or IPv6 is on (IP protocol IPv6 or Both) on a peer
    that has no IPv6 address, as alarm 25014 says, too. A missing gateway (25013) is only said: peers of one
    subnet need none.
    Unknown: the IP protocol or the address of a peer is not in the evidence.
    Not applicable: IPv4 alone is on, on all peers; or a cluster of one.
    """
    protocols = {peer.name: (peer.ip_protocol.value or "").casefold() for peer in cluster.peers}
    shown = [source for peer in cluster.peers for source in peer.ip_protocol.sources]
    if set(protocols.values()) == {"ipv4"}:
        return not_applicable("IP protocol is IPv4 on all peers", evidence=shown)
    used = {
        peer.name: {
            str(found): interface.ipv6.sources
            for interface in _interfaces_in_use(peer)
            for found in interface.addresses
            if found.version == 6 and protocols[peer.name] != "ipv4"
        }
        for peer in cluster.peers
    }
    evidence = [*shown, *(source for found in used.values() for sources in found.values() for source in sources)]
    doubles = shared(used)
    alarms = {peer.name: peer.raised(_NO_IPV6_ALARM) for peer in cluster.peers if peer.raised(_NO_IPV6_ALARM)}
    without = [
        peer.name
        for peer in cluster.peers
        if protocols[peer.name] in ("ipv6", "both") and not used[peer.name] and _is_empty(peer)
    ]
    if doubles or without or alarms:
        return _ipv6_wrong(cluster, used, doubles, sorted({*without, *alarms}), evidence)
    silent = tuple(p for p in cluster.peers if not used[p.name] and protocols[p.name] != "ipv4")
    if silent:
        return unknown(
            f"whether {names(silent)} has IPv6 on, and which address, is not in the evidence",
            want=[want.export(peer, "ip_protocol" if not protocols[peer.name] else "ipv6") for peer in silent],
            evidence=evidence,
        )
    lame = [f"alarm 25013 on {p}: no IPv6 gateway" for p in cluster.peers if p.raised(_NO_IPV6_GATEWAY_ALARM)]
    some = sorted(name for name, protocol in protocols.items() if protocol == "ipv4")
    lame += [f"IP protocol is IPv4 on {', '.join(some)}, which should be the same on all peers"] if some else []
    return passed("; ".join(["all IPv6 addresses differ", *lame]), evidence=evidence)


def _is_empty(peer: Peer) -> bool:
    """Whether an export shows that the peer has no IPv6 address, and not merely fails to show one."""
    return any(fact.value == "" for fact in peer.settings.values("ipv6").values())


def _ipv6_sources(peer: Peer) -> tuple[int, ...]:
    return tuple(source for fact in peer.settings.values("ipv6").values() for source in fact.sources)


def _ipv6_wrong(
    cluster: Cluster,
    used: dict[str, dict[str, tuple[int, ...]]],
    doubles: dict[str, tuple[str, ...]],
    without: list[str],
    evidence: list[int],
) -> Verdict:
    peers = {peer.name: peer for peer in cluster.peers}
    parts = [f"{double} on {', '.join(owners)}" for double, owners in doubles.items()]
    parts += [f"no IPv6 address on {name}, where IPv6 is on" for name in without]
    proof = [s for double, owners in doubles.items() for name in owners for s in used[name][double]]
    proof += [s for name in without for s in (*peers[name].ip_protocol.sources, *_ipv6_sources(peers[name]))]
    proof += [alarm.source for name in without for alarm in peers[name].raised(_NO_IPV6_ALARM)]
    fixes = [_new_address(cluster, doubles)] if doubles else []
    fixes += [
        f"on {name}, enter an IPv6 address and gateway (System > Network interfaces > IP) and restart it; or set IP "
        "protocol to IPv4 on the primary where the cluster needs no IPv6"
        for name in without
    ]
    return violation(
        f"IPv6: {'; '.join(parts)}",
        evidence=proof or evidence,
        at_fault={*at_fault(cluster, doubles), *without},
        measured="; ".join(parts),
        wanted="an address of its own for each peer",
        fix=fixes[0] if len(fixes) == 1 else steps(*fixes),
    )


RULES = (ipv4_addresses_distinct, ipv6_addresses_distinct)
