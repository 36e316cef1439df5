"""Upgrades that a log tells of and a dump does not show yet."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.model.versions import Release, release
from expdiag.tables import Upgrade


class Later(NamedTuple):
    """An upgrade that was logged after a peer's dump was taken: the release it names, when, and where."""

    version: Release
    time: datetime
    source: int


def after_the_dumps(cluster: Cluster) -> dict[str, Later]:
    """Return by peer the newest upgrade to another release that is logged after the dump that shows its release.

    A dump whose time is not known is not held against a log. Give it to `Cluster.view`.
    """
    dumped = {file_number(row.source): row.last_time for row in cluster.rows["files"]}
    logged: dict[str, list[Upgrade]] = {}
    for row in cluster.rows["upgrades"]:
        if row.time and row.versions and (name := cluster.peer_of(row.source)):
            logged.setdefault(name, []).append(row)
    found = {}
    for peer in cluster.peers:
        for row in sorted(logged.get(peer.name, ()), key=lambda row: row.time or datetime.min):
            taken = next((dumped.get(file_number(source)) for source in peer.version.sources), None)
            version = release(row.versions[-1])
            if taken and row.time and row.time > taken and version and version != peer.version.value:
                found[peer.name] = Later(version, row.time, row.source)
    return found
