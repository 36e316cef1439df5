"""Which dumped settings are out of date: the log of the same peer shows a later change of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, cast

from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.model.settings import Superseded, bare
from expdiag.tables import Leaves, Setting
from expdiag.tables.leaves import Block


class Stale(NamedTuple):
    """A setting that was changed after it was dumped.

    Attributes:
        path: the setting, as the dump prints it.
        old: what the dump says.
        new: what it was changed to; never a secret.
        taken: when the dump was taken.
        changed: when the change was logged.
        source: the logged change.
    """

    peer: str
    path: str
    old: str
    new: str
    taken: datetime
    changed: datetime
    source: int


def stale(cluster: Cluster) -> Mapping[int, Stale]:
    """Return what is out of date: by the source of the dumped setting, and by that of the change that takes its place.

    A change that the dump already shows, or whose new value is not told or is a secret, makes nothing stale.
    """
    changed = {peer.name: peer for peer in cluster.peers if peer.settings.changed}
    if not changed:
        return {}
    items = frozenset(item for peer in changed.values() for item in peer.settings.changed)
    found: dict[int, Stale] = {}
    for peer in changed.values():
        for later in peer.settings.out_of_date():
            _add(_stale(peer.name, later), later.row.source, found)
    for row in _rows_of(items, cluster):
        owner = changed.get(cluster.peer_of(row.source) or "")
        if owner and (one := owner.settings.superseded(row)):
            _add(_stale(owner.name, one), row.source, found)
    return found


def _rows_of(items: Collection[str], cluster: Cluster) -> Iterator[Setting]:
    """Yield the settings that changes may be about, by the ends of their paths first: dumps are large."""
    ends = tuple({end for item in items for end in (item[-2:], *(f"{mark}{item[-1:]}" for mark in " _-"))})
    settings = cast("Leaves", cluster.rows["settings"])
    for run in (run for tree in ("configuration", "status") for run in settings.runs(tree, file_number)):
        paths = run.paths.lower().split("\n") if isinstance(run, Block) else [row.path.lower() for row in run]
        for number in [number for number, path in enumerate(paths) if path.endswith(ends)]:
            if bare(paths[number]) in items:
                yield run[number]


def _add(one: Stale, source: int, found: dict[int, Stale]) -> None:
    found.setdefault(source, one)
    found.setdefault(one.source, one)


def _stale(peer: str, later: Superseded) -> Stale:
    row, change = later.row, later.change
    when = change.time or later.taken
    return Stale(peer, row.path, row.value, change.new or "", later.taken, when, change.source)
