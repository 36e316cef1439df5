"""The network between the peers: addresses, delay, translation."""

from __future__ import annotations

from typing import Any

from expdiag import knowledge
from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.latency import Delay, Limit, delays, limit_for, slowest_of
from expdiag.model.names import Address, address
from expdiag.model.peers import Interface, Peer
from expdiag.rules import want
from expdiag.rules.agreement import names
from expdiag.rules.declare import not_applicable, passed, rule, unknown, violation
from expdiag.rules.sharing import at_fault, shared

_MOVE_CLOSER = (
    "shorten the path between the two peers (compare the hops of a traceroute with the round trip), or place the "
    "far peer nearer; peers that stay apart belong into clusters of their own, joined by neighbor zones"
)


@rule("R05", compares=True)
def ipv4_addresses_distinct(cluster: Cluster) -> Verdict:
    """No IPv4 address is used on two peers, on whatever interface.

    Why: peers are told apart by address; a cloned VM brings its addresses along.
    Passes: all IPv4 addresses in use differ.
    Violates: one address on two peers. LAN 2 does not count where the status says that one interface is in use; nor,
    where nothing says how many are, with the factory address.
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
            evidence=[s for double, owners in doubles.items() for name in owners for s in used[name][double]],
            at_fault=at_fault(cluster, doubles),
            measured=listing,
            wanted="an address of its own for each peer",
            fix=_new_address(cluster, doubles),
        )
    silent = tuple(peer for peer in cluster.peers if not used[peer.name] and not (peer.seen and peer.lan.addresses))
    if silent:
        return unknown(
            f"nothing shows an IPv4 address of {names(silent)}",
            want=[want.export(peer, "ipv4") for peer in silent],
            evidence=evidence,
        )
    return passed("all IPv4 addresses differ", evidence=evidence)


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


@rule("R07")
def round_trip_delay(cluster: Cluster, one: Peer, other: Peer) -> Verdict:
    """The round trip between two peers is within the supported delay.

    Why: the shared database waits for its peers; over the limit it parts, and calls fail with it.
    Passes: the 95th percentile of the slowest run either way is within the limit of the peers' release: 80 ms
    from X12.6 on, 30 ms up to X8.5; in between the sources do not say, so up to 30 ms passes.
    Violates: it is over the limit.
    Unknown: no run with at least four answers; or there are only summaries, and the shortest and longest round trip
    of one lie on two sides of the limit. Beside a run that shows every answer a summary's longest one does not count.
    """
    limit = limit_for((one.version.value, other.version.value))
    measured = delays(cluster.paths.between(one.name, other.name))
    if not measured:
        return _not_measured(cluster, one, other)
    evidence = [source for delay in measured for source in delay.sources]
    slowest = slowest_of(measured)
    compared: dict[str, Any] = {"measured": _rounded(slowest.high), "wanted": limit.upto, "unit": "ms"}
    slow = [delay for delay in measured if delay.low > limit.beyond]
    if slow:
        return violation(
            f"{_rounded(slow[0].low):g} ms from {slow[0].run.vantage} to {slow[0].run.target} "
            f"({slow[0].method}) is over the limit of {limit.beyond:g} ms",
            evidence=evidence,
            at_fault=_far_peer(cluster, one, other, limit),
            fix=_MOVE_CLOSER,
            **compared | {"measured": _rounded(slow[0].low), "wanted": limit.beyond},
        )
    if slowest.high > limit.upto:
        return unknown(_between(slowest, limit), want=_longer_pings(one, other), evidence=evidence, **compared)
    near = knowledge.load("limits")["probes"]["near_limit"] * limit.upto
    note = "; close to the limit" if slowest.high > near else ""
    return passed(
        f"{_rounded(slowest.high):g} ms at most{note} ({slowest.method}, the slowest of {len(measured)} runs)"
        f"{_silent_runs(cluster, one, other)}",
        evidence=evidence,
        **compared,
    )


@rule("R08")
def one_way_hop(cluster: Cluster, one: Peer, other: Peer) -> Verdict:
    """The delay between two peers, one way, is within half the supported round trip.

    Why: the guide gives the limit both ways round; 40 ms here is one direction, not one router.
    Passes: the round trip is within the one-way limit, so each direction is; or half the round trip is, and the
    reason says that both directions were taken to be alike.
    Violates: the round trip is over twice the limit, so one direction is over it whichever way it is shared out.
    Unknown: no round trip was measured. Clocks that agree to a millisecond at both ends would be needed for more.
    """
    limit = limit_for((one.version.value, other.version.value))
    measured = delays(cluster.paths.between(one.name, other.name))
    if not measured:
        return _not_measured(cluster, one, other)
    evidence = [source for delay in measured for source in delay.sources]
    slowest = slowest_of(measured)
    half = _rounded(slowest.high / 2)
    compared: dict[str, Any] = {"measured": half, "wanted": limit.one_way, "unit": "ms"}
    slow = [delay for delay in measured if delay.low > 2 * limit.one_way]
    if slow:
        return violation(
            f"a round trip of {_rounded(slow[0].low):g} ms leaves at least {_rounded(slow[0].low / 2):g} ms for one "
            f"direction, over the limit of {limit.one_way:g} ms",
            evidence=evidence,
            at_fault=_far_peer(cluster, one, other, limit),
            fix=_MOVE_CLOSER,
            **compared | {"measured": _rounded(slow[0].low / 2)},
        )
    if slowest.high > limit.upto:
        return unknown(_between(slowest, limit), want=_longer_pings(one, other), evidence=evidence, **compared)
    if slowest.high <= limit.one_way:
        reason = f"the whole round trip of {_rounded(slowest.high):g} ms is within the one-way limit"
    else:
        reason = f"half of the round trip, {half:g} ms, taking both directions to be alike"
    return passed(reason, evidence=evidence, **compared)


def _not_measured(cluster: Cluster, one: Peer, other: Peer) -> Verdict:
    runs = cluster.paths.between(one.name, other.name)
    answered = sum(run.answered for run in runs)
    sent = sum(run.sent or 0 for run in runs)
    reason = (
        f"only {answered} of {sent} probes between them were answered, too few to judge"
        if runs
        else "no round trip between them was measured"
    )
    return unknown(reason, want=[want.ping(one, other)], evidence=[run.source for run in runs])


def _silent_runs(cluster: Cluster, one: Peer, other: Peer) -> str:
    silent = [run for run in cluster.paths.between(one.name, other.name) if run.answered == 0]
    return f"; {len(silent)} more run(s) got no answer at all" if silent else ""


def _between(delay: Delay, limit: Limit) -> str:
    if delay.low < delay.high:
        return (
            f"the summary gives {delay.low:g} to {delay.high:g} ms, on both sides of the limit of {limit.upto:g} ms, "
            "and not how many were slow"
        )
    return (
        f"{_rounded(delay.high):g} ms lies between {limit.upto:g} and {limit.beyond:g} ms, where the sources do not "
        f"say what this release supports ({limit.cite})"
    )


def _longer_pings(one: Peer, other: Peer) -> list[str]:
    return [want.ping(one, other), want.ping(other, one)]


def _far_peer(cluster: Cluster, one: Peer, other: Peer, limit: Limit) -> tuple[str, ...]:
    """Return the peer that is far from more than one, else the one that is not the primary."""

    def far_from(peer: Peer) -> int:
        return sum(
            1
            for third in cluster.peers
            if any(delay.low > limit.beyond for delay in delays(cluster.paths.between(peer.name, third.name)))
        )

    if far_from(one) != far_from(other):
        return (max((one, other), key=far_from).name,)
    if cluster.primary in (one, other):
        return ((other if cluster.primary is one else one).name,)
    return ()


def _rounded(milliseconds: float) -> float:
    return round(milliseconds, 3)


@rule("R10")
def no_nat_between_peers(cluster: Cluster, start: Peer, end: Peer) -> Verdict:
    """A peer reaches another at the address that stands on the other's own interface.

    Why: peers identify each other by address; translation on the way makes the presented and the expected one
    differ.
    Passes: the entry for the other peer in this one's peer list, or what the address mapping makes of it, is an
    address of the other peer's interfaces.
    Violates: it is the public address that static NAT puts in front of the other peer.
    Unknown: no entry for it, or a name whose address here only DNS can tell.
    """
    entries = [
        (entry, fact.sources) for fact in start.listed.values() if (entry := fact.value) and cluster.find(entry) is end
    ]
    if not entries:
        wanted = [want.export(peer, "peer_address") for peer in (start, end) if not peer.seen] or [
            want.export(start, "peer_address")
        ]
        return unknown(f"the peer list of {start} shows no entry that is known to be {end}", want=wanted)
    entry, sources = entries[0]
    mapping = cluster.facts.sources.get("cluster.address_mapping")
    found = cluster.address_of(entry)
    if found is None:
        return unknown(
            f"{start} reaches {end} as {entry}; which address that gives is not in the evidence",
            want=[want.lookup(start, entry)],
            evidence=sources,
        )
    evidence = [*sources, *([mapping] if mapping is not None and address(entry) is None else [])]
    return _judge_address(cluster, start, end, entry, found, evidence)


def _judge_address(
    cluster: Cluster, start: Peer, end: Peer, entry: str, found: Address, evidence: list[int]
) -> Verdict:
    if behind := end.nat_addresses.get(found):
        own = end.lan.ipv4.value or "the address of its LAN 1"
        return violation(
            f"{start} is set to reach {end} at {found}, the static NAT address in front of its LAN {behind.number}",
            evidence=[*evidence, *behind.static_nat_address.sources, *behind.static_nat_on.sources],
            at_fault=[start.name],
            measured=str(found),
            wanted=own,
            fix=f"on {start}, replace {entry} in the peer list by {_right_entry(cluster, end, found, own)} "
            f"(System > Clustering), save and restart {start}; keep static NAT on LAN 2 and cluster on LAN 1",
        )
    for interface in end.interfaces:
        if found in interface.addresses:
            proof = interface.ipv4.sources if found.version == 4 else interface.ipv6.sources
            through = "" if str(found) == entry else f" (by way of {entry})"
            return passed(
                f"{start} is set to reach {end} at {found}{through}, the address on its LAN {interface.number}",
                evidence=[*evidence, *proof],
                measured=str(found),
                wanted=str(found),
            )
    other = cluster.find(str(found))
    whose = f"the address of {other}" if other else f"an address nothing shows {end} to have"
    return unknown(
        f"{start} is led by {entry} to {found}, {whose}",
        want=[want.export(end, "ipv4")],
        evidence=evidence,
    )


def _right_entry(cluster: Cluster, end: Peer, wrong: Address, own: str) -> str:
    """Return what the entry for a peer should be: what other lists have, a name rather than an address."""
    others = [
        entry
        for peer in (cluster.primary, *cluster.peers)
        if peer is not None
        for entry in peer.peer_list
        if cluster.find(entry) is end and cluster.address_of(entry) != wrong
    ]
    names_first = sorted(dict.fromkeys(others), key=lambda entry: address(entry) is not None)
    if names_first:
        return f"{names_first[0]}, as the other peers have it"
    if end.fqdn.value:
        return f"{end.fqdn.value}, with a cluster address mapping to {own}, the same on every peer"
    return f"{own}, the same on every peer"


RULES = (ipv4_addresses_distinct, round_trip_delay, one_way_hop, no_nat_between_peers)
