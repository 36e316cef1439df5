"""A case is read the same however many workers share it."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

import expdiag
from expdiag import intake
from expdiag.evidence import file_number
from expdiag.intake import workers
from expdiag.scenarios.spec import AS_OF, healthy
from expdiag.scenarios.write import bundle, tar_gz, write_case
from tests.traffic import write_large


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """Return a case whose bundles are large: each holds a log that does not compress, and a capture."""
    folder = tmp_path_factory.mktemp("large") / "case"
    cluster = healthy()
    write_case(cluster, folder)
    for number, path in enumerate(sorted(folder.glob("*.tar.gz"))):
        chance = random.Random(number)
        noise = "".join(
            f"2026-05-01T12:00:{n % 60:02}.000+00:00 e{number + 1} tvcs: {chance.randbytes(400).hex()}\n"
            for n in range(12_000)
        )
        raised = (
            f'2026-05-01T12:01:{n:02}.000+00:00 e{number + 1} alarm: Level="WARN" Event="Alarm Raised" Id="20006" '
            f'Severity="warning" Detail="Cluster database communication failure: {n}"\n'
            for n in range(20)
        )
        capture = tmp_path_factory.mktemp("capture") / "x.pcap"
        write_large(capture, 1, seed=number)
        members = {
            f"e{number + 1}/log.txt": (noise + "".join(raised)).encode(),
            f"e{number + 1}/eth0_diagnostic_logging_tcpdump0_e{number + 1}.pcap": capture.read_bytes(),
            **bundle(cluster.peers[number], cluster),
        }
        path.write_bytes(tar_gz(members, AS_OF))
    return folder


SEEN = ("alarms", "certificates", "events", "captures", "connections", "echoes", "endpoints", "files")


def everything(folder: Path) -> tuple[object, ...]:
    case = expdiag.load(folder)
    rows = {table: list(rows) for table, rows in case.dossier.rows.items()}
    opened = [case.sources[row.source] for table in SEEN for row in rows[table]]
    names = [peer.name for peer in case.cluster.peers]
    return rows, opened, case.all_issues, names, case.as_of, case.dossier.certificates


def test_the_result_does_not_depend_on_the_number_of_workers(large: Path, monkeypatch) -> None:
    found = []
    for count in ("1", "2", "3"):
        monkeypatch.setenv("EXPDIAG_WORKERS", count)
        found.append(everything(large))

    assert found[0] == found[1] == found[2]
    for table in SEEN:
        assert len({file_number(row.source) for row in found[0][0][table]}) >= 3
    assert len({file_number(row.source) >> 20 for row in found[0][0]["files"]}) == 4


def test_a_worker_that_fails_costs_nothing(large: Path, monkeypatch) -> None:
    monkeypatch.setenv("EXPDIAG_WORKERS", "1")
    alone = everything(large)
    monkeypatch.setenv("EXPDIAG_WORKERS", "2")
    monkeypatch.setattr(workers.sys, "executable", "/bin/false")

    assert everything(large) == alone


def test_small_cases_start_no_worker(tmp_path: Path, monkeypatch) -> None:
    write_case(healthy(), tmp_path / "case")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a worker was started"))

    assert len(expdiag.load(tmp_path / "case").cluster.peers) == 3
    assert max(path.stat().st_size for path in (tmp_path / "case").iterdir()) < intake.LARGE_BYTES
