"""What readers of captures share: the buffer a capture passes through, and the windows of packets they make of it.

The buffer is used again and again, so memory does not follow the size of the capture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from expdiag.intake.member import CHUNK_BYTES, CutShortError, Member

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

NO_TIME: int = np.iinfo(np.int64).min
NANOSECONDS = 10**9
MAX_PACKET = 1 << 18
_WINDOW = 4 << 20
_ROWS = 256
_SLACK = 1 << 10  # header fields may be looked up behind the last packet; what is found there is not used


class BrokenError(Exception):
    """The bytes are no capture from here on."""


@dataclass(slots=True)
class Interface:
    """One interface of a capture; classic captures have one.

    Attributes:
        ticks: units of its time stamps in a second.
        offset: seconds to add to its time stamps.
        dropped: packets the capturing machine lost, None where it does not tell.
    """

    link_type: int
    snap_length: int
    name: str = ""
    filter: str = ""
    ticks: int = 10**6
    offset: int = 0
    dropped: int | None = None


@dataclass(slots=True)
class CaptureFile:
    """What is known of a capture besides its packets, as far as it was read.

    Attributes:
        cut: the capture ends inside a packet.
        secrets: the capture brings keys to decrypt its connections; they are passed over.
    """

    format: str
    interfaces: list[Interface] = field(default_factory=list)
    packets: int = 0
    cut: bool = False
    secrets: bool = False


class Window(NamedTuple):
    """Some packets that follow each other. All arrays but `data` have one element a packet.

    Attributes:
        data: the bytes; valid until the next window is asked for.
        first: number of the first packet, counted from 1.
        at: where a packet begins in `data`.
        captured: bytes of it that are there.
        length: bytes it had on the wire.
        time: nanoseconds since 1970, `NO_TIME` where it has none.
        interface: its interface, as a place in `CaptureFile.interfaces`.
    """

    data: Bytes
    first: int
    at: Ints
    captured: Ints
    length: Ints
    time: Ints
    interface: Ints


def rows(*columns: npt.NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the elements of columns of one length as plain values, a few at a time, since those take much room."""
    for begin in range(0, len(columns[0]), _ROWS):
        yield from zip(*(column[begin : begin + _ROWS].tolist() for column in columns), strict=True)


class Stream:
    """A member in a buffer of fixed size: `data[start:end]` is what is there and not yet passed."""

    def __init__(self, member: Member) -> None:
        self._chunks = member.chunks()
        self.data = bytearray(_WINDOW + MAX_PACKET + CHUNK_BYTES + _SLACK)
        self.start = self.end = 0
        self.over = False
        self.cut: CutShortError | None = None
        self._skip = 0

    def refill(self) -> None:
        """Move what is left to the front and read on, at least a little, until the buffer is full."""
        left = self.end - self.start
        self.data[:left] = self.data[self.start : self.end]
        self.start, self.end = 0, left
        while not self.over:
            try:
                piece = next(self._chunks, b"")
            except CutShortError as cut:
                self.cut, piece = cut, b""
            self.over = not piece
            passed = min(self._skip, len(piece))
            self._skip -= passed
            self.data[self.end : self.end + len(piece) - passed] = piece[passed:]
            self.end += len(piece) - passed
            if self.end >= _WINDOW:
                break

    def skip(self, size: int) -> None:
        """Pass over that many bytes, whether they are in the buffer or not."""
        here = min(size, self.end - self.start)
        self.start += here
        self._skip += size - here
