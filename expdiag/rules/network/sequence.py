"""The order in which clustering procedures are carried out, and in which peers start."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.history import procedures, restarts
from expdiag.model.history import timeline as times
from expdiag.model.history.procedures import Episode, Procedures
from expdiag.model.history.restarts import Outage, WholeRestart
from expdiag.model.history.sequence import UPGRADING, Deviation
from expdiag.model.history.timeline import Timeline, clock
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import names
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

_LEFT_BEHIND = (20011, 20014)  # R14 judges 20024, E02 judges 20017
_TROUBLESHOOTING = "Cluster guide X15.4, Troubleshooting"


@rule("R14")
def procedures_in_sequence(cluster: Cluster) -> Verdict:
    """Clustering procedures are carried out in the documented order.

    Why: a peer that is restarted before the others know it, or two peers changed at once, can leave parts of the
    cluster with different ideas of it, a state that is hard to recover from.
    Passes: logs of all peers show the steps of a procedure, and none out of order. A change for which a peer still
    waits for its restart (alarm 20007) is a step under way.
    Violates: two peer addresses changed on one peer without a restart in between; a cluster formed of several peers at
    once; a new peer given the list, or restarted, before the primary listed it; another peer told of a new primary
    before that primary; after Enforce another peer restarted before the primary; a restart that alarm 20007 asks for
    left undone; or alarm 20024, an inconsistent cluster, that R15 does not explain.
    Unknown: no log of a peer; or the logs do not show the procedure `case.toml` tells of. The names under which peer
    addresses are logged are not documented: what a log does not tell in words that are known is not judged.
    Not applicable: the logs of all peers show no procedure. Upgrades are judged by R03.
    """
    found, timeline = cluster.view(procedures.of_cluster), cluster.view(times.of_cluster)
    if found.deviations:
        return _out_of_order(cluster, found)
    left = [pending for pending in found.pending if not pending.expected]
    waiting = _waiting(found)
    if left:
        since = ", ".join(f"{p.peer}{f' since {clock(p.since)}' if p.since else ''}" for p in left)
        return violation(
            f"a change of the cluster's settings was never finished: alarm {_pending_alarm()} still asks for a "
            "restart of "
            f"{since}, and nothing shows a procedure under way",
            evidence=[source for pending in left for source in pending.sources],
            at_fault=[pending.peer for pending in left],
            measured="restart not done",
            wanted="restart after the change",
            fix=steps(
                "on each of these peers: check that System > Clustering shows the settings that are meant",
                *_restart_in_order(cluster, [pending.peer for pending in left]),
            ),
            cite="Cluster guide X14.3, How to Form a Cluster",
        )
    inconsistent = _inconsistent(cluster, timeline)
    if inconsistent:
        return inconsistent
    without = tuple(peer for peer in cluster.peers if not timeline.logs.get(peer.name))
    episodes = [episode for episode in found.episodes if episode.kinds != (UPGRADING,)]
    if not episodes:
        return _no_procedure(cluster, timeline, without, waiting)
    blind = tuple(peer for peer in cluster.peers if any(not timeline.covers(peer.name, e.span) for e in episodes))
    evidence = [source for episode in episodes for source in episode.sources]
    said = _said(episodes)
    if blind:
        return unknown(
            f"{said}; no log of {names(blind)} covers it, so the order cannot be seen{waiting}",
            want=[want.log(peer) for peer in blind],
            evidence=evidence,
        )
    return passed(f"{said}; no step is out of order{waiting}{_clocks(timeline)}", evidence=evidence)


def _out_of_order(cluster: Cluster, found: Procedures) -> Verdict:
    kinds = tuple(dict.fromkeys(deviation.procedure for deviation in found.deviations))
    order = [step for kind in kinds for step in procedures.facts()["procedure"][kind]["steps"]]
    return violation(
        f"{procedures.words(kinds[0])}: {_listed(found.deviations)}",
        evidence=[source for deviation in found.deviations for source in deviation.sources],
        at_fault={peer for deviation in found.deviations for peer in deviation.at_fault},
        log_in=[cluster.primary.name] if cluster.primary else (),
        measured=found.deviations[0].words,
        wanted=f"the documented order of {procedures.words(kinds[0])}",
        fix=steps(
            "on the primary: check System > Clustering; if the cluster database is active on all peers and no cluster "
            "alarm is up, there is nothing to undo",
            *_recover(cluster),
            "from here on keep the order: " + "; then ".join(order),
        ),
        cite=f"{procedures.facts()['procedure'][kinds[0]]['cite']}; {_TROUBLESHOOTING}",
    )


def _listed(deviations: tuple[Deviation, ...]) -> str:
    more = f"; and {len(deviations) - 3} more" if len(deviations) > 3 else ""
    return "; ".join(deviation.words for deviation in deviations[:3]) + more


def _inconsistent(cluster: Cluster, timeline: Timeline) -> Verdict | None:
    """Return what alarm 20024 makes of it; a wrong order of starts explains it."""
    number = _inconsistent_alarm()
    raised = {peer.name: alarms for peer in cluster.peers if (alarms := peer.raised(number))}
    if not raised or _late_primary(cluster):
        return None
    return violation(
        f"{', '.join(raised)} reports that the cluster is in an inconsistent state (alarm {number}), which procedures "
        "in another than the documented order leave behind; the evidence does not show which step it was",
        evidence=[alarm.source for alarms in raised.values() for alarm in alarms],
        at_fault=raised,
        measured=f"alarm {number}",
        wanted="a consistent cluster",
        fix=steps(*_recover(cluster)),
        cite=_TROUBLESHOOTING,
    )


def _no_procedure(cluster: Cluster, timeline: Timeline, without: tuple[Peer, ...], waiting: str) -> Verdict:
    change = cluster.facts.change
    if change is not None and change.kind != UPGRADING:
        return unknown(
            f"case.toml tells of {procedures.words(change.kind)}, but no log shows a step of it{waiting}",
            want=[want.log(peer) for peer in cluster.peers],
            evidence=_change_source(cluster),
        )
    if without:
        return unknown(
            f"no log of {names(without)} is in the evidence, so no procedure can be seen{waiting}",
            want=[want.log(peer) for peer in without],
        )
    sources = [pending_source for p in cluster.view(procedures.of_cluster).pending for pending_source in p.sources]
    if waiting:
        return passed(f"a change is under way{waiting}; no step of it is out of order", evidence=sources)
    beside = " but an upgrade, which R03 judges" if change or cluster.view(procedures.of_cluster).episodes else ""
    return not_applicable(
        f"the logs, {covered(timeline)}, show no clustering procedure{beside}", evidence=log_sources(cluster)
    )


def covered(timeline: Timeline) -> str:
    """Return from when to when the logs reach, as a reason says it."""
    spans = [span for spans in timeline.logs.values() for span in spans]
    return f"{clock(min(s.start for s in spans))} to {clock(max(s.end for s in spans))}" if spans else "none"


def log_sources(cluster: Cluster, *peers: str) -> list[int]:
    """Return the logs of some peers, of all for none, for a verdict that says what they do not show."""
    wanted = peers or tuple(peer.name for peer in cluster.peers)
    logs = (file for file in cluster.rows["files"] if file.kind == "diagnostic log")
    return [file.source for file in logs if cluster.peer_of(file.source) in wanted]


def _change_source(cluster: Cluster) -> tuple[int, ...]:
    source = cluster.facts.sources.get("change.kind", cluster.facts.sources.get("change"))
    return () if source is None else (source,)


def _waiting(found: Procedures) -> str:
    expected = [pending.peer for pending in found.pending if pending.expected]
    return f"; still to do: restart {' and '.join(expected)} (alarm {_pending_alarm()})" if expected else ""


def _pending_alarm() -> int:
    return int(procedures.facts()["pending"]["alarm"])


def _said(episodes: list[Episode]) -> str:
    return "; ".join(
        f"{' and '.join(procedures.words(k) for k in episode.kinds) or 'a change of the cluster'} from "
        f"{clock(episode.span.start)}"
        for episode in episodes
    )


def _clocks(timeline: Timeline) -> str:
    told = [
        f"the clock of {name} is {clock_.ahead.total_seconds():+.3f} s from the primary's (told by {clock_.told_by}), "
        "which "
        "is taken into account"
        for name, clock_ in timeline.clocks.items()
    ]
    return f"; {'; '.join(told)}" if told else ""


def _restart_in_order(cluster: Cluster, peers: list[str]) -> list[str]:
    """Return restarts one after the other, the primary first."""
    first = cluster.primary.name if cluster.primary else ""
    ordered = sorted(peers, key=lambda name: (name != first, name))
    return [
        f"restart {name} (Maintenance > Restart options) and wait about 5 minutes until its alarms are gone"
        for name in ordered
    ]


def _recover(cluster: Cluster) -> list[str]:
    """Return how a cluster that came up wrongly is put right without losing its configuration."""
    primary = str(cluster.primary) if cluster.primary else "the primary"
    return [
        "take a backup of every peer (Maintenance > Backup and restore)",
        f"restart {primary} (Maintenance > Restart options) and wait until its web interface is back and System > "
        "Clustering shows the cluster database active",
        "restart the other peers one after the other, each after the one before is back",
        f"if alarms 20011 or 20024 stay up, rebuild the cluster from the backup: restore {primary}, restart it, add "
        "the "
        "peers one at a time, and restart the primary at the end",
    ]


@rule("R15", compares=True)
def primary_starts_first(cluster: Cluster) -> Verdict:
    """When the whole cluster is restarted, the primary starts before all others.

    Why: a peer that is up before the primary can take over, which leaves an inconsistent configuration behind that is
    hard to recover from.
    Passes: the last time all peers started within one event, the primary was first, or none was surely earlier. Starts
    are those in the logs, else clock minus uptime of the status.
    Violates: in that event another peer was surely up before the primary. Where the starts lie so far apart that it
    is only perhaps one event, alarm 20024, an inconsistent cluster, has to be up as well.
    Unknown: a start, or the primary, is not in the evidence; or alarm 20011 or 20014 is up, which a wrong order
    leaves behind, and nothing shows that all peers were restarted at once.
    Not applicable: a cluster of one; the peers were restarted one by one, so that their starts are in no order that
    matters. Logs show that, or starts more than 15 minutes apart (no source gives a number).
    """
    timeline = cluster.view(times.of_cluster)
    everybody = [peer.name for peer in cluster.peers]
    event = cluster.view(restarts.of_cluster)
    if event is None:
        silent = tuple(peer for peer in cluster.peers if not timeline.starts.get(peer.name))
        if silent and not restarts.cannot_be(timeline, everybody):
            return unknown(
                f"nothing shows when {names(silent)} started",
                want=[want.status(peer) for peer in silent],
                evidence=_starts_evidence(timeline),
            )
        return _one_by_one(cluster, timeline, f"no restart of all peers within an hour is seen: {_starts(timeline)}")
    if event.outage is Outage.NONE:
        return _one_by_one(cluster, timeline, f"the peers were restarted one by one: {_shown(event)}")
    if cluster.primary is None:
        return unknown(
            f"all peers were restarted, but nothing tells which one is primary: {_shown(event)}",
            want=[want.export(peer, "primary_index") for peer in cluster.peers],
            evidence=event.sources,
        )
    early = event.before(cluster.primary.name)
    if not early:
        own = event.starts[cluster.primary.name]
        is_first = all(own.time + event.tolerance < s.time for s in event.starts.values() if s is not own)
        order = "first" if is_first else "no later than the others, as far as the clocks tell"
        return passed(
            f"the primary {cluster.primary} started {order}: {_shown(event)}{_after(cluster)}",
            evidence=event.sources,
        )
    said = f"{early[0].peer} was up at {clock(early[0].time)}, before the primary {cluster.primary} at "
    said += clock(event.starts[cluster.primary.name].time)
    if not _is_one_event(cluster, event):
        return _one_by_one(cluster, timeline, f"{said}; {event.outage.value}, and are taken for restarts one by one")
    return violation(
        f"{said}, in a restart of the whole cluster ({event.outage.value}){_after(cluster)}",
        evidence=(*event.sources, *_alarm_sources(cluster)),
        at_fault=[start.peer for start in early],
        log_in=[cluster.primary.name],
        measured=f"{early[0].peer} first",
        wanted=f"{cluster.primary} first",
        fix=steps(*_recover(cluster)),
        cite=_TROUBLESHOOTING,
    )


def _late_primary(cluster: Cluster) -> bool:
    """Whether the last restart of the whole cluster had another peer first."""
    event = cluster.view(restarts.of_cluster)
    return bool(event and cluster.primary and _is_one_event(cluster, event) and event.before(cluster.primary.name))


def _is_one_event(cluster: Cluster, event: WholeRestart) -> bool:
    """Whether all peers were restarted at once: surely, or perhaps and alarm 20024 tells what that leaves behind."""
    left = any(peer.raised(_inconsistent_alarm()) for peer in cluster.peers)
    return event.outage in (Outage.SHOWN, Outage.CLOSE) or (event.outage is Outage.PERHAPS and left)


def _inconsistent_alarm() -> int:
    return int(procedures.facts()["inconsistent"]["alarm"])


def _one_by_one(cluster: Cluster, timeline: Timeline, reason: str) -> Verdict:
    """Return that the order of starts says nothing, unless an alarm of a wrong order has no other cause."""
    left = [alarm for peer in cluster.peers for number in _LEFT_BEHIND for alarm in peer.raised(number)]
    if left and procedures.upgrade_evidence(cluster) is None and not _mixed(cluster):
        return unknown(
            f"{reason}; but alarm {left[0].number} is up, which a peer that started before the primary leaves behind",
            want=[want.log(peer) for peer in cluster.peers],
            evidence=[*_starts_evidence(timeline), *(alarm.source for alarm in left)],
        )
    return not_applicable(reason, evidence=_starts_evidence(timeline))


def _mixed(cluster: Cluster) -> bool:
    return len({peer.version.value.text for peer in cluster.peers if peer.version.value}) > 1


def _shown(event: WholeRestart) -> str:
    ordered = sorted(event.starts.values())
    return ", ".join(f"{start.peer} at {clock(start.time)}" for start in ordered)


def _starts(timeline: Timeline) -> str:
    return ", ".join(f"{name} at {clock(starts[-1].time)}" for name, starts in timeline.starts.items() if starts)


def _starts_evidence(timeline: Timeline) -> list[int]:
    return [source for starts in timeline.starts.values() if starts for source in starts[-1].sources]


def _alarm_sources(cluster: Cluster) -> list[int]:
    numbers = procedures.facts()["whole_restart"]["alarms_after"]
    return [alarm.source for peer in cluster.peers for number in numbers for alarm in peer.raised(number)]


def _after(cluster: Cluster) -> str:
    numbers = procedures.facts()["whole_restart"]["alarms_after"]
    up = [f"{number} on {peer}" for number in numbers for peer in cluster.peers if peer.raised(number)]
    return f"; alarm {', '.join(up)} is up" if up else ""


RULES = (procedures_in_sequence, primary_starts_first)
