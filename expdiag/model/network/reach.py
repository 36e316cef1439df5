"""What probes, captures, alarms and logs say of the way from one peer to another, and from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from expdiag.model.cluster import Cluster
from expdiag.model.names import Address, address, canonical
from expdiag.model.network import matches
from expdiag.model.network.clustering import places
from expdiag.model.network.ports import Ports
from expdiag.model.peers import Peer
from expdiag.tables import Alarm, PeerLink, Reachability, Trace

OUTSIDE = "outside"
OPEN, BLOCKED, SILENT, DISAGREE, UNSEEN = "open", "blocked", "silent", "disagree", "unseen"
UNROUTED = "unreachable"
_BLOCKING = frozenset({"refused", "filtered", "prohibited", "unreachable", "not-open"})
_NO_TCP_ALARM, _PRIMARY_AWAY_ALARM, _PEERS_AWAY_ALARM = 20021, 20016, 20004
_RAS_LINKS = frozenset({"ras-timeout", "gatekeeper-timeout"})
_EARLIEST = datetime.min.replace(tzinfo=UTC)
Whose = Callable[[str], str | None]
_WORD = re.compile(r"[A-Za-z0-9:._-]+")
_PORT = re.compile(r"\b(?:43[67][0-9]|4380|1719)\b")


@dataclass(slots=True)
class Verdict:
    """What all sightings of one port say together.

    Attributes:
        state: `open`, `blocked`, `silent` (udp without an answer), `disagree` or `unseen`.
        last: the sightings that decide.
        older: sightings that say otherwise and are older.
    """

    state: str
    last: list[Reachability] = field(default_factory=list)
    older: list[Reachability] = field(default_factory=list)

    @property
    def sources(self) -> tuple[int, ...]:
        """What shows it."""
        return tuple(row.source for row in (*self.last, *self.older))


@dataclass(slots=True)
class Way:
    """Everything seen of the way from one peer to another."""

    sightings: list[Reachability] = field(default_factory=list)
    loops: list[Trace] = field(default_factory=list)
    alarms: list[tuple[Alarm, tuple[int, ...]]] = field(default_factory=list)
    ras_failures: list[PeerLink] = field(default_factory=list)

    def port(self, ports: Ports) -> Verdict:
        """Return what became of the tries of a port."""
        return settle([row for row in self.sightings if is_try_of(row, ports)])

    @property
    def port_answers(self) -> list[Reachability]:
        """The tries of a TCP port that were answered, which takes packets both ways."""
        return [
            row for row in self.sightings if row.transport == "tcp" and row.state == "open" and row.port is not None
        ]

    @property
    def host(self) -> Verdict:
        """Whether the other answers at all: by any port, a refusal of its own, or an echo."""
        return settle(self.sightings, answers=True)


@dataclass(slots=True)
class Reach:
    """The ways of a cluster.

    Attributes:
        outside: tries from outside, by peer.
        strangers: tries of addresses that are no peer's and that a capture shows, by peer.
    """

    ways: dict[tuple[str, str], Way] = field(default_factory=dict)
    outside: dict[str, list[Reachability]] = field(default_factory=dict)
    strangers: dict[str, list[Reachability]] = field(default_factory=dict)

    def way(self, start: Peer, end: Peer) -> Way:
        """Return what is known of a way; an empty one where nothing is."""
        return self.ways.get((start.name, end.name)) or Way()


def settle(rows: Sequence[Reachability], *, answers: bool = False) -> Verdict:
    """Return what sightings say together: the newest where all have a time, one voice where all agree.

    Args:
        rows: sightings of one port, or of one host.
        answers: ask whether the host answers, so that its own refusal counts as an answer, and silence as none.
    """
    seen = [(row, _meaning(row, answers)) for row in rows]
    said = {meaning for _, meaning in seen if meaning in (OPEN, BLOCKED)}
    if not said:
        silent = [row for row, meaning in seen if meaning == SILENT]
        return Verdict(SILENT, silent) if silent else Verdict(UNSEEN)
    decided = [(row, meaning) for row, meaning in seen if meaning in said]
    if len(said) == 1:
        return Verdict(said.pop(), [row for row, _ in decided])
    if answers:  # one answer proves the way, whatever else got none
        return Verdict(OPEN, [row for row, m in decided if m == OPEN], [row for row, m in decided if m == BLOCKED])
    if any(row.time is None for row, _ in decided):
        return Verdict(DISAGREE, [row for row, _ in decided])
    newest = max(decided, key=lambda pair: pair[0].time or _EARLIEST)[1]
    return Verdict(newest, [r for r, m in decided if m == newest], [r for r, m in decided if m != newest])


def _meaning(row: Reachability, answers: bool) -> str:
    if row.state == "open":
        return OPEN
    if row.state == "open-or-filtered":
        return SILENT
    if row.state not in _BLOCKING:
        return UNSEEN
    if answers:
        if row.state == "refused" and (not row.said_by or address(row.said_by) == address(row.address)):
            return OPEN
        return BLOCKED if row.state == UNROUTED else SILENT
    return BLOCKED


def reach(cluster: Cluster) -> Reach:
    """Return the ways of a cluster; a view."""
    found = Reach()
    translated = _translated(cluster)
    clustered = {name: place.reached_at for name, place in cluster.view(places).items()}
    known: dict[str, str | None] = {}

    def whose(text: str) -> str | None:
        if text not in known:
            peer = cluster.find(text) if text else None
            known[text] = peer.name if peer else None
        return known[text]

    for row in cluster.rows["reachability"]:
        end, at = whose(row.address) or whose(row.target), address(row.address)
        if not end or not row.vantage:
            continue
        if canonical(row.vantage) == OUTSIDE:
            found.outside.setdefault(end, []).append(row)
        elif start := whose(row.vantage):
            if start != end and not (at and clustered[end] and at not in clustered[end]):
                found.ways.setdefault((start, end), Way()).sightings.append(row)
        elif row.tool == "capture" and (stranger := address(row.vantage)) and stranger not in translated:
            found.strangers.setdefault(end, []).append(row)
    _add_pings(cluster, found)
    _add_traces(cluster, found, whose)
    _add_alarms(cluster, found, whose)
    for link in cluster.rows["peer_links"]:
        start, end = cluster.peer_of(link.source), whose(link.remote)
        if link.kind in _RAS_LINKS and start and end and start != end:
            found.ways.setdefault((start, end), Way()).ras_failures.append(link)
    return found


def _translated(cluster: Cluster) -> set[Address]:
    """Return the addresses behind which a peer was seen, known by the sequence numbers of its connections."""
    found = set()
    for row in cluster.view(matches.of_cluster):
        if row.translated:
            for here, there in ((row.client, row.client_there), (row.client_there, row.client)):
                if cluster.find(here) and (at := address(there)):
                    found.add(at)
    return found


def _add_pings(cluster: Cluster, found: Reach) -> None:
    """Take answered echoes as sightings of the host."""
    for start, end in cluster.ordered_pairs():
        for run in cluster.paths.directed(start.name, end.name):
            if run.answered and run.tool != "capture":
                row = Reachability(
                    *(run.vantage, run.target, run.address, None, "icmp", "open", "", run.tool, run.median),
                    *(run.last_time, f"{run.answered} answers", run.source),
                )
                found.ways.setdefault((start.name, end.name), Way()).sightings.append(row)


def _add_traces(cluster: Cluster, found: Reach, whose: Whose) -> None:
    """Take traces that arrived, and those that did not because routers hand a packet back and forth."""
    for trace in cluster.rows["traces"]:
        start, end = whose(trace.vantage), whose(trace.address) or whose(trace.target)
        if trace.reached and start and end and start != end:
            words = f"{trace.hops} hops" if trace.hops else "arrived"
            row = Reachability(
                *(trace.vantage, trace.target, trace.address, None, "icmp", "open", "", trace.tool, None),
                *(trace.first_time, words, trace.source),
            )
            found.ways.setdefault((start, end), Way()).sightings.append(row)
    lost = {trace.source: trace for trace in cluster.rows["traces"] if trace.reached is False}
    if not lost:
        return
    ttls: dict[int, dict[str, set[int]]] = {}
    for hop in cluster.rows["hops"]:
        if hop.run in lost and hop.address:
            ttls.setdefault(hop.run, {}).setdefault(hop.address, set()).add(hop.ttl)
    for run, hops in ttls.items():
        trace = lost[run]
        start, end = whose(trace.vantage), whose(trace.address) or whose(trace.target)
        back = [at for at, seen in hops.items() if max(seen) - min(seen) >= 2 and len(seen) >= 2]
        if start and end and start != end and back:
            found.ways.setdefault((start, end), Way()).loops.append(trace)


def _add_alarms(cluster: Cluster, found: Reach, whose: Whose) -> None:
    """Take the alarm that names the peers and ports to which no connection comes about."""
    for peer in cluster.peers:
        for alarm in peer.raised(_NO_TCP_ALARM):
            ports = tuple(dict.fromkeys(int(word) for word in _PORT.findall(alarm.detail)))
            named = {whose(word.strip(".,;:()[]'\"")) for word in _WORD.findall(alarm.detail)} - {None, peer.name}
            for end in filter(None, named):
                found.ways.setdefault((peer.name, end), Way()).alarms.append((alarm, ports))


def unnamed_alarms(cluster: Cluster, start: Peer, end: Peer) -> tuple[Alarm, ...]:
    """Return alarms of a peer that tell of a lost peer without a proof of why, and may mean the other one."""
    found = [*start.raised(_PEERS_AWAY_ALARM)]
    if cluster.primary is end:
        found += start.raised(_PRIMARY_AWAY_ALARM)
    if not any(
        cluster.find(word.strip(".,;:()")) for a in start.raised(_NO_TCP_ALARM) for word in _WORD.findall(a.detail)
    ):
        found += start.raised(_NO_TCP_ALARM)
    return tuple(found)


def is_try_of(row: Reachability, ports: Ports) -> bool:
    """Whether a sighting is of one of these ports."""
    return row.transport == ports.transport and row.port is not None and row.port in ports


def shown(rows: Iterable[Reachability]) -> str:
    """Return who says what, for a reason: `filtered (nmap), refused by 10.0.0.1 (nc, 2026-05-01 12:00:00 UTC)`."""
    words = []
    for row in rows:
        by = f" by {row.said_by}" if row.said_by and row.said_by != row.address else ""
        when = f", {row.time:%Y-%m-%d %H:%M:%S} UTC" if row.time else ""
        words.append(f"{row.state}{by} ({row.tool}{when})")
    return ", ".join(dict.fromkeys(words))
