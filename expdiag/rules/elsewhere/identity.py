"""The cluster's own name, and that a peer belongs to one cluster only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import compare, names, shown
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation
from expdiag.tables import Alarm

NO_NAME_ALARMS, INVALID_NAME_ALARM = (20019, 55129), 55130
PAGE = "System > Clustering, Cluster name"
_ALLOWED = re.compile(r"[A-Za-z0-9.-]+", re.A)
_UNDERSCORED = re.compile(r"[A-Za-z0-9._-]+", re.A)


@rule("E06")
def cluster_name_set(cluster: Cluster) -> Verdict:
    """The cluster has a name, of letters, digits and hyphens.

    Why: FindMe, the B2BUA and certificates use it; alarm 20019 asks for it wherever clustering is in use.
    Passes: every peer has a name that is allowed. A name without a domain is allowed and said.
    Violates: a peer has no name, or one with characters no source allows, or alarm 20019, 55129 or 55130 is up.
    Unknown: a peer's name is not in the evidence. The name holds an underscore: the Administrator Guide X14.0
    (Clustering and Peers) forbids it, the command reference of X15.0 allows it. Or there is no name, but only Mobile
    and Remote Access is in use, for which the Cluster guide X14.3 (How to Form a Cluster) calls it not applicable.
    Not applicable: a single Expressway whose peer list is empty, which is not clustered.
    """
    said = compare(cluster, lambda peer: peer.cluster_name)
    unset = [name for name, fact in said.said.items() if not (fact.value or "").strip()]
    alarms = {
        peer.name: raised
        for peer in cluster.peers
        if (raised := [a for number in (*NO_NAME_ALARMS, INVALID_NAME_ALARM) for a in peer.raised(number)])
    }
    wrong = [
        name
        for name, fact in said.said.items()
        if name not in unset and not _UNDERSCORED.fullmatch((fact.value or "").strip())
    ]
    alarm_sources = [alarm.source for raised in alarms.values() for alarm in raised]
    if not alarms and _is_not_clustered(cluster):
        return not_applicable("its peer list is empty: this Expressway is not clustered", evidence=_lists(cluster))
    if unset and not alarms and _is_mra_only(cluster):
        return unknown(
            f"no cluster name on {', '.join(unset)}; the Cluster guide X14.3, How to Form a Cluster, calls it not "
            "applicable where only Mobile and Remote Access is used, the Alarms Reference, 20019, wants it "
            "in any cluster",
            want=[want.support("whether a cluster for Mobile and Remote Access alone needs a cluster name")],
            evidence=said.evidence,
        )
    if unset or wrong or alarms:
        return _nameless(cluster, said.listing(), unset, wrong, alarms, [*said.evidence, *alarm_sources])
    if said.silent:
        return unknown(
            f"nothing shows the cluster name of {names(said.silent)}",
            want=[want.export(peer, "cluster_name") for peer in said.silent],
            evidence=said.evidence,
        )
    values = sorted({(fact.value or "").strip() for fact in said.said.values()})
    if not all(map(_ALLOWED.fullmatch, values)):
        return unknown(
            f"the cluster name {', '.join(values)} holds an underscore: the Administrator Guide X14.0, Clustering and "
            "Peers, forbids it, the Administrator Guide X15.0, xConfiguration reference, allows it",
            want=[want.support("whether a cluster name may hold an underscore")],
            evidence=said.evidence,
        )
    note = "" if all("." in value for value in values) else ", which is not a full DNS name"
    return passed(f"the cluster name is {', '.join(values)}{note}", evidence=said.evidence)


def _nameless(
    cluster: Cluster,
    listing: str,
    unset: list[str],
    wrong: list[str],
    alarms: Mapping[str, Sequence[Alarm]],
    evidence: list[int],
) -> Verdict:
    parts = [f"no cluster name on {', '.join(unset)}"] if unset else []
    parts += [f"a cluster name that is no DNS name on {', '.join(wrong)}"] if wrong else []
    parts += [
        f"alarm {' and '.join(sorted({str(a.number) for a in raised}))} on {name}" for name, raised in alarms.items()
    ]
    if alarms and not unset and not wrong:
        parts.append(f"the configuration shows {listing or 'no name'}")
    blamed = sorted({*unset, *wrong, *alarms})
    named = {peer.cluster_name.value for peer in cluster.peers if peer.name not in blamed and peer.cluster_name.value}
    if len(named) == 1:
        fix = steps(
            f"on {' and '.join(blamed)}: enter the cluster name of the other peers, {next(iter(named))} ({PAGE})",
            "wait five minutes; restart a peer only where alarm 20007 on it asks for it, one after the other",
        )
    else:
        fix = steps(
            f"on {cluster.primary or 'the primary'}: enter the name the cluster has in DNS ({PAGE})",
            "on every other peer: enter the same name",
        )
    return violation(
        "; ".join(parts),
        evidence=evidence,
        at_fault=blamed,
        measured=listing or None,
        wanted="one name of letters, digits and hyphens",
        fix=fix,
        cite="Administrator Guide X14.0, Clustering and Peers; Alarms Reference, 20019",
    )


def _is_mra_only(cluster: Cluster) -> bool:
    services, tms = cluster.facts.services, cluster.facts.tms
    other = services.b2b or services.microsoft_interop or tms.provisioning
    return services.mra is True and services.b2b is False and not other


def _is_not_clustered(cluster: Cluster) -> bool:
    first = cluster.peers[0]
    return len(cluster.peers) == 1 and bool(first.listed) and not first.peer_list and not first.list_is_cut


def _lists(cluster: Cluster) -> list[int]:
    return [s for peer in cluster.peers for fact in peer.listed.values() for s in fact.sources]


@rule("E11")
def peer_in_one_cluster_only(cluster: Cluster, peer: Peer) -> Verdict:
    """No second cluster has the peer in its list.

    Why: two clusters that both list a peer overwrite each other's configuration there.
    Passes: every list in the evidence that names the peer belongs to its own cluster.
    Violates: a peer with another cluster name lists it, together with somebody its own list lacks.
    Unknown: its own list or cluster name is not in the evidence. Other clusters, of which nothing is in the evidence,
    cannot be seen.
    Not applicable: a single Expressway whose peer list is empty and which nobody lists.
    """
    members = cluster.view(_members)
    sources = [source for fact in peer.listed.values() for source in fact.sources]
    foreign = [other for other in cluster.peers if other is not peer and _is_foreign(peer, other, members)]
    if foreign:
        told = "; ".join(
            f"{other} of cluster {shown(other.cluster_name.value)} lists it too ({', '.join(other.peer_list)})"
            for other in foreign
        )
        return violation(
            f"it belongs to cluster {shown(peer.cluster_name.value)} "
            f"({', '.join(peer.peer_list) or 'empty list'}), but "
            f"{told}",
            evidence=[
                *sources,
                *peer.cluster_name.sources,
                *(s for other in foreign for f in other.listed.values() for s in f.sources),
                *(s for other in foreign for s in other.cluster_name.sources),
            ],
            at_fault=[other.name for other in foreign],
            measured=", ".join(sorted({shown(other.cluster_name.value) for other in foreign})),
            wanted=shown(peer.cluster_name.value),
            fix=steps(
                f"decide to which cluster {peer} belongs",
                f"on every peer of the other cluster, its primary first: take the entry of {peer} out, move "
                "those behind "
                "it up, and check Configuration primary (System > Clustering)",
                f"if {peer} is to change clusters: back it up, clear all its peer fields and restart it, which "
                "resets it "
                "to factory settings, then add it to the other one",
            ),
            cite="Cluster guide X14.3, How to Form a Cluster",
        )
    if not peer.listed or not peer.cluster_name.known:
        return unknown(
            "its own peer list and cluster name are not both in the evidence",
            want=[want.export(peer, "peer_address"), want.export(peer, "cluster_name")],
            evidence=[*sources, *peer.cluster_name.sources],
        )
    if not peer.peer_list and len(cluster.peers) == 1:
        return not_applicable("its peer list is empty: this Expressway is not clustered", evidence=sources)
    return passed(
        "no list of another cluster in the evidence names it", evidence=[*sources, *peer.cluster_name.sources]
    )


def _members(cluster: Cluster) -> dict[str, set[str]]:
    """Return whom each peer's list names."""
    return {peer.name: {_key(cluster, entry) for entry in peer.peer_list} for peer in cluster.peers}


def _key(cluster: Cluster, entry: str) -> str:
    found = cluster.find(entry)
    return found.name if found else str(address(entry) or canonical(entry))


def _is_foreign(peer: Peer, other: Peer, members: Mapping[str, set[str]]) -> bool:
    """Whether another peer is of a second cluster, which lists this one; two names of one list are a matter of E02."""
    own, theirs = members[peer.name], members[other.name]
    one, two = (shown(p.cluster_name.value).strip().casefold() for p in (peer, other))
    both_named = bool(peer.cluster_name.value and other.cluster_name.value)
    return both_named and one != two and peer.name in theirs and other.name not in own and bool(theirs - own)


RULES = (cluster_name_set, peer_in_one_cluster_only)
