"""Whether peers reach each other directly."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.network.clustering import places
from expdiag.model.network.firewall import keeps_out
from expdiag.model.network.ports import Ports, era_of
from expdiag.model.network.reach import BLOCKED, OPEN, SILENT, UNROUTED, reach, shown, unnamed_alarms
from expdiag.model.network.routes import Route, route
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import passed, rule, steps, unknown, violation

_ROUTES = "System > Network interfaces > Static routes"


@rule("R09")
def directly_routable(cluster: Cluster, start: Peer, end: Peer) -> Verdict:
    """A peer reaches another one directly, and not only by way of the primary.

    Why: every peer talks to every other; a star to the primary is not enough.
    Passes: the other peer's clustered address answered this peer: a port, an echo, the end of a trace, or a refusal of
    its own. One answer proves both ways of the path. So does a connection of the other one, where a closed port (R11,
    R28) explains why this peer got no answer.
    Violates: a router or this peer itself says that there is no route or no such host and nothing else answered; a
    trace goes in circles; or alarm 20021, no TCP connection to a named peer, is up and no closed port (R11, R28)
    explains it.
    Unknown: nothing was tried from this peer, or there was only silence, which a filter gives as well as a missing
    route. Alarms 20004 and 20016 are up for other reasons, too, and alone settle nothing.
    Hint: on a peer with two interfaces the default gateway usually lies on LAN 2, so that LAN 1 needs static routes to
    peers in other subnets; these are each peer's own. It is said where the configuration shows it, and proves nothing.
    """
    way = cluster.view(reach).way(start, end)
    host = way.host
    hint, hinted = _hint(cluster, start, end)
    refusals = [row for row in way.sightings if row.state == UNROUTED]
    proof = [row.source for row in (*host.last, *host.older)]
    if refusals and host.state != OPEN:
        return _unroutable(start, end, f"{shown(refusals)}{hint}", [r.source for r in refusals], hinted)
    if way.loops and host.state != OPEN:
        reason = f"the trace to {way.loops[0].target} goes in circles and does not arrive{hint}"
        return _unroutable(start, end, reason, [trace.source for trace in way.loops], hinted)
    if way.alarms and not _closed_ports(cluster, start, end):
        ports = sorted({port for _, numbers in way.alarms for port in numbers})
        on = f" on ports {' and '.join(map(str, ports))}" if ports else ""
        but = f"; yet it answers: {shown(host.last[:2])}" if host.state == OPEN else ""
        reason = f"alarm 20021 is up on {start}: no TCP connection to {end}{on}{but}{hint}"
        return _unroutable(start, end, reason, [*(alarm.source for alarm, _ in way.alarms), *proof], hinted)
    said = unnamed_alarms(cluster, start, end)
    note = f"; alarm {said[0].number} is up on {start}, which may mean another peer or another cause" if said else ""
    note += f"; alarm 20021 names a port that is closed, see {_closed_ports(cluster, start, end)}" if way.alarms else ""
    proof += [alarm.source for alarm in said] + [alarm.source for alarm, _ in way.alarms]
    if host.state == OPEN:
        older = f"; another try gave {shown(host.older)}" if host.older else ""
        return passed(f"{end} answers {start}: {shown(host.last[:2])}{older}{note}", evidence=proof)
    if host.state == SILENT:
        answers = cluster.view(reach).way(end, start).port_answers
        if answers and (closed := _closed_ports(cluster, start, end)):
            return passed(
                f"{end} gave no answer to {start} ({shown(host.last[:3])}), for which see {closed}; but packets of "
                f"{start} do reach {end}, whose own try was answered: {shown(answers[:1])}{note}",
                evidence=[*proof, *(row.source for row in answers)],
            )
        return unknown(
            f"{end} gave no answer to {start} ({shown(host.last[:3])}); a filter is as silent as a missing route{hint}",
            want=[want.trace(start, end)],
            evidence=proof,
        )
    return unknown(
        f"nothing was tried from {start} to {end}{note}{hint}",
        want=[want.ports(start, end, _needed(start, end)), want.ping(start, end)],
        evidence=proof,
    )


def _unroutable(start: Peer, end: Peer, reason: str, evidence: list[int], hinted: Route | None) -> Verdict:
    own = f"on {start}, {_ROUTES}: add a route to {want.target(end)} by the router of LAN 1"
    return violation(
        reason,
        evidence=[*evidence, *(hinted.sources if hinted else ())],
        at_fault=[start.name] if hinted else (),
        log_in=[start.name],
        fix=steps(
            own
            if hinted
            else f"on {start}, System > Network interfaces > IP and {_ROUTES}: check gateway and routes "
            f"towards {want.target(end)}; static routes are each peer's own",
            f"on {end}, the same towards {want.target(start)}: answers need a way back",
            "on the routers between them: check the routes of both subnets",
            f"on {start}, Maintenance > Tools > Network utilities > Traceroute to {want.target(end)}: it has to arrive",
        ),
        cite="Cluster guide X12.6, Reference, peer-specific items; Administrator Guide, Configuring static routes",
    )


def _hint(cluster: Cluster, start: Peer, end: Peer) -> tuple[str, Route | None]:
    """Return what the configuration of a peer says of the way, where it looks wrong."""
    place = cluster.view(places)
    here, there = place[start.name].interface.number, place[end.name].addresses
    found = route(start, there[0]) if there else None
    if found is None or found.how == "subnet" or (found.interface in (here, None) and found.how):
        return "", None
    if not found.how:
        return f"; {start} has neither a gateway nor a static route to {there[0]}", found
    return (
        f"; {start} sends packets to {there[0]} by its default gateway {found.gateway} on LAN {found.interface}, while "
        f"it is clustered on LAN {here}, and has no static route there"
    ), found


def _closed_ports(cluster: Cluster, start: Peer, end: Peer) -> str:
    """Return the rule that explains why a port does not open, empty where none does."""
    way, needed = cluster.view(reach).way(start, end), _needed(start, end)
    tcp = [ports for ports in needed if ports.transport == "tcp"]
    if any(keeps_out(cluster, start, end, ports) for ports in tcp):
        return "R28"
    states = [way.port(ports) for ports in tcp]
    closed = [s for s in states if s.state == BLOCKED and any(row.state != UNROUTED for row in s.last)]
    return "R11" if closed else ""


def _needed(start: Peer, end: Peer) -> tuple[Ports, ...]:
    return era_of([start.version.value, end.version.value]).needed


RULES = (directly_routable,)
