"""Connections that go on from one capture file of an interface to the next, as rotation parts them, made one row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from expdiag.evidence import SourceBook, file_number
from expdiag.tables import Connection

# Names of files, and what all of one interface have in common
_ROTATED = (
    # eth0_diagnostic_logging_tcpdump01_e1_2026-05-01_12:00:00.pcap: one number and one time a file
    re.compile(r"^(?P<series>.*tcpdump)\d+(?P<host>_.*?)(?:_20\d\d(?!\d).*)?\.pcap(?:ng)?$"),
    # cluster_00002_20260501120000.pcapng of Wireshark
    re.compile(r"^(?P<series>.*)_\d{5}_\d{14}\.pcap(?P<host>)(?:ng)?$"),
    # cluster.pcap, cluster.pcap1 of tcpdump -C
    re.compile(r"^(?P<series>.*\.pcap)\d*(?P<host>)$"),
)
_EARLIEST = datetime.min.replace(tzinfo=UTC)

Ends = frozenset[tuple[str, int]]


def joined(connections: Sequence[Connection], sources: SourceBook) -> list[Connection]:
    """Return the connections, each that goes on in a later file of its interface at the place of its beginning."""
    series = {number: _series(name) for number, name in sources.files.items()}
    rows: dict[int, Connection] = dict(enumerate(connections))
    latest: dict[tuple[str, Ends], int] = {}
    for place in sorted(rows, key=lambda place: connections[place].first_time or _EARLIEST):
        row = connections[place]
        if not (name := series[file_number(row.source)]):
            continue
        known = latest.get(key := (name, _ends(row)))
        if known is not None and _goes_on(rows[known], row):
            rows[known] = _continued(rows[known], row)
            del rows[place]
        else:
            latest[key] = place
    return list(rows.values())


def _series(name: str) -> str:
    """Return what the files of one interface have in common; empty for a file that is one of no series."""
    found = next((found for pattern in _ROTATED if (found := pattern.match(name))), None)
    return found["series"] + found["host"] if found else ""


def _ends(row: Connection) -> Ends:
    return frozenset(((row.client, row.client_port), (row.server, row.port)))


def _goes_on(first: Connection, later: Connection) -> bool:
    """Whether a row is of the same connection: without a SYN, or with the same one sent again, in a later file."""
    if not first.last_time or not later.first_time or later.first_time < first.last_time:
        return False
    repeats = later.client_isn is not None and later.client_isn == first.client_isn
    return file_number(first.source) != file_number(later.source) and (later.outcome == "joined" or repeats)


def _continued(first: Connection, later: Connection) -> Connection:
    """Return a connection with what a later file shows of it."""
    rest = later if later.client == first.client else _turned(later)
    syn_ack_time, ack_time = first.syn_ack_time or rest.syn_ack_time, first.ack_time or rest.ack_time
    if (
        first.syn_ack_time
        and not ack_time
        and not rest.syn_acks
        and rest.packets_to_server > (rest.reset_by == "client")
    ):
        ack_time = rest.first_time  # nobody but the client sends before it acknowledges the SYN-ACK
    syns, syn_acks = first.syns + rest.syns, first.syn_acks + rest.syn_acks
    far_half, near_half = first.far_half, first.near_half
    if far_half is None and syns == 1:
        far_half = _between(first.syn_time, syn_ack_time)
    if near_half is None and syn_acks == 1:
        near_half = _between(syn_ack_time, ack_time)
    whole = first._replace(
        syn_ack_time=syn_ack_time,
        ack_time=ack_time,
        far_half=far_half,
        near_half=near_half,
        rtt=None if far_half is None or near_half is None else far_half + near_half,
        syns=syns,
        syn_acks=syn_acks,
        retransmissions_to_server=first.retransmissions_to_server + rest.retransmissions_to_server,
        retransmissions_to_client=first.retransmissions_to_client + rest.retransmissions_to_client,
        reset_by=first.reset_by or rest.reset_by,
        reset_ttl=rest.reset_ttl if first.reset_ttl is None else first.reset_ttl,
        closed=first.closed or rest.closed,
        server_isn=rest.server_isn if first.server_isn is None else first.server_isn,
        server_mss=rest.server_mss if first.server_isn is None else first.server_mss,
        server_ttl=rest.server_ttl if first.server_ttl is None else first.server_ttl,
        packets_to_server=first.packets_to_server + rest.packets_to_server,
        packets_to_client=first.packets_to_client + rest.packets_to_client,
        bytes_to_server=first.bytes_to_server + rest.bytes_to_server,
        bytes_to_client=first.bytes_to_client + rest.bytes_to_client,
        last_time=rest.last_time,
    )
    outcome = _outcome(whole, first.outcome)
    return whole._replace(outcome=outcome, said_by=whole.server if outcome == "refused" else first.said_by)


def _outcome(whole: Connection, before: str) -> str:
    if before not in ("cut", "half-open", "no-answer"):
        return before
    if whole.ack_time:
        return "established"
    if whole.syn_ack_time:
        return "half-open"
    return "refused" if whole.reset_by == "server" else before


def _turned(row: Connection) -> Connection:
    """Return a row with its ends exchanged: without a SYN, who called is only told by the ports."""
    return row._replace(
        reset_by={"client": "server", "server": "client"}.get(row.reset_by, ""),
        server_ttl=row.client_ttl,
        retransmissions_to_server=row.retransmissions_to_client,
        retransmissions_to_client=row.retransmissions_to_server,
        packets_to_server=row.packets_to_client,
        packets_to_client=row.packets_to_server,
        bytes_to_server=row.bytes_to_client,
        bytes_to_client=row.bytes_to_server,
    )


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() * 1000 if start and end and end >= start else None
