"""Carries frames between pairs of TAP devices, each late by its link's delay: this kernel may have no netem.

Run with the links as JSON: a list of [fd, fd, delay, jitter, loss], in seconds and shares. Prints `ready`, and when
it is ended how many frames it carried and lost, and how late beyond the delay they were, in ms.
"""

from __future__ import annotations

import gc
import heapq
import json
import os
import random
import select
import signal
import statistics
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

_FRAME = 65536
_WAKING = 0.0002  # s; a sleeper comes back that much too late, so the last bit of a delay is waited for awake


@dataclass(slots=True)
class Way:
    """One direction of a link. Frames keep their order, whatever the jitter."""

    out: int
    delay: float
    jitter: float
    loss: float
    last_due: float = 0.0
    lost: int = 0

    def due(self, now: float, chance: random.Random) -> float | None:
        """Return when a frame that came now is to be there; None where it is lost."""
        if self.loss and chance.random() < self.loss:
            self.lost += 1
            return None
        self.last_due = max(self.last_due, now + self.delay + chance.uniform(0, self.jitter))
        return self.last_due


def carry(links: list[list[float]]) -> dict[str, float]:
    """Carry frames until somebody ends it; return what came of them."""
    ways: dict[int, Way] = {}
    for a, b, delay, jitter, loss in links:
        ways[int(a)], ways[int(b)] = Way(int(b), delay, jitter, loss), Way(int(a), delay, jitter, loss)
    chance = random.Random(1)
    waiting: list[tuple[float, int, int, bytes]] = []
    number, late = 0, array("d")
    clock, taps = time.monotonic, list(ways)
    try:
        while True:
            patience = max(0.0, waiting[0][0] - clock() - _WAKING) if waiting else None
            for tap in select.select(taps, (), (), patience)[0]:
                for frame in _frames(tap):
                    if (due := ways[tap].due(clock(), chance)) is not None:
                        number += 1
                        heapq.heappush(waiting, (due, number, ways[tap].out, frame))
            while waiting and waiting[0][0] <= (now := clock()):
                due, _, out, frame = heapq.heappop(waiting)
                late.append(1e3 * (now - due))
                _put(out, frame)
    except KeyboardInterrupt:
        lost = sum(way.lost for way in ways.values())
        return {"carried": len(late), "lost": lost, "late_ms": statistics.median(late), "latest_ms": max(late)}


def _frames(tap: int) -> Iterator[bytes]:
    for _ in range(32):
        try:
            yield os.read(tap, _FRAME)
        except OSError:
            return


def _put(tap: int, frame: bytes) -> None:
    with suppress(OSError):  # the interface is down or its queue is full: a wire would lose the frame, too
        os.write(tap, frame)


def _be_prompt() -> None:
    """Go before everything else on the machine, where that is allowed: a late wire looks like a long one."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except OSError:
        print("no real-time priority; delays may be longer than wanted", file=sys.stderr)
    gc.disable()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _be_prompt()
    print("ready", flush=True)
    print(json.dumps(carry(json.loads(sys.argv[1]))), flush=True)
