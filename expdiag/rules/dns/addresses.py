"""Public and private addresses of an Expressway-E cluster: public DNS, what is clustered on, the address mapping."""

from __future__ import annotations

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import DENIED, FOUND, UNASKED
from expdiag.model.dns.resolver import Reach, has_mapping, mapped_to, mapping_sources, reach, resolver
from expdiag.model.dns.scope import is_private
from expdiag.model.names import Address, address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, rule, steps, unknown, violation
from expdiag.rules.dns.asking import families, is_name
from expdiag.rules.dns.peers import Known, known_peers
from expdiag.rules.dns.tally import Tally

_PAGE = "System > Clustering, cluster address mapping"
_GUIDE = "Cluster Creation and Maintenance Deployment Guide X14.0, Use FQDNs to Form a Cluster"


def only_for_e(peer: Peer) -> Verdict | None:
    """Return why a requirement of Expressway-E does not concern a peer, or why nobody can tell; None where it does."""
    if peer.type.value == "C":
        return not_applicable("an Expressway-C is not in public DNS", evidence=peer.type.sources)
    if not peer.type.known:
        return unknown("whether this is an Expressway-E is not in the evidence", want=[want.field(peer, "type")])
    return None


@rule("R39")
def public_dns_keeps_private_addresses_out(cluster: Cluster, peer: Peer) -> Verdict:
    """Public DNS does not give out private addresses of an Expressway-E peer.

    Why: who comes from outside cannot reach them, so putting them there for the sake of clustering breaks the services.
    Passes: seen from outside, or from a DNS server with a public address, the names of the peer lead to public
    addresses only, or to none.
    Violates: the public view holds a private address (RFC 1918, RFC 6598, RFC 4193, link-local).
    Unknown: nobody asked public DNS; what servers with private addresses say is no public view.
    Not applicable: Expressway-C.
    """
    if verdict := only_for_e(peer):
        return verdict
    tally, known = Tally(), known_peers(cluster)[peer.name]
    public = resolver(cluster).public
    if not known.names:
        tally.unsettled(f"no name of {peer} is in the evidence", wants=[want.export(peer, "host_name")])
    for name in known.names:
        result = public.addresses(name, families(peer))
        every = public.addresses(name)
        private = [value for value in every.values if (at := address(value)) and is_private(at)]
        if private:
            listing = ", ".join(private)
            tally.bad(f"public DNS gives {listing}, which is private, for {name}", every.sources, listing)
        elif result.state == FOUND:
            tally.good(f"{name} is {', '.join(result.values)}", result.sources)
        elif result.state == DENIED:
            tally.good(f"{name} is not there ({result.said})", result.sources)
        elif result.state == UNASKED and name != known.names[0]:
            continue  # a name that only peer lists use
        elif result.state == UNASKED:
            tally.unsettled(f"{name} was not looked up in public DNS", *(f"{name} {kind}" for kind in families(peer)))
        else:
            tally.unsettled(f"{name} in public DNS: {result.said}", f"{name} A", sources=result.sources)
    return tally.verdict(
        f"public DNS gives no private address of {peer}: {'; '.join(tally.right)}",
        want=[want.dig_outside("peers", *dict.fromkeys(tally.questions))],
        at_fault=[peer.name],
        wanted="public addresses only",
        fix=steps(
            f"on the primary: enter every peer with its LAN 1 address into {_PAGE}, so that clustering needs no DNS",
            f"in the public zone: let {known.names[0] if known.names else peer} lead to the public address of {peer}",
        ),
        cite=_GUIDE,
    )


