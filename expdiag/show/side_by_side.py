"""What the peers say, side by side: facts of their exports, what happened when, settings that are not the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expdiag.case import Case
from expdiag.errors import UnknownNameError
from expdiag.model.drift.comparison import drift
from expdiag.model.history import timeline
from expdiag.safe import one_line
from expdiag.show.verdicts import styled

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

_NOT_SAID = "–"


def facts(case: Case, *fields: str) -> Styler:
    """Return facts as the exports show them, a row a fact, a column a peer; several values one under another.

    Raises:
        UnknownNameError: no fact has this name; `case.tables["fields"]` lists them.
    """
    known = {row.field for row in case.fields}
    for field in fields:
        if field not in known:
            raise UnknownNameError("fact", field, known)
    names = [peer.name for peer in case.cluster.peers]
    said: dict[tuple[str, str], list[str]] = {}
    for row in case.fields:
        if row.value is not None:
            said.setdefault((row.field, row.peer), []).append(one_line(str(row.value)))
    rows = [
        {"fact": field, **{name: ", ".join(said.get((field, name), (_NOT_SAID,))) for name in names}}
        for field in fields or sorted(known)
    ]
    return styled(rows, ("fact", *names))


def moments(case: Case, *kinds: str) -> Styler:
    """Return what happened on all peers, on one clock: alarms, changes, restarts and so on, all kinds for none.

    Raises:
        UnknownNameError: there is no such kind.
    """
    for kind in kinds:
        if kind not in timeline.KINDS:
            raise UnknownNameError("kind of moment", kind, timeline.KINDS)
    rows = [
        {
            "time (UTC)": f"{moment.time:%Y-%m-%d %H:%M:%S}",
            "peer": moment.peer,
            "what": moment.kind,
            "happened": one_line(moment.words),
        }
        for moment in case.cluster.view(timeline.of_cluster).moments
        if not kinds or moment.kind in kinds
    ]
    return styled(rows, ("time (UTC)", "peer", "what", "happened"))


def differences(case: Case) -> Styler:
    """Return the settings that are not the same on all peers, what each says, and which rule judges them."""
    names = [peer.name for peer in case.cluster.peers]
    rows = [
        {
            "setting": one_line(found.where),
            **{name: _value(found.said[name].value) if name in found.said else _NOT_SAID for name in names},
            "judged by": found.judged_by or ("not said to replicate" if found.is_silent else "E15"),
        }
        for found in case.cluster.view(drift).differences
    ]
    return styled(rows, ("setting", *names, "judged by"))


def _value(value: str | None) -> str:
    return "not there" if value is None else one_line(value)


def answers(case: Case, *types: str) -> Styler:
    """Return what names led to, by where it was asked; of these record types, all for none."""
    queries = {query.source: query for query in case.tables.rows("dns_queries")}
    found: dict[tuple[str, str, str], list[str]] = {}
    for record in case.tables.rows("dns_records"):
        query = queries.get(record.query)
        if query and record.section == "answer" and (not types or record.type in types):
            port = f":{record.port}" if record.port is not None else ""
            rank = f" (priority {record.priority}, weight {record.weight})" if record.priority is not None else ""
            found.setdefault((record.type, query.name, query.vantage), []).append(f"{record.value}{port}{rank}")
    rows = [
        {
            "type": kind,
            "name": one_line(name),
            "asked from": one_line(vantage) or "?",
            "answer": one_line(", ".join(values)),
        }
        for (kind, name, vantage), values in sorted(found.items())
    ]
    return styled(rows, ("type", "name", "asked from", "answer"))
