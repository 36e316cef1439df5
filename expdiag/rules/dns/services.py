"""Lookups of what a peer uses besides: time servers, the Microsoft front end, LDAP directories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from expdiag import knowledge
from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import FOUND, UNASKED
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

_TIME_ALARMS = (25002, 25020, 25021)
_INTEROPERABILITY_KEY = "116341C"


@rule("R34")
def dns_ntp_servers(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the NTP servers that are configured by name.

    Why: peers whose clocks part cannot verify certificates, and replication stops.
    Passes: each name leads to an address.
    Violates: the peer's own servers have no such name or record, refuse, fail or do not answer.
    Unknown: the NTP servers are not shown, or nobody asked the peer's own servers. An alarm about the time says that
    something is wrong, but not that it is DNS.
    Not applicable: no NTP server is configured by name;
    no DNS server is configured (R29).
    """
    listed = [fact for fact in peer.settings.values("ntp_server").values() if fact.value]
    if not listed and not peer.settings.values("ntp_server") and not shows_whole_configuration(peer):
        return unknown("the NTP servers are not in the evidence", want=[want.export(peer, "ntp_server")])
    sources = [source for fact in listed for source in fact.sources]
    names = [fact.value for fact in listed if fact.value and is_name(fact.value)]
    if not names:
        shown = f"all by address: {', '.join(str(fact.value) for fact in listed)}" if listed else "none (see E07)"
        return not_applicable(f"no NTP server is configured by name, {shown}", evidence=sources)
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(proof=sources), view_of(cluster, peer)
    for name in dict.fromkeys(names):
        forward(tally, view, peer, name)
    for number in _TIME_ALARMS:
        for alarm in peer.raised(number):
            tally.note(f"alarm {number} is up: {alarm.title}", [alarm.source])
    return tally.verdict(
        f"the DNS servers of {peer} resolve its NTP servers: {'; '.join(tally.right)}",
        want=digs(peer, "ntp", tally),
        at_fault=[peer.name],
        wanted="an address of each NTP server",
        fix=f"add the address records to {where_to_fix(view, peer)}, or on {peer} enter NTP servers that exist "
        "(System > Time)",
    )


