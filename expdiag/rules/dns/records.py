"""SRV records: of the cluster for calls, and collab-edge for Mobile and Remote Access."""

from __future__ import annotations

from collections.abc import Iterable

from expdiag.findings import Verdict, Want
from expdiag.model.answers import DENIED, FAILED, FOUND
from expdiag.model.cluster import Cluster
from expdiag.model.names import address
from expdiag.model.peers import Peer
from expdiag.model.resolver import resolver
from expdiag.model.scope import is_private
from expdiag.model.service_records import (
    Record,
    Target,
    call_services,
    domains,
    edge_service,
    external_addresses,
    internal_service,
    records,
)
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, rule, unknown, violation
from expdiag.rules.dns.addresses import only_for_e
from expdiag.rules.dns.asking import families
from expdiag.rules.dns.peers import known_peers
from expdiag.rules.dns.tally import Tally

_GUIDE = "Cluster Creation and Maintenance Deployment Guide X12.6, Reference, DNS SRV records"
_ASKED_FIRST = ("_sips._tcp", "_sip._tcp", "_h323cs._tcp", "_h323ls._udp")


def _names(peers: Iterable[Peer]) -> str:
    known = [peer.fqdn.value or (peer.aliases[0] if peer.aliases else peer.name) for peer in peers]
    return ", ".join(known)


def _questions(cluster: Cluster) -> list[str]:
    """Return what shows the records for calls and where their targets lead."""
    found = domains(cluster) or ("DOMAIN",)
    names = [f"{service}.{found[0]} SRV" for service in _ASKED_FIRST]
    names += [f"{_ASKED_FIRST[0]}.{domain} SRV" for domain in found[1:]]
    return [*names, *_addresses_of_all(cluster)]


def _addresses_of_all(cluster: Cluster) -> list[str]:
    known = known_peers(cluster).values()
    return [f"{name} {kind}" for one in known for name in one.names[:1] for kind in families(one.peer)]


@rule("R42")
def cluster_srv_record(cluster: Cluster) -> Verdict:
    """An SRV record for calls has every peer of the cluster as a target, all alike.

    Why: callers find the cluster by it, and spread over the peers only where priority and weight are equal. It is
    advised for video interoperability and business-to-business calls, not for Mobile and Remote Access.
    Passes: every record for SIP or H.323 calls that was found, under the domain of the cluster name or under the
    cluster name itself, has one target for each peer with an address of its own, equal priority and weight, and the
    port of the service; it names no former peer, no alias and no address.
    Violates: a record lacks one of these, or calls between businesses are in use and there is no record at all.
    Unknown: nobody asked, of an Expressway-E from outside; or the addresses of targets were not asked for.
    Not applicable: the cluster carries neither business-to-business calls nor video interoperability, and no record is
    shown.
    """
    found, inside = _call_records(cluster)
    there = [record for record in found if record.is_there]
    if not there:
        return _no_record(cluster, found)
    tally = Tally()
    for record in there:
        _judge_set(tally, cluster, record)
        _judge_form(tally, record)
    for record in found:
        if not record.is_there:
            tally.note(f"{record.name}: {record.result.said}")
    if inside:
        tally.note("as the peers see it; nobody asked from outside")
    return tally.verdict(
        f"every record lists all peers alike: {'; '.join(tally.right)}",
        want=_wants(cluster, tally, inside=inside),
        at_fault=(),
        wanted=f"one target for each of {_names(cluster.peers)}, equal priority and weight",
        fix=_fix(there[0].domain),
        cite=_GUIDE,
    )


def _wants(cluster: Cluster, tally: Tally, *, inside: bool) -> list[Want]:
    asked = [*dict.fromkeys(tally.questions)]
    return [want.dig(cluster.peers[0], "srv", *asked) if inside else want.dig_outside("srv", *asked)]


def _fix(domain: str) -> str:
    return (
        f"in the zone of {domain}: one SRV record for each peer, target its FQDN, priority 10 and weight 10 for all, "
        "and an A or AAAA record for each target; take out targets that are no peers any more"
    )


def _call_records(cluster: Cluster) -> tuple[list[Record], bool]:
    """Return the records for calls that concern this cluster, and whether they are only seen from inside."""
    view = resolver(cluster)
    ours = set(domains(cluster))

    def concerning(found: list[Record]) -> list[Record]:
        return [r for r in found if r.domain in ours or any(target.peer for target in r.targets)]

    public = concerning(records(cluster, view.public, call_services()))
    if public:
        return public, False
    for peer in cluster.peers:
        inside = concerning(records(cluster, view.of(peer).own, call_services()))
        if inside:
            return inside, True
    return [], False


