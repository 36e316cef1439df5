"""A capture that was parted at any packet shows the same connections as one that was not."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import expdiag
from tests.traffic import ACK, MS, RST, START, SYN, Frame, Talk, der, framed, ip, pcap, tls12, udp

A, B = "10.0.1.11", "10.0.1.12"
AROUND = [(START + at * MS, ip(A, B, 17, udp(36000, 36002, b"before and after"))) for at in (-60_000, 60_000)]
NAME = "eth0_diagnostic_logging_tcpdump{:02}_e1_2026-09-21_14:13:20.pcap"


def established() -> Talk:
    """A whole connection whose SYN stands on its own, with data sent twice in each direction."""
    talk = tls12(Talk((A, 30001), (B, 4372), far=20, near=5).open(), "e2.example", [der("e2.example")])
    for to_server in (True, False):
        talk.packet(to_server, ACK, bytes(700), sequence=talk.sent[to_server] - 700).wait(1)
    return talk.close()


def refused() -> Talk:
    talk = Talk((A, 30002), (B, 4372))
    return talk.packet(True, SYN).wait(20).reset()


def repeated() -> Talk:
    """A SYN that is sent twice before it is answered, and a SYN-ACK that is, too."""
    talk = Talk((A, 30003), (B, 4371), far=20, near=5)
    talk.packet(True, SYN).wait(1000).packet(True, SYN).wait(20)
    talk.sent[True] += 1
    talk.packet(False, SYN | ACK).wait(1000).packet(False, SYN | ACK).wait(5)
    talk.sent[False] += 1
    return talk.packet(True, ACK).wait(1).close()


def given_up() -> Talk:
    """A client that resets what the server has just accepted, as a port scan does."""
    talk = Talk((A, 30004), (B, 4371)).packet(True, SYN).wait(20)
    talk.sent[True] += 1
    return talk.packet(False, SYN | ACK).wait(1).packet(True, RST)


def rows_of(folder: Path, files: Sequence[tuple[str, Sequence[Frame]]]) -> list[dict[str, Any]]:
    """Return the connections of a bundle with these captures in this order, without their sources."""
    folder.mkdir()
    with tarfile.open(folder / "diagnostic_log_e1.tar.gz", "w:gz") as bundle:
        for name, frames in files:
            content = pcap(framed(frames))
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            bundle.addfile(entry, io.BytesIO(content))
    return [row._replace(source=0)._asdict() for row in expdiag.load(folder).tables.rows("connections")]


@pytest.mark.parametrize("make", [established, refused, repeated, given_up], ids=lambda make: make.__name__)
def test_a_connection_is_the_same_wherever_the_file_was_changed(tmp_path: Path, make: Callable[[], Talk]) -> None:
    frames = sorted([*AROUND, *make().frames], key=lambda frame: frame[0])
    (whole,) = rows_of(tmp_path / "whole", [(NAME.format(0), frames)])

    for at in range(1, len(frames) - 1):
        parts = [(NAME.format(0), frames[:at]), (NAME.format(1), frames[at:])]
        (row,) = rows_of(tmp_path / f"parted-{at}", parts)
        assert rounded(row) == rounded(whole), at


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its halves in whole microseconds, as times of rows are."""
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}


def test_files_may_come_in_any_order_and_be_more_than_two(tmp_path: Path) -> None:
    frames = sorted(established().frames, key=lambda frame: frame[0])
    pieces = [(NAME.format(number), frames[at : at + 3]) for number, at in enumerate(range(0, len(frames), 3))]
    (whole,) = rows_of(tmp_path / "whole", [(NAME.format(0), frames)])

    (row,) = rows_of(tmp_path / "parted", pieces[::-1])

    assert rounded(row) == rounded(whole)


@pytest.mark.parametrize(
    ("one", "next_one"),
    [
        ("cluster_00001_20260921141320.pcapng", "cluster_00002_20260921141330.pcapng"),
        ("c.pcap", "c.pcap1"),
        (NAME.format(0), NAME.format(1).replace("14:13:20", "14:23:20")),
    ],
)
def test_files_of_one_series_have_different_names(tmp_path: Path, one: str, next_one: str) -> None:
    frames = established().frames
    assert len(rows_of(tmp_path / "case", [(one, frames[:5]), (next_one, frames[5:])])) == 1


@pytest.mark.parametrize(
    "other", [NAME.format(1).replace("eth0", "eth1"), NAME.format(1).replace("_e1_", "_e2_"), "later.pcap"]
)
def test_captures_of_other_places_are_not_taken_for_the_rest(tmp_path: Path, other: str) -> None:
    frames = established().frames

    rows = rows_of(tmp_path / "case", [(NAME.format(0), frames[:5]), (other, frames[5:])])

    assert [row["outcome"] for row in rows] == ["established", "joined"]


def test_captures_of_the_same_time_are_not_added_up(tmp_path: Path) -> None:
    frames = established().frames

    rows = rows_of(tmp_path / "case", [(NAME.format(0), frames), (NAME.format(1), frames[5:])])

    assert [row["outcome"] for row in rows] == ["established", "joined"]


def test_a_new_connection_between_the_same_ports_is_another(tmp_path: Path) -> None:
    first = Talk((A, 30001), (B, 4372)).open()
    second = Talk((A, 30001), (B, 4372), start=START + 30_000 * MS, isn=5).open()

    rows = rows_of(tmp_path / "case", [(NAME.format(0), first.frames), (NAME.format(1), second.frames)])

    assert [row["outcome"] for row in rows] == ["established", "established"]
