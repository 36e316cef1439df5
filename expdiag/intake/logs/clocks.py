"""Clocks of a log: one that steps back or leaps ahead, and two that disagree.

Every record's stamp is looked at, with numpy where a block is large, because a step may lie anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from expdiag.intake.logs.records import Record, record, stamped
from expdiag.intake.reading import Harvest
from expdiag.intake.scan import WORTH_NUMPY, Block

_STEP_BACK = timedelta(minutes=1)  # records of several processes overtake each other by seconds
_LEAP = timedelta(days=1)  # an idle Expressway still logs a mark every hour
_DISAGREE = timedelta(seconds=3)  # one of the two clocks may have no fraction
_STAMP = 19  # 2020-08-12T14:57:43
_DAY = 10
_MOST_CHECKED = 20_000
_HEAD = 400


class Clocks:
    """Watches the stamps of one file."""

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._newest: dict[str, tuple[Record, datetime]] = {}
        self._offsets: dict[str, timedelta] = {}
        self._last_host = ""
        self._checked = 0

    def pass_over(self, block: Block) -> None:
        """Look at every record of a block for a clock that steps back or leaps ahead."""
        for line, start, follows in _turns(block):
            if self._checked > _MOST_CHECKED:
                return
            self._checked += 1
            end = block.data.find(b"\n", start, start + _HEAD)
            head = block.data[start : end if end >= 0 else start + _HEAD]
            found = record(head.decode("utf-8", errors="replace"), line)
            if found and (time := stamped(found.stamp)):
                self._turn(found, time, follows=follows)

    def _turn(self, at: Record, time: datetime, *, follows: bool) -> None:
        """Compare a record with the last one of the same host that was looked at.

        Args:
            at: the record.
            time: its stamp in UTC.
            follows: whether no record stands between this one and the last one that was looked at.
        """
        before, then = self._newest.get(at.host, (at, time))
        if time < then - _STEP_BACK:
            self._issue(
                "clock", at, f"the clock of {at.host} steps back by {_span(then - time)} after line {before.line}"
            )
        elif time > then + _LEAP and follows and self._last_host == at.host:
            self._issue(
                "gap",
                at,
                f"{at.host} logs nothing for {_span(time - then)} after line {before.line}: its clock was set, it "
                "was down, or a part of the log is missing",
            )
        self._newest[at.host] = (at, time)
        self._last_host = at.host

    def compare(self, at: Record, utc: datetime | None) -> None:
        """Compare the two clocks of a record; a difference is reported where it changes."""
        local = stamped(at.stamp)
        if not (local and utc):
            return
        offset = local - utc
        known = self._offsets.get(at.host, timedelta())
        if abs(offset - known) > _DISAGREE:
            self._offsets[at.host] = offset
            says = f"{_span(abs(offset))} {'ahead of' if offset > timedelta() else 'behind'} its UTCTime"
            self._issue("clock", at, f"the stamp of {at.host} is {says}; UTCTime counts")

    def _issue(self, kind: str, at: Record, text: str) -> None:
        self._harvest.issue(kind, text, at.line)


def _span(time: timedelta) -> timedelta:
    return timedelta(seconds=round(time.total_seconds()))


def _turns(block: Block) -> Iterator[tuple[int, int, bool]]:
    """Yield the first and last record of a block, and those on either side of a turn of the stamps.

    The stamps are local ones: a turn is only a hint that both records have to be read in full.

    Yields:
        line number, place in the block, and whether the record yielded before is the one before it.
    """
    return _turns_fast(block) if len(block.data) >= WORTH_NUMPY else _turns_plain(block)


def _turns_plain(block: Block) -> Iterator[tuple[int, int, bool]]:
    at = 0
    for line, text in enumerate(block.data.split(b"\n"), start=block.first_line):
        if text[4:5] == b"-" and text[:1].isdigit():
            yield line, at, True
        at += len(text) + 1


def _turns_fast(block: Block) -> Iterator[tuple[int, int, bool]]:
    """Stamps sort as texts; those that do not, and those of another day, are looked at."""
    import numpy as np

    data = np.frombuffer(block.data, np.uint8)
    starts = np.concatenate(([0], np.asarray(block.ends) + 1))
    starts = starts[: np.searchsorted(starts, len(data) - _STAMP, side="right")]
    lines = np.flatnonzero(data[starts] - np.uint8(ord("0")) < 10)
    lines = lines[(data[starts[lines] + 4] == ord("-")) & (data[starts[lines] + 16] == ord(":"))]
    if not len(lines):
        return
    stamps = data[starts[lines][:, None] + np.arange(_STAMP)]
    texts, days = stamps.view(f"S{_STAMP}")[:, 0], np.ascontiguousarray(stamps[:, :_DAY]).view(f"S{_DAY}")[:, 0]
    turn = (texts[1:] < texts[:-1]) | (days[1:] != days[:-1])
    after = np.concatenate(([True], turn))
    looked_at = after | np.concatenate((turn, [True]))
    for index, follows in zip(lines[looked_at].tolist(), after[looked_at].tolist(), strict=True):
        yield block.first_line + index, int(starts[index]), follows
