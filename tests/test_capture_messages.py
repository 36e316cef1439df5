"""RAS, DNS and NTP in captures, against tshark, dnspython and sums by hand."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from expdiag import knowledge
from expdiag.intake.capture.ras import message
from tests.capturing import read, tshark
from tests.traffic import MS, START, Frame, framed, ip, pcap, udp

A, B = "10.0.1.11", "10.0.1.12"
LATER = (START + 60_000 * MS, ip(A, B, 17, udp(36000, 36002, b"the capture goes on")))
RAS = knowledge.load("capture")["ras"]


def datagram(time: float, source: str, target: str, ports: tuple[int, int], payload: bytes, ttl: int = 64) -> Frame:
    return START + round(time * MS), ip(source, target, 17, udp(*ports, payload), ttl=ttl)


def asked(time: float, payload: bytes, port: int) -> Frame:
    return datagram(time, A, B, (port, port), payload)


def answered(time: float, payload: bytes, port: int) -> Frame:
    return datagram(time, B, A, (port, port), payload, ttl=61)


def ras(name: str, sequence: int) -> bytes:
    """Return the beginning of a RAS message without its optional fields, enough for whoever asks its number."""
    for index, entry in enumerate(RAS["root"]):
        if entry["name"] == name:
            return bytes([index << 2]) + bytes(entry["at"] - 1) + struct.pack(">H", sequence - 1) + bytes(40)
    index = [entry["name"] for entry in RAS["extensions"]].index(name)
    content = bytes(RAS["extensions"][index]["at"]) + struct.pack(">H", sequence - 1) + bytes(40)
    return bytes([0x80 | index, len(content)]) + content


def test_ras_requests_and_answers() -> None:
    frames = [
        *(asked(0, ras("locationRequest", 7), 1719), answered(30, ras("locationConfirm", 7), 1719)),
        *(asked(100, ras("locationRequest", 8), 1719), answered(132, ras("locationReject", 8), 1719)),
        *(asked(200, ras("serviceControlIndication", 9), 1719), answered(231, ras("serviceControlResponse", 9), 1719)),
        *(asked(300, ras("locationRequest", 10), 1719), asked(3300, ras("locationRequest", 10), 1719)),
        *(asked(400, ras("locationRequest", 11), 1719), answered(433, ras("requestInProgress", 11), 1719)),
        answered(500, ras("locationConfirm", 11), 1719),
        answered(600, ras("locationConfirm", 99), 1719),
    ]

    found = read(pcap(framed([*frames, LATER])))

    assert [(r.sequence, r.request, r.answer, r.outcome, r.requests, r.rtt) for r in found["ras"]] == [
        (7, "locationRequest", "locationConfirm", "confirmed", 1, 30),
        (8, "locationRequest", "locationReject", "rejected", 1, 32),
        (9, "serviceControlIndication", "serviceControlResponse", "confirmed", 1, 31),
        (10, "locationRequest", "", "no-answer", 2, None),
        (11, "locationRequest", "locationConfirm", "confirmed", 1, 33),
        (99, "", "locationConfirm", "answer-only", 0, None),
    ]
    (run,) = found["round_trips"]
    assert (run.method, run.vantage, run.address, run.port, run.sent, run.answered) == ("ras", A, B, 1719, 6, 4)
    assert (run.min, run.max) == (30, 33)
    assert [(r.port, r.transport, r.state) for r in found["reachability"]] == [(1719, "udp", "open")]


@pytest.mark.parametrize("name", [entry["name"] for entry in (*RAS["root"], *RAS["extensions"])])
def test_tshark_finds_the_same_message_and_number(tmp_path: Path, name: str) -> None:
    """Where requestSeqNum stands follows from the ASN.1; the H.225 dissector was made from it."""
    path = tmp_path / "ras.pcap"
    path.write_bytes(pcap(framed([asked(0, ras(name, 4660), 1719)])))

    ((kind, sequence),) = tshark(path, "h225.RasMessage", "h225.requestSeqNum")

    found = message(ras(name, 4660))
    assert found is not None
    assert (found.name, found.sequence) == (name, 4660)
    assert sequence == "4660"
    numbers = [entry["name"] for entry in (*RAS["root"], *RAS["extensions"])]
    assert kind == str(numbers.index(name))


@pytest.mark.parametrize("payload", [b"", b"\x4a", b"\xff\xff\xff", b"\x7c\0\0\0", b"\xc5\x05\0\0\0"])
def test_what_is_no_ras_is_counted(payload: bytes) -> None:
    found = read(pcap(framed([asked(0, payload, 1719)])))

    assert not found["ras"]
    assert "unrecognised" in found.kinds


def question(name: str, kind: str, number: int) -> dns.message.Message:
    return dns.message.make_query(name, kind, id=number)


def answer(asking: dns.message.Message, *records: str, rcode: int = 0, flags: int = 0) -> bytes:
    reply = dns.message.make_response(asking)
    reply.set_rcode(rcode)
    reply.flags |= flags
    for text in records:
        name, ttl, _, kind, *data = text.split()
        reply.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, " ".join(data)))
    return reply.to_wire(max_size=65535)


def test_dns_questions_and_answers() -> None:
    srv, missing, lost = question("_x._tcp.Lab.test.", "SRV", 1), question("no.test.", "A", 2), question("t.", "NS", 3)
    frames = [
        datagram(0, A, B, (40000, 53), srv.to_wire()),
        datagram(12, B, A, (53, 40000), answer(srv, "_x._tcp.lab.test. 60 IN SRV 10 20 4372 E1.lab.test.")),
        datagram(20, A, B, (40001, 53), missing.to_wire()),
        datagram(25, B, A, (53, 40001), answer(missing, rcode=dns.rcode.NXDOMAIN, flags=dns.flags.TC)),
        datagram(30, A, B, (40002, 53), lost.to_wire()),
        datagram(5030, A, B, (40002, 53), lost.to_wire()),
    ]

    rows = read(pcap(framed([*frames, LATER])))["dns_messages"]

    assert [(r.name, r.type, r.status, r.truncated, r.answers, r.requests, r.rtt) for r in rows] == [
        ("_x._tcp.lab.test", "SRV", "NOERROR", False, ("SRV 10 20 4372 E1.lab.test.",), 1, 12),
        ("no.test", "A", "NXDOMAIN", True, (), 1, 5),
        ("t", "NS", "no-answer", False, None, 2, None),
    ]
    assert [(r.client, r.server, r.identifier) for r in rows] == [(A, B, 1), (A, B, 2), (A, B, 3)]


def test_a_dns_answer_that_is_cut_keeps_its_question() -> None:
    asking = question("a.lab.test.", "TXT", 5)
    long = answer(asking, *[f'a.lab.test. 60 IN TXT "{"x" * 200}"'])
    frames = [datagram(0, A, B, (40000, 53), asking.to_wire()), datagram(9, B, A, (53, 40000), long)]

    (row,) = read(pcap(framed(frames), snap=120))["dns_messages"]

    assert (row.name, row.status, row.answers, row.rtt) == ("a.lab.test", "NOERROR", None, 9)


def ntp(mode: int, origin: bytes = bytes(8), received: bytes = bytes(8), sent: bytes = bytes(8), **fields) -> bytes:
    leap, stratum, reference = fields.get("leap", 0), fields.get("stratum", 2), fields.get("reference", b"\x0a\0\0\1")
    head = struct.pack(">BBbbII", leap << 6 | 4 << 3 | mode, stratum, 6, -20, 1 << 15, 3 << 16)
    return head + reference + bytes(8) + origin + received + sent


def stamp(milliseconds: float) -> bytes:
    """NTP time of so many milliseconds after the start of the capture, in whole 2^-32 seconds."""
    nanoseconds = START + round(milliseconds * MS)
    return struct.pack(">II", nanoseconds // 10**9 + 2_208_988_800, (nanoseconds % 10**9 << 32) // 10**9)


def test_ntp_offset_and_delay_by_hand() -> None:
    """The server is 500 ms ahead; 10 ms there, 1 ms inside, 20 ms back: offset 500 - 5, delay 30."""
    frames = [
        asked(0, ntp(3, sent=b"random!!"), 123),
        answered(31, ntp(4, b"random!!", stamp(510), stamp(511)), 123),
        asked(100, ntp(3, sent=b"another!"), 123),
        answered(120, ntp(4, b"another!", stamp(0), stamp(0), stratum=0, reference=b"RATE", leap=3), 123),
        asked(200, ntp(3, sent=b"a third!"), 123),
    ]

    rows = read(pcap(framed([*frames, LATER])))["ntp_exchanges"]

    assert [(r.outcome, r.stratum, r.reference, r.leap) for r in rows] == [
        ("answered", 2, "10.0.0.1", "none"),
        ("answered", 0, "RATE", "not synchronised"),
        ("no-answer", None, "", ""),
    ]
    assert rows[0].offset == pytest.approx(495, abs=0.001)
    assert rows[0].delay == pytest.approx(30, abs=0.001)
    assert (rows[0].root_delay, rows[0].root_dispersion, rows[0].version) == (500, 3000, 4)
    assert rows[0].time == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("payload", [b"", b"\x23", ntp(6), ntp(7)])
def test_what_is_no_ntp_is_counted(payload: bytes) -> None:
    found = read(pcap(framed([asked(0, payload, 123)])))

    assert not found["ntp_exchanges"]
    assert "unrecognised" in found.kinds
