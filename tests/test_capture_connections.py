"""Connections, round trips and what they prove, against conversations built packet by packet."""

from __future__ import annotations

import struct
from datetime import timedelta

import pytest

import expdiag
from tests import traffic
from tests.capturing import read
from tests.traffic import ACK, FIN, MS, RST, START, SYN, Talk, echo, framed, ip, pcap, tcp, udp

A, B, ROUTER = "10.0.1.11", "10.0.1.12", "10.0.9.9"
LATER = (START + 60_000 * MS, ip(A, B, 17, udp(36000, 36002, b"the capture goes on")))


def talk(**changes) -> Talk:
    return Talk((A, 30001), (B, 4372), **changes)


def one(*frames: traffic.Frame, after: bool = True):
    found = read(pcap(framed([*frames, LATER] if after else frames)))
    (row,) = found["connections"]
    return row, found


def states(found) -> list[tuple[str, str, int, str, str]]:
    return [(row.vantage, row.address, row.port, row.state, row.said_by) for row in found["reachability"]]


@pytest.mark.parametrize(("far", "near"), [(30, 0), (0.01, 30), (12, 18)])
def test_both_halves_are_the_round_trip_wherever_the_capture_stood(far: float, near: float) -> None:
    row, found = one(*talk(far=far, near=near).open().close().frames)

    assert (row.far_half, row.near_half) == (far, near)
    assert row.rtt == pytest.approx(far + near)
    (run,) = found["round_trips"]
    assert (run.vantage, run.address, run.method, run.tool, run.port) == (A, B, "tcp-syn", "capture", 4372)
    assert (run.sent, run.answered, run.loss, run.max) == (1, 1, 0.0, row.rtt)
    assert states(found) == [(A, B, 4372, "open", "")]


def test_a_repeated_syn_was_lost_or_its_answer_was_and_has_no_round_trip() -> None:
    opening = talk()
    opening.packet(True, SYN).wait(1000)
    row, found = one(*opening.open().frames)

    assert (row.outcome, row.syns, row.far_half, row.near_half, row.rtt) == ("established", 2, None, 0.0, None)
    assert row.syn_ack_time - row.syn_time == timedelta(milliseconds=1020)
    assert not found["round_trips"]


def test_a_repeated_syn_ack_makes_only_its_own_half_ambiguous() -> None:
    opening = talk()
    opening.packet(True, SYN).wait(20)
    opening.sent[True] += 1
    opening.packet(False, SYN | ACK).wait(1000).packet(False, SYN | ACK).wait(5)
    opening.sent[False] += 1
    row, _ = one(*opening.packet(True, ACK).frames)

    assert (row.outcome, row.syn_acks, row.far_half, row.near_half, row.rtt) == ("established", 2, 20.0, None, None)


def test_syns_without_any_answer_mean_filtered() -> None:
    opening = talk()
    for wait in (1000, 2000, 4000):
        opening.packet(True, SYN).wait(wait)
    row, found = one(*opening.frames)

    assert (row.outcome, row.syns, row.said_by) == ("no-answer", 3, "")
    assert states(found) == [(A, B, 4372, "filtered", "")]
    assert not found["round_trips"]


def test_one_syn_without_answer_proves_nothing_at_the_end_of_the_capture() -> None:
    cut, _ = one(*talk().packet(True, SYN).frames, after=False)
    alone, found = one(*talk().packet(True, SYN).frames)

    assert (cut.outcome, alone.outcome) == ("cut", "no-answer")
    assert states(found) == []


def test_a_reset_refuses() -> None:
    opening = talk(ttls=(64, 63)).packet(True, SYN).wait(20)
    row, found = one(*opening.reset().frames)

    assert (row.outcome, row.said_by, row.reset_by, row.reset_ttl) == ("refused", B, "server", 63)
    assert states(found) == [(A, B, 4372, "refused", B)]


@pytest.mark.parametrize(
    ("kind", "code", "state", "message"),
    [
        (3, 13, "prohibited", "administratively prohibited"),
        (3, 1, "unreachable", "host unreachable"),
        (3, 3, "refused", "port unreachable"),
    ],
)
def test_an_icmp_error_says_who_said_what_about_whom(kind: int, code: int, state: str, message: str) -> None:
    syn = ip(A, B, 6, tcp((30001, 4372), 1, 0, SYN), ttl=62)
    error = ip(ROUTER, A, 1, struct.pack(">BBHI", kind, code, 0, 0) + syn[:28])
    row, found = one((START, syn), (START + 5 * MS, error))

    assert (row.outcome, row.said_by) == (state, ROUTER)
    assert states(found) == [(A, B, 4372, state, ROUTER)]
    (said,) = found["icmp_errors"]
    assert said[1:4] == (ROUTER, A, message)
    assert said[7:12] == (A, B, "tcp", 30001, 4372)
    assert found.source(said)[0] == 2


