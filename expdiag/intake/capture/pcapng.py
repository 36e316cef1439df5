"""pcapng: the blocks of a capture, walked over one by one, their fields then taken from all packets at once."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from expdiag.intake.capture.stream import (
    MAX_PACKET,
    NANOSECONDS,
    NO_TIME,
    BrokenError,
    CaptureFile,
    Interface,
    Ints,
    Stream,
    Window,
)

SECTION = b"\x0a\x0d\x0d\x0a"
_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _STATISTICS, _PACKET, _SECRETS = 1, 2, 3, 5, 6, 10
_PACKETS = frozenset((_OLD_PACKET, _SIMPLE_PACKET, _PACKET))
_MAX_BLOCK = MAX_PACKET + 4096  # one with a packet; others are passed over whatever their size
_MAX_INTERFACES = 1000
_LAST_SECOND = 1 << 32


def windows(stream: Stream, capture: CaptureFile) -> Iterator[Window]:
    """Yield the windows of a pcapng capture."""
    section = _Section(stream, capture)
    going = True
    stream.refill()
    while going:
        problem: BrokenError | None = None
        starts: list[int] = []
        try:
            going = section.walk(starts)
        except BrokenError as broken:
            problem = broken
        if starts:
            window, unsound = section.window(starts)
            if len(window.at):
                yield window
            capture.packets += len(window.at)
            problem = unsound or problem
        if problem:
            raise problem
        if going:
            stream.refill()
    if stream.cut:
        raise stream.cut
    capture.cut = stream.end > stream.start


class _Section:
    """The section being read: its byte order, and where its interfaces begin in the list of all."""

    def __init__(self, stream: Stream, capture: CaptureFile) -> None:
        self._stream = stream
        self._capture = capture
        self._order = "<"
        self._base = 0

    def walk(self, starts: list[int]) -> bool:
        """Pass over the whole blocks in the buffer, up to the next section; return whether there may be more.

        Args:
            starts: takes where blocks with a packet begin.
        """
        stream, data = self._stream, self._stream.data
        while stream.end - stream.start >= 12:
            at = stream.start
            if data[at : at + 4] == SECTION:
                if starts:
                    return True
                self._begin(at)
            kind, size = struct.unpack_from(f"{self._order}II", data, at)
            if size < 12 or size % 4 or (size > _MAX_BLOCK and kind in _PACKETS):
                behind = self._capture.packets + len(starts)
                raise BrokenError(f"a block behind packet {behind} claims {size} bytes; nothing from it on was read")
            if at + size > stream.end:
                if stream.over:
                    return False
                if size > _MAX_BLOCK:
                    stream.skip(size)
                return True
            if kind in _PACKETS:
                starts.append(at)
                self._walk_packets(starts, at + size)
                continue
            self._take(kind, at + 8, at + size - 4)
            stream.start = at + size
        return not stream.over

    def _walk_packets(self, starts: list[int], start: int) -> None:
        """Pass over the packet blocks that follow: the one loop over every packet, so it does little."""
        append, read = starts.append, struct.Struct(f"{self._order}II").unpack_from
        data, at, end = self._stream.data, start, self._stream.end
        last = end - 12
        while at <= last:
            kind, size = read(data, at)
            if kind != _PACKET or size < 12 or size % 4 or size > _MAX_BLOCK or at + size > end:
                break
            append(at)
            at += size
        self._stream.start = at

    def _begin(self, at: int) -> None:
        self._order = ">" if self._stream.data[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
        self._base = len(self._capture.interfaces)

    def _take(self, kind: int, at: int, end: int) -> None:
        if kind == _INTERFACE and end - at >= 8:
            self._interface(at, end)
        elif kind == _STATISTICS and end - at >= 12:
            self._statistics(at, end)
        elif kind == _SECRETS:
            self._capture.secrets = True

    def _interface(self, at: int, end: int) -> None:
        if len(self._capture.interfaces) >= _MAX_INTERFACES:
            raise BrokenError(f"more than {_MAX_INTERFACES} interfaces; nothing from there on was read")
        link_type, _, snap_length = self._unpack("HHI", at)
        interface = Interface(link_type, snap_length)
        for code, value in self._options(at + 8, end):
            if code == 2:
                interface.name = value.decode(errors="replace")
            elif code == 9 and value:
                interface.ticks = 2 ** min(value[0] & 0x7F, 60) if value[0] & 0x80 else 10 ** min(value[0], 18)
            elif code == 11 and value[:1] == b"\0":
                interface.filter = value[1:].decode(errors="replace")
            elif code == 14 and len(value) == 8:
                (interface.offset,) = struct.unpack(f"{self._order}q", value)
        self._capture.interfaces.append(interface)

    def _statistics(self, at: int, end: int) -> None:
        number = self._base + self._unpack("I", at)[0]
        if number < len(self._capture.interfaces):
            for code, value in self._options(at + 12, end):
                if code == 5 and len(value) == 8:
                    (self._capture.interfaces[number].dropped,) = struct.unpack(f"{self._order}Q", value)

    def _options(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        at = start
        while at + 4 <= end:
            code, size = self._unpack("HH", at)
            if code == 0 or at + 4 + size > end:
                return
            yield code, bytes(self._stream.data[at + 4 : at + 4 + size])
            at += 4 + (size + 3) // 4 * 4

    def _unpack(self, layout: str, at: int) -> tuple[Any, ...]:
        return struct.unpack_from(self._order + layout, self._stream.data, at)

    def window(self, starts: list[int]) -> tuple[Window, BrokenError | None]:
        """Return the packets of some blocks, up to the first whose block contradicts itself, and that one."""
        data = self._stream.data
        words = np.ndarray((len(data) - 3,), f"{self._order}u4", data, 0, (1,))
        at = np.array(starts, np.int64)
        simple, old = words[at] == _SIMPLE_PACKET, words[at] == _OLD_PACKET
        room = words[at + 4].astype(np.int64) - np.where(simple, 16, 32)
        length = words[at + np.where(simple, 8, 24)].astype(np.int64)
        captured = np.where(simple, np.minimum(length, room), words[at + 20].astype(np.int64))
        halves = np.ndarray((len(data) - 1,), f"{self._order}u2", data, 0, (1,))
        own = np.where(old, halves[at + 8].astype(np.int64), words[at + 8].astype(np.int64))
        interface = self._base + np.where(simple, 0, own)
        sound = (room >= 0) & (captured <= room) & (captured <= MAX_PACKET)
        sound &= interface < len(self._capture.interfaces)
        ticks = words[at + 12].astype(np.uint64) << np.uint64(32) | words[at + 16].astype(np.uint64)
        count = len(at) if sound.all() else int(np.argmin(sound))
        first = self._capture.packets + 1
        unsound = None
        if count < len(at):
            unsound = BrokenError(f"packet {first + count} does not fit its block; nothing from it on was read")
        return Window(
            np.frombuffer(data, np.uint8),
            first,
            at[:count] + np.where(simple, 12, 28)[:count],
            captured[:count],
            np.maximum(length, captured)[:count],
            self._times(ticks[:count], interface[:count], ~simple[:count]),
            interface[:count],
        ), unsound

    def _times(self, ticks: Any, which: Ints, stamped: Any) -> Ints:
        """Return nanoseconds since 1970; a clock before that or beyond 2106 is none."""
        times = np.full(len(ticks), NO_TIME, np.int64)
        for number in np.unique(which).tolist():
            interface = self._capture.interfaces[number]
            units = np.uint64(interface.ticks)
            seconds = (ticks // units).astype(np.float64) + interface.offset
            sound = (which == number) & stamped & (seconds >= 0) & (seconds < _LAST_SECOND)
            finer = max(1, interface.ticks // (1 << 34))  # what finer clocks say would not fit into 64 bits
            if interface.ticks % NANOSECONDS == 0:
                finer = interface.ticks // NANOSECONDS
            rest = ticks[sound] % units // np.uint64(finer)
            fraction = rest * np.uint64(NANOSECONDS) // np.uint64(interface.ticks // finer)
            times[sound] = seconds[sound].astype(np.int64) * NANOSECONDS + fraction.astype(np.int64)
        return times
