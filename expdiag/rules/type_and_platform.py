"""Type, software version and platform: what all peers must have in common."""

from __future__ import annotations

from itertools import combinations

from expdiag.findings import Verdict, Want
from expdiag.model import upgrades
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.model.platforms import Equivalence, is_ambiguous, is_appliance, is_false_alarm
from expdiag.model.platforms import compare as compare_platforms
from expdiag.model.upgrades import Later
from expdiag.model.versions import Release, change, of_build
from expdiag.rules import want
from expdiag.rules.agreement import Agreement, compare, names, who
from expdiag.rules.declare import passed, rule, steps, unknown, violation

UPGRADE_ALARM, HARDWARE_ALARM = 20008, 10005
_TYPE_OF_ZONE = {"traversalserver": "E", "traversalclient": "C"}


@rule("R01", compares=True)
def no_mixed_types(cluster: Cluster) -> Verdict:
    """All peers are Expressway-C, or all are Expressway-E.

    Why: the type decides what a node does with calls, zones and the outside; a cluster shares its configuration,
    which makes no sense across types.
    Passes: every peer's own export, or `case.toml`, gives one type. A status says it; up to X12.5 the option key of the
    Traversal Server does, too, and alarm 30009 is only raised on an Expressway-C.
    Violates: two types are met. From X12.6 on an option key says nothing about the type, and its absence never does.
    Unknown: a peer is without evidence of its type. Zones are told as a hint: traversal servers are on an
    Expressway-E, traversal clients on an Expressway-C.
    Not applicable: a cluster of one.
    """
    types = compare(cluster, lambda peer: peer.type)
    if types.differ:
        return violation(
            f"the cluster mixes types: {types.listing()}",
            evidence=types.evidence,
            at_fault=types.odd,
            measured=types.listing(),
            wanted="one type",
            fix=_of_one_type(cluster, types),
        )
    if types.silent:
        hints = "".join(map(_hint_of_type, types.silent))
        return unknown(
            f"nothing shows the type of {names(types.silent)}{hints}",
            want=[want.field(peer, "type") for peer in types.silent],
            evidence=types.evidence,
        )
    return passed(f"all peers are of one type: {types.listing()}", evidence=types.evidence)


def _of_one_type(cluster: Cluster, types: Agreement[str]) -> str:
    wanted = {fact.value for name, fact in types.said.items() if name not in types.odd}
    kind = f"Expressway-{wanted.pop()}" if len(wanted) == 1 and types.odd else "the type the others have"
    setting = change("type-is-a-setting")
    odd = [peer.version.value for peer in cluster.peers if peer.name in types.odd and peer.version.value]
    by_key = odd and not any(setting.holds(version) for version in odd)
    return steps(
        f"on the other peers: take {who(types.odd)} off the peer list (System > Clustering), and close the gap",
        f"on {who(types.odd)}: clear all peer fields in System > Clustering and restart; this resets it to factory "
        "settings, and certificate, key, trust store and LAN 2 are lost, so save what is needed before",
        f"on {who(types.odd)}: make it {kind} "
        + (
            "by the Traversal Server option key in Maintenance > Option keys"
            if by_key
            else "in Status > Overview > Run service setup"
        )
        + ", and restart it",
        f"on the primary, then on the other peers, then on {who(types.odd)}: add it to the peer list again, and "
        f"restart it",
    )


def _hint_of_type(peer: Peer) -> str:
    """Return what the zones of a peer suggest, for the end of a reason."""
    zones = {(fact.value or "").replace(" ", "").lower() for fact in peer.settings.values("zone_type").values()}
    suggested = {kind for zone, kind in _TYPE_OF_ZONE.items() if zone in zones}
    return f"; zones of {peer} suggest Expressway-{suggested.pop()}" if len(suggested) == 1 else ""


