"""One timeline over all peers: changes, restarts, alarms, upgrades, links and replication, each with peer and source.

Times are those of the logs, less what is known of the clocks: captures of one connection at both ends tell how far two
clocks are apart to a millisecond, one change of the clustered database that two peers logged to a second or so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from expdiag import knowledge
from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.model.network import matches
from expdiag.model.peers import Peer
from expdiag.statistics import median
from expdiag.tables import Alarm, ConfigurationChange, PeerLink, Replication, Restart, Upgrade

CHANGE, RESTART, ALARM, UPGRADE, LINK, REPLICATION = KINDS = (
    *("change", "restart", "alarm", "upgrade", "link"),
    "replication",
)
START_KINDS, STOP_KINDS = (
    ("system-start", "application-start"),
    ("restart-requested", "reboot-requested", "system-shutdown"),
)
_LOG_KIND = "diagnostic log"
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Moment(NamedTuple):
    """Something that happened.

    Attributes:
        time: when, by the clock of the timeline.
        peer: on which peer.
        kind: one of `KINDS`.
        words: what happened.
        source: where it is logged.
        row: the row of the table.
    """

    time: datetime
    peer: str
    kind: str
    words: str
    source: int
    row: Any


class Start(NamedTuple):
    """A start of a peer.

    Attributes:
        time: when it was up again: its start in the log, else what clock and uptime of a status give.
        asked: when somebody asked for it, or it began to shut down; None where nothing tells.
        down: the last moment it is known to have been up before; None where nothing tells.
        logged: whether a log tells of it.
        sources: where it is shown.
    """

    peer: str
    time: datetime
    asked: datetime | None
    down: datetime | None
    logged: bool
    sources: tuple[int, ...]


class Span(NamedTuple):
    """A stretch of time that a log covers."""

    start: datetime
    end: datetime

    def meets(self, other: Span) -> bool:
        """Whether the two have a moment in common."""
        return self.start <= other.end and other.start <= self.end

    def holds(self, time: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.start <= time <= self.end


_SANE = Span(EARLIEST + timedelta(days=3653), LATEST - timedelta(days=3653))  # so that nothing overflows near the ends


class Clock(NamedTuple):
    """How far the clock of a peer is ahead of that of the timeline, and what tells."""

    ahead: timedelta
    told_by: str
    source: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened on all peers, in order of time.

    Attributes:
        moments: in order of time; those of one instant in order of peer and words, whatever order they were read in.
        starts: the starts of each peer, in order.
        logs: what the logs of each peer cover; empty for a peer whose log is not in the case.
        clocks: the clocks that are known to differ, by peer.
    """

    moments: tuple[Moment, ...]
    starts: Mapping[str, tuple[Start, ...]]
    logs: Mapping[str, tuple[Span, ...]]
    clocks: Mapping[str, Clock]

    def of(self, kind: str, peer: str | None = None) -> Iterator[Moment]:
        """Yield what happened of one kind, on one peer where it is given."""
        return (m for m in self.moments if m.kind == kind and (peer is None or m.peer == peer))

    def covers(self, peer: str, span: Span) -> bool:
        """Whether a log of a peer tells of any part of a stretch of time."""
        return any(log.meets(span) for log in self.logs.get(peer, ()))

    def started(self, peer: str, after: datetime, before: datetime) -> Start | None:
        """Return the first start of a peer between two moments."""
        return next((start for start in self.starts.get(peer, ()) if after < start.time <= before), None)


def of_cluster(cluster: Cluster) -> Timeline:
    """Return the timeline of a cluster; a view."""
    clocks = _clocks(cluster)
    moments = _moments(cluster, clocks)
    by_peer: dict[str, list[Moment]] = {peer.name: [] for peer in cluster.peers}
    for moment in moments:
        by_peer[moment.peer].append(moment)
    starts = {peer.name: _starts(peer, by_peer[peer.name], clocks.get(peer.name)) for peer in cluster.peers}
    return Timeline(moments, starts, _logs(cluster, by_peer, clocks), clocks)


def _moments(cluster: Cluster, clocks: Mapping[str, Clock]) -> tuple[Moment, ...]:
    """Return every timed record of a known peer; a record that two logs of one peer hold counts once."""
    found: dict[tuple[datetime, str, str, str], Moment] = {}
    for kind, table, say in _TABLES:
        for row in cluster.rows[table]:
            peer = cluster.peer_of(row.source)
            if peer is None or row.time is None:
                continue
            time = _put_right(row.time, clocks.get(peer))
            if not _SANE.holds(time):
                continue
            moment = Moment(time, peer, kind, say(row), row.source, row)
            found.setdefault(moment[:4], moment)
    return tuple(found[key] for key in sorted(found))


