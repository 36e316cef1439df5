"""Findings and the inventory of a case as small tables for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from expdiag.case import Case
from expdiag.findings import UNKNOWN, VIOLATION, Finding, Findings, Want
from expdiag.outline import visits
from expdiag.safe import one_line

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

_SHORT = 16  # characters; a column of such is not broken into lines


def inventory(case: Case) -> pd.DataFrame:
    """Return what kinds of files were read: how many, how many bytes, rows and issues they gave."""
    files = case.tables["files"]
    grouped = files.groupby("kind")[["bytes", "rows", "issues"]].sum()
    return grouped.assign(files=files.groupby("kind").size())[["files", "bytes", "rows", "issues"]]


def violations(findings: Findings) -> Styler:
    """Return the violations, those of a `must` first."""
    rows = [
        {
            "rule": f.requirement.number,
            "strength": f.requirement.strength,
            "subject": str(f.subject),
            "to change on": ", ".join(f.verdict.at_fault) or "?",
            "reason": one_line(f.verdict.reason),
        }
        for f in findings.of(VIOLATION)
    ]
    return styled(rows, ("rule", "strength", "subject", "to change on", "reason"))


def evidence(finding: Finding) -> Styler:
    """Return the lines that prove a finding."""
    rows = [
        {"file": one_line(source.file), "line": source.line or source.packet or "", "text": one_line(source.text)}
        for source in finding.sources
    ]
    return styled(rows, ("file", "line", "text"))


def changes(findings: Findings) -> Styler:
    """Return what to change, by the peer to log in to; one row per change."""
    rows = [
        {
            "log in to": ", ".join(visit.peers) or "?",
            "rules": ", ".join(dict.fromkeys(f.requirement.number for f in task.findings)),
            "to do": task.first.verdict.fix,
        }
        for visit in visits(findings)
        for task in visit.tasks
    ]
    return styled(rows, ("log in to", "rules", "to do"))


def unknowns(findings: Findings) -> Styler:
    """Return why findings are unknown and what would settle them, equal ones together."""
    groups: dict[tuple[str, tuple[Want, ...]], list[Finding]] = {}
    for finding in findings.of(UNKNOWN):
        groups.setdefault((finding.verdict.reason, finding.verdict.want), []).append(finding)
    rows = [
        {
            "reason": one_line(reason),
            "rules": ", ".join(dict.fromkeys(f.requirement.number for f in found)),
            "verdicts": len(found),
            "would be settled by": one_line("; ".join(map(str, wants))),
        }
        for (reason, wants), found in groups.items()
    ]
    return styled(rows, ("reason", "rules", "verdicts", "would be settled by"))


def styled(rows: Sequence[Mapping[str, object]], columns: tuple[str, ...]) -> Styler:
    """Return a table with whole texts, escaped, left-aligned, and the same HTML on every run."""
    import pandas as pd
    from pandas.io.formats.style import Styler

    class Table(Styler):
        def __repr__(self) -> str:
            return f"<table of {len(rows)} rows, {len(columns)} columns>"

    # tables of one page share their style sheets where they share this name
    name = blake2b(repr((columns, [list(row.values()) for row in rows])).encode(), digest_size=6).hexdigest()
    table = Table(pd.DataFrame(rows, columns=list(columns)), uuid=name, cell_ids=False)
    alignment: Any = {"text-align": "left", "vertical-align": "top"}
    headers: Any = [{"selector": "th", "props": "text-align: left"}]
    shown = table.format(escape="html").hide(axis="index").set_properties(**alignment).set_table_styles(headers)
    short = [name for name in columns if all(len(str(row[name])) <= _SHORT for row in rows)]
    unbroken: Any = {name: [{"selector": "", "props": "white-space: nowrap"}] for name in short}
    return shown.set_table_styles(unbroken, overwrite=False)
