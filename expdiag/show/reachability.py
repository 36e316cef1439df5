"""Which ports open from peer to peer, and from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Finding
from expdiag.model.cluster import Cluster
from expdiag.model.names import address
from expdiag.model.network.ports import Era, Ports, era_of
from expdiag.model.network.reach import BLOCKED, DISAGREE, OPEN, SILENT, Reach, Verdict, is_try_of, reach, settle
from expdiag.model.peers import Peer
from expdiag.show.grid import Cell
from expdiag.show.judged import Judged, ports_blamed
from expdiag.show.sheet import Row, Section, frame, sheet
from expdiag.show.style import Picture
from expdiag.tables import Reachability

if TYPE_CHECKING:
    import pandas as pd

_TITLE = "Which ports open, between peers and from outside: what became of the tries"
_WAY, _ALL, _OUT = "R09 answers at all", "R11 ports open", "R12 closed to others"


def reachability_table(case: Case) -> pd.DataFrame:
    """Return for each way, and from outside, what became of the tries of each port, with outcomes."""
    return frame(_sections(case), ("way", "to", "port"))


def reachability_matrix(case: Case) -> Picture:
    """Draw `reachability_table`."""
    return sheet(_sections(case), title=_TITLE)


def _sections(case: Case) -> list[Section]:
    cluster, judged = case.cluster, Judged(case.findings)
    columns = _needed(cluster)
    found = [
        Section(
            f"from {start.name}",
            (_WAY, *map(str, columns), _ALL),
            tuple(
                Row(f"to {end.name}", _way(cluster, judged, columns, start, end))
                for end in cluster.peers
                if end is not start
            ),
        )
        for start in cluster.peers
        if len(cluster.peers) > 1
    ]
    closed = _closed(cluster)
    heads = (*map(str, closed), "others in captures", _OUT)
    rows = tuple(Row(f"to {peer.name}", _from_outside(cluster, judged, closed, peer)) for peer in cluster.peers)
    return [*found, Section("from outside, where these ports must not open", heads, rows)] if rows else found


def _needed(cluster: Cluster) -> tuple[Ports, ...]:
    eras = [_era(start, end) for start, end in cluster.ordered_pairs()]
    return tuple(dict.fromkeys(ports for era in eras for ports in era.needed))


def _closed(cluster: Cluster) -> tuple[Ports, ...]:
    """Return the ports that nobody outside may reach; those for the machine itself where somebody tried them."""
    found: dict[Ports, None] = {}
    rows = [row for of_one in cluster.view(reach).outside.values() for row in of_one]
    for peer in cluster.peers:
        era = era_of([peer.version.value])
        found |= dict.fromkeys(era.closed)
        found |= dict.fromkeys(ports for ports in era.own if any(is_try_of(row, ports) for row in rows))
    return tuple(found)


def _era(*peers: Peer) -> Era:
    return era_of([peer.version.value for peer in peers])


def _way(cluster: Cluster, judged: Judged, columns: Iterable[Ports], start: Peer, end: Peer) -> tuple[Cell, ...]:
    way, needed = cluster.view(reach).way(start, end), _era(start, end).needed
    routed, opened = judged.of("R09", start.name, end.name), judged.of("R11", start.name, end.name)
    host = way.host
    answer = {OPEN: "answers", BLOCKED: "no way there", SILENT: "silent"}.get(host.state, "not tried")
    if host.state == OPEN:
        answer += f" ({_how(host.last)})"
    if way.alarms:
        answer += ", alarm 20021 is up"
    cells = [Cell(routed.outcome if routed else None, answer)]
    for ports in columns:
        if ports not in needed:
            cells.append(Cell(NOT_APPLICABLE, "not needed"))
        elif ports.low is None:
            cells.append(Cell(UNKNOWN, "cannot be tried"))
        else:
            found = way.port(ports)
            cells.append(Cell(_outcome(found, ports, opened), _said(found, end, cluster)))
    return (*cells, Cell(opened.outcome if opened else None, opened.outcome if opened else ""))


def _outcome(found: Verdict, ports: Ports, opened: Finding | None) -> str | None:
    """Return the verdict on a pair where it is about this port: open is right, what it does not speak of unknown."""
    if found.state == OPEN:
        return PASS
    if opened is None:
        return UNKNOWN
    if opened.outcome == VIOLATION:
        is_about = str(ports) in ports_blamed(opened)
        return VIOLATION if is_about else None if found.state == SILENT else UNKNOWN
    return opened.outcome


def _said(found: Verdict, end: Peer, cluster: Cluster) -> str:
    """Return what tries of a port gave, and who said no where it was not the peer itself."""
    if not found.last:
        return "not tried"
    own = {str(at) for at in (*end.addresses, *end.nat_addresses)}
    words = []
    for row in found.last:
        state = "silent" if row.state == "open-or-filtered" else row.state
        by = row.said_by and str(address(row.said_by) or row.said_by)
        words.append(f"{state} by {by}" if by and by not in own and by != row.address else state)
    said = ", ".join(dict.fromkeys(words))
    if found.state == DISAGREE:
        return f"{said}: tries disagree"
    if found.older:
        return f"{said}, before {', '.join(dict.fromkeys(row.state for row in found.older))}"
    return said


def _how(rows: Sequence[Reachability]) -> str:
    """Return what answered: a port, an echo, the end of a trace."""
    kinds = dict.fromkeys("echo" if row.transport == "icmp" else row.transport.upper() for row in rows)
    return ", ".join(kind for kind in kinds if kind)


def _from_outside(cluster: Cluster, judged: Judged, columns: Iterable[Ports], peer: Peer) -> tuple[Cell, ...]:
    found, verdict = cluster.view(reach), judged.of("R12", peer.name)
    outcome = verdict.outcome if verdict else None
    rows, cells = found.outside.get(peer.name, []), []
    era = _era(peer)
    for ports in columns:
        if ports not in (*era.closed, *era.own):
            cells.append(Cell(NOT_APPLICABLE, "not asked for"))
            continue
        by_address: dict[str, list[Reachability]] = {}
        for row in rows:
            if is_try_of(row, ports):
                by_address.setdefault(row.address or row.target, []).append(row)
        tried = {at: settle(tries) for at, tries in by_address.items()}
        words = "; ".join(f"{at} {_said(one, peer, cluster)}" for at, one in tried.items()) or "not tried"
        cells.append(Cell(_closed_outcome([one.state for one in tried.values()], outcome), words))
    return (*cells, _strangers(found, peer, outcome), Cell(outcome, outcome or ""))


def _closed_outcome(states: list[str], outcome: str | None) -> str | None:
    if OPEN in states:
        return outcome
    if not states:
        return NOT_APPLICABLE if outcome == NOT_APPLICABLE else UNKNOWN
    return UNKNOWN if DISAGREE in states else PASS


def _strangers(found: Reach, peer: Peer, outcome: str | None) -> Cell:
    """Return who, being no peer, a capture shows to be answered."""
    rows = [row for row in found.strangers.get(peer.name, ()) if any(is_try_of(row, p) for p in _era(peer).closed)]
    answered = list(dict.fromkeys(row.vantage for row in rows if row.state == "open"))
    if not answered:
        return Cell(None, "none answered" if rows else "none seen")
    more = f" and {len(answered) - 3} more" if len(answered) > 3 else ""
    return Cell(outcome, f"{', '.join(answered[:3])}{more} answered")
