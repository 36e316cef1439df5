"""The diagnostic log: events, alarms, changes, replication, links to peers, restarts and upgrades.

A record begins with a time stamp; lines that do not are its continuation and belong to it. Records that name no event
and say nothing of the cluster make no rows; `files` counts their lines.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from expdiag.intake import scan
from expdiag.intake.logs import meanings, records
from expdiag.intake.logs.clocks import Clocks
from expdiag.intake.logs.records import Record
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, as_utf8, report_key, without_keys
from expdiag.tables import Setting

_KEY_MARK = b"PRIVATE KEY-----"
_HEAD = 400
_MOST_HOSTS = 50


def _claims(first: list[str]) -> int:
    return sum(1 for line in first if records.record(line, 0))


class _Hosts:
    """The machines that speak in one log. The first is the file's own; each further one has sources of its own."""

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._spans: dict[str, list[Record]] = {}
        self._turns = 0
        self._last = ""

    def take(self, of: Record) -> str:
        """Take note of the host of a record; return the origin of what it says, empty for the first host's."""
        host = of.host
        if not host or (host not in self._spans and len(self._spans) >= _MOST_HOSTS):
            return ""
        if host != self._last:
            self._turns += 1
            self._last = host
        if host not in self._spans:
            self._spans[host] = [of, of]
            named = f"{of.stamp} {host}"
            source = self._harvest.note(of.line, named, origin=self._origin(host))
            self._harvest.add(Setting("log", "host", host, source))
        self._spans[host][1] = of
        return self._origin(host)

    def _origin(self, host: str) -> str:
        return "" if host == next(iter(self._spans)) else host

    def finish(self) -> None:
        """Say where one name follows another in place and time: perhaps a peer that was given a new name."""
        turns = [(last, first) for (_, last), (first, _) in pairwise(self._spans.values())]
        if self._turns != len(self._spans) or not all(_in_order(last, first) for last, first in turns):
            return
        for last, first in turns:
            source = self._harvest.note(first.line, f"{first.stamp} {first.host}", origin=first.host)
            self._harvest.add(Setting("log", "host before", last.host, source))
            text = f"records of {first.host} follow those of {last.host}: another machine, or a new name of the same"
            self._harvest.issue("renamed", text, first.line)


def _in_order(record: Record, later: Record) -> bool:
    before, after = records.stamped(record.stamp), records.stamped(later.stamp)
    return bool(before and after and before <= after)


def _read(member: Member, harvest: Harvest) -> None:
    """Look at the lines that hold one of the texts that matter, and at the clock of every record."""
    find = scan.finder([*meanings.MARKS, _KEY_MARK])
    hosts, clocks = _Hosts(harvest), Clocks(harvest)
    begun = False
    for block in scan.blocks(as_utf8(member, harvest), lambda number: _report_long_line(number, harvest)):
        if not begun:
            begun = _take_start(block, hosts, harvest)
        for number, raw in find(block):
            if _KEY_MARK in raw and b"-----BEGIN" in raw:
                report_key(number, harvest)
            elif found := records.record(_decode(raw, number, harvest), number):
                _take(found, hosts, clocks, harvest)
        if not block.data.endswith(b"\n"):
            _report_cut_end(block, harvest)
        clocks.pass_over(block)
        _take_last_clock(block, harvest)
        harvest.lines = block.first_line - 1 + block.lines
    hosts.finish()


def _take(found: Record, hosts: _Hosts, clocks: Clocks, harvest: Harvest) -> None:
    origin = hosts.take(found)
    pairs = meanings.take(found, lambda text: harvest.note(found.line, text, origin=origin), harvest)
    clocks.compare(found, records.utc(pairs.get("UTCTime", "")))


def _report_cut_end(block: scan.Block, harvest: Harvest) -> None:
    """Report a last line that lacks its end and the end of a quoted value."""
    end = block.data[block.data.rfind(b"\n") + 1 :]
    if end.count(b'"') % 2 and records.record(end[:_HEAD].decode("utf-8", errors="replace"), 0):
        harvest.issue("truncated", "the last record is cut off inside a value", block.line_at(len(block.data)))


def _report_long_line(number: int, harvest: Harvest) -> None:
    harvest.issue("line-too-long", "a line of more than 8 MB is passed over", number)


def _decode(raw: bytes, number: int, harvest: Harvest) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        harvest.issue("undecodable", "bytes that are no UTF-8 were replaced", number)
        return raw.decode("utf-8", errors="replace")


def _take_start(block: scan.Block, hosts: _Hosts, harvest: Harvest) -> bool:
    """Report what stands before the first record; return whether there is one in the block."""
    lines = enumerate(block.data.split(b"\n"), start=block.first_line)
    texts = ((number, raw.decode("utf-8", errors="replace").rstrip("\r")) for number, raw in lines)
    for number, line in without_keys(texts, harvest):
        if found := records.record(line, number):
            hosts.take(found)
            if time := _clock(found):
                harvest.clock(time)
            return True
        if line.strip():
            harvest.issue("unrecognised", line, number)
    return False


def _take_last_clock(block: scan.Block, harvest: Harvest) -> None:
    end = len(block.data)
    while end > 0:
        start = block.data.rfind(b"\n", 0, end - 1) + 1
        if found := records.record(block.data[start : min(end, start + _HEAD)].decode("utf-8", errors="replace"), 0):
            if time := _clock(found):
                harvest.clock(time)
            return
        end = start


def _clock(found: Record) -> datetime | None:
    return records.stamped(found.stamp)


READER = Reader("diagnostic log", _claims, _read)
