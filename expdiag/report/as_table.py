"""Findings on a terminal, within 80 columns where the terminal has no more."""

from __future__ import annotations

import io
from collections import Counter

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from expdiag import causes, missing, outline
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.safe import one_line
from expdiag.tables import Issue

_STYLES = {VIOLATION: "bold red", UNKNOWN: "yellow", PASS: "green", NOT_APPLICABLE: "dim"}
_MARKS = {VIOLATION: "✗ violation", UNKNOWN: "? unknown"}
_WIDTH = 80
_EVIDENCE_SHOWN = 3


def render(findings: Findings, issues: tuple[Issue, ...], *, colour: bool, width: int | None = None) -> str:
    """Return the verdict table as text.

    Args:
        findings: what to show.
        issues: counted in the last line.
        colour: with ANSI colours.
        width: columns of the terminal; 80 where it is unknown.
    """
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width or _WIDTH,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        emoji=False,
        markup=False,
    )
    console.print(_heading(findings))
    for line in causes.opening(findings):
        console.print(_hanging(line))
    console.print(_peers(findings))
    if findings.of(VIOLATION):
        console.print(Padding(Text("What to change", style="bold"), (1, 0, 0, 0)))
        for visit in outline.visits(findings):
            console.print(_visit(visit))
    if findings.of(VIOLATION) or findings.of(UNKNOWN):
        console.print(_verdicts(findings))
    console.print(_settled(findings))
    console.print(_footer(findings, issues))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _heading(findings: Findings) -> Group:
    when = f", as of {findings.as_of:%Y-%m-%d %H:%M} UTC" if findings.as_of else ""
    return Group(
        Text(f"{one_line(findings.case_name)}{when}", style="bold"),
        Text(f"{outline.headline(findings)}."),
    )


def _hanging(line: str) -> Table:
    """Return `Label: text` with the text in a column of its own."""
    label, _, words = line.partition(": ")
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=len("Reported:"))
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"{label}:", style="bold"), Text(one_line(words)))
    return grid


def _peers(findings: Findings) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("peer", "type", "version", "platform", "address", ""):
        table.add_column(column, overflow="fold")
    for peer in findings.peers:
        role = "primary" if peer.primary else "" if peer.seen else "no exports"
        values = (peer.peer, peer.type, peer.version, peer.platform, peer.address, role)
        table.add_row(*(Text(one_line(value or "?") if value != "" else "") for value in values))
    return table


def _visit(visit: outline.Visit) -> Group:
    who = (
        one_line(f"on {', '.join(visit.peers)}") if visit.peers else "which peer to change, the evidence does not tell"
    )
    blocks = [Padding(Text(who, style="bold"), (0, 0, 0, 1))]
    blocks += [Padding(_task(task), (0, 0, 0, 3)) for task in visit.tasks]
    return Group(*blocks)


def _task(task: outline.Task) -> Group:
    finding = task.first
    parts = [
        Text(f"✗ {found.requirement.number} {one_line(found.verdict.reason)}", style=_STYLES[VIOLATION])
        for found in task.findings
    ]
    parts.append(Text(f"  to do: {one_line(finding.verdict.fix)}"))
    parts += [Text(f"  seen: {text}", style="dim") for text in _evidence(finding)]
    return Group(*parts)


def _evidence(finding: Finding) -> list[str]:
    shown = []
    for source in finding.sources[:_EVIDENCE_SHOWN]:
        place = f"{source.file}:{source.line}" if source.line else source.file
        setting = f" ({source.context})" if source.context else ""
        shown.append(one_line(f"{place}: {source.text}{setting}"))
    more = len(finding.sources) - len(shown)
    return [*shown, f"and {more} more places"] if more > 0 else shown


def _verdicts(findings: Findings) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("verdict", no_wrap=True)
    table.add_column("rule", no_wrap=True)
    table.add_column("subject", overflow="fold")
    table.add_column("reason", overflow="fold")
    for outcome in (VIOLATION, UNKNOWN):
        for line in outline.lines(findings, outcome):
            finding = line.findings[0]
            note = " (accepted)" if finding.accepted is not None else ""
            table.add_row(
                Text(_MARKS[outcome], style=_STYLES[outcome]),
                Text(finding.requirement.number),
                Text(one_line(line.subjects)),
                Text(one_line(line.reason) + note),
            )
    return table


def _settled(findings: Findings) -> Group:
    """Return what needs no more attention, in a few lines: rules that pass, and why others do not apply.

    A rule that passes for some of its subjects only says for how many.
    """
    every: Counter[str] = Counter()
    passing: Counter[str] = Counter()
    for finding in findings:
        every[finding.requirement.number] += 1
        passing[finding.requirement.number] += finding.outcome == PASS
    passed = [n if passing[n] == every[n] else f"{n} ({passing[n]} of {every[n]})" for n in every if passing[n]]
    parts = [Text(f"✓ pass: {', '.join(passed)}", style=_STYLES[PASS])] if passed else []
    by_reason: dict[str, dict[str, None]] = {}
    for finding in findings.of(NOT_APPLICABLE):
        by_reason.setdefault(one_line(finding.verdict.reason), {})[finding.requirement.number] = None
    parts += [
        Text(f"– n/a: {', '.join(numbers)}: {reason}", style=_STYLES[NOT_APPLICABLE])
        for reason, numbers in by_reason.items()
    ]
    return Group(*parts)


def _footer(findings: Findings, issues: tuple[Issue, ...]) -> Group:
    counts = ", ".join(f"{number} {outcome}" for outcome, number in findings.counts.items())
    parts = [Text(f"{len(findings)} verdicts: {counts}.")]
    if asked := missing.requests(findings):
        settled = sum(len(request.settles) for request in asked)
        parts.append(
            Text(f"{len(asked)} captures would settle {settled} of the unknowns: expdiag missing says which and how.")
        )
    if issues:
        kinds = sorted({issue.kind for issue in issues})
        parts.append(
            Text(f"{len(issues)} issue(s) with the input ({', '.join(kinds)}): see expdiag tables --table issues.")
        )
    return Group(*parts)