def _put_right(time: datetime, clock: Clock | None) -> datetime:
    try:
        return time - clock.ahead if clock else time
    except OverflowError:
        return time


def _say_change(row: ConfigurationChange) -> str:
    values = "" if row.old is None and row.new is None else f" from {row.old!r} to {row.new!r}"
    return f"{row.item} changed{values}{f' by {row.user}' if row.user else ''}"


def _say_alarm(row: Alarm) -> str:
    return f"alarm {row.number or row.uuid} {row.state}: {row.title} {row.detail}"


def _say_restart(row: Restart) -> str:
    return f"{row.kind} {row.detail}".strip()


def _say_upgrade(row: Upgrade) -> str:
    return f"{row.kind} {row.detail}".strip()


def _say_link(row: PeerLink) -> str:
    return f"{row.kind} {row.remote} {row.port or ''} {row.detail}".strip()


def _say_replication(row: Replication) -> str:
    return f"replication among {', '.join(row.addresses)}; primary is {row.primary}, this is {row.local}"


_TABLES = (
    (CHANGE, "configuration_changes", _say_change),
    (RESTART, "restarts", _say_restart),
    (ALARM, "alarms", _say_alarm),
    (UPGRADE, "upgrades", _say_upgrade),
    (LINK, "peer_links", _say_link),
    (REPLICATION, "replication", _say_replication),
)


def _starts(peer: Peer, moments: Sequence[Moment], clock: Clock | None) -> tuple[Start, ...]:
    """Return the starts of a peer: those its log tells of, and the last one by its uptime."""
    facts = knowledge.load("procedures")["start"]
    one_start = timedelta(minutes=facts["one_start_minutes"])
    longest = timedelta(minutes=facts["longest_minutes"])
    starts: list[Start] = []
    stops: list[Moment] = []
    last_seen: datetime | None = None
    for moment in moments:
        if moment.kind == RESTART and moment.row.kind in STOP_KINDS:
            stops.append(moment)
        elif moment.kind == RESTART and _is_start(moment.row):
            if not starts or moment.time - starts[-1].time > one_start:
                recent = [stop for stop in stops if moment.time - stop.time <= longest]
                asked = recent[0].time if recent else None
                down = recent[-1].time if recent else last_seen
                sources = (*(stop.source for stop in recent), moment.source)
                starts.append(Start(peer.name, moment.time, asked, down, logged=True, sources=sources))
            stops = []
        last_seen = moment.time
    boot = boot_time(peer)
    if boot:
        time = _put_right(boot[0], clock)
        near = next((n for n, start in enumerate(starts) if abs(start.time - time) <= one_start), None)
        if near is None:
            starts.append(Start(peer.name, time, None, None, logged=False, sources=boot[1]))
        else:
            starts[near] = starts[near]._replace(sources=starts[near].sources + boot[1])
    return tuple(sorted(starts))


def _is_start(row: Restart) -> bool:
    if row.kind not in START_KINDS:
        return False
    words = {word.strip(".,:;").lower() for word in row.detail.split()}
    known = knowledge.load("procedures")["start"]["applications"]
    return row.kind == "system-start" or not words or bool(words & set(known))


def boot_time(peer: Peer) -> tuple[datetime, tuple[int, ...]] | None:
    """Return when a peer started by clock and uptime of its status, and where both stand."""
    uptime, at = peer.settings.value("uptime"), peer.settings.value("system_time")
    seconds, now = (uptime.value or "").strip(), _moment(at.value or "")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 10 and now):
        return None
    try:
        time = now - timedelta(seconds=int(seconds))
    except OverflowError:
        return None
    return (time, uptime.sources + at.sources) if _SANE.holds(time) else None


