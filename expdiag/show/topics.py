"""What a notebook asks of a case in one line: verdicts on a topic, a figure by name, causes, what is missing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from expdiag import causes as reasoning
from expdiag import missing as requesting
from expdiag.case import Case
from expdiag.errors import UnknownNameError
from expdiag.findings import NOT_APPLICABLE, OUTCOMES, PASS, UNKNOWN, VIOLATION, Finding, Findings
from expdiag.graphs import sets
from expdiag.outline import lines
from expdiag.safe import one_line
from expdiag.show.display import MARKS
from expdiag.show.figures import FIGURES, Figure
from expdiag.show.style import Picture
from expdiag.show.verdicts import styled

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

_WORST_FIRST = (VIOLATION, UNKNOWN, PASS)
_BY_WEIGHT = (*_WORST_FIRST, NOT_APPLICABLE)


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


class Gallery:
    """All figures that a case has something for, one under another, each with how to read it."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._figures = [known for known in FIGURES if known.has_content(case)]

    def _repr_html_(self) -> str:
        return "".join(self._shown(known) for known in self._figures)

    def _shown(self, known: Figure) -> str:
        picture = known.draw(self._case)
        image = b64encode(picture.png()).decode()
        width = round(picture.get_size_inches()[0] * 96)
        alt = f'alt="{escape(known.name)}" style="width:{width}px;max-width:100%"'
        return (
            f'<figure style="margin:1em 0"><img {alt} src="data:image/png;base64,{image}">'
            f"<figcaption>{escape(known.caption)}</figcaption></figure>"
        )

    def __repr__(self) -> str:
        return f"<figures: {', '.join(known.name for known in self._figures) or 'none'}>"


def gallery(case: Case) -> Gallery:
    """Return all figures of a case, to be shown by a notebook."""
    return Gallery(case)


def worst(findings: Findings, name: str) -> Finding:
    """Return the worst verdict of a rule, to be shown with the lines that prove it.

    Raises:
        UnknownNameError: there is no such rule.
    """
    chosen = _chosen(findings, (name,))
    return next(found for outcome in _BY_WEIGHT for found in chosen.of(outcome))


def together(findings: Findings) -> Styler:
    """Return which peers could stay together, and what clears most of the pairs that break a requirement."""
    rows = [
        {"what": "could stay together", "peers": ", ".join(peers), "clears": "", "leaves": ""}
        for peers in sets.largest_sets(findings)
    ]
    for removal in sets.best_removals(findings):
        what = "take out" if len(removal.peers) == 1 else "mend the path"
        cleared, left = (", ".join(" – ".join(pair) for pair in pairs) for pairs in (removal.cleared, removal.left))
        rows.append({"what": what, "peers": ", ".join(removal.peers), "clears": cleared, "leaves": left or "none"})
    return styled(rows, ("what", "peers", "clears", "leaves"))


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
