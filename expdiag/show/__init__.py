"""What notebooks show of a case: pictures, each beside a small table that says the same, and tables of verdicts."""

from __future__ import annotations

from expdiag.show.latency import latency_matrix, latency_table
from expdiag.show.matrices import pair_matrix, pair_table, verdict_matrix, verdict_table
from expdiag.show.peers import peer_graph
from expdiag.show.side_by_side import answers, differences, facts, moments
from expdiag.show.topics import about, causes, figure, gallery, missing, tally, together, worst
from expdiag.show.verdicts import changes, evidence, inventory, unknowns, violations

__all__ = [
    "about",
    "answers",
    "causes",
    "changes",
    "differences",
    "evidence",
    "facts",
    "figure",
    "gallery",
    "inventory",
    "latency_matrix",
    "latency_table",
    "missing",
    "moments",
    "pair_matrix",
    "pair_table",
    "peer_graph",
    "tally",
    "together",
    "unknowns",
    "verdict_matrix",
    "verdict_table",
    "violations",
    "worst",
]
