"""What says otherwise than the fact that counts: another export of the peer, or `case.toml`."""

from __future__ import annotations

from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.places import is_made
from expdiag.model.settings import rivals


def contradicted(cluster: Cluster, field: str) -> tuple[str, list[int]]:
    """Return what says otherwise than a fact of a peer, `type`, `version` or `platform`.

    Returns:
        what says so, for the end of a reason, and the sources where it stands.
    """
    told, sources = [], []
    for peer in cluster.peers:
        fact: Fact[object] = getattr(peer, field)
        shown = Fact(str(fact.value), fact.sources) if fact.known else Fact("")
        for rival in [] if is_made(field) or not fact.known else rivals(peer.settings.mentions(field), shown, None):
            told.append(f"{rival.place.tree} of {peer} says {rival.value}, and {shown.value} counts")
            sources.append(rival.source)
    for name, stated in cluster.facts.peers.items():
        own, said = cluster.find(name), getattr(stated, field, None)
        if own is None or not said or said in (getattr(own, field).value, own.size.value):
            continue
        told.append(f"case.toml says {said} of {own}, and what its exports say counts")
        source = cluster.facts.sources.get(f"peers.{name}.{field}")
        sources += [] if source is None else [source]
    return "".join(f"; {each}" for each in dict.fromkeys(told)), sources
