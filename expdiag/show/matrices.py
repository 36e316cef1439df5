"""Verdicts as matrices: rules by subjects, and one rule about two peers by direction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.knowledge import Requirement
from expdiag.show.grid import Cell, grid
from expdiag.show.style import Picture

if TYPE_CHECKING:
    import pandas as pd

_WORST_FIRST = (VIOLATION, UNKNOWN, PASS, NOT_APPLICABLE)
_CLUSTER = "cluster"


def verdict_table(findings: Findings) -> pd.DataFrame:
    """Return the worst outcome of each rule for the cluster and for each peer.

    A rule about pairs counts for a peer by the worst of the pairs it is in. Empty where a rule says nothing of it.
    """
    import pandas as pd

    from expdiag.tables.shown import ShownFrame

    found = _by_rule(findings)
    columns = _columns(findings)
    rows = [[_worst(_about(of_rule, column)) for column in columns] for of_rule in found.values()]
    return ShownFrame(rows, index=pd.Index([known.number for known in found], name="rule"), columns=columns)


def verdict_matrix(findings: Findings, outcomes: Iterable[str] = _WORST_FIRST) -> Picture:
    """Draw `verdict_table`, the rules that have one of these outcomes anywhere."""
    wanted = frozenset(outcomes)
    columns = _columns(findings)
    found = {known: fs for known, fs in _by_rule(findings).items() if wanted & {finding.outcome for finding in fs}}
    cells = [[_summary(_about(of_rule, column)) for column in columns] for of_rule in found.values()]
    labels = [f"{known.number} {known.rule}" for known in found]
    title = "Verdicts: of a rule about pairs, how many pairs of the peer have the worst outcome"
    return grid(labels, columns, cells, title=title, label_width=44, words_width=12)


def pair_table(findings: Findings, rule: str) -> pd.DataFrame:
    """Return the outcomes of a rule about two peers: from the peer of the row to the peer of the column."""
    from expdiag.tables.shown import ShownFrame

    names = [peer.peer for peer in findings.peers]
    ways = _ways(findings, rule)
    rows = [[ways[start, end].outcome if (start, end) in ways else None for end in names] for start in names]
    table = ShownFrame(rows, index=names, columns=names)
    return table.rename_axis(index="from", columns="to")


def pair_matrix(findings: Findings, rule: str) -> Picture:
    """Draw `pair_table`, with what was measured where the rule measures something."""
    names = [peer.peer for peer in findings.peers]
    ways = _ways(findings, rule)
    cells = [[_way(ways.get((start, end))) for end in names] for start in names]
    requirement = next(finding.requirement for finding in findings if rule in _ids(finding.requirement))
    title = f"{requirement.number} {requirement.title}"
    return grid(names, names, cells, title=title, row_name="from", column_name="to")


def _ids(requirement: Requirement) -> tuple[str, str]:
    return requirement.rule, requirement.number


def _ways(findings: Findings, rule: str) -> dict[tuple[str, ...], Finding]:
    found = {finding.subject.peers: finding for finding in findings if rule in _ids(finding.requirement)}
    backwards = {peers[::-1]: finding for peers, finding in found.items() if finding.subject.kind == "pair"}
    return {**backwards, **found}


def _way(finding: Finding | None) -> Cell:
    if finding is None:
        return Cell(None)
    verdict = finding.verdict
    measured = f"{verdict.measured} {verdict.unit}".strip() if verdict.measured is not None else finding.outcome
    return Cell(finding.outcome, measured)


def _by_rule(findings: Findings) -> dict[Requirement, list[Finding]]:
    found: dict[Requirement, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.requirement, []).append(finding)
    return found


def _columns(findings: Findings) -> list[str]:
    return [_CLUSTER, *(peer.peer for peer in findings.peers)]


def _about(of_rule: list[Finding], column: str) -> list[Finding]:
    """Return the findings of a rule that speak of the cluster, or of a peer by itself or with another."""
    if column == _CLUSTER:
        return [finding for finding in of_rule if finding.subject.kind == _CLUSTER]
    return [f for f in of_rule if f.subject.kind != _CLUSTER and column in f.subject.peers]


def _worst(found: list[Finding]) -> str | None:
    outcomes = {finding.outcome for finding in found}
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), None)


def _summary(found: list[Finding]) -> Cell:
    worst = _worst(found)
    count = sum(1 for finding in found if finding.outcome == worst)
    return Cell(worst, f"{count} of {len(found)}" if len(found) > 1 else "")
