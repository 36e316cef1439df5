"""The smallest set of captures that settles the unknowns: a set cover, in the order of what each settles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from expdiag import knowledge
from expdiag.findings import UNKNOWN, Finding, Findings, Want

Piece = tuple[str, str]  # place and kind: one piece of work for the customer
_ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Request:
    """Something to ask the customer for.

    Attributes:
        place: the peer, or where else it is done.
        todo: what to do there, each as an instruction.
        settles: the unknowns that are settled once this and the requests before it are answered.
    """

    place: str
    todo: tuple[str, ...]
    settles: tuple[Finding, ...]


def requests(findings: Findings) -> tuple[Request, ...]:
    """Return what to ask for, what settles most for the least work first; all together settle what can be settled.

    One archive stands for every export and log of its peer, and for its certificate where it is asked for anyway.
    """
    unsettled = [finding for finding in findings.of(UNKNOWN) if finding.verdict.want]
    pieces = _pieces(want for finding in unsettled for want in finding.verdict.want)
    needs = {id(finding): frozenset(pieces[want] for want in finding.verdict.want) for finding in unsettled}
    todo: dict[Piece, dict[str, None]] = {}
    for want, piece in pieces.items():
        todo.setdefault(piece, {})[_instruction(want, piece)] = None
    asked: set[Piece] = set()
    found = []
    while unsettled:
        step = sorted(_best_step([needs[id(finding)] for finding in unsettled], asked))
        asked.update(step)
        settled = tuple(finding for finding in unsettled if needs[id(finding)] <= asked)
        unsettled = [finding for finding in unsettled if finding not in settled]
        found += [Request(piece[0], tuple(todo[piece]), settled if piece == step[-1] else ()) for piece in step]
    return tuple(found)


def _pieces(wants: Iterable[Want]) -> dict[Want, Piece]:
    """Return the piece of work each want is answered by: as few as possible."""
    archive = knowledge.load("captures")["archive"]
    unique = list(dict.fromkeys(wants))
    with_archive = {want.place for want in unique if want.kind in archive["holds"]}
    return {
        want: (want.place, _ARCHIVE)
        if want.kind in archive["holds"] or (want.kind in archive["holds_too"] and want.place in with_archive)
        else (want.place, want.kind)
        for want in unique
    }


def _instruction(want: Want, piece: Piece) -> str:
    if piece[1] == _ARCHIVE and want.place:
        return str(knowledge.load("captures")["archive"]["how"]).format(peer=want.place)
    return want.text


def _best_step(needs: Iterable[frozenset[Piece]], asked: set[Piece]) -> frozenset[Piece]:
    """Return the pieces still needed for one finding that settle the most findings for each piece."""
    open_needs = list(needs)

    def worth(step: frozenset[Piece]) -> tuple[float, int]:
        settled = sum(1 for needed in open_needs if needed <= asked | step)
        return settled / len(step), -len(step)

    steps = sorted({needed - asked for needed in open_needs}, key=sorted)
    return max(steps, key=worth)