def _moment(text: str) -> datetime | None:
    """Return the clock of a status, `2026-05-01 12:00:00`, which is taken for UTC."""
    try:
        time = datetime.fromisoformat(text.strip().replace(",", "."))
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _logs(
    cluster: Cluster, moments: Mapping[str, Sequence[Moment]], clocks: Mapping[str, Clock]
) -> dict[str, tuple[Span, ...]]:
    """Return what the logs of each peer cover: each file from its first record to its last one.

    Records of those who speak in the log of another have no file of their own; what other exports tell with a time,
    such as the alarms of the REST API, is no log.
    """
    exports = {file_number(file.source) for file in cluster.rows["files"] if file.kind != _LOG_KIND}
    spans: dict[str, set[Span]] = {peer.name: set() for peer in cluster.peers}
    for file in cluster.rows["files"]:
        peer = cluster.peer_of(file.source)
        if peer and file.kind == _LOG_KIND and file.first_time and file.last_time:
            start, end = (_put_right(time, clocks.get(peer)) for time in (file.first_time, file.last_time))
            spans[peer].add(Span(start, end))
    told: dict[str, list[datetime]] = {
        peer: [moment.time for moment in happened if file_number(moment.source) not in exports]
        for peer, happened in moments.items()
    }
    for row in cluster.rows["events"]:  # the event log of the web page has no stamps with a zone, only times of events
        peer = cluster.peer_of(row.source)
        if peer and row.time and file_number(row.source) not in exports:
            told[peer].append(_put_right(row.time, clocks.get(peer)))
    for peer, found in told.items():
        whole = spread(found)
        if found and not any(span.holds(whole.start) or span.holds(whole.end) for span in spans[peer]):
            spans[peer].add(whole)
    return {peer: tuple(sorted(found)) for peer, found in spans.items()}


def _clocks(cluster: Cluster) -> dict[str, Clock]:
    """Return how far each clock is ahead of that of the primary, else of the first peer of those compared."""
    apart: dict[tuple[str, str], Clock] = {}
    for one, other, clock in (*_by_changes(cluster), *_by_captures(cluster)):  # what captures tell is the better
        apart[one, other] = clock
        apart[other, one] = clock._replace(ahead=-clock.ahead)
    known: dict[str, Clock] = {}
    first = [cluster.primary] if cluster.primary else []
    for root in (*first, *cluster.peers):
        if root.name in known:
            continue
        known[root.name] = Clock(timedelta(), "", None)
        waiting = [root.name]
        while waiting:
            here = waiting.pop(0)
            for (one, other), clock in sorted(apart.items(), key=lambda entry: entry[0]):
                if one == here and other not in known:
                    known[other] = clock._replace(ahead=known[here].ahead + clock.ahead)
                    waiting.append(other)
    return {name: clock for name, clock in known.items() if clock.told_by}


def _by_captures(cluster: Cluster) -> Iterator[tuple[str, str, Clock]]:
    """Yield by how much the clock of a second peer is ahead of that of the first, as captures of both tell."""
    offsets: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for row in cluster.view(matches.of_cluster):
        if row.offset is not None and row.peer and row.far_peer and row.peer != row.far_peer:
            in_order = row.peer < row.far_peer
            key = (row.peer, row.far_peer) if in_order else (row.far_peer, row.peer)
            offsets.setdefault(key, []).append((row.offset if in_order else -row.offset, row.source))
    for (one, other), found in offsets.items():
        ahead = timedelta(milliseconds=median([offset for offset, _ in found]))
        yield one, other, Clock(ahead, "captures", min(found)[1])


def _by_changes(cluster: Cluster) -> Iterator[tuple[str, str, Clock]]:
    """Yield the same as told by a change of the clustered database, which is written on all peers at once.

    Only a change that each of two peers logged once is compared, and less than two seconds apart is no difference.
    """
    limits = knowledge.load("procedures")["clocks"]
    least, most = timedelta(seconds=limits["least_seconds"]), timedelta(minutes=limits["most_minutes"])
    logged: dict[tuple[str, str | None, str | None], dict[str, list[tuple[datetime, int]]]] = {}
    for row in cluster.rows["configuration_changes"]:
        peer = cluster.peer_of(row.source)
        shared = row.item.lower().startswith(tuple(limits["shared_items"]))
        if peer and row.time and row.old is not None and not row.user and shared:
            logged.setdefault((row.item.lower(), row.old, row.new), {}).setdefault(peer, []).append(
                (row.time, row.source)
            )
    for _, by_peer in sorted(logged.items(), key=lambda entry: str(entry[0])):
        once = sorted((peer, rows[0]) for peer, rows in by_peer.items() if len(rows) == 1)
        for n, (one, (here, _)) in enumerate(once):
            for other, (there, source) in once[n + 1 :]:
                if least < abs(there - here) < most:
                    yield one, other, Clock(there - here, "logs", source)


def spread(times: Iterable[datetime]) -> Span:
    """Return the stretch from the first to the last of some moments."""
    ordered = sorted(times)
    return Span(ordered[0], ordered[-1]) if ordered else Span(LATEST, EARLIEST)


def clock(time: datetime) -> str:
    """Return a moment as a reason shows it."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def margin() -> timedelta:
    """Return how far two machines' moments must be apart to be in an order."""
    return timedelta(seconds=knowledge.load("procedures")["clocks"]["margin_seconds"])
