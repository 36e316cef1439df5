"""The report for people: one HTML file that needs nothing else, no script and no network."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined
from markupsafe import Markup

import expdiag
from expdiag import causes, missing, outline
from expdiag.case import Case
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Findings
from expdiag.safe import one_line, printable
from expdiag.show.latency import latency_matrix, measured
from expdiag.show.peers import peer_graph


def render(case: Case, findings: Findings) -> str:
    """Return the report as an HTML text."""
    environment = Environment(
        loader=PackageLoader("expdiag.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    return environment.get_template("report.html").render(**_content(case, findings))


def _printable(value: Any) -> Any:
    return value if isinstance(value, Markup | Undefined) or value is None else printable(str(value))


def _content(case: Case, findings: Findings) -> dict[str, Any]:
    return {
        "version": expdiag.__version__,
        "name": one_line(findings.case_name),
        "as_of": f"{findings.as_of:%Y-%m-%d %H:%M} UTC" if findings.as_of else None,
        "headline": outline.headline(findings),
        "opening": [line.split(": ", 1) for line in causes.opening(findings)],
        "counts": findings.counts,
        "peers": findings.peers,
        "visits": outline.visits(findings),
        "accepted": [f for f in findings.of(VIOLATION) if f.accepted is not None],
        "lines": {outcome: outline.lines(findings, outcome) for outcome in (VIOLATION, UNKNOWN, PASS, NOT_APPLICABLE)},
        "requests": missing.requests(findings),
        "issues": case.all_issues,
        "files": case.tables.rows("files"),
        "pictures": _pictures(case) if len(case.cluster.peers) > 1 else [],
    }


def _pictures(case: Case) -> list[dict[str, Any]]:
    cluster = case.cluster
    said = "; ".join(
        f"{start} to {end} {value:.4g} ms"
        for start, end in cluster.ordered_pairs()
        if (value := measured(cluster, start, end)) is not None
    )
    return [
        {
            "caption": "The peers and the round trips between them. Thick dashes: over the limit; dots: not measured.",
            "svg": Markup(peer_graph(case).svg(f"Peer graph. {said or 'No round trip was measured'}.")),
        },
        {
            "caption": "Round trips by direction, 95th percentile of the slowest run.",
            "svg": Markup(latency_matrix(case).svg(f"Latency matrix. {said or 'No round trip was measured'}.")),
        },
    ]
