"""The collab-edge SRV records of Mobile and Remote Access."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import DENIED, FAILED, FOUND
from expdiag.model.dns.resolver import resolver
from expdiag.model.dns.scope import is_private
from expdiag.model.dns.service_records import (
    Record,
    Target,
    domains,
    edge_service,
    external_addresses,
    internal_service,
    records,
)
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, rule, unknown
from expdiag.rules.dns.addresses import only_for_e
from expdiag.rules.dns.asking import families
from expdiag.rules.dns.tally import Tally
from expdiag.rules.dns.targets import GUIDE, addresses_of_all, faults_of_form, fqdns, may_be, unsettle


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
    found = cluster.view(_edge_records)
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
        cite=GUIDE,
    )


def _edge_records(cluster: Cluster) -> list[Record]:
    """Return the collab-edge records that were asked for from outside, made once."""
    return records(cluster, resolver(cluster).public, [edge_service()])


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
    return [*services, *addresses_of_all(cluster)]


def _is_cluster_name(cluster: Cluster, name: str) -> bool:
    """Whether a domain is the name of the cluster, and not that of its peers' domain."""
    names = {canonical(peer.cluster_name.value or "") for peer in cluster.peers}
    return name in names - {canonical(peer.domain.value or "") for peer in cluster.peers}


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
    misplaced = [record for record in found if record.is_there and _is_cluster_name(cluster, record.domain)]
    for record in misplaced:
        tally.note(f"{record.name} stands under the cluster name, where no client looks for it", record.result.sources)
    found = [record for record in found if not _is_cluster_name(cluster, record.domain)]
    if not found:
        tally.unsettled("nobody looked the collab-edge record of the service domain up", *_edge_questions(cluster))
    there = [record for record in found if record.is_there]
    for record in found:
        if not record.is_there:
            if there and record.result.state == DENIED:
                tally.note(f"{record.name}: {record.result.said}")
            else:
                tally.take(record.name, record.result, f"{record.name} SRV")
    for record in there:
        _judge_record(tally, peer, record)


def _judge_record(tally: Tally, peer: Peer, record: Record) -> None:
    mine = record.of(peer)
    if not mine and may_be(record, [peer]):
        unsettle(tally, record, [peer])
    elif not mine:
        listing = ", ".join(record.result.values)
        tally.bad(f"{record.name} does not list {fqdns([peer])}, but {listing}", record.result.sources, listing)
    for fault in faults_of_form(record, mine):
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


RULES = (collab_edge_srv_records,)
