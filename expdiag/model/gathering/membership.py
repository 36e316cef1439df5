"""Who belongs to the cluster: names of the peers, those only listed, what `case.toml` adds, and who is primary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count, islice

from expdiag.intake import CaseFile, Dossier
from expdiag.model.facts import Fact
from expdiag.model.gathering.directory import Directory
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.model.products.platforms import is_ambiguous, is_appliance
from expdiag.tables import Issue

MOST_PEERS = 30


def named(peers: Sequence[Peer]) -> list[Peer]:
    """Name peers by host name; where two share it by LAN address; where one has none by system name."""
    hosts = Counter(canonical(p.host_name.value) for p in peers if p.host_name.value)
    found, taken = [], set[str]()
    for number, peer in enumerate(peers, start=1):
        host = canonical(peer.host_name.value) if peer.host_name.value else ""
        lan = str(peer.addresses[0]) if peer.addresses else ""
        system = (peer.system_name.value or "").strip().lower()
        choices = [host if hosts[host] == 1 else "", lan if host else "", system, lan]
        numbered = (f"{host or 'peer'}-{n}" for n in count(number))
        name = next(
            choice for choice in (*choices, *islice(numbered, len(peers) + 1)) if choice and choice not in taken
        )
        taken.add(name)
        found.append(replace(peer, name=name))
    return sorted(found, key=lambda peer: peer.name)


def with_unseen(peers: list[Peer], mapping: Mapping[str, str], dossier: Dossier) -> list[Peer]:
    """Add the peers that the peer list names and no export shows."""
    directory = Directory(peers, mapping)
    names = {
        text: name
        for row in dossier.rows["replication"]
        for text, name in zip(row.addresses, row.names, strict=True)
        if name
    }
    unseen: list[Peer] = []
    listed = _reference_list(peers, directory)
    unmatched = [entry for entry, _ in listed if not directory.all(entry)]
    unlisted = {peer.name for peer in peers}.difference(*(directory.all(entry) for entry, _ in listed))
    if len(unlisted) >= len(unmatched):
        listed = []  # each entry nobody answers to stands where one of these peers should: a fault, not a peer
    for entry, source in listed:
        if not directory.all(entry) and not any(entry in peer.aliases for peer in unseen):
            host = names.get(entry) or ("" if address(entry) else entry)
            name = canonical(host).partition(".")[0] if host else entry
            taken = {peer.name for peer in (*peers, *unseen)}
            name = entry if name in taken else name
            if name in taken or len(taken) >= MOST_PEERS:
                continue
            unseen.append(
                Peer(
                    name=name,
                    seen=False,
                    host_name=Fact(name, (source,)) if host else Fact(),
                    aliases=(entry,),
                )
            )
    if not peers and not unseen:
        unseen = [Peer(name=canonical(name), seen=False, aliases=(name,)) for name in dossier.facts.peers]
    return sorted((*peers, *unseen), key=lambda peer: peer.name)


def _reference_list(peers: Sequence[Peer], directory: Directory) -> list[tuple[str, int]]:
    """Return the entries of the peer list that counts: the primary's, else the one most peers have."""
    configured = {peer.name: peer.listed for peer in peers if peer.peer_list}
    lists = configured or {peer.name: peer.replicated for peer in peers if peer.replicated}
    if not lists:
        return []
    leading = primary(peers, directory)
    if leading and leading.name in lists:
        chosen = lists[leading.name]
    else:
        entries = {name: tuple(fact.value for fact in listed.values()) for name, listed in lists.items()}
        commonest = Counter(entries.values()).most_common(1)[0][0]
        chosen = next(lists[name] for name, said in entries.items() if said == commonest)
    return [(fact.value, fact.sources[0]) for fact in chosen.values() if fact.value]


def primary(peers: Sequence[Peer], directory: Directory) -> Peer | None:
    """Return the peer that most peers' own lists show at their primary index."""
    votes: Counter[str] = Counter()
    for peer in peers:
        place = peer.primary_index.value or 0
        entry = peer.listed.get(place) or peer.replicated.get(place)
        if entry and entry.value and (name := directory.find(entry.value)):
            votes[name] += 1
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return next((peer for peer in peers if peer.name == ranked[0][0]), None)


def address_mapping(peers: Sequence[Peer], facts: CaseFile) -> tuple[dict[str, str], list[Issue]]:
    """Return the cluster address mapping, name to address: what exports show, else what `case.toml` says."""
    shown = {name: fact.value for peer in peers for name, fact in peer.address_mapping.items() if fact.value}
    stated = dict(facts.cluster.address_mapping or {})
    issues = [
        Issue(facts.file, None, "conflict", f"{name} is mapped to {address} here but to {shown[name]} in an export")
        for name, address in stated.items()
        if name in shown and shown[name] != address
    ]
    return {**stated, **shown}, issues


def with_stated_facts(peers: list[Peer], mapping: Mapping[str, str], facts: CaseFile) -> tuple[list[Peer], list[Issue]]:
    """Fill what the exports leave open from `case.toml`; an export that says otherwise wins and is an issue.

    A size stated for an appliance that may be set up as several is how it is set up, not another platform.
    """
    directory = Directory(peers, mapping)
    issues: list[Issue] = []
    by_name = {peer.name: peer for peer in peers}
    for stated_name, stated in facts.peers.items():
        name = directory.find(stated_name)
        if name is None:
            issues.append(Issue(facts.file, None, "unmatched", f'[peers."{stated_name}"] is no peer of this case'))
            continue
        for key in ("type", "platform"):
            value: str | None = getattr(stated, key)
            if value:
                peer, target = by_name[name], key
                if key == "platform" and is_ambiguous(peer.platform.value) and not is_appliance(value):
                    target = "deployment"
                source = facts.sources.get(f"peers.{stated_name}.{key}")
                by_name[name], issue = _stated(peer, target, value, source, facts.file)
                issues += issue
    if mode := facts.cluster.tls_verification_mode:
        source = facts.sources.get("cluster.tls_verification_mode")
        for name, peer in list(by_name.items()):
            by_name[name], issue = _stated(peer, "tls_mode", mode, source, facts.file)
            issues += issue
    return list(by_name.values()), issues


def _stated(peer: Peer, key: str, value: str, source: int | None, file: str) -> tuple[Peer, list[Issue]]:
    shown: Fact[str] = getattr(peer, key)
    if key == "platform" and peer.is_virtual.value and is_appliance(value):
        shown = Fact("a virtual machine", peer.is_virtual.sources)
    if not shown.known:
        return replace(peer, **{key: Fact(value, () if source is None else (source,))}), []  # type: ignore[arg-type]
    if shown.value == value:
        return peer, []
    text = f"{key} of {peer.name} is {value} here, but its exports say {shown.value}; the exports count"
    return peer, [Issue(file, None, "conflict", text)]
