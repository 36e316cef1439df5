"""What logs show to have been done in another than the documented order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from expdiag import knowledge
from expdiag.model.cluster import Cluster
from expdiag.model.history.steps import PRIMARY, TLS, Save, Step, saves
from expdiag.model.history.timeline import LATEST, Span, Timeline, clock, margin
from expdiag.model.names import address
from expdiag.model.peers import Peer

FORMING, ADDING, REMOVING, TO_NAMES = "forming", "adding-peer", "removing-peer", "changing-to-names"
CHANGING_PRIMARY, ENFORCING, UPGRADING = "changing-primary", "enforcing-tls", "upgrading"
ENFORCE = ("enforce", "enforcing")
_DAY = timedelta(days=1)


class Deviation(NamedTuple):
    """Something done in another than the documented order.

    Attributes:
        procedure: which one, a key of `procedure` in the facts.
        words: what was done, with its times.
        at_fault: peers on which it was done.
    """

    procedure: str
    words: str
    at_fault: tuple[str, ...]
    sources: tuple[int, ...]


def deviations(cluster: Cluster, timeline: Timeline, steps: Sequence[Step]) -> tuple[Deviation, ...]:
    """Return what was not in order: first on each peer by itself, then among the peers."""
    by_peer = {peer.name: tuple(saves(steps, peer.name)) for peer in cluster.peers}
    found = (
        *(d for peer in cluster.peers for d in _two_at_once(cluster, timeline, peer, by_peer)),
        *_joined_too_early(cluster, timeline, by_peer),
        *_primary_not_first(cluster, steps),
        *_enforced_out_of_order(cluster, timeline, steps),
    )
    return tuple(dict.fromkeys(found))


def _two_at_once(
    cluster: Cluster, timeline: Timeline, peer: Peer, by_peer: Mapping[str, tuple[Save, ...]]
) -> Iterator[Deviation]:
    """Yield where two peer addresses were changed on one peer without a restart in between.

    A peer that joins enters the whole list at once; the primary begins as a cluster of one.
    """
    saved = by_peer[peer.name]
    joining_until: datetime | None = None
    for save in saved:
        if save.fills_an_empty_list and peer is not cluster.primary:
            start = timeline.started(peer.name, save.moment.time, LATEST)
            joining_until = start.time if start else LATEST
        joins = joining_until is not None and save.moment.time <= joining_until
        if len(save.added) < 2 or joins:
            continue
        if save.fills_an_empty_list:
            if cluster.primary is None:
                continue  # it may be a peer that joins
            said = (
                f"{peer} was given {', '.join(save.added)} at once at {clock(save.moment.time)}, not itself alone first"
            )
            yield Deviation(FORMING, said, (peer.name,), save.sources)
        else:
            said = f"{', '.join(save.added)} were entered on {peer} at once at {clock(save.moment.time)}"
            yield Deviation(_procedure_of(save), said, (peer.name,), save.sources)
    for before, after in pairwise(saved):
        joins = joining_until is not None and after.moment.time <= joining_until
        if joins or not before.added or not after.added or set(before.added) == set(after.added):
            continue
        changed = {found.name for entry in before.added if (found := cluster.find(entry))}
        waited_for = sorted(changed | {peer.name})
        between = Span(before.moment.time, after.moment.time)
        if any(timeline.started(name, between.start, between.end) for name in waited_for):
            continue
        unseen = [
            name
            for name in sorted(changed)
            if not timeline.covers(name, between) and not _joins_after(by_peer[name], between.end)
        ]
        if unseen or not changed or _corrects(before, after):
            continue
        said = (
            f"{', '.join(after.added)} was entered on {peer} at {clock(after.moment.time)} without a restart of "
            f"{' or '.join(waited_for)} after {', '.join(before.added)} at {clock(before.moment.time)}"
        )
        yield Deviation(_procedure_of(after), said, (peer.name,), (*before.sources, *after.sources))


def _joins_after(saved: Iterable[Save], time: datetime) -> bool:
    """Whether a peer was given its list only later, so that a restart before that would have joined nothing."""
    return any(save.fills_an_empty_list and save.moment.time > time for save in saved)


def _corrects(before: Save, after: Save) -> bool:
    """Whether the second save only puts another value into the place the first one filled."""
    places = {step.slot for step in before.steps}
    return None not in places and {step.slot for step in after.steps} <= places


def _procedure_of(save: Save) -> str:
    return TO_NAMES if save.removed and any(not address(entry) for entry in save.added) else ADDING


def _joined_too_early(
    cluster: Cluster, timeline: Timeline, by_peer: Mapping[str, tuple[Save, ...]]
) -> Iterator[Deviation]:
    """Yield where a new peer entered the list, or restarted, before the primary and the others listed it."""
    primary = cluster.primary
    if primary is None:
        return
    for peer in cluster.peers:
        joined = next((s for s in by_peer[peer.name] if s.fills_an_empty_list and len(s.added) > 1), None)
        if peer is primary or joined is None:
            continue
        start = timeline.started(peer.name, joined.moment.time, LATEST)
        listed = {name: s for name, all_ in by_peer.items() if name != peer.name and (s := _lists(cluster, all_, peer))}
        first = listed.get(primary.name)
        for name, save in sorted(listed.items(), key=lambda entry: (entry[0] != primary.name, entry[0])):
            own = by_peer[name]
            if name != primary.name and own and own[0] is save and save.fills_an_empty_list:
                continue  # that one joined with the whole list
            if start and save.moment.time > start.time + margin():
                said = (
                    f"{peer} was restarted at {clock(start.time)} before {name} listed it at {clock(save.moment.time)}"
                )
                yield Deviation(ADDING, said, (peer.name,), (*joined.sources, *start.sources, *save.sources))
            elif save.moment.time > joined.moment.time + margin():
                said = (
                    f"{peer} was given the list at {clock(joined.moment.time)} before {name} listed it at "
                    f"{clock(save.moment.time)}"
                )
                yield Deviation(ADDING, said, (peer.name,), (*joined.sources, *save.sources))
            elif first and save is not first and save.moment.time < first.moment.time - margin():
                said = (
                    f"{name} listed {peer} at {clock(save.moment.time)} before the primary {primary} did at "
                    f"{clock(first.moment.time)}"
                )
                yield Deviation(ADDING, said, (name,), (*save.sources, *first.sources))
            else:
                continue
            break


def _lists(cluster: Cluster, saved: Iterable[Save], peer: Peer) -> Save | None:
    """Return the save that first put a peer into a list."""
    return next((s for s in saved if any(cluster.find(entry) is peer for entry in s.added) and not s.removed), None)


def _primary_not_first(cluster: Cluster, steps: Sequence[Step]) -> Iterator[Deviation]:
    """Yield where another peer was told of a new primary before the new primary itself."""
    apart = timedelta(minutes=knowledge.load("procedures")["episode"]["apart_minutes"])
    rounds: list[list[Step]] = []
    for step in steps:
        if step.kind != PRIMARY or not step.old or not step.new:
            continue
        last = rounds[-1] if rounds else None
        if last and step.new == last[0].new and step.moment.time - last[-1].moment.time <= apart:
            last.append(step)
        else:
            rounds.append([step])
    for steps_ in rounds:
        chosen = _chosen(cluster, steps_[0])
        first: dict[str, Step] = {}
        for step in steps_:
            first.setdefault(step.moment.peer, step)
        own = first.get(chosen.name) if chosen else None
        early = [s for s in first.values() if own and s.moment.time < own.moment.time - margin()]
        if chosen and own and early:
            said = f"{early[0].moment.peer} was told at {clock(early[0].moment.time)} that {chosen} is the new primary"
            said += f", {chosen} itself only at {clock(own.moment.time)}"
            sources = (*(s.moment.source for s in early), own.moment.source)
            yield Deviation(CHANGING_PRIMARY, said, tuple(sorted(s.moment.peer for s in early)), sources)


def _chosen(cluster: Cluster, step: Step) -> Peer | None:
    """Return the peer a logged primary number means; logs that name an index count from 0."""
    if not step.new.isascii() or not step.new.isdigit() or len(step.new) > 2:
        return cluster.find(step.new)
    place = int(step.new) + (1 if "index" in step.moment.row.item.lower() else 0)
    lists = [peer.listed for peer in cluster.peers if peer.listed] or [p.replicated for p in cluster.peers]
    entries = {fact.value for listed in lists if (fact := listed.get(place)) and fact.value}
    return cluster.find(entries.pop()) if len(entries) == 1 else None


def _enforced_out_of_order(cluster: Cluster, timeline: Timeline, steps: Sequence[Step]) -> Iterator[Deviation]:
    """Yield where another peer was restarted before the primary after TLS verification was enforced."""
    primary = cluster.primary
    changed = next((s for s in reversed(steps) if s.kind == TLS and s.new in ENFORCE), None)
    if primary is None or changed is None:
        return
    since = changed.moment.time
    first = min(s.moment.time for s in steps if s.kind == TLS and s.new in ENFORCE and since - s.moment.time <= _DAY)
    own = timeline.started(primary.name, first, first + _DAY)
    for peer in cluster.peers:
        start = timeline.started(peer.name, first, first + _DAY)
        if peer is primary or start is None:
            continue
        if own and start.time < own.time - margin():
            said = (
                f"after Enforce at {clock(first)} {peer} started at {clock(start.time)}, before the primary {primary} "
                f"at {clock(own.time)}"
            )
            yield Deviation(ENFORCING, said, (peer.name,), (changed.moment.source, *start.sources, *own.sources))
        elif own is None and timeline.covers(primary.name, Span(start.time + margin(), LATEST)):
            said = (
                f"after Enforce at {clock(first)} {peer} started at {clock(start.time)}, and the primary {primary} has "
                "not been restarted"
            )
            yield Deviation(ENFORCING, said, (peer.name,), (changed.moment.source, *start.sources))
