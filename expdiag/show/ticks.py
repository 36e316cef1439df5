"""Where an axis of time has marks, and what stands at them: as many round moments as have room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from expdiag.show.layout import extent

SIZE = 7.5  # points
_SPACE = 0.14  # in, between two labels
_EPOCH = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday
_STEPS = (
    *((timedelta(seconds=n), "%H:%M:%S") for n in (1, 5, 15, 30)),
    *((timedelta(minutes=n), "%H:%M") for n in (1, 2, 5, 15, 30, 60, 180)),
    *((timedelta(hours=n), "%m-%d %H:%M") for n in (6, 12)),
    *((timedelta(days=n), "%Y-%m-%d") for n in (1, 2, 7, 14)),
)
_MONTHS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000)


class Tick(NamedTuple):
    """A mark: how far along the axis, from 0 to 1, and its label."""

    share: float
    label: str


def ticks(start: datetime, end: datetime, width: float) -> list[Tick]:
    """Return the marks of an axis in UTC that is `width` inches long, the closest ones that have room."""
    whole = (end - start).total_seconds()
    if whole <= 0:
        return []
    for step, form in _STEPS:
        if whole / step.total_seconds() * (_wide(start, form) + _SPACE) <= width:
            return _marks(_even(start, end, step), start, whole, form)
    for months in _MONTHS:
        form = "%Y-%m" if months < 12 else "%Y"
        if whole / (months * 30.44 * 86_400) * (_wide(start, form) + _SPACE) <= width:
            return _marks(_calendar(start, end, months), start, whole, form)
    return []


def moved(time: datetime, by: timedelta) -> datetime:
    """Return a moment so much later, or earlier, as far as the calendar goes."""
    try:
        return time + by
    except OverflowError:
        return (datetime.min if by < timedelta() else datetime.max).replace(tzinfo=UTC)


def _wide(time: datetime, form: str) -> float:
    return extent(f"{time:{form}}", SIZE)[0]


def _marks(times: Iterator[datetime], start: datetime, whole: float, form: str) -> list[Tick]:
    return [Tick((time - start).total_seconds() / whole, f"{time:{form}}") for time in times]


def _even(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    time = _EPOCH + -((_EPOCH - start) // step) * step
    while time <= end:
        if time >= start:
            yield time
        time += step


def _calendar(start: datetime, end: datetime, months: int) -> Iterator[datetime]:
    number = -(-(12 * start.year + start.month - 1) // months) * months
    while number // 12 <= end.year:
        time = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        if start <= time <= end:
            yield time
        number += months
