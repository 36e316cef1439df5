"""What notebooks show of a case: pictures, each beside a small table that says the same, and tables of verdicts."""

from __future__ import annotations

from expdiag.show.latency import latency_matrix, latency_table
from expdiag.show.peers import peer_graph
from expdiag.show.verdicts import changes, evidence, inventory, unknowns, violations

__all__ = [
    "changes",
    "evidence",
    "inventory",
    "latency_matrix",
    "latency_table",
    "peer_graph",
    "unknowns",
    "violations",
]
