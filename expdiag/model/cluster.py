"""The cluster: its peers, its primary, and which peer a name or address means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from expdiag.evidence import SourceBook, file_number
from expdiag.intake import CaseFile, Dossier
from expdiag.model.gathering import membership
from expdiag.model.gathering.assembly import assemble
from expdiag.model.gathering.directory import Directory
from expdiag.model.memory import Tables
from expdiag.model.names import Address, address
from expdiag.model.network.latency import Paths
from expdiag.model.peers import Peer
from expdiag.tables import Issue

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Cluster:
    """All peers of a case and how they see each other.

    Attributes:
        peers: in order of their names.
        primary: the peer most peers take for the configuration primary; None where the evidence does not tell.
        facts: what `case.toml` says.
        as_of: the clock for validity; None where the evidence holds no time.
        conflicts: what the exports and `case.toml` say against each other.
        rows: every table that was read, by name.
        made_from: names of the tables the peers follow from.
        certificates: the bytes (DER) of the certificates among the rows, by their fingerprints.
    """

    peers: tuple[Peer, ...]
    primary: Peer | None
    facts: CaseFile
    as_of: datetime | None
    conflicts: tuple[Issue, ...]
    peer_of_file: Mapping[int, str]
    directory: Directory
    rows: Tables = field(repr=False, compare=False)
    made_from: frozenset[str] = frozenset()
    certificates: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    def view(self, make: Callable[[Cluster], V]) -> V:
        """Return what `make` gives for this cluster, made once: how rules share what costs something to find out.

        It has to be finished when it is returned: what it reads later is not noted (`memory.Tables`).
        """
        return self.rows.remember(make, lambda: make(self))

    @property
    def paths(self) -> Paths:
        """Round trips between peers."""
        return self.view(_paths)

    @property
    def shows_a_list(self) -> bool:
        """Whether a whole peer list is in the evidence; without one there may be peers nobody knows of."""
        return any(peer.listed and not peer.list_is_cut for peer in self.peers)

    def with_rows(self, **tables: Sequence[Any]) -> Cluster:
        """Return the cluster with other rows in some tables, the same peers, and what was worked out without those."""
        return replace(self, rows=self.rows.changed(tables))

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


def build(dossier: Dossier) -> Cluster:
    """Return the cluster a dossier shows."""
    rows = Tables(dossier.rows)
    cluster = rows.remember(build, lambda: _build(replace(dossier, rows=rows), rows))
    return replace(cluster, made_from=rows.read_by(build))


def _build(dossier: Dossier, rows: Tables) -> Cluster:
    exported, issues = assemble(dossier)
    mapping, contradicted = membership.address_mapping(exported, dossier.facts)
    issues += contradicted
    most = membership.MOST_PEERS
    if len(exported) > most:
        text = f"exports of {len(exported)} peers; a cluster has at most six, and only the first {most} are judged"
        issues.append(Issue(dossier.name, None, "too-many", text))
    peers = membership.named(exported[:most])
    peers = membership.with_unseen(peers, mapping, dossier)
    peers, stated = membership.with_stated_facts(peers, mapping, dossier.facts)
    directory = Directory(peers, mapping)
    return Cluster(
        peers=tuple(peers),
        primary=membership.primary(peers, directory),
        facts=dossier.facts,
        as_of=dossier.as_of,
        conflicts=(*issues, *stated),
        peer_of_file={file: peer.name for peer in peers for file in peer.files},
        directory=directory,
        rows=rows,
        certificates=dossier.certificates,
    )


def runs_to_nobody(cluster: Cluster, sources: SourceBook) -> list[Issue]:
    """Report round trips from a peer to an address that is no known peer's: no rule can use them."""
    return [
        Issue(
            sources[run.source].file,
            sources[run.source].line,
            "unmatched",
            f"a run to {run.address or run.target}, which is no peer that is known; an address_mapping may tell",
        )
        for run in cluster.rows["round_trips"]
        if run.tool != "capture"  # which sees everything a peer talks to
        and run.vantage
        and cluster.directory.find(run.vantage)
        and not cluster.directory.all(run.address or run.target)
    ]


def _paths(cluster: Cluster) -> Paths:
    addresses = _clustered_addresses(cluster.peers, cluster.directory)
    return Paths(cluster.rows["round_trips"], cluster.directory.find, addresses)


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