def _no_record(cluster: Cluster, found: list[Record]) -> Verdict:
    services, sources = cluster.facts.services, cluster.facts.sources
    noted = [sources[key] for key in ("services.b2b", "services.microsoft_interop") if key in sources]
    proof = [source for record in found for source in record.result.sources]
    if services.b2b is False and not services.microsoft_interop:
        reason = "the cluster carries neither business-to-business calls nor video interoperability"
        return not_applicable(reason, evidence=[*noted, *proof])
    asks = _questions(cluster)
    on_e = any(peer.type.value == "E" for peer in cluster.peers)
    dig = want.dig_outside("srv", *asks) if on_e else want.dig(cluster.peers[0], "srv", *asks)
    fact = want.fact("note in case.toml, [services] b2b, whether the cluster carries business-to-business calls")
    absent = "; ".join(f"{record.name}: {record.result.said}" for record in found)
    if not found:
        wants = [dig, *([fact] if services.b2b is None else [])]
        return unknown("nobody looked up the SRV records of the cluster", wants, noted)
    if any(record.result.state not in (DENIED, FAILED) for record in found):
        return unknown(f"the SRV records of the cluster: {absent}", [dig], [*proof, *noted])
    if services.b2b is None:
        return unknown(f"no SRV record for calls ({absent}); whether calls need one is not known", [fact], proof)
    return violation(
        f"no SRV record for calls lists the cluster: {absent}",
        evidence=[*proof, *noted],
        measured="no record",
        wanted=f"a record with {_names(cluster.peers)}",
        fix=_fix(found[0].domain),
        cite=_GUIDE,
    )


def _judge_set(tally: Tally, cluster: Cluster, record: Record) -> None:
    """Take whether a record lists the peers, all of them and nobody else."""
    sources = record.result.sources
    missing = [peer for peer in cluster.peers if not record.of(peer)]
    if missing:
        tally.bad(f"{record.name} does not list {_names(missing)}", sources, f"without {_names(missing)}")
    former = [target.service.target for target in record.strangers if not target.is_address]
    if former:
        listing = ", ".join(former)
        tally.bad(f"{record.name} lists {listing}, which is no peer of this cluster", sources, f"with {listing}")
    for target in record.targets:
        result = target.addresses
        if target.is_address or target.peer is None:
            continue
        if result.state in (DENIED, FAILED):
            tally.bad(f"{target.service.target}, a target of {record.name}: {result.said}", [*sources, *result.sources])
        elif result.state != FOUND:
            text = f"where {target.service.target}, a target of {record.name}, leads was not looked up"
            tally.unsettled(text, *(f"{target.service.target} {k}" for k in families(target.peer)), sources=sources)
    if not missing and not former:
        tally.good(f"{record.name} lists {', '.join(record.result.values)}", sources)


def _faults_of_form(record: Record, targets: Iterable[Target]) -> list[str]:
    """Return what is wrong with the form of targets: an address or alias instead of a host, another port."""
    faults = []
    for target in targets:
        name, port = target.service.target, target.service.port
        if target.is_address:
            faults.append(f"{record.name} has the address {name} as target, not a name")
        if target.addresses.aliases:
            faults.append(f"{name}, a target of {record.name}, is an alias of {', '.join(target.addresses.aliases)}")
        if port is not None and port != record.port:
            faults.append(f"{record.name} has port {port} for {name}, not {record.port}")
    return faults


def _judge_form(tally: Tally, record: Record) -> None:
    for fault in _faults_of_form(record, record.targets):
        tally.bad(fault, record.result.sources)
    for what in ("priority", "weight"):
        if record.uneven(what):
            listing = ", ".join(f"{t.service.target} {getattr(t.service, what)}" for t in record.targets)
            tally.bad(f"{record.name} has unequal {what}: {listing}", record.result.sources, listing)


