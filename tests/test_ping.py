"""Linux ping: every capture of the lab against the truth, and the traps."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import expdiag
from expdiag.tables import Probe, RoundTrip


def read(path: Path) -> tuple[list[RoundTrip], list[Probe], expdiag.Case]:
    case = expdiag.load(path)
    return list(case.dossier.rows["round_trips"]), list(case.dossier.rows["probes"]), case


LAB = [
    ("ping-p1-p2.txt", "p1-p2", 10, 10),
    ("ping-p1-p2-A.txt", "p1-p2", 10, 10),
    ("ping-p1-p2-q.txt", "p1-p2", 5, 5),
    ("ping-p1-p2-s1472-Mdo.txt", "p1-p2", 4, 4),
    ("ping-p1-p3-name.txt", "p1-p3", 5, 5),
    ("ping-p2-p3-D-O.txt", "p2-p3", 15, 13),
    ("ping-p2-p3-loss.txt", "p2-p3", 30, 27),
    ("ping6-p1-p2.txt", "p1-p2", 5, 5),
    ("ping-R.txt", "p1-p2", 2, 2),
    ("ping-T.txt", "p1-p2", 2, 2),
    ("busybox-ping.txt", "p1-p2", 3, 3),
]


@pytest.mark.parametrize(("name", "path", "sent", "answered"), LAB)
def test_lab_captures_against_the_truth(real, name: str, path: str, sent: int, answered: int) -> None:
    truth = json.loads((real / "lab" / "captures" / "truth.json").read_text())["base_rtt_ms"][path]

    (run,), probes, case = read(real / "lab" / "captures" / name)

    assert (run.sent, run.answered, run.complete) == (sent, answered, True)
    assert truth - 0.2 <= run.min <= truth + 2
    assert not [issue for issue in case.all_issues if issue.kind != "vantage"]
    if name != "ping-p1-p2-q.txt":
        assert len(probes) == sent
        assert sum(probe.outcome == "answered" for probe in probes) == answered
        assert sum(probe.outcome == "lost" for probe in probes) == sent - answered


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("ping-p1-noroute.txt", "Destination Host Unreachable (said by 10.77.100.2)"),
        ("ping-p1-ttl1.txt", "Time to live exceeded (said by 10.77.1.1)"),
        ("ping-p1-unreachable.txt", "Destination Host Unreachable (said by 10.77.1.10)"),
        ("ping-p1-toobig.txt", "local error: message too long, mtu=1500"),
    ],
)
def test_lab_errors_are_kept_and_no_number_is_made_up(real, name: str, detail: str) -> None:
    (run,), probes, _ = read(real / "lab" / "captures" / name)

    assert (run.sent, run.answered, run.loss) == (3, 0, 1.0)
    assert (run.min, run.median, run.p95, run.max, run.mean) == (None,) * 5
    assert {(probe.outcome, probe.detail) for probe in probes} == {("error", detail)}


def test_a_name_that_does_not_resolve(real) -> None:
    (run,), probes, _ = read(real / "lab" / "captures" / "ping-badname.txt")

    assert (run.target, run.address, run.sent, run.answered) == ("nosuch.lab.test", "", 0, 0)
    assert [probe.detail for probe in probes] == ["the name did not resolve"]


def test_only_a_summary_gives_no_percentile(real) -> None:
    (run,), _, _ = read(real / "lab" / "captures" / "ping-p1-p2-q.txt")

    assert (run.p95, run.median) == (None, None)
    assert (run.min, run.mean, run.max, run.deviation) == (14.606, 17.464, 27.933, 5.236)


def test_the_first_probe_with_its_address_resolution_is_left_out_of_the_percentile(real) -> None:
    (run,), _, _ = read(real / "lab" / "captures" / "ping-p1-p2-A.txt")

    assert run.max == 25.9
    assert run.p95 == 15.3


def test_loss_has_its_interval(real) -> None:
    (run,), _, _ = read(real / "lab" / "captures" / "ping-p2-p3-loss.txt")

    assert run.loss == pytest.approx(0.1)
    assert run.loss_low == pytest.approx(0.0346, abs=1e-4)  # Wilson, 3 of 30, computed by hand
    assert run.loss_high == pytest.approx(0.2562, abs=1e-4)


HEAD = "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n"
ANSWERS = "".join(f"64 bytes from 10.0.0.2: icmp_seq={n} ttl=62 time={10 + n} ms\n" for n in range(1, 6))
TAIL = (
    "\n--- 10.0.0.2 ping statistics ---\n5 packets transmitted, 5 received, 0% packet loss, time 4005ms\n"
    "rtt min/avg/max/mdev = 11.000/13.000/15.000/1.414 ms\n"
)


def test_several_runs_in_one_file_with_prompts_and_crlf(files) -> None:
    text = f"$ ping -c 5 10.0.0.2\n{HEAD}{ANSWERS}{TAIL}$ ping -c 5 10.0.0.2\n{HEAD}{ANSWERS}{TAIL}".replace(
        "\n", "\r\n"
    )

    runs, probes, case = read(files({"probes/e1/p.txt": text}))

    assert [(r.vantage, r.target, r.sent, r.max) for r in runs] == [("e1", "10.0.0.2", 5, 15.0)] * 2
    assert len(probes) == 10
    assert [(i.line, i.kind) for i in case.all_issues] == [(1, "unrecognised"), (12, "unrecognised")]


def test_a_cut_end_has_answers_but_no_loss(files) -> None:
    (run,), _, case = read(files({"probes/e1/p.txt": HEAD + ANSWERS}))

    assert (run.answered, run.sent, run.loss, run.complete) == (5, None, None, False)
    assert "truncated" in {issue.kind for issue in case.all_issues}


def test_duplicates_are_not_answers(files) -> None:
    twice = "64 bytes from 10.0.0.2: icmp_seq=2 ttl=62 time=90.0 ms (DUP!)\n"

    (run,), probes, _ = read(files({"probes/e1/p.txt": HEAD + ANSWERS + twice + TAIL}))

    assert (run.answered, run.max) == (5, 15.0)
    assert [probe.outcome for probe in probes].count("duplicate") == 1


def test_utf16_as_powershell_writes_it(files) -> None:
    (run,), _, _ = read(files({"probes/e1/p.txt": (HEAD + ANSWERS + TAIL).encode("utf-16")}))

    assert (run.sent, run.answered) == (5, 5)


@pytest.mark.parametrize("sixteenth", range(16))
def test_any_cut_is_an_issue_or_a_whole_run(files, sixteenth: int) -> None:
    text = HEAD + ANSWERS + TAIL
    cut = text[: len(text) * sixteenth // 16]
    folder = files({"probes/e1/p.txt": cut, "other.txt": "*c xConfiguration H323 Mode: On\n"})

    runs, _, case = read(folder)

    assert [issue for issue in case.all_issues if issue.file == "probes/e1/p.txt"] or runs[0].sent == 5


def test_a_ping_that_really_ran(tmp_path: Path) -> None:
    tool = shutil.which("ping")
    if not tool:
        pytest.skip("ping is not installed")
    ran = subprocess.run([tool, "-c", "6", "-i", "0.2", "127.0.0.1"], capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.skip(f"ping may not run here: {ran.stderr.strip()}")
    (tmp_path / "ping.txt").write_text(ran.stdout)

    (run,), _, _ = read(tmp_path / "ping.txt")

    assert (run.sent, run.answered, run.loss) == (6, 6, 0.0)
    assert 0 < run.min <= run.median <= run.max
