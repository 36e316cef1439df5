"""Round trips between peers, as a matrix against the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.findings import PASS, UNKNOWN, VIOLATION
from expdiag.model.cluster import Cluster
from expdiag.model.latency import delays, limit_for
from expdiag.model.peers import Peer
from expdiag.show.style import COLOURS, FAINT, INK, PAPER, Picture, picture, shorten

if TYPE_CHECKING:
    import pandas as pd


def latency_table(case: Case) -> pd.DataFrame:
    """Return round trips in milliseconds: measured from the peer of the row to the peer of the column.

    The 95th percentile of the slowest run; missing where nothing was measured.
    """
    import pandas as pd

    names = [peer.name for peer in case.cluster.peers]
    rows = [[measured(case.cluster, start, end) for end in case.cluster.peers] for start in case.cluster.peers]
    table = pd.DataFrame(rows, index=names, columns=names, dtype="Float64")
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
    limit = limit_for((start.version.value, end.version.value))
    if found[0].low > limit.beyond:
        return VIOLATION
    return PASS if found[0].high <= limit.upto else UNKNOWN


def latency_matrix(case: Case) -> Picture:
    """Draw `latency_table`: each direction against the limit, hatched where it is over."""
    from matplotlib.patches import Rectangle

    peers = case.cluster.peers
    size = max(2.6, 0.95 * len(peers) + 1.2)
    with picture(size + 1.2, size) as drawn:
        axes = drawn.add_subplot()
        for row, start in enumerate(peers):
            for column, end in enumerate(peers):
                value = None if start is end else measured(case.cluster, start, end)
                verdict = outcome(case.cluster, start, end)
                over = value is not None and verdict == VIOLATION
                face = FAINT if start is end else COLOURS[VIOLATION] if over else PAPER
                axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor=INK, linewidth=0.8, alpha=0.9))
                text = "" if start is end else "?" if value is None else f"{value:.1f} ms" + ("\nover" if over else "")
                axes.text(
                    column + 0.5,
                    row + 0.5,
                    text,
                    ha="center",
                    va="center",
                    weight="bold" if over else "normal",
                    color=PAPER if over else INK,
                )
        labels = [shorten(peer.name, 16) for peer in peers]
        axes.set_xlim(0, len(peers))
        axes.set_ylim(len(peers), 0)
        axes.set_xticks([n + 0.5 for n in range(len(peers))], labels)
        axes.set_yticks([n + 0.5 for n in range(len(peers))], labels)
        axes.set_xlabel("to")
        axes.set_ylabel("from")
        axes.set_aspect("equal")
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        limit = limit_for(peer.version.value for peer in peers)
        axes.set_title(f"round trip, 95th percentile (limit {limit.beyond:g} ms)", fontsize=9)
    return drawn
