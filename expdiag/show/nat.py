"""By which address each peer is led to each other, and what stands in front of that address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.model.cluster import Cluster
from expdiag.model.dns.resolver import resolver
from expdiag.model.names import Address
from expdiag.model.network.clustering import Resolution, places
from expdiag.model.network.translation import Crossing, crossings
from expdiag.model.peers import Interface, Peer
from expdiag.show.grid import Cell
from expdiag.show.judged import Judged
from expdiag.show.sheet import Row, Section, frame, sheet
from expdiag.show.style import Picture

if TYPE_CHECKING:
    import pandas as pd

_WAY = ("entry in its peer list", "leads to", "which is", "captures show", "R10 no translation")
_INTERFACE = ("address", "static NAT", "clustered there", "E10 off where clustered")
_HOW = {"address": "", "mapping": "(address mapping)", "DNS": "(its own resolver)", "log": "(as its log tells)"}
_MOST = 2  # connections that are shown in full


def nat_table(case: Case) -> pd.DataFrame:
    """Return for each way what the peer list leads to and what captures show, and static NAT of each interface."""
    return frame(_sections(case), ("section", "about", "what"))


def nat_picture(case: Case) -> Picture:
    """Draw `nat_table`."""
    title = "Addresses by which peers reach each other, and static NAT in front of their interfaces"
    return sheet(_sections(case), title=title)


def _sections(case: Case) -> list[Section]:
    cluster, judged = case.cluster, Judged(case.findings)
    ways = [
        Section(f"on {start.name}", _WAY, tuple(_way(cluster, judged, start, end) for end in _others(cluster, start)))
        for start in cluster.peers
        if len(cluster.peers) > 1
    ]
    rows = tuple(row for peer in cluster.peers for row in _interfaces(cluster, judged, peer))
    return [*ways, Section("static NAT of each interface", _INTERFACE, rows)]


def _others(cluster: Cluster, start: Peer) -> Iterable[Peer]:
    return (end for end in cluster.peers if end is not start)


def _way(cluster: Cluster, judged: Judged, start: Peer, end: Peer) -> Row:
    entries = cluster.view(places)[end.name].entries.get(start.name, ())
    found = judged.of("R10", start.name, end.name)
    seen = cluster.view(crossings).get((start.name, end.name), [])
    cells = (
        Cell(None, ", ".join(entry.entry for entry in entries) or _no_entry(start)),
        Cell(None, "; ".join(dict.fromkeys(_leads(cluster, start, entry) for entry in entries)) or "?"),
        Cell(None, "; ".join(dict.fromkeys(_whose(cluster, end, e.address) for e in entries if e.address)) or "?"),
        Cell(None, _seen(seen)),
        Cell(found.outcome if found else None, found.outcome if found else ""),
    )
    return Row(f"for {end.name}", cells)


def _no_entry(start: Peer) -> str:
    if not start.listed:
        return "its list is not in the evidence"
    return "none shown, its list is cut" if start.list_is_cut else "none known to be it"


def _leads(cluster: Cluster, start: Peer, entry: Resolution) -> str:
    if entry.address:
        return f"{entry.address} {_HOW.get(entry.by, entry.by)}".strip()
    result = resolver(cluster).of(start).own.addresses(entry.entry)
    return f"its own resolver: {result.said}" if result.answers else "nobody asked its resolver"


def _whose(cluster: Cluster, end: Peer, at: Address) -> str:
    """Return what an address is: one of an interface, one that static NAT puts in front of it, or nobody knows."""
    for peer in (end, *cluster.peers):
        whose = "its" if peer is end else f"{peer.name}'s"
        if behind := peer.nat_addresses.get(at):
            return f"static NAT in front of {whose} LAN {behind.number}"
        for interface in peer.interfaces:
            if at in interface.addresses:
                return f"{whose} LAN {interface.number}"
    return "no address known to be its own"


def _seen(seen: list[Crossing]) -> str:
    """Return what captures show of connections of one peer to another, translated ones first."""
    if not seen:
        return "no connection"
    changed = [crossing for crossing in seen if crossing.translated]
    if not changed:
        return "the same addresses at both ends"
    words = list(dict.fromkeys(crossing.words for crossing in changed))
    by = next((f"; the static NAT of {crossing.by}" for crossing in changed if crossing.by), "")
    more = f"; and {len(words) - _MOST} more" if len(words) > _MOST else ""
    return f"translated: {'; '.join(words[:_MOST])}{more}{by}"


def _interfaces(cluster: Cluster, judged: Judged, peer: Peer) -> Iterable[Row]:
    found, place = judged.outcome("E10", peer.name), cluster.view(places)[peer.name]
    for interface in peer.interfaces:
        here = interface.number == place.interface.number
        cells = (
            Cell(None, ", ".join(map(str, interface.addresses)) or "none shown"),
            Cell(None, _static_nat(interface)),
            Cell(None, "yes" if here else "no"),
            Cell(found if here else None, (found or "") if here else ""),
        )
        yield Row(f"{peer.name}, LAN {interface.number}", cells)
    if not peer.interfaces:
        nothing = Cell(None, "not in the evidence")
        yield Row(peer.name, (nothing, nothing, Cell(None, "?"), Cell(found, found or "")))


def _static_nat(interface: Interface) -> str:
    mode, at = interface.static_nat_on, interface.static_nat_address.value
    if not mode.known:
        return f"not shown whether {at} is on" if at else "not in the evidence"
    if not mode.value:
        return "off"
    return f"{at} in front" if at else "on, its address not shown"