@rule("R40")
def not_clustered_on_public_addresses(cluster: Cluster, peer: Peer) -> Verdict:
    """A peer of an Expressway-E cluster is not clustered on a public address.

    Why: replication would leave the protected network, and static NAT in between breaks it (R10).
    Passes: the entry for this peer in every peer list is, or leads by the address mapping or DNS to, a private address.
    A public address is acceptable where the peer has a single interface without static NAT; so is a global IPv6 address
    of its own LAN 1, because IPv6 knows no static NAT here.
    Violates: an entry leads to the static NAT address of the peer, or to another public address.
    Unknown: an entry is a name, not mapped, and nobody asked the DNS servers of the peer in whose list it stands.
    Not applicable: Expressway-C.
    """
    if verdict := only_for_e(peer):
        return verdict
    tally = Tally()
    listers = list[str]()
    for lister in cluster.peers:
        for fact in lister.listed.values():
            if fact.value and cluster.find(fact.value) is peer:
                where = reach(cluster, lister, fact.value)
                before = len(tally.wrong)
                _judge_reach(tally, peer, lister, fact.value, where, fact.sources)
                listers += [lister.name] if len(tally.wrong) > before else []
    if not (tally.right or tally.wrong or tally.open):
        wanted = [want.export(other, "peer_address") for other in cluster.peers if not other.peer_list]
        return unknown(
            f"no peer list with an entry for {peer} is in the evidence", wanted or [want.export(peer, "peer_address")]
        )
    return tally.verdict(
        f"{peer} is not clustered on a public address: {'; '.join(dict.fromkeys(tally.right))}",
        at_fault=listers,
        wanted=f"a private address, {peer.lan.ipv4.value or 'that of LAN 1'}",
        fix=steps(
            f"on the primary: enter every peer with its LAN 1 address into {_PAGE}",
            "one entry of the peer list at a time, on every peer: put the FQDN in its place, in the same order (System "
            "> Clustering), restart the peer it means, and wait until the alarms are gone before the next",
        ),
        cite=_GUIDE,
    )


def _judge_reach(tally: Tally, peer: Peer, lister: Peer, entry: str, where: Reach, sources: tuple[int, ...]) -> None:
    evidence = [*sources, *where.sources]
    if not where.addresses:
        result = where.result
        if result is not None and result.state == UNASKED:
            text = f"which address {entry} leads {lister} to is not in the evidence"
            kinds = families(peer)
            wanted = want.dig(lister, "peers", *(f"{entry} {kind}" for kind in kinds))
            tally.unsettled(text, sources=evidence, wants=[wanted])
        else:
            tally.good(f"{entry} leads {lister} nowhere (see R32)", evidence)
        return
    through = {"address": "", "mapping": " by the address mapping", "dns": " by DNS"}[where.by]
    for at in where.addresses:
        shown = f"{entry} leads {lister} to {at}{through}" if through else f"the list of {lister} has {at}"
        if behind := peer.nat_addresses.get(at):
            proof = [*evidence, *behind.static_nat_address.sources, *behind.static_nat_on.sources]
            tally.bad(f"{shown}, the static NAT address in front of LAN {behind.number} of {peer}", proof, str(at))
        elif is_private(at):
            tally.good(f"{shown}, which is private", evidence)
        elif _is_acceptable(peer, at):
            tally.good(f"{shown}, its own address without static NAT, which is acceptable", evidence)
        elif not peer.interfaces:
            wants = [want.export(peer, "ipv4")]
            tally.unsettled(
                f"{shown}, which is public; whose it is is not in the evidence", sources=evidence, wants=wants
            )
        else:
            tally.bad(f"{shown}, which is public", evidence, str(at))


def _is_acceptable(peer: Peer, at: Address) -> bool:
    """Whether a public address may be clustered on: IPv6 of its LAN 1, or its one interface without static NAT."""
    if at not in peer.lan.addresses:
        return False
    if at.version == 6:
        return True
    return not peer.nat_addresses and has_second_interface(peer) is False


def has_second_interface(peer: Peer) -> bool | None:
    """Whether a peer uses its second interface; None where the evidence does not tell."""
    if peer.dual_interfaces.known:
        return peer.dual_interfaces.value
    if (peer.external_interface.value or "").upper() == "LAN2":
        return True
    second = next((interface for interface in peer.interfaces if interface.number == 2), None)
    if second is None:
        return False if peer.interfaces else None
    return None if second.addresses else False


