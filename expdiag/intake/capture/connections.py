"""TCP connections: how each was opened, what it carried, how it ended. Only openings are looked at one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from expdiag.intake.capture import services
from expdiag.intake.capture.headers import Flags, Packets
from expdiag.intake.capture.stamps import between
from expdiag.intake.capture.stream import NO_TIME, Ints, rows
from expdiag.intake.capture.tcp import ACK, FIN, RST, SYN, Key, Segments, segments
from expdiag.intake.capture.tls import Handshake, Segment, Store

_SERIAL = 1 << 32


@dataclass(slots=True)
class Flow:
    """What one direction of a connection carried."""

    packets: int = 0
    bytes: int = 0
    repeated: int = 0
    ttl: int | None = None
    next: int | None = None


@dataclass(slots=True)
class Opening:
    """A SYN or a SYN-ACK: the first of them, and how often it was sent before it was answered."""

    number: int
    time: int
    sequence: int
    mss: int | None
    ttl: int
    sent: int = 1
    sent_before_answer: int = 1


@dataclass(slots=True)
class Reset:
    """The first reset of a connection."""

    number: int
    time: int
    by_server: bool
    ttl: int


@dataclass(slots=True)
class Connection:
    """A connection as far as it was seen; times are nanoseconds.

    Attributes:
        number: its first packet.
        watched: its packets are still looked at one by one.
        may_be_tls: no payload shows that it is no TLS.
        handshake: its TLS handshake; None before there is payload, and where it is not one.
        answered: the SYN-ACK was acknowledged.
    """

    key: Key
    store: Store
    number: int
    first_time: int
    last_time: int
    to_server: Flow = field(default_factory=Flow)
    to_client: Flow = field(default_factory=Flow)
    syn: Opening | None = None
    syn_ack: Opening | None = None
    answered: bool = False
    ack_time: int = NO_TIME
    reset: Reset | None = None
    fins: int = 0
    watched: bool = True
    may_be_tls: bool = True
    handshake: Handshake | None = None

    @property
    def far_half(self) -> float | None:
        """SYN to SYN-ACK in milliseconds; None where it is not known which SYN was answered."""
        if not self.syn or not self.syn_ack or self.syn.sent_before_answer > 1:
            return None
        return between(self.syn.time, self.syn_ack.time)

    @property
    def near_half(self) -> float | None:
        """SYN-ACK to ACK in milliseconds; None where it is not known which SYN-ACK was answered."""
        if not self.syn_ack or self.syn_ack.sent_before_answer > 1:
            return None
        return between(self.syn_ack.time, self.ack_time)

    @property
    def rtt(self) -> float | None:
        """The round trip in milliseconds, wherever the capture stood."""
        if self.far_half is None or self.near_half is None or not self.syn:
            return None
        return between(self.syn.time, self.ack_time)

    @property
    def refused(self) -> bool:
        """A reset of the server's address answers the SYN."""
        return bool(self.syn and not self.syn_ack and self.reset and self.reset.by_server)

    def outcome(self, end: int) -> str:
        """Return what became of it, as far as its own packets show; `end` is the end of the capture."""
        if not self.syn:
            return "joined"
        if self.refused:
            return "refused"
        if self.syn_ack:
            if self.answered:
                return "established"
            return "cut" if end - self.last_time < services.patience() else "half-open"
        answered = self.to_client.packets > 0
        if answered:
            return "half-open"
        return "cut" if self.syn.sent == 1 and end - self.last_time < services.patience() else "no-answer"

    def take(self, packet: Segment, ttl: int, options: bytes) -> None:
        """Take one packet of its opening or its TLS handshake."""
        if packet.flags & SYN:
            self._open(packet, ttl, options)
        elif not packet.flags & RST:
            self._acknowledge(packet)
            if packet.size and self.may_be_tls:
                self._listen(packet)
        if not self.may_be_tls or (self.handshake and self.handshake.settled):
            self.watched = self.syn is not None and not self.answered

    def _listen(self, packet: Segment) -> None:
        """Take a packet with payload as part of a TLS handshake, unless it shows that it is none."""
        if self.handshake is None:
            self.handshake = Handshake(self.store)
            for to_server, opening in ((True, self.syn), (False, self.syn_ack)):
                if opening:
                    self.handshake.expect(to_server, opening.sequence + 1)
        if not self.handshake.take(packet):
            self.handshake, self.may_be_tls = None, False

    def _open(self, packet: Segment, ttl: int, options: bytes) -> None:
        opening = Opening(packet.number, packet.time, packet.sequence, _mss(options), ttl)
        if packet.flags & ACK:
            self.syn_ack = _repeat(self.syn_ack, opening, self.answered)
        else:
            self.syn = _repeat(self.syn, opening, self.syn_ack is not None)

    def _acknowledge(self, packet: Segment) -> None:
        if self.syn_ack and not self.answered and packet.to_server and packet.flags & ACK:
            beyond = (packet.acknowledged - self.syn_ack.sequence - 1) % _SERIAL
            if beyond < _SERIAL // 2:
                self.answered, self.ack_time = True, packet.time


