"""Settings that are not the same on all peers, and which peer is the odd one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from expdiag.case import Case
from expdiag.findings import UNKNOWN, VIOLATION
from expdiag.model.drift.comparison import Difference, drift
from expdiag.rules.elsewhere.replicated import odd_ones
from expdiag.show.grid import Cell, grid
from expdiag.show.layout import begun, clipped
from expdiag.show.style import Picture

if TYPE_CHECKING:
    import pandas as pd

_RULE = "E15"
_MOST = 24  # rows that are drawn; the rest is counted
_MISSING = "not there"


class Row(NamedTuple):
    """A setting that differs.

    Attributes:
        judge: the requirement that judges it, or that none does, in words.
        outcome: how that came out; None where none judges it, or it found it in order.
        odd: the peers that differ from the primary, else from the majority; empty where neither tells.
    """

    difference: Difference
    judge: str
    outcome: str | None
    odd: tuple[str, ...]

    def value(self, peer: str) -> str | None:
        """Return what a peer says; None where it does not show the setting."""
        said = self.difference.said.get(peer)
        if said is None:
            return None
        return _MISSING if said.value is None else said.value


def rows(case: Case) -> list[Row]:
    """Return the settings that differ, those that are judged to be wrong first, those nobody judges last."""
    outcomes: dict[str, set[str]] = {}
    for finding in case.findings:
        outcomes.setdefault(finding.requirement.number, set()).add(finding.outcome)
    found = [_row(case, one, outcomes) for one in case.cluster.view(drift).differences]
    return sorted(found, key=lambda row: (_RANKS.get(row.outcome or "", 2), _natural(row.difference.where)))


_RANKS = {VIOLATION: 0, UNKNOWN: 1}


def _row(case: Case, one: Difference, outcomes: dict[str, set[str]]) -> Row:
    odd = odd_ones(case.cluster, one)
    if one.is_silent and not one.judged_by:
        return Row(one, "may not replicate", None, odd)
    judge = one.judged_by or _RULE
    found = outcomes.get(judge, set())
    if VIOLATION in found:
        return Row(one, judge, UNKNOWN if one.older else VIOLATION, odd)
    return Row(one, judge, UNKNOWN if UNKNOWN in found else None, odd)


def _natural(text: str) -> list[tuple[int, str]]:
    """Return what sorts `Zone 2` before `Zone 10`."""
    return [(len(part), part) if part.isdigit() else (0, part) for part in re.split(r"([0-9]+)", text)]


def has_drift(case: Case) -> bool:
    """Whether the configurations of two peers differ in anything."""
    return bool(case.cluster.view(drift).differences)


def drift_table(case: Case) -> pd.DataFrame:
    """Return one row a setting that differs: what each peer says, who is odd, and the requirement that judges it."""
    from expdiag.tables.shown import ShownFrame

    names = [peer.name for peer in case.cluster.peers]
    found = [
        (row.difference.where, *(row.value(name) for name in names), ", ".join(row.odd), row.judge, row.outcome)
        for row in rows(case)
    ]
    return ShownFrame(found, columns=["setting", *names, "odd", "judged_by", "outcome"])


def drift_matrix(case: Case) -> Picture:
    """Draw `drift_table`, violations first; of a long list the rest is summed up with a count."""
    names = [peer.name for peer in case.cluster.peers]
    found = rows(case)
    drawn, rest = found[:_MOST], found[_MOST:]
    labels = [f"{clipped(row.difference.where, 100)} ({row.judge})" for row in drawn]
    cells = [[_cell(row, name) for name in names] for row in drawn]
    if rest:
        labels.append(f"and {len(rest)} more")
        cells.append([_summary(rest, name) for name in names])
    title = f"{len(found)} setting{'s' * (len(found) != 1)} not the same on all peers"
    columns = [clipped(name, 88) for name in names]
    return grid(labels, columns, cells, title=title, row_name="setting", words_width=18, label_width=28)


def _cell(row: Row, name: str) -> Cell:
    value = row.value(name)
    if value is None:
        return Cell(None)
    words = begun(value, 70) or "(empty)"
    if name in row.odd or not row.odd:
        return Cell(row.outcome, words if row.outcome else f"≠ {words}")
    return Cell(None, words)


def _summary(rest: list[Row], name: str) -> Cell:
    odd = [row for row in rest if name in row.odd]
    is_bad = any(row.outcome == VIOLATION for row in odd)
    return Cell(VIOLATION if is_bad else None, f"differs in {len(odd)}" if odd else "as the others")
