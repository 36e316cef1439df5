"""Whether the network between two peers is reliable while the cluster is formed or changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.history import procedures, reliability
from expdiag.model.history import timeline as times
from expdiag.model.history.reliability import Fall, Share
from expdiag.model.history.sequence import UPGRADING
from expdiag.model.history.timeline import Span, clock
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import names
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation
from expdiag.rules.network.sequence import covered, log_sources
from expdiag.tables import Alarm

_MTU_GUIDE = "older Cluster guides, appendix on MTU size; Upgrade VCS/Expressway X14.x (TechNote 217743), CSCwc74590"


@dataclass(slots=True)
class _Found:
    """What speaks against a path and what for it, each with its sources.

    Attributes:
        wrong: what is surely not reliable, and what to do about it.
        doubts: what may not be, and what would settle it.
        sound: what was looked at and is in order.
        notes: what is too little to count either way.
        at_fault: peers whose own settings are to blame.
    """

    wrong: list[str] = field(default_factory=list)
    fixes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)
    sound: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    evidence: list[int] = field(default_factory=list)
    at_fault: list[str] = field(default_factory=list)
    measured: float | str | None = None
    cite: str = ""


@rule("R13")
def network_reliable_during_changes(cluster: Cluster, one: Peer, other: Peer) -> Verdict:
    """The network between two peers is reliable while the cluster is formed or changed.

    Why: a link that comes and goes while peers join makes parts of the cluster miss steps, or take over control.
    Passes: in the time of a procedure, as logs or `case.toml` tell it, logs of both peers show no loss of the other
    that a restart or the change itself does not explain, or measurements show that hardly anything is lost.
    Violates: in that time alarms 20004, 20006, 20016 or 20021, or losses of the database link, come and go with nothing
    to explain them; surely more than 5 % of probes or segments are lost; packets of full size do not pass; alarm 25016
    (odd speed or duplex) or 20025 (the database could not be synchronised) is up. Transients of a procedure do not
    count: alarms while a peer restarts and 5 minutes after, 5 minutes after a change.
    Unknown: the time of a procedure has neither logs of both peers nor measurements; a log is missing, so that nobody
    can tell whether a procedure was under way; or what was seen is not enough: surely more than 1 % (an inferred
    threshold), one unexplained loss, alarms that do not tell which peer they are about, measurements without their
    time.
    Not applicable: the logs of both peers show no forming or changing. An upgrade is none.
    """
    known = cluster.view(reliability.of_cluster)
    windows = _windows(cluster)
    pair = reliability.pair_of(one.name, other.name)
    if not windows:
        return _no_window(cluster, one, other)
    found = _Found(evidence=list(_window_sources(cluster)))
    is_now = any(cluster.as_of is not None and window.holds(cluster.as_of) for window in windows)
    _weigh_falls(cluster, one, other, windows, found)
    _weigh_loss(known.loss.get(pair, ()), windows, is_now, found)
    _weigh_retransmissions(known.retransmissions.get(pair, ()), windows, found)
    for narrow in known.narrow.get(pair, ()):
        if reliability.in_windows(narrow.time, windows) is not False:
            found.wrong.append(narrow.words)
            found.fixes.append(
                f"on {one} and {other}: set the MTU of the interface for clustering to the lowest path MTU"
                f"{f', {narrow.mtu} bytes' if narrow.mtu else ''} (System > Network interfaces > Ethernet), or let the "
                "network pass packets of full size and their ICMP errors"
            )
            found.evidence.append(narrow.source)
            found.cite = _MTU_GUIDE
    if is_now:
        _weigh_alarms(cluster, one, other, found)
    return _verdict(cluster, one, other, windows, found)


def _windows(cluster: Cluster) -> list[Span]:
    """Return when the cluster was formed or changed: what the logs show, and what `case.toml` says."""
    episodes = cluster.view(procedures.of_cluster).episodes
    found = [episode.span for episode in episodes if episode.kinds != (UPGRADING,)]
    change, said = cluster.facts.change, procedures.stated(cluster)
    if change is not None and said is not None and change.kind != UPGRADING:
        found.append(said)
    return found


def _window_sources(cluster: Cluster) -> tuple[int, ...]:
    episodes = cluster.view(procedures.of_cluster).episodes
    logged = [episode.sources[0] for episode in episodes if episode.kinds != (UPGRADING,)]
    stated = [source for key, source in cluster.facts.sources.items() if key.startswith("change.")]
    return (*logged, *stated[:1])


def _no_window(cluster: Cluster, one: Peer, other: Peer) -> Verdict:
    timeline = cluster.view(times.of_cluster)
    without = tuple(peer for peer in (one, other) if not timeline.logs.get(peer.name))
    database = [alarm for peer in (one, other) for alarm in _database_alarms(cluster, peer, one, other)]
    if database:
        return unknown(
            f"alarm {database[0].number} is up ({database[0].detail}); nothing tells whether the cluster was being "
            f"formed or "
            "changed when it was raised",
            want=[want.change()],
            evidence=[alarm.source for alarm in database],
        )
    if without:
        return unknown(
            f"no log of {names(without)} is in the evidence, so nothing tells whether the cluster is being formed or "
            f"changed",
            want=[want.log(peer) for peer in without],
        )
    upgrade = cluster.facts.change is not None and cluster.facts.change.kind == UPGRADING
    return not_applicable(
        ("an upgrade is no forming or changing; " if upgrade else "")
        + f"the cluster is not being formed or changed, as far as the logs tell ({covered(timeline)})"
        f"{_outside(cluster, one, other)}",
        evidence=log_sources(cluster, one.name, other.name),
    )


def _outside(cluster: Cluster, one: Peer, other: Peer) -> str:
    """Return what is worth knowing of a path although no procedure is under way."""
    known = cluster.view(reliability.of_cluster)
    loss = reliability.total(known.loss.get(reliability.pair_of(one.name, other.name), ()))
    notes = []
    if loss and loss.low > reliability.limits()["doubtful"]:
        notes.append(f"mind that {_share(loss, 'probes')} are lost between them")
    falls = [f for f in known.falls if not f.explained and f.peer in (one.name, other.name)]
    about = [f for f in falls if {f.peer, *f.others} >= {one.name, other.name}]
    if about:
        notes.append(f"mind that {about[0].peer} reported {about[0].what} at {clock(about[0].time)}")
    return f"; {'; '.join(notes)}" if notes else ""


def _weigh_falls(cluster: Cluster, one: Peer, other: Peer, windows: Sequence[Span], found: _Found) -> None:
    """Weigh how often the two lost each other."""
    timeline, known, limits = (
        cluster.view(times.of_cluster),
        cluster.view(reliability.of_cluster),
        reliability.limits(),
    )
    both = {one.name, other.name}
    inside = [f for f in known.falls if f.peer in both and reliability.in_windows(f.time, windows)]
    about = [f for f in inside if {f.peer, *f.others} == both]
    perhaps = [f for f in inside if len(f.others) > 1 and both <= {f.peer, *f.others} and not f.explained]
    explained = [f for f in about if f.explained]
    left = [f for f in about if not f.explained]
    logged = all(any(timeline.covers(name, window) for window in windows) for name in both)
    flaps = reliability.flapping(left, limits["flaps"] if logged else limits["flaps_one_log"])
    if flaps:
        found.wrong.append(f"{_falls(flaps)}, with nothing to explain it")
        found.fixes.append(
            f"find out what interrupts the path between {one} and {other} (cables, duplex, virtual switches, a "
            "firewall that drops idle connections) before the procedure goes on"
        )
        found.evidence += [fall.source for fall in flaps]
        found.measured = f"{len(flaps)} times"
    elif left:
        found.doubts.append(f"{_falls(left)}, and nothing in the evidence explains it")
        found.wants += [want.log(peer) for peer in (one, other)]
        found.evidence += [fall.source for fall in left]
    if perhaps and not flaps and reliability.flapping(perhaps, limits["flaps"]):
        others = " or ".join(perhaps[0].others)
        found.doubts.append(f"{_falls(perhaps)}, about {others}: the alarm does not tell which")
        found.wants += [want.long_ping(one, other)]
        found.evidence += [fall.source for fall in perhaps]
    if logged and not left:
        because = f" but {len(explained)} that {explained[0].explained} explains" if explained else ""
        found.sound.append(f"the logs of both show no loss of the other{because}")
        found.evidence += [fall.source for fall in explained]


def _falls(falls: Sequence[Fall]) -> str:
    first = falls[0]
    kinds = ", ".join(dict.fromkeys(fall.what for fall in falls))
    times_ = "once" if len(falls) == 1 else f"{len(falls)} times"
    return f"{first.peer} reported {kinds} {times_} from {clock(first.time)} to {clock(falls[-1].until)}"


def _weigh_loss(shares: Sequence[Share], windows: Sequence[Span], is_now: bool, found: _Found) -> None:
    """Weigh lost probes; a run without a clock counts while the procedure is under way."""
    limits = reliability.limits()
    for share in shares:
        if share.wrong == share.of:
            continue  # nothing passes at all, or nothing answers: not a matter of reliability
        inside = reliability.in_windows(share.time, windows)
        if inside is False:
            continue
        dated = bool(inside) or is_now
        if share.low > limits["certain"] and dated:
            found.wrong.append(f"{_share(share, 'probes')} were lost")
            found.fixes.append(
                "find where the packets are lost (mtr or pathping from one peer to the other, interface errors on the "
                "way) "
                "and mend it before going on"
            )
            found.measured = round(share.wrong / share.of, 4)
            found.evidence += share.sources
        elif share.of < limits["least_probes"]:
            if share.wrong:
                found.notes.append(f"{_share(share, 'probes')} were lost, too few to judge")
        elif share.low > limits["doubtful"]:
            why = "over an inferred threshold of 1 %" if dated else "at a time the output does not show"
            found.doubts.append(f"{_share(share, 'probes')} were lost, {why}")
            found.wants += [want.change()] if not dated else []
            found.evidence += share.sources
        elif dated and share.wrong <= limits["doubtful"] * share.of:
            found.sound.append(f"{_share(share, 'probes')} were lost")
            found.evidence += share.sources


def _weigh_retransmissions(shares: Sequence[Share], windows: Sequence[Span], found: _Found) -> None:
    limits = reliability.limits()
    together = reliability.total(share for share in shares if reliability.in_windows(share.time, windows))
    if together is None or together.of < limits["least_packets"]:
        return
    found.evidence += together.sources
    if together.low > limits["certain"]:
        found.wrong.append(f"{_share(together, 'packets')} of their connections were sent again")
        found.fixes.append("find where packets of the clustering ports 4371 and 4372 are lost, and mend it")
        found.measured = found.measured or round(together.wrong / together.of, 4)
    elif together.low > limits["doubtful"]:
        found.doubts.append(
            f"{_share(together, 'packets')} of their connections were sent again, over an inferred threshold of 1 %"
        )
    elif together.wrong <= limits["doubtful"] * together.of:
        found.sound.append(f"{_share(together, 'packets')} of their connections were sent again")


def _share(share: Share, what: str) -> str:
    return (
        f"{share.wrong} of {share.of} {what} ({100 * share.wrong / share.of:.1f} %, 95 % interval "
        f"{100 * share.low:.1f} to "
        f"{100 * share.high:.1f} %)"
    )


def _weigh_alarms(cluster: Cluster, one: Peer, other: Peer, found: _Found) -> None:
    """Weigh alarms that are up and speak of the link or of the database."""
    number = reliability.limits()["speed_alarm"]
    for peer in (one, other):
        for alarm in peer.raised(number):
            found.wrong.append(f"alarm {number} is up on {peer}: the speed or duplex of an interface loses packets")
            found.fixes.append(
                f"on {peer}: set the same speed and duplex as on its switch port, best both to Auto (System > Network "
                "interfaces > Ethernet)"
            )
            found.at_fault.append(peer.name)
            found.evidence.append(alarm.source)
        for alarm in _database_alarms(cluster, peer, one, other):
            found.wrong.append(f"alarm {alarm.number} is up on {peer}: {alarm.detail or alarm.title}")
            found.fixes.append(
                "reboot the node that alarm 20025 names from its command line, then check the alarms again"
            )
            found.evidence.append(alarm.source)


def _database_alarms(cluster: Cluster, peer: Peer, one: Peer, other: Peer) -> Iterator[Alarm]:
    """Yield alarms of a failed synchronisation between these two: the named node and who reports it, or the primary."""
    for alarm in peer.raised(reliability.limits()["database_alarm"]):
        words = [word.strip("'\"()[],;<>.").rpartition("@")[2] for word in alarm.detail.split()]
        named = {p.name for word in words if word and (p := cluster.find(word))} or {peer.name}
        ends = named if named != {peer.name} else {peer.name, *([cluster.primary.name] if cluster.primary else [])}
        if {peer.name, *ends} == {one.name, other.name}:
            yield alarm


def _verdict(cluster: Cluster, one: Peer, other: Peer, windows: Sequence[Span], found: _Found) -> Verdict:
    said = _when(cluster, windows)
    if found.wrong:
        beside = f"; beside that {'; '.join(found.doubts)}" if found.doubts else ""
        return violation(
            f"while the cluster is formed or changed ({said}): {'; '.join(dict.fromkeys(found.wrong))}{beside}",
            evidence=found.evidence,
            at_fault=found.at_fault,
            log_in=found.at_fault or (one.name, other.name),
            measured=found.measured,
            wanted="a reliable path",
            fix=steps(*dict.fromkeys(found.fixes)),
            cite=found.cite,
        )
    if found.doubts:
        return unknown(
            f"while the cluster is formed or changed ({said}): {'; '.join(dict.fromkeys(found.doubts))}",
            want=[*found.wants, want.long_ping(one, other)],
            evidence=found.evidence,
            measured=found.measured,
        )
    if found.sound:
        return passed(
            f"while the cluster is formed or changed ({said}): {'; '.join([*found.sound, *found.notes])}",
            evidence=found.evidence,
        )
    return unknown(
        f"nothing in the evidence is from the time in which the cluster is formed or changed ({said})",
        want=[*(want.log(peer) for peer in (one, other)), want.long_ping(one, other)],
        evidence=found.evidence,
    )


def _when(cluster: Cluster, windows: Sequence[Span]) -> str:
    known = [window for window in windows if window.start != times.EARLIEST and window.end != times.LATEST]
    if known:
        return f"{clock(min(w.start for w in known))} to {clock(max(w.end for w in known))}"
    return "as case.toml says"


RULES = (network_reliable_during_changes,)
