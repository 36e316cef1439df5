"""Platforms: what machines the peers run on."""

from __future__ import annotations

from itertools import combinations

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.model.products.platforms import Equivalence, is_ambiguous, is_appliance, is_false_alarm
from expdiag.model.products.platforms import compare as compare_platforms
from expdiag.rules import want
from expdiag.rules.agreement import Agreement, compare, names, who
from expdiag.rules.contradictions import contradicted
from expdiag.rules.declare import passed, rule, unknown, violation

HARDWARE_ALARM = 10005


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
    noted, against = contradicted(cluster, "platform")
    relations = [_relation(*pair) for pair in combinations([p for p in cluster.peers if p.size.known], 2)]
    if Equivalence.DIFFERENT in relations:
        odd = _odd_platforms(cluster)
        return violation(
            f"the platforms are not equivalent: {platforms.listing()}{noted}",
            evidence=(*platforms.evidence, *against),
            at_fault=odd,
            measured=platforms.listing(),
            wanted="equivalent platforms",
            fix=f"decide first whether {who(odd)} stays. If so, take it out of the peer lists, deploy it again on the "
            "size of the others (a VM's size cannot be edited; a new OVA is needed) and do its other changes on the "
            "new machine; else move it to a cluster of its own",
        )
    if platforms.silent:
        return unknown(
            f"nothing shows the platform or VM size of {names(platforms.silent)}{noted}",
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
    return _equivalent(cluster, platforms, noted, against)


def _relation(one: Peer, other: Peer) -> Equivalence:
    """Compare two peers by size; a mixture of models the guide describes is not refuted by how large one is set up."""
    found = compare_platforms(one.size.value or "", other.size.value or "")
    models = (one.platform.value or "", other.platform.value or "")
    described = models[0] != models[1] and compare_platforms(*models) is Equivalence.SAME
    return Equivalence.UNCLEAR if found is Equivalence.DIFFERENT and described else found


def _equivalent(cluster: Cluster, platforms: Agreement[str], noted: str, against: list[int]) -> Verdict:
    """Return what is said of equivalent platforms: whether each virtual machine has what its size needs."""
    raised = {
        peer.name: alarm
        for peer in cluster.peers
        for alarm in peer.raised(HARDWARE_ALARM)
        if not (peer.platform.value and is_appliance(peer.platform.value))
    }
    evidence = (*platforms.evidence, *(alarm.source for alarm in raised.values()), *against)
    known = [
        peer.name
        for peer in cluster.peers
        if peer.name in raised and peer.version.value and is_false_alarm(peer.version.value, peer.size.value)
    ]
    doubted = sorted(raised.keys() - set(known))
    told = f"the platforms are equivalent: {platforms.listing()}{noted}"
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
        f"on the host of {name}: give the virtual machine the processors, memory and reserved clock of its size, then "
        f"restart it, and take the diagnostic log archive of {name} again when alarm 10005 is gone"
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
