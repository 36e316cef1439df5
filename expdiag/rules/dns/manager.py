"""Lookups of Cisco TMS and of the external manager."""

from __future__ import annotations

from dataclasses import dataclass

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import FOUND
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, rule, unknown
from expdiag.rules.dns.asking import (
    digs,
    forward,
    is_name,
    reverse_any,
    shows_whole_configuration,
    view_of,
    where_to_fix,
    without_servers,
)
from expdiag.rules.dns.tally import Tally


@dataclass(frozen=True, slots=True)
class _Manager:
    """Cisco TMS as a peer knows it: a name, an address, or both."""

    name: str
    address: str
    sources: tuple[int, ...]


def _tms(cluster: Cluster, peer: Peer) -> _Manager | Verdict:
    """Return Cisco TMS, or why there is nothing to judge; the export comes before what `case.toml` states."""
    configured, stated = peer.settings.value("tms_address"), cluster.facts.tms
    noted = tuple(cluster.facts.sources[key] for key in ("tms.used", "tms.address") if key in cluster.facts.sources)
    if configured.value:
        entries = [configured.value, *([stated.address] if stated.address and not is_name(configured.value) else [])]
        name = next((entry for entry in entries if is_name(entry)), "")
        at = next((entry for entry in entries if not is_name(entry)), "")
        return _Manager(name, at, (*configured.sources, *(noted if name != configured.value else ())))
    if stated.used is False:
        return not_applicable("Cisco TMS is not used", evidence=[*configured.sources, *noted])
    if stated.address:
        name, at = (stated.address, "") if is_name(stated.address) else ("", stated.address)
        return _Manager(name, at, noted)
    if stated.used:
        text = 'note the name of Cisco TMS in case.toml as [tms] address = "…" (System > External manager shows it)'
        return unknown("Cisco TMS is used; its name is not in the evidence", want=[want.fact(text)], evidence=noted)
    if configured.known or shows_whole_configuration(peer):
        return not_applicable(
            "no external manager is configured, so Cisco TMS is not used", evidence=configured.sources
        )
    return unknown(
        "whether Cisco TMS is used is not in the evidence: neither the external manager nor [tms] in case.toml",
        want=[want.export(peer, "tms_address")],
    )


@rule("R30")
def dns_forward_tms(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the name of Cisco TMS.

    Why: the peer reports to Cisco TMS and fetches provisioning data from it by name.
    Passes: the newest answer of the peer's own DNS servers holds an address of a family the peer uses.
    Violates: its servers say that there is no such name or record, refuse, fail or do not answer.
    Unknown: nobody asked the peer's own servers; an answer of another server, or got elsewhere, proves nothing.
    Not applicable: Cisco TMS is not used, or is only known by address;
    no DNS server is configured (R29).
    """
    manager = _tms(cluster, peer)
    if isinstance(manager, Verdict):
        return manager
    if not manager.name:
        return not_applicable(f"Cisco TMS is only known by its address, {manager.address}", evidence=manager.sources)
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(proof=[*manager.sources]), view_of(cluster, peer)
    forward(tally, view, peer, manager.name)
    return tally.verdict(
        f"the DNS servers of {peer} resolve Cisco TMS: {'; '.join(tally.right)}",
        want=digs(peer, "tms", tally),
        at_fault=[peer.name],
        wanted=f"an address of {manager.name}",
        fix=f"add the address record of {manager.name} to {where_to_fix(view, peer)}, or correct the name on {peer} "
        "(System > External manager)",
    )


@rule("R31")
def dns_reverse_tms(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the address of Cisco TMS to its name.

    Why: the clustering requirements ask for reverse lookups of Cisco TMS as well.
    Passes: each address of it leads to its name, to what that is an alias of, or to a name that leads back to the
    address.
    Violates: no PTR record, a PTR record with another name, or no answer of the peer's own servers.
    Unknown: the address is not known, or nobody asked the peer's own servers for it.
    Not applicable: Cisco TMS is not used;
    no DNS server is configured (R29).
    """
    manager = _tms(cluster, peer)
    if isinstance(manager, Verdict):
        return manager
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(proof=[*manager.sources]), view_of(cluster, peer)
    result = view.own.addresses(manager.name) if manager.name else None
    found = result.values if result and result.state == FOUND else ()
    shown = manager.name or manager.address
    for at in dict.fromkeys(found or ([manager.address] if manager.address else [])):
        reverse_any(tally, view, at, shown, (manager.name, *(result.aliases if result else ())), pool=False)
    if not found and not manager.address:
        back = view.own.named(manager.name)
        if back.state == FOUND:
            tally.good(f"a reverse lookup gives {manager.name}", back.sources)
        else:
            asks = (f"{manager.name} A", "-x ADDRESS-OF-TMS")
            why = " (see R30)" if result and result.sources else ""
            tally.unsettled(f"no address of {manager.name} is known to look up{why}", *asks)
    return tally.verdict(
        f"the DNS servers of {peer} resolve the address of Cisco TMS: {'; '.join(tally.right)}",
        want=digs(peer, "tms", tally),
        at_fault=[peer.name],
        wanted=manager.name or "a name",
        fix=f"add a PTR record that gives {shown} to {where_to_fix(view, peer)}",
    )


@rule("R35")
def dns_external_manager(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the external manager, where it is configured by name.

    Why: without its address the peer loses its manager.
    Passes: the newest answer of the peer's own DNS servers holds an address.
    Violates: its servers have no such name or record, refuse, fail or do not answer.
    Unknown: the configured manager is not shown, or nobody asked the peer's own servers.
    Not applicable: no external manager is configured, or it is configured by address;
    no DNS server is configured (R29).
    """
    configured = peer.settings.value("tms_address")
    if not configured.known and not shows_whole_configuration(peer):
        if cluster.facts.tms.used is False:
            noted = cluster.facts.sources.get("tms.used")
            return not_applicable("no Cisco TMS manages this cluster", evidence=[] if noted is None else [noted])
        return unknown("the external manager is not in the evidence", want=[want.export(peer, "tms_address")])
    entry = configured.value or ""
    if not entry:
        return not_applicable("no external manager is configured", evidence=configured.sources)
    if not is_name(entry):
        return not_applicable(f"the external manager is configured by address, {entry}", evidence=configured.sources)
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(proof=[*configured.sources]), view_of(cluster, peer)
    forward(tally, view, peer, entry)
    return tally.verdict(
        f"the DNS servers of {peer} resolve the external manager: {'; '.join(tally.right)}",
        want=digs(peer, "tms", tally),
        at_fault=[peer.name],
        wanted=f"an address of {entry}",
        fix=f"add the address record of {entry} to {where_to_fix(view, peer)}, or correct the name on {peer} "
        "(System > External manager)",
    )


RULES = (dns_forward_tms, dns_reverse_tms, dns_external_manager)
