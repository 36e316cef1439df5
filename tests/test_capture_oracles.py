"""tshark and dpkt must say the same, packet for packet, of the captures of the lab and of generated ones."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import dpkt
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import CookedLinux, Dot1AD, Dot1Q, Ether
from scapy.utils import PcapWriter

from expdiag import knowledge
from tests.capturing import Read, read, tshark
from tests.traffic import write_large

LAB = ["tls-p1-e0.pcap", "tls-p2-e0.pcap", "tls-n1-in.pcap", "tls-n1-out.pcap", "tls-p3-e0.pcapng", "scan-p2-e0.pcap"]
PORTS = {int(port) for port in knowledge.load("capture")["services"]["tcp"]}
MICROSECOND = 0.0011


@pytest.fixture(scope="module", params=[*LAB, "generated"])
def capture(request, tmp_path_factory) -> tuple[Path, Read]:
    if request.param == "generated":
        path = tmp_path_factory.mktemp("generated") / "x.pcap"
        write_large(path, 3)
    else:
        path = request.getfixturevalue("real") / "lab" / "captures" / request.param
    return path, read(path)


def test_tshark_counts_the_same_packets_and_span(capture) -> None:
    path, found = capture
    times = [float(row[0]) for row in tshark(path, "frame.time_epoch")]
    (row,) = found["captures"]

    assert row.packets == len(times)
    assert row.first_time.timestamp() == pytest.approx(min(times), abs=1e-5)
    assert row.last_time.timestamp() == pytest.approx(max(times), abs=1e-5)


def test_tshark_measures_the_same_round_trips_of_handshakes(capture) -> None:
    path, found = capture
    said: dict[tuple[str, str, str, str], set[float]] = {}
    for source, source_port, target, target_port, rtt in tshark(
        path,
        "ip.src",
        "tcp.srcport",
        "ip.dst",
        "tcp.dstport",
        "tcp.analysis.initial_rtt",
        show="tcp.analysis.initial_rtt",
    ):
        for key in ((source, source_port, target, target_port), (target, target_port, source, source_port)):
            said.setdefault(key, set()).add(float(rtt) * 1000)

    compared = 0
    for row in found["connections"]:
        known = said.get((row.client, str(row.client_port), row.server, str(row.port)), set())
        if row.rtt is not None and len(known) == 1:
            assert row.rtt == pytest.approx(next(iter(known)), abs=MICROSECOND), row
            compared += 1
    ours = {(row.client, str(row.client_port), row.server, str(row.port)) for row in found["connections"] if row.rtt}
    assert compared >= len(ours) * 0.9 > 0
    seen = {frozenset(((r.client, str(r.client_port)), (r.server, str(r.port)))) for r in found["connections"]}
    assert {frozenset((key[:2], key[2:])) for key in said if {int(key[1]), int(key[3])} & PORTS} <= seen


def test_tshark_matches_the_same_echoes(capture) -> None:
    path, found = capture
    rows = tshark(path, "ip.src", "ip.dst", "icmp.ident", "icmp.seq", "icmp.resptime", show="icmp.type == 0")

    said = Counter(
        (target, source, int(ident.split(";")[0], 0), int(number.split(";")[0]), round(float(rtt), 3))
        for source, target, ident, number, rtt in rows
        if rtt
    )
    ours = Counter(
        (row.client, row.server, row.identifier, row.sequence, round(row.rtt, 3))
        for row in found["echoes"]
        if row.rtt is not None
    )

    assert ours == said
    assert ours or "scan" in path.name


def test_tshark_sums_the_same_traffic(capture) -> None:
    path, found = capture
    said: Counter[tuple[frozenset[str], str]] = Counter()
    sizes: Counter[tuple[frozenset[str], str]] = Counter()
    names = knowledge.load("capture")["transports"]
    for source, target, protocol, size in tshark(path, "ip.src", "ip.dst", "ip.proto", "ip.len", show="ip"):
        first = [values.split(";")[0] for values in (source, target, protocol, size)]
        key = frozenset(first[:2]), names[first[2]]
        said[key] += 1
        sizes[key] += int(first[3])

    ours: Counter[tuple[frozenset[str], str]] = Counter()
    our_sizes: Counter[tuple[frozenset[str], str]] = Counter()
    for row in found["endpoints"]:
        if ":" in row.address:
            continue
        key = frozenset((row.address, row.far_address)), row.transport
        ours[key] += row.packets_in + row.packets_out
        our_sizes[key] += row.bytes_in + row.bytes_out

    assert ours == said
    assert our_sizes == sizes


def test_tshark_sees_the_same_names_and_certificates(capture) -> None:
    path, found = capture
    rows = tshark(
        path,
        *("ip.src", "ip.dst", "tcp.srcport", "tcp.dstport"),
        *("tls.handshake.extensions_server_name", "tls.handshake.certificate"),
        show="tls.handshake.extensions_server_name or tls.handshake.certificate",
        decode=tuple(f"{port},tls" for port in (4371, 4372, 5061)),
    )
    names, certificates = Counter(), set()
    for source, target, _, target_port, name, ders in rows:
        if name:
            names[source, target, int(target_port), name] += 1
        for der in filter(None, ders.replace(":", "").split(";")):
            certificates.add((source, hashlib.sha256(bytes.fromhex(der)).hexdigest()))

    ours = {(r.server, print_) for r in found["tls_handshakes"] for print_ in r.server_certificates or ()}
    ours |= {(r.client, print_) for r in found["tls_handshakes"] for print_ in r.client_certificates or ()}
    assert ours == certificates
    assert {print_ for _, print_ in ours} == {row.fingerprint for row in found["certificates"]}
    assert (
        Counter((r.client, r.server, r.port, r.server_name) for r in found["tls_handshakes"] if r.server_name) == names
    )
    assert names or "scan" in path.name  # its packets are cut at 96 bytes


def test_tshark_tells_the_same_alerts(capture) -> None:
    path, found = capture
    begun = {row[0] for row in tshark(path, "tcp.stream", show="tcp.dstport < 10000 and tcp.payload[0:2] == 16:03")}
    show = "tls.alert_message.desc and tls.alert_message.level == 2"
    rows = tshark(path, "ip.src", "tcp.stream", "tls.alert_message.desc", show=show)
    alerts = knowledge.load("tls")["alerts"]

    said = Counter((source, alerts[number.split(";")[0]]) for source, stream, number in rows if stream in begun)
    ours = Counter(
        (row.client if row.alert_from == "client" else row.server, row.alert)
        for row in found["tls_handshakes"]
        if row.alert not in ("", "hidden")
    )

    assert ours == said


def test_tshark_reads_the_same_errors(capture) -> None:
    path, found = capture
    rows = tshark(path, "frame.number", "ip.src", "ip.dst", "icmp.type", "icmp.code", show="icmp.type in {3,4,5,11,12}")

    said = [
        (int(number), *sources.split(";"), targets.split(";")[1], int(kind.split(";")[0]), int(code.split(";")[0]))
        for number, sources, targets, kind, code in rows
    ]
    ours = [
        (found.source(row)[0], row.said_by, row.client, row.server, row.type, row.code) for row in found["icmp_errors"]
    ]

    assert ours == said


def test_tshark_counts_resets_and_retransmissions_alike(capture) -> None:
    path, found = capture
    resets = tshark(path, "ip.src", "tcp.srcport", "ip.dst", "tcp.dstport", show="tcp.flags.reset == 1")
    said = {frozenset(((row[0], row[1]), (row[2], row[3]))) for row in resets if {int(row[1]), int(row[3])} & PORTS}
    ours = {
        frozenset(((row.client, str(row.client_port)), (row.server, str(row.port))))
        for row in found["connections"]
        if row.reset_by
    }
    syns = tshark(path, "frame.number", show="tcp.flags.syn == 1 and tcp.flags.ack == 0")
    data = tshark(path, "frame.number", show="tcp.analysis.retransmission and tcp.len > 1")

    assert ours == said
    counted = sum(row.syns for row in found["connections"])
    if "scan" not in path.name:  # it also tries ports no cluster uses
        assert counted == len(syns)
    assert sum(r.retransmissions_to_server + r.retransmissions_to_client for r in found["connections"]) == len(data)


def test_dpkt_finds_the_same_answers_to_syns(capture) -> None:
    path, found = capture
    said: dict[tuple[bytes, int, bytes, int], float] = {}
    waiting: dict[tuple[bytes, int, bytes, int, int], list[float]] = {}
    with path.open("rb") as file:
        reader = dpkt.pcapng.Reader(file) if path.suffix == ".pcapng" else dpkt.pcap.Reader(file)
        for time, data in reader:
            packet = dpkt.ethernet.Ethernet(data).data
            if not isinstance(packet, dpkt.ip.IP) or not isinstance(packet.data, dpkt.tcp.TCP):
                continue
            tcp = packet.data
            if tcp.flags & 0x12 == 0x02:
                waiting.setdefault((packet.src, tcp.sport, packet.dst, tcp.dport, tcp.seq), []).append(time)
            elif tcp.flags & 0x12 == 0x12:
                key = (packet.dst, tcp.dport, packet.src, tcp.sport)
                sent = waiting.pop((*key, tcp.ack - 1), [])
                if len(sent) == 1:
                    said.setdefault(key, (time - sent[0]) * 1000)
    pack = dpkt.utils.inet_to_str

    expected = {(pack(a), b, pack(c), d): rtt for (a, b, c, d), rtt in said.items() if d in PORTS}
    ours: dict[tuple[str, int, str, int], float] = {}
    for row in found["connections"]:
        if row.far_half is not None:
            ours.setdefault((row.client, row.client_port, row.server, row.port), row.far_half)

    assert set(ours) == set(expected)
    for key, half in ours.items():
        assert half == pytest.approx(expected[key], abs=MICROSECOND)


@pytest.mark.parametrize(("name", "pairs"), [("tls-p1-e0.pcap", {"10.77.2.10": "p1-p2", "10.77.3.10": "p1-p3"})])
def test_the_lab_knows_its_delays(real, name: str, pairs: dict[str, str]) -> None:
    """What was set up in the lab: both ways of each connection come to the same round trip."""
    truth = json.loads((real / "lab" / "captures" / "truth.json").read_text())["base_rtt_ms"]
    found = read(real / "lab" / "captures" / name)

    for address, path in pairs.items():
        both_ways = [
            run.min for run in found["round_trips"] if address in (run.vantage, run.address) and run.method != "tls"
        ]
        assert len(both_ways) == 3  # SYNs there and back, echoes there
        assert all(truth[path] - 0.2 <= rtt <= truth[path] + 2 for rtt in both_ways)


def test_what_is_blocked_in_the_lab(real) -> None:
    found = read(real / "lab" / "captures" / "tls-p1-e0.pcap")

    states = {
        (row.address, row.port): (row.state, row.said_by)
        for row in found["reachability"]
        if row.vantage == "10.77.1.10"
    }

    assert states == {
        ("10.77.2.10", 4371): ("open", ""),
        ("10.77.2.10", 4372): ("open", ""),
        ("10.77.3.10", 4371): ("open", ""),
        ("10.77.3.10", 4372): ("filtered", ""),
        ("10.77.9.2", 4371): ("open", ""),
        ("10.77.9.2", 4372): ("refused", "10.77.9.2"),
    }


def test_p3_shows_its_expired_certificate_and_p4_hides_its_own(real) -> None:
    found = read(real / "lab" / "captures" / "tls-p1-e0.pcap")

    shown = {row.common_name: row for row in found["certificates"]}
    assert shown["expc03.lab.test"].not_after < found["captures"][0].last_time
    (hidden,) = [row for row in found["tls_handshakes"] if row.server == "10.77.9.2"]
    assert (hidden.version, hidden.client_certificate, hidden.server_certificates) == ("TLSv1.3", "hidden", None)


WRAPPED = {
    "VLAN": (1, lambda packet: Ether() / Dot1Q(vlan=5) / packet),
    "QinQ": (1, lambda packet: Ether() / Dot1AD(vlan=5) / Dot1Q(vlan=6) / packet),
    "three tags": (1, lambda packet: Ether() / Dot1AD(vlan=5) / Dot1Q(vlan=6) / Dot1Q(vlan=7) / packet),
    "cooked": (113, lambda packet: CookedLinux() / packet),
    "raw": (101, lambda packet: packet),
}


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("six", [False, True])
def test_packets_scapy_built_are_read_as_tshark_reads_them(tmp_path: Path, name: str, six: bool) -> None:
    link, wrap = WRAPPED[name]
    here = IPv6(src="fd00::1", dst="fd00::2") / IPv6ExtHdrHopByHop() if six else IP(src="10.0.0.1", dst="10.0.0.2")
    back = IPv6(src="fd00::2", dst="fd00::1", hlim=61) if six else IP(src="10.0.0.2", dst="10.0.0.1", ttl=61)
    packets = [
        here / TCP(sport=30000, dport=4372, flags="S", seq=5),
        back / TCP(sport=4372, dport=30000, flags="SA", seq=9, ack=6),
        here / TCP(sport=30000, dport=4372, flags="A", seq=6, ack=10),
        here / UDP(sport=40000, dport=36000) / bytes(100),
        *([] if six else [here / ICMP(id=4, seq=7), back / ICMP(type=0, id=4, seq=7)]),
    ]
    path = tmp_path / "scapy.pcap"
    with PcapWriter(str(path), linktype=link) as writer:
        for number, packet in enumerate(packets):
            built = wrap(packet)
            built.time = 1_790_000_000 + number * 0.01
            writer.write(built)
    found = read(path)
    family = "ipv6" if six else "ip"

    said = tshark(path, f"{family}.src", "tcp.srcport", "tcp.flags", "udp.dstport")

    assert len(said) == found["captures"][0].packets == found["captures"][0].ip_packets == len(packets)
    assert all(row[0].startswith(("fd00", "10.")) for row in said)
    (connection,) = found["connections"]
    assert (connection.client, connection.server) == (said[0][0], said[1][0])
    assert (connection.outcome, connection.rtt) == ("established", pytest.approx(20, abs=0.01))
    assert [row.rtt for row in found["echoes"]] == ([] if six else [pytest.approx(10, abs=0.01)])
    assert sum(row.packets_in + row.packets_out for row in found["endpoints"]) == len(packets)


def test_fragments_scapy_made_are_counted_as_tshark_counts_them(tmp_path: Path) -> None:
    from scapy.layers.inet import fragment

    path = tmp_path / "fragments.pcap"
    with PcapWriter(str(path), linktype=1) as writer:
        for packet in fragment(
            IP(src="10.0.0.1", dst="10.0.0.2", id=9) / UDP(sport=40000, dport=53) / bytes(4000), 1400
        ):
            writer.write(Ether() / packet)

    said = tshark(path, "ip.len", show="ip")
    rows = read(path)["endpoints"]

    assert sum(row.packets_in + row.packets_out for row in rows) == len(said) == 3
    assert sum(row.bytes_in + row.bytes_out for row in rows) == sum(int(row[0]) for row in said)
