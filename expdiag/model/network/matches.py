"""Connections that two captures show: the way between them, their clocks, and what happens to packets on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import combinations

from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.statistics import median
from expdiag.tables import Connection, Issue, MatchedConnection

PeerOf = Callable[[int], str | None]
# Segments of this size on average, sent again and again, are what a path MTU below that of the ends leaves behind
_LARGE_SEGMENT = 1000
_OFTEN = 2
_BOTH_SIDES_OF_NAT = 2
_CLOCKS_DIFFER = 50.0


def of_cluster(cluster: Cluster) -> tuple[MatchedConnection, ...]:
    """Return the connections of a cluster that two captures show; a view."""
    return matched(cluster.rows["connections"], cluster.peer_of)


def matched(connections: Iterable[Connection], peer_of: PeerOf) -> tuple[MatchedConnection, ...]:
    """Return each connection that two captures of different files show, once for each two."""
    by_identity: dict[tuple[int, int], list[Connection]] = {}
    for row in connections:
        if row.client_isn is not None and row.server_isn is not None:
            by_identity.setdefault((row.client_isn, row.server_isn), []).append(row)
    return tuple(row for seen in by_identity.values() for row in _pairs(seen, peer_of))


def _pairs(seen: Sequence[Connection], peer_of: PeerOf) -> Iterator[MatchedConnection]:
    for alike in _with_equal_ends(seen) if _is_by_chance(seen) else [seen]:
        for one, other in combinations(alike, 2):
            if file_number(one.source) != file_number(other.source) and not _is_swapped(one, other):
                near, far = sorted((one, other), key=_distance_to_server, reverse=True)
                yield _match(near, far, peer_of)


def _with_equal_ends(seen: Sequence[Connection]) -> Iterable[list[Connection]]:
    by_ends: dict[tuple[str, int, str, int], list[Connection]] = {}
    for row in seen:
        by_ends.setdefault(_ends(row), []).append(row)
    return by_ends.values()


def _is_by_chance(seen: Sequence[Connection]) -> bool:
    """Whether the sequence numbers tell nothing: one capture shows them in connections that share no end.

    Made or anonymised captures begin every connection at one number.
    """
    in_file: dict[int, set[tuple[str, int, str, int]]] = {}
    for row in seen:
        in_file.setdefault(file_number(row.source), set()).add(_ends(row))
    return any(
        len(ends) > _BOTH_SIDES_OF_NAT
        or any(one[:2] != other[:2] and one[2:] != other[2:] for one in ends for other in ends)
        for ends in in_file.values()
    )


def _is_swapped(one: Connection, other: Connection) -> bool:
    """Whether who calls in one capture is called in the other, which no translation does."""
    return one.client == other.server or one.server == other.client


def _ends(row: Connection) -> tuple[str, int, str, int]:
    return row.client, row.client_port, row.server, row.port


def _distance_to_server(row: Connection) -> float:
    return row.far_half if row.far_half is not None else 0.0


def _match(near: Connection, far: Connection, peer_of: PeerOf) -> MatchedConnection:
    there, back = _ways(near, far)
    lost_there, lost_back = _lost(near, far)
    ends, ends_there = (near.client, near.server, near.port), (far.client, far.server, far.port)
    return MatchedConnection(
        peer=peer_of(near.source),
        far_peer=peer_of(far.source),
        client=near.client,
        server=near.server,
        port=near.port,
        client_there=far.client,
        server_there=far.server,
        port_there=far.port,
        translated=ends != ends_there,
        one_way=None if there is None or back is None else (there + back) / 2,
        there=there,
        back=back,
        offset=None if there is None or back is None else (there - back) / 2,
        lost_there=lost_there,
        lost_back=lost_back,
        stalled=_stalled(near, far, lost_there),
        source=near.source,
        source_there=far.source,
    )


def _ways(near: Connection, far: Connection) -> tuple[float | None, float | None]:
    """Return how long the SYN took one way and the SYN-ACK the other; None where it was not sent just once."""
    there = _between(near.syn_time, far.syn_time) if near.syns == far.syns == 1 else None
    back = _between(far.syn_ack_time, near.syn_ack_time) if near.syn_acks == far.syn_acks == 1 else None
    return there, back


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() * 1000 if start and end else None


def _lost(near: Connection, far: Connection) -> tuple[int | None, int | None]:
    """Return how many packets passed one capture only, of a connection that both show from beginning to end."""
    if not (near.closed and far.closed and near.syn_time and far.syn_time):
        return None, None
    return (
        max(near.packets_to_server - far.packets_to_server, 0),
        max(far.packets_to_client - near.packets_to_client, 0),
    )


def _stalled(near: Connection, far: Connection, lost_there: int | None) -> bool:
    """Whether large segments to the server pass the near capture again and again and never the far one."""
    lost = near.packets_to_server - far.packets_to_server if lost_there is None else lost_there
    bytes_lost = near.bytes_to_server - far.bytes_to_server
    is_open = near.outcome == "established" and near.retransmissions_to_server >= _OFTEN
    return is_open and lost >= _OFTEN and bytes_lost / lost >= _LARGE_SEGMENT


def clock_issues(rows: Iterable[MatchedConnection], file_of: Callable[[int], str]) -> list[Issue]:
    """Report peers whose captures have clocks that differ by more than 50 ms."""
    offsets: dict[tuple[str, str], list[float]] = {}
    first: dict[tuple[str, str], MatchedConnection] = {}
    for row in rows:
        if row.offset is not None and row.peer and row.far_peer and row.peer != row.far_peer:
            in_order = row.peer < row.far_peer
            key = (row.peer, row.far_peer) if in_order else (row.far_peer, row.peer)
            offsets.setdefault(key, []).append(row.offset if in_order else -row.offset)
            first.setdefault(key, row)
    return [
        Issue(file_of(first[pair].source), None, "clock", _clocks_differ(*pair, median(found), len(found)))
        for pair, found in offsets.items()
        if abs(median(found)) > _CLOCKS_DIFFER
    ]


def _clocks_differ(one: str, other: str, offset: float, connections: int) -> str:
    how = "ahead of" if offset > 0 else "behind"
    return (
        f"the clock of {other} is about {abs(offset):.0f} ms {how} that of {one}: told by {connections} connection(s) "
        "that captures of both show"
    )