@rule("R41", compares=True)
def cluster_address_mapping(cluster: Cluster) -> Verdict:
    """The cluster address mapping leads the names of all Expressway-E peers to their private addresses.

    Why: an Expressway-E mostly asks public DNS, which must not hold private addresses (R39), and must not be clustered
    on public ones (R40). The mapping is asked before DNS, and a hit means that DNS is never asked.
    Passes: the name of each peer in the peer lists is mapped to the address of its LAN 1.
    Violates: with static NAT or two interfaces and names in the peer list the mapping is off or empty under Enforce; it
    lacks a peer; or it leads to another address than LAN 1, such as a public one or another peer's. A stale entry
    overrides correct DNS.
    Unknown: the mapping is not shown; no dump is documented to show it.
    Not applicable: Expressway-C; peer lists of addresses, because the mapping is only used once they hold names; single
    interfaces without static NAT; Permissive without any entry; releases before X8.9.2.
    """
    types = {peer.type.value for peer in cluster.peers}
    if "E" not in types:
        typed = [source for peer in cluster.peers for source in peer.type.sources]
        if None in types:
            wants = [want.field(peer, "type") for peer in cluster.peers if not peer.type.known]
            return unknown("whether this is an Expressway-E cluster is not in the evidence", want=wants)
        return not_applicable("Expressway-C peers should not need a mapping", evidence=typed)
    if not any(has_mapping(peer) for peer in cluster.peers):
        shown = [source for peer in cluster.peers for source in peer.version.sources]
        return not_applicable("this release has no cluster address mapping; it came with X8.9.2", evidence=shown)
    known = known_peers(cluster)
    lists = [source for peer in cluster.peers for fact in peer.listed.values() if fact.value for source in fact.sources]
    if not lists and not any(one.listed for one in known.values()):
        wants = [want.export(peer, "peer_address") for peer in cluster.peers]
        return unknown("no peer list is in the evidence", want=wants)
    entries = [name for one in known.values() for name in one.listed]
    if not entries:
        reason = "the peer lists hold addresses; the mapping is only used once they hold names"
        return not_applicable(reason, evidence=lists)
    if (off := _switched_off(cluster)) or not _entries(cluster):
        return _without_mapping(cluster, off, lists)
    return _judge_mapping(cluster, known, lists)


def _entries(cluster: Cluster) -> dict[str, str]:
    """Return all entries of the mapping, exports before `case.toml`."""
    stated = dict(cluster.facts.cluster.address_mapping or {})
    shown = {n: f.value for peer in cluster.peers for n, f in peer.address_mapping.items() if f.value}
    return {canonical(name): str(at) for name, at in {**stated, **shown}.items()}


def _switched_off(cluster: Cluster) -> tuple[int, ...]:
    """Return what shows that the mapping is off: the mode in an export, or a table stated to be empty."""
    modes = [(peer, peer.settings.value("address_mapping_mode")) for peer in cluster.peers]
    off = tuple(source for _, mode in modes if mode.value == "Off" for source in mode.sources)
    if off:
        return off
    stated = cluster.facts.cluster.address_mapping
    source = cluster.facts.sources.get("cluster.address_mapping")
    return (source,) if stated == {} and source is not None and not _entries(cluster) else ()


