"""What a window of packets holds of each connection: sums of all connections at once, packets one by one on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from expdiag.intake.capture.connection import Connection, Flow, Reset
from expdiag.intake.capture.headers import Flags
from expdiag.intake.capture.stream import Ints, rows
from expdiag.intake.capture.tcp import FIN, RST, SERIAL, SYN, Segments
from expdiag.intake.capture.tls import Segment


class Way(NamedTuple):
    """What the packets in one direction come to; places are -1 where there is none."""

    packets: int
    bytes: int
    repeated: int
    first: int
    last_data: int


class Total(NamedTuple):
    """What the packets of one connection in one window come to, its server told by the ports."""

    start: int
    end: int
    first_time: int
    last_time: int
    fins: int
    reset: int
    to_server: Way
    to_client: Way


def totals(found: Segments) -> Iterator[Total]:
    """Yield what the packets of each connection come to."""
    to_server, data = found.to_server, found.size > 0
    count = len(to_server)
    places = np.arange(count)

    def total(values: Ints | Flags) -> Ints:
        summed: Ints = np.add.reduceat(values, found.starts, dtype=np.int64)
        return summed

    def first(which: Flags) -> Ints:
        least = np.minimum.reduceat(np.where(which, places, count), found.starts)
        return np.where(least == count, -1, least)

    def last(which: Flags) -> Ints:
        latest: Ints = np.maximum.reduceat(np.where(which, places, -1), found.starts)
        return latest

    def way(goes: Flags) -> tuple[Ints, ...]:
        return total(goes), total(found.size * goes), total(found.repeated & goes), first(goes), last(data & goes)

    columns = (
        found.starts,
        found.ends,
        np.minimum.reduceat(found.time, found.starts),
        np.maximum.reduceat(found.time, found.starts),
        total(found.flags & FIN),
        first(found.flags & RST != 0),
        *way(to_server),
        *way(~to_server),
    )
    for start, end, begin, latest, fins, reset, *ways in rows(*columns):
        yield Total(start, end, begin, latest, fins, reset, Way(*ways[:5]), Way(*ways[5:]))


@dataclass(slots=True)
class Share:
    """The packets of one connection in one window; `turned`: its server is not the end the ports told."""

    found: Segments
    total: Total
    turned: bool

    @property
    def _part(self) -> slice:
        return slice(self.total.start, self.total.end)

    @property
    def _goes_to_server(self) -> Flags:
        goes: Flags = self.found.to_server[self._part] != self.turned
        return goes

    def add_to(self, connection: Connection) -> None:
        """Add the sums to a connection."""
        total = self.total
        ways = (total.to_client, total.to_server) if self.turned else (total.to_server, total.to_client)
        for flow, way in zip((connection.to_server, connection.to_client), ways, strict=True):
            self._add_way(flow, way)
        connection.last_time = max(connection.last_time, total.last_time)
        connection.first_time = min(connection.first_time, total.first_time)
        connection.fins += total.fins
        if connection.reset is None and total.reset >= 0:
            connection.reset = self._reset()

    def _add_way(self, flow: Flow, way: Way) -> None:
        found = self.found
        flow.packets += way.packets
        flow.bytes += way.bytes
        flow.repeated += way.repeated
        if flow.ttl is None and way.first >= 0:
            flow.ttl = found.packets.ttl(found.place[way.first])
        if way.last_data >= 0:
            flow.next = int(found.sequence[way.last_data] + found.size[way.last_data]) % SERIAL

    def _reset(self) -> Reset:
        found, at = self.found, self.total.reset
        place = found.place[at]
        return Reset(
            number=int(found.packets.number[place]),
            time=int(found.time[at]),
            by_server=bool(found.to_server[at]) == self.turned,
            ttl=found.packets.ttl(place),
        )

    def count_repeated(self, connection: Connection) -> None:
        """Count data that was already sent in an earlier window."""
        found, part, goes = self.found, self._part, self._goes_to_server
        news = (found.size[part] > 1) & ~found.repeated[part]
        for flow, mine in ((connection.to_server, goes), (connection.to_client, ~goes)):
            if flow.next is not None:
                behind = (flow.next - found.sequence[part]) % SERIAL
                flow.repeated += int(np.count_nonzero(mine & news & (behind > 0) & (behind < SERIAL // 2)))

    def hand_over(self, connection: Connection) -> None:
        """Hand packets over one by one until nothing more is to be learned from them."""
        found, packets, part = self.found, self.found.packets, self._part
        for place, number, time, to_server, flags, sequence, acknowledged, size, at, got in rows(
            found.place[part],
            packets.number[found.place[part]],
            found.time[part],
            self._goes_to_server,
            found.flags[part],
            found.sequence[part],
            found.acknowledged[part],
            found.size[part],
            found.at[part],
            found.got[part],
        ):
            if not size and connection.answered and not flags & SYN:
                continue
            payload = packets.data[at : at + got].tobytes() if got and connection.may_be_tls else b""
            packet = Segment(number, time, to_server, flags, sequence, acknowledged, size, payload)
            ttl, options = 0, b""
            if flags & SYN:
                ttl = packets.ttl(place)
                options = packets.data[packets.at[place] + 20 : min(at, packets.end[place])].tobytes()
            connection.take(packet, ttl, options)
            if not connection.watched:
                return
