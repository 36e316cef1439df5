"""The search for the lines that matter: the same lines with and without the fast library, whatever the pieces."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import expdiag
from expdiag.intake import scan
from expdiag.intake.member import CutShortError
from tests.conftest import CASES

LITERALS = (b"needle", b"pin", b"Event=")


def fail(number: int) -> None:
    pytest.fail(f"line {number} is not too long")


def naive(data: bytes) -> list[tuple[int, bytes]]:
    return [
        (number, line.rstrip(b"\r"))
        for number, line in enumerate(data.split(b"\n"), start=1)
        if any(literal in line for literal in LITERALS)
    ]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


LINES = st.lists(
    st.sampled_from([b"", b"a", b"needle", b"x pin needle y", b"Event=pin\r", b"neednle", b"\xff"]), max_size=30
)


@settings(deadline=None)
@given(LINES, st.integers(1, 40), st.integers(1, 60))
def test_lines_and_numbers_are_those_of_a_plain_search(lines: list[bytes], piece: int, block: int) -> None:
    data = b"\n".join(lines)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scan, "_BLOCK", block)
        found = scan.finder(LITERALS)
        by_blocks = [line for b in scan.blocks(pieces(data, piece), fail) for line in found(b)]

    assert by_blocks == naive(data)


@settings(deadline=None)
@given(LINES)
def test_both_ways_of_searching_agree(lines: list[bytes]) -> None:
    pytest.importorskip("hyperscan", reason="hyperscan is not installed")
    data = b"\n".join(lines)

    assert scan._hyperscan(LITERALS)(data) == scan._one_by_one(LITERALS)(data)


def test_large_blocks_count_lines_alike() -> None:
    data = b"".join(b"%d needle\n" % n if n % 1000 == 0 else b"hay %d\n" % n for n in range(200_000))
    found = scan.finder(LITERALS)

    assert [line for b in scan.blocks(pieces(data, 1 << 20), fail) for line in found(b)] == naive(data)


def test_a_line_that_is_too_long_is_told_and_passed_over() -> None:
    told: list[int] = []
    data = b"needle 1\n" + b"x" * (9 << 20) + b"needle\npin 3\n"
    found = scan.finder(LITERALS)

    assert [line for b in scan.blocks(pieces(data, 1 << 20), told.append) for line in found(b)] == [
        (1, b"needle 1"),
        (3, b"pin 3"),
    ]
    assert told == [2]


def test_a_cut_gives_what_came_before() -> None:
    def cut():
        yield b"needle\nhalf a nee"
        raise CutShortError("cut")

    read = scan.blocks(cut(), fail)

    assert next(read).data == b"needle\nhalf a nee"
    with pytest.raises(CutShortError):
        next(read)


def test_a_case_is_judged_alike_without_the_fast_libraries() -> None:
    program = (
        "import sys; sys.modules['hyperscan'] = None;"
        f"import expdiag; c = expdiag.load({str(CASES / 'troubled-e')!r});"
        "print([a[:3] for a in c.dossier.rows['alarms']], len(c.dossier.rows['replication']))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    rows = expdiag.load(CASES / "troubled-e").dossier.rows
    assert done.stdout.strip() == f"{[a[:3] for a in rows['alarms']]} {len(rows['replication'])}"


def test_lines_before_one_that_is_too_long_are_kept() -> None:
    reported: list[int] = []
    chunks = [b"a\nb\nc", *[b"x" * (1 << 20)] * 10, b"\nd\n"]

    found = list(scan.blocks(chunks, reported.append))

    assert [(block.first_line, block.data) for block in found] == [(1, b"a\nb\n"), (4, b"d\n")]
    assert reported == [3]
