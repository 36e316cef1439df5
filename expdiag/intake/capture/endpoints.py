"""All traffic of a capture, summed by pairs of addresses, transport and service port."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expdiag.intake.capture import services
from expdiag.intake.capture.headers import Address, Flags, Packets, text
from expdiag.intake.capture.stamps import moment
from expdiag.intake.capture.stream import Ints, rows
from expdiag.intake.reading import Harvest
from expdiag.tables import Endpoint

# Two addresses, the one that offers the service first, IPv4 as a number; then protocol << 16 | port, where port 0 is
# any port no cluster uses.
Ends = tuple[int | Address, int | Address, int]


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

    def add(self, first: int, last: int, packets_in: int, packets_out: int, bytes_in: int, bytes_out: int) -> None:
        """Add what passed in a window."""
        self.first_time = min(self.first_time, first)
        self.last_time = max(self.last_time, last)
        self.packets_in += packets_in
        self.packets_out += packets_out
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out


_MIX = 0x9E3779B97F4A7C15 >> 1


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
        owner = np.where(inward, packets.target, packets.source)
        far = np.where(inward, packets.source, packets.target)
        order, starts = _groups(packets, port, owner, far)
        firsts = order[starts]
        counts = np.diff(starts, append=len(order))
        size, into = packets.size[order], inward[order]
        for six, one, other, service, number, count, count_in, total, total_in, first, last in rows(
            packets.six[firsts],
            owner[firsts],
            far[firsts],
            packets.protocol[firsts] << 16 | port[firsts],
            np.minimum.reduceat(packets.number[order], starts),
            counts,
            np.add.reduceat(into, starts, dtype=np.int64),
            np.add.reduceat(size, starts),
            np.add.reduceat(size * into, starts),
            np.minimum.reduceat(packets.time[order], starts),
            np.maximum.reduceat(packets.time[order], starts),
        ):
            ends = (packets.addresses6[one], packets.addresses6[other], service) if six else (one, other, service)
            traffic = self.all.get(ends)
            if traffic is None:
                if len(self.all) >= self._most:
                    self.packets_beyond += count
                    continue
                traffic = self.all[ends] = Traffic(number, first, last)
            traffic.add(first, last, count_in, count - count_in, total_in, total - total_in)

    def add_rows(self, harvest: Harvest) -> None:
        """Put the rows into the harvest."""
        for (one, other, service), traffic in sorted(self.all.items(), key=lambda item: item[1].number):
            address, far_address = _text(one), _text(other)
            name, port = services.transport(service >> 16), service & 0xFFFF
            at = f"{name} port {port}" if port else name
            harvest.add(
                Endpoint(
                    address=address,
                    far_address=far_address,
                    transport=name,
                    port=port or None,
                    packets_in=traffic.packets_in,
                    packets_out=traffic.packets_out,
                    bytes_in=traffic.bytes_in,
                    bytes_out=traffic.bytes_out,
                    first_time=moment(traffic.first_time),
                    last_time=moment(traffic.last_time),
                    source=harvest.note_packet(traffic.number, f"first of {address} and {far_address} over {at}"),
                )
            )


def _text(address: int | Address) -> str:
    return text(address.to_bytes(4, "big") if isinstance(address, int) else address)


def _groups(packets: Packets, port: Ints, owner: Ints, far: Ints) -> tuple[Ints, Ints]:
    """Return an order in which packets of the same ends follow each other, and where in it each group begins.

    Three numbers tell the ends; a mixture of them sorts faster than all three, and is compared with all three after.
    """
    one = owner << 32 | far
    other = packets.six.astype(np.int64) << 24 | packets.protocol << 16 | port
    order = np.argsort(one ^ other * _MIX)
    different = (np.diff(one[order]) != 0) | (np.diff(other[order]) != 0)
    return order, np.concatenate(([0], np.flatnonzero(different) + 1))


def _service(packets: Packets) -> tuple[Ints, Flags]:
    """Return the port of the service of each packet, 0 where none is known, and whether the packet goes to it."""
    known = services.ports_by_protocol()
    source, target = packets.source_port, packets.target_port
    protocol = packets.protocol << 16
    from_known, to_known = known[protocol | source], known[protocol | target]
    to_lower = packets.target < packets.source
    decided = np.where(from_known == to_known, (target < source) & to_known, to_known)
    tied = (from_known == to_known) & ((target == source) | ~to_known)
    inward = np.where(tied, to_lower, decided)
    port = np.where(from_known | to_known, np.where(inward, target, source), 0)
    return port, inward
