"""Packet captures, pcap and pcapng, read by an engine of our own: numpy over the headers of all packets at once.

    files, pcapng, stream   a capture as windows of packets, in memory that does not follow its size
    headers                 columns of a window: addresses, protocols, ports, where the payload lies
    fragments               datagrams and segments that came in several packets
    tcp, shares             TCP to ports that matter, in order of connections; what a window holds of each
    connection, connections how each was opened, carried and ended; only openings are looked at packet by packet
    tls, hellos             handshakes out of segments; what their messages say
    icmp, exchanges         echoes, errors; questions matched with their answers
    datagrams, dns, ntp, ras
    endpoints               everything else, summed up
    paths, handshakes       rows of what was found
    extraction              the whole way

Payloads are not kept, and what SIP, HTTP or a decrypted connection would say is not read.
"""

from __future__ import annotations

from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader

MAGIC = (
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\xc3\xd4",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x0a\x0d\x0d\x0a",
)


def _read(member: Member, harvest: Harvest) -> None:
    from expdiag.intake.capture.extraction import read  # numpy, for those who need it

    read(member, harvest)


READER = Reader("packet capture", lambda _: 0, _read)
