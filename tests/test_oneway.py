"""One-way delay of captures whose clocks time servers correct, against delays made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import expdiag
from expdiag.findings import PASS, VIOLATION
from expdiag.model.network.oneway import one_way
from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case
from tests.judging import finding
from tests.test_capture_messages import ntp
from tests.traffic import MS, START, Frame, Talk, framed, ip, pcap, udp

A, B, CLOCK = ("10.0.1.11", 30000), ("10.0.1.12", 4372), "10.0.1.123"


def asked(client: str, ahead_ms: float) -> list[Frame]:
    """Return a question to a time server and its answer, 1 ms each way, by a clock that is ahead of it."""

    def stamp(true_ms: float) -> bytes:
        nanoseconds = START + round(true_ms * MS)
        return (nanoseconds // 10**9 + 2_208_988_800).to_bytes(4, "big") + (
            (nanoseconds % 10**9 << 32) // 10**9
        ).to_bytes(4, "big")

    def at(true_ms: float) -> int:
        return START + round((true_ms + ahead_ms) * MS)

    question, answer = ntp(3, sent=b"question"), ntp(4, b"question", stamp(1), stamp(1))
    answer = answer[:4] + (66).to_bytes(4, "big") + (131).to_bytes(4, "big") + answer[12:]  # 1 ms away, 2 ms off
    return [
        (at(0), ip(client, CLOCK, 17, udp(123, 123, question))),
        (at(2), ip(CLOCK, client, 17, udp(123, 123, answer), ttl=60)),
    ]


def case_of(tmp_path: Path, there: float, back: float, ahead: tuple[float, float]) -> expdiag.Case:
    """Return two peers whose captures show one connection, by clocks that are ahead by so much."""
    near = Talk(A, B, START + round(ahead[0] * MS), far=there + back, isn=1000).open().close()
    far = Talk(A, B, START + round((there + ahead[1]) * MS), far=0.0, near=there + back, isn=1000).open().close()
    folder = tmp_path / "c"
    write_case(healthy(2, name="two"), folder)
    for name, talk, client, by in (("e1", near, A[0], ahead[0]), ("e2", far, B[0], ahead[1])):
        path = folder / name / f"eth0_diagnostic_logging_tcpdump00_{name}_2026-05-01.pcap"
        path.parent.mkdir()
        path.write_bytes(pcap(framed(sorted([*asked(client, by), *talk.frames], key=lambda frame: frame[0]))))
    return expdiag.load(folder)


@pytest.mark.parametrize("ahead", [(0.0, 0.0), (500.0, -20.0), (-3.0, 1000.0)])
def test_each_direction_by_itself(tmp_path: Path, ahead: tuple[float, float]) -> None:
    found = case_of(tmp_path, 50.0, 10.0, ahead).cluster.view(one_way)

    (there,), (back,) = found["e1", "e2"], found["e2", "e1"]
    assert there.delay == pytest.approx(50, abs=0.1)
    assert back.delay == pytest.approx(10, abs=0.1)
    assert there.error == pytest.approx(7, abs=0.1)  # two servers: 2 ms off, half of 1 ms away, half of 2 ms to it


@pytest.mark.parametrize(("there", "back", "outcome"), [(60, 10, VIOLATION), (42, 10, PASS), (10, 10, PASS)])
def test_a_long_way_in_one_direction_counts(tmp_path: Path, there: float, back: float, outcome: str) -> None:
    case = case_of(tmp_path, there, back, (500.0, 0.0))

    assert finding(case, "R08", "e1", "e2").outcome == outcome
    assert finding(case, "R07", "e1", "e2").outcome == PASS
    if outcome == VIOLATION:
        assert "e1 to e2 takes 60.0 ms one way" in finding(case, "R08", "e1", "e2").verdict.reason
