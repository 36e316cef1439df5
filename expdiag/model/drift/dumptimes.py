"""When each dump of a configuration or status was taken, as far as the files of its export tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from expdiag.model.gathering import filenames
from expdiag.tables import FileRead

_DUMPS = ("xConfiguration text", "configuration XML", "alternatesconfiguration XML", "xStatus text", "status XML")
_STATES = ("xStatus text", "status XML")
_LOG = "diagnostic log"


def dump_times(numbers: Iterable[int], files: Mapping[int, FileRead]) -> dict[int, datetime]:
    """Return when dumps were taken, by file number; those of which nothing tells are left out.

    The clock of a status tells it best, for all dumps of its export. Dumps are taken when logging starts (Administrator
    Guide X15.5, "Diagnostics and Troubleshooting"), so the beginning of the log is next; the time in the name may be
    that of the end.
    """
    exports: dict[tuple[str, str], list[int]] = {}
    for number in numbers:
        exports.setdefault(filenames.generation(files[number].file), []).append(number)
    found = {}
    for (_, named), members in exports.items():
        clocks = [time for n in members if files[n].kind in _STATES and (time := files[n].last_time)]
        starts = [time for n in members if files[n].kind == _LOG and (time := files[n].first_time)]
        when = max(clocks, default=None) or (min(starts, default=None) if named else None) or time_in(named)
        if when:
            found.update({n: when for n in members if files[n].kind in _DUMPS})
    return found


def time_in(name: str) -> datetime | None:
    """Return the time a file name holds, `2026-05-01_12:00:00` with any separators."""
    digits = "".join(character for character in name if character in "0123456789")[:14]
    try:
        return datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC) if digits else None
    except ValueError:
        return None
