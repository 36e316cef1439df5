"""Captures as windows of packets: where each lies, how long it is and when it passed. Nothing is decoded here."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from expdiag.intake.capture import pcapng
from expdiag.intake.capture.stream import (
    MAX_PACKET,
    NANOSECONDS,
    BrokenError,
    CaptureFile,
    Interface,
    Stream,
    Window,
)
from expdiag.intake.member import Member

_CLASSIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 10**6),
    b"\xa1\xb2\xc3\xd4": (">", 10**6),
    b"\x4d\x3c\xb2\xa1": ("<", 10**9),
    b"\xa1\xb2\x3c\x4d": (">", 10**9),
}


def open_capture(member: Member) -> tuple[CaptureFile, Iterator[Window]]:
    """Return what a capture is and its windows; the former is filled while the latter are taken.

    The windows raise `BrokenError` where the bytes turn to nonsense and `CutShortError` where the archive around the
    capture ends, both after all packets before that place were given.
    """
    if member.head.startswith(pcapng.SECTION):
        capture = CaptureFile("pcapng")
        return capture, pcapng.windows(Stream(member), capture)
    capture = CaptureFile("pcap")
    return capture, _records(Stream(member), capture, *_CLASSIC[member.head[:4]])


def _records(stream: Stream, capture: CaptureFile, order: str, ticks: int) -> Iterator[Window]:
    """Yield the windows of a classic capture: a header of 24 bytes, then packets with headers of 16."""
    stream.refill()
    if stream.end < 24:
        capture.cut = True
        return
    snap_length, link_type = struct.unpack_from(f"{order}II", stream.data, 16)
    capture.interfaces.append(Interface(link_type & 0xFFFF, snap_length, ticks=ticks))
    stream.start = 24
    words = np.ndarray((len(stream.data) - 3,), f"{order}u4", stream.data, 0, (1,))
    while True:
        at = np.array(_walk(stream, struct.Struct(f"{order}I")), np.int64)
        captured = words[at + 8].astype(np.int64)
        if len(at) and captured.max() > MAX_PACKET:
            stream.start = int(at[np.argmax(captured > MAX_PACKET)])
            at, captured = at[at < stream.start], captured[at < stream.start]
        if len(at):
            yield Window(
                np.frombuffer(stream.data, np.uint8),
                capture.packets + 1,
                at + 16,
                captured,
                np.maximum(words[at + 12].astype(np.int64), captured),
                words[at].astype(np.int64) * NANOSECONDS + words[at + 4].astype(np.int64) * (NANOSECONDS // ticks),
                np.zeros(len(at), np.int64),
            )
            capture.packets += len(at)
        if not _read_on(stream, capture, struct.Struct(f"{order}I")):
            return


def _walk(stream: Stream, word: struct.Struct) -> list[int]:
    """Return where the whole packets in the buffer begin. The one loop over every packet, so it does little."""
    offsets: list[int] = []
    append, read, data, at = offsets.append, word.unpack_from, stream.data, stream.start
    last = stream.end - 16
    while at <= last:
        append(at)
        at += 16 + read(data, at + 8)[0]
    if at > stream.end:
        at = offsets.pop()
    stream.start = at
    return offsets


def _read_on(stream: Stream, capture: CaptureFile, word: struct.Struct) -> bool:
    """Refill for the next packet; return whether there is one."""
    left = stream.end - stream.start
    if left >= 16 and (size := word.unpack_from(stream.data, stream.start + 8)[0]) > MAX_PACKET:
        raise BrokenError(f"packet {capture.packets + 1} claims to have {size} bytes; nothing from it on was read")
    if not stream.over:
        stream.refill()
        return True
    if stream.cut:
        raise stream.cut
    capture.cut = left > 0
    return False
