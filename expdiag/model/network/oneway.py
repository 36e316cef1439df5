"""Delay in one direction: from two captures of one connection, where time servers tell how far both clocks are off."""

from __future__ import annotations

from dataclasses import dataclass

from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.model.network import matches
from expdiag.statistics import median
from expdiag.tables import NtpExchange

_NOT_SYNCHRONISED = 16


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a capture against true time, in milliseconds: what has to be added to it, give or take an error."""

    offset: float
    error: float
    source: int


@dataclass(frozen=True, slots=True)
class OneWay:
    """The delay from one peer to another, in milliseconds, give or take an error."""

    delay: float
    error: float
    sources: tuple[int, ...]


def one_way(cluster: Cluster) -> dict[tuple[str, str], list[OneWay]]:
    """Return the delays by ordered pair, of connections whose captures both show the way to a time server; a view."""
    clocks = _clocks(cluster)
    found: dict[tuple[str, str], list[OneWay]] = {}
    for row in cluster.view(matches.of_cluster) if clocks else ():
        near, far = clocks.get(file_number(row.source)), clocks.get(file_number(row.source_there))
        client, server = cluster.find(row.client), cluster.find(row.server_there)
        if not near or not far or not client or not server or client is server:
            continue
        ahead = far.offset - near.offset
        sources = (row.source, row.source_there, near.source, far.source)
        for pair, measured, sign in (
            ((client.name, server.name), row.there, 1),
            ((server.name, client.name), row.back, -1),
        ):
            if measured is not None:
                found.setdefault(pair, []).append(OneWay(measured + sign * ahead, near.error + far.error, sources))
    return found


def _clocks(cluster: Cluster) -> dict[int, Clock]:
    """Return the clock of each capture that shows answers of a synchronised time server."""
    answers: dict[int, list[NtpExchange]] = {}
    for row in cluster.rows["ntp_exchanges"]:
        synchronised = row.stratum is not None and 0 < row.stratum < _NOT_SYNCHRONISED
        if row.offset is not None and synchronised and row.root_dispersion is not None:
            answers.setdefault(file_number(row.source), []).append(row)
    return {file: _clock(rows) for file, rows in answers.items()}


def _clock(rows: list[NtpExchange]) -> Clock:
    offset = median([row.offset or 0.0 for row in rows])
    best = min(rows, key=_error)
    return Clock(offset, _error(best), best.source)


def _error(row: NtpExchange) -> float:
    """Return by how much the server may be off, and half of the way to it."""
    return (row.root_dispersion or 0.0) + ((row.root_delay or 0.0) + (row.delay or 0.0)) / 2
