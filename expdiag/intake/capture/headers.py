"""The headers of a window of packets as columns: link layer, VLAN tags, IPv4 and IPv6 with its extension headers.

Every field is looked up for all packets at once. What is outside of the bytes captured is not used.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expdiag.intake.capture.stream import Bytes, Interface, Ints, Window

Flags = npt.NDArray[np.bool_]
Address = bytes  # packed, 4 or 16 bytes

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
_MOST_TAGS = 4
_FRAGMENT = 44
_EXTENSIONS = (0, 43, _FRAGMENT, 60, 135, 139, 140)  # RFC 8200 and the registry of extension headers
_MOST_EXTENSIONS = 8


@dataclass(frozen=True, slots=True)
class Link:
    """A link layer: bytes before the network layer, and where in them its protocol stands (None: only IP)."""

    name: str
    header: int
    protocol_at: int | None


LINKS = {
    0: Link("loopback", 4, None),
    1: Link("Ethernet", 14, 12),
    12: Link("raw IP", 0, None),
    14: Link("raw IP", 0, None),
    101: Link("raw IP", 0, None),
    108: Link("loopback", 4, None),
    113: Link("Linux cooked v1", 16, 14),
    228: Link("raw IPv4", 0, None),
    229: Link("raw IPv6", 0, None),
    276: Link("Linux cooked v2", 20, 0),
}


@dataclass(slots=True)
class Packets:
    """The IP packets of a window, one element a packet, in their order.

    Attributes:
        data: bytes of the window.
        number: number in the capture, from 1.
        time: nanoseconds since 1970, or `NO_TIME`.
        six: it is IPv6.
        ip_at: where its IP header begins in `data`.
        size: IP header and payload, as sent.
        source: an IPv4 address as a number; for IPv6 a place in `addresses6`.
        target: likewise.
        protocol: protocol of its payload, behind IPv6 extension headers.
        at: where the payload begins.
        end: where the captured part of it ends.
        sent_end: where it would end if nothing were cut.
        whole: it is no fragment but the first; only then there are ports.
        fragment_at: where the header begins that makes it a fragment (IPv4: at the identification), -1 for others.
        source_port: 0 where it has none.
        target_port: likewise.
    """

    data: Bytes
    number: Ints
    time: Ints
    six: Flags
    ip_at: Ints
    size: Ints
    source: Ints
    target: Ints
    protocol: Ints
    at: Ints
    end: Ints
    sent_end: Ints
    whole: Flags
    fragment_at: Ints
    addresses6: list[Address]
    source_port: Ints
    target_port: Ints

    def __len__(self) -> int:
        return len(self.number)

    def address(self, code: int, six: bool) -> Address:
        """Return a packed address."""
        return self.addresses6[code] if six else code.to_bytes(4, "big")

    def ttl(self, place: int) -> int:
        """Return TTL or hop limit of one packet."""
        return int(self.data[self.ip_at[place] + (7 if self.six[place] else 8)])

    def payload(self, place: int) -> bytes:
        """Return the captured payload of the IP packet."""
        return self.data[self.at[place] : self.end[place]].tobytes()


def text(address: Address) -> str:
    """Return an address as it is written."""
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def field(data: Bytes, layout: str) -> npt.NDArray[np.uint64]:
    """Return a view in which element n is the number that begins at byte n."""
    width = np.dtype(layout).itemsize
    view: npt.NDArray[np.uint64] = np.ndarray((len(data) - width + 1,), layout, data.data, 0, (1,))
    return view


def decode(window: Window, interfaces: Sequence[Interface]) -> Packets:
    """Return the IP packets of a window."""
    data = window.data
    words, halves = field(data, ">u4"), field(data, ">u2")
    captured_end = window.at + window.captured
    protocol, ip_at = _network(window, interfaces, halves)
    inside = ip_at + 20 <= captured_end
    first = data[np.where(inside, ip_at, 0)]
    four = inside & (protocol == _IPV4) & (first >> 4 == 4) & (first & 15 >= 5)
    six = inside & (protocol == _IPV6) & (first >> 4 == 6) & (ip_at + 40 <= captured_end)

    chosen = np.flatnonzero(four | six)
    six, ip_at, captured_end = six[chosen], ip_at[chosen], captured_end[chosen]
    sent_end = window.at[chosen] + window.length[chosen]
    size = np.where(six, 40 + halves[ip_at + 4].astype(np.int64), halves[ip_at + 2])
    no_size = np.where(six, size == 40, size == 0)  # left to the network card, or a jumbo payload
    size = np.where(no_size, sent_end - ip_at, size).astype(np.int64)
    headers = np.where(six, 40, (data[ip_at] & 15).astype(np.int64) * 4)
    fragment = np.where(six, 0, halves[ip_at + 6] & 0x3FFF)
    found = Packets(
        data=data,
        number=window.first + chosen,
        time=window.time[chosen],
        six=six,
        ip_at=ip_at,
        size=size,
        source=words[ip_at + 12].astype(np.int64),
        target=words[ip_at + 16].astype(np.int64),
        protocol=data[ip_at + np.where(six, 6, 9)].astype(np.int64),
        at=ip_at + headers,
        end=np.minimum(captured_end, ip_at + size),
        sent_end=ip_at + size,
        whole=fragment & 0x1FFF == 0,
        fragment_at=np.where(fragment, ip_at + 4, -1),
        addresses6=[],
        source_port=np.zeros(len(chosen), np.int64),
        target_port=np.zeros(len(chosen), np.int64),
    )
    if six.any():
        _pass_extensions(found, halves)
        _number_addresses(found)
    ported = found.whole & ((found.protocol == TCP) | (found.protocol == UDP)) & (found.at + 4 <= found.end)
    ports = words[np.where(ported, found.at, 0)].astype(np.int64) * ported
    found.source_port, found.target_port = ports >> 16, ports & 0xFFFF
    return found


def _network(
    window: Window, interfaces: Sequence[Interface], halves: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.uint64], Ints]:
    """Return the protocol of the network layer and where it begins, behind VLAN tags; protocol 0 is not read."""
    protocol = np.zeros(len(window.at), np.uint64)
    ip_at = window.at.copy()
    numbers = range(len(interfaces)) if len(interfaces) > 1 else (0,)
    for number in numbers:
        link = LINKS.get(interfaces[number].link_type)
        mine = window.interface == number if len(interfaces) > 1 else slice(None)
        if link is None:
            continue
        ip_at[mine] += link.header
        if link.protocol_at is None:
            six = window.data[np.minimum(ip_at[mine], len(window.data) - 1)] >> 4 == 6
            protocol[mine] = np.where(six, _IPV6, _IPV4)
        else:
            protocol[mine] = halves[window.at[mine] + link.protocol_at]
    for _ in range(_MOST_TAGS):
        tagged = np.isin(protocol, _VLAN_TAGS)
        if not tagged.any():
            break
        protocol = np.where(tagged, halves[np.where(tagged, ip_at + 2, 0)], protocol)
        ip_at = ip_at + 4 * tagged
    return protocol, ip_at


def _pass_extensions(packets: Packets, halves: npt.NDArray[np.uint64]) -> None:
    """Move to the payload behind IPv6 extension headers."""
    for _ in range(_MOST_EXTENSIONS):
        here = np.flatnonzero(packets.six & packets.whole & np.isin(packets.protocol, _EXTENSIONS))
        here = here[packets.at[here] + 8 <= packets.end[here]]
        if not len(here):
            return
        at, protocol = packets.at[here], packets.protocol[here]
        fragment = protocol == _FRAGMENT
        packets.whole[here] = ~fragment | (halves[at + 2] >> 3 == 0)
        packets.fragment_at[here] = np.where(fragment & (halves[at + 2] & 0xFFF9 != 0), at, packets.fragment_at[here])
        packets.protocol[here] = packets.data[at]
        packets.at[here] = at + np.where(fragment, 8, 8 + packets.data[at + 1].astype(np.int64) * 8)


def _number_addresses(packets: Packets) -> None:
    """Give the IPv6 addresses of the window numbers; they are compared whole."""
    here = np.flatnonzero(packets.six)
    longs = field(packets.data, ">u8")
    at = np.concatenate((packets.ip_at[here] + 8, packets.ip_at[here] + 24))
    high, low = longs[at].astype(np.uint64), longs[at + 8].astype(np.uint64)
    order = np.lexsort((low, high))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
    codes = np.empty(len(order), np.int64)
    codes[order] = np.cumsum(new) - 1
    packets.source[here], packets.target[here] = codes[: len(here)], codes[len(here) :]
    firsts = at[order[new]].tolist()
    packets.addresses6 = [packets.data[first : first + 16].tobytes() for first in firsts]
