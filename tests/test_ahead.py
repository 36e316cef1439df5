"""Reading ahead gives the same bytes and errors, and lets go of its source."""

from __future__ import annotations

import io
import random
import threading

import pytest

from expdiag.intake.ahead import ReadAhead
from expdiag.intake.member import CutShortError


class Breaking:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        if not data:
            raise CutShortError("cut")
        return data


def alive() -> int:
    return sum(thread.name == "read-ahead" for thread in threading.enumerate())


@pytest.mark.parametrize("size", [0, 1, 1 << 20, 9_500_000])
@pytest.mark.parametrize("piece", [1000, 1 << 20, 3 << 20])
def test_the_bytes_are_the_same(size: int, piece: int) -> None:
    data = random.Random(1).randbytes(size)
    ahead = ReadAhead(io.BytesIO(data))

    assert b"".join(iter(lambda: ahead.read(piece), b"")) == data
    assert ahead.read(piece) == b""
    ahead.close()
    assert alive() == 0


def test_an_error_comes_after_what_was_read_and_comes_again() -> None:
    ahead = ReadAhead(Breaking(b"x" * 100))

    assert ahead.read(1000) == b"x" * 100
    for _ in range(2):
        with pytest.raises(CutShortError):
            ahead.read(1000)
    ahead.close()


def test_closing_early_ends_the_thread() -> None:
    ahead = ReadAhead(io.BytesIO(bytes(50 << 20)))

    assert len(ahead.read(10)) == 10
    ahead.close()
    assert alive() == 0
