"""Which interface a peer is clustered on."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import Address
from expdiag.model.network.clustering import Place, Resolution, places, two_interfaces
from expdiag.model.network.routes import subnet
from expdiag.model.peers import Interface, Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

_IP_PAGE = "System > Network interfaces > IP"
_CITE = "Cluster guide X14.3, How to Form a Cluster; Basic Configuration guide X14.0, Advanced Networking Deployments"


@rule("E09")
def not_clustered_on_external_interface(cluster: Cluster, peer: Peer) -> Verdict:
    """A peer with two interfaces is clustered on the internal one.

    Why: the external interface faces the Internet, and static NAT belongs to it; cluster traffic stays inside.
    Passes: no entry of a peer list leads to an address of the interface that is set as External LAN interface.
    Violates: one does; also where External LAN interface was left at LAN 1, its default, on a peer that is clustered on
    LAN 1: then it is this setting that is wrong, because LAN 1 is the one for clustering.
    Unknown: the external interface, the addresses or what the entries lead to is not in the evidence.
    Not applicable: one interface is in use, as on an Expressway-C; or it is not clustered.
    See also: an entry that is the static NAT address in front of the external interface is judged by R10.
    """
    dual = two_interfaces(peer)
    shown = [*peer.dual_interfaces.sources, *peer.external_interface.sources]
    if dual is False:
        return not_applicable("it uses one interface only", evidence=shown)
    if len(cluster.peers) == 1 and peer.listed and not peer.peer_list:
        sources = [source for fact in peer.listed.values() for source in fact.sources]
        return not_applicable("its peer list is empty: this Expressway is not clustered", evidence=sources)
    place = cluster.view(places)[peer.name]
    number = _number(peer.external_interface.value)
    external = next((i for i in peer.interfaces if i.number == number), None)
    if dual is None or external is None:
        missing = "which interface is the external one" if number is None else f"the address of its LAN {number}"
        reason = "whether it uses both interfaces" if dual is None else missing
        return unknown(
            f"{reason} is not in the evidence",
            want=[want.export(peer, "dual_interfaces" if dual is None else "external_interface")],
            evidence=shown,
        )
    led = [(who, entry) for who, entries in place.entries.items() for entry in entries]
    outside = [(who, entry) for who, entry in led if entry.address in external.addresses]
    if outside:
        return _external(cluster, peer, external, outside, shown)
    if not led or any(entry.address is None for _, entry in led):
        names = sorted({entry.entry for _, entry in led if entry.address is None})
        what = f"what {' and '.join(names)} leads to" if names else "an entry of a peer list that is this peer"
        asked = [want.lookup(peer, name) for name in names] or [want.export(peer, "peer_address")]
        return unknown(f"{what} is not in the evidence", want=asked, evidence=shown)
    nat = [entry.entry for _, entry in led if entry.address in peer.nat_addresses]
    note = f"; {nat[0]} is the static NAT address in front of it, see R10" if nat else ""
    found = ", ".join(sorted({str(entry.address) for _, entry in led}))
    return passed(
        f"it is clustered at {found}, no address of its external LAN {number}{note}",
        evidence=[*shown, *(source for _, entry in led for source in entry.sources)],
        measured=found,
    )


def _external(
    cluster: Cluster, peer: Peer, external: Interface, outside: list[tuple[str, Resolution]], shown: list[int]
) -> Verdict:
    who = sorted({name for name, _ in outside})
    at = outside[0][1].address
    evidence = [*shown, *external.ipv4.sources, *(source for _, entry in outside for source in entry.sources)]
    if external.number == 1:
        return violation(
            f"it is clustered at {at} on LAN 1, and External LAN interface is LAN 1, too; LAN 1 is for clustering",
            evidence=evidence,
            at_fault=[peer.name],
            measured="External LAN interface LAN1",
            wanted="LAN2",
            fix=steps(
                f"on {peer}, {_IP_PAGE}: set External LAN interface to LAN2, keep static NAT on LAN 2 only, save",
                f"restart {peer}, while no other peer restarts",
            ),
            cite=_CITE,
        )
    mapped = all(entry.by == "mapping" for _, entry in outside)
    inner = peer.lan.ipv4.value or peer.lan.ipv6.value or "the address of its LAN 1"
    primary = cluster.primary.name if cluster.primary else "the primary"
    first = (
        f"on {primary}, System > Clustering, cluster address mapping: let {outside[0][1].entry} lead to {inner}"
        if mapped
        else f"on {' and '.join(who)}, System > Clustering: replace {outside[0][1].entry} by {inner}, or by a name "
        f"that leads there, one peer after the other, the same on every peer"
    )
    return violation(
        f"it is clustered at {at}, an address of LAN {external.number}, its external interface",
        evidence=evidence,
        at_fault=[primary] if mapped and cluster.primary else who,
        measured=str(at),
        wanted=inner,
        fix=steps(first, f"restart {peer}, wait until its alarms clear, then go on with the next peer"),
        cite=_CITE,
    )


@rule("E10")
def static_nat_off_on_cluster_interface(cluster: Cluster, peer: Peer) -> Verdict:
    """Static NAT is off on the interface a peer is clustered on, and its two subnets do not overlap.

    Why: with static NAT the peer presents another address than the one it is reached at; with overlapping subnets
    packets to peers leave by the wrong interface.
    Passes: static NAT is off on the clustered interface, LAN 1 as a rule, and the subnets of both interfaces in use are
    apart.
    Violates: static NAT is on there, with an address; or the subnets overlap.
    Unknown: the mode is not in the evidence. One interface with static NAT: the Basic Configuration guide (Requirements
    for clustered systems) forbids static NAT where a peer is clustered, while How to Form a Cluster describes a single
    interface with static NAT that is clustered on its private address.
    Not applicable: an Expressway-C of which no export shows static NAT.
    See also: a peer list that leads to the static NAT address itself is judged by R10.
    """
    place, dual = cluster.view(places)[peer.name], two_interfaces(peer)
    interface = place.interface
    mode, at = interface.static_nat_on, interface.static_nat_address
    evidence = [*mode.sources, *(at.sources if mode.value else ())]
    overlap, public = _overlap(peer) if dual else None, at.value or "an address not shown"
    if mode.value and dual is False:
        return unknown(
            f"it has one interface, LAN {interface.number}, with static NAT to {public}; the "
            "Basic Configuration guide (Requirements for clustered systems) forbids static NAT on the interface of the "
            "cluster, How to Form a Cluster (X14.3) allows it where peers use the private address",
            want=[want.support(f"whether {peer} may be clustered on its only interface with static NAT on")],
            evidence=evidence,
        )
    if mode.value:
        return violation(
            f"static NAT is on for LAN {interface.number}, on which it is clustered, to {public}{_also(overlap)}",
            evidence=[*evidence, *(overlap or ((), ()))[1]],
            at_fault=[peer.name],
            measured=at.value or "On",
            wanted="Off",
            fix=steps(
                f"on {peer}, {_IP_PAGE}: set IPv4 static NAT mode of LAN {interface.number} to Off; the public address "
                "belongs to LAN 2, which is then the External LAN interface",
                f"restart {peer}, while no other peer restarts",
            ),
            cite=_CITE,
        )
    if overlap:
        return violation(
            f"the subnets of LAN 1 and LAN 2 overlap: {overlap[0]}",
            evidence=overlap[1],
            at_fault=[peer.name],
            measured=overlap[0],
            wanted="subnets that are apart",
            fix=steps(
                f"on {peer}, {_IP_PAGE}: give LAN 2 an address and mask of another subnet than that of LAN 1, and move "
                "its gateway and static routes along; the clustered address stays",
                f"restart {peer}, while no other peer restarts",
            ),
            cite=_CITE,
        )
    if not mode.known:
        if peer.type.value == "C":
            return not_applicable("no export of this Expressway-C shows static NAT", evidence=peer.type.sources)
        return unknown(
            f"static NAT of LAN {interface.number} is not in the evidence", want=[want.export(peer, "static_nat_mode")]
        )
    return passed(_well(peer, place, dual), evidence=evidence)


def _well(peer: Peer, place: Place, dual: bool | None) -> str:
    other = next((i for i in peer.interfaces if i.number != place.interface.number and i.static_nat_on.value), None)
    public: Address | str | None = other.static_nat_address.value if other and dual else None
    there = f"; it is on for LAN {other.number}, to {public}" if other and public else ""
    return f"static NAT is off on LAN {place.interface.number}, on which it is clustered{there}"


def _also(overlap: tuple[str, tuple[int, ...]] | None) -> str:
    return f"; the subnets of LAN 1 and LAN 2 overlap, too: {overlap[0]}" if overlap else ""


def _overlap(peer: Peer) -> tuple[str, tuple[int, ...]] | None:
    """Return the subnets of the two interfaces and what shows them, where they overlap."""
    found = [(interface, net) for interface in peer.interfaces if (net := subnet(peer, interface))]
    masks = peer.settings.values("ipv4_mask")
    for i, (one, net) in enumerate(found):
        for other, far in found[i + 1 :]:
            if net.overlaps(far):
                sources = (*one.ipv4.sources, *other.ipv4.sources)
                sources += tuple(s for at in (one, other) for s in masks[at.number].sources)
                return f"{net} and {far}", sources
    return None


def _number(name: str | None) -> int | None:
    return {"lan1": 1, "lan2": 2}.get((name or "").replace(" ", "").casefold())


RULES = (not_clustered_on_external_interface, static_nat_off_on_cluster_interface)
