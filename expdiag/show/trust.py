"""Who trusts whose certificate, and where nobody verifies, who would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.findings import NOT_APPLICABLE, PASS, VIOLATION, Finding
from expdiag.rules.basic.authorities import would_trust
from expdiag.show.grid import Cell, grid
from expdiag.show.layout import clipped
from expdiag.show.style import Picture

if TYPE_CHECKING:
    import pandas as pd

_RULE = "R20"
_READY = {True: "would be trusted", False: "would not be trusted", None: "not shown"}


def trust_table(case: Case) -> pd.DataFrame:
    """Return one row a direction: who presents, who verifies, the outcome of R20, why, and what Enforce would do."""
    from expdiag.tables.shown import ShownFrame

    rows = [
        (*finding.subject.peers, finding.outcome, _would(case, finding), finding.verdict.reason)
        for finding in case.findings
        if finding.requirement.number == _RULE
    ]
    return ShownFrame(rows, columns=["presents", "verifies", "outcome", "with_enforce", "reason"])


def trust_matrix(case: Case) -> Picture:
    """Draw `trust_table`: the peer of the row presents its certificate, the one of the column verifies it."""
    names = [peer.name for peer in case.cluster.peers]
    ways = {f.subject.peers: f for f in case.findings if f.requirement.number == _RULE}
    cells = [[_cell(case, ways.get((start, end))) for end in names] for start in names]
    labels = [clipped(name, 88) for name in names]
    title = "Trust in certificates (R20); where nobody verifies, what Enforce would do"
    return grid(labels, labels, cells, title=title, row_name="presents", column_name="verifies", words_width=20)


def _cell(case: Case, finding: Finding | None) -> Cell:
    if finding is None:
        return Cell(None)
    verdict = finding.verdict
    if finding.outcome == PASS:
        return Cell(PASS, "trusted")
    if finding.outcome == VIOLATION:
        return Cell(VIOLATION, f"not trusted: {clipped(verdict.measured or '', 80)}")
    mode = "Permissive: " if finding.outcome == NOT_APPLICABLE else ""
    return Cell(finding.outcome, mode + _would(case, finding))


def _would(case: Case, finding: Finding) -> str:
    """Return what Enforce would do; empty where R20 itself tells."""
    if finding.outcome in (PASS, VIOLATION):
        return ""
    presenter, verifier = (case.cluster.find(name) for name in finding.subject.peers)
    return _READY[would_trust(case.cluster, presenter, verifier) if presenter and verifier else None]
