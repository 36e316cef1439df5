"""Which dumped settings are out of date: the log of the same peer shows a later change of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import NamedTuple

from expdiag.model.cluster import Cluster
from expdiag.model.settings import Superseded, bare
from expdiag.tables import Leaves, Setting
from expdiag.tables.leaves import shape


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
    fits = _fitting(frozenset(item for peer in changed.values() for item in peer.settings.changed))
    found = {}
    for row in _rows(cluster, fits):
        peer = changed.get(cluster.peer_of(row.source) or "")
        if peer and (later := peer.settings.superseded(row)):
            one = _stale(peer.name, later)
            found[row.source] = one
            found.setdefault(one.source, one)
    return found


def _rows(cluster: Cluster, fits: Callable[[str, str], bool]) -> list[Setting]:
    settings = cluster.rows["settings"]
    if isinstance(settings, Leaves):
        return list(settings.where(fits))
    return [row for row in settings if fits(row.tree, shape(row.path))]


def _fitting(items: frozenset[str]) -> Callable[[str, str], bool]:
    shapes = frozenset(shape(item) for item in items)

    @cache
    def fits(tree: str, of: str) -> bool:
        return tree in ("configuration", "status") and bare(of) in shapes

    return fits


def _stale(peer: str, later: Superseded) -> Stale:
    row, change = later.row, later.change
    when = change.time or later.taken
    return Stale(peer, row.path, row.value, change.new or "", later.taken, when, change.source)
