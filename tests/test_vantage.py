"""Where a probe stood: every row knows it, or an issue says that nothing tells it and no rule uses the row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import expdiag
from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case
from expdiag.tables import TABLES
from tests.conftest import ROOT
from tests.judging import outcomes
from tests.traffic import Talk, framed, pcap

FORMATS = ("ping", "trace", "dns", "ports")
SAMPLES = sorted(p for name in FORMATS for p in (ROOT / "tests/samples" / name).iterdir() if p.suffix != ".json")
OF_PROBES = [table for table, row in TABLES.items() if "vantage" in row._fields]
SLOW = "PING {0} ({0}) 56(84) bytes of data.\n{1}\n--- {0} ping statistics ---\n" + (
    "9 packets transmitted, 9 received, 0% packet loss, time 8012ms\nrtt min/avg/max/mdev = 500.0/500.0/500.0/0.0 ms\n"
)
ANSWER = "64 bytes from {0}: icmp_seq={1} ttl=60 time=500.0 ms\n"


def rows_of(case: expdiag.Case) -> list[Any]:
    return [row for table in OF_PROBES for row in case.dossier.rows[table]]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_folder_tells_it_for_every_row(path: Path, files) -> None:
    case = expdiag.load(files({f"probes/e1/{path.name}": path.read_bytes(), "case.toml": ""}))

    assert {row.vantage for row in rows_of(case)} <= {"e1"}
    assert "vantage" not in {issue.kind for issue in case.all_issues}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_without_a_folder_the_output_tells_it_or_an_issue_says_so(path: Path, files) -> None:
    case = expdiag.load(files({path.name: path.read_bytes(), "case.toml": ""}))

    nowhere = any(not row.vantage for row in rows_of(case))
    assert nowhere == ("vantage" in {issue.kind for issue in case.all_issues})


def slow_ping(target: str) -> str:
    return SLOW.format(target, "".join(ANSWER.format(target, number) for number in range(1, 10)))


@pytest.mark.parametrize(("place", "counts"), [("probes/e1/ping.txt", True), ("ping.txt", False)])
def test_no_rule_uses_a_probe_that_stood_nowhere(tmp_path: Path, place: str, counts: bool) -> None:
    cluster = healthy()
    write_case(cluster, tmp_path / "case")
    before = outcomes(expdiag.load(tmp_path / "case"))
    file = tmp_path / "case" / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(slow_ping(cluster.peers[1].ipv4))

    after = outcomes(expdiag.load(tmp_path / "case"))

    assert (after != before) == counts


def test_a_capture_shows_both_ends_of_what_it_saw(files) -> None:
    talk = Talk(("10.0.1.11", 30001), ("10.0.1.12", 4372)).open().close()
    case = expdiag.load(files({"loose.pcap": pcap(framed(talk.frames))}))

    assert {row.vantage for row in case.dossier.rows["round_trips"]} == {"10.0.1.11"}
    assert {row.vantage for row in case.dossier.rows["reachability"]} == {"10.0.1.11"}
    assert [row.vantage for row in case.dossier.rows["captures"]] == [""]
    assert [(issue.file, issue.kind) for issue in case.all_issues] == [("loose.pcap", "vantage")]


def test_a_capture_of_an_export_or_of_a_folder_was_taken_there(tmp_path: Path) -> None:
    write_case(healthy(), tmp_path / "case")
    content = pcap(framed(Talk(("10.0.1.11", 30001), ("10.0.1.12", 4372)).open().close().frames))
    (tmp_path / "case" / "probes" / "e1").mkdir(parents=True, exist_ok=True)
    (tmp_path / "case" / "probes" / "e1" / "eth0.pcap").write_bytes(content)

    case = expdiag.load(tmp_path / "case")

    assert "vantage" not in {issue.kind for issue in case.all_issues}
