"""The TCP packets of a window that go to ports that matter, put in order of their connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from expdiag.intake.capture import services
from expdiag.intake.capture.headers import TCP, Address, Flags, Packets, field
from expdiag.intake.capture.stream import Ints

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
SERIAL = 1 << 32  # sequence numbers begin again behind it


class Key(NamedTuple):
    """The two ends of a connection; which of them called, the packets have to tell."""

    server: Address
    port: int
    client: Address
    client_port: int

    def turned(self) -> Key:
        """Return the same ends, server and client exchanged."""
        return Key(self.client, self.client_port, self.server, self.port)


@dataclass(slots=True)
class Segments:
    """TCP packets, those of one connection next to each other in the order of the capture; one element a packet.

    Attributes:
        place: the packet in `packets`.
        to_server: it goes to the end that `Key` calls the server.
        size: payload as sent.
        at: where the payload begins in the data of the window.
        got: bytes of it that were captured.
        repeated: its data was sent before, in this window.
        starts: where the packets of each connection begin; a new SYN begins a new one.
        ends: where they end.
    """

    packets: Packets
    place: Ints
    time: Ints
    to_server: Flags
    flags: Ints
    sequence: Ints
    acknowledged: Ints
    size: Ints
    at: Ints
    got: Ints
    repeated: Flags
    starts: Ints
    ends: Ints

    def key(self, start: int) -> Key:
        """Return the ends of the connection whose packets begin here."""
        packets, place = self.packets, self.place[start]
        six = bool(packets.six[place])
        source = packets.address(int(packets.source[place]), six), int(packets.source_port[place])
        target = packets.address(int(packets.target[place]), six), int(packets.target_port[place])
        return Key(*target, *source) if self.to_server[start] else Key(*source, *target)

    def calls(self, start: int) -> bool:
        """Whether the packets that begin here begin with a SYN."""
        return bool(self.flags[start] & (SYN | ACK) == SYN)


def segments(packets: Packets) -> Segments | None:
    """Return the TCP packets of a window to and from ports that matter, None where there are none."""
    known = services.ports("tcp")
    tcp = packets.whole & (packets.protocol == TCP) & (packets.at + 20 <= packets.end)
    place = np.flatnonzero(tcp & (known[packets.source_port] | known[packets.target_port]))
    if not len(place):
        return None
    to_server = _goes_to_server(packets, place, known)
    keys = _keys(packets, place, to_server)
    order = np.argsort(keys, kind="stable")
    place, keys, to_server = place[order], keys[order], to_server[order]

    words, at = field(packets.data, ">u4"), packets.at[place]
    flags = packets.data[at + 13].astype(np.int64)
    sequence = words[at + 4].astype(np.int64)
    payload_at = at + (packets.data[at + 12] >> 4).astype(np.int64) * 4
    size = np.maximum(packets.sent_end[place] - payload_at, 0)
    starts = _starts(keys, (flags & (SYN | ACK)) == SYN, sequence)
    return Segments(
        packets=packets,
        place=place,
        time=packets.time[place],
        to_server=to_server,
        flags=flags,
        sequence=sequence,
        acknowledged=words[at + 8].astype(np.int64),
        size=size,
        at=payload_at,
        got=np.clip(packets.end[place] - payload_at, 0, size),
        repeated=_repeated(starts, to_server, sequence, size),
        starts=starts,
        ends=np.append(starts[1:], len(place)),
    )


def _goes_to_server(packets: Packets, place: Ints, known: Flags) -> Flags:
    """Tell the server by its port; where both ports are known, by the lower one, then by the lower address."""
    source_port, target_port = packets.source_port[place], packets.target_port[place]
    lower = (target_port < source_port) | (
        (target_port == source_port) & (packets.target[place] < packets.source[place])
    )
    goes: Flags = known[target_port] & (~known[source_port] | lower)
    return goes


def _keys(packets: Packets, place: Ints, to_server: Flags) -> Ints:
    """Return one number per packet that is the same for packets of the same connection and for no others."""
    source, target = packets.source[place].astype(np.uint64), packets.target[place].astype(np.uint64)
    server, client = np.where(to_server, target, source), np.where(to_server, source, target)
    _, pair = np.unique(server << np.uint64(32) | client, return_inverse=True)
    source_port, target_port = packets.source_port[place], packets.target_port[place]
    server_port = np.where(to_server, target_port, source_port)
    client_port = np.where(to_server, source_port, target_port)
    keys: Ints = pair.astype(np.int64) << 33 | server_port << 17 | client_port << 1 | packets.six[place]
    return keys


def _starts(keys: Ints, syn: Flags, sequence: Ints) -> Ints:
    """Return where connections begin: at a new key, and at a SYN that does not repeat the SYN before it."""
    begins = np.ones(len(keys), bool)
    begins[1:] = keys[1:] != keys[:-1]
    calls = np.flatnonzero(syn)
    again = np.zeros(len(calls), bool)
    again[1:] = (keys[calls[1:]] == keys[calls[:-1]]) & (sequence[calls[1:]] == sequence[calls[:-1]])
    begins[calls[~again]] = True
    return np.flatnonzero(begins)


def _repeated(starts: Ints, to_server: Flags, sequence: Ints, size: Ints) -> Flags:
    """Tell segments whose data was sent before, by where it begins; a single byte is a probe of a silent peer."""
    repeated = np.zeros(len(sequence), bool)
    data = np.flatnonzero(size > 1)
    if len(data):
        connection = np.searchsorted(starts, data, side="right")
        keys = connection << 33 | to_server[data].astype(np.int64) << 32 | sequence[data]
        order = np.argsort(keys, kind="stable")
        same = np.zeros(len(data), bool)
        same[1:] = np.diff(keys[order]) == 0
        repeated[data[order[same]]] = True
    return repeated