@rule("R36")
def dns_microsoft_fe_server(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the Microsoft front-end server.

    Why: the interoperability service and the neighbor zone to Lync or Skype for Business reach it by name.
    Passes: each name a zone with Microsoft encryption, or the interoperability service, points to leads to an address.
    Violates: the peer's own servers have no such name or record, refuse, fail or do not answer.
    Unknown: interoperability is in use, or its option key is there, but no export shows the server; or nobody asked.
    Not applicable: no Microsoft interoperability, or the server is configured by address;
    no DNS server is configured (R29).
    """
    stated = cluster.facts.services.microsoft_interop
    noted = cluster.facts.sources.get("services.microsoft_interop")
    sources = [] if noted is None else [noted]
    servers = dict(microsoft_servers(peer))
    if not servers and stated is False:
        return not_applicable("no Microsoft interoperability", evidence=sources)
    if not servers:
        keys = [
            f for f in peer.settings.values("option_key").values() if (f.value or "").startswith(_INTEROPERABILITY_KEY)
        ]
        if stated is None and not keys and shows_whole_configuration(peer):
            return not_applicable("no zone of its configuration leads to a Microsoft server, and case.toml states none")
        reasons = ["[services] microsoft_interop in case.toml says so"] if stated else []
        reasons += ["the option key for it is there"] if keys else []
        why = (
            f"Microsoft interoperability may be in use ({' and '.join(reasons) or 'no configuration shows otherwise'})"
        )
        text = (
            "note in case.toml, [services] microsoft_interop, whether Microsoft interoperability is in use; if so, "
            "the configuration dump must show the neighbor zone to the front-end server with SIP encryption Microsoft"
        )
        return unknown(
            f"{why}; the name of the front-end server is not in the evidence",
            want=[want.export(peer, "zone_neighbor_encryption"), want.fact(text)],
            evidence=[*sources, *(source for fact in keys for source in fact.sources)],
        )
    names = [name for name in servers if is_name(name)]
    sources += [source for found in servers.values() for source in found]
    if not names:
        return not_applicable(f"the front-end server is configured by address, {', '.join(servers)}", evidence=sources)
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(proof=sources), view_of(cluster, peer)
    for name in names:
        forward(tally, view, peer, name)
    return tally.verdict(
        f"the DNS servers of {peer} resolve the front-end server: {'; '.join(tally.right)}",
        want=digs(peer, "microsoft", tally),
        at_fault=[peer.name],
        wanted="an address of each front-end server",
        fix=f"add the address records to {where_to_fix(view, peer)}, or correct the name (Configuration > Zones > "
        "Zones or Applications > B2BUA > Microsoft interoperability > Configuration) on the primary",
    )


def microsoft_servers(peer: Peer) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield what zones to Microsoft servers and the interoperability service point to."""
    marked = {
        mention.number: mention.source
        for field, mark in (("zone_neighbor_encryption", "microsoft"), ("zone_profile", "microsoft"))
        for mention in peer.settings.mentions(field)
        if mention.value.lower().startswith(mark) and not mention.is_old
    }
    for mention in peer.settings.mentions("zone_peer_address") if marked else ():
        if mention.number in marked and mention.value and not mention.is_old:
            yield mention.value, (mention.source, marked[mention.number])
    server = peer.settings.value("microsoft_server")
    if server.value:
        yield server.value, server.sources


@dataclass(frozen=True, slots=True)
class _Directory:
    """An LDAP server as configured: for logins or for H.350."""

    purpose: str
    page: str
    entry: str
    by_service: bool
    sources: tuple[int, ...]


def _directories(peer: Peer) -> list[_Directory] | Verdict:
    """Return the LDAP servers that are configured by name, or why there is nothing to judge."""
    kinds = (
        ("logins", "Users > LDAP configuration", "login_ldap_server", "login_ldap_resolution"),
        ("H.350", "the H.350 directory service page", "h350_ldap_server", "h350_ldap_resolution"),
    )
    found, shown, by_address = list[_Directory](), list[int](), list[str]()
    open_ = []
    for purpose, page, server, resolution in kinds:
        configured, mode = peer.settings.value(server), peer.settings.value(resolution)
        if not configured.known:
            open_.append(server)
        shown += configured.sources
        if not configured.value or (purpose == "H.350" and peer.settings.value("h350_mode").value == "Off"):
            continue
        if not is_name(configured.value):
            by_address.append(configured.value)
            continue
        by_service = (mode.value or "").lower() in ("srvrecord", "servicerecord")
        found.append(_Directory(purpose, page, configured.value, by_service, configured.sources + mode.sources))
    if found:
        return found
    if by_address:
        return not_applicable(f"the LDAP server is configured by address, {', '.join(by_address)}", evidence=shown)
    if len(open_) == len(kinds) and not shows_whole_configuration(peer):
        return unknown(
            "whether an LDAP server is configured is not in the evidence", want=[want.export(peer, open_[0])]
        )
    return not_applicable("its configuration shows no LDAP server", evidence=shown)


@rule("R37")
def dns_forward_ldap(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the LDAP server.

    Why: without it nobody logs in with a directory account, and H.350 authentication fails.
    Passes: the name leads to an address; where it is looked up by service, `_ldap._tcp` of it leads to targets with
    addresses (the name of that record is inferred).
    Violates: the peer's own servers have no such name or record, refuse, fail or do not answer.
    Unknown: the configuration is not shown, or nobody asked the peer's own servers.
    Not applicable: no LDAP server is configured, neither for logins nor for H.350, or only by address;
    no DNS server is configured (R29).
    """
    directories = _directories(peer)
    if isinstance(directories, Verdict):
        return directories
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(proof=[source for one in directories for source in one.sources]), view_of(cluster, peer)
    for directory in directories:
        for name in _hosts(tally, cluster, peer, directory):
            forward(tally, view, peer, name)
    entries = ", ".join(dict.fromkeys(directory.entry for directory in directories))
    return tally.verdict(
        f"the DNS servers of {peer} resolve the LDAP server: {'; '.join(tally.right)}",
        want=digs(peer, "ldap", tally),
        at_fault=[peer.name],
        wanted=f"an address of {entries}",
        fix=f"add the records of {entries} to {where_to_fix(view, peer)}, or correct the name on the primary "
        f"({directories[0].page})",
    )


def _hosts(tally: Tally, cluster: Cluster, peer: Peer, directory: _Directory) -> list[str]:
    """Return the hosts of a directory: its name, or the targets of its service record."""
    if not directory.by_service:
        return [directory.entry]
    name = f"{knowledge.load('dns')['directory']['service']}.{directory.entry}"
    result = view_of(cluster, peer).own.ask(name, "SRV")
    if not tally.take(f"service lookup of {name}", result, f"{name} SRV"):
        return []
    tally.good(f"{name} lists {', '.join(result.values)}", result.sources)
    return list(result.values)


@rule("R38")
def dns_reverse_ldap(cluster: Cluster, peer: Peer) -> Verdict:
    """The DNS servers of a peer resolve the address of the LDAP server.

    Why: SASL and the verification of its certificate go by the name that the address has.
    Passes: each address has a PTR record that gives the configured name, one in its domain, or one that leads back.
    Violates: no PTR record, one whose name is known to lead elsewhere, or no answer of the peer's own servers.
    Unknown: no address is known; nobody asked; or the PTR record gives another name and nobody asked where it leads.
    Not applicable: no LDAP server is configured, or only by address;
    no DNS server is configured (R29).
    """
    directories = _directories(peer)
    if isinstance(directories, Verdict):
        return directories
    if nothing := without_servers(peer):
        return nothing
    tally, view = Tally(proof=[source for one in directories for source in one.sources]), view_of(cluster, peer)
    unused = Tally()
    for directory in directories:
        hosts = _hosts(unused, cluster, peer, directory)
        if not hosts:
            service = f"{knowledge.load('dns')['directory']['service']}.{directory.entry}"
            tally.unsettled(
                f"no target of {service} is known to look up (see R37)", f"{service} SRV", "-x ADDRESS-OF-IT"
            )
        for name in hosts:
            result = view.own.addresses(name)
            for at in result.values if result.state == FOUND else ():
                reverse_any(tally, view, at, name, (name, directory.entry, *result.aliases), pool=True)
            if result.state != FOUND:
                back = view.own.named(name)
                if back.state == FOUND:
                    tally.good(f"a reverse lookup gives {name}", back.sources)
                    continue
                why = "" if result.state == UNASKED else " (see R37)"
                tally.unsettled(f"no address of {name} is known to look up{why}", f"{name} A", "-x ADDRESS-OF-IT")
    return tally.verdict(
        f"the DNS servers of {peer} resolve the address of the LDAP server: {'; '.join(tally.right)}",
        want=digs(peer, "ldap", tally),
        at_fault=[peer.name],
        wanted=", ".join(dict.fromkeys(directory.entry for directory in directories)),
        fix=f"add the PTR records of the LDAP server to {where_to_fix(view, peer)}",
    )


RULES = (dns_ntp_servers, dns_microsoft_fe_server, dns_forward_ldap, dns_reverse_ldap)
