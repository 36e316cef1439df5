"""Round trips between peers, as a matrix against the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.findings import PASS, UNKNOWN, VIOLATION
from expdiag.model.cluster import Cluster
from expdiag.model.network.latency import delays, limit_for
from expdiag.model.peers import Peer
from expdiag.show.grid import Cell, grid
from expdiag.show.style import Picture

if TYPE_CHECKING:
    import pandas as pd


def latency_table(case: Case) -> pd.DataFrame:
    """Return round trips in milliseconds: measured from the peer of the row to the peer of the column.

    The 95th percentile of the slowest run; missing where nothing was measured.
    """
    from expdiag.tables.shown import ShownFrame

    names = [peer.name for peer in case.cluster.peers]
    rows = [[measured(case.cluster, start, end) for end in case.cluster.peers] for start in case.cluster.peers]
    table = ShownFrame(rows, index=names, columns=names, dtype="Float64")
    return table.rename_axis(index="from", columns="to")


def measured(cluster: Cluster, start: Peer, end: Peer) -> float | None:
    """Return the round trip from one peer to another in milliseconds, None where it was not measured."""
    found = delays(cluster.paths.directed(start.name, end.name))
    return found[0].high if found else None


def outcome(cluster: Cluster, start: Peer, end: Peer) -> str:
    """Return how a measured direction stands against the limit."""
    found = delays(cluster.paths.directed(start.name, end.name))
    if not found:
        return UNKNOWN
    limit = limit_for((start.version.value, end.version.value), cluster.facts.limits)
    if found[0].low > limit.beyond:
        return VIOLATION
    return PASS if found[0].high <= limit.upto else UNKNOWN


def latency_matrix(case: Case) -> Picture:
    """Draw `latency_table`: each direction against the limit."""
    peers = case.cluster.peers
    cells = [[_cell(case.cluster, start, end) for end in peers] for start in peers]
    names = [peer.name for peer in peers]
    limit = limit_for([peer.version.value for peer in peers], case.cluster.facts.limits)
    title = f"Round trip, 95th percentile of the slowest run, limit {limit.beyond:g} ms"
    return grid(names, names, cells, title=title, row_name="from", column_name="to")


def _cell(cluster: Cluster, start: Peer, end: Peer) -> Cell:
    if start is end:
        return Cell(None)
    value = measured(cluster, start, end)
    if value is None:
        return Cell(UNKNOWN, "not measured")
    verdict = outcome(cluster, start, end)
    return Cell(verdict, f"{value:.1f} ms" + (" over" if verdict == VIOLATION else ""))
