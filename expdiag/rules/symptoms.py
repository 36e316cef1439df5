"""What the peers themselves report: alarms that are up, and what their logs say of the links between them."""

from __future__ import annotations

from collections.abc import Iterator

from expdiag import knowledge
from expdiag.evidence import SourceBook
from expdiag.findings import Symptom
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.tables import PeerLink


def reported(cluster: Cluster, sources: SourceBook) -> tuple[Symptom, ...]:
    """Return the symptoms of all peers, each alarm and each kind of record once a peer."""
    logged = cluster.view(_links_by_peer)
    return tuple(
        symptom
        for peer in cluster.peers
        for symptom in (*_alarms(peer, sources), *_records(peer, logged.get(peer.name, []), sources))
    )


def _alarms(peer: Peer, sources: SourceBook) -> Iterator[Symptom]:
    known = {alarm["number"]: alarm for alarm in knowledge.load("alarms")["alarm"]}
    numbers = dict.fromkeys(alarm.number for alarm in peer.alarms if alarm.number is not None)
    for number in numbers:
        if up := peer.raised(number):
            about = known.get(number, {})
            title = about.get("title") or up[-1].title
            seen = tuple(sources[alarm.source] for alarm in up)
            yield Symptom(peer.name, number, title, 1, tuple(about.get("speaks_of", ())), seen)


def _records(peer: Peer, links: list[PeerLink], sources: SourceBook) -> Iterator[Symptom]:
    meanings = knowledge.load("causes")["log"]
    by_kind: dict[str, list[PeerLink]] = {}
    for link in links:
        by_kind.setdefault(link.kind, []).append(link)
    for kind, meaning in meanings.items():
        if found := by_kind.get(kind):
            ends = dict.fromkeys((found[0].source, found[-1].source))
            seen = tuple(sources[source] for source in ends)
            yield Symptom(peer.name, None, meaning["title"], len(found), tuple(meaning["speaks_of"]), seen)


def _links_by_peer(cluster: Cluster) -> dict[str, list[PeerLink]]:
    by_peer: dict[str, list[PeerLink]] = {}
    for link in cluster.rows["peer_links"]:
        if name := cluster.peer_of(link.source):
            by_peer.setdefault(name, []).append(link)
    return by_peer
