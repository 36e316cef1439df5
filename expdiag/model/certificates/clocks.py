"""Clocks of the peers: one that cannot be right by what the same export holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.model.gathering import filenames
from expdiag.model.peers import Peer
from expdiag.tables import Certificate

_MARGIN = timedelta(days=1)  # a status may print local time, and a certificate may be made for tomorrow


@dataclass(frozen=True, slots=True)
class Clock:
    """What the clock of a peer showed when its status was exported."""

    time: datetime
    source: int


def out_of(cluster: Cluster, peer: Peer, certificate: Certificate) -> Clock | None:
    """Return the clock of a peer where a certificate in the same export is not valid for it; None where it is.

    A status and a certificate that were exported at different times tell nothing of a clock.
    """
    clock = clock_of(peer)
    if clock is None or certificate.not_before is None or certificate.not_after is None:
        return None
    if certificate.not_before - _MARGIN <= clock.time <= certificate.not_after + _MARGIN:
        return None
    places = {_export_of(cluster, source) for source in (clock.source, certificate.source)}
    return clock if len(places) == 1 and None not in places else None


def clock_of(peer: Peer) -> Clock | None:
    """Return the time a status of a peer shows."""
    shown = peer.settings.value("system_time")
    try:
        time = datetime.fromisoformat((shown.value or "").strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return Clock(time if time.tzinfo else time.replace(tzinfo=UTC), shown.sources[0])


def _export_of(cluster: Cluster, source: int) -> tuple[str, str] | None:
    return cluster.view(_exports).get(file_number(source))


def _exports(cluster: Cluster) -> dict[int, tuple[str, str]]:
    return {file_number(row.source): filenames.generation(row.file) for row in cluster.rows["files"]}
