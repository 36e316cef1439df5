"""Findings as SARIF 2.1.0, for tools that show results beside the lines that prove them."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

import expdiag
from expdiag.evidence import Source
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.knowledge import Requirement
from expdiag.safe import printable
from expdiag.tables import Issue

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {PASS: "pass", VIOLATION: "fail", UNKNOWN: "open", NOT_APPLICABLE: "notApplicable"}
_LEVELS = {"must": "error", "should": "warning"}


def render(findings: Findings, issues: tuple[Issue, ...], manuals: dict[str, str]) -> str:
    """Return the findings as a SARIF text.

    Args:
        findings: every one is a result; `kind` tells its outcome, `level` whether a violation breaks a `must`.
        issues: what was not understood of the input, as notifications.
        manuals: pages of the rules by number.
    """
    used = list(dict.fromkeys(finding.requirement for finding in findings))
    places = {requirement.number: place for place, requirement in enumerate(used)}
    run = {
        "tool": {
            "driver": {
                "name": "expdiag",
                "version": expdiag.__version__,
                "rules": [_rule(requirement, manuals.get(requirement.number, "")) for requirement in used],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not findings.crashed,
                "toolExecutionNotifications": [_notification(issue) for issue in issues],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "case": printable(findings.case_name),
            "asOf": f"{findings.as_of:%Y-%m-%dT%H:%M:%SZ}" if findings.as_of else None,
            "counts": findings.counts,
        },
        "results": [_result(finding, places[finding.requirement.number]) for finding in findings],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _rule(requirement: Requirement, manual: str) -> dict[str, Any]:
    return {
        "id": requirement.number,
        "name": "".join(word.capitalize() for word in requirement.rule.replace(":", "-").split("-")),
        "shortDescription": {"text": f"{requirement.title}."},
        "fullDescription": {"text": printable(manual) or f"{requirement.title}."},
        "help": {"text": f"Source: {requirement.reference}"},
        "defaultConfiguration": {"level": _LEVELS[requirement.strength]},
        "properties": {"rule": requirement.rule, "section": requirement.section, "judgedForEach": requirement.each},
    }


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    verdict, requirement = finding.verdict, finding.requirement
    kind = _KINDS[finding.outcome]
    result: dict[str, Any] = {
        "ruleId": requirement.number,
        "ruleIndex": rule_index,
        "kind": kind,
        "level": _LEVELS[requirement.strength] if kind == "fail" else "none",
        "message": {"text": printable(f"{finding.subject}: {verdict.reason}")},
        "locations": [_location(source, finding.subject.peers) for source in finding.sources[:1]]
        or [{"logicalLocations": _logical(finding.subject.peers)}],
        "relatedLocations": [_location(source, ()) for source in finding.sources[1:]],
        "partialFingerprints": {"subject/v1": _fingerprint(finding)},
        "properties": {
            "subject": {"kind": finding.subject.kind, "peers": list(finding.subject.peers)},
            "measured": verdict.measured,
            "wanted": verdict.wanted,
            "unit": verdict.unit,
            "atFault": list(verdict.at_fault),
            "want": [printable(str(want)) for want in verdict.want],
            "fix": printable(verdict.fix),
        },
    }
    if finding.accepted is not None:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": printable(finding.accepted)}
        ]
    return result


def _location(source: Source, peers: tuple[str, ...]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(source.file)}}
    if source.line:
        physical["region"] = {"startLine": source.line, "snippet": {"text": printable(source.text)}}
    location: dict[str, Any] = {"physicalLocation": physical}
    if source.packet:
        location["message"] = {"text": printable(f"packet {source.packet}: {source.text}")}
    if peers:
        location["logicalLocations"] = _logical(peers)
    return location


def _logical(peers: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"name": printable(name), "kind": "peer"} for name in peers]


def _fingerprint(finding: Finding) -> str:
    """Return what stays the same for a rule and its subject from run to run."""
    words = "\n".join((finding.requirement.rule, finding.subject.kind, *finding.subject.peers))
    return hashlib.sha256(words.encode()).hexdigest()


def _notification(issue: Issue) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(issue.file)}}
    if issue.line:
        physical["region"] = {"startLine": issue.line}
    return {
        "level": "note",
        "descriptor": {"id": issue.kind},
        "message": {"text": printable(issue.text) or issue.kind},
        "locations": [{"physicalLocation": physical}],
    }
