"""Connections that two captures show: the way between, the clocks, translation, loss, path MTU."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

import expdiag
from expdiag.tables import MatchedConnection
from tests.traffic import ACK, MS, START, Talk, framed, pcap

A, B = ("10.0.1.11", 30000), ("10.0.1.12", 4372)
NAMES = {"e1": A[0], "e2": B[0]}


def case_of(files, near: list[Talk], far: list[Talk]) -> expdiag.Case:
    dumps = {
        f"{name}/xconf_dump_{name}_2026.txt": f'*c xConfiguration IP DNS Hostname: "{name}"\n'
        f'*c xConfiguration Ethernet 1 IP V4 Address: "{address}"\n'
        for name, address in NAMES.items()
    }
    captures = {
        f"{name}/eth0_diagnostic_logging_tcpdump00_{name}_2026.pcap": pcap(framed([f for t in talks for f in t.frames]))
        for name, talks in (("e1", near), ("e2", far))
    }
    return expdiag.load(files({**dumps, **captures}))


def both(offset_ms: float = 0.0, way: float = 10.0, number: int = 0, **there: object) -> tuple[Talk, Talk]:
    """Return a connection as both ends see it, `way` milliseconds apart, the far clock ahead by `offset_ms`."""
    client, isn, start = (A[0], A[1] + number), 1000 + number, START + number * 10**9
    near = Talk(client, B, start, far=2 * way, isn=isn)
    far_start = start + round((way + offset_ms) * MS)
    far = Talk(there.get("client", client), there.get("server", B), far_start, far=0.0, near=2 * way, isn=isn)
    return near.open(), far.open()


def test_the_way_between_is_known_whatever_the_clocks_say(files) -> None:
    near, far = both(offset_ms=2000, way=7.5)

    case = case_of(files, [near.close()], [far.close()])

    (row,) = case.tables.rows("matched_connections")
    assert (row.peer, row.far_peer, row.translated) == ("e1", "e2", False)
    assert row.one_way == pytest.approx(7.5)
    assert (row.there, row.back) == (pytest.approx(2007.5), pytest.approx(-1992.5))
    assert row.offset == pytest.approx(2000)
    (issue,) = (issue for issue in case.all_issues if issue.kind == "clock")
    assert "clock of e2 is about 2000 ms ahead of that of e1" in issue.text


def test_a_translated_connection_is_the_same_connection(files) -> None:
    near, far = both(client=("203.0.113.9", 61000), server=("192.168.7.12", 4372))

    (row,) = case_of(files, [near.close()], [far.close()]).tables.rows("matched_connections")

    assert row.translated
    assert (row.client, row.client_there, row.server, row.server_there) == (
        A[0],
        "203.0.113.9",
        B[0],
        "192.168.7.12",
    )


def test_packets_that_pass_one_capture_only_are_lost_between(files) -> None:
    near, far = both()
    for number in range(4):
        near.packet(True, ACK, bytes([number]) * 100)
        near.sent[True] += 100
        if number != 2:
            far.packet(True, ACK, bytes([number]) * 100)
        far.sent[True] += 100

    (row,) = case_of(files, [near.close()], [far.close()]).tables.rows("matched_connections")

    assert (row.lost_there, row.lost_back, row.stalled) == (1, 0, False)


def test_large_segments_that_never_arrive_are_a_stall(files) -> None:
    near, far = both()
    for _ in range(4):
        near.packet(True, ACK, b"x" * 1400).wait(300)

    (row,) = case_of(files, [near], [far]).tables.rows("matched_connections")

    assert row.stalled


def test_a_repeated_syn_gives_no_time(files) -> None:
    near, far = both()
    again = Talk(A, B, START - 10**9, far=20.0, isn=1000)
    again.packet(True, 2, mss=1460)

    (row,) = case_of(files, [again, near], [far]).tables.rows("matched_connections")

    assert (row.there, row.one_way) == (None, None)


def test_other_connections_are_not_taken_for_one(files) -> None:
    near, _ = both(number=1)
    _, far = both(number=2)

    assert case_of(files, [near.close()], [far.close()]).tables.rows("matched_connections") == ()


def test_the_captures_of_the_lab(real: Path) -> None:
    """One-way delays and translation as in `truth.json`; p2 to p3 loses a fifth of its packets."""
    folder = real / "lab" / "captures"
    rows = expdiag.load(*sorted(folder.glob("tls-*.pcap*"))).tables.rows("matched_connections")

    def between(*ends: str) -> list[MatchedConnection]:
        return [r for r in rows if {r.client, r.server} == set(ends) and {r.client_there, r.server_there} == set(ends)]

    for ends, true in ((("10.77.1.10", "10.77.2.10"), 7), (("10.77.2.10", "10.77.3.10"), 18)):
        assert median(row.one_way for row in between(*ends)) == pytest.approx(true, abs=1)
        assert median(abs(row.offset) for row in between(*ends)) < 2
    assert sum(row.lost_there + row.lost_back for row in between("10.77.2.10", "10.77.3.10")) > 0
    assert sum(row.lost_there + row.lost_back for row in between("10.77.1.10", "10.77.2.10")) == 0
    private = "192.168.77.10"
    assert {row.translated for row in rows if private in row} == {True}
    assert {row.translated for row in rows if private not in row} == {False}
