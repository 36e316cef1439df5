"""Whether the clustering ports can be reached from outside."""

from __future__ import annotations

from collections.abc import Iterable

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import Address, address
from expdiag.model.network import ranges
from expdiag.model.network.clustering import in_use, is_private, places, two_interfaces
from expdiag.model.network.firewall import Ruling, rulings, strangers
from expdiag.model.network.ports import Era, Ports, era_of, listing
from expdiag.model.network.reach import DISAGREE, OPEN, is_try_of, reach, settle, shown
from expdiag.model.peers import Interface, Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation
from expdiag.tables import Reachability


@rule("R12")
def blocked_from_outside(cluster: Cluster, peer: Peer) -> Verdict:
    """Nobody outside reaches the clustering ports of a peer.

    Why: these ports are for peers alone; an external firewall has to block them. It does not contradict R11, which is
    about peers. An Expressway listens on all its interfaces, so the side of LAN 2 counts.
    Passes: TCP 4371 and 4372 (before X8.8 those of the IPsec era) of each public or static NAT address were tried from
    outside and did not open; or the rules of a firewall in front, which name the peer or the ports, let nobody but
    peers through.
    Violates: one of them opened from outside, or 4369 or 4370, where the database asks for no password; a capture shows
    that an address that is no peer's was answered there; or the rules of a firewall in front let others through.
    Unknown: nobody tried from outside, or only some ports or addresses; or the capture may show a peer whose address is
    not known.
    Not applicable: an Expressway-C without static NAT and public IPv4 address, where nothing shows it exposed.
    """
    era, found = era_of([peer.version.value]), cluster.view(reach)
    tcp = [ports for ports in era.closed if ports.transport == "tcp"]
    rows = found.outside.get(peer.name, [])
    public = _public(peer)
    answered = _answered_strangers(cluster, peer, era)
    opened = _opened(rows, [*era.closed, *era.own])
    if opened or (answered and not _may_be_peers(cluster)):
        return _exposed(peer, opened, answered)
    fronts = _in_front(cluster, peer, tcp)
    if through := [(p, r) for p, r in fronts if r.accepted and r.speaks]:
        return _let_through(peer, through, rows)
    exposed = [at for at in public if at.version == 4 or at in peer.nat_addresses]
    if not rows and not answered and peer.type.value == "C" and not exposed and peer.addresses:
        wide = f"; {public[0]} is no private address, so the firewall in front has to block it" if public else ""
        return not_applicable(
            f"an Expressway-C without a public IPv4 address{wide}",
            evidence=[*peer.type.sources, *peer.lan.ipv4.sources],
        )
    if answered:
        who = " and ".join(sorted({row.vantage for row in answered}))
        unplaced = [other for other in cluster.peers if not cluster.view(places)[other.name].addresses]
        return unknown(
            f"a capture shows that {who} was answered; that may be a peer whose address is not in the evidence",
            want=[want.bundle(other) for other in unplaced],
            evidence=[row.source for row in answered],
        )
    evidence = [row.source for row in rows]
    missing = _untried(rows, public, tcp)
    if rows and not missing:
        disagree = [ports for ports in tcp if settle(_tries(rows, ports)).state == DISAGREE]
        if not disagree:
            ends = ", ".join(dict.fromkeys(row.address or row.target for row in rows))
            said = ", ".join(dict.fromkeys(row.state for row in rows))
            return passed(f"{listing(tcp)} of {ends} did not open from outside ({said})", evidence=evidence)
        missing = [str(at) for at in public] or [want.target(peer)]
    if not rows and fronts and all(_stops_all(cluster, ruling) for _, ruling in fronts):
        return passed(
            f"the rules of {fronts[0][1].device} let only peers through to {listing(tcp)}; not tried from outside",
            evidence=[row.source for _, ruling in fronts for row in ruling.rules],
        )
    what = f"{listing(tcp)} of {' and '.join(missing)}" if missing else listing(tcp)
    return unknown(
        f"{what} was not tried from outside" if not rows or missing else f"tries of {what} from outside disagree",
        want=[want.ports_from_outside(peer, missing, tcp)],
        evidence=evidence,
    )


def _public(peer: Peer) -> tuple[Address, ...]:
    """Return the addresses by which the outside can reach a peer: public ones, and those of static NAT.

    Of two interfaces the external one counts; what the inner one has is behind the firewall by design.
    """
    facing = _facing(peer)
    nat = (at for at, interface in peer.nat_addresses.items() if interface in facing)
    return tuple(dict.fromkeys((*nat, *(at for i in facing for at in i.addresses if not is_private(at)))))