def test_an_icmpv6_error_and_the_mtu_of_the_next_hop() -> None:
    quoted = ip("fd00::1", "fd00::2", 6, tcp((30001, 4372), 1, 0, ACK, bytes(1400)))
    error = ip("fd00::9", "fd00::1", 58, struct.pack(">BBHI", 2, 0, 0, 1280) + quoted[:100])

    (row,) = read(pcap(framed([(START, error)])))["icmp_errors"]

    assert (row.message, row.mtu, row.client, row.server, row.port) == (
        *("packet too big", 1280),
        *("fd00::1", "fd00::2", 4372),
    )


def test_a_port_used_again_is_another_connection() -> None:
    first = talk().open().close()
    second = talk(start=first.now + 1000 * MS, isn=99, far=25).open()

    found = read(pcap(framed([*first.frames, *second.frames, LATER])))

    assert [(row.far_half, row.closed) for row in found["connections"]] == [(20, True), (25, False)]


def test_a_connection_that_began_before_the_capture() -> None:
    row, _ = one(*talk().open().say(True, b"hello").frames[3:])

    assert (row.outcome, row.client, row.port, row.syns, row.bytes_to_server) == ("joined", A, 4372, 0, 5)


def test_who_calls_is_the_client_even_where_both_ports_are_known() -> None:
    found = read(pcap(framed(Talk((A, 5061), (B, 8443)).open().frames)))

    assert [(row.client, row.server, row.port) for row in found["connections"]] == [(A, B, 8443)]


def test_retransmitted_data_is_counted_by_direction() -> None:
    carrier = talk().open()
    carrier.packet(True, ACK, b"lost once").wait(300).say(True, b"lost once").say(False, b"answer")
    carrier.packet(False, ACK, b"answer", sequence=carrier.sent[False] - 6)
    row, _ = one(*carrier.frames)

    assert (row.retransmissions_to_server, row.retransmissions_to_client) == (1, 1)
    assert (row.bytes_to_server, row.bytes_to_client) == (18, 12)


def test_a_clock_that_goes_back_gives_no_negative_round_trip() -> None:
    back = talk(far=-20)
    frames = back.open().frames
    found = read(pcap([(time, traffic.ethernet(packet)) for time, packet in frames]))

    (row,) = found["connections"]
    assert (row.outcome, row.far_half, row.rtt) == ("established", None, None)
    assert found["captures"][0].backward_steps == 1
    assert "clock" in found.kinds


def pings(*delays: float, ttl: int = 64, start: int = START):
    for number, delay in enumerate(delays):
        asked = start + number * 1000 * MS
        yield asked, ip(A, B, 1, echo(8, 1, number), ttl=ttl)
        if delay >= 0:
            yield asked + round(delay * MS), ip(B, A, 1, echo(0, 1, number), ttl=61)


def test_echoes_captured_where_they_were_sent_are_round_trips() -> None:
    found = read(pcap(framed([*pings(35, 20, 21, -1, 22, 23), LATER])))

    (run,) = found["round_trips"]
    assert (run.vantage, run.address, run.method, run.sent, run.answered) == (A, B, "icmp", 6, 5)
    assert (run.min, run.median, run.p95, run.max) == (20, 22, 23, 35)  # the first carries the address resolution
    assert run.loss == pytest.approx(1 / 6)
    assert (run.loss_low, run.loss_high) == (pytest.approx(0.0301, abs=1e-4), pytest.approx(0.5635, abs=1e-4))
    assert run.jitter == pytest.approx((15 + 1 + 1 + 1) / 4)
    assert found.source(run._replace(source=run.p95_line))[0] == 10
    assert [row.outcome for row in found["echoes"]] == ["answered"] * 3 + ["no-answer"] + ["answered"] * 2


@pytest.mark.parametrize(("ttl", "delay"), [(63, 20), (64, 0.02)])
def test_echoes_captured_elsewhere_are_no_round_trips(ttl: int, delay: float) -> None:
    found = read(pcap(framed([*pings(delay, delay, ttl=ttl), LATER])))

    assert [row.rtt for row in found["echoes"]] == [delay, delay]
    assert not found["round_trips"]


