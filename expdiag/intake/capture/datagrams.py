"""UDP on the ports of name lookup, time and RAS: each datagram handed to its protocol."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from expdiag.intake.capture.headers import UDP, Address, Packets

DNS, NTP, RAS = 53, 123, 1719
_PORTS = (DNS, NTP, RAS)


class Datagram(NamedTuple):
    """One UDP datagram; `cut` says that the capture does not hold all of it."""

    number: int
    time: int
    ttl: int
    source: Address
    source_port: int
    target: Address
    target_port: int
    payload: bytes
    cut: bool

    @property
    def port(self) -> int:
        """The port of the protocol it speaks."""
        return self.target_port if self.target_port in _PORTS else self.source_port


def datagrams(packets: Packets) -> list[Datagram]:
    """Return the datagrams of a window that DNS, NTP or RAS may have sent, in order."""
    udp = (packets.protocol == UDP) & packets.whole & (packets.at + 8 <= packets.end)
    wanted = np.isin(packets.source_port, _PORTS) | np.isin(packets.target_port, _PORTS)
    found = []
    for place in np.flatnonzero(udp & wanted).tolist():
        six = bool(packets.six[place])
        found.append(
            Datagram(
                number=int(packets.number[place]),
                time=int(packets.time[place]),
                ttl=packets.ttl(place),
                source=packets.address(int(packets.source[place]), six),
                source_port=int(packets.source_port[place]),
                target=packets.address(int(packets.target[place]), six),
                target_port=int(packets.target_port[place]),
                payload=packets.payload(place)[8:],
                cut=bool(packets.end[place] < packets.sent_end[place]),
            )
        )
    return found
