"""The cluster: its peers, its primary, and which peer a name or address means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count, islice
from typing import TypeVar

from expdiag.evidence import file_number
from expdiag.intake import CaseFile, Dossier
from expdiag.model.assembly import assemble
from expdiag.model.facts import Fact
from expdiag.model.latency import Paths
from expdiag.model.names import Address, address, canonical
from expdiag.model.peers import TLS_MODES, Peer
from expdiag.model.platforms import is_ambiguous, is_appliance
from expdiag.tables import Issue

V = TypeVar("V")
_MOST_PEERS = 30


@dataclass(frozen=True, slots=True)
class Cluster:
    """All peers of a case and how they see each other.

    Attributes:
        peers: in order of their names.
        primary: the peer most peers take for the configuration primary; None where the evidence does not tell.
        facts: what `case.toml` says.
        as_of: the clock for validity; None where the evidence holds no time.
        paths: round trips between peers.
        issues: what the parts of the evidence say against each other.
    """

    peers: tuple[Peer, ...]
    primary: Peer | None
    facts: CaseFile
    as_of: datetime | None
    paths: Paths
    issues: tuple[Issue, ...]
    peer_of_file: Mapping[int, str]
    directory: Directory

    def peer_of(self, source: int) -> str | None:
        """Return the name of the peer whose export a source lies in, None for other files."""
        return self.peer_of_file.get(file_number(source))

    def find(self, text: str) -> Peer | None:
        """Return the peer a name or address means, None where it means none or several."""
        name = self.directory.find(text)
        return next((peer for peer in self.peers if peer.name == name), None)

    def address_of(self, entry: str) -> Address | None:
        """Return the address an entry of a peer list leads to: itself, or what the address mapping says.

        A name that only DNS can resolve gives None.
        """
        return address(entry) or self.directory.mapped(entry)

    def pairs(self) -> list[tuple[Peer, Peer]]:
        """Return every unordered pair of peers, each sorted by name."""
        return [(a, b) for i, a in enumerate(self.peers) for b in self.peers[i + 1 :]]

    def ordered_pairs(self) -> list[tuple[Peer, Peer]]:
        """Return every ordered pair of peers."""
        return [(a, b) for a in self.peers for b in self.peers if a is not b]

    def odd_ones_out(self, values: Mapping[str, V]) -> tuple[str, ...]:
        """Return the peers whose value differs from the primary's, else from the majority's.

        Empty where there is neither a primary with a value nor a majority.
        """
        if self.primary and self.primary.name in values:
            wanted = values[self.primary.name]
        else:
            ranked = Counter(values.values()).most_common(2)
            if len(ranked) == 2 and ranked[0][1] == ranked[1][1]:
                return ()
            wanted = ranked[0][0]
        return tuple(name for name, value in values.items() if value != wanted)


class Directory:
    """Which peer a name or address means."""

    def __init__(self, peers: Iterable[Peer], mapping: Mapping[str, str]) -> None:
        self._surely: dict[str, set[str]] = {}
        self._perhaps: dict[str, set[str]] = {}
        self._without_domain: dict[str, set[str]] = {}  # by host name; any domain may be theirs
        self._mapping = {canonical(name): address(text) for name, text in mapping.items()}
        for peer in peers:
            self._learn(peer)

    def _learn(self, peer: Peer) -> None:
        for found in peer.addresses:
            self._surely.setdefault(str(found), set()).add(peer.name)
        for name in (peer.name, peer.host_name.value, peer.fqdn.value):
            if name:
                self._surely.setdefault(canonical(name), set()).add(peer.name)
        if peer.host_name.value and not peer.domain.known:
            self._without_domain.setdefault(canonical(peer.host_name.value), set()).add(peer.name)
        mapped = [at for name in (peer.fqdn.value, *peer.aliases) if name and (at := self.mapped(name))]
        for text in (peer.system_name.value, *map(str, (*peer.nat_addresses, *mapped)), *peer.aliases):
            if text:
                self._perhaps.setdefault(_key(text), set()).add(peer.name)

    def mapped(self, entry: str) -> Address | None:
        """Return the address the cluster address mapping gives a name."""
        return self._mapping.get(canonical(entry))

    def find(self, text: str) -> str | None:
        """Return the name of the one peer a text means, None for none or several."""
        return next((next(iter(names)) for names in self._candidates(text) if len(names) == 1), None)

    def all(self, text: str) -> set[str]:
        """Return the names of all peers a text may mean."""
        return set[str]().union(*self._candidates(text))

    def _candidates(self, text: str) -> list[set[str]]:
        """Return whom a text may mean, surest reading first: own names, the address mapping, names others use."""
        key, mapped = _key(text), self.mapped(text)
        return [
            self._surely.get(key, set()),
            self._surely.get(str(mapped), set()) if mapped else set(),
            self._perhaps.get(key, set()),
            self._perhaps.get(str(mapped), set()) if mapped else set(),
            self._without_domain.get(key.partition(".")[0], set()) if address(text) is None else set(),
        ]


def _key(text: str) -> str:
    found = address(text)
    return str(found) if found else canonical(text)


def build(dossier: Dossier) -> Cluster:
    """Return the cluster a dossier shows."""
    mapping = dossier.facts.cluster.address_mapping or {}
    exported, issues = assemble(dossier)
    if len(exported) > _MOST_PEERS:
        text = (
            f"exports of {len(exported)} peers; a cluster has at most six, and only the first {_MOST_PEERS} are judged"
        )
        issues.append(Issue(dossier.name, None, "too-many", text))
    peers = _named(exported[:_MOST_PEERS])
    peers = _with_unseen(peers, mapping, dossier)
    peers, stated = _with_stated_facts(peers, mapping, dossier.facts)
    directory = Directory(peers, mapping)
    return Cluster(
        peers=tuple(peers),
        primary=_primary(peers, directory),
        facts=dossier.facts,
        as_of=dossier.as_of,
        paths=Paths(dossier.rows["round_trips"], directory.find, _clustered_addresses(peers, directory)),
        issues=(*issues, *stated, *_runs_to_nobody(dossier, directory)),
        peer_of_file={file: peer.name for peer in peers for file in peer.files},
        directory=directory,
    )


def _runs_to_nobody(dossier: Dossier, directory: Directory) -> list[Issue]:
    """Report round trips from a peer to an address that is no known peer's: no rule can use them."""
    return [
        Issue(
            dossier.sources[run.source].file,
            dossier.sources[run.source].line,
            "unmatched",
            f"a run to {run.address or run.target}, which is no peer that is known; an address_mapping may tell",
        )
        for run in dossier.rows["round_trips"]
        if run.vantage and directory.find(run.vantage) and not directory.all(run.address or run.target)
    ]


