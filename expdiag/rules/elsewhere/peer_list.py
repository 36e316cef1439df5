"""The peer list: who is in it, and how."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

NOT_LISTED_ALARM, INVALID_ALARM = 20015, 20003
MOST_PEERS = 6
PAGE = "System > Clustering"


@rule("E03")
def peer_list_has_no_gaps(cluster: Cluster, peer: Peer) -> Verdict:
    """The places of the peer list are filled from the first on, none left empty between two peers.

    Why: the cluster guide asks for it; when a peer is removed, those behind it move up and the index of the primary
    follows.
    Passes: no empty place stands before a filled one. Answers of the REST API may leave empty places out; then the
    order they show is taken as it is, and the reason says so.
    Violates: an empty place stands before a filled one.
    Unknown: the peer list is not in the evidence; a list that is cut off is judged as far as it goes.
    Not applicable: a single Expressway whose peer list is empty, which is not clustered.
    """
    sources = _sources(peer)
    if not peer.listed:
        return unknown("its peer list is not in the evidence", want=[want.export(peer, "peer_address")])
    filled = [place for place, fact in peer.listed.items() if (fact.value or "").strip()]
    gaps = [place for place in range(1, max(filled, default=0)) if place not in filled]
    if gaps:
        entries = ", ".join(f"Peer {place} {peer.listed[place].value}" for place in filled)
        empty = " and ".join(f"Peer {place}" for place in gaps)
        return violation(
            f"{empty} {'is' if len(gaps) == 1 else 'are'} empty before {entries.rpartition(', ')[2]} ({entries})",
            evidence=sources,
            at_fault=[peer.name],
            measured=f"empty: {empty}",
            wanted="no empty place between peers",
            fix=steps(
                f"on {cluster.primary or 'the primary'} first, then on every other peer: move the entries behind "
                f"{empty} up by one, in the same order on all ({PAGE}); save all of a peer's changes at once, "
                "and never "
                "leave all its peer fields empty, which resets it to factory settings",
                "set Configuration primary to the place the primary has then, the same on all",
                "wait five minutes and check that no alarm 20012 or 20017 is up",
            ),
            cite="Cluster guide X14.0.2, How to Change a Cluster",
        )
    if peer.list_is_cut:
        return unknown(
            "the export of its peer list is cut off", want=[want.export(peer, "peer_address")], evidence=sources
        )
    if not filled:
        return _nothing_listed(cluster, peer)
    by_place = "" if len(peer.listed) > len(filled) or len(filled) == MOST_PEERS else ", as far as it prints empty ones"
    return passed(f"places 1 to {len(filled)} are filled without a gap{by_place}", evidence=sources)


@rule("E05")
def at_most_six_peers(cluster: Cluster) -> Verdict:
    """The cluster has no more than six peers.

    Why: more are not supported; the fifth and sixth add resilience and no capacity.
    Passes: the lists name six peers or fewer.
    Violates: a peer list, or all lists together, name more than six.
    Unknown: no peer list is in the evidence.
    """
    lists = {peer.name: peer for peer in cluster.peers if peer.listed}
    logged = {peer.name: peer for peer in cluster.peers if peer.replicated}
    evidence = [source for peer in lists.values() for source in _sources(peer)]
    if not lists and not logged:
        return unknown(
            "no peer list is in the evidence", want=[want.export(peer, "peer_address") for peer in cluster.peers]
        )
    together = [peer for peer in cluster.peers if _is_of_this_cluster(cluster, peer)]
    entries = {_key(cluster, entry) for peer in together for entry in (*peer.peer_list, *_replicated(peer))}
    longest = max((len(peer.peer_list) for peer in lists.values()), default=0)
    most = max(longest, *(len(peer.replicated) for peer in cluster.peers))
    named = entries & {peer.name for peer in cluster.peers}
    if max(most, len(named)) > MOST_PEERS:
        count = max(most, len(named))
        return violation(
            f"{count} peers are listed",
            evidence=[*evidence, *(s for peer in logged.values() for f in peer.replicated.values() for s in f.sources)],
            measured=count,
            wanted=MOST_PEERS,
            log_in=[cluster.primary.name] if cluster.primary else [],
            fix=steps(
                "decide which peers leave; the primary stays",
                f"on every peer that stays, the primary last: take their entries out, move the others up ({PAGE})",
                "on each that leaves: clear all its peer fields and restart it. This resets it to factory "
                "settings, its "
                "certificate and trusted authorities included, so back it up first",
                "make a second cluster of those that left, joined by neighbour zones",
            ),
            cite="Cluster guide X15.4, Clustering Basics; X14.0.2, How to Change a Cluster",
        )
    replicated = [s for peer in logged.values() for fact in peer.replicated.values() for s in fact.sources]
    return passed(
        f"{max(len(cluster.peers), most)} peers", [*evidence, *replicated][:20], measured=most, wanted=MOST_PEERS
    )


def _is_of_this_cluster(cluster: Cluster, peer: Peer) -> bool:
    """Whether a peer has the primary's cluster name; peers of a second cluster are a matter of E11."""
    leading = cluster.primary.cluster_name.value if cluster.primary else None
    return not leading or not peer.cluster_name.value or canonical(leading) == canonical(peer.cluster_name.value)