@rule("R43")
def collab_edge_srv_records(cluster: Cluster, peer: Peer) -> Verdict:
    """For Mobile and Remote Access, the collab-edge SRV records list each Expressway-E peer.

    Why: clients outside find the peers by `_collab-edge._tls` of their service domain, one SRV record for each peer. It
    stands under the domain of the users, never under the cluster name; "for each peer" means one target a peer.
    Passes: seen from outside, each such record has this peer as target, with port 8443, the priority of the others, and
    a name that leads to the external address of this peer.
    Violates: there is no such record, or one without this peer; another port or priority; an address or an alias as
    target; a target that leads nowhere, to a private address or to another one than this peer's; or `_cisco-uds._tcp`
    can be looked up from outside.
    Unknown: whether Mobile and Remote Access is on is not shown; nobody asked public DNS. What inside servers say is no
    evidence for the public view.
    Not applicable: Expressway-C; no Mobile and Remote Access.
    """
    if verdict := only_for_e(peer):
        return verdict
    in_use, proof = _remote_access(cluster)
    if in_use is False:
        return not_applicable("the cluster does not carry Mobile and Remote Access", evidence=proof)
    if in_use is None:
        text = "note in case.toml, [services] mra, whether the cluster carries Mobile and Remote Access"
        wants = [want.fact(text)]
        return unknown("whether Mobile and Remote Access is in use is not in the evidence", want=wants)
    tally, public = Tally(proof=proof), resolver(cluster).public
    found = records(cluster, public, [edge_service()])
    if found:
        _judge_edge(tally, cluster, peer, found)
    else:
        tally.unsettled("nobody looked up the collab-edge records from outside", *_edge_questions(cluster))
    for asked in public.names("SRV"):
        result = public.ask(asked, "SRV")
        if asked.startswith(f"{internal_service()}.") and result.state == FOUND:
            tally.bad(f"{asked}, which is for inside only, can be looked up from outside", result.sources, asked)
    domain = found[0].domain if found else (domains(cluster) or ("the service domain",))[0]
    name = peer.fqdn.value or peer.name
    external = next(map(str, external_addresses(peer)), "its public address")
    return tally.verdict(
        f"seen from outside, {'; '.join(tally.right)}",
        want=[want.dig_outside("mra", *dict.fromkeys(tally.questions))],
        at_fault=[peer.name],
        wanted=f"{name} with port {edge_service()['port']}, leading to {external}",
        fix=_steps_of_edge(domain, name, external),
        cite=_GUIDE,
    )


def _steps_of_edge(domain: str, name: str, external: str) -> str:
    """Return what the public zone has to hold for a peer."""
    service = edge_service()
    return (
        f"in the public zone of {domain}: {service['name']}.{domain} SRV 10 10 {service['port']} {name}, and {name} "
        f"with the address {external}; no {internal_service()} record there"
    )


def _edge_questions(cluster: Cluster) -> list[str]:
    found = [name for name in domains(cluster) if not _is_cluster_name(cluster, name)] or ["DOMAIN"]
    services = [f"{service}.{name} SRV" for name in found for service in (edge_service()["name"], internal_service())]
    return [*services, *_addresses_of_all(cluster)]


def _is_cluster_name(cluster: Cluster, name: str) -> bool:
    return any((peer.cluster_name.value or "").lower().rstrip(".") == name for peer in cluster.peers)


def _remote_access(cluster: Cluster) -> tuple[bool | None, list[int]]:
    """Return whether Mobile and Remote Access is on: what exports show, else what `case.toml` states."""
    words = {"on": True, "true": True, "enabled": True, "yes": True, "off": False, "false": False, "disabled": False}
    shown = [peer.settings.value("mra") for peer in cluster.peers]
    said = [(words[fact.value.lower()], fact.sources) for fact in shown if fact.value and fact.value.lower() in words]
    stated = cluster.facts.services.mra
    if not said:
        source = cluster.facts.sources.get("services.mra")
        return stated, [] if source is None else [source]
    return any(value for value, _ in said), [source for _, sources in said for source in sources]


def _judge_edge(tally: Tally, cluster: Cluster, peer: Peer, found: list[Record]) -> None:
    there = [record for record in found if record.is_there]
    for record in found:
        if not record.is_there:
            if there and record.result.state == DENIED:
                tally.note(f"{record.name}: {record.result.said}")
            else:
                tally.take(record.name, record.result, f"{record.name} SRV")
    for record in there:
        mine = record.of(peer)
        if not mine:
            listing = ", ".join(record.result.values)
            tally.bad(f"{record.name} does not list {_names([peer])}, but {listing}", record.result.sources, listing)
        for fault in _faults_of_form(record, mine):
            tally.bad(fault, record.result.sources)
        if any(target is one for target in record.uneven("priority") for one in mine):
            listing = ", ".join(f"{t.service.target} {t.service.priority}" for t in record.targets)
            tally.bad(f"{record.name} has unequal priorities: {listing}", record.result.sources, listing)
        for target in mine[:1]:
            _judge_target(tally, peer, record, target)
        for target in record.strangers:
            tally.note(f"{record.name} also lists {target.service.target}, which is no peer of this cluster")


