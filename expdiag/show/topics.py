"""What a notebook asks of a case in one line: verdicts on a topic, a figure by name, causes, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from expdiag import causes as reasoning
from expdiag import missing as requesting
from expdiag.case import Case
from expdiag.errors import UnknownNameError
from expdiag.findings import OUTCOMES, PASS, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.outline import lines
from expdiag.safe import one_line
from expdiag.show.display import MARKS
from expdiag.show.figures import FIGURES
from expdiag.show.style import Picture
from expdiag.show.verdicts import styled

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

_WORST_FIRST = (VIOLATION, UNKNOWN, PASS)


class Nothing:
    """What stands in place of a figure where the case holds nothing to draw."""

    def __init__(self, caption: str) -> None:
        self._text = f"Nothing in this case to draw. Would be here: {caption}"

    def _repr_html_(self) -> str:
        return f"<i>{escape(self._text)}</i>"

    def __repr__(self) -> str:
        return self._text


def figure(case: Case, name: str) -> Picture | Nothing:
    """Return a figure by its name; `gallery()` lists them.

    Raises:
        UnknownNameError: there is no such figure.
    """
    by_name = {known.name: known for known in FIGURES}
    if name not in by_name:
        raise UnknownNameError("figure", name, by_name)
    wanted = by_name[name]
    return wanted.draw(case) if wanted.has_content(case) else Nothing(wanted.caption)


def gallery() -> pd.DataFrame:
    """Return all figures: name and how to read them."""
    import pandas as pd

    return pd.DataFrame([(known.name, known.caption) for known in FIGURES], columns=["figure", "shows"])


def about(findings: Findings, *names: str) -> Styler:
    """Return the verdicts on a topic, the worst first, those with one reason together.

    Args:
        findings: of a case.
        names: sections such as `dns`, rule ids or numbers; what is not applicable is counted in `headline` only.

    Raises:
        UnknownNameError: a name is none of these.
    """
    chosen = _chosen(findings, names)
    rows = [
        {
            "verdict": MARKS[outcome],
            "rule": line.findings[0].requirement.number,
            "about": line.subjects,
            "reason": one_line(line.reason),
        }
        for outcome in _WORST_FIRST
        for line in lines(chosen, outcome)
    ]
    return styled(rows, ("verdict", "rule", "about", "reason"))


def tally(findings: Findings) -> Styler:
    """Return how many verdicts of each outcome there are in each section of the catalogue."""
    sections = dict.fromkeys(finding.requirement.section for finding in findings)
    rows = [
        {
            "section": section,
            "rules": len({f.requirement.number for f in findings if f.requirement.section == section}),
            **_chosen(findings, (section,)).counts,
        }
        for section in sections
    ]
    return styled(rows, ("section", "rules", *OUTCOMES))


def causes(findings: Findings) -> Styler:
    """Return the likely causes: violations that no other explains, what peers report of them, what follows."""
    rows = [
        {
            "cause": f"{cause.first.requirement.number} {one_line(cause.first.verdict.reason)}",
            "about": ", ".join(str(finding.subject) for finding in cause.findings),
            "explains what peers report": "; ".join(
                dict.fromkeys(f"{symptom.peer}: {one_line(symptom.title)}" for symptom in cause.symptoms)
            ),
            "and follows from it": ", ".join(dict.fromkeys(f.requirement.number for f in cause.follows)),
        }
        for cause in reasoning.causes(findings)
    ]
    return styled(rows, ("cause", "about", "explains what peers report", "and follows from it"))


def missing(findings: Findings) -> Styler:
    """Return what to ask the customer for, what settles most for the least work first."""
    rows = [
        {
            "where": request.place or "any",
            "to do": one_line("; ".join(request.todo)),
            "settles": len(request.settles),
            "rules": ", ".join(dict.fromkeys(f.requirement.number for f in request.settles)),
        }
        for request in requesting.requests(findings)
    ]
    return styled(rows, ("where", "to do", "settles", "rules"))


def _chosen(findings: Findings, names: Sequence[str]) -> Findings:
    keys = {key for finding in findings for key in _keys(finding)}
    for name in names:
        if name not in keys:
            raise UnknownNameError("section or rule", name, keys)
    wanted = set(names)
    found = [finding for finding in findings if not wanted or wanted & set(_keys(finding))]
    return Findings(found, findings.case_name, findings.as_of, findings.peers)


def _keys(finding: Finding) -> tuple[str, str, str]:
    return finding.requirement.section, finding.requirement.rule, finding.requirement.number
