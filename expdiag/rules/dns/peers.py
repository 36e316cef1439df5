"""Lookups of the peers themselves: every name and every address, from every peer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from expdiag.findings import Verdict
from expdiag.model.certificates.called import meant_name
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import FOUND, UNASKED, Result
from expdiag.model.dns.resolver import PeerView, mapped_to, mapping_sources
from expdiag.model.dns.scope import is_private, is_public
from expdiag.model.names import Address, address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import rule
from expdiag.rules.dns.asking import digs, families, is_name, note_foreign, view_of, where_to_fix, without_servers
from expdiag.rules.dns.tally import Tally

_REVERSE_ALARMS = (25030, 25031)
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w:])", re.I
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a peer by name and address.

    Attributes:
        names: its FQDN, and the names peer lists have for it. Where its domain departs from that of the others (R17)
            and nobody asked for its FQDN, the name it would have in their domain stands in for that.
        listed: whether the peer lists have it by name.
        clustered: the addresses the cluster uses for it: those of its LAN 1, else of the mapping, and of the lists.
        others: its other addresses: of LAN 2, and static NAT ones.
        sources: what shows the names and addresses.
    """

    peer: Peer
    names: tuple[str, ...]
    listed: tuple[str, ...]
    clustered: tuple[Address, ...]
    others: tuple[Address, ...]
    sources: tuple[int, ...]


def known_peers(cluster: Cluster) -> dict[str, Known]:
    """Return what is known of each peer, made once."""
    return cluster.view(_known_peers)


def _known_peers(cluster: Cluster) -> dict[str, Known]:
    entries: dict[str, dict[str, tuple[int, ...]]] = {peer.name: {} for peer in cluster.peers}
    for lister in cluster.peers:
        for fact in lister.listed.values():
            if fact.value and (meant := cluster.find(fact.value)):
                entries[meant.name].setdefault(fact.value, fact.sources)
    return {peer.name: _known(cluster, peer, entries[peer.name]) for peer in cluster.peers}


def _known(cluster: Cluster, peer: Peer, entries: dict[str, tuple[int, ...]]) -> Known:
    aliases = [alias for alias in peer.aliases if not peer.seen and ("." in alias or ":" in alias)]
    listed = tuple(dict.fromkeys(canonical(entry) for entry in (*entries, *aliases) if is_name(entry)))
    full_name = peer.fqdn.value
    if (meant := meant_name(cluster, peer)) and full_name not in cluster.view(_asked):
        full_name = meant
    names = tuple(dict.fromkeys((*([full_name] if full_name else []), *listed)))
    mapped = [at for name in names if not peer.lan.addresses and (at := mapped_to(cluster, name))]
    nat = set(peer.nat_addresses)
    by_address = [at for entry in (*entries, *aliases) if (at := address(entry)) and at not in nat]
    clustered = tuple(dict.fromkeys((*peer.lan.addresses, *mapped, *by_address)))
    others = tuple(at for at in (*peer.addresses, *peer.nat_addresses) if at not in clustered)
    sources = (*peer.fqdn.sources, *peer.lan.ipv4.sources, *(s for found in entries.values() for s in found))
    return Known(peer, names, listed, clustered, others, sources)


def _asked(cluster: Cluster) -> set[str]:
    """Return every name anybody looked up."""
    return {canonical(query.name) for query in cluster.rows["dns_queries"]}