def _repeat(known: Opening | None, again: Opening, answered: bool) -> Opening:
    if known is None:
        return again
    known.sent += 1
    known.sent_before_answer += not answered
    return known


def _mss(options: bytes) -> int | None:
    """Return the MSS a SYN gives; None where it gives none."""
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if options[at] == 2 and size == 4 and at + 4 <= len(options):
            return int.from_bytes(options[at + 2 : at + 4], "big")
        if size < 2:
            return None
        at += size
    return None


class Connections:
    """All connections of a capture, in the order they began, up to a limit."""

    def __init__(self) -> None:
        self.all: list[Connection] = []
        self.beyond = 0
        self._open: dict[Key, Connection] = {}
        self.store = Store()
        self._most = services.most("connections")

    def take(self, packets: Packets) -> None:
        """Take the packets of a window."""
        found = segments(packets)
        if found is not None:
            totals = _Totals(found)
            for row in totals.rows():
                self._take(found, row)

    def _take(self, found: Segments, row: _Total) -> None:
        key = found.key(row.start)
        calls = found.flags[row.start] & (SYN | ACK) == SYN
        connection = self._find(key, bool(calls), bool(found.to_server[row.start]), int(found.sequence[row.start]))
        if connection is None:
            if len(self.all) >= self._most:
                self.beyond += 1
                return
            connection = self._begin(found, row, key, bool(calls))
            carried = False
        else:
            carried = True
        turned = connection.key != key
        _add(connection, found, row, turned, carried)
        if connection.watched:
            _watch(connection, found, row, turned)

    def _find(self, key: Key, calls: bool, to_server: bool, sequence: int) -> Connection | None:
        """Return the connection these packets belong to; a SYN other than its own begins another."""
        connection = self._open.get(key)
        if connection is None or not calls:
            return connection
        same_caller = (connection.key == key) == to_server
        repeats = connection.syn is not None and same_caller and connection.syn.sequence == sequence
        return connection if repeats else None

    def _begin(self, found: Segments, row: _Total, key: Key, calls: bool) -> Connection:
        number = int(found.packets.number[found.place[row.start]])
        turned = calls and not found.to_server[row.start]
        own = Key(key.client, key.client_port, key.server, key.port) if turned else key
        connection = Connection(own, self.store, number, row.first_time, row.last_time)
        self._open[key] = connection
        self.all.append(connection)
        return connection


class _Total(NamedTuple):
    """What the packets of one connection in one window come to; places are -1 where there is none."""

    start: int
    end: int
    first_time: int
    last_time: int
    packets_to_server: int
    bytes: int
    bytes_to_server: int
    repeated: int
    repeated_to_server: int
    fins: int
    reset: int
    first_to_server: int
    first_to_client: int
    last_data_to_server: int
    last_data_to_client: int


