"""Steps of clustering procedures, as logged changes of the cluster's settings show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from expdiag import knowledge
from expdiag.model.history.timeline import CHANGE, Moment, Timeline
from expdiag.model.names import address, canonical

PEER, PRIMARY, TLS, TOUCHED = "peer", "primary", "tls-mode", "touched"
# alternates peer 2 address     cluster peer_2     alternates 2 peer address
_SLOT = re.compile(r"(?:peers?|alternates?|address)[ _]*([1-6])(?![0-9])|(?<![\w-])([1-6])(?![\w.-])", re.I | re.A)
_WORD = re.compile(r"[A-Za-z]+")


class Step(NamedTuple):
    """One saved setting of the cluster.

    Attributes:
        kind: `peer` (an address of the peer list), `primary`, `tls-mode`, or `touched` (what changed is not told).
        slot: place in the peer list, counted from 1; None where it is not told or not a matter of it.
        old: value before, canonical; empty where there was none.
        new: value after, likewise.
        by_hand: whether a user is named, so that it was done on this very peer.
    """

    moment: Moment
    kind: str
    slot: int | None
    old: str
    new: str
    by_hand: bool


class Save(NamedTuple):
    """What was saved on one peer at one time: steps, and the addresses that came to the list and left it."""

    steps: tuple[Step, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def moment(self) -> Moment:
        """Its first moment."""
        return self.steps[0].moment

    @property
    def sources(self) -> tuple[int, ...]:
        """Where it is logged."""
        return tuple(step.moment.source for step in self.steps)

    @property
    def fills_an_empty_list(self) -> bool:
        """Whether the first place was empty before, so that the peer was in no cluster.

        A log that tells no places may well mean that.
        """
        if len(self.added) > 1 and all(step.slot is None and not step.old for step in self.steps):
            return True
        return any(step.slot == 1 and not step.old and step.new for step in self.steps)


def of_timeline(timeline: Timeline) -> tuple[Step, ...]:
    """Return the steps in order of time; what the web interface and the database both logged counts once."""
    one_save = timedelta(seconds=knowledge.load("procedures")["episode"]["one_save_seconds"])
    kept: list[Step] = []
    last: dict[tuple[str, str, int | None, str], int] = {}
    for moment in timeline.of(CHANGE):
        step = _step(moment)
        if step is None:
            continue
        key = (moment.peer, step.kind, step.slot, step.new)
        before = last.get(key)
        if before is not None and moment.time - kept[before].moment.time <= one_save:
            kept[before] = kept[before]._replace(by_hand=kept[before].by_hand or step.by_hand)
            continue
        last[key] = len(kept)
        kept.append(step)
    return tuple(kept)


def _step(moment: Moment) -> Step | None:
    row = moment.row
    kind, slot = _meaning(row.item)
    if not kind:
        return None
    old, new = _value(row.old), _value(row.new)
    if kind == TOUCHED or (row.old is None and row.new is None):
        return Step(moment, TOUCHED, None, "", "", bool(row.user))
    return None if old == new else Step(moment, kind, slot, old, new, bool(row.user))


def _value(text: str | None) -> str:
    plain = (text or "").strip().strip("'\"")
    if plain.lower() in ("none", "null", "undefined"):
        return ""
    found = address(plain) if plain else None
    return str(found) if found else canonical(plain)


@lru_cache(maxsize=1 << 12)
def _meaning(item: str) -> tuple[str, int | None]:
    """Return what a changed item is of a cluster's settings, and its place in the peer list; empty where it is none."""
    facts = knowledge.load("procedures")["items"]
    words = [word.lower() for word in _WORD.findall(item)]
    while words and words[0] in ("xconfiguration", "configuration"):
        words = words[1:]
    if not words or words[0] not in facts["first_words"]:
        return "", None
    rest = "".join(words[1:])
    tails = {"".join(words[n:]) for n in range(1, len(words))} | set(words[1:])
    for kind in (TLS, PRIMARY, "other"):
        if tails & set(facts["kinds"][kind]):
            return ("", None) if kind == "other" else (kind, None)
    slot = _SLOT.search(item)
    if slot or any(word in rest for word in facts["kinds"]["peer"]):
        return PEER, int(slot[1] or slot[2]) if slot else None
    return (TOUCHED, None) if not rest or rest == "peers" else ("", None)


def saves(steps: Iterable[Step], peer: str) -> Iterator[Save]:
    """Yield what was saved of the peer list on one peer, in order of time."""
    one_save = timedelta(seconds=knowledge.load("procedures")["episode"]["one_save_seconds"])
    group: list[Step] = []
    for step in steps:
        if step.kind != PEER or step.moment.peer != peer:
            continue
        if group and step.moment.time - group[0].moment.time > one_save:
            yield _save(group)
            group = []
        group.append(step)
    if group:
        yield _save(group)


def _save(group: list[Step]) -> Save:
    old, new = [step.old for step in group if step.old], [step.new for step in group if step.new]
    return Save(
        tuple(group),
        tuple(dict.fromkeys(value for value in new if value not in old)),
        tuple(dict.fromkeys(value for value in old if value not in new)),
    )
