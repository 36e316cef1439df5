"""How reliable the path between two peers is: loss, alarms that come and go, retransmissions, path MTU, link speed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from expdiag import knowledge
from expdiag.model.cluster import Cluster
from expdiag.model.history import procedures
from expdiag.model.history import timeline as times
from expdiag.model.history.timeline import ALARM, LINK, RESTART, Moment, Span, Timeline
from expdiag.model.network import matches
from expdiag.statistics import wilson
from expdiag.tables import Alarm, Connection, RoundTrip

Pair = tuple[str, str]


class Share(NamedTuple):
    """A share of packets that went wrong, with its 95 % interval; `time` is when, as far as the evidence tells."""

    wrong: int
    of: int
    low: float
    high: float
    time: Span | None
    sources: tuple[int, ...]


class Fall(NamedTuple):
    """That a peer lost another: an alarm raised or a link lost.

    Attributes:
        what: number of the alarm, or kind of the link record.
        until: when the alarm was lowered, else the last its log tells of; for a link the same moment.
        others: the peers it may be about; one where the evidence tells.
        explained: what explains it, empty where nothing does.
    """

    time: datetime
    peer: str
    what: str
    others: tuple[str, ...]
    explained: str
    until: datetime
    source: int


class NarrowPath(NamedTuple):
    """That packets of full size do not pass between two peers, what shows it, and when."""

    words: str
    mtu: int | None
    time: datetime | None
    source: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """What is known of the paths between peers; pairs are in order of their names.

    Attributes:
        loss: lost probes by pair, run by run.
        retransmissions: segments sent again, by pair and connection.
        falls: losses of one peer by another, in order of time.
        narrow: what shows that the path MTU is too small, by pair.
        resets: connections that were cut by a reset, by pair.
    """

    loss: Mapping[Pair, tuple[Share, ...]]
    retransmissions: Mapping[Pair, tuple[Share, ...]]
    falls: tuple[Fall, ...]
    narrow: Mapping[Pair, tuple[NarrowPath, ...]]
    resets: Mapping[Pair, tuple[Connection, ...]]


def limits() -> Mapping[str, Any]:
    """Return what counts as reliable."""
    found: Mapping[str, Any] = knowledge.load("limits")["reliability"]
    return found


def of_cluster(cluster: Cluster) -> Reliability:
    """Return what is known of the paths of a cluster; a view."""
    again, resets = _retransmissions(cluster)
    return Reliability(
        loss=_loss(cluster),
        retransmissions=again,
        falls=_falls(cluster),
        narrow=_narrow(cluster),
        resets=resets,
    )


def pair_of(one: str, other: str) -> Pair:
    """Return two names in their order."""
    return (one, other) if one < other else (other, one)


def in_windows(time: Span | datetime | None, windows: Iterable[Span]) -> bool | None:
    """Whether something happened inside one of some windows; None where its time is not known."""
    if time is None:
        return None
    span = time if isinstance(time, Span) else Span(time, time)
    return any(span.meets(window) for window in windows)


def total(shares: Iterable[Share]) -> Share | None:
    """Return several shares as one; None of none."""
    together = list(shares)
    of = sum(share.of for share in together)
    if not of:
        return None
    wrong = sum(share.wrong for share in together)
    return Share(wrong, of, *wilson(wrong, of), None, tuple(source for share in together for source in share.sources))


def flapping(falls: Sequence[Fall], threshold: int) -> tuple[Fall, ...]:
    """Return the falls of one kind on one peer that come too often within the time allowed; empty where none do."""
    within = timedelta(minutes=limits()["flaps_within_minutes"])
    by_kind: dict[tuple[str, str], list[Fall]] = {}
    for fall in falls:
        by_kind.setdefault((fall.peer, fall.what), []).append(fall)
    worst: list[Fall] = []
    for group in by_kind.values():
        for n, first in enumerate(group):
            together = [fall for fall in group[n:] if fall.time - first.time <= within]
            if len(together) >= threshold and len(together) > len(worst):
                worst = together
    return tuple(worst)


def _loss(cluster: Cluster) -> dict[Pair, tuple[Share, ...]]:
    """Return the loss of every run of probes between two peers, to an address they are clustered on."""
    found: dict[Pair, tuple[Share, ...]] = {}
    for one, other in cluster.pairs():
        runs = [run for run in cluster.paths.between(one.name, other.name) if run.tool != "capture"]
        shares = tuple(_share(run) for run in runs if run.sent)
        if shares:
            found[pair_of(one.name, other.name)] = shares
    return found


def _share(run: RoundTrip) -> Share:
    sent = run.sent or 0
    lost = max(sent - run.answered, 0)
    time = Span(run.first_time, run.last_time) if run.first_time and run.last_time else None
    return Share(lost, sent, *wilson(lost, sent), time, (run.source,))


def _retransmissions(
    cluster: Cluster,
) -> tuple[dict[Pair, tuple[Share, ...]], dict[Pair, tuple[Connection, ...]]]:
    """Return the segments sent again on connections between peers, and those that a reset ended.

    Of a connection that several captures show, the one that saw more packets counts.
    """
    shown: dict[tuple[object, ...], Connection] = {}
    for row in cluster.rows["connections"]:
        if row.outcome in ("established", "joined"):
            key = (row.client, row.client_port, row.server, row.port, row.client_isn)
            if key not in shown or _packets(row) > _packets(shown[key]):
                shown[key] = row
    again: dict[Pair, list[Share]] = {}
    resets: dict[Pair, list[Connection]] = {}
    for row in shown.values():
        client, server = cluster.directory.find(row.client), cluster.directory.find(row.server)
        if not client or not server or client == server or not _packets(row):
            continue
        pair = pair_of(client, server)
        repeated = row.retransmissions_to_server + row.retransmissions_to_client
        time = Span(row.first_time, row.last_time) if row.first_time and row.last_time else None
        share = Share(repeated, _packets(row), *wilson(repeated, _packets(row)), time, (row.source,))
        again.setdefault(pair, []).append(share)
        if row.reset_by:
            resets.setdefault(pair, []).append(row)
    return {pair: tuple(rows) for pair, rows in again.items()}, {pair: tuple(rows) for pair, rows in resets.items()}


def _packets(row: Connection) -> int:
    return row.packets_to_server + row.packets_to_client


def _narrow(cluster: Cluster) -> dict[Pair, tuple[NarrowPath, ...]]:
    """Return what shows that packets of full size do not pass: tracers, ICMP errors, connections that stall."""
    found: dict[Pair, list[NarrowPath]] = {}
    hop_words = {hop.run: hop.detail for hop in cluster.rows["hops"] if "pmtu" in hop.detail}
    for run in cluster.rows["traces"]:
        start = cluster.directory.find(run.vantage) if run.vantage else None
        end = cluster.directory.find(run.address or run.target)
        if not start or not end or start == end or run.path_mtu is None:
            continue
        mtu = interface_mtu(cluster, start)
        if run.source in hop_words or (mtu is not None and run.path_mtu < mtu):
            said = f"{run.tool} from {start} to {end} measured a path MTU of {run.path_mtu} bytes"
            said += f", its interface sends {mtu}" if mtu else ", less than its interface sends"
            found.setdefault(pair_of(start, end), []).append(NarrowPath(said, run.path_mtu, run.first_time, run.source))
    for error in cluster.rows["icmp_errors"]:
        client, server = cluster.directory.find(error.client), cluster.directory.find(error.server)
        if error.mtu is not None and client and server and client != server:
            said = f"{error.said_by} said to {client} that packets to {server} may have {error.mtu} bytes at most"
            found.setdefault(pair_of(client, server), []).append(NarrowPath(said, error.mtu, error.time, error.source))
    time_of = {row.source: row.first_time for row in cluster.rows["connections"]}
    for match in cluster.view(matches.of_cluster):
        if match.stalled and match.peer and match.far_peer and match.peer != match.far_peer:
            said = f"large segments from {match.peer} to {match.far_peer} port {match.port} were sent again and again"
            said += " and did not arrive"
            narrow = NarrowPath(said, None, time_of.get(match.source), match.source)
            found.setdefault(pair_of(match.peer, match.far_peer), []).append(narrow)
    return {pair: tuple(sorted(rows, key=lambda row: (row.words, row.source))) for pair, rows in found.items()}


def interface_mtu(cluster: Cluster, name: str) -> int | None:
    """Return the MTU of the interface a peer is clustered on; None where no export shows it."""
    peer = next(peer for peer in cluster.peers if peer.name == name)
    shown = peer.settings.values("mtu")
    text = (shown[1].value or "").strip() if 1 in shown else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else None


def _falls(cluster: Cluster) -> tuple[Fall, ...]:
    """Return when peers lost each other, as their logs tell; what a restart or a change explains says so."""
    timeline = cluster.view(times.of_cluster)
    explanations = cluster.view(procedures.of_cluster).explanations
    numbers = set(limits()["alarms"])
    kinds = set(limits()["links"])
    raises = _raises(timeline, numbers)
    moments = [moment for moment, _ in raises]
    links = [moment for moment in timeline.of(LINK) if moment.row.kind in kinds]
    found: list[Fall] = []
    for moment, until in raises:
        others = _about(cluster, moment, links, moments, explanations)
        why = procedures.explained(moment.row, Span(moment.time, until), (moment.peer, *others), explanations)
        what = f"alarm {moment.row.number}"
        found.append(Fall(moment.time, moment.peer, what, others, why, until, moment.source))
    return tuple(sorted([*found, *_link_falls(cluster, links, explanations)]))


def _raises(timeline: Timeline, numbers: set[int]) -> list[tuple[Moment, datetime]]:
    """Return when an alarm was raised that was not up before, and until when it was; a start of the peer lowers all."""
    up: dict[tuple[str, int], Moment] = {}
    found: list[tuple[Moment, datetime]] = []
    for moment in timeline.moments:
        if moment.kind == RESTART and moment.row.kind == "system-start":
            for key in [key for key in up if key[0] == moment.peer]:
                found.append((up.pop(key), moment.time))
        if moment.kind != ALARM or moment.row.number not in numbers:
            continue
        key = (moment.peer, moment.row.number)
        if moment.row.state == "lowered" and key in up:
            found.append((up.pop(key), moment.time))
        elif moment.row.state == "raised":
            up.setdefault(key, moment)
    for (peer, _), moment in up.items():
        found.append((moment, max([moment.time, *(span.end for span in timeline.logs.get(peer, ()))])))
    return sorted(found, key=lambda entry: entry[0][:4])


def _about(
    cluster: Cluster,
    moment: Moment,
    links: Sequence[Moment],
    raises: Sequence[Moment],
    explanations: Iterable[procedures.Explanation],
) -> tuple[str, ...]:
    """Return the peers an alarm may be about.

    They are those it names, else those lost at the time, those that restart, those that complain as well.
    """
    everybody = tuple(peer.name for peer in cluster.peers if peer.name != moment.peer)
    alarm: Alarm = moment.row
    if alarm.number == 20016 and cluster.primary and cluster.primary.name in everybody:
        return (cluster.primary.name,)
    named = _named(cluster, alarm.detail, everybody)
    if named or len(everybody) == 1:
        return named or everybody
    near = timedelta(seconds=limits()["same_event_seconds"])
    remotes = {link.row.remote for link in _around(links, moment.time, near) if link.peer == moment.peer}
    lost = {found.name for remote in remotes if (found := cluster.find(remote))}
    if lost & set(everybody):
        return tuple(sorted(lost & set(everybody)))
    restarting = {
        name
        for explanation in explanations
        if alarm.number in explanation.alarms and explanation.span.holds(moment.time)
        for name in explanation.peers
    }
    if restarting & set(everybody):
        return tuple(sorted(restarting & set(everybody)))
    alike = {other.peer for other in _around(raises, moment.time, near) if other.peer in everybody}
    return tuple(sorted(alike)) or everybody


def _around(moments: Sequence[Moment], time: datetime, near: timedelta) -> Sequence[Moment]:
    """Return those of some moments, which are in order of time, that are near one."""
    first = bisect_left(moments, time - near, key=lambda moment: moment.time)
    return moments[first : bisect_right(moments, time + near, key=lambda moment: moment.time)]


def _named(cluster: Cluster, text: str, everybody: Sequence[str]) -> tuple[str, ...]:
    words = (word.strip("'\"()[],;<>").rpartition("@")[2] for word in text.replace(",", " ").split())
    found = {peer.name for word in words if word and not word.isdigit() and (peer := cluster.find(word))}
    return tuple(sorted(found & set(everybody)))


def _link_falls(
    cluster: Cluster, links: Sequence[Moment], explanations: Sequence[procedures.Explanation]
) -> Iterator[Fall]:
    """Yield the links that were lost, each once however many records tell of it."""
    near = timedelta(seconds=limits()["same_event_seconds"])
    alarm = Alarm(20004, "", None, "raised", False, "", "", "", None, 0)
    last: dict[tuple[str, str, str], datetime] = {}
    for link in links:
        other = cluster.find(link.row.remote)
        if other is None or other.name == link.peer:
            continue
        key = (link.peer, other.name, link.row.kind)
        before = last.get(key)
        last[key] = link.time
        if before is None or link.time - before > near:
            moment = Span(link.time, link.time)
            why = procedures.explained(alarm, moment, (link.peer, other.name), explanations)
            yield Fall(link.time, link.peer, link.row.kind, (other.name,), why, link.time, link.source)