class _Totals:
    """Sums over the packets of each connection of a window, all connections at once."""

    def __init__(self, found: Segments) -> None:
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

        self._columns = (
            found.starts,
            found.ends,
            np.minimum.reduceat(found.time, found.starts),
            np.maximum.reduceat(found.time, found.starts),
            total(to_server),
            total(found.size),
            total(found.size * to_server),
            total(found.repeated),
            total(found.repeated & to_server),
            total(found.flags & FIN),
            first(found.flags & RST != 0),
            first(to_server),
            first(~to_server),
            last(data & to_server),
            last(data & ~to_server),
        )

    def rows(self) -> Iterator[_Total]:
        """Yield one a connection."""
        return map(_Total._make, rows(*self._columns))


def _add(connection: Connection, found: Segments, row: _Total, turned: bool, carried: bool) -> None:
    """Add what a window holds of a connection; `turned`: its key has its ends the other way round."""
    to_server, to_client = connection.to_server, connection.to_client
    if turned:
        to_server, to_client = to_client, to_server
    if carried:
        _add_repeated(found, row, to_server, to_client)
    to_server.packets += row.packets_to_server
    to_client.packets += row.end - row.start - row.packets_to_server
    to_server.bytes += row.bytes_to_server
    to_client.bytes += row.bytes - row.bytes_to_server
    to_server.repeated += row.repeated_to_server
    to_client.repeated += row.repeated - row.repeated_to_server
    for flow, first, last in (
        (to_server, row.first_to_server, row.last_data_to_server),
        (to_client, row.first_to_client, row.last_data_to_client),
    ):
        if flow.ttl is None and first >= 0:
            flow.ttl = found.packets.ttl(found.place[first])
        if last >= 0:
            flow.next = int(found.sequence[last] + found.size[last]) % _SERIAL
    connection.last_time = max(connection.last_time, row.last_time)
    connection.first_time = min(connection.first_time, row.first_time)
    connection.fins += row.fins
    if connection.reset is None and row.reset >= 0:
        place = found.place[row.reset]
        connection.reset = Reset(
            int(found.packets.number[place]),
            int(found.time[row.reset]),
            bool(found.to_server[row.reset]) == turned,
            found.packets.ttl(place),
        )


def _add_repeated(found: Segments, row: _Total, to_server: Flow, to_client: Flow) -> None:
    """Count data of this window that was already sent in an earlier one."""
    part = slice(row.start, row.end)
    for flow, mine in ((to_server, found.to_server[part]), (to_client, ~found.to_server[part])):
        if flow.next is not None:
            behind = (flow.next - found.sequence[part]) % _SERIAL
            earlier = (behind > 0) & (behind < _SERIAL // 2)
            flow.repeated += int(np.count_nonzero(mine & earlier & (found.size[part] > 1) & ~found.repeated[part]))


def _watch(connection: Connection, found: Segments, row: _Total, turned: bool) -> None:
    """Hand over packets one by one until nothing more is to be learned from them."""
    packets, data, part = found.packets, found.packets.data, slice(row.start, row.end)
    for place, number, time, to_server, flags, sequence, acknowledged, size, at, got in rows(
        found.place[part],
        packets.number[found.place[part]],
        found.time[part],
        found.to_server[part] != turned,
        found.flags[part],
        found.sequence[part],
        found.acknowledged[part],
        found.size[part],
        found.at[part],
        found.got[part],
    ):
        if not size and connection.answered and not flags & SYN:
            continue
        payload = data[at : at + got].tobytes() if got and connection.may_be_tls else b""
        packet = Segment(number, time, to_server, flags, sequence, acknowledged, size, payload)
        ttl, options = 0, b""
        if flags & SYN:
            ttl = packets.ttl(place)
            options = data[packets.at[place] + 20 : min(at, packets.end[place])].tobytes()
        connection.take(packet, ttl, options)
        if not connection.watched:
            return
