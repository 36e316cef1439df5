"""What the peers are, held against what one cluster needs: type, version, platform, option keys, appliance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from expdiag.case import Case
from expdiag.findings import UNKNOWN, VIOLATION, Finding
from expdiag.model.peers import Peer
from expdiag.model.products.options import is_smart_only
from expdiag.model.products.platforms import is_appliance, unit
from expdiag.show.grid import Cell, grid
from expdiag.show.layout import begun, clipped
from expdiag.show.style import Picture

if TYPE_CHECKING:
    import pandas as pd


_WORDS = {VIOLATION: "violated", UNKNOWN: "unknown"}


class Said(NamedTuple):
    """What one peer is, as one requirement needs it.

    Attributes:
        value: what the evidence shows; empty where it does not tell.
        outcome: of the requirement.
        marked: the outcome is about this peer: it has to change, or it is the one that is not known.
    """

    requirement: str
    peer: str
    value: str
    outcome: str
    marked: bool


def _type(peer: Peer) -> str:
    return f"Expressway-{peer.type.value}" if peer.type.value else ""


def _version(peer: Peer) -> str:
    return str(peer.version.value or "")


def _platform(peer: Peer) -> str:
    name, size = peer.platform.value, peer.size.value
    return f"{name} set up as {size}" if name and size and name != size else name or size or ""


def _keys(peer: Peer) -> str:
    if peer.options.value is not None:
        codes = [*(option.code for option in peer.options.value.by_letter.values()), *peer.options.value.strange]
        return " ".join(codes) or "none"
    release = peer.version.value
    return "smart licensing" if peer.smart_licensing.value or (release and is_smart_only(release)) else ""


def _model(peer: Peer) -> str:
    if peer.platform.value and is_appliance(peer.platform.value):
        return f"{peer.platform.value} with {_version(peer) or 'version ?'}"
    return "virtual machine" if peer.platform.value or peer.is_virtual.value else ""


def _range(peer: Peer) -> str:
    own = unit(peer.serial.value or "") if not peer.is_virtual.value else None
    return f"{own.name}: {own.range}" if own else _model(peer)


_ASKED: dict[str, tuple[str, Callable[[Peer], str]]] = {
    "R01": ("type", _type),
    "R02": ("version", _version),
    "R04": ("platform", _platform),
    "R24": ("option keys", _keys),
    "R50": ("mixed appliances", _model),
    "R51": ("releases it runs", _range),
}


def said(case: Case) -> Iterator[Said]:
    """Yield what each peer is, requirement by requirement."""
    for number, (_, value_of) in _ASKED.items():
        found = [finding for finding in case.findings if finding.requirement.number == number]
        values = {peer.name: value_of(peer) for peer in case.cluster.peers}
        for name, value in values.items():
            finding = next((f for f in found if f.subject.kind == "cluster" or name in f.subject.peers), None)
            if finding:
                yield Said(number, name, value, finding.outcome, _is_marked(finding, name, values))


def _is_marked(finding: Finding, name: str, values: dict[str, str]) -> bool:
    """Whether an outcome is about a peer: of a violation those at fault, of an unknown those that show nothing."""
    if finding.outcome == VIOLATION:
        return not finding.verdict.at_fault or name in finding.verdict.at_fault
    if finding.outcome == UNKNOWN and finding.subject.kind == "cluster":
        return not values[name] or all(values.values())
    return True


def compatibility_table(case: Case) -> pd.DataFrame:
    """Return one row a requirement and peer: the value, the outcome, and whether that is about this peer."""
    from expdiag.tables.shown import ShownFrame

    return ShownFrame(said(case), columns=list(Said._fields))


def compatibility_matrix(case: Case) -> Picture:
    """Draw `compatibility_table`: the peers by the requirements, with their values."""
    found = {(each.requirement, each.peer): each for each in said(case)}
    numbers = [number for number in _ASKED if any(number == key[0] for key in found)]
    names = [peer.name for peer in case.cluster.peers]
    cells = [[_cell(found.get((number, name))) for number in numbers] for name in names]
    columns = [_heading(number, [each for key, each in found.items() if key[0] == number]) for number in numbers]
    title = "Type, version, platform, option keys and appliances, as one cluster needs them"
    return grid(
        [clipped(name, 88) for name in names],
        columns,
        cells,
        title=title,
        row_name="peer",
        label_width=18,
        words_width=20,
    )


def _heading(number: str, found: list[Said]) -> str:
    """Return the requirement, and its outcome where that is one for all."""
    outcomes = {each.outcome for each in found}
    one = next(iter(outcomes)) if len(outcomes) == 1 else ""
    return f"{number} {_ASKED[number][0]}" + (f" ({_WORDS[one]})" if one in _WORDS else "")


def _cell(each: Said | None) -> Cell:
    if each is None:
        return Cell(None)
    return Cell(each.outcome if each.marked else None, begun(each.value, 60) or "not shown")
