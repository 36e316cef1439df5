"""How the things a user holds draw themselves in a notebook: HTML with everything from the evidence escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from expdiag.causes import opening
from expdiag.findings import NOT_APPLICABLE, OUTCOMES, PASS, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.outline import headline
from expdiag.safe import printable

if TYPE_CHECKING:
    from expdiag.case import Case

MARKS = {VIOLATION: "✗ violation", UNKNOWN: "? unknown", PASS: "✓ pass", NOT_APPLICABLE: "– not applicable"}
_WORST_FIRST = (VIOLATION, UNKNOWN)
_SHOWN = 40
_SHORT = 16  # characters; such a cell is not broken into lines


def of_case(case: Case) -> str:
    """Return a case as HTML: its peers, how much was read, how much was not understood."""
    peers = [
        (
            peer.name + (" (primary)" if peer is case.cluster.primary else ""),
            f"Expressway-{peer.type.value}" if peer.type.value else "?",
            peer.version.value or "?",
            peer.platform.value or "?",
            peer.addresses[0] if peer.addresses else "?",
            "yes" if peer.seen else "no",
        )
        for peer in case.cluster.peers
    ]
    filled = sum(1 for name in case.tables if len(case.tables.rows(name)))
    when = f"judged as of {case.as_of:%Y-%m-%d %H:%M} UTC; " if case.as_of else ""
    note = (
        f"{when}{len(case.tables.rows('files'))} files, {filled} of {len(case.tables)} tables have rows, "
        f"{len(case.all_issues)} issues with the input"
    )
    head = ("peer", "type", "version", "platform", "address", "exports")
    return f"<b>{_text(case.name)}</b>{_table(head, peers)}<div>{_text(note)}</div>"


def of_findings(findings: Findings) -> str:
    """Return findings as HTML: what is broken, the counts, then violations and unknowns, the worst first."""
    rows = [_row(finding) for outcome in _WORST_FIRST for finding in findings.of(outcome)]
    counts = ", ".join(f"{findings.counts[outcome]} {outcome}" for outcome in OUTCOMES)
    lines = "".join(f"<div>{_text(line)}</div>" for line in opening(findings))
    more = f"<div>and {len(rows) - _SHOWN} more; all are in <code>.frame</code></div>" if len(rows) > _SHOWN else ""
    table = _table(("verdict", "rule", "about", "reason"), rows[:_SHOWN]) if rows else ""
    summary = headline(findings)
    title = f"<b>{_text(findings.case_name)}</b>: {_text(summary)}."
    return f"{title}{lines}<div>{_text(counts)}</div>{table}{more}"


def of_finding(finding: Finding) -> str:
    """Return one finding as HTML, with the lines that prove it."""
    verdict, requirement = finding.verdict, finding.requirement
    facts = [
        ("verdict", MARKS[finding.outcome] + (f" (accepted: {finding.accepted})" if finding.accepted else "")),
        ("rule", f"{requirement.number} {requirement.rule} ({requirement.strength})"),
        ("about", finding.subject),
        ("reason", verdict.reason),
        *([("to change on", ", ".join(verdict.at_fault))] if verdict.at_fault else []),
        *([("to do", verdict.fix)] if verdict.fix else []),
        *(("would settle it", want) for want in verdict.want),
        ("source", requirement.reference),
    ]
    seen = [(source.file, source.line or source.packet or "", source.text) for source in finding.sources]
    proof = _table(("file", "line", "text"), seen) if seen else ""
    return f"<b>{_text(requirement.title)}</b>{_table((), facts)}{proof}"


def _row(finding: Finding) -> tuple[str, str, object, str]:
    accepted = " (accepted)" if finding.accepted is not None else ""
    number = finding.requirement.number
    return MARKS[finding.outcome] + accepted, number, finding.subject, finding.verdict.reason


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table; without a head the first column names what the row tells."""
    top = "".join(f'<th scope="col" style="text-align:left">{_text(name)}</th>' for name in head)
    body = "".join(
        f"<tr>{''.join(_cell(value, place, bool(head)) for place, value in enumerate(row))}</tr>" for row in rows
    )
    return f"<table>{f'<thead><tr>{top}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _cell(value: object, place: int, has_head: bool) -> str:
    if place == 0 and not has_head:
        return f'<th scope="row" style="text-align:left;white-space:nowrap">{_text(value)}</th>'
    wrap = "nowrap" if len(str(value)) <= _SHORT else "pre-wrap"
    return f'<td style="text-align:left;white-space:{wrap}">{_text(value)}</td>'


def _text(value: object) -> str:
    return escape(printable(str(value)))
