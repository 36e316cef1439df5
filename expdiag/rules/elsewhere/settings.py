"""Cluster settings that are entered on each peer by hand."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import Agreement, compare, names, who
from expdiag.rules.declare import passed, rule, unknown, violation

SETTINGS_DIFFER_ALARM, PRIMARY_DIFFERS_ALARM = 20012, 20017


@rule("E02", compares=True)
def cluster_settings_agree(cluster: Cluster) -> Verdict:
    """All peers have the same cluster name, primary, peer list in the same order, TLS mode and IP version.

    Why: these are entered on each peer by hand; where they differ replication stops.
    Passes: name, primary and list are shown for every peer and agree, and so do TLS mode and IP version as far
    as they are shown, which dumps often do not.
    Violates: one of them differs, or a peer raises alarm 20012 or 20017.
    Unknown: name, primary or list of a peer is not in the evidence.
    Not applicable: a cluster of one.
    """
    settings: dict[str, Agreement[object]] = {
        "cluster name": _agreement(cluster, lambda peer: peer.cluster_name, lambda name: str(name).strip()),
        "configuration primary": _agreement(cluster, lambda peer: peer.primary_index),
        "peer list": _agreement(cluster, _peer_list),
        "TLS verification mode": _agreement(cluster, lambda peer: peer.tls_mode),
        "cluster IP version": _agreement(cluster, lambda peer: peer.ip_version, lambda text: str(text).lower()),
    }
    differing = {name: found for name, found in settings.items() if found.differ}
    alarms = {
        peer.name: peer.raised(number)
        for peer in cluster.peers
        for number in (SETTINGS_DIFFER_ALARM, PRIMARY_DIFFERS_ALARM)
        if peer.raised(number)
    }
    evidence = [source for found in settings.values() for source in found.evidence]
    alarm_sources = [alarm.source for raised in alarms.values() for alarm in raised]
    if differing or alarms:
        listing = "; ".join(
            _slots(cluster) if name == "peer list" else f"{name}: {found.listing()}"
            for name, found in differing.items()
        )
        odd = {name for found in differing.values() for name in found.odd} or (set(alarms) if not differing else set())
        return violation(
            f"the peers do not agree on {listing}"
            if differing
            else f"{', '.join(alarms)} reports that its cluster settings differ from the primary's",
            evidence=[*(s for found in differing.values() for s in found.evidence), *alarm_sources],
            at_fault=odd,
            measured=listing or "alarm 20012 or 20017",
            wanted="the same on all peers",
            fix=f"on {who(odd)}, enter {' and '.join(differing) or 'all cluster settings'} as on the primary "
            "(System > Clustering), save and restart it; do not clear all peer fields, which resets it to factory "
            "settings",
        )
    silent = {
        peer.name: peer
        for name in ("cluster name", "configuration primary", "peer list")
        for peer in settings[name].silent
    }
    if silent:
        return unknown(
            f"cluster name, primary or peer list of {names(tuple(silent.values()))} is not in the evidence",
            want=[want.export(peer, "peer_address") for peer in silent.values()],
            evidence=evidence,
        )
    unseen = [name for name in ("TLS verification mode", "cluster IP version") if not settings[name].said]
    note = f"; {' and '.join(unseen)} not shown by the evidence" if unseen else ""
    return passed(f"name, primary and peer list agree{note}", evidence=evidence)


def _slots(cluster: Cluster) -> str:
    """Return the places of the peer list whose entries differ, and who has what there."""
    places = sorted({place for peer in cluster.peers for place in peer.listed})
    differing = []
    for place in places:
        entry = compare(cluster, lambda peer, place=place: peer.listed.get(place, Fact("")), _entry_key)  # type: ignore[misc]
        if entry.differ:
            differing.append(f"Peer {place}: {entry.listing()}")
    return "; ".join(differing) or "peer list: the number of places shown differs"


def _entry_key(entry: str) -> str:
    return str(address(entry) or canonical(entry))


def _agreement(cluster: Cluster, fact_of, key=lambda value: value) -> Agreement[object]:  # type: ignore[no-untyped-def]
    return compare(cluster, fact_of, key)


def _peer_list(peer: Peer) -> Fact[object]:
    if not peer.listed or peer.list_is_cut:
        return Fact()
    entries = tuple(_entry_key(entry) for entry in peer.peer_list)
    return Fact(entries, tuple(source for fact in peer.listed.values() for source in fact.sources))


RULES = (cluster_settings_agree,)
