"""Whether what stands between two peers lets the clustering ports through."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.names import address
from expdiag.model.network.clustering import places
from expdiag.model.network.firewall import Ruling, keeps_out, rulings
from expdiag.model.network.ports import Era, Ports, era_of, listing
from expdiag.model.network.reach import (
    BLOCKED,
    DISAGREE,
    OPEN,
    SILENT,
    UNROUTED,
    UNSEEN,
    Way,
    reach,
    shown,
    unnamed_alarms,
)
from expdiag.model.network.reach import Verdict as Tried
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import passed, rule, steps, unknown, violation
from expdiag.tables import Reachability


@rule("R11")
def required_ports_open(cluster: Cluster, start: Peer, end: Peer) -> Verdict:
    """What stands between two peers lets one reach the clustering ports of the other.

    Why: TCP 4372 carries the database, TCP 4371 recovery, UDP 1719 bandwidth and calls. With 4371 closed the cluster
    works until it has to recover; with 1719 closed calls fail while replication stays fine.
    Passes: TCP 4371, TCP 4372 and UDP 1719 (before X8.8 those of the IPsec era, of which IP protocol 51 cannot be
    tried) opened when this peer tried. UDP that stays silent counts as open where this peer's own exports tell of
    no RAS that timed out, because silence is also what an open port gives. Where nothing was tried, the rules of a
    firewall that name both peers count.
    Violates: a port was tried from this peer and is filtered, prohibited or refused; or the rules of a firewall that
    names both peers drop it.
    Unknown: a port was not tried, tries disagree and have no time, no packet arrives at all (R09), or the other peer's
    own firewall rules explain it (R28). No evidence can show that there is no firewall.
    Beyond: inspection of H.323 and SIP, and of TLS on 4372, breaks clustering through open ports; switch it off.
    Contradiction: the port guide prints 5061 for calls over plain TCP where 5060 is meant; calls and media between
    peers are not judged.
    """
    way, era = cluster.view(reach).way(start, end), _era(start, end)
    tried = {ports: way.port(ports) for ports in era.needed if ports.low is not None}
    evidence = [source for found in tried.values() for source in found.sources]
    blocked = {ports: found for ports, found in tried.items() if found.state == BLOCKED}
    own = {ports: rows for ports in blocked if (rows := keeps_out(cluster, start, end, ports))}
    asleep = {
        p for p in blocked if p.transport == "udp" and end.h323_on.value is False and _only("refused", blocked[p].last)
    }
    unrouted = {p for p in blocked if _only(UNROUTED, blocked[p].last)} if way.host.state != OPEN else set[Ports]()
    closed = [ports for ports in blocked if ports not in own and ports not in asleep and ports not in unrouted]
    devices = _between(cluster, start, end, [p for p in tried if tried[p].state in (UNSEEN, SILENT, BLOCKED)])
    said = "".join(f"; {text}" for text in _remarks(cluster, start, end, way, devices))
    if closed:
        return _closed(cluster, start, end, {ports: blocked[ports] for ports in closed}, said, evidence)
    held = [(ports, ruling) for ports, ruling in devices if ruling.blocked and ruling.speaks and ports not in blocked]
    if held:
        return _held(start, end, held, evidence)
    if own or unrouted:
        why = "R28, its own firewall rules" if own else "R09, no packet arrives there"
        shut = [*own, *(ports for ports in unrouted if ports not in own)]
        return unknown(
            f"{listing(shut)} of {end} does not open to {start}: see {why}; whether a firewall is in the way "
            f"shows afterwards{said}",
            want=[_ask(start, end, shut)],
            evidence=[*evidence, *(row.source for rows in own.values() for row in rows)],
        )
    open_by_rule = {p for p, ruling in devices if ruling.accepted and ruling.speaks and tried[p].state == UNSEEN}
    left = [p for p, f in tried.items() if f.state in (DISAGREE, UNSEEN) and p not in open_by_rule]
    silent = [p for p, f in tried.items() if f.state == SILENT]
    doubtful = [p for p in silent if not _quiet(start, way)]
    if left or doubtful:
        return _not_settled(start, end, tried, left, doubtful, said, evidence)
    return passed(
        f"{start} to {end}: {'; '.join(_opened(start, tried, asleep, devices))}{said}",
        evidence=[*evidence, *(row.source for _, r in devices for row in r.rules if r.speaks)],
    )


def _opened(
    start: Peer, tried: Mapping[Ports, Tried], asleep: Collection[Ports], devices: list[tuple[Ports, Ruling]]
) -> Iterable[str]:
    """Yield what shows that each port is open, or who else judges it."""
    if opened := [ports for ports, found in tried.items() if found.state == OPEN]:
        yield f"{listing(opened)} opened"
    if silent := [ports for ports, found in tried.items() if found.state == SILENT]:
        yield f"{listing(silent)} stays silent, as an open port does, and {start} tells of no RAS that timed out"
    if asleep:
        yield f"{listing(asleep)} is refused, see R26"
    for ports, ruling in devices:
        if tried[ports].state == UNSEEN and ruling.accepted and ruling.speaks:
            yield f"the rules of {ruling.device} let {listing([ports])} through"


def _only(state: str, rows: Iterable[Reachability]) -> bool:
    return all(row.state == state for row in rows)


def _quiet(start: Peer, way: Way) -> bool:
    """Whether the exports of a peer are known and tell of no RAS to the other that timed out."""
    return start.seen and not way.ras_failures


def _between(cluster: Cluster, start: Peer, end: Peer, ports: Iterable[Ports]) -> list[tuple[Ports, Ruling]]:
    """Return what devices do with packets of one peer to another, those whose rules name neither left out."""
    found = []
    for at in cluster.view(places)[start.name].sends_from[:1]:
        here = ((int(at), int(at)),)
        for one in ports:
            ends = [to for to in cluster.view(places)[end.name].sends_from if to.version == at.version]
            found += [(one, ruling) for ruling in rulings(cluster, here, ends, one) if ruling.rules]
    return found


def _remarks(cluster: Cluster, start: Peer, end: Peer, way: Way, devices: list[tuple[Ports, Ruling]]) -> Iterable[str]:
    if way.alarms:
        yield f"alarm 20021 is up on {start}"
    if said := [alarm.number for alarm in unnamed_alarms(cluster, start, end) if not way.alarms]:
        yield f"alarm {said[0]} is up on {start}, which has other causes, too"
    if way.host.state == BLOCKED:
        yield f"{end} cannot be reached at all, see R09"
    if way.ras_failures:
        yield f"the log of {start} tells of RAS to {end} that timed out ({way.ras_failures[-1].detail})"
    for device in dict.fromkeys(ruling.device for _, ruling in devices if ruling.blocked):
        held = [ports for ports, ruling in devices if ruling.device == device and ruling.blocked]
        yield f"the rules of {device} would drop {listing(held)} if it stands between them"
    inner = [row for row in way.sightings if row.state == "open" and any(row.port in p for p in _era(start, end).own)]
    if inner and inner[0].transport == "tcp":
        yield f"TCP {inner[0].port} of {end}, which only {end} itself should reach, is open: ask the vendor's support"


def _closed(
    cluster: Cluster, start: Peer, end: Peer, closed: Mapping[Ports, Tried], said: str, evidence: list[int]
) -> Verdict:
    rows = [row for found in closed.values() for row in found.last]
    prohibits = sorted({row.said_by for row in rows if row.state in ("prohibited", "refused") and row.said_by})
    by_end = any(address(by) in cluster.view(places)[end.name].own for by in prohibits)
    who = ""
    if by_end:
        who = f"; {end} itself says so: its own firewall rules, or nothing listens there"
    elif prohibits:
        who = f"; {' and '.join(prohibits)} stands in the way"
    words = "; ".join(f"{ports} is {shown(found.last[:3])}" for ports, found in closed.items())
    older = [row for found in closed.values() for row in found.older]
    before = f"; earlier it was {shown(older[:2])}" if older else ""
    device = f"on {' and '.join(prohibits)}" if prohibits and not by_end else "on each firewall between them"
    return violation(
        f"{start} to {end}: {words}{before}{who}{said}",
        evidence=[*(row.source for row in rows), *evidence],
        at_fault=[end.name] if by_end else (),
        log_in=[end.name] if by_end else (),
        measured=", ".join(str(ports) for ports in closed),
        wanted="open",
        fix=steps(
            f"{device}: allow {listing(closed)} from {_where(cluster, start)} to {_where(cluster, end)}, and the same "
            "the other way, for every pair of peers; leave H.323, SIP and TLS inspection off for them",
            f"on {end}, System > Protection > Firewall rules > Current active rules: check that they do not "
            f"drop {_where(cluster, start)}",
            f"try again from {start}",
        ),
        cite="IP Port Usage Configuration Guide X14.3 and X15.0, Clustering Connections",
    )


def _held(start: Peer, end: Peer, held: list[tuple[Ports, Ruling]], evidence: list[int]) -> Verdict:
    devices = " and ".join(dict.fromkeys(ruling.device for _, ruling in held))
    ports = listing(ports for ports, _ in held)
    return violation(
        f"the rules of {devices}, which name both peers, drop {ports} from {start} to {end}; no try shows otherwise",
        evidence=[*(row.source for _, ruling in held for row in ruling.rules), *evidence],
        measured=ports,
        wanted="open",
        fix=steps(
            f"on {devices}: allow {ports} from {want.target(start)} to {want.target(end)}, before the drop",
            f"try from {start}",
        ),
        cite="IP Port Usage Configuration Guide X14.3 and X15.0, Clustering Connections",
    )


def _not_settled(
    start: Peer,
    end: Peer,
    tried: Mapping[Ports, Tried],
    left: list[Ports],
    doubtful: list[Ports],
    said: str,
    evidence: list[int],
) -> Verdict:
    unseen = [ports for ports in left if tried[ports].state == UNSEEN]
    parts = [f"{listing(unseen)} of {end} was not tried from {start}"] if unseen else []
    parts += [
        f"tries of {ports} disagree and do not tell when they were made: {shown(tried[ports].last)}"
        for ports in left
        if tried[ports].state == DISAGREE
    ]
    parts += (
        [f"{listing(doubtful)} gives no answer, which an open port and a filter have in common"] if doubtful else []
    )
    asked = [_ask(start, end, left)] if left else []
    if doubtful:
        asked.append(want.bundle(start) if not start.seen else want.ras(start, end))
    return unknown(f"{'; '.join(parts)}{said}", want=asked, evidence=evidence)


def _ask(start: Peer, end: Peer, ports: Iterable[Ports] = ()) -> Want:
    return want.ports(start, end, tuple(ports) or _era(start, end).needed)


def _era(start: Peer, end: Peer) -> Era:
    return era_of([start.version.value, end.version.value])


def _where(cluster: Cluster, peer: Peer) -> str:
    return ", ".join(map(str, cluster.view(places)[peer.name].sends_from)) or str(peer)


RULES = (required_ports_open,)
