"""Findings as Markdown, for a ticket."""

from __future__ import annotations

import re

from expdiag import causes, missing, outline
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.safe import one_line
from expdiag.tables import Issue

_SPECIAL = re.compile(r"([\\`*_{}\[\]>|#!~&])")


def render(findings: Findings, issues: tuple[Issue, ...]) -> str:
    """Return the report as a Markdown text."""
    when = f", as of {findings.as_of:%Y-%m-%d %H:%M} UTC" if findings.as_of else ""
    lines = [f"# {_text(findings.case_name)}{when}", "", f"{outline.headline(findings).capitalize()}.", ""]
    lines += _opening(findings)
    lines += _peers(findings)
    lines += _changes(findings)
    lines += _verdicts(findings)
    lines += _unknowns(findings)
    lines += _issues(issues)
    return "\n".join(lines).rstrip() + "\n"


def _text(value: object) -> str:
    if value in (None, ""):
        return "?"
    return _SPECIAL.sub(r"\\\1", one_line(str(value))).replace("<", "&lt;")


def _opening(findings: Findings) -> list[str]:
    lines = [line.partition(": ") for line in causes.opening(findings)]
    return [*(f"- **{label}:** {_text(words)}" for label, _, words in lines), ""] if lines else []


def _peers(findings: Findings) -> list[str]:
    rows = [
        f"| {_text(p.peer)} | {_text(p.type)} | {_text(p.version)} | {_text(p.platform)} | {_text(p.address)} "
        f"| {'primary' if p.primary else '' if p.seen else 'no exports'} |"
        for p in findings.peers
    ]
    return ["| peer | type | version | platform | address | |", "|---|---|---|---|---|---|", *rows, ""]


def _changes(findings: Findings) -> list[str]:
    visits = outline.visits(findings)
    if not visits:
        return []
    lines = ["## What to change", ""]
    for visit in visits:
        who = (
            f"On {', '.join(map(_text, visit.peers))}"
            if visit.peers
            else "Which peer to change, the evidence does not tell"
        )
        lines += [f"### {who}", ""]
        for task in visit.tasks:
            lines += _task(task)
    return lines


def _task(task: outline.Task) -> list[str]:
    lines = [
        f"- **{found.requirement.number} {_text(found.requirement.title)}**, {_text(found.subject)}: "
        f"{_text(found.verdict.reason)}"
        for found in task.findings
    ]
    finding: Finding = task.first
    first, *more = finding.verdict.fix.splitlines() or [""]
    if more:
        lines += ["  - to do:", *(f"    {_step(step)}" for step in (first, *more))]
    else:
        lines.append(f"  - to do: {_text(first)}")
    for source in finding.sources:
        place = f"{source.file}, line {source.line}" if source.line else source.file
        setting = f" ({_text(source.context)})" if source.context else ""
        lines.append(f"  - seen in {_text(place)}: {_text(source.text)}{setting}")
    return [*lines, f"  - {_text(finding.requirement.reference)}", ""]


def _step(line: str) -> str:
    """Return a numbered line of a fix as an item of a list."""
    number, dot, words = line.partition(". ")
    return f"{number}. {_text(words)}" if dot and number.isdigit() else f"- {_text(line)}"


def _verdicts(findings: Findings) -> list[str]:
    lines = ["## Verdicts", "", "| verdict | rule | subject | reason |", "|---|---|---|---|"]
    for outcome in (VIOLATION, UNKNOWN, PASS, NOT_APPLICABLE):
        for line in outline.lines(findings, outcome):
            finding = line.findings[0]
            reason = line.reason
            if finding.accepted is not None:
                reason += f" (accepted: {finding.accepted})"
            lines.append(
                f"| {outcome} | {finding.requirement.number} {finding.requirement.rule} | {_text(line.subjects)} "
                f"| {_text(reason)} |"
            )
    return [*lines, ""]


def _unknowns(findings: Findings) -> list[str]:
    lines = []
    if asked := missing.requests(findings):
        lines += ["## What would settle the unknowns", ""]
        for request in asked:
            settled = ", ".join(dict.fromkeys(finding.requirement.number for finding in request.settles))
            about = f"settles {settled}" if settled else "needed together with the next one"
            lines += [f"- {_text(todo)}" for todo in request.todo]
            lines[-1] += f" ({about})"
        lines.append("")
    return lines


def _issues(issues: tuple[Issue, ...]) -> list[str]:
    if not issues:
        return []
    rows = [
        f"| {_text(issue.file)} | {issue.line or ''} | {_text(issue.kind)} | {_text(issue.text)} |" for issue in issues
    ]
    return ["## Issues with the input", "", "| file | line | kind | what |", "|---|---|---|---|", *rows, ""]