@rule("R02", compares=True)
def software_versions_match(cluster: Cluster) -> Verdict:
    """All peers run exactly the same software version.

    Why: the primary does not replicate to peers of another version.
    Passes: the version strings are equal to the last number; or they differ while an upgrade is evidently under
    way, which R03 judges.
    Violates: two versions outside an upgrade.
    Unknown: a peer's version is not in the evidence; equal versions come from different builds; or a log tells of an
    upgrade after the dump that shows the version.
    Not applicable: a cluster of one.
    """
    versions = compare(cluster, lambda peer: peer.version, key=_spelling)
    later = cluster.view(upgrades.after_the_dumps)
    evidence = (*versions.evidence, *(told.source for told in later.values()))
    noted = "".join(
        f"; the log of {name} tells of an upgrade to {told.version} at {told.time:%Y-%m-%d %H:%M} UTC, after the dump"
        for name, told in later.items()
    )
    upgrade = upgrade_evidence(cluster)
    if versions.differ and upgrade is not None:
        return passed(
            f"versions differ while an upgrade is under way: {versions.listing()}; see R03{noted}",
            evidence=(*evidence, *upgrade),
        )
    if later and upgrade is None and _may_agree(versions, later) is versions.differ:
        return unknown(
            f"the dumps say {versions.listing()}{noted}",
            want=[want.bundle(peer) for peer in cluster.peers if peer.name in later],
            evidence=evidence,
        )
    if versions.differ:
        return violation(
            f"versions differ, and neither alarm 20008 nor case.toml tells of an upgrade: {versions.listing()}{noted}",
            evidence=evidence,
            at_fault=versions.odd,
            measured=versions.listing(),
            wanted="one version",
            fix=_same_version(versions),
        )
    if versions.silent:
        return unknown(
            f"nothing shows the software version of "
            f"{names(versions.silent)}{''.join(map(_hint_of_version, versions.silent))}",
            want=[want.export(peer, "version") for peer in versions.silent],
            evidence=evidence,
        )
    builds = compare(cluster, lambda peer: peer.build)
    if builds.differ:
        return unknown(
            f"the version is the same but the builds differ: {builds.listing()}",
            want=[want.support("whether these builds may be clustered")],
            evidence=(*evidence, *builds.evidence),
        )
    return passed(f"all peers run one version: {versions.listing()}{noted}", evidence=evidence)


def _same_version(versions: Agreement[Release]) -> str:
    fix = f"upgrade {who(versions.odd)} to the version of the others (Maintenance > Upgrade)"
    if len(versions.odd) != 1:
        fix += ", the primary first, then one peer at a time"
    direct = change("direct-upgrade")
    old = [name for name in versions.odd if (of := versions.said[name].value) and not direct.holds(of)]
    return f"{fix}; {who(old)} by way of {direct.since}, if it is to be X12 or later" if old else fix


def _spelling(of: Release) -> object:
    return of.numbers, of.tail


def _may_agree(versions: Agreement[Release], later: dict[str, Later]) -> bool:
    """Whether all versions are one if the upgrades that logs tell of count."""
    said = {name: fact.value for name, fact in versions.said.items()}
    said |= {name: told.version for name, told in later.items()}
    return len(set(said.values())) == 1


def _hint_of_version(peer: Peer) -> str:
    built = of_build(peer.build.value or "")
    return f"; the build of {peer}, {peer.build.value}, suggests {built}" if built else ""


def upgrade_evidence(cluster: Cluster) -> tuple[int, ...] | None:
    """Return what shows an upgrade under way, None where nothing does."""
    alarms = [alarm.source for peer in cluster.peers for alarm in peer.raised(UPGRADE_ALARM)]
    if alarms:
        return tuple(alarms)
    change = cluster.facts.change
    if change is None or change.kind != "upgrading" or cluster.as_of is None:
        return None
    if (change.start and cluster.as_of < change.start) or (change.end and cluster.as_of > change.end):
        return None
    source = cluster.facts.sources.get("change")
    return () if source is None else (source,)


