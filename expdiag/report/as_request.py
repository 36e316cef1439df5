"""What is missing, as a text to send to the customer, and as JSON."""

from __future__ import annotations

import json
import textwrap

from expdiag.findings import UNKNOWN, Finding, Findings
from expdiag.missing import Request, requests
from expdiag.safe import one_line

_WIDTH = 80


def text(findings: Findings) -> str:
    """Return the instructions as plain text, 80 columns wide."""
    asked = requests(findings)
    unknown = len(findings.of(UNKNOWN))
    if not asked:
        open_ends = f"; {unknown} verdicts are unknown, and no capture would settle them" if unknown else ""
        return f"Nothing is missing{open_ends}.\n"
    settled = sum(len(request.settles) for request in asked)
    lines = [
        f"{one_line(findings.case_name)}: {len(asked)} captures would settle {settled} of {unknown} unknown verdicts.",
        "Put all files into the case folder, at the paths given, and run the check again.",
        "",
    ]
    for number, request in enumerate(asked, start=1):
        lines += [*_request(number, request), ""]
    return "\n".join(lines).rstrip() + "\n"


def _request(number: int, request: Request) -> list[str]:
    label = f"{number:>2}. "
    lines: list[str] = []
    for place, todo in enumerate(request.todo):
        first = label if place == 0 else " " * len(label)
        lines += textwrap.wrap(
            one_line(todo), _WIDTH, initial_indent=first, subsequent_indent=" " * 6, break_on_hyphens=False
        )
    about = ", ".join(_subjects(request.settles)) or "needed together with the next one"
    words = f"settles {about}" if request.settles else about
    lines += textwrap.wrap(words, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4, break_on_hyphens=False)
    return lines


def _subjects(settled: tuple[Finding, ...]) -> list[str]:
    """Return the rules and how many subjects of each."""
    by_rule: dict[str, int] = {}
    for finding in settled:
        number = finding.requirement.number
        by_rule[number] = by_rule.get(number, 0) + 1
    return [number if count == 1 else f"{number} ({count} subjects)" for number, count in by_rule.items()]


def as_json(findings: Findings) -> str:
    """Return the requests as a JSON list."""
    rows = [
        {
            "place": request.place,
            "todo": list(request.todo),
            "settles": [
                {"requirement": f.requirement.number, "rule": f.requirement.rule, "peers": list(f.subject.peers)}
                for f in request.settles
            ],
        }
        for request in requests(findings)
    ]
    return json.dumps(rows, indent=1, ensure_ascii=True) + "\n"
