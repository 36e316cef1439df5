"""The peer list: who is in it, and how."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import address
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, passed, rule, unknown, violation

NOT_LISTED_ALARM = 20015


@rule("E04")
def own_address_in_peer_list(cluster: Cluster, peer: Peer) -> Verdict:
    """The peer finds itself in its own peer list.

    Why: the list is the same on all peers and holds every one of them, the local one too.
    Passes: an entry is one of its addresses, its full name, or a name that the address mapping leads to it.
    Violates: no entry is, or alarm 20015 is up.
    Unknown: its list or its addresses are not in the evidence, or an entry is a name only DNS can resolve.
    Not applicable: a single Expressway whose peer list is empty, which is not clustered.
    """
    sources = [source for fact in peer.listed.values() for source in fact.sources]
    own = next((entry for entry in peer.peer_list if cluster.find(entry) is peer), None)
    if own:
        behind_nat = address(own) in peer.nat_addresses
        note = ", its static NAT address; see R10" if behind_nat else ""
        return passed(f"it is in its peer list as {own}{note}", evidence=sources)
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
        evidence=[*sources, *peer.lan.ipv4.sources, *alarms],
        at_fault=[peer.name],
        measured=listed if peer.listed else None,
        wanted=addresses or None,
        fix=f"on {peer}, put its own address into the place where the other peers have it (System > Clustering), "
        "save and restart it",
    )


RULES = (own_address_in_peer_list,)
