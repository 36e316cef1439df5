"""Inflating ahead gives the same bytes and says the same of damage, whatever becomes of the process that does it."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

import expdiag
from expdiag.intake import ahead, archive
from expdiag.intake.ahead import InflatedAhead
from expdiag.intake.archive import OnDisk
from expdiag.intake.inflate import Inflated

CASES = Path(__file__).parent.parent / "data" / "cases"
DATA = random.Random(1).randbytes(1_500_000) + bytes(2_000_000)
PACKED = gzip.compress(DATA[:2_000_000]) + gzip.compress(DATA[2_000_000:])
STREAMS = {
    "whole": PACKED,
    "cut": PACKED[:900_000],
    "empty": gzip.compress(b""),
    "damaged": PACKED[:700_000] + b"\xff" * 100 + PACKED[700_100:],
    "other data behind": PACKED + b"x" * 50,
}


def content(stream: Inflated | InflatedAhead, piece: int) -> tuple[bytes, str, int]:
    data = b"".join(iter(lambda: stream.read(piece), b""))
    assert stream.read(piece) == b""
    assert stream.passed == len(data)
    return data, stream.problem, stream.consumed


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("piece", [1000, 1 << 20])
def test_the_content_is_the_same(name: str, piece: int, tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(STREAMS[name])
    with path.open("rb") as file, InflatedAhead(path) as inflated:
        assert content(inflated, piece) == content(Inflated(file), piece)


@pytest.mark.parametrize("executable", ["/bin/false", "/bin/echo"])
def test_a_process_that_fails_costs_nothing(executable: str, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(PACKED)
    monkeypatch.setattr(ahead.sys, "executable", executable)
    with InflatedAhead(path) as inflated:
        assert content(inflated, 1 << 20)[:2] == (DATA, "")


def test_a_process_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(random.Random(2).randbytes(8_000_000)))
    with path.open("rb") as file, InflatedAhead(path) as inflated:
        first = inflated.read(300_000)
        inflated._process.kill()
        rest = b"".join(iter(lambda: inflated.read(1 << 20), b""))

        assert first + rest == Inflated(file).read()


def test_closing_early_ends_the_process(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes(50 << 20)))
    with InflatedAhead(path) as inflated:
        assert len(inflated.read(10)) == 10

    assert inflated._process.poll() is not None


def test_a_large_archive_is_read_the_same_ahead(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(archive, "_WORTH_A_PROCESS", 1000)
    path = next((CASES / "troubled-e").glob("*.tar.gz"))
    started: list[Path] = []
    monkeypatch.setattr(archive, "InflatedAhead", lambda path: started.append(path) or InflatedAhead(path))

    def read(ahead_: bool) -> list[tuple[str, bytes]]:
        members = archive.members(OnDisk(path, path.name, path.stat().st_size), ahead=ahead_)
        return [(member.name, b"".join(member.chunks())) for member in members]

    assert read(True) == read(False)
    assert len(read(True)) >= 5
    assert started == [path, path]


def test_one_worker_starts_no_process(monkeypatch) -> None:
    monkeypatch.setenv("EXPDIAG_WORKERS", "1")
    monkeypatch.setattr(archive, "_WORTH_A_PROCESS", 1000)
    monkeypatch.setattr(archive, "InflatedAhead", lambda _: pytest.fail("a process was started"))

    assert expdiag.load(CASES / "healthy-e").cluster.peers
