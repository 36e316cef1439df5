"""All traffic of a capture, summed by pairs of addresses, transport and service port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from expdiag.intake.capture import services
from expdiag.intake.capture.headers import TCP, UDP, Address, Packets, text
from expdiag.intake.capture.stamps import moment
from expdiag.intake.reading import Harvest
from expdiag.tables import Endpoint


class Ends(NamedTuple):
    """Two addresses, the one that offers the service first; port 0 is any port no cluster uses."""

    address: Address
    far_address: Address
    protocol: int
    port: int


@dataclass(slots=True)
class Traffic:
    """What passed between two ends: packets and bytes to and from the first of them."""

    number: int
    first_time: int
    last_time: int
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Endpoints:
    """The traffic between all pairs of ends, up to a limit."""

    def __init__(self) -> None:
        self.all: dict[Ends, Traffic] = {}
        self.packets_beyond = 0
        self._most = services.most("endpoints")

    def take(self, packets: Packets) -> None:
        """Take the packets of a window."""
        if not len(packets):
            return
        port, inward = _service(packets)
        owner = np.where(inward, packets.target, packets.source).astype(np.uint64)
        far = np.where(inward, packets.source, packets.target).astype(np.uint64)
        _, pair = np.unique(owner << np.uint64(32) | far, return_inverse=True)
        keys = pair.astype(np.int64) << 26 | packets.six.astype(np.int64) << 25 | packets.protocol << 17
        keys |= port << 1 | inward
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        firsts = order[starts]
        columns = (
            packets.six[firsts],
            owner[firsts],
            far[firsts],
            packets.protocol[firsts],
            port[firsts],
            inward[firsts],
            packets.number[firsts],
            np.diff(starts, append=len(order)),
            np.add.reduceat(packets.size[order], starts),
            np.minimum.reduceat(packets.time[order], starts),
            np.maximum.reduceat(packets.time[order], starts),
        )
        for six, one, other, protocol, at, into, number, count, size, first, last in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            ends = Ends(packets.address(one, six), packets.address(other, six), protocol, at)
            traffic = self.all.get(ends)
            if traffic is None:
                if len(self.all) >= self._most:
                    self.packets_beyond += count
                    continue
                traffic = self.all[ends] = Traffic(number, first, last)
            traffic.first_time = min(traffic.first_time, first)
            traffic.last_time = max(traffic.last_time, last)
            if into:
                traffic.packets_in += count
                traffic.bytes_in += size
            else:
                traffic.packets_out += count
                traffic.bytes_out += size

    def add_rows(self, harvest: Harvest) -> None:
        """Put the rows into the harvest."""
        for ends, traffic in self.all.items():
            address, far_address = text(ends.address), text(ends.far_address)
            name = services.transport(ends.protocol)
            at = f"{name} port {ends.port}" if ends.port else name
            harvest.add(
                Endpoint(
                    address=address,
                    far_address=far_address,
                    transport=name,
                    port=ends.port or None,
                    packets_in=traffic.packets_in,
                    packets_out=traffic.packets_out,
                    bytes_in=traffic.bytes_in,
                    bytes_out=traffic.bytes_out,
                    first_time=moment(traffic.first_time),
                    last_time=moment(traffic.last_time),
                    source=harvest.note_packet(traffic.number, f"first of {address} and {far_address} over {at}"),
                )
            )


def _service(packets: Packets) -> tuple[np.ndarray, np.ndarray]:
    """Return the port of the service of each packet, 0 where none is known, and whether the packet goes to it."""
    tcp, udp = services.ports("tcp"), services.ports("udp")
    source, target = packets.source_port, packets.target_port
    is_tcp, is_udp = packets.protocol == TCP, packets.protocol == UDP
    from_known = is_tcp & tcp[source] | is_udp & udp[source]
    to_known = is_tcp & tcp[target] | is_udp & udp[target]
    to_lower = packets.target < packets.source
    decided = np.where(from_known == to_known, (target < source) & to_known, to_known)
    tied = (from_known == to_known) & ((target == source) | ~to_known)
    inward = np.where(tied, to_lower, decided)
    port = np.where(from_known | to_known, np.where(inward, target, source), 0)
    return port, inward