@rule("R32")
def dns_forward_peers(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the names of all peers, itself included.

    Why: a peer list of names works only as long as each peer resolves them, and so does much besides clustering.
    Passes: the newest answer for each FQDN, and each name in the peer list, is the address the cluster uses for that
    peer. Where the cluster address mapping has the name, DNS is not asked for clustering: another address is said and
    does no harm. So is a public address of an Expressway-E; where it is clustered on by this name, R40 judges it.
    Violates: an address that is not that peer's, no such name or record, or no answer of the peer's own servers. A
    name DNS does not have at all breaks this even where it is mapped.
    Unknown: nobody asked the peer's own servers, or the addresses of a peer are not in the evidence. The log record
    "forced peer update of peers which failed DNS" is written by a routine every five minutes and proves no failure.
    Not applicable: no DNS server is configured (R29).
    """
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(), view_of(cluster, peer)
    for other in known_peers(cluster).values():
        if not other.names:
            tally.unsettled(f"no name of {other.peer} is in the evidence", wants=[want.export(other.peer, "host_name")])
        for name in other.names:
            types = families(other.peer)
            result = view.own.addresses(name, types)
            wanted = " or ".join(map(str, other.clustered))
            if tally.take(name, result, *(f"{name} {kind}" for kind in types), wanted=wanted):
                _judge_forward(tally, cluster, other, name, result)
            elif result.state == UNASKED:
                note_foreign(tally, view, name, view.foreign.addresses(name, types))
    return tally.verdict(
        f"the DNS servers of {peer} resolve all peers: {'; '.join(tally.right)}",
        want=digs(peer, "peers", tally),
        at_fault=[peer.name],
        wanted="the address each peer is clustered on",
        fix=f"correct the address records of the peers on {where_to_fix(view, peer)}: "
        f"{_should_be(known_peers(cluster))}",
    )


def _should_be(known: dict[str, Known]) -> str:
    pairs = [(other.names[0], other.clustered[0]) for other in known.values() if other.names and other.clustered]
    return ", ".join(f"{name} {at}" for name, at in pairs) or "one for each peer"


def _judge_forward(tally: Tally, cluster: Cluster, other: Known, name: str, result: Result) -> None:
    found = {at for value in result.values if (at := address(value))}
    mapped = mapped_to(cluster, name) if name in other.listed else None
    shown = f"{name} is {', '.join(result.values)}"
    wrong = found - set(other.clustered) - set(other.others)
    if mapped and found != {mapped}:
        tally.note(
            f"DNS gives {', '.join(result.values)} for {name}, but the cluster address mapping leads to {mapped} "
            "and DNS is not asked for clustering",
            mapping_sources(cluster, name),
        )
        tally.good(shown, result.sources)
    elif not wrong:
        if away := found - set(other.clustered):
            judged = " (see R40)" if name in other.listed and not mapped else ""
            tally.note(f"{', '.join(map(str, sorted(away, key=str)))} is not the LAN 1 of {other.peer}{judged}")
        tally.good(shown, result.sources)
    elif not other.clustered:
        wants = [want.export(other.peer, "ipv4")]
        tally.unsettled(
            f"{shown}, but no address of {other.peer} is in the evidence", sources=result.sources, wants=wants
        )
    elif name not in other.listed and other.peer.type.value == "E" and all(map(is_public, map(str, wrong))):
        tally.note(f"{', '.join(map(str, wrong))} may be a public address of {other.peer} that no export shows")
        tally.good(shown, result.sources)
    else:
        wanted = " or ".join(map(str, other.clustered))
        tally.bad(
            f"{name} leads to {', '.join(result.values)} instead of {wanted}",
            [*result.sources, *other.sources],
            ", ".join(result.values),
            wanted,
        )


@rule("R33")
def dns_reverse_peers(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the addresses of all peers to exactly their names.

    Why: services behind the peers, MRA above all, verify an address by its PTR record.
    Passes: the address each peer is clustered on leads to its FQDN and to no other name. A peer that asks public
    servers only cannot get a private address resolved there; then the public address its name leads to counts.
    Violates: no PTR record, another name, more names than one, no answer of the peer's own servers; or alarm 25030
    (reverse lookup failed) or 25031 (name not in the certificate) is up for an address of this cluster.
    Unknown: nobody asked the peer's own servers, or names or addresses of a peer are not in the evidence.
    Not applicable: no DNS server is configured (R29).
    """
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(), view_of(cluster, peer)
    for other in known_peers(cluster).values():
        if not other.clustered:
            text = f"no address of {other.peer} is in the evidence"
            tally.unsettled(text, wants=[want.export(other.peer, "ipv4")])
        for at in other.clustered:
            if str(at) not in _shadowed(other):
                _judge_reverse(tally, view, other, at)
    _take_alarms(tally, cluster, peer)
    return tally.verdict(
        f"the DNS servers of {peer} resolve the addresses of all peers: {'; '.join(tally.right)}",
        want=digs(peer, "peers", tally),
        at_fault=[peer.name],
        wanted="exactly the FQDN of each peer",
        fix=f"correct the PTR records on {where_to_fix(view, peer)}, one for each address: "
        f"{_should_be(known_peers(cluster))}",
        cite="Administrator Guide X15.0, alarms 25030 and 25031",
    )


def _shadowed(other: Known) -> set[str]:
    """Return addresses the cluster does not use after all: of a family the lists and the mapping leave out."""
    used = {at for at in other.clustered if at not in other.peer.lan.addresses}
    versions = {(other.peer.ip_version.value or "").lower()} & {"ipv4", "ipv6"}
    if versions and not used:
        version = 4 if "ipv4" in versions else 6
        return {str(at) for at in other.clustered if at.version != version}
    return set()


def _judge_reverse(tally: Tally, view: PeerView, other: Known, at: Address) -> None:
    result = view.own.reverse(str(at))
    if view.asks_public_servers and is_private(at) and result.state != FOUND and other.names:
        _judge_public_reverse(tally, view, other, at)
    elif tally.take(f"reverse lookup of {at} ({other.peer})", result, f"-x {at}", wanted=", ".join(other.names[:1])):
        _judge_names(tally, other, str(at), result)
    elif result.state == UNASKED:
        note_foreign(tally, view, str(at), view.foreign.reverse(str(at)))


def _judge_public_reverse(tally: Tally, view: PeerView, other: Known, at: Address) -> None:
    """Judge the public address of a peer where only public servers are asked, which know no private ones."""
    public = [value for name in other.names for value in view.own.addresses(name).values if is_public(value)]
    public += [str(nat) for nat in other.peer.nat_addresses]
    text = f"{at} of {other.peer} is private and no matter of the public servers of this peer"
    if not public:
        tally.unsettled(f"{text}; no public address of it is known", f"{other.names[0]} A", "-x ITS-PUBLIC-ADDRESS")
        return
    tally.note(text)
    for value in dict.fromkeys(public):
        result = view.own.reverse(value)
        if tally.take(f"reverse lookup of {value} ({other.peer})", result, f"-x {value}"):
            _judge_names(tally, other, value, result)


def _judge_names(tally: Tally, other: Known, at: str, result: Result) -> None:
    listing = ", ".join(result.values)
    if not other.names:
        wants = [want.export(other.peer, "host_name")]
        text = f"{at} is {listing}, but no name of {other.peer} is in the evidence"
        tally.unsettled(text, sources=result.sources, wants=wants)
    elif set(result.values) <= set(other.names):
        tally.good(f"{at} is {listing}", result.sources)
    else:
        more = ", more than its FQDN" if set(result.values) & set(other.names) else f", not {other.names[0]}"
        tally.bad(
            f"the reverse lookup of {at} gives {listing}{more}",
            [*result.sources, *other.sources],
            listing,
            other.names[0],
        )


def _take_alarms(tally: Tally, cluster: Cluster, peer: Peer) -> None:
    """Take the alarms about reverse lookups; one that names an address of another system is only said."""
    ours = {at for other in cluster.peers for at in (*other.addresses, *other.nat_addresses)}
    for number in _REVERSE_ALARMS:
        for alarm in peer.raised(number):
            words = f"alarm {number} is up: {alarm.detail or alarm.title}"
            named = {at for text in _ADDRESS.findall(alarm.detail) if (at := address(text))}
            if named & ours or (not named and peer.type.value == "E"):
                tally.bad(words, [alarm.source], f"alarm {number}")
            else:
                tally.note(words, [alarm.source])


RULES = (dns_forward_peers, dns_reverse_peers)