def _without_mapping(cluster: Cluster, off: tuple[int, ...], lists: list[int]) -> Verdict:
    """Judge a cluster of names without a mapping."""
    needs = [peer for peer in cluster.peers if peer.nat_addresses or has_second_interface(peer)]
    open_ = [peer for peer in cluster.peers if not peer.interfaces or has_second_interface(peer) is None]
    facts = [peer.tls_mode for peer in cluster.peers if peer.tls_mode.known]
    modes, said = {fact.value for fact in facts}, [source for fact in facts for source in fact.sources]
    if not needs and not open_:
        shown = [source for peer in cluster.peers for source in peer.dual_interfaces.sources]
        return not_applicable("all peers have a single interface without static NAT", evidence=[*shown, *lists])
    if modes == {"Permissive"} and not off:
        return not_applicable(
            "TLS verification is Permissive and no mapping is shown; Enforce needs each name with its LAN 1 address",
            evidence=[*said, *lists],
        )
    if not off:
        wants = [_note_mapping(), *([want.tls_mode()] if not modes else [])]
        return unknown("the cluster address mapping is not in the evidence", want=wants, evidence=lists)
    if not needs:
        wants = [want.export(peer, "ipv4") for peer in open_]
        return unknown("the mapping is off; whether static NAT or a second interface needs it is not known", wants, off)
    if modes == {"Permissive"}:
        return not_applicable(
            "the mapping is off, which Permissive allows; Enforce would need it", evidence=[*off, *said]
        )
    if not modes:
        return unknown("the mapping is off; whether TLS verification is Enforce is not known", [want.tls_mode()], off)
    return violation(
        "the cluster address mapping is off or empty, with names in the peer lists and static NAT or two interfaces on "
        f"{', '.join(peer.name for peer in needs)}",
        evidence=[*off, *lists, *said],
        at_fault=[cluster.primary.name] if cluster.primary else [],
        measured="no entry",
        wanted="an entry for each peer",
        fix=_fix(cluster),
        cite=_GUIDE,
    )


def _note_mapping() -> Want:
    return want.fact(
        f"on the primary: note {_PAGE}, in case.toml as "
        '[cluster] address_mapping = { "FQDN" = "address", … }, or = {} where it is off'
    )


def _fix(cluster: Cluster) -> str:
    pairs = [
        f"{name} {at}"
        for one in known_peers(cluster).values()
        for name in (one.listed or one.names)[:1]
        if (at := one.peer.lan.ipv4.value or one.peer.lan.ipv6.value)
    ]
    return (
        f"on the primary: {_PAGE}, On, with an entry for every peer: {', '.join(pairs) or 'its FQDN and LAN 1 address'}"
    )


def _judge_mapping(cluster: Cluster, known: dict[str, Known], lists: list[int]) -> Verdict:
    tally = Tally(proof=[*mapping_sources(cluster), *lists])
    missing = [name for one in known.values() for name in one.listed if mapped_to(cluster, name) is None]
    if missing:
        tally.bad(
            f"the mapping has no entry for {', '.join(missing)}",
            mapping_sources(cluster),
            f"without {', '.join(missing)}",
        )
    for one in known.values():
        own = one.peer.lan.addresses
        for name in one.listed:
            if at := mapped_to(cluster, name):
                _judge_entry(tally, cluster, one.peer, name, at, own)
    for name in _entries(cluster):
        if not is_name(name):
            tally.note(f"the entry {name} is no name")
        elif cluster.find(name) is None:
            tally.note(f"the entry {name} is of no peer")
    return tally.verdict(
        f"the mapping leads to the LAN 1 of every peer: {'; '.join(tally.right)}",
        at_fault=[cluster.primary.name] if cluster.primary else [],
        wanted="every peer's name with the address of its LAN 1",
        fix=_fix(cluster),
        cite=_GUIDE,
    )


def _judge_entry(tally: Tally, cluster: Cluster, peer: Peer, name: str, at: Address, own: tuple[Address, ...]) -> None:
    sources = [*mapping_sources(cluster, name), *peer.lan.ipv4.sources, *peer.lan.ipv6.sources]
    if at in own:
        tally.good(f"{name} is {at}", sources)
    elif not own:
        wants = [want.export(peer, "ipv4")]
        if is_private(at) or at.version == 6:
            tally.unsettled(
                f"{name} is {at}; the LAN 1 address of {peer} is not in the evidence", sources=sources, wants=wants
            )
        else:
            tally.bad(f"{name} is mapped to {at}, which is public", sources, str(at))
    else:
        other = next((one for one in cluster.peers if at in (*one.addresses, *one.nat_addresses)), None)
        whose = f", an address of {other}" if other else ""
        tally.bad(f"{name} is mapped to {at}{whose}, not to {' or '.join(map(str, own))}", sources, str(at))


RULES = (public_dns_keeps_private_addresses_out, not_clustered_on_public_addresses, cluster_address_mapping)
