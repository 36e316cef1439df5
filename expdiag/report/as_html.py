"""The report for people: one HTML file that needs nothing else, no script and no network."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined
from markupsafe import Markup

import expdiag
from expdiag import causes, missing, outline
from expdiag.case import Case
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.intake import reread
from expdiag.report import limits
from expdiag.report.drawing import Drawing
from expdiag.report.excerpts import Evidence
from expdiag.safe import one_line, printable

_SECTIONS = {
    "type": "One type of peers",
    "platform": "Platform and software",
    "network": "Network",
    "basic": "Basic configuration",
    "dns": "DNS",
    "tms": "Cisco TMS",
    "appliances": "Appliances",
    "elsewhere": "What Cisco requires elsewhere",
    "plug-in": "Rules of plug-ins",
}
_OUTCOMES = (
    (VIOLATION, "✗ violation"),
    (UNKNOWN, "? unknown"),
    (PASS, "✓ pass"),
    (NOT_APPLICABLE, "– not applicable"),
)


def render(case: Case, findings: Findings, pictures: Iterable[Drawing] | None = None) -> str:
    """Return the report as an HTML text; `pictures` are its figures, drawn here where they are not given."""
    environment = Environment(
        loader=PackageLoader("expdiag.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    if pictures is None:
        from expdiag.report.drawings import drawings

        pictures = drawings(case)
    return environment.get_template("report.html").render(pictures=pictures, **_content(case, findings))


def _printable(value: Any) -> Any:
    return value if isinstance(value, Markup | Undefined) or value is None else printable(str(value))


def _content(case: Case, findings: Findings) -> dict[str, Any]:
    visits = outline.visits(findings)
    tasks = {id(task): f"t{n}" for n, task in enumerate((task for v in visits for task in v.tasks), start=1)}
    return {
        "version": expdiag.__version__,
        "python": platform.python_version(),
        "name": one_line(findings.case_name),
        "as_of": f"{findings.as_of:%Y-%m-%d %H:%M} UTC" if findings.as_of else None,
        "headline": outline.headline(findings),
        "opening": [line.split(": ", 1) for line in causes.opening(findings)],
        "counts": findings.counts,
        "peers": findings.peers,
        "causes": causes.causes(findings),
        "unexplained": causes.unexplained(findings),
        "visits": visits,
        "task_of": lambda task: tasks[id(task)],
        "fix_of": {id(f): tasks[id(task)] for visit in visits for task in visit.tasks for f in task.findings},
        "identity": id,
        "steps": _steps,
        "accepted": [f for f in findings.of(VIOLATION) if f.accepted is not None],
        "outcomes": _OUTCOMES,
        "marks": dict(_OUTCOMES),
        "outcome_class": {outcome: f"o{number}" for number, (outcome, _) in enumerate(_OUTCOMES, start=1)},
        "parts": _parts(findings),
        "peers_of": _peer_numbers(findings),
        "requests": missing.requests(findings),
        "issues": case.all_issues,
        "problems": findings.problems,
        "files": case.tables.rows("files"),
        "hashes": reread.hashes(case.dossier.paths),
        "limits": limits.used(case),
        "evidence_book": Evidence(case, findings),
    }


def _steps(fix: str) -> list[str]:
    """Return the steps of a fix without their numbers; a fix of one step has no number."""
    lines = fix.splitlines()
    return [line.removeprefix(f"{number}. ") for number, line in enumerate(lines, start=1)]


def _parts(findings: Findings) -> list[tuple[str, list[Finding], dict[str, int]]]:
    """Return the findings by section of the catalogue, and how many of each outcome."""
    by_section: dict[str, list[Finding]] = {}
    for finding in findings:
        by_section.setdefault(finding.requirement.section, []).append(finding)
    return [
        (_SECTIONS.get(name, name), found, {o: sum(f.outcome == o for f in found) for o, _ in _OUTCOMES})
        for name, found in by_section.items()
    ]


def _peer_numbers(findings: Findings) -> Any:
    """Return what gives the class names of the peers a finding is about, so that a filter can pick them."""
    numbers = {peer.peer: f"p{number}" for number, peer in enumerate(findings.peers)}

    def classes(finding: Finding) -> str:
        names = dict.fromkeys((*finding.subject.peers, *finding.verdict.at_fault))
        return " ".join(numbers[name] for name in names if name in numbers)

    return classes
