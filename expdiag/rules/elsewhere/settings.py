"""Cluster settings that are entered on each peer by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import Agreement, compare, names, who
from expdiag.rules.declare import passed, rule, unknown, violation
from expdiag.tables import Alarm

SETTINGS_DIFFER_ALARM, PRIMARY_DIFFERS_ALARM, PERMISSIVE_ALARM = 20012, 20017, 40049


@rule("E02", compares=True)
def cluster_settings_agree(cluster: Cluster) -> Verdict:
    """All peers have the same cluster name, primary, peer list in the same order, TLS mode and IP version.

    Why: these are entered on each peer by hand; where they differ replication stops.
    Passes: name, primary and list are shown for every peer and agree, and so do TLS mode, IP version and address
    mapping as far as they are shown, which dumps often do not.
    Violates: one of them differs, or the mapping of one name does, or alarm 20012 or 20017 is up. Two entries that
    lead to one peer, such as its name and its address, differ all the same: the lists have to be entered alike.
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
    mapped = _mapped_differently(cluster)
    alarms = {
        peer.name: raised
        for peer in cluster.peers
        if (raised := [a for number in (SETTINGS_DIFFER_ALARM, PRIMARY_DIFFERS_ALARM) for a in peer.raised(number)])
    }
    evidence = [source for found in settings.values() for source in found.evidence]
    if differing or alarms or mapped:
        return _disagreed(cluster, differing, alarms, mapped, evidence)
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
    doubts, doubtful = _doubts(cluster)
    return passed(f"name, primary and peer list agree{note}{doubts}", evidence=[*evidence, *doubtful])


def _disagreed(
    cluster: Cluster,
    differing: Mapping[str, Agreement[object]],
    alarms: Mapping[str, Sequence[Alarm]],
    mapped: Mapping[str, Mapping[str, Fact[str]]],
    evidence: Sequence[int],
) -> Verdict:
    parts = [
        _slots(cluster) if name == "peer list" else f"{name}: {found.listing()}" for name, found in differing.items()
    ]
    parts += [
        f"address mapping of {name}: {', '.join(f'{fact.value} on {peer}' for peer, fact in said.items())}"
        for name, said in mapped.items()
    ]
    listing = "; ".join(parts)
    told = "; ".join(
        f"alarm {' and '.join(sorted({str(alarm.number) for alarm in raised}))} on {name}"
        for name, raised in alarms.items()
    )
    odd = {name for found in differing.values() for name in found.odd}
    for said in mapped.values():
        odd.update(cluster.odd_ones_out({peer: fact.value for peer, fact in said.items()}))
    odd = odd or (set(alarms) if not parts else set())
    if parts:
        reason = f"the peers do not agree on {listing}{f'; {told}' if told else ''}"
    else:
        reason = (
            f"{told}: its cluster settings differ from the primary's, or the primary is not the same to all, while "
        )
        reason += "the exports show no difference"
    doubts, doubtful = _doubts(cluster)
    what = " and ".join([*differing, *(["address mapping"] if mapped else [])]) or "all cluster settings"
    sources = [s for found in differing.values() for s in found.evidence] or list(evidence)
    return violation(
        f"{reason}{doubts}",
        evidence=[
            *sources,
            *(s for said in mapped.values() for fact in said.values() for s in fact.sources),
            *(alarm.source for raised in alarms.values() for alarm in raised),
            *doubtful,
        ],
        at_fault=odd,
        measured=listing or told,
        wanted="the same on all peers",
        fix=f"on {who(odd)}, enter {what} as on the primary (System > Clustering), save and restart it; do not clear "
        "all peer fields, which resets it to factory settings",
    )


def _mapped_differently(cluster: Cluster) -> dict[str, dict[str, Fact[str]]]:
    """Return the names that the address mappings of two peers lead to different addresses, with what each says."""
    said: dict[str, dict[str, Fact[str]]] = {}
    for peer in cluster.peers:
        for name, fact in peer.address_mapping.items():
            said.setdefault(canonical(name), {})[peer.name] = fact
    return {
        name: facts
        for name, facts in said.items()
        if len({_entry_key(fact.value or "") for fact in facts.values()}) > 1
    }


def _doubts(cluster: Cluster) -> tuple[str, list[int]]:
    """Return what other evidence says against the TLS mode or the mapping shown, and where it stands."""
    notes, sources = [], []
    for peer in cluster.peers:
        permissive = peer.raised(PERMISSIVE_ALARM)
        if peer.tls_mode.value == "Enforce" and permissive:
            notes.append(f"alarm 40049 on {peer} says Permissive, where the configuration says Enforce, see R19")
            sources += [alarm.source for alarm in permissive]
    tables = {peer.name: {canonical(name) for name in peer.address_mapping} for peer in cluster.peers}
    shown_in = {name: names_ for name, names_ in tables.items() if names_}
    everything = set[str]().union(*shown_in.values())
    for name, known in shown_in.items():
        if lacking := sorted(everything - known):
            notes.append(f"the address mapping of {name} lacks {', '.join(lacking)}, see R41")
    return (f"; {'; '.join(notes)}" if notes else ""), sources


def _slots(cluster: Cluster) -> str:
    """Return the places of the peer list whose entries differ, and who has what there."""
    places = sorted({place for peer in cluster.peers for place in peer.listed})
    differing = []
    for place in places:
        entry = compare(cluster, lambda peer, place=place: peer.listed.get(place, Fact("")), _entry_key)  # type: ignore[misc]
        if entry.differ:
            met = {found.name if (found := cluster.find(fact.value or "")) else "" for fact in entry.said.values()}
            note = f" (each leads to {met.pop()})" if len(met) == 1 and "" not in met else ""
            differing.append(f"Peer {place}: {entry.listing()}{note}")
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
