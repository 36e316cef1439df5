"""What the peer lists call a peer, and where those names lead."""

from __future__ import annotations

from expdiag.model.cluster import Cluster
from expdiag.model.names import Address, address, canonical, join
from expdiag.model.peers import Peer

Said = tuple[str, tuple[int, ...]]


def entries(cluster: Cluster, peer: Peer) -> tuple[Said, ...]:
    """Return what the peer lists of all peers call this one, with the sources."""
    return cluster.view(_entries).get(peer.name, ())


def _entries(cluster: Cluster) -> dict[str, tuple[Said, ...]]:
    found: dict[str, list[Said]] = {}
    for other in cluster.peers:
        for fact in other.listed.values():
            if fact.value and (meant := cluster.find(fact.value)):
                found.setdefault(meant.name, []).append((fact.value, fact.sources))
    return {name: tuple(said) for name, said in found.items()}


def entries_that_count(cluster: Cluster, peer: Peer) -> tuple[Said, ...]:
    """Return what the primary's list calls a peer, without it what any does; a list that departs is E02's matter."""
    said = entries(cluster, peer)
    if cluster.primary:
        of_primary = {source for fact in cluster.primary.listed.values() for source in fact.sources}
        said = tuple((entry, sources) for entry, sources in said if of_primary.intersection(sources)) or said
    return tuple({_key(entry): (entry, sources) for entry, sources in reversed(said)}.values())


def listing(cluster: Cluster, entry: str) -> tuple[str, ...]:
    """Return the peers whose lists have an entry."""
    return tuple(peer.name for peer in cluster.peers if any(_key(listed) == _key(entry) for listed in peer.peer_list))


def _key(entry: str) -> str:
    return str(address(entry) or canonical(entry))


def lists_are_known(cluster: Cluster) -> bool:
    """Whether the peer list of any peer is in the evidence."""
    return any(peer.peer_list for peer in cluster.peers)


def unclear_entries(cluster: Cluster) -> tuple[str, ...]:
    """Return the names in the primary's list, else in any, of which nothing tells whose they are."""
    lists = [cluster.primary] if cluster.primary and cluster.primary.peer_list else cluster.peers
    found = [entry for peer in lists for entry in peer.peer_list if not cluster.find(entry) and not address(entry)]
    return tuple(dict.fromkeys(found))


def names_of(cluster: Cluster, peer: Peer) -> dict[str, tuple[int, ...]]:
    """Return the names a certificate may identify a peer by, its full name first, and where they stand."""
    found: dict[str, tuple[int, ...]] = {}
    if peer.fqdn.value:
        found[peer.fqdn.value] = peer.fqdn.sources
    for entry, sources in entries(cluster, peer):
        if address(entry) is None and "." in entry:
            found.setdefault(canonical(entry), sources)
    if meant := meant_name(cluster, peer):
        found.setdefault(meant, peer.host_name.sources)
    return found


def meant_name(cluster: Cluster, peer: Peer) -> str | None:
    """Return the full name a peer would have in the domain of the others; None where its own domain is theirs."""
    return cluster.view(_meant_names).get(peer.name)


def _meant_names(cluster: Cluster) -> dict[str, str]:
    domains = {peer.name: canonical(peer.domain.value or "") for peer in cluster.peers if peer.domain.known}
    odd = cluster.odd_ones_out(domains) if domains else ()
    theirs = next((domain for name, domain in domains.items() if name not in odd), "")
    hosts = {peer.name: peer.host_name.value for peer in cluster.peers}
    return {name: canonical(join(host, theirs)) for name in odd if (host := hosts[name]) and theirs}


def mapped_elsewhere(cluster: Cluster, peer: Peer, entry: str) -> Address | None:
    """Return where the address mapping leads a name of a peer, None where that is the peer, or is not told."""
    mapped = cluster.directory.mapped(entry)
    return mapped if mapped and peer.addresses and mapped not in peer.addresses else None


def looked_up_elsewhere(cluster: Cluster, peer: Peer, entry: str) -> dict[str, tuple[str, int]]:
    """Return on which peers DNS leads a name of a peer to an address that is none of its own.

    The name is looked up only where the address mapping does not know it.

    Returns:
        by name of the peer that asked, the address and the source of the answer.
    """
    if not peer.addresses or address(entry) or cluster.directory.mapped(entry):
        return {}
    answers = cluster.view(_answers).get(canonical(entry), {})
    own = {str(found) for found in peer.addresses}
    return {
        asked_by: found[0]
        for asked_by, found in answers.items()
        if asked_by != peer.name and not own & {text for text, _ in found}
    }


def _answers(cluster: Cluster) -> dict[str, dict[str, list[tuple[str, int]]]]:
    """Return the addresses peers were told: by name, then by who asked."""
    found: dict[str, dict[str, list[tuple[str, int]]]] = {}
    names = {}
    for query in cluster.rows["dns_queries"]:
        if query.vantage and query.type in ("A", "AAAA", "") and (asking := cluster.find(query.vantage)):
            names[query.source] = (canonical(query.name), asking.name)
    for record in cluster.rows["dns_records"]:
        at = address(record.value) if record.type in ("A", "AAAA") and record.section == "answer" else None
        if at and record.query in names:
            name, asked_by = names[record.query]
            found.setdefault(name, {}).setdefault(asked_by, []).append((str(at), record.source))
    return found
