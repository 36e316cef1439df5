"""Reads captures as a case would, and asks tshark and dpkt what is in them."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from expdiag import tables
from expdiag.evidence import FileSources
from expdiag.intake.detect import detect
from expdiag.intake.member import HEAD_BYTES, CutShortError, Member
from expdiag.intake.reading import Harvest, Reader


@dataclass
class Read:
    """Rows and issues of one capture."""

    harvest: Harvest

    def __getitem__(self, table: str) -> list[Any]:
        return self.harvest.rows.get(table, [])

    @property
    def issues(self) -> list[tuple[str, str]]:
        return [(issue.kind, issue.text) for issue in self.harvest.issues]

    @property
    def kinds(self) -> set[str]:
        return {issue.kind for issue in self.harvest.issues}

    def source(self, row: Any) -> tuple[int | None, str]:
        """Return packet and text a row points at."""
        found = self.harvest.sources.at(row.source)
        return found.packet, found.text

    def plain(self, *names: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return tables without their sources, to compare two captures."""
        return {name: [row[:-1] for row in self[name]] for name in names}


def read(data: bytes | Path, head: int = HEAD_BYTES) -> Read:
    """Read a capture through detection, and hold every table against its schema."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data.open("rb")
    with file:
        member = Member("x.pcap", file.read(head), file.read)
        harvest = Harvest(FileSources(0, "x.pcap"))
        reader = detect(member.head)
        assert isinstance(reader, Reader), reader
        try:
            reader.read(member, harvest)
        except CutShortError as cut:
            harvest.issue(cut.kind, str(cut))
    for name, rows in harvest.rows.items():
        assert tables.problems(name, tables.frame(name, rows)) == [], name
    return Read(harvest)


def tshark(
    path: Path, *fields: str, show: str = "", decode: tuple[str, ...] = ("4371,tls", "4372,tls")
) -> list[list[str]]:
    """Return the fields of all packets, those of one packet in one list, each with its values joined by `;`."""
    tool = shutil.which("tshark")
    if not tool:
        pytest.skip("tshark is not installed")
    command = [tool, "-n", "-r", str(path), "-T", "fields", "-E", "aggregator=;", "-E", "separator=|"]
    for rule in decode:
        command += ["-d", f"tcp.port=={rule}"]
    command += [part for field in fields for part in ("-e", field)] + (["-Y", show] if show else [])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]
