"""Clustering procedures as the logs show them: when they were under way, what they left open, and what they explain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from expdiag import knowledge
from expdiag.model.cluster import Cluster
from expdiag.model.history import steps as stepping
from expdiag.model.history import timeline as times
from expdiag.model.history.sequence import (
    ADDING,
    CHANGING_PRIMARY,
    ENFORCING,
    FORMING,
    REMOVING,
    TO_NAMES,
    UPGRADING,
    Deviation,
    deviations,
)
from expdiag.model.history.steps import PEER, PRIMARY, TLS, Step
from expdiag.model.history.timeline import EARLIEST, LATEST, REPLICATION, UPGRADE, Span, Timeline, clock, margin
from expdiag.model.names import address
from expdiag.model.peers import Peer
from expdiag.tables import Alarm

UPGRADE_ALARM = 20008


class Episode(NamedTuple):
    """A stretch of time in which the cluster was formed or changed.

    Attributes:
        kinds: procedures recognised in it, in alphabetical order.
        span: from the first step to the last one and what belongs to it.
        peers: on which something was done.
        sources: where its steps are logged.
    """

    kinds: tuple[str, ...]
    span: Span
    peers: tuple[str, ...]
    sources: tuple[int, ...]


class Pending(NamedTuple):
    """A peer that asks for the restart that ends a step.

    Attributes:
        since: when it began to, as far as a log tells.
        expected: whether a procedure that is under way explains it.
    """

    peer: str
    since: datetime | None
    expected: bool
    sources: tuple[int, ...]


class Explanation(NamedTuple):
    """A stretch of time in which a procedure explains alarms of some numbers, and on whom it was done."""

    span: Span
    alarms: frozenset[int]
    peers: frozenset[str]
    words: str


@dataclass(frozen=True, slots=True)
class Procedures:
    """What the evidence shows of procedures.

    Attributes:
        episodes: in order of time.
        deviations: in order of time.
        pending: peers that wait for a restart.
        explanations: what explains alarms, and when.
    """

    episodes: tuple[Episode, ...]
    deviations: tuple[Deviation, ...]
    pending: tuple[Pending, ...]
    explanations: tuple[Explanation, ...]


def facts() -> dict[str, Any]:
    """Return what is known of procedures."""
    return knowledge.load("procedures")


def words(kind: str) -> str:
    """Return what a procedure is called."""
    return str(facts()["procedure"][kind]["words"])


def of_cluster(cluster: Cluster) -> Procedures:
    """Return the procedures of a cluster; a view."""
    timeline = cluster.view(times.of_cluster)
    steps = stepping.of_timeline(timeline)
    episodes = _episodes(cluster, timeline, steps)
    return Procedures(
        episodes=episodes,
        deviations=deviations(cluster, timeline, steps),
        pending=_pending(cluster, episodes),
        explanations=tuple(_explanations(timeline, steps)),
    )


def stated(cluster: Cluster) -> Span | None:
    """Return when the procedure that `case.toml` tells of was under way; an open end is open."""
    change = cluster.facts.change
    return Span(change.start or EARLIEST, change.end or LATEST) if change else None


def is_stated_now(cluster: Cluster, *kinds: str) -> bool:
    """Whether `case.toml` says that a procedure, one of these kinds where any are given, is under way."""
    change, span = cluster.facts.change, stated(cluster)
    if change is None or span is None or cluster.as_of is None:
        return False
    return (not kinds or change.kind in kinds) and span.holds(cluster.as_of)


def upgrade_evidence(cluster: Cluster) -> tuple[int, ...] | None:
    """Return what shows an upgrade under way, alarm 20008 or `case.toml`; None where nothing does."""
    alarms = [alarm.source for peer in cluster.peers for alarm in peer.raised(UPGRADE_ALARM)]
    if alarms:
        return tuple(alarms)
    if not is_stated_now(cluster, UPGRADING):
        return None
    source = cluster.facts.sources.get("change")
    return () if source is None else (source,)


# ---- episodes


def _episodes(cluster: Cluster, timeline: Timeline, steps: Sequence[Step]) -> tuple[Episode, ...]:
    """Return stretches of time in which settings of the cluster were changed, a peer was upgraded or the list grew."""
    limits = facts()["episode"]
    apart, settling = timedelta(minutes=limits["apart_minutes"]), timedelta(minutes=limits["settling_minutes"])
    marks = sorted(
        [
            *((step.moment.time, step.moment.peer, _kind(cluster, step), step.moment.source) for step in steps),
            *((m.time, m.peer, UPGRADING, m.source) for m in timeline.of(UPGRADE) if m.row.kind == "upgrade"),
            *_replicated_changes(timeline),
        ],
        key=lambda mark: (mark[0], mark[1], mark[2]),
    )
    groups: list[list[tuple[datetime, str, str, int]]] = []
    for mark in marks:
        if groups and mark[0] - groups[-1][-1][0] <= apart:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    found = []
    for group in groups:
        start, end = group[0][0], group[-1][0]
        ends = [s.time for all_ in timeline.starts.values() for s in all_ if end < s.time <= end + apart]
        kinds = {kind for _, _, kind, _ in group if kind}
        peers = tuple(sorted({peer for _, peer, _, _ in group}))
        span = Span(start, max([end, *ends]) + settling)
        found.append(Episode(tuple(sorted(kinds)), span, peers, tuple(source for *_, source in group)))
    return tuple(found)


def _kind(cluster: Cluster, step: Step) -> str:
    """Return the procedure one step belongs to; empty where it does not tell."""
    if step.kind == TLS:
        return ENFORCING
    if step.kind == PRIMARY:
        return CHANGING_PRIMARY
    if step.kind != PEER:
        return ""
    if not step.new:
        return REMOVING
    if step.old:
        return TO_NAMES if address(step.old) and not address(step.new) else ""
    return FORMING if step.slot == 1 and _is(cluster.primary, step.moment.peer) else ADDING


def _is(peer: Peer | None, name: str) -> bool:
    return peer is not None and peer.name == name


def _replicated_changes(timeline: Timeline) -> Iterator[tuple[datetime, str, str, int]]:
    """Yield when replication began to name another list or primary than before: a change whoever logged it."""
    before: dict[str, Any] = {}
    for moment in timeline.of(REPLICATION):
        row, last = moment.row, before.get(moment.peer)
        before[moment.peer] = row
        if last is None:
            continue
        if set(row.addresses) - set(last.addresses):
            yield moment.time, moment.peer, ADDING, moment.source
        elif set(last.addresses) - set(row.addresses):
            yield moment.time, moment.peer, REMOVING, moment.source
        elif row.primary != last.primary and row.primary and last.primary:
            yield moment.time, moment.peer, CHANGING_PRIMARY, moment.source


def _pending(cluster: Cluster, episodes: Sequence[Episode]) -> tuple[Pending, ...]:
    """Return the peers on which the alarm that asks for a restart is up."""
    limits = facts()["pending"]
    patience = timedelta(minutes=limits["patience_minutes"])
    found = []
    for peer in cluster.peers:
        raised = peer.raised(limits["alarm"])
        if not raised:
            continue
        since = min((alarm.time for alarm in raised if alarm.time), default=None)
        is_fresh = bool(since and cluster.as_of and cluster.as_of - since <= patience)
        now = any(
            peer.name in episode.peers and cluster.as_of and cluster.as_of - episode.span.end <= patience
            for episode in episodes
        )
        expected = is_fresh or now or is_stated_now(cluster)
        found.append(Pending(peer.name, since, expected, tuple(alarm.source for alarm in raised)))
    return tuple(found)


def _explanations(timeline: Timeline, steps: Sequence[Step]) -> Iterator[Explanation]:
    """Yield which alarms restarts, changes and upgrades explain, and until when."""
    restart, change, upgrade = (_transient(after) for after in ("restart", "change", "upgrade"))
    longest = timedelta(minutes=facts()["start"]["longest_minutes"])
    for starts in timeline.starts.values():
        for start in starts:
            begun = start.asked or (start.down if start.down and start.time - start.down <= longest else None)
            span = Span(begun or start.time - longest / 3, start.time + restart[1])
            yield Explanation(
                span, restart[0], frozenset({start.peer}), f"{start.peer} restarted at {clock(start.time)}"
            )
    for moment in timeline.of(times.RESTART):
        if moment.row.kind in times.STOP_KINDS:
            span = Span(moment.time - margin(), moment.time + longest / 2)
            said = f"{moment.peer} went down at {clock(moment.time)}"
            yield Explanation(span, restart[0], frozenset({moment.peer}), said)
    for step in steps:
        span = Span(step.moment.time, step.moment.time + change[1])
        said = f"{step.moment.row.item} was changed on {step.moment.peer} at {clock(step.moment.time)}"
        yield Explanation(span, change[0], frozenset(), said)
    for moment in timeline.of(UPGRADE):
        span = Span(moment.time, moment.time + longest + upgrade[1])
        yield Explanation(span, upgrade[0], frozenset(), f"{moment.peer} was upgraded at {clock(moment.time)}")


def _transient(after: str) -> tuple[frozenset[int], timedelta]:
    row = next(row for row in facts()["transient"] if row["after"] == after)
    return frozenset(row["alarms"]), timedelta(minutes=row["minutes"])


def explained(alarm: Alarm, up: Span, peers: Iterable[str], by: Sequence[Explanation]) -> str:
    """Return what explains that an alarm was up all the time it was; empty where nothing does.

    An explanation without peers holds for all. What stays up beyond the time of the last one is explained by none.
    """
    concerned = frozenset(peers)
    fitting = [e for e in by if alarm.number in e.alarms and (not e.peers or e.peers & concerned)]
    first = next((e for e in fitting if e.span.holds(up.start)), None)
    last = first
    while last is not None and last.span.end < up.end:
        later = [e for e in fitting if e.span.holds(last.span.end) and e.span.end > last.span.end]
        last = max(later, key=lambda e: e.span.end, default=None)
    return first.words if first and last else ""