@rule("R04", compares=True)
def platforms_equivalent(cluster: Cluster) -> Verdict:
    """All peers have platforms of equivalent capability.

    Why: the cluster shares load as if all peers were alike.
    Passes: one platform, or platforms the guide calls equivalent: standard appliances (CE500, CE1000, CE1100)
    with Medium VMs, and CE1100 with CE1200, which the guide describes. The size of a virtual machine is what its
    export says, else the one its limits, or processors and memory together, fit.
    Violates: platforms that no reading makes equivalent, such as Medium with Large.
    Unknown: a platform is not in the evidence; the sources disagree: a CE1200 or CE1300 is put with large systems in
    one guide and can be configured as a medium one; or alarm 10005 says that a virtual machine has less than it needs.
    On exactly X14.0.7 that alarm is known to be wrong for Medium with a fast processor (CSCwc09399): told, no more.
    Not applicable: a cluster of one.
    """
    platforms = compare(cluster, lambda peer: peer.size)
    relations = [
        compare_platforms(one.value, other.value)
        for one, other in combinations(platforms.said.values(), 2)
        if one.value and other.value
    ]
    if Equivalence.DIFFERENT in relations:
        odd = _odd_platforms(cluster)
        return violation(
            f"the platforms are not equivalent: {platforms.listing()}",
            evidence=platforms.evidence,
            at_fault=odd,
            measured=platforms.listing(),
            wanted="equivalent platforms",
            fix=f"decide first whether {who(odd)} stays. If so, take it out of the peer lists, deploy it again on the "
            "size of the others (a VM's size cannot be edited; a new OVA is needed) and do its other changes on the "
            "new machine; else move it to a cluster of its own",
        )
    if platforms.silent:
        return unknown(
            f"nothing shows the platform or VM size of {names(platforms.silent)}",
            want=[want.platform(peer) for peer in platforms.silent],
            evidence=platforms.evidence,
        )
    if Equivalence.UNCLEAR in relations:
        return unknown(
            f"the sources do not agree whether these are equivalent: {platforms.listing()}",
            want=[
                want.fact(
                    f"on {peer}: note the deployment size (System > Administration settings, Deployment Configuration) "
                    f'in case.toml as [peers."{peer}"] platform = "Medium" or "Large"'
                )
                for peer in cluster.peers
                if is_ambiguous(peer.size.value)
            ]
            or [want.support("whether these models may be clustered")],
            evidence=platforms.evidence,
        )
    return _equivalent(cluster, platforms)


def _equivalent(cluster: Cluster, platforms: Agreement[str]) -> Verdict:
    """Return what is said of equivalent platforms: whether each virtual machine has what its size needs."""
    raised = {
        peer.name: alarm
        for peer in cluster.peers
        for alarm in peer.raised(HARDWARE_ALARM)
        if not (peer.platform.value and is_appliance(peer.platform.value))
    }
    evidence = (*platforms.evidence, *(alarm.source for alarm in raised.values()))
    known = [
        peer.name
        for peer in cluster.peers
        if peer.name in raised and peer.version.value and is_false_alarm(peer.version.value, peer.size.value)
    ]
    doubted = sorted(raised.keys() - set(known))
    told = f"the platforms are equivalent: {platforms.listing()}"
    if doubted:
        return unknown(
            f"{told}; but alarm 10005 says that the hardware of {', '.join(doubted)} is less than its release needs",
            want=[_resources(name) for name in doubted],
            evidence=evidence,
        )
    if known:
        told += f"; alarm 10005 on {', '.join(known)} is known to be wrong for Medium on X14.0.7 (CSCwc09399)"
    if any(fact.value == "Small" for fact in platforms.said.values()):
        told += "; a cluster of Small VMs gives resilience and no capacity"
    return passed(told, evidence=evidence)


def _resources(name: str) -> Want:
    text = (
        f"on the host of {name}: give the virtual machine the processors, memory and reserved clock of its size, "
        f"restart "
        f"it, and take the diagnostic log archive of {name} again when alarm 10005 is gone"
    )
    return Want("bundle", name, text)


def _odd_platforms(cluster: Cluster) -> tuple[str, ...]:
    """Return the peers not equivalent to the primary, else to the majority."""
    values = {peer.name: peer.size.value for peer in cluster.peers if peer.size.value}
    odd = cluster.odd_ones_out(values)
    kept = [name for name in values if name not in odd]
    if not kept:
        return ()
    reference = values[kept[0]]
    return tuple(n for n in odd if compare_platforms(values[n], reference) is Equivalence.DIFFERENT)


RULES = (no_mixed_types, software_versions_match, platforms_equivalent)