def _tries(rows: Iterable[Reachability], ports: Ports) -> list[Reachability]:
    return [row for row in rows if is_try_of(row, ports)]


def _opened(rows: list[Reachability], ports: Iterable[Ports]) -> list[Reachability]:
    """Return the tries from outside that opened a port, where no newer one of the same address found it closed."""
    found = []
    for one in ports:
        by_address: dict[str, list[Reachability]] = {}
        for row in _tries(rows, one):
            by_address.setdefault(f"{row.address or row.target} {row.port}", []).append(row)
        for tries in by_address.values():
            verdict = settle(tries)
            found += verdict.last if verdict.state == OPEN else []
    return found


def _answered_strangers(cluster: Cluster, peer: Peer, era: Era) -> list[Reachability]:
    rows = cluster.view(reach).strangers.get(peer.name, [])
    return [row for row in rows if row.state == "open" and any(_tries([row], ports) for ports in era.closed)]


def _may_be_peers(cluster: Cluster) -> bool:
    return any(not place.addresses for place in cluster.view(places).values())


def _untried(rows: Iterable[Reachability], public: tuple[Address, ...], tcp: list[Ports]) -> list[str]:
    """Return the public addresses of which not every port was tried; without any, whether anything was."""
    tried: dict[str, set[int | None]] = {}
    for row in rows:
        tried.setdefault(str(address(row.address) or row.target), set()).add(row.port)
    wanted = [str(at) for at in public] or list(tried)
    return [at for at in wanted if not all(any(port in ports for port in tried.get(at, ()) if port) for ports in tcp)]


def _in_front(cluster: Cluster, peer: Peer, tcp: list[Ports]) -> list[tuple[Ports, Ruling]]:
    """Return what the rules of devices in front of a peer do with packets of others to its outer addresses."""
    ends = tuple(dict.fromkeys((*peer.nat_addresses, *(at for i in _facing(peer) for at in i.addresses))))
    return [
        (ports, ruling)
        for version in sorted({at.version for at in ends})
        for ports in tcp
        for ruling in rulings(cluster, strangers(cluster, version), [e for e in ends if e.version == version], ports)
        if ruling.speaks
    ]


def _stops_all(cluster: Cluster, ruling: Ruling) -> bool:
    return ranges.size(ruling.blocked) in {ranges.size(strangers(cluster, version)) for version in (4, 6)}


def _facing(peer: Peer) -> tuple[Interface, ...]:
    """Return the interfaces that face the outside: of two the external one, else the only one."""
    outer = tuple(i for i in in_use(peer) if i.number != 1) if two_interfaces(peer) else ()
    return outer or in_use(peer)


def _exposed(peer: Peer, opened: list[Reachability], answered: list[Reachability]) -> Verdict:
    parts = [f"{row.transport.upper()} {row.port} of {row.address or row.target} opened from outside" for row in opened]
    parts += [
        f"{row.vantage}, which is no peer, was answered on {row.transport.upper()} {row.port}" for row in answered
    ]
    inner = any(row.port in (4369, 4370) for row in opened)
    worse = "; 4369 and 4370 are for the machine itself, its database asks nobody who calls there" if inner else ""
    return violation(
        f"{'; '.join(dict.fromkeys(parts))}{worse}",
        evidence=[row.source for row in (*opened, *answered)],
        measured="open",
        wanted="blocked",
        at_fault=[peer.name],
        fix=_close_in_front(peer),
        cite="Cluster guide X12.6, Clustering Requirements and Reference, Sample firewall rules",
    )


def _let_through(peer: Peer, through: list[tuple[Ports, Ruling]], rows: list[Reachability]) -> Verdict:
    device, ports = through[0][1].device, listing(ports for ports, _ in through)
    rule_sources = [row.source for _, ruling in through for row in ruling.rules]
    tried = f"; tried from one place outside it was {shown(rows[:2])}" if rows else ""
    at = next(iter(through))[1].accepted
    who = ranges.shown(at, 4 if at[-1][1] < 1 << 32 else 6)
    return violation(
        f"the rules of {device} let {who} through to {ports} of {peer}{tried}",
        evidence=[*rule_sources, *(row.source for row in rows)],
        measured=who,
        wanted="peers only",
        at_fault=[peer.name],
        fix=_close_in_front(peer),
        cite="Cluster guide X12.6, Clustering Requirements",
    )


def _close_in_front(peer: Peer) -> str:
    return steps(
        f"on the firewall in front of {peer}: drop TCP 4371 and 4372 to all its addresses from everybody but peers",
        f"on {peer}, System > Protection > Firewall rules: the same on both interfaces, see R27",
        "try again from outside",
    )


RULES = (blocked_from_outside,)
