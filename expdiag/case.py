"""A case: everything read, and the cluster it shows. Nothing in it changes after loading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expdiag import intake, tables
from expdiag.errors import UnknownNameError
from expdiag.evidence import SourceBook
from expdiag.intake import Dossier
from expdiag.model import cluster as clusters
from expdiag.model.cluster import Cluster
from expdiag.model.network import matches
from expdiag.progress import Tell
from expdiag.tables import FieldFound, Issue, MatchedConnection

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

    from expdiag.findings import Findings
    from expdiag.graphs.peers import PeerGraph


def load(*paths: str | Path, progress: Tell | None = None) -> Case:
    """Read a case from folders, archives or files.

    Args:
        paths: where they are.
        progress: called with bytes read, bytes of all, and the file that is read. Without it a large case shows how
            far it is on a terminal and in a notebook; `expdiag.progress.silent` keeps it quiet.

    Raises:
        NothingReadableError: nothing in them is in a known format.
        CaseFileError: `case.toml` has an unknown key or value.
    """
    return Case(intake.read(paths, progress))


class Case:
    """A customer's cluster as the evidence shows it.

    Attributes:
        dossier: the rows as they were read.
        tables: each table as a DataFrame, `case.tables["round_trips"]`.
    """

    def __init__(self, dossier: Dossier) -> None:
        self.dossier = dossier
        self.tables = Tables(self)

    @property
    def name(self) -> str:
        """Name of the case."""
        return self.dossier.name

    @property
    def as_of(self) -> datetime | None:
        """The clock for validity checks; None where nothing in the evidence holds a time."""
        return self.dossier.as_of

    @property
    def sources(self) -> SourceBook:
        """Opens source ids: `case.sources[id]` is the file, the line and its text."""
        return self.dossier.sources

    @cached_property
    def cluster(self) -> Cluster:
        """The peers and how they see each other."""
        return clusters.build(self.dossier)

    @cached_property
    def all_issues(self) -> tuple[Issue, ...]:
        """Issues of reading, then of putting the evidence together."""
        clocks = matches.clock_issues(self.matched_connections, lambda source: self.sources[source].file)
        to_nobody = clusters.runs_to_nobody(self.cluster, self.sources)
        return (*self.dossier.rows["issues"], *self.cluster.conflicts, *to_nobody, *clocks)

    @property
    def matched_connections(self) -> tuple[MatchedConnection, ...]:
        """Connections that two captures show."""
        return self.cluster.view(matches.of_cluster)

    @cached_property
    def fields(self) -> tuple[FieldFound, ...]:
        """Every fact of every peer, and where it was found or looked for."""
        from expdiag.model import fields

        return fields.table(self.cluster, self.sources)

    def with_rows(self, **tables: Sequence[Any]) -> Case:
        """Return the case with other rows in some tables; this one is not changed.

        Verdicts that were reached without reading those tables are kept, and so are the peers, where they do not follow
        from them.
        """
        changed = Case(replace(self.dossier, rows={**self.dossier.rows, **tables}))
        if self.cluster.made_from.isdisjoint(tables):
            changed.__dict__["cluster"] = self.cluster.with_rows(**tables)
        return changed

    @property
    def issues(self) -> pd.DataFrame:
        """What was not understood, refused, or contradicts itself."""
        return self.tables["issues"]

    @property
    def peers(self) -> pd.DataFrame:
        """One row per peer: name, type, version, platform, address, whether it is the primary, whether it was seen."""
        from expdiag.tables.shown import ShownFrame

        rows = [
            {
                "peer": peer.name,
                "type": peer.type.value,
                "version": str(peer.version.value) if peer.version.value else None,
                "platform": peer.platform.value,
                "address": str(peer.addresses[0]) if peer.addresses else None,
                "primary": peer is self.cluster.primary,
                "exports": peer.seen,
            }
            for peer in self.cluster.peers
        ]
        columns = ["peer", "type", "version", "platform", "address", "primary", "exports"]
        return ShownFrame(rows, columns=columns).set_index("peer")

    @cached_property
    def findings(self) -> Findings:
        """The verdicts of all rules."""
        from expdiag.rules import engine

        return engine.check(self)

    def graph(self) -> PeerGraph:
        """Return the peers as a directed networkx graph; see `expdiag.graphs.peers.peer_graph`."""
        from expdiag.graphs.peers import peer_graph

        return peer_graph(self.cluster, self.findings)

    def hop_graph(self) -> nx.DiGraph:
        """Return all traces as one directed networkx graph; see `expdiag.graphs.hops.hop_graph`."""
        from expdiag.graphs.hops import hop_graph

        return hop_graph(self.cluster)

    def _repr_html_(self) -> str:
        from expdiag.show import display

        return display.of_case(self)

    def __repr__(self) -> str:
        peers = ", ".join(peer.name for peer in self.cluster.peers) or "no peers"
        return f"<Case {self.name}: {peers}; {len(self.all_issues)} issue(s)>"


class Tables(Mapping[str, "pd.DataFrame"]):
    """The tables of a case by name, each made into a DataFrame when first asked for."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._frames: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in tables.TABLES:
            raise UnknownNameError("table", name, tables.TABLES)
        if name not in self._frames:
            self._frames[name] = tables.frame(name, self.rows(name), self._case.cluster.peer_of)
        return self._frames[name]

    def rows(self, name: str) -> Sequence[Any]:
        """Return the rows of a table as named tuples."""
        if name == "issues":
            return self._case.all_issues
        if name == "matched_connections":
            return self._case.matched_connections
        return self._case.fields if name == "fields" else self._case.dossier.rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tables.TABLES)

    def __len__(self) -> int:
        return len(tables.TABLES)

    def __repr__(self) -> str:
        return "\n".join(f"{name:24}{len(self.rows(name)):>8} rows" for name in self)