def _judge_target(tally: Tally, peer: Peer, record: Record, target: Target) -> None:
    name, result = target.service.target, target.addresses
    if target.is_address:
        return
    if result.state in (DENIED, FAILED):
        tally.bad(f"{name}, a target of {record.name}, leads nowhere: {result.said}", result.sources, result.said)
        return
    if result.state != FOUND:
        tally.unsettled(
            f"where {name}, a target of {record.name}, leads was not looked up from outside",
            *(f"{name} {kind}" for kind in families(peer)),
            sources=[*record.result.sources, *result.sources],
        )
        return
    external, listing = external_addresses(peer), ", ".join(result.values)
    wrong = [at for text in result.values if (at := address(text)) and at not in external]
    private = [at for at in wrong if is_private(at)]
    proof = [*record.result.sources, *result.sources]
    if private:
        tally.bad(f"{name} leads to {listing} from outside, which is private (see R39)", proof, listing)
    elif wrong and external:
        tally.bad(f"{name} leads to {listing} from outside, not to {', '.join(map(str, external))}", proof, listing)
    else:
        tally.good(f"{record.name} lists {name}, port {target.service.port}, which leads to {listing}", proof)


@rule("R44")
def b2b_srv_record_complete(cluster: Cluster) -> Verdict:
    """For business-to-business calls, the SRV records of an Expressway-E cluster list all its peers.

    Why: a peer that is missing takes no calls from other businesses, a former one swallows them.
    Passes: seen from outside, each record for SIP or H.323 calls lists every peer, with an address, and nobody else.
    Violates: there is no such record, a peer is missing, or a target is no peer of the cluster.
    Unknown: whether there are business-to-business calls is not shown, or nobody asked public DNS.
    Not applicable: Expressway-C; no business-to-business calls. Unequal priorities and other faults of form are R42.
    """
    types = {peer.type.value for peer in cluster.peers}
    if types == {"C"}:
        typed = [source for peer in cluster.peers for source in peer.type.sources]
        return not_applicable("an Expressway-C cluster is not in public DNS", evidence=typed)
    in_use, proof = _between_businesses(cluster)
    if in_use is False:
        return not_applicable("the cluster carries no business-to-business calls", evidence=proof)
    if in_use is None or "E" not in types:
        text = "note in case.toml, [services] b2b, whether the cluster carries business-to-business calls"
        wants = [want.fact(text), *(want.field(peer, "type") for peer in cluster.peers if "E" not in types)]
        return unknown("whether the cluster carries business-to-business calls is not in the evidence", want=wants)
    found, inside = _call_records(cluster)
    if not found or inside:
        seen = "; the view of the peers is no evidence for the public one" if inside else ""
        wants = [want.dig_outside("srv", *_questions(cluster))]
        return unknown(f"nobody looked up the SRV records for calls from outside{seen}", want=wants, evidence=proof)
    tally = Tally(proof=proof)
    there = [record for record in found if record.is_there]
    for record in there:
        _judge_set(tally, cluster, record)
    for record in found:
        if there and not record.is_there:
            tally.note(f"{record.name}: {record.result.said}")
        elif not there:
            tally.take(record.name, record.result, f"{record.name} SRV")
    return tally.verdict(
        f"the SRV records list all peers: {'; '.join(tally.right)}",
        want=_wants(cluster, tally, inside=False),
        at_fault=(),
        wanted=f"one target for each of {_names(cluster.peers)}",
        fix=_fix(found[0].domain),
        cite=_GUIDE,
    )


def _between_businesses(cluster: Cluster) -> tuple[bool | None, list[int]]:
    """Return whether calls from and to other businesses are in use: as stated, else by a DNS zone."""
    stated, source = cluster.facts.services.b2b, cluster.facts.sources.get("services.b2b")
    if stated is not None:
        return stated, [] if source is None else [source]
    zones = [m.source for p in cluster.peers for m in p.settings.mentions("zone_type") if m.value.lower() == "dns"]
    return (True, zones[:1]) if zones else (None, [])


RULES = (cluster_srv_record, collab_edge_srv_records, b2b_srv_record_complete)
