"""Findings as JUnit XML, for build servers: a suite a section, a test case a finding."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from expdiag.evidence import Source
from expdiag.findings import NOT_APPLICABLE, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.safe import printable


def render(findings: Findings) -> str:
    """Return the findings as a JUnit text, in the form the schema of Jenkins' xUnit plug-in takes.

    A violation is a failure of type `must` or `should`; what is accepted, unknown or not applicable is skipped and
    says why; a rule that crashed is an error.
    """
    sections: dict[str, list[Finding]] = {}
    for finding in findings:
        sections.setdefault(finding.requirement.section, []).append(finding)
    root = Element("testsuites", {"name": printable(findings.case_name), **_counts(findings)})
    for name, found in sections.items():
        suite = SubElement(root, "testsuite", {"name": name, **_counts(found), "skipped": str(_skipped(found))})
        if findings.as_of:
            suite.set("timestamp", f"{findings.as_of:%Y-%m-%dT%H:%M:%S}")
        for finding in found:
            _test_case(suite, finding)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _counts(findings: Iterable[Finding]) -> dict[str, str]:
    found = list(findings)
    failures = sum(1 for finding in found if _tag(finding) == "failure")
    errors = sum(1 for finding in found if _tag(finding) == "error")
    return {"tests": str(len(found)), "failures": str(failures), "errors": str(errors)}


def _skipped(findings: Iterable[Finding]) -> int:
    return sum(1 for finding in findings if _tag(finding) == "skipped")


def _tag(finding: Finding) -> str | None:
    """Return what a test case holds; nothing for a pass."""
    if finding.verdict.crashed:
        return "error"
    if finding.outcome == VIOLATION:
        return "failure" if finding.accepted is None else "skipped"
    return "skipped" if finding.outcome in (UNKNOWN, NOT_APPLICABLE) else None


def _test_case(suite: Element, finding: Finding) -> None:
    requirement = finding.requirement
    case = SubElement(suite, "testcase", {"classname": requirement.rule, "name": printable(str(finding.subject))})
    tag = _tag(finding)
    if tag is None:
        SubElement(case, "system-out").text = printable(_words(finding))
        return
    accepted = "" if finding.accepted is None else f" (accepted: {finding.accepted})"
    kind = requirement.strength if tag == "failure" else finding.outcome
    message = printable(f"{finding.verdict.reason}{accepted}")
    SubElement(case, tag, {"type": kind, "message": message}).text = printable(_words(finding))


def _words(finding: Finding) -> str:
    verdict = finding.verdict
    lines = [f"{finding.requirement.number} {finding.requirement.title}: {verdict.reason}"]
    lines += [f"seen: {_place(source)}: {source.text}" for source in finding.sources]
    lines += [f"would settle it: {want}" for want in verdict.want]
    lines += [f"to do: {verdict.fix}"] if verdict.fix else []
    return "\n".join([*lines, finding.requirement.reference])


def _place(source: Source) -> str:
    if source.packet:
        return f"{source.file}, packet {source.packet}"
    return f"{source.file}:{source.line}" if source.line else source.file
