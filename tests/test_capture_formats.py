"""Every format and every way of wrapping a packet gives the same rows."""

from __future__ import annotations

import gzip
import struct
from datetime import UTC, datetime

import pytest

import expdiag
from expdiag.scenarios.spec import AS_OF
from expdiag.scenarios.write import tar_gz
from tests import traffic
from tests.capturing import read
from tests.traffic import START, Talk, der, echo, ethernet, framed, ip, pcap, pcapng, tls12, udp

TABLES = ("connections", "tls_handshakes", "certificates", "echoes", "endpoints", "round_trips", "reachability")


def packets(one: str = "10.77.1.10", other: str = "10.77.2.10") -> list[traffic.Frame]:
    """A connection with certificates of both sides, three echoes, some media."""
    six = ":" in one
    talk = tls12(Talk((one, 30001), (other, 4371)).open(), "e2.lab.test", [der("e2.lab.test")], [der("e1.lab.test")])
    frames = talk.close().frames
    for number in range(3):
        asked = START + number * 100 * traffic.MS
        protocol = 58 if six else 1
        frames.append((asked, ip(one, other, protocol, echo(8, 7, number, six))))
        frames.append((asked + 20 * traffic.MS, ip(other, one, protocol, echo(0, 7, number, six), ttl=61)))
    frames.append((START, ip(one, other, 17, udp(36000, 36002, b"media"))))
    return frames


FORMATS = {
    "µs": lambda frames, link: pcap(frames, link=link),
    "µs, other order": lambda frames, link: pcap(frames, link=link, order=">"),
    "ns": lambda frames, link: pcap(frames, link=link, nano=True),
    "ns, other order": lambda frames, link: pcap(frames, link=link, nano=True, order=">"),
    "pcapng": lambda frames, link: pcapng(frames, link=link),
    "pcapng, other order": lambda frames, link: pcapng(frames, link=link, order=">"),
    "pcapng, µs": lambda frames, link: pcapng(frames, link=link, resolution=6),
    "pcapng, finer than ns": lambda frames, link: pcapng(frames, link=link, resolution=10),
    "pcapng, powers of two": lambda frames, link: pcapng(frames, link=link, resolution=0x80 | 24),
}
LINKS = {
    "Ethernet": (1, ethernet),
    "VLAN": (1, lambda packet: ethernet(packet, [0x8100])),
    "QinQ": (1, lambda packet: ethernet(packet, [0x88A8, 0x8100])),
    "Linux cooked v1": (113, traffic.cooked),
    "Linux cooked v2": (276, traffic.cooked2),
    "raw IP": (101, lambda packet: packet),
    "raw IP, old number": (12, lambda packet: packet),
    "loopback": (0, lambda packet: b"\2\0\0\0" + packet),
}


@pytest.fixture(scope="module")
def expected():
    return read(pcap(framed(packets()))).plain(*TABLES)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_rows(expected, name: str) -> None:
    found = read(FORMATS[name](framed(packets()), 1))

    if "powers" in name:  # its time stamps are not whole microseconds
        assert [row[:6] for row in found["connections"]] == [row[:6] for row in expected["connections"]]
        assert found["connections"][0].rtt == pytest.approx(20, abs=0.001)
    else:
        assert found.plain(*TABLES) == expected
    assert not found.issues


@pytest.mark.parametrize("name", LINKS)
def test_every_link_layer_gives_the_same_rows(expected, name: str) -> None:
    number, link = LINKS[name]

    found = read(pcap(framed(packets(), link), link=number))

    assert found.plain(*TABLES) == expected
    assert found["captures"][0].link_type in name or "VLAN" in name or "QinQ" in name or found["captures"]
    assert not found.issues


def test_rows_are_what_the_packets_are(expected) -> None:
    (connection,) = read(pcap(framed(packets())))["connections"]

    assert (connection.client, connection.client_port, connection.server, connection.port) == (
        *("10.77.1.10", 30001),
        *("10.77.2.10", 4371),
    )
    assert (connection.outcome, connection.far_half, connection.near_half, connection.rtt) == ("established", 20, 0, 20)
    assert (connection.client_mss, connection.server_mss) == (1460, 1460)
    assert (connection.client_ttl, connection.server_ttl) == (64, 61)
    assert connection.syn_time == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


def extended(packet: bytes, *headers: tuple[int, bytes]) -> bytes:
    """Put extension headers, each its number and content without the first octet, before the payload of IPv6."""
    last, payload = packet[6], packet[40:]
    chain = b""
    numbers = [number for number, _ in headers] + [last]
    for (_, content), following in zip(headers, numbers[1:], strict=True):
        chain += bytes([following]) + content
    return packet[:4] + struct.pack(">HB", len(chain + payload), numbers[0]) + packet[7:40] + chain + payload


