"""Captures that lie, end early, hold garbage or never end: rows or issues, in time and in memory that stays small."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import time
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import expdiag
from expdiag.intake.capture import connections, stream
from tests import traffic
from tests.capturing import read
from tests.conftest import ROOT
from tests.test_capture_formats import packets
from tests.traffic import MS, START, SYN, Talk, echo, ethernet, framed, ip, pcap, pcapng, tcp, udp

COUNTED = ("captures", "connections", "tls_handshakes", "echoes", "endpoints")


@cache
def samples() -> tuple[bytes, ...]:
    six = packets("fd77:1::10", "fd77:2::10")
    return (
        pcap(framed(packets())),
        pcap(framed(six), order=">", nano=True),
        pcapng(framed(packets()), dropped=3),
        pcapng(framed(six, traffic.cooked), link=113, order=">"),
    )


@pytest.mark.parametrize("sixteenth", range(16))
@pytest.mark.parametrize("which", range(4))
def test_a_cut_capture_keeps_what_came_before(which: int, sixteenth: int) -> None:
    whole = samples()[which]
    cut = whole[: len(whole) * sixteenth // 16]
    if not cut.strip():
        return

    found = read(cut)

    assert found.kinds & {"truncated", "empty"} or sum(row.packets for row in found["captures"]) > 0
    before = {row[:-1] for row in read(whole)["echoes"] if row.outcome == "answered"}
    kept = {row[:-1] for row in found["echoes"] if row.outcome == "answered"}
    assert kept <= before


def test_a_capture_cut_inside_a_packet_says_where() -> None:
    found = read(samples()[0][:-10])

    assert ("truncated", f"the capture ends inside a packet, behind packet {len(packets()) - 1}") in found.issues
    assert found["captures"][0].packets == len(packets()) - 1
    assert not found.harvest.complete


@pytest.mark.parametrize("data", [samples()[0][:24], samples()[2][:100]])
def test_a_capture_without_packets(data: bytes) -> None:
    found = read(data)

    assert {"empty"} <= found.kinds
    assert [row.packets for row in found["captures"]] == [0]


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 0x7FFFFFFF, 1_000_000, 300_000])
def test_a_packet_that_claims_to_be_huge_ends_the_reading(claimed: int) -> None:
    good = pcap(framed(packets()))
    data = good + struct.pack("<IIII", 1_790_000_000, 0, claimed, claimed) + bytes(2_000_000)

    found = read(data)

    assert found["captures"][0].packets == len(packets())
    assert ("broken", f"packet {len(packets()) + 1} claims to have {claimed} bytes; nothing from it on was read") in (
        found.issues
    )


def test_a_packet_longer_than_it_was_on_the_wire() -> None:
    (time_, data) = framed(packets())[0]
    lying = struct.pack("<IIII", time_ // 10**9, 0, len(data), 5) + data

    (row,) = read(pcap(()) + lying)["captures"]

    assert (row.packets, row.cut_packets) == (1, 0)


def test_packets_of_no_length() -> None:
    empty = struct.pack("<IIII", 1_790_000_000, 0, 0, 0)

    found = read(pcap(()) + empty * 100_000)

    assert (found["captures"][0].packets, found["captures"][0].ip_packets) == (100_000, 0)


@pytest.mark.parametrize("size", [0, 1, 11, 13, 0xFFFFFFFC, 0x7FFFFFFC])
def test_blocks_that_lie_about_their_size(size: int) -> None:
    good = pcapng(framed(packets()))

    found = read(good + struct.pack("<II", 6, size) + bytes(100))

    assert found["captures"][0].packets == len(packets())
    assert found.kinds == {"broken"}


def test_a_packet_that_does_not_fit_its_block_or_interface() -> None:
    good = pcapng(framed(packets()))
    for number, captured in ((0, 5000), (7, 4)):
        found = read(good + traffic.block(6, struct.pack("<IIIII", number, 0, 0, captured, captured) + bytes(60)))
        assert found.kinds == {"broken"}
        assert found["captures"][0].packets == len(packets())


def test_large_blocks_that_hold_no_packets_are_passed_over() -> None:
    first, second = framed(packets())[:10], framed(packets())[10:]
    whole = pcapng([*first, *second])
    begin = len(pcapng(first))
    data = whole[:begin] + traffic.block(4, bytes(20_000_000)) + whole[begin:]

    assert read(data)["captures"][0].packets == len(packets())


def test_keys_that_came_with_a_capture_are_not_read() -> None:
    secret = b"CLIENT_RANDOM 0123456789abcdef"
    data = pcapng(framed(packets())) + traffic.block(10, struct.pack("<II", 0x544C534B, len(secret)) + secret)

    found = read(data)

    assert "secret" in found.kinds
    assert "0123456789abcdef" not in str(found.harvest)


@pytest.mark.parametrize("field", range(0, 40, 2))
@pytest.mark.parametrize("value", [0x0000, 0xFFFF, 0x4500, 0x0001])
def test_headers_that_lie(field: int, value: int) -> None:
    """Any two octets of the IP and TCP headers of every packet are something else."""
    frames = []
    for time_, data in framed(packets()):
        at = 14 + field
        frames.append((time_, data[:at] + struct.pack(">H", value) + data[at + 2 :]))

    found = read(pcap(frames))

    assert found["captures"][0].packets == len(frames)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(range(4)), st.binary(max_size=300))
def test_any_bytes_behind_a_header_are_rows_or_issues(which: int, rest: bytes) -> None:
    found = read(samples()[which][: 24 if which < 2 else 100] + rest)

    assert found.harvest.rows or found.issues


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(range(4)), st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=6)), max_size=8)
)
def test_captures_with_octets_changed_are_rows_or_issues(which: int, changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(samples()[which])
    for at, octets in changes:
        place = 4 + at % (len(data) - 4)
        data[place : place + len(octets)] = octets

    found = read(bytes(data))

    total = sum(row.packets for row in found["captures"])
    passed = sum(row.packets_in + row.packets_out for row in found["endpoints"])
    assert passed == sum(row.ip_packets for row in found["captures"]) <= total
    assert found.harvest.rows or found.issues


def test_random_payloads_on_all_ports_that_matter() -> None:
    chance = random.Random(3)
    frames = []
    for number in range(4000):
        port = chance.choice((53, 123, 1719, 443, 4372, 4371))
        body = chance.randbytes(chance.randint(0, 80))
        if chance.random() < 0.5:
            body = bytes([chance.choice((0x16, 0x15, 0x4A, 0x85))]) + b"\3\1" + body
        ends = ("10.0.0.1", "10.0.0.2") if chance.random() < 0.5 else ("10.0.0.2", "10.0.0.1")
        ports = (chance.randint(30000, 30005), port) if ends[0].endswith("1") else (port, chance.randint(30000, 30005))
        if port < 400 or port == 1719:
            frames.append((START + number, ip(*ends, 17, udp(*ports, body))))
        else:
            frames.append(
                (START + number, ip(*ends, 6, tcp(ports, chance.getrandbits(12), 5, chance.getrandbits(6), body)))
            )

    found = read(pcap(framed(frames)))

    assert found["captures"][0].ip_packets == 4000


def syns(count: int) -> bytes:
    """A flood: every packet from another address and port."""
    frame = bytearray(ethernet(ip("10.0.0.1", "10.0.0.2", 6, tcp((1, 4372), 0, 0, SYN))))
    parts = [pcap(())]
    for number in range(count):
        struct.pack_into(">I", frame, 26, number * 2_654_435_761 % 2**32)
        struct.pack_into(">HHI", frame, 34, 1024 + number % 60000, 4372, number)
        parts.append(
            struct.pack("<IIII", 1_790_000_000 + number // 10**6, number % 10**6, len(frame), len(frame)) + frame
        )
    return b"".join(parts)


def test_a_flood_is_rows_up_to_a_limit_and_an_issue() -> None:
    start = time.perf_counter()
    found = read(syns(200_000))

    assert len(found["connections"]) == 20_000
    assert len(found["endpoints"]) == 5_000
    assert [text.partition(";")[0] for kind, text in found.issues if kind == "too-many"] == [
        "more than 20000 rows of connections",
        "more than 5000 rows of endpoints",
    ]
    assert time.perf_counter() - start < 60


def test_handshakes_that_never_end_share_one_budget(monkeypatch) -> None:
    """A thousand servers that each announce a certificate of 16 MB hold no more than a few."""
    monkeypatch.setattr("expdiag.intake.capture.tls._MOST_OF_ALL", 1 << 20)
    frames = []
    for number in range(60):
        talk = Talk(("10.0.0.1", 30000 + number), ("10.0.0.2", 4372), START + number * MS).open()
        talk.say(True, traffic.client_hello("x"))
        talk.say(False, traffic.record(22, traffic.server_hello() + b"\x0b\xff\xff\xff" + bytes(60_000)))
        frames += talk.frames
    held = []
    taken = connections.Connections.take
    monkeypatch.setattr(
        connections.Connections, "take", lambda self, window: (taken(self, window), held.append(self.store.held))
    )

    found = read(pcap(framed(frames)))

    assert len(found["tls_handshakes"]) == 60
    assert max(held) <= 1 << 20


@pytest.mark.parametrize("size", [100, 1000, 70_000])
def test_windows_of_any_size_give_the_same_rows(monkeypatch, size: int) -> None:
    expected = [read(sample).plain(*COUNTED) for sample in samples()]
    monkeypatch.setattr(stream, "_WINDOW", size)
    monkeypatch.setattr("expdiag.intake.member.CHUNK_BYTES", 100)

    for sample, rows in zip(samples(), expected, strict=True):
        assert read(sample, head=64).plain(*COUNTED) == rows


def test_times_beyond_any_calendar() -> None:
    late = [((1 << 32) * 10**9 - 1, data) for _, data in framed(packets())[:3]]
    found = read(pcap(late))

    assert found["captures"][0].first_time.year == 2106
    assert "clock" in found.kinds  # no Expressway lived then


def test_a_megabyte_in_one_echo_is_no_packet(files) -> None:
    """Nothing in a case fails because of one capture in it."""
    broken = pcap([(START, ethernet(ip("10.0.0.1", "10.0.0.2", 1, echo(8, 1, 1))))]) + b"\xff" * 100

    case = expdiag.load(files({"x.pcap": broken, "y.txt": "*c xConfiguration H323 Mode: On\n"}))

    assert len(case.tables["echoes"]) == 1
    assert {issue.kind for issue in case.all_issues if issue.file == "x.pcap"} >= {"broken"}


@pytest.mark.parametrize("millions", [1])
def test_memory_stays_small_whatever_the_size(tmp_path, millions: int) -> None:
    """Ten million packets take ten times as long and no more memory; one million shows it."""
    path = tmp_path / "flood.pcap"
    path.write_bytes(syns(millions * 10**6))
    program = (
        f"import expdiag; expdiag.load({str(path)!r}); status = open('/proc/self/status').read(); "
        "print(status.partition('VmHWM:')[2].split()[0])"  # the maximum of getrusage would be that of this test
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert int(done.stdout) < 150_000  # kB: twenty thousand connections with all their rows are most of it
