"""From a capture to rows: every window goes through all that look at packets, then each writes what it found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expdiag.intake.capture import files, handshakes, services
from expdiag.intake.capture.connections import Connections
from expdiag.intake.capture.datagrams import DNS, NTP, RAS, datagrams
from expdiag.intake.capture.dns import Dns
from expdiag.intake.capture.endpoints import Endpoints
from expdiag.intake.capture.fragments import Fragments
from expdiag.intake.capture.headers import LINKS, Packets, decode
from expdiag.intake.capture.icmp import Icmp
from expdiag.intake.capture.ntp import Ntp
from expdiag.intake.capture.paths import Paths
from expdiag.intake.capture.ras import Ras
from expdiag.intake.capture.stamps import moment
from expdiag.intake.capture.stream import NO_TIME, BrokenError, CaptureFile, Window
from expdiag.intake.member import CutShortError, Member
from expdiag.intake.reading import Harvest
from expdiag.tables import Capture


def read(member: Member, harvest: Harvest) -> None:
    """Read a capture into the harvest.

    Raises:
        CutShortError: the archive around the capture ends; what came before was read.
    """
    capture, windows = files.open_capture(member)
    extraction = _Extraction(capture)
    cut: CutShortError | None = None
    try:
        for window in windows:
            extraction.take(window)
    except BrokenError as broken:
        harvest.complete = False
        harvest.issue("broken", str(broken))
    except CutShortError as short:
        cut = short
    if capture.cut:
        harvest.issue("truncated", f"the capture ends inside a packet, behind packet {capture.packets}")
    extraction.add_rows(harvest, complete=harvest.complete and not cut)
    if cut:
        raise cut


@dataclass(slots=True)
class _Count:
    """What is counted of the packets of one interface."""

    packets: int = 0
    cut: int = 0
    ip: int = 0
    backward: int = 0
    first_time: int = NO_TIME
    last_time: int = NO_TIME

    def take(self, time: np.ndarray, cut: int, ip: int) -> None:
        """Count some packets that follow each other."""
        self.packets += len(time)
        self.cut += cut
        self.ip += ip
        stamped = time[time != NO_TIME]
        if not len(stamped):
            return
        self.backward += int(np.count_nonzero(np.diff(stamped, prepend=stamped[0]) < 0))
        self.first_time = int(stamped.min()) if self.first_time == NO_TIME else min(self.first_time, int(stamped.min()))
        self.last_time = max(self.last_time, int(stamped.max()))


class _Extraction:
    """All that looks at the packets of one capture."""

    def __init__(self, capture: CaptureFile) -> None:
        self._capture = capture
        self._counts: list[_Count] = []
        self._endpoints = Endpoints()
        self._fragments = Fragments()
        self._connections = Connections()
        self._icmp = Icmp()
        self._ras = Ras()
        self._protocols: dict[int, Dns | Ntp | Ras] = {DNS: Dns(), NTP: Ntp(), RAS: self._ras}

    def take(self, window: Window) -> None:
        """Take a window."""
        packets = decode(window, self._capture.interfaces)
        self._count(window, packets)
        self._endpoints.take(packets)
        joined = self._fragments.join(packets)
        self._connections.take(joined)
        self._icmp.take(joined)
        self._take_datagrams(joined)

    def _take_datagrams(self, packets: Packets) -> None:
        for datagram in datagrams(packets):
            self._protocols[datagram.port].take(datagram)

    def _count(self, window: Window, packets: Packets) -> None:
        interfaces = len(self._capture.interfaces)
        self._counts += [_Count() for _ in range(interfaces - len(self._counts))]
        shorter = window.captured < window.length
        is_ip = np.zeros(len(window.at), bool)
        is_ip[packets.number - window.first] = True
        for number in range(interfaces):
            mine = window.interface == number
            if mine.any():
                cut, ip = int(np.count_nonzero(shorter & mine)), int(np.count_nonzero(is_ip & mine))
                self._counts[number].take(window.time[mine], cut, ip)

    def add_rows(self, harvest: Harvest, complete: bool) -> None:
        """Put all that was found into the harvest; `complete`: nothing of the capture is missing."""
        for rest in self._fragments.rest():
            self._take_datagrams(rest)
        counts = self._counts or [_Count() for _ in self._capture.interfaces]
        end = max((count.last_time for count in counts), default=NO_TIME)
        self._add_captures(harvest, counts)
        connections = sorted(self._connections.all, key=lambda connection: connection.number)
        paths = Paths(harvest, end)
        paths.add_connections(connections, self._icmp.errors)
        paths.add_errors(self._icmp.errors)
        paths.add_exchanges("icmp", self._icmp.echoes.all, None)
        paths.add_exchanges("ras", self._ras.exchanges.all, RAS)
        paths.add_rows(complete)
        handshakes.add_rows(connections, self._connections.store, harvest, end)
        self._icmp.add_rows(harvest, end)
        for protocol in self._protocols.values():
            protocol.add_rows(harvest, end)
        self._endpoints.add_rows(harvest)
        self._add_issues(harvest, counts)

    def _add_captures(self, harvest: Harvest, counts: list[_Count]) -> None:
        for number, interface in enumerate(self._capture.interfaces):
            count = counts[number] if number < len(counts) else _Count()
            link = LINKS.get(interface.link_type)
            first, last = moment(count.first_time), moment(count.last_time)
            for time in (first, last):
                if time:
                    harvest.clock(time)
            harvest.add(
                Capture(
                    vantage=harvest.vantage,
                    format=self._capture.format,
                    interface=interface.name,
                    link_type=link.name if link else str(interface.link_type),
                    snap_length=interface.snap_length or None,
                    filter=interface.filter,
                    packets=count.packets,
                    cut_packets=count.cut,
                    ip_packets=count.ip,
                    backward_steps=count.backward,
                    dropped=interface.dropped,
                    first_time=first,
                    last_time=last,
                    source=harvest.note(0, f"{self._capture.format}, {count.packets} packets"),
                )
            )

    def _add_issues(self, harvest: Harvest, counts: list[_Count]) -> None:
        if not self._capture.packets:
            harvest.issue("empty", "the capture holds no packet")
        if self._capture.secrets:
            harvest.issue("secret", "the capture brings keys that decrypt its connections; they were not read")
        for interface in self._capture.interfaces:
            if interface.link_type not in LINKS:
                harvest.issue("unread", f"packets of link type {interface.link_type} are counted, not read")
        if cut := sum(count.cut for count in counts):
            total = self._capture.packets
            harvest.issue("cut-packets", f"{cut} of {total} packets are cut; certificates and names may be missing")
        if backward := sum(count.backward for count in counts):
            harvest.issue("clock", f"{backward} packets are stamped earlier than the packet before them")
        if lost := self._fragments.lost:
            text = f"of {lost} datagrams or segments to ports a cluster uses not all fragments are there"
            harvest.issue("unread", f"{text}; what is missing of them was not read")
        self._add_limits(harvest)

    def _add_limits(self, harvest: Harvest) -> None:
        beyond = {
            "connections": self._connections.beyond,
            "echoes": self._icmp.echoes.beyond,
            "icmp_errors": self._icmp.errors_beyond,
            "dns_messages": self._protocols[DNS].exchanges.beyond,
            "ntp_exchanges": self._protocols[NTP].exchanges.beyond,
            "ras": self._protocols[RAS].exchanges.beyond,
            "endpoints": self._endpoints.packets_beyond,
        }
        for table, count in beyond.items():
            if count:
                most = services.most(table)
                harvest.issue("too-many", f"more than {most} rows of {table}; {count} packets or runs are left out")
        for port, protocol in self._protocols.items():
            if protocol.unread:
                harvest.issue("unrecognised", f"{protocol.unread} datagrams on UDP {port} are not of its protocol")