EXTENSIONS = {
    "none": (),
    "hop-by-hop": ((0, bytes(7)),),
    "hop-by-hop of 16, then routing, then options": ((0, b"\1" + bytes(14)), (43, bytes(7)), (60, bytes(7))),
    "fragment that is whole": ((44, bytes(7)),),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_ipv6_extension_headers_are_passed(expected, name: str) -> None:
    frames = [(time, extended(packet, *EXTENSIONS[name])) for time, packet in packets("fd77:1::10", "fd77:2::10")]

    found = read(pcap(framed(frames)))

    (connection,) = found["connections"]
    assert (connection.client, connection.server, connection.rtt) == ("fd77:1::10", "fd77:2::10", 20)
    assert [row.outcome for row in found["echoes"]] == ["answered"] * 3
    assert [row.outcome for row in found["tls_handshakes"]] == ["completed"]
    assert {(row.transport, row.port) for row in found["endpoints"]} == {("tcp", 4371), ("icmpv6", None), ("udp", None)}


def test_later_fragments_have_no_ports() -> None:
    whole = udp(30000, 53, bytes(2000))
    first = ip("10.0.0.1", "10.0.0.2", 17, whole[:1480], flags=0x2000)
    later = ip("10.0.0.1", "10.0.0.2", 17, b"\x11\x13\x11\x13" + whole[1484:], flags=185)  # 4371 where ports would be

    found = read(pcap(framed([(START, first), (START, later)])))

    assert {(row.transport, row.port, row.packets_in + row.packets_out) for row in found["endpoints"]} == {
        ("udp", 53, 1),
        ("udp", None, 1),
    }


@pytest.mark.parametrize("snap", [0, 10, 14, 20, 34, 38, 54, 60, 96, 300])
def test_packets_cut_by_the_snap_length_lose_only_what_is_cut(expected, snap: int) -> None:
    found = read(pcap(framed(packets()), snap=snap))

    (capture,) = found["captures"]
    assert capture.packets == len(packets())
    assert "cut-packets" in found.kinds
    if snap >= 54:
        assert [row[:6] for row in found["connections"]] == [row[:6] for row in expected["connections"]]
        assert [row[23:] for row in found.plain("connections")["connections"]] == [
            row[23:] for row in expected["connections"]
        ]
    if snap == 96:
        assert [row.outcome for row in found["tls_handshakes"]] == ["cut"]
        assert found["tls_handshakes"][0].server_certificates is None


def test_a_capture_says_what_it_is() -> None:
    data = pcapng(framed(packets()), name="eth1", capture_filter="tcp or icmp", dropped=12)

    (row,) = read(data)["captures"]

    assert row[1:11] == ("pcapng", "eth1", "Ethernet", None, "tcp or icmp", len(packets()), 0, len(packets()), 0, 12)
    assert row.first_time == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


def test_several_interfaces_of_a_capture_with_link_layers_of_their_own(expected) -> None:
    frames = sorted(packets(), key=lambda frame: frame[0])
    parts = [traffic.block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    parts += [traffic.block(1, struct.pack("<HHI", link, 0, 0)) for link in (1, 113)]
    for number, (time, packet) in enumerate(frames):
        data = traffic.cooked(packet) if number % 2 else ethernet(packet)
        micros = time // 1000
        head = struct.pack("<IIIII", number % 2, micros >> 32, micros & 0xFFFFFFFF, len(data), len(data))
        parts.append(traffic.block(6, head + data))

    found = read(b"".join(parts))

    assert found.plain("connections", "echoes", "endpoints") == {
        name: expected[name] for name in ("connections", "echoes", "endpoints")
    }
    assert [(row.link_type, row.packets) for row in found["captures"]] == [
        ("Ethernet", (len(frames) + 1) // 2),
        ("Linux cooked v1", len(frames) // 2),
    ]


def test_old_and_simple_packet_blocks() -> None:
    frames = framed(packets())
    section = traffic.block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    section += traffic.block(1, struct.pack("<HHI", 1, 0, 0))
    old, simple = [section], [section]
    for time, data in frames:
        micros = time // 1000
        head = struct.pack("<HHIIII", 0, 0, micros >> 32, micros & 0xFFFFFFFF, len(data), len(data))
        old.append(traffic.block(2, head + data))
        simple.append(traffic.block(3, struct.pack("<I", len(data)) + data))

    assert read(b"".join(old))["connections"][0].rtt == 20
    (connection,) = read(b"".join(simple))["connections"]
    assert (connection.outcome, connection.syn_time, connection.rtt) == ("established", None, None)


def test_a_link_type_nobody_reads_is_said() -> None:
    found = read(pcap(framed(packets()), link=105))

    assert found["captures"][0].link_type == "105"
    assert "unread" in found.kinds
    assert not found["connections"]


def test_a_compressed_capture_inside_a_bundle(files) -> None:
    name = "eth0_diagnostic_logging_tcpdump0_e1_2026-05-01_12_00_00.pcap"
    bundle = tar_gz({f"{name}.gz": gzip.compress(pcap(framed(packets()))), name: pcap(framed(packets()))}, AS_OF)

    case = expdiag.load(files({"bundle.tar.gz": bundle}))

    assert len(case.tables["connections"]) == 2
    for row in case.dossier.rows["connections"]:
        source = case.sources[row.source]
        assert (source.line, source.packet) == (None, 1)
        assert source.text == "packet 1: 10.77.1.10:30001 > 10.77.2.10:4371 SYN"
        assert name in source.file
