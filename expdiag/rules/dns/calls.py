"""SRV records for calls: of the cluster, and complete for business-to-business calls."""

from __future__ import annotations

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import DENIED, FAILED, FOUND
from expdiag.model.dns.resolver import resolver
from expdiag.model.dns.service_records import (
    Record,
    call_services,
    domains,
    records,
)
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, rule, unknown, violation
from expdiag.rules.dns.asking import families
from expdiag.rules.dns.peers import known_peers
from expdiag.rules.dns.tally import Tally
from expdiag.rules.dns.targets import GUIDE, addresses_of_all, faults_of_form, fqdns, may_be, unsettle

_ASKED_FIRST = ("_sips._tcp", "_sip._tcp", "_h323cs._tcp", "_h323ls._udp")


def _questions(cluster: Cluster) -> list[str]:
    """Return what shows the records for calls and where their targets lead."""
    found = domains(cluster) or ("DOMAIN",)
    names = [f"{service}.{found[0]} SRV" for service in _ASKED_FIRST]
    names += [f"{_ASKED_FIRST[0]}.{domain} SRV" for domain in found[1:]]
    return [*names, *addresses_of_all(cluster)]


@rule("R42")
def cluster_srv_record(cluster: Cluster) -> Verdict:
    """An SRV record for calls has every peer of the cluster as a target, all alike.

    Why: callers find the cluster by it, and spread over the peers only where priority and weight are equal. It is
    advised for video interoperability and business-to-business calls, not for Mobile and Remote Access.
    Passes: every record for SIP or H.323 calls that was found, under the domain of the cluster name or under the
    cluster name itself, has one target for each peer with an address of its own, equal priority and weight, and the
    port of the service; it names no former peer, no alias and no address. What the peers alone asked, and their own
    servers do not know of a peer's name, is R32.
    Violates: a record lacks one of these, or calls between businesses are in use and there is no record at all.
    Unknown: nobody asked, of an Expressway-E from outside; or the addresses of targets were not asked for.
    Not applicable: the cluster carries neither business-to-business calls nor video interoperability, and no record is
    shown.
    """
    found, inside = cluster.view(_call_records)
    there = [record for record in found if record.is_there]
    if not there:
        return _no_record(cluster, found)
    tally = Tally()
    for record in there:
        _judge_set(tally, cluster, record, inside=inside)
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
        wanted=f"one target for each of {fqdns(cluster.peers)}, equal priority and weight",
        fix=_fix(there[0].domain),
        cite=GUIDE,
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
    above = {name.split(".", count)[-1] for name in ours for count in range(1, name.count("."))}

    def concerning(found: list[Record]) -> list[Record]:
        """Return those under names of the cluster, those that list a peer, and those missing in a domain above."""
        near = [r for r in found if r.domain in ours or any(target.peer for target in r.targets)]
        return near or [r for r in found if r.domain in above and not r.is_there]

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
        wanted=f"a record with {fqdns(cluster.peers)}",
        fix=_fix(found[0].domain),
        cite=GUIDE,
    )


def _judge_set(tally: Tally, cluster: Cluster, record: Record, *, inside: bool = False) -> None:
    """Take whether a record lists the peers, all of them and nobody else."""
    sources = record.result.sources
    missing = [peer for peer in cluster.peers if not record.of(peer)]
    if missing and may_be(record, missing):
        unsettle(tally, record, missing)
        return
    if missing:
        tally.bad(f"{record.name} does not list {fqdns(missing)}", sources, f"without {fqdns(missing)}")
    former = [target.service.target for target in record.strangers if not target.is_address]
    if former and not cluster.shows_a_list:
        text = f"{record.name} lists {', '.join(former)}, and no peer list in the evidence tells who the peers are"
        tally.unsettled(text, sources=sources, wants=[want.export(cluster.peers[0], "peer_address")])
    elif former:
        listing = ", ".join(former)
        tally.bad(f"{record.name} lists {listing}, which is no peer of this cluster", sources, f"with {listing}")
    for target in record.targets:
        result = target.addresses
        if target.is_address or target.peer is None:
            continue
        name = target.service.target
        if result.state in (DENIED, FAILED) and inside and name in known_peers(cluster)[target.peer.name].names:
            tally.note(f"{name}: {result.said}, see R32", result.sources)
        elif result.state in (DENIED, FAILED):
            tally.bad(f"{name}, a target of {record.name}: {result.said}", [*sources, *result.sources])
        elif result.state != FOUND:
            text = f"where {name}, a target of {record.name}, leads was not looked up"
            tally.unsettled(text, *(f"{name} {k}" for k in families(target.peer)), sources=sources)
    if not missing and not former:
        tally.good(f"{record.name} lists {', '.join(record.result.values)}", sources)


def _judge_form(tally: Tally, record: Record) -> None:
    for fault in faults_of_form(record, record.targets):
        tally.bad(fault, record.result.sources)
    for what in ("priority", "weight"):
        if record.uneven(what):
            listing = ", ".join(f"{t.service.target} {getattr(t.service, what)}" for t in record.targets)
            tally.bad(f"{record.name} has unequal {what}: {listing}", record.result.sources, listing)


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
    found, inside = cluster.view(_call_records)
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
        wanted=f"one target for each of {fqdns(cluster.peers)}",
        fix=_fix(found[0].domain),
        cite=GUIDE,
    )


def _between_businesses(cluster: Cluster) -> tuple[bool | None, list[int]]:
    """Return whether calls from and to other businesses are in use: as stated, else by a DNS zone."""
    stated, source = cluster.facts.services.b2b, cluster.facts.sources.get("services.b2b")
    if stated is not None:
        return stated, [] if source is None else [source]
    zones = [m.source for p in cluster.peers for m in p.settings.mentions("zone_kind") if m.value.lower() == "dns"]
    return (True, zones[:1]) if zones else (None, [])


RULES = (cluster_srv_record, b2b_srv_record_complete)