def _named(peers: Sequence[Peer]) -> list[Peer]:
    """Name peers by host name; where two share it by LAN address; where one has none by system name."""
    hosts = Counter(canonical(p.host_name.value) for p in peers if p.host_name.value)
    named, taken = [], set[str]()
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
        named.append(replace(peer, name=name))
    return sorted(named, key=lambda peer: peer.name)


def _with_unseen(peers: list[Peer], mapping: Mapping[str, str], dossier: Dossier) -> list[Peer]:
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
            if name in taken or len(taken) >= _MOST_PEERS:
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
    primary = _primary(peers, directory)
    if primary and primary.name in lists:
        chosen = lists[primary.name]
    else:
        entries = {name: tuple(fact.value for fact in listed.values()) for name, listed in lists.items()}
        commonest = Counter(entries.values()).most_common(1)[0][0]
        chosen = next(lists[name] for name, said in entries.items() if said == commonest)
    return [(fact.value, fact.sources[0]) for fact in chosen.values() if fact.value]


def _clustered_addresses(peers: Iterable[Peer], directory: Directory) -> dict[str, frozenset[Address]]:
    """Return the addresses each peer is clustered on: its LAN 1, and what the peer lists make of its entries.

    A peer of which neither is known is left out.
    """
    found: dict[str, set[Address]] = {peer.name: set(peer.lan.addresses) for peer in peers}
    for peer in peers:
        for entry in peer.peer_list:
            name, at = directory.find(entry), address(entry) or directory.mapped(entry)
            if name and at:
                found[name].add(at)
    return {name: frozenset(addresses) for name, addresses in found.items() if addresses}


def _primary(peers: Sequence[Peer], directory: Directory) -> Peer | None:
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


def _with_stated_facts(
    peers: list[Peer], mapping: Mapping[str, str], facts: CaseFile
) -> tuple[list[Peer], list[Issue]]:
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
            by_name[name], issue = _stated(peer, "tls_mode", TLS_MODES[mode.lower()], source, facts.file)
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
