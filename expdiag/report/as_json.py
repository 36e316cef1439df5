"""Findings as JSON, schema 1."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import expdiag
from expdiag import causes
from expdiag.evidence import Source
from expdiag.findings import Finding, Findings
from expdiag.tables import Issue


def render(findings: Findings, issues: tuple[Issue, ...]) -> str:
    """Return the findings and issues of a case as a JSON text."""
    return json.dumps(document(findings, issues), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def document(findings: Findings, issues: tuple[Issue, ...]) -> dict[str, Any]:
    """Return what the JSON output says, as plain values."""
    return {
        "schema": 1,
        "expdiag": expdiag.__version__,
        "case": findings.case_name,
        "as_of": moment(findings.as_of),
        "peers": [
            {
                "peer": peer.peer,
                "type": peer.type,
                "version": peer.version,
                "platform": peer.platform,
                "address": peer.address,
            }
            for peer in findings.peers
        ],
        "counts": findings.counts,
        "findings": [_finding(finding) for finding in findings],
        "issues": [issue._asdict() for issue in issues],
        "opening": list(causes.opening(findings)),
        "causes": [_cause(cause) for cause in causes.causes(findings)],
    }


def moment(time: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC, to the second."""
    return time.replace(tzinfo=None).isoformat(timespec="seconds") + "Z" if time else None


def _cause(cause: causes.Cause) -> dict[str, Any]:
    return {
        "rule": cause.first.requirement.rule,
        "subjects": [list(finding.subject.peers) for finding in cause.findings],
        "explains": [{"peer": s.peer, "alarm": s.number, "title": s.title, "times": s.times} for s in cause.symptoms],
        "follows": [{"rule": f.requirement.rule, "peers": list(f.subject.peers)} for f in cause.follows],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    requirement, verdict = finding.requirement, finding.verdict
    return {
        "requirement": requirement.number,
        "rule": requirement.rule,
        "strength": requirement.strength,
        "subject": {"kind": finding.subject.kind, "peers": list(finding.subject.peers)},
        "outcome": verdict.outcome,
        "at_fault": list(verdict.at_fault),
        "reason": verdict.reason,
        "measured": verdict.measured,
        "wanted": verdict.wanted,
        "unit": verdict.unit,
        "accepted": finding.accepted is not None,
        "evidence": [_evidence(source) for source in finding.sources],
        "want": [str(want) for want in verdict.want],
        "fix": verdict.fix,
        "reference": requirement.reference,
    }


def _evidence(source: Source) -> dict[str, Any]:
    return {"file": source.file, "line": source.line, "packet": source.packet, "text": source.text}
