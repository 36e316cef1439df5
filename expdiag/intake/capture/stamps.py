"""Times of packets: nanoseconds while a capture is read, aware UTC in rows, milliseconds between two of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from expdiag.intake.capture.stream import NANOSECONDS, NO_TIME

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(time: int) -> datetime | None:
    """Return a time as rows hold it, to the microsecond; None where there is none."""
    return None if time == NO_TIME else _EPOCH + timedelta(microseconds=time // 1000)


def between(start: int, end: int) -> float | None:
    """Return milliseconds from one time to another; None where one is missing or the clock went back."""
    if NO_TIME in (start, end) or end < start:
        return None
    return (end - start) / 1_000_000


def seconds(time: float) -> int:
    """Return seconds as the nanoseconds of packets."""
    return int(time * NANOSECONDS)
