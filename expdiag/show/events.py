"""What happened on all peers, as stretches of time: alarms, changes, restarts, upgrades, procedures, stated changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from expdiag.case import Case
from expdiag.model.cluster import Cluster
from expdiag.model.history import procedures
from expdiag.model.history import timeline as times
from expdiag.model.history.timeline import Moment, Start, Timeline
from expdiag.model.peers import Peer

if TYPE_CHECKING:
    import pandas as pd

STATED, PROCEDURE, RESTART, DOWN, FAILURE, UPGRADE, CHANGE, ALARM = KINDS = (
    *("stated change", "procedure", "restart", "went down", "application failed"),
    *("upgrade", "configuration change", "alarm"),
)


class Event(NamedTuple):
    """Something that happened, in UTC by the clock of the timeline.

    Attributes:
        peer: on which peer; empty for what concerns the cluster.
        kind: one of `KINDS`.
        name: what events that belong into one row have in common: the number of an alarm, the procedure.
        what: what happened, in words.
        start: when it began; None where nothing tells.
        end: when it was over, the same moment where it took no time; None where it is not over or nothing tells.
        still_up: an alarm that is up at the end of the evidence.
    """

    peer: str
    kind: str
    name: str
    what: str
    start: datetime | None
    end: datetime | None
    still_up: bool = False


def events(case: Case) -> tuple[Event, ...]:
    """Return what happened, that of the cluster first, then peer by peer."""
    return case.cluster.view(_events)


def event_table(case: Case) -> pd.DataFrame:
    """Return one row an event: peer, kind, what, start and end in UTC, and whether an alarm is still up."""
    from expdiag.tables.shown import ShownFrame

    table = ShownFrame(events(case), columns=list(Event._fields)).drop(columns="name")
    return table.astype({"start": "object", "end": "object", "still_up": "boolean"})


def _events(cluster: Cluster) -> tuple[Event, ...]:
    timeline = cluster.view(times.of_cluster)
    found = [*_of_cluster(cluster)]
    for peer in cluster.peers:
        found += [*_restarts(timeline, peer), *_single(timeline, peer), *_alarms(timeline, peer)]
    return tuple(found)


def _of_cluster(cluster: Cluster) -> Iterator[Event]:
    change = cluster.facts.change
    if change and (change.start or change.end):
        words = f"stated in case.toml: {procedures.words(change.kind)}"
        yield Event("", STATED, words, words, change.start, change.end)
    for episode in cluster.view(procedures.of_cluster).episodes:
        words = ", ".join(map(procedures.words, episode.kinds)) or "cluster settings changed"
        yield Event("", PROCEDURE, words, f"{words}, on {', '.join(episode.peers)}", *episode.span)


def _restarts(timeline: Timeline, peer: Peer) -> Iterator[Event]:
    starts = timeline.starts.get(peer.name, ())
    for start in starts:
        words = "restarted" if start.logged else "restarted, by its uptime"
        yield Event(peer.name, RESTART, RESTART, words, start.asked or start.time, start.time)
    explained = {source for start in starts for source in start.sources}
    for moment in timeline.of(times.RESTART, peer.name):
        if moment.row.kind == "application-failed":
            yield _moment(moment, FAILURE)
        elif moment.row.kind in times.STOP_KINDS and moment.source not in explained:
            yield _moment(moment, DOWN)


def _single(timeline: Timeline, peer: Peer) -> Iterator[Event]:
    for source, kind in ((times.UPGRADE, UPGRADE), (times.CHANGE, CHANGE)):
        yield from (_moment(moment, kind) for moment in timeline.of(source, peer.name))


def _moment(moment: Moment, kind: str) -> Event:
    return Event(moment.peer, kind, kind, moment.words, moment.time, moment.time)


def _alarms(timeline: Timeline, peer: Peer) -> Iterator[Event]:
    """Yield the alarms of a peer by their numbers, each from when it was raised to when it was lowered."""
    told: dict[str, list[Moment]] = {}
    for moment in timeline.of(times.ALARM, peer.name):
        told.setdefault(_number(moment.row.number, moment.row.uuid), []).append(moment)
    titles = {_number(alarm.number, alarm.uuid): alarm.title for alarm in reversed(peer.alarms)}
    up = {_number(a.number, a.uuid) for a in peer.alarms if a.still_up and (a.number is None or peer.raised(a.number))}
    for number in sorted(told.keys() | up, key=lambda number: (number not in up, number)):
        spans = list(_spans(told.get(number, ()), timeline.starts.get(peer.name, ()), is_up=number in up))
        what = f"{number} {titles.get(number, '')}".strip()
        for start, end in spans:
            is_last = (start, end) == spans[-1]
            yield Event(peer.name, ALARM, number, f"alarm {what}", start, end, number in up and is_last)


def _number(number: int | None, uuid: str) -> str:
    return str(number) if number is not None else uuid or "without a number"


def _spans(
    told: Iterable[Moment], starts: Iterable[Start], *, is_up: bool
) -> Iterator[tuple[datetime | None, datetime | None]]:
    """Yield when an alarm was up; a start of the peer ends what nobody lowered."""
    began: datetime | None = None
    for moment in told:
        if moment.row.state == "lowered":
            yield began or moment.time, moment.time
            began = None
        elif began is None:
            began = moment.time
        elif ended := _start_after(began, starts, moment.time):
            yield began, ended
            began = moment.time
    if is_up:
        yield began, None
    elif began:
        yield began, _start_after(began, starts) or began


def _start_after(time: datetime, starts: Iterable[Start], until: datetime | None = None) -> datetime | None:
    return next((s.time for s in starts if s.time > time and (until is None or s.time <= until)), None)
