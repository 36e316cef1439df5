"""Type, software version and platform: what all peers must have in common."""

from __future__ import annotations

from itertools import combinations

from expdiag.findings import Verdict
from expdiag.model import procedures
from expdiag.model.cluster import Cluster
from expdiag.model.platforms import Equivalence, is_ambiguous
from expdiag.model.platforms import compare as compare_platforms
from expdiag.rules import upgrading, want
from expdiag.rules.agreement import compare, names, who
from expdiag.rules.declare import passed, rule, unknown, violation


@rule("R01", compares=True)
def no_mixed_types(cluster: Cluster) -> Verdict:
    """All peers are Expressway-C, or all are Expressway-E.

    Why: the type decides what a node does with calls, zones and the outside; a cluster shares its configuration,
    which makes no sense across types.
    Passes: every peer's own export, or `case.toml`, gives one type.
    Violates: two types are met. An option key says nothing about the type from X12.6 on and is not used.
    Unknown: a peer is without evidence of its type.
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
            fix=f"take {who(types.odd)} out of the cluster (System > Clustering, clear all peer fields there; this "
            "resets it to factory settings), set its type in Status > Overview > Run service setup, then add it again",
        )
    if types.silent:
        return unknown(
            f"nothing shows the type of {names(types.silent)}",
            want=[want.field(peer, "type") for peer in types.silent],
            evidence=types.evidence,
        )
    return passed(f"all peers are of one type: {types.listing()}", evidence=types.evidence)


@rule("R02", compares=True)
def software_versions_match(cluster: Cluster) -> Verdict:
    """All peers run exactly the same software version.

    Why: the primary does not replicate to peers of another version.
    Passes: the version strings are equal to the last number; or they differ while an upgrade is evidently under
    way, which R03 judges.
    Violates: two versions outside an upgrade.
    Unknown: a peer's version is not in the evidence, or equal versions come from different builds.
    Not applicable: a cluster of one.
    """
    versions = compare(cluster, lambda peer: peer.version, key=lambda release: release.text.casefold())
    if versions.differ:
        upgrade = procedures.upgrade_evidence(cluster)
        if upgrade is not None:
            return passed(
                f"versions differ while an upgrade is under way: {versions.listing()}; see R03",
                evidence=(*versions.evidence, *upgrade),
            )
        return violation(
            f"versions differ, and neither alarm 20008 nor case.toml tells of an upgrade: {versions.listing()}",
            evidence=versions.evidence,
            at_fault=versions.odd,
            measured=versions.listing(),
            wanted="one version",
            fix=f"upgrade {who(versions.odd)} to the version of the others (Maintenance > Upgrade)"
            + (", the primary first, then one peer at a time" if len(versions.odd) != 1 else ""),
        )
    if versions.silent:
        return unknown(
            f"nothing shows the software version of {names(versions.silent)}",
            want=[want.export(peer, "version") for peer in versions.silent],
            evidence=versions.evidence,
        )
    builds = compare(cluster, lambda peer: peer.build)
    if builds.differ:
        return unknown(
            f"the version is the same but the builds differ: {builds.listing()}",
            want=[want.support("whether these builds may be clustered")],
            evidence=(*versions.evidence, *builds.evidence),
        )
    return passed(f"all peers run one version: {versions.listing()}", evidence=versions.evidence)


@rule("R04", compares=True)
def platforms_equivalent(cluster: Cluster) -> Verdict:
    """All peers have platforms of equivalent capability.

    Why: the cluster shares load as if all peers were alike.
    Passes: one platform, or platforms the guide calls equivalent: standard appliances (CE500, CE1000, CE1100)
    with Medium VMs, and CE1100 with CE1200, which the guide describes.
    Violates: platforms that no reading makes equivalent, such as Medium with Large.
    Unknown: a platform is not in the evidence, or the sources disagree: a CE1200 or CE1300 is put with large
    systems in one guide and can be configured as a medium one.
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
            want=[
                want.fact(
                    f"on {peer}: note Status > System > Information, VM size or model, in case.toml as "
                    f'[peers."{peer}"] platform = "..."'
                )
                for peer in platforms.silent
            ],
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
    return passed(f"the platforms are equivalent: {platforms.listing()}", evidence=platforms.evidence)


def _odd_platforms(cluster: Cluster) -> tuple[str, ...]:
    """Return the peers not equivalent to the primary, else to the majority."""
    values = {peer.name: peer.size.value for peer in cluster.peers if peer.size.value}
    odd = cluster.odd_ones_out(values)
    kept = [name for name in values if name not in odd]
    if not kept:
        return ()
    reference = values[kept[0]]
    return tuple(n for n in odd if compare_platforms(values[n], reference) is Equivalence.DIFFERENT)


RULES = (no_mixed_types, software_versions_match, upgrading.version_mix_only_while_upgrading, platforms_equivalent)
