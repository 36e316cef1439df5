"""Short words for what tests of rules say."""

from __future__ import annotations

import expdiag

Outcomes = dict[tuple[str, tuple[str, ...]], str]


def outcomes(case: expdiag.Case) -> Outcomes:
    """Return every judged outcome by rule number and peers."""
    return {(finding.requirement.number, finding.subject.peers): finding.outcome for finding in expdiag.check(case)}


def changed(before: Outcomes, after: Outcomes) -> Outcomes:
    """Return the outcomes that are new or other than before."""
    return {key: outcome for key, outcome in after.items() if before.get(key) != outcome}


def finding(case: expdiag.Case, number: str, *peers: str) -> expdiag.findings.Finding:
    """Return the one finding of a rule on some peers; all peers for none."""
    found = [f for f in expdiag.check(case, [number]) if not peers or f.subject.peers == peers]
    assert len(found) == 1, found
    return found[0]
