"""Software versions that differ, which they may only while the cluster is being upgraded."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.history import procedures
from expdiag.model.history import timeline as times
from expdiag.model.history.timeline import UPGRADE, Moment, clock, margin
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import compare, names, who
from expdiag.rules.declare import passed, rule, steps, unknown, violation

CONFLICT_ALARM = 20011
_GUIDE = "Release Note X14.0.4, upgrade of clustered systems; Cluster guide X15.4, Troubleshooting"


@rule("R03", compares=True)
def version_mix_only_while_upgrading(cluster: Cluster) -> Verdict:
    """Peers run different versions only for the short time in which the cluster is upgraded, the primary first.

    Why: peers of different versions do not replicate: the cluster works in parts, and changes made meanwhile are lost
    or conflict. From X8.11 on each peer has a key of its own, so a subordinate upgraded before the primary may not be
    able to read the primary's configuration.
    Passes: all versions are the same; or they differ while alarm 20008 is up or `case.toml` says that an upgrade is
    under way, and no subordinate is newer than the primary.
    Violates: versions differ without either; a subordinate is newer than the primary; or logs show that a subordinate
    was upgraded before the primary. That the order matters is stated for the upgrade; that a newer subordinate shows a
    wrong order follows from it.
    Unknown: a version, or during an upgrade the primary, is not in the evidence.
    Not applicable: a cluster of one.
    """
    versions = compare(cluster, lambda peer: peer.version, key=lambda release: release.text.casefold())
    upgrade = procedures.upgrade_evidence(cluster)
    if not versions.differ:
        if versions.silent:
            return unknown(
                f"nothing shows the software version of {names(versions.silent)}",
                want=[want.export(peer, "version") for peer in versions.silent],
                evidence=versions.evidence,
            )
        early = _upgraded_before_the_primary(cluster)
        if early:
            return _history(cluster, early)
        note = "; an upgrade is said to be under way" if upgrade is not None else ""
        return passed(
            f"no versions are mixed: {versions.listing()}{note}", evidence=(*versions.evidence, *(upgrade or ()))
        )
    evidence = (*versions.evidence, *(upgrade or ()))
    compared = {"measured": versions.listing(), "wanted": "one version"}
    newer = _newer_than_primary(cluster)
    if newer:
        primary = str(cluster.primary)
        return violation(
            f"{names(newer)} {'runs' if len(newer) == 1 else 'run'} a newer version than the primary {primary}: "
            f"{versions.listing()}. The primary has to be upgraded first"
            + ("" if upgrade is not None else ", and nothing tells of an upgrade"),
            evidence=evidence,
            at_fault=[peer.name for peer in newer],
            log_in=[primary],
            fix=steps(
                f"on {primary}: install the version of {names(newer)} (Maintenance > Upgrade) and wait until it is "
                "up; do "
                "not take the others back to the older version",
                "on the peers that are still older, one at a time: the same",
                f"wait up to 20 minutes; if alarm {CONFLICT_ALARM} stays up on a subordinate, install the same "
                "version on "
                f"{primary} once more",
            ),
            cite=_GUIDE,
            **compared,
        )
    if upgrade is None:
        return violation(
            f"versions differ, and neither alarm {procedures.UPGRADE_ALARM} nor case.toml tells of an upgrade that is "
            f"under way: {versions.listing()}",
            evidence=evidence,
            at_fault=versions.odd,
            fix=steps(
                f"upgrade {who(versions.odd)} to the version of the others (Maintenance > Upgrade), one at a time",
                "make no changes to the configuration until all peers run one version",
            ),
            cite=_GUIDE,
            **compared,
        )
    if cluster.primary is None or not cluster.primary.version.known:
        return unknown(
            f"an upgrade is under way ({versions.listing()}), but nothing shows which version the primary runs",
            want=[want.export(peer, "primary_index") for peer in cluster.peers]
            if cluster.primary is None
            else [want.export(cluster.primary, "version")],
            evidence=evidence,
            **compared,
        )
    if versions.silent:
        return unknown(
            f"an upgrade is under way ({versions.listing()}), but nothing shows the version of "
            f"{names(versions.silent)}",
            want=[want.export(peer, "version") for peer in versions.silent],
            evidence=evidence,
            **compared,
        )
    return passed(
        f"versions differ while an upgrade is under way, the primary first: {versions.listing()}. Until it is "
        "finished the "
        "cluster works in parts: change nothing; its alarms clear up to 10 minutes after the last peer",
        evidence=evidence,
        **compared,
    )


def _newer_than_primary(cluster: Cluster) -> tuple[Peer, ...]:
    primary = cluster.primary.version.value if cluster.primary else None
    if primary is None:
        return ()
    return tuple(peer for peer in cluster.peers if peer.version.value and peer.version.value > primary)


def _upgraded_before_the_primary(cluster: Cluster) -> tuple[Moment, ...]:
    """Return the first upgrade of a subordinate and then that of the primary, where logs show them in that order."""
    timeline = cluster.view(times.of_cluster)
    last: dict[str, Moment] = {}
    for moment in timeline.of(UPGRADE):
        if moment.row.kind == "upgrade":
            last[moment.peer] = moment
    own = last.get(cluster.primary.name) if cluster.primary else None
    if own is None:
        return ()
    episodes = cluster.view(procedures.of_cluster).episodes
    span = next((e.span for e in reversed(episodes) if e.span.holds(own.time)), None)
    early = [
        m
        for m in last.values()
        if span and span.holds(m.time) and m.time < own.time - margin() and m.row.versions[-1:] == own.row.versions[-1:]
    ]
    return (min(early), own) if early else ()


def _history(cluster: Cluster, early: tuple[Moment, ...]) -> Verdict:
    subordinate, primary = early
    conflicts = [alarm.source for peer in cluster.peers for alarm in peer.raised(CONFLICT_ALARM)]
    effect = f"; alarm {CONFLICT_ALARM} is up since" if conflicts else ""
    return violation(
        f"{subordinate.peer} was upgraded at {clock(subordinate.time)}, before the primary {primary.peer} at "
        f"{clock(primary.time)}{effect}",
        evidence=(subordinate.source, primary.source, *conflicts),
        at_fault=[subordinate.peer],
        log_in=[primary.peer],
        fix=steps(
            f"on {primary.peer}: look for cluster alarms and the state of replication (System > Clustering); if all is "
            "well there is nothing to undo",
            f"if alarm {CONFLICT_ALARM} is up on a subordinate, install the same version on {primary.peer} once more "
            "(Maintenance > Upgrade) and wait up to 20 minutes",
            "next time upgrade the primary first, then the others one at a time",
        ),
        cite=_GUIDE,
        measured=f"{subordinate.peer} first",
        wanted=f"{primary.peer} first",
    )
