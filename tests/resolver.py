"""A small name server on loopback that answers what it is told: the oracle of the DNS readers."""

from __future__ import annotations

import contextlib
import socketserver
import struct
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL = 300
SOA = "ns1.lab.test. admin.lab.test. 2026112201 7200 900 1209600 300"
# What it is told: (owner, type) to the data of its records; owners are absolute, without the last dot.
ZONE: dict[tuple[str, str], tuple[str, ...]] = {
    ("lab.test", "SOA"): (SOA,),
    ("lab.test", "NS"): ("ns1.lab.test.",),
    ("lab.test", "MX"): ("10 expc01.lab.test.", "20 expc02.lab.test."),
    ("lab.test", "TXT"): ('"v=spf1 -all"', '"two" "words; here"'),
    ("ns1.lab.test", "A"): ("127.0.0.1",),
    ("expc01.lab.test", "A"): ("10.77.1.10",),
    ("expc01.lab.test", "AAAA"): ("fd77:1::10",),
    ("expc02.lab.test", "A"): ("10.77.2.10",),
    ("only4.lab.test", "A"): ("10.77.9.4",),
    ("Mixed.lab.test", "A"): ("10.77.9.5",),
    ("cluster.lab.test", "A"): ("10.77.1.10", "10.77.2.10", "10.77.3.10"),
    ("alias.lab.test", "CNAME"): ("exp.lab.test.",),
    ("exp.lab.test", "CNAME"): ("expc01.lab.test.",),
    ("_sips._tcp.lab.test", "SRV"): ("10 10 5061 expc01.lab.test.", "10 20 5061 expc02.lab.test."),
    ("_cisco-uds._tcp.lab.test", "SRV"): ("20 5 8443 missing.lab.test.",),
    ("xn--mnchen-3ya.lab.test", "A"): ("10.77.9.6",),
    ("a\\.b.lab.test", "A"): ("10.77.9.7",),
    ("10.1.77.10.in-addr.arpa", "PTR"): ("expc01.lab.test.",),
    ("big.lab.test", "TXT"): tuple(f'"{str(number) * 100}"' for number in range(1, 30)),
    ("caa.lab.test", "CAA"): ('0 issue "letsencrypt.org"',),
    ("naptr.lab.test", "NAPTR"): ('10 100 "S" "SIP+D2U" "" _sip._udp.lab.test.',),
}
REFUSED, FAILING, SILENT = "refused.test", "broken.test", "silent.test"


def records(owner: str, kind: str) -> dns.rrset.RRset:
    """Return the records of an owner as the server sends them."""
    return dns.rrset.from_text(owner + ".", TTL, "IN", kind, *ZONE[owner, kind])


def _owned(name: dns.name.Name, kind: str) -> str | None:
    return next((owner for owner, has in ZONE if has == kind and dns.name.from_text(owner) == name), None)


def answer(request: dns.message.Message) -> dns.message.Message | None:
    """Answer a question out of the zone; None is silence."""
    question = request.question[0]
    reply = dns.message.make_response(request, recursion_available=True)
    name, kind = question.name, dns.rdatatype.to_text(question.rdtype)
    for zone, code in ((REFUSED, dns.rcode.REFUSED), (FAILING, dns.rcode.SERVFAIL)):
        if name.is_subdomain(dns.name.from_text(zone)):
            reply.set_rcode(code)
            return reply
    if name.is_subdomain(dns.name.from_text(SILENT)):
        return None
    reply.flags |= dns.flags.AA
    if kind == "AXFR":
        _whole_zone(reply)
        return reply
    while (owner := _owned(name, "CNAME")) and kind != "CNAME":
        alias = records(owner, "CNAME")
        reply.answer.append(alias)
        name = alias[0].target
    if owner := _owned(name, kind):
        reply.answer.append(records(owner, kind))
        reply.answer[-1].name = name
        for target in [record.target.to_text(True) for record in reply.answer[-1]] if kind == "SRV" else []:
            reply.additional += [records(target, glue) for glue in ("A", "AAAA") if (target, glue) in ZONE]
    else:
        reply.authority.append(records("lab.test", "SOA"))
        if not any(dns.name.from_text(owner) == name for owner, _ in ZONE):
            reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


def _whole_zone(reply: dns.message.Message) -> None:
    soa = records("lab.test", "SOA")
    reply.answer = [soa, *(records(owner, kind) for owner, kind in ZONE if kind == "NS" or owner == "expc01.lab.test")]
    last = dns.rrset.from_text("lab.test.", TTL, "IN", "SOA", SOA)
    reply.answer.append(last)


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, socket = self.request
        request = dns.message.from_wire(data)
        if reply := answer(request):
            wire = reply.to_wire(max_size=65535)
            if len(wire) > max(request.payload, 512):
                reply.answer, reply.flags = [], reply.flags | dns.flags.TC
                wire = reply.to_wire()
            socket.sendto(wire, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while head := self.rfile.read(2):
            data = self.rfile.read(struct.unpack("!H", head)[0])
            if not (reply := answer(dns.message.from_wire(data))):
                return
            self.wfile.write(reply.to_wire(max_size=65535, prepend_length=True))


class _ThreadingTcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """Serve the zone on 127.0.0.1; yields the port, udp and tcp."""
    for _ in range(20):
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Udp)
        try:
            tcp = _ThreadingTcp(udp.server_address, _Tcp)
            break
        except OSError:
            udp.server_close()
    for server in (udp, tcp):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield udp.server_address[1]
    finally:
        for server in (udp, tcp):
            server.shutdown()
            server.server_close()
