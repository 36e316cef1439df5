"""Service records in DNS, and which peers each lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from expdiag.findings import UNKNOWN, VIOLATION
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import FOUND, UNASKED, View
from expdiag.model.dns.resolver import resolver
from expdiag.model.dns.service_records import (
    Record,
    Target,
    call_services,
    domains,
    edge_service,
    internal_service,
    records,
)
from expdiag.model.peers import Peer
from expdiag.show.grid import Cell
from expdiag.show.judged import Judged
from expdiag.show.lookup_verdicts import share
from expdiag.show.sheet import Row, Section

_OTHERS = "others"


def service_sections(cluster: Cluster, judged: Judged) -> list[Section]:
    """Return a section for Mobile and Remote Access and one for calls, each where somebody asked or should have."""
    edge = [edge_service(), {"name": internal_service(), "port": 0}]
    found = [
        _section(
            cluster, judged, "service records of Mobile and Remote Access, from outside: R43 of each peer", edge, "R43"
        ),
        _section(cluster, judged, "service records for calls", call_services(), "R42", "R44"),
    ]
    return [section for section in found if section.rows]


def _section(cluster: Cluster, judged: Judged, title: str, services: list[dict[str, object]], *rules: str) -> Section:
    """Return which peers the records of some services list; one rule is about each peer, several about the cluster."""
    of_peers = len(rules) == 1
    columns = (*(peer.name for peer in cluster.peers), _OTHERS, *(() if of_peers else rules))
    rows = list(_rows(cluster, judged, services, rules if not of_peers else (), rules[0] if of_peers else ""))
    if not rows and _is_open(cluster, judged, rules, of_peers=of_peers):
        domain = next(iter(domains(cluster)), "the domain")
        cells = [Cell(judged.outcome(rules[0], peer.name) if of_peers else None, "not asked") for peer in cluster.peers]
        verdicts = [Cell(judged.outcome(number), judged.outcome(number) or "") for number in rules if not of_peers]
        rows = [Row(f"{services[0]['name']}.{domain}", (*cells, Cell(None), *verdicts))]
    return Section(title, columns, tuple(rows))


def _is_open(cluster: Cluster, judged: Judged, rules: Sequence[str], *, of_peers: bool) -> bool:
    outcomes = [
        judged.outcome(n, *p) for n in rules for p in ([(q.name,) for q in cluster.peers] if of_peers else [()])
    ]
    return bool({UNKNOWN, VIOLATION} & set(outcomes))


def _rows(
    cluster: Cluster, judged: Judged, services: list[dict[str, object]], rules: Sequence[str], of_peer: str
) -> Iterator[Row]:
    view = resolver(cluster)
    public = records(cluster, view.public, services)
    shared = {peer.name: _shares(judged, of_peer, public, peer.name) for peer in cluster.peers if of_peer}
    whole = {number: _shares(judged, number, public) for number in rules}
    for record in public:
        cells = [Cell(shared.get(peer.name, {}).get(record.name), _listed(record, peer)) for peer in cluster.peers]
        verdicts = [Cell(whole[number].get(record.name), _word(whole[number].get(record.name))) for number in rules]
        yield Row(record.name, (*cells, Cell(None, _strangers(record)), *verdicts))
    for label, record in _inside(cluster, services, view.public):
        cells = [Cell(None, _listed(record, peer)) for peer in cluster.peers]
        known = {} if public else {n: _shares(judged, n, [record]) for n in rules if n == "R42"}
        verdicts = [Cell(known.get(n, {}).get(record.name), _word(known.get(n, {}).get(record.name))) for n in rules]
        yield Row(label, (*cells, Cell(None, _strangers(record)), *verdicts))


def _inside(cluster: Cluster, services: list[dict[str, object]], public: View) -> Iterator[tuple[str, Record]]:
    """Yield what peers are answered by their own servers, where that is not public DNS; equal answers once."""
    seen: dict[tuple[str, str], tuple[Record, list[str]]] = {}
    for peer in cluster.peers:
        for record in records(cluster, resolver(cluster).of(peer).own, services):
            if set(record.result.sources) <= set(public.ask(record.name, "SRV").sources):
                continue
            seen.setdefault((record.name, record.result.said), (record, []))[1].append(peer.name)
    for (name, _), (record, askers) in seen.items():
        yield f"{name} as {', '.join(askers)} sees it", record


def _shares(judged: Judged, number: str, found: Sequence[Record], *peers: str) -> Mapping[str, str | None]:
    finding = judged.of(number, *peers)
    if finding is None:
        return {}
    return share(finding, {one.name: one.result for one in found}, {one.name: one.name for one in found})


def _word(outcome: str | None) -> str:
    return outcome or ""


def _listed(record: Record, peer: Peer) -> str:
    """Return how a record lists a peer, and where its target leads."""
    if not record.is_there:
        return record.result.said if record.result.state != UNASKED else "not asked"
    return "; ".join(_target(target) for target in record.of(peer)) or "not listed"


def _target(target: Target) -> str:
    service, led = target.service, target.addresses
    if target.is_address:
        where = f"by address {service.target},"
    elif led.state == FOUND:
        where = ", ".join(led.values)
    else:
        where = "where it leads not asked," if led.state == UNASKED else f"leads nowhere: {led.said},"
    numbers = f"priority {_number(service.priority)}, weight {_number(service.weight)}"
    return f"{where} port {_number(service.port)}, {numbers}"


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)


def _strangers(record: Record) -> str:
    return ", ".join(target.service.target for target in record.strangers) or ("none" if record.is_there else "")
