"""The state of each peer by itself: its clock and its system key."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.history import health
from expdiag.model.history.health import Clock
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

_KEY_GUIDE = "Administrator Guide X14.0, Clustering and Peers, System Key; Alarms Reference, 40055"


@rule("E07")
def time_synchronized(cluster: Cluster, peer: Peer) -> Verdict:
    """The clock of each peer follows an NTP server.

    Why: certificates are valid by the clock, logs of several peers can only be put together by it, and replication
    reports an unreachable NTP server as a failure. No source limits how far the clocks of peers may be apart.
    Passes: an NTP server is configured, and the status says that it is followed, or, where no state is shown, none of
    the alarms is up by which an Expressway tells that it is not.
    Violates: no NTP server is configured; alarm 25002, 25020, 25021 or 25022 is up; the status says that no server is
    followed; or a capture shows that none of its servers answers usefully, or that its clock is more than a second off.
    Unknown: no list of alarms, no state and no capture is in the evidence; the configured servers are not; or its clock
    differs from that of other peers by more than two seconds though nothing else is wrong.
    """
    known = health.clock_of(cluster, peer)
    servers = ", ".join(known.servers)
    fix = steps(
        f"on {peer}: System > Time, check the NTP servers{f' ({servers})' if servers else ''}: three or more "
        f"addresses that "
        "this peer reaches on UDP port 123; names need a DNS server that knows them",
        "wait some minutes until a server is shown as synchronised, then check the alarms (Status > Alarms)",
    )
    if known.alarms:
        other = f"; the status says {known.state!r} all the same" if known.is_followed else ""
        said = "; ".join(f"alarm {alarm.number} is up: {_text(alarm.title, alarm.detail)}" for alarm in known.alarms)
        return violation(
            f"{said}{other}",
            evidence=[*(alarm.source for alarm in known.alarms), *known.state_sources],
            at_fault=[peer.name],
            fix=fix,
            measured=f"alarm {known.alarms[0].number}",
            wanted="synchronised",
        )
    if known.servers == () and known.servers_known:
        return violation(
            "no NTP server is configured",
            evidence=known.server_sources,
            at_fault=[peer.name],
            fix=fix,
            measured="no server",
            wanted="an NTP server",
        )
    if known.is_followed is False:
        return violation(
            f"the status says of NTP: {known.state}",
            evidence=[*known.state_sources, *known.server_sources],
            at_fault=[peer.name],
            fix=fix,
            measured=known.state,
            wanted="synchronised",
        )
    if known.packets_against:
        return violation(
            f"in a capture {known.packets_against}{_beside(known)}",
            evidence=[*known.packet_sources, *known.state_sources],
            at_fault=[peer.name],
            fix=fix,
            measured=known.offset,
            wanted="synchronised",
            unit="ms" if known.offset is not None else "",
        )
    return _quiet(peer, known)


def _quiet(peer: Peer, known: Clock) -> Verdict:
    """Return the verdict where nothing speaks against the clock of a peer."""
    evidence = [*known.state_sources, *known.server_sources, *known.packet_sources, *known.alarm_lists]
    if known.apart and not known.is_followed and not known.packets_for:
        return unknown(
            f"{known.apart}, and nothing tells which of them is right",
            want=[want.clock(peer), want.status(peer)],
            evidence=[*evidence, *known.apart_sources],
        )
    shown = bool(known.is_followed or known.packets_for or known.alarm_lists)
    if not shown:
        return unknown(
            "neither a state of NTP, nor a status that would list the alarms of it, is in the evidence",
            want=[want.status(peer)],
            evidence=evidence,
        )
    if not known.servers and not known.is_followed and not known.packets_for:
        return unknown(
            "no export shows which NTP servers are configured",
            want=[want.export(peer, "ntp_server")],
            evidence=evidence,
        )
    how = (
        f"the status says {known.state!r}"
        if known.is_followed
        else known.packets_for or "no state is shown, and none of the alarms by which an Expressway tells of NTP is up"
    )
    configured = f"{', '.join(known.servers)} configured; " if known.servers else ""
    apart = f"; but {known.apart}" if known.apart else ""
    return passed(f"{configured}{how}{apart}", evidence=[*evidence, *known.apart_sources])


def _beside(known: Clock) -> str:
    return f"; the status says {known.state!r} all the same" if known.is_followed else ""


def _text(*parts: str) -> str:
    return " - ".join(part for part in parts if part)


@rule("E13")
def system_key_healthy(cluster: Cluster, peer: Peer) -> Verdict:
    """The system key of each peer is sound: alarm 40055 is not up.

    Why: since X8.11 each peer keeps a key of its own; one that could not be updated must be put right before a peer is
    added, or secrets in the replicated configuration cannot be read.
    Passes: a status that lists alarms does not hold 40055, or `/sbin/verify-syskey` printed nothing.
    Violates: alarm 40055 is up, or verify-syskey printed something.
    Unknown: nothing in the evidence would list the alarm.
    Not applicable: releases before X8.11 have no system key of their own.
    """
    number = health.key_facts()["alarm"]
    raised = peer.raised(number)
    if raised:
        return violation(
            f"alarm {number} is up: {_text(raised[0].title, raised[0].detail)}",
            evidence=[alarm.source for alarm in raised],
            at_fault=[peer.name],
            fix=_key_fix(cluster, peer),
            cite=_KEY_GUIDE,
            measured=f"alarm {number}",
            wanted="no alarm",
        )
    checks = health.key_checks(cluster, peer)
    bad = [check for check in checks if check.printed]
    if bad:
        return violation(
            f"verify-syskey has to print nothing and printed: {bad[0].printed}",
            evidence=[check.source for check in bad],
            at_fault=[peer.name],
            fix=_key_fix(cluster, peer),
            cite=_KEY_GUIDE,
            measured=bad[0].printed,
            wanted="nothing printed",
        )
    release = peer.version.value
    if release and release < health.key_since():
        return not_applicable(
            f"{release} has no system key of its own, which came with {health.key_facts()['since']}",
            evidence=peer.version.sources,
        )
    lists = health.alarm_lists(cluster, peer)
    if lists:
        return passed(f"alarm {number} is not up", evidence=[*lists, *(check.source for check in checks)])
    if checks:
        return passed("verify-syskey printed nothing", evidence=[check.source for check in checks])
    return unknown(
        f"nothing in the evidence lists the alarms of {peer}", want=[want.status(peer)], evidence=peer.version.sources
    )


def _key_fix(cluster: Cluster, peer: Peer) -> str:
    """Return how a system key is put right: from a peer that is sound, as the guide has it for a cluster."""
    number = health.key_facts()["alarm"]
    others = [other for other in cluster.peers if other is not peer and not other.raised(number)]
    sound = [other.name for other in others if health.alarm_lists(cluster, other)]
    where = f"on {sound[0] if sound else 'a peer'} that does not have the alarm"
    if sound:
        where = f"on {sound[0]}, which does not have the alarm"
    if len(cluster.peers) == 1:
        where = f"on {peer}"
    return steps(
        f"restart {peer} (Maintenance > Restart options) and see whether alarm {number} is gone",
        f"if not: {where}, run xCommand ForceSystemKeyUpdate at the command line",
        f"as root on {peer}: /sbin/verify-syskey has to print nothing; add no peer before that",
    )


RULES = (time_synchronized, system_key_healthy)
