"""Address translation between the peers."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import Address, address
from expdiag.model.network.clustering import Resolution, places
from expdiag.model.network.translation import Crossing, crossings
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import passed, rule, steps, unknown, violation


@rule("R10")
def no_nat_between_peers(cluster: Cluster, start: Peer, end: Peer) -> Verdict:
    """A peer reaches another at the address that stands on the other's own interface, and as itself.

    Why: peers identify each other by address; translation on the way makes the presented and the expected one
    differ.
    Passes: the entry for the other peer in this one's peer list leads to an address of the other peer's interfaces: by
    itself, by the cluster address mapping, which is asked before DNS, by what this peer's own resolver answered, or as
    its log says it was looked up; and no capture shows another address at the other end. Captures at both ends that
    show the same addresses are enough by themselves.
    Violates: the entry leads to the public address that static NAT puts in front of the other peer; or a connection
    known by its sequence numbers has another address or port at the other end, or is made from or to such an address.
    Unknown: no entry for it, or a name of which nothing tells the address here.
    See also: E10 for static NAT on the clustered interface, E09 for the external interface, R40 for public addresses
    without NAT. TMSs, phones and other systems may be behind NAT; this is only about peers.
    """
    seen = cluster.view(crossings).get((start.name, end.name), [])
    entries = cluster.view(places)[end.name].entries.get(start.name, ())
    if changed := [crossing for crossing in seen if crossing.translated]:
        return _translated(start, end, changed, entries)
    kept = [crossing for crossing in seen if not crossing.translated]
    if not entries or entries[0].address is None:
        if kept:
            return passed(
                f"nothing is translated: {kept[0].words}, with addresses of their own interfaces",
                evidence=[source for crossing in kept for source in crossing.sources],
            )
        return _not_led(start, end, entries)
    return _judge_address(cluster, start, end, entries[0], kept)


def _not_led(start: Peer, end: Peer, entries: tuple[Resolution, ...]) -> Verdict:
    if entries:
        return unknown(
            f"{start} reaches {end} as {entries[0].entry}; which address that gives is not in the evidence",
            want=[want.lookup(start, entries[0].entry)],
            evidence=entries[0].sources,
        )
    wanted = [want.export(peer, "peer_address") for peer in (start, end) if not peer.seen] or [
        want.export(start, "peer_address")
    ]
    return unknown(f"the peer list of {start} shows no entry that is known to be {end}", want=wanted)


def _translated(start: Peer, end: Peer, changed: list[Crossing], entries: tuple[Resolution, ...]) -> Verdict:
    by, led = changed[0].by, entries[0].address if entries else None
    page, ends = "System > Network interfaces > IP", f"{want.target(start)} and {want.target(end)}"
    at_fault = (by,) if by else ()
    if by == end.name and led in end.nat_addresses:
        at_fault = (start.name,)
        first = f"on {start}, System > Clustering: replace {entries[0].entry} in the peer list by a name that the "
        first += f"address mapping leads to {want.target(end)}, or by that address; the same on every peer"
    elif by:
        first = (
            f"on {by}, {page}: switch static NAT off on the interface it is clustered on, keep it on the other one, "
        )
        first += "and restart it"
    else:
        first = f"on the router or firewall between {start} and {end}: exempt traffic between {ends} from translation"
    return violation(
        f"addresses are translated between them: {changed[0].words}"
        + (f"; it is the static NAT of {by}" if by else "; a device between them does it"),
        evidence=[
            *(source for crossing in changed for source in crossing.sources),
            *(source for entry in entries for source in entry.sources),
        ],
        at_fault=at_fault,
        measured=changed[0].words,
        wanted="the addresses of their own interfaces",
        fix=steps(first, f"take captures on {start} and {end} again: both must show the same addresses"),
        cite="Cluster guide X14.3, Clustering Requirements; Basic Configuration guide X14.0, Advanced Networking",
    )


def _judge_address(cluster: Cluster, start: Peer, end: Peer, led: Resolution, kept: list[Crossing]) -> Verdict:
    entry, found = led.entry, led.address
    assert found is not None
    evidence = [*led.sources, *(source for crossing in kept for source in crossing.sources)]
    seen = "; captures show it so" if kept else ""
    if behind := end.nat_addresses.get(found):
        own = end.lan.ipv4.value or "the address of its LAN 1"
        return violation(
            f"{start} is set to reach {end} at {found}{_by(led)}, the static NAT address in front of its LAN "
            f"{behind.number}",
            evidence=[*evidence, *behind.static_nat_address.sources, *behind.static_nat_on.sources],
            at_fault=[start.name],
            measured=str(found),
            wanted=own,
            fix=_mapping_fix(cluster, entry, own)
            if led.by == "mapping"
            else f"on {start}, replace {entry} in the peer list by {_right_entry(cluster, end, found, own)} "
            f"(System > Clustering), save and restart {start}; keep static NAT on LAN 2 and cluster on LAN 1",
        )
    for interface in end.interfaces:
        if found in interface.addresses:
            proof = interface.ipv4.sources if found.version == 4 else interface.ipv6.sources
            return passed(
                f"{start} is set to reach {end} at {found}{_by(led)}, the address on its LAN {interface.number}{seen}",
                evidence=[*evidence, *proof],
                measured=str(found),
                wanted=str(found),
            )
    other = cluster.find(str(found))
    whose = f"the address of {other}" if other else f"an address nothing shows {end} to have"
    return unknown(
        f"{start} is led by {entry} to {found}{_by(led)}, {whose}",
        want=[want.export(end, "ipv4")],
        evidence=evidence,
    )


def _by(led: Resolution) -> str:
    """Return how an entry leads to its address."""
    if led.by == "address":
        return ""
    how = {"DNS": "as its own resolver answers", "log": "as its log looked it up"}.get(led.by)
    return f" (by way of {led.entry}{f', {how}' if how else ''})"


def _mapping_fix(cluster: Cluster, entry: str, own: str) -> str:
    where = f"on {cluster.primary}, the primary" if cluster.primary else "on the primary"
    return (
        f"{where}: let the cluster address mapping lead {entry} to {own} (System > Clustering), which reaches the "
        "other peers without a restart; keep static NAT on LAN 2 and cluster on LAN 1"
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


RULES = (no_nat_between_peers,)
