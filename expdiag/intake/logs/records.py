"""The grammar of a log record: a stamp with an offset, host, process, pairs of name and quoted value, free words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

# 2020-08-12T14:57:43.524-05:00 expc01 httpd[15060]: web: Level="WARN" Event="Alarm Raised" Id="20006" ...
_RECORD = re.compile(
    r"(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?) "
    r"(?:(?P<host>[^\s=\"]*[^\s:=\"]) )?(?P<rest>.*)",
    re.S,
)
_PROCESS = re.compile(r"(?:[\w./-]+(?:\[[0-9]+\])?: )+")
_PAIR = re.compile(r"(?<![\w-])([A-Za-z][\w-]*)=\"([^\"]*)\"")


class Record(NamedTuple):
    """One record.

    Attributes:
        line: number of the line it begins on.
        text: that line.
        stamp: the local clock as written.
        host: host name; empty in the event log as the web page shows it.
        rest: what follows the host.
    """

    line: int
    text: str
    stamp: str
    host: str
    rest: str

    @property
    def process(self) -> str:
        """Name of the process without its number, `web` of `httpd[15060]: web:`; empty for the clustered database."""
        found = _PROCESS.match(self.rest)
        return found[0].rstrip(": ").rpartition(": ")[2].partition("[")[0] if found else ""

    def pairs(self) -> dict[str, str]:
        """Return the pairs; of a repeated name the first counts."""
        pairs: dict[str, str] = {}
        for name, value in _PAIR.findall(self.rest):
            pairs.setdefault(name, value.strip())
        return pairs

    def last(self, name: str) -> str:
        """Return the last value of a name that may be repeated: of two nodes the second is the far one."""
        values = [value for found, value in _PAIR.findall(self.rest) if found == name]
        return values[-1].strip() if len(values) > 1 else ""


def record(text: str, line: int) -> Record | None:
    """Return the record that begins on a line, None for a line that continues one."""
    found = _RECORD.match(text)
    return Record(line, text, found["stamp"], found["host"] or "", found["rest"]) if found else None


def stamped(text: str) -> datetime | None:
    """Return a stamp with an offset as UTC; without one its zone is unknown, and so is the time."""
    try:
        time = datetime.fromisoformat(text.replace(",", "."))
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def utc(text: str) -> datetime | None:
    """Return the value of a `UTCTime` pair, `2020-08-12 19:57:43,524`."""
    try:
        return datetime.fromisoformat(text.strip().replace(",", ".")).replace(tzinfo=UTC)
    except ValueError:
        return None


def moment(of: Record, pairs: dict[str, str]) -> datetime | None:
    """Return when a record was logged: its UTC clock, else its stamp."""
    return utc(pairs.get("UTCTime", "")) or stamped(of.stamp)
