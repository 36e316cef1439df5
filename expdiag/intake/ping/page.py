"""The ping of the Expressway's web interface (Maintenance > Tools > Network utilities > Ping), pasted as text.

Doubtful: its layout is not documented and no sample was at hand. Taken is a table whose head names an address, a time,
and bytes or a sequence, its cells parted by tabs, bars or two blanks. A time counts only where the cell or the head
says `ms`.
"""

from __future__ import annotations

import re

from expdiag.intake.ping.rows import finish
from expdiag.intake.ping.run import Run, Session
from expdiag.intake.ping.words import ADDRESS, COUNT, LONGEST_LINE, NUMBER, decimal

_CELLS = re.compile(r"\t+|\s*\|\s*| {2,}")
_COLUMNS = {
    "address": re.compile(r"^(?:ip ?)?address|^host|^from|^reply from|^destination", re.I),
    "bytes": re.compile(r"^bytes|^size|^packet size", re.I),
    "sequence": re.compile(r"^(?:icmp )?seq|^hop$|^#$|^no\.?$", re.I),
    "ttl": re.compile(r"^ttl|^time to live", re.I),
    "time": re.compile(r"^time\b|^rtt|^round[ -]trip", re.I),
}
_TIME = re.compile(rf"^(?P<below><)? ?(?P<value>{NUMBER}) ?(?P<unit>ms)?$", re.I)
_LOST = re.compile(r"^(?:\*|-|n/?a|timed? ?out|request timed out|no (?:reply|response)|lost)\.?$", re.I)
_COUNTS = re.compile(
    rf"^(?P<sent>{COUNT}) packets? (?:transmitted|sent), (?P<received>{COUNT}) (?:packets? )?received\b"
)


class Page:
    """Follows one table; it ends at the first line that is no row."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._harvest = session.harvest
        self._columns: list[str] = []
        self._in_milliseconds = False
        self._run: Run | None = None

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is the head of such a table."""
        return bool(_head(line))

    def take(self, number: int, line: str) -> bool:
        """Understand a line."""
        if head := _head(line):
            self.close()
            self._columns, self._in_milliseconds = head, bool(re.search(r"\bms\b|millisec", line, re.I))
            return True
        if not self._columns or len(line) > LONGEST_LINE:
            return False
        if self._run and (counts := _COUNTS.match(line.strip())):
            self._run.sent, self._run.received, self._run.complete = int(counts["sent"]), int(counts["received"]), True
            self._run.source = self._harvest.note(number, line)
            return True
        return self._row(number, line)

    def close(self) -> None:
        """End the table."""
        finish(self._run, self._harvest)
        self._run, self._columns = None, []

    def _row(self, number: int, line: str) -> bool:
        cells = _cells(line)
        if len(cells) != len(self._columns):
            return False
        row = dict(zip(self._columns, cells, strict=True))
        address, time = re.search(ADDRESS, row["address"]), _TIME.match(row["time"])
        sequence = row.get("sequence", "")
        if sequence and not re.fullmatch(COUNT, sequence):
            return False
        if time is None and not _LOST.match(row["time"]):
            return False
        source = self._harvest.note(number, line)
        run = self._run or self._begin(address[0] if address else "", row["address"], source)
        printed = int(sequence) if sequence else None
        if time is None:
            run.miss("lost", source, printed)
            return True
        if time["unit"] or self._in_milliseconds:
            detail = f"<{time['value']} ms" if time["below"] else ""
            run.answer(decimal(time["value"]), source, printed, below=bool(time["below"]), detail=detail)
        else:
            run.answer(None, source, printed, detail=f"time {time['value']}, its unit is not shown")
        return True

    def _begin(self, address: str, shown: str, source: int) -> Run:
        self._run = Run(address or shown, address, source, vantage=self._session.vantage(), has_summary=False)
        return self._run


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELLS.split(line.strip().strip("|").strip())]


def _head(line: str) -> list[str]:
    """Return the columns of a table's head; nothing where the line is none."""
    if len(line) > 300:
        return []
    columns = []
    for cell in _cells(line):
        named = [name for name, words in _COLUMNS.items() if words.match(cell)]
        columns.append(named[0] if named else cell)
    unique = len(set(columns)) == len(columns)
    needed = {"address", "time"} <= set(columns) and not {"bytes", "sequence"}.isdisjoint(columns)
    return columns if unique and needed else []
