"""The firewall rules of each peer in the order a packet to the clustering ports meets them, and where it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from expdiag.case import Case
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Finding
from expdiag.model.cluster import Cluster
from expdiag.model.network import ranges
from expdiag.model.network.clustering import in_use, places, versions_of
from expdiag.model.network.encounters import GOES_ON, MAY_END, PERHAPS, TOO_MANY, Encounter, Met, Sender, encounters
from expdiag.model.network.firewall import PAGE, Gate, Ruleset, gates, packet_to, strangers
from expdiag.model.network.packets import ACCEPT
from expdiag.model.network.ports import Ports, era_of, listing
from expdiag.model.network.ranges import Ranges
from expdiag.model.peers import Interface, Peer
from expdiag.show.grid import MARKS, Cell
from expdiag.show.judged import Judged
from expdiag.show.sheet import Row, Section, frame, sheet
from expdiag.show.style import Picture
from expdiag.tables import FirewallRule

if TYPE_CHECKING:
    import pandas as pd

EVERYBODY_ELSE = "everybody else"
_ALIKE = 3  # rules in a row that do the same; more are drawn as one
_MOST_ROWS = 24
_ORIGINS = {PAGE: "rules of the web page", "iptables": "rules in force, iptables", "nftables": "rules in force, nft"}


@dataclass(frozen=True, slots=True)
class _Course:
    """Where packets to some ports go, on one way in.

    Attributes:
        ports, versions, interfaces: for which it is the same.
        total: how many rules there are, defaults left out.
        concerned: how many of them these packets may meet.
    """

    ruleset: Ruleset
    ports: tuple[Ports, ...]
    versions: tuple[int, ...]
    interfaces: tuple[int, ...]
    rows: tuple[Row, ...]
    total: int
    concerned: int


def order_table(case: Case) -> pd.DataFrame:
    """Return for each peer the rules in the order a packet meets them, and what each does with whose packets."""
    return frame(_sections(case), ("peer", "rule", "packets from"))


def order_picture(case: Case) -> Picture:
    """Draw `order_table`."""
    title = "Firewall rules of each peer from the first one met, and where packets to the clustering ports end"
    return sheet(_sections(case), title=title, label_width=48, words_width=24)


def _sections(case: Case) -> list[Section]:
    cluster, judged = case.cluster, Judged(case.findings)
    columns = (*(f"from {peer.name}" for peer in cluster.peers), f"from {EVERYBODY_ELSE}")
    return [section for peer in cluster.peers for section in _of_peer(cluster, judged, peer, columns)]


def _of_peer(cluster: Cluster, judged: Judged, peer: Peer, columns: tuple[str, ...]) -> Iterator[Section]:
    gate = cluster.view(gates).get(peer.name)
    verdicts = [f"{number} {MARKS[f.outcome]} {what}" for number, what, f in _verdicts(judged, peer)]
    said = f" – {'; '.join(verdicts)}" if verdicts else ""
    if gate is None:
        nothing = Row("its firewall rules are not in the evidence", tuple(Cell(None) for _ in columns))
        yield Section(f"{peer.name}{said}", columns, (nothing,))
        return
    for course in _merged(_courses(cluster, judged, peer, gate)):
        versions = " and ".join(f"IPv{version}" for version in course.versions)
        lans = " and ".join(f"LAN {number}" for number in course.interfaces)
        origin = _ORIGINS.get(course.ruleset.origin, course.ruleset.origin)
        others = course.total - course.concerned
        count = f"{origin}: {course.concerned} for these packets, {others} for others"
        title = f"{peer.name}: {listing(course.ports)} over {versions} on {lans}{said} – {count}"
        yield Section(title, columns, course.rows)


def _verdicts(judged: Judged, peer: Peer) -> Iterator[tuple[str, str, Finding]]:
    for number, what in (("R28", "peers get in"), ("R27", "others are kept out")):
        found = judged.of(number, peer.name)
        if found and found.outcome != NOT_APPLICABLE:
            yield number, what, found


def _courses(cluster: Cluster, judged: Judged, peer: Peer, gate: Gate) -> Iterator[_Course]:
    """Yield the course of packets for each port, IP version and interface, and each print of the rules.

    Ports that only peers need, as UDP 1719, are left out where every peer gets in.
    """
    era = era_of([peer.version.value])
    closed = {str(ports) for ports in era.closed}
    only_needed = [ports for ports in era.needed if str(ports) not in closed and ports.low is not None]
    for ports in (*era.closed, *only_needed):
        for version in versions_of(peer):
            for interface in _entered(peer, version):
                senders = _senders(cluster, peer, ports, version, interface)
                if ports in only_needed:
                    del senders[EVERYBODY_ELSE]
                for ruleset in gate.rules_for(version):
                    found = encounters(ruleset.chains(gate.hooks), senders)
                    if ports in only_needed and _all_get_in(found):
                        continue
                    rows = _rows(cluster, judged, peer, found, version)
                    met = {one.rule.source for one in found if one.rule and one.rule.position is not None}
                    total = sum(1 for row in ruleset.rows if row.position is not None)
                    yield _Course(ruleset, (ports,), (version,), (interface.number,), rows, total, len(met))


def _all_get_in(found: Iterable[Encounter]) -> bool:
    return all(met.what in (ACCEPT, GOES_ON) for one in found for met in one.met.values())


def _entered(peer: Peer, version: int) -> Iterator[Interface]:
    for interface in in_use(peer):
        if version == 4 or interface.number == 1 or interface.ipv6.value:
            yield interface


def _senders(cluster: Cluster, peer: Peer, ports: Ports, version: int, interface: Interface) -> dict[str, Sender]:
    known, found = cluster.view(places), {}
    for other in cluster.peers:
        sources = ranges.of_addresses(known[other.name].sends_from, version)
        if other is not peer and sources:
            found[other.name] = Sender(packet_to(peer, ports, version, interface.number, from_peer=True), sources)
    packet = packet_to(peer, ports, version, interface.number, from_peer=False)
    return {
        **found,
        EVERYBODY_ELSE: Sender(packet, ranges.intersect(strangers(cluster, version), ranges.anybody(version))),
    }


def _merged(courses: Iterable[_Course]) -> list[_Course]:
    """Return courses, those that are the same as one: by ports, then by interfaces, then by IP versions."""
    found = list(courses)
    for what in ("ports", "interfaces", "versions"):
        together: dict[object, list[_Course]] = {}
        for one in found:
            apart = tuple(getattr(one, name) for name in ("ports", "interfaces", "versions") if name != what)
            together.setdefault((apart, one.rows), []).append(one)
        found = [_as_one(alike, what) for alike in together.values()]
    return found


def _as_one(alike: Sequence[_Course], what: str) -> _Course:
    merged: Any = {what: tuple(dict.fromkeys(value for one in alike for value in getattr(one, what)))}
    return replace(alike[0], **merged)


def _rows(cluster: Cluster, judged: Judged, peer: Peer, found: Sequence[Encounter], version: int) -> tuple[Row, ...]:
    """Return a row for each rule; rules in a row that do the same become one."""
    names = [*(other.name for other in cluster.peers), EVERYBODY_ELSE]
    rows = []
    for _, group in groupby(found, key=_kind):
        alike = list(group)
        parts = [alike] if len(alike) > _ALIKE else [[one] for one in alike]
        for part in parts:
            met = {name: _together([one.met[name] for one in part if name in one.met]) for name in names}
            cells = tuple(_cell(judged, peer, name, met[name], version) for name in names)
            rows.append(Row(_label(part), cells))
    if len(rows) > _MOST_ROWS:
        half, left = _MOST_ROWS // 2, len(rows) - _MOST_ROWS
        more = Row(f"… {left} more, which differ in what they do", tuple(Cell(None, "…") for _ in names))
        rows = [*rows[:half], more, *rows[-half:]]
    return tuple(rows)


def _kind(one: Encounter) -> object:
    """Return what makes rules alike: their action, and what becomes of each sender there."""
    action = (one.rule.action, one.rule.chain, one.rule.position is None) if one.rule else None
    return action, one.depth, tuple((name, met.what) for name, met in one.met.items())


def _together(met: Sequence[Met]) -> Met | None:
    if not met or met[0].what in (GOES_ON, MAY_END):
        return met[0] if met else None
    sources: Ranges = ranges.joined(pair for one in met for pair in one.sources)
    return Met(met[0].what, sources, any(one.is_part for one in met))


def _cell(judged: Judged, peer: Peer, name: str, met: Met | None, version: int) -> Cell:
    if met is None:
        return Cell(None)
    if met.what in (GOES_ON, MAY_END):
        return Cell(None, "→ goes on" if met.what == GOES_ON else "may end here, else →")
    words = {ACCEPT: "gets in", PERHAPS: "not to be judged", TOO_MANY: "too many cases to follow"}.get(
        met.what, "kept out"
    )
    if met.is_part:
        words += f": {ranges.shown(met.sources, version)}"
    return Cell(_outcome(judged, peer, name, met), words)


def _outcome(judged: Judged, peer: Peer, name: str, met: Met) -> str | None:
    """Return how an end stands: that of the rule about it where it is not as it should be."""
    if met.what in (PERHAPS, TOO_MANY):
        return UNKNOWN
    if (met.what == ACCEPT) == (name != EVERYBODY_ELSE):
        return PASS
    finding = judged.of("R27" if name == EVERYBODY_ELSE else "R28", peer.name)
    if finding is None or finding.outcome not in (VIOLATION, UNKNOWN):
        return None
    cut = str(finding.verdict.measured).split(", ")
    is_about = name == EVERYBODY_ELSE or finding.outcome == UNKNOWN or name in cut
    return finding.outcome if is_about else None


def _label(part: Sequence[Encounter]) -> str:
    first = part[0]
    if first.rule is None:
        is_end = all(met.what != TOO_MANY for met in first.met.values())
        return "no rule takes it" if is_end else "where it ends"
    words = _words(first.rule)
    if len(part) > 1 and (last := part[-1].rule):
        words = f"{words}; {len(part) - 1} more that do the same, up to {_number(last)}"
    never = "" if any(one.met for one in part) else " (never met)"
    return f"{'↳ ' * min(first.depth, 4)}{words}{never}"


def _words(rule: FirewallRule) -> str:
    """Return a rule as a person reads it: number, action, what it is about."""
    if rule.position is None:
        return f"default of {rule.chain}: {rule.action}"
    about = [
        f"{rule.transport.upper()} {rule.ports}".strip(),
        f"from {rule.source_network}" if rule.source_network else "",
        f"to {rule.destination_network}" if rule.destination_network else "",
        f"from ports {rule.source_ports}" if rule.source_ports else "",
        f"on {rule.interface}" if rule.interface else "",
        f"if {', '.join(rule.states)}" if rule.states else "",
        f"if {rule.conditions}" if rule.conditions else "",
    ]
    action = f"{rule.action} {rule.target}".strip() if rule.action in ("jump", "goto") else rule.action
    return f"{_number(rule)} {action} {' '.join(filter(None, about))}".strip()


def _number(rule: FirewallRule) -> str:
    """Return the number of a rule: its priority on the page, else its place in its chain."""
    if rule.origin == PAGE:
        return "priority unknown" if rule.priority is None else str(rule.priority)
    return f"{rule.chain} {rule.position}"