def _key(cluster: Cluster, entry: str) -> str:
    found = cluster.find(entry)
    return found.name if found else str(address(entry) or canonical(entry))


def _replicated(peer: Peer) -> list[str]:
    return [fact.value for fact in peer.replicated.values() if fact.value]


def _sources(peer: Peer) -> list[int]:
    return [source for fact in peer.listed.values() for source in fact.sources]


def _nothing_listed(cluster: Cluster, peer: Peer) -> Verdict:
    """Judge a peer list without entries: fine for an Expressway by itself, a matter of E04 in a cluster."""
    if len(cluster.peers) == 1:
        return not_applicable("its peer list is empty: this Expressway is not clustered", evidence=_sources(peer))
    return not_applicable("its peer list is empty, see E04", evidence=_sources(peer))


@rule("E04")
def own_address_in_peer_list(cluster: Cluster, peer: Peer) -> Verdict:
    """The peer finds itself in its own peer list.

    Why: the list is the same on all peers and holds every one of them, the local one too.
    Passes: an entry is one of its addresses, its full name, or a name that the address mapping leads to it.
    Violates: no entry is, or alarm 20015 is up.
    Unknown: its list or its addresses are not in the evidence, or an entry is a name only DNS can resolve.
    Not applicable: a single Expressway whose peer list is empty, which is not clustered.
    """
    sources = _sources(peer)
    invalid = [alarm.source for alarm in peer.raised(INVALID_ALARM)]
    own = next((e for e in peer.peer_list if cluster.find(e) is peer or address(e) in peer.addresses), None)
    if own:
        behind_nat = address(own) in peer.nat_addresses
        note = ", its static NAT address; see R10" if behind_nat else ""
        note += "; alarm 20003 says that addresses are missing or used twice, see R05" if invalid else ""
        said = peer.raised(NOT_LISTED_ALARM)
        if said and not behind_nat:
            return _listed_but_reported(peer, own, [*sources, *(alarm.source for alarm in said)])
        return passed(f"it is in its peer list as {own}{note}", evidence=[*sources, *invalid])
    alarms = [alarm.source for alarm in peer.raised(NOT_LISTED_ALARM)]
    if not peer.listed and not alarms:
        return unknown("its peer list is not in the evidence", want=[want.export(peer, "peer_address")])
    if not peer.peer_list and len(cluster.peers) == 1 and not alarms:
        return not_applicable("its peer list is empty: this Expressway is not clustered", evidence=sources)
    open_names = [e for e in peer.peer_list if address(e) is None and cluster.find(e) is None]
    if not alarms and peer.list_is_cut:
        return unknown(
            "the export of its peer list is cut off", want=[want.export(peer, "peer_address")], evidence=sources
        )
    if not alarms and (open_names or not peer.addresses):
        asked = [want.lookup(peer, name) for name in open_names] or [want.export(peer, "ipv4")]
        reason = f"whether {' or '.join(open_names)} leads to it" if open_names else "its own address"
        return unknown(f"{reason} is not in the evidence", want=asked, evidence=sources)
    listed = ", ".join(peer.peer_list) or "(empty)"
    addresses = ", ".join(str(found) for found in peer.addresses)
    reason = f"none of its peer list ({listed}) is this peer ({addresses or 'address unknown'})"
    return violation(
        reason if peer.listed else "alarm 20015 says that it is not in its own peer list",
        evidence=[*sources, *peer.lan.ipv4.sources, *alarms, *invalid],
        at_fault=[peer.name],
        measured=listed if peer.listed else None,
        wanted=addresses or None,
        fix=f"on {peer}, put its own address into the place where the other peers have it (System > Clustering), "
        "save and restart it",
    )


def _listed_but_reported(peer: Peer, own: str, evidence: list[int]) -> Verdict:
    """Judge a list that names the peer while alarm 20015 is up: the alarm speaks of what is in use."""
    return violation(
        f"alarm 20015 says that it is not in its own peer list, while the configuration has it as {own}: "
        "what is in use "
        "is another list, or the name leads elsewhere",
        evidence=evidence,
        at_fault=[peer.name],
        measured="alarm 20015",
        wanted="no alarm",
        fix=steps(
            f"on {peer}: check that {own} leads to its LAN 1 address (System > Clustering, cluster address mapping; "
            "Maintenance > Tools > Network utilities > DNS lookup)",
            f"on {peer}: save {PAGE} again and restart it, when the primary is up and no other peer is restarting",
        ),
    )


RULES = (peer_list_has_no_gaps, own_address_in_peer_list, at_most_six_peers)