def test_the_last_echo_of_a_capture_is_not_lost() -> None:
    found = read(pcap(framed(pings(20, 20, -1))))

    assert [row.outcome for row in found["echoes"]] == ["answered", "answered", "cut"]
    assert found["round_trips"][0].loss == 0


def test_an_answer_without_its_question() -> None:
    (row,) = read(pcap(framed([(START, ip(B, A, 1, echo(0, 1, 1)))])))["echoes"]

    assert (row.client, row.server, row.outcome, row.rtt) == (A, B, "answer-only", None)


def test_rules_use_round_trips_of_a_capture_in_the_bundle_of_a_peer(files) -> None:
    """The address that sent a SYN is where the probe stood, so a capture judges the delay between two peers."""
    frames: list[traffic.Frame] = []
    for number in range(5):
        frames += Talk((A, 30000 + number), (B, 4372), START + number * 10**9, far=120).open().close().frames
    dumps = {
        f"{name}/xconf_dump_{name}_2026.txt": (
            f'*c xConfiguration SystemUnit Name: "{name}"\n*c xConfiguration Ethernet 1 IP V4 Address: "{address}"\n'
            f'*c xConfiguration Alternates Cluster Name: "c"\n*c xConfiguration Alternates Peer 1 Address: "{A}"\n'
            f'*c xConfiguration Alternates Peer 2 Address: "{B}"\n'
        )
        for name, address in (("e1", A), ("e2", B))
    }

    case = expdiag.load(files({**dumps, "e1/eth0_diagnostic_logging_tcpdump0_e1_2026.pcap": pcap(framed(frames))}))

    (run,) = case.cluster.paths.directed("e1", "e2")
    assert (run.answered, run.p95) == (5, 120)
    assert case.sources[run.p95_line].packet
    assert not [issue for issue in case.all_issues if issue.kind == "vantage"]


def test_endpoints_sum_both_ways() -> None:
    frames = [*pings(20, 20), *talk().open().frames, LATER]

    rows = {(row.transport, row.port): row for row in read(pcap(framed(frames)))["endpoints"]}

    assert set(rows) == {("icmp", None), ("tcp", 4372), ("udp", None)}
    cluster = rows["tcp", 4372]
    assert (cluster.address, cluster.far_address, cluster.packets_in, cluster.packets_out) == (B, A, 2, 1)
    assert (cluster.bytes_in, cluster.bytes_out) == (20 + 24 + 20 + 20, 20 + 24)
    assert cluster.last_time - cluster.first_time == timedelta(milliseconds=20)


def test_a_connection_over_many_windows(monkeypatch) -> None:
    """What a window leaves open the next one takes up, wherever the capture is parted."""
    from expdiag.intake.capture import stream

    carrier = talk(near=3).open()
    for _ in range(40):
        carrier.say(True, bytes(1400)).say(False, bytes(700))
    data = pcap(framed([*carrier.close().frames, *pings(20, 21, 22), LATER]))
    tables = ("connections", "endpoints", "echoes", "round_trips")
    whole = read(data).plain(*tables)

    monkeypatch.setattr(stream, "_WINDOW", 4000)
    monkeypatch.setattr("expdiag.intake.member.CHUNK_BYTES", 1000)
    parted = read(data, head=100).plain(*tables)

    assert {name: sorted(rows) for name, rows in parted.items()} == {name: sorted(rows) for name, rows in whole.items()}


def test_a_reset_of_an_open_connection_says_whose_it_is() -> None:
    row, _ = one(*talk().open().say(True, b"x" * 10).packet(True, RST).packet(False, FIN | ACK).frames)

    assert (row.outcome, row.reset_by, row.closed) == ("established", "client", True)


@pytest.mark.parametrize("syns", [1, 3])
def test_a_client_that_goes_on_was_answered_out_of_sight(syns: int) -> None:
    opening = talk()
    for _ in range(syns - 1):
        opening.packet(True, SYN).wait(1000)
    seen = [
        (time, packet) for time, packet in opening.open().close().frames if packet[12:16] == ip(A, B, 6, b"")[12:16]
    ]
    row, found = one(*seen)

    assert (row.outcome, row.packets_to_client, row.far_half, row.near_half) == ("established", 0, None, None)
    assert not found["round_trips"]
    assert states(found) == []


def test_a_reset_of_the_client_is_no_answer() -> None:
    opening = talk().packet(True, SYN).wait(1000).packet(True, SYN).wait(1000)
    row, _ = one(*opening.packet(True, RST).frames)

    assert (row.outcome, row.reset_by) == ("no-answer", "client")
