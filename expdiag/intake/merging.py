"""What only all files together tell: records by time, alarms still up, clocks that differ, whole connections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from expdiag.evidence import SourceBook, file_number
from expdiag.intake import rotation
from expdiag.tables import Alarm, ConfigurationChange, Issue, Restart

_BY_TIME = ("events", "alarms", "configuration_changes", "replication", "peer_links", "restarts", "upgrades")
_LATEST = datetime.max.replace(tzinfo=UTC)
# The clustered database writes a change on all peers at once; further apart than a day it is another change
_SAME_CHANGE = timedelta(days=1)
_CLOCKS_DIFFER = timedelta(seconds=2)
_BY_HAND = ("alternates", "cluster peer")  # the peer list is entered on each peer by itself


def merge(rows: dict[str, Any], sources: SourceBook) -> None:
    """Put what logs say into the order of UTC, mark alarms that nothing lowers, and add issues of clocks.

    Connections that rotated captures part are made whole.
    """
    for table in _BY_TIME:
        rows[table].sort(key=lambda row: row.time or _LATEST)
    of_log = rows["settings"].where(lambda tree, _: tree == "log")
    hosts = {file_number(row.source): row.value for row in of_log if row.path == "host"}
    starts = [row for row in rows["restarts"] if row.kind == "system-start" and row.time]
    rows["alarms"] = _still_up(rows["alarms"], hosts, _last_starts(starts, hosts))
    rows["connections"] = rotation.joined(rows["connections"], sources)
    rows["issues"] += _differing_clocks(rows["configuration_changes"], hosts, sources)


def _last_starts(starts: list[Restart], hosts: Mapping[int, str]) -> dict[str, datetime]:
    """Return when each host last started; they are in the order of time."""
    return {_host(row.source, hosts): row.time for row in starts if row.time}


def _host(source: int, hosts: Mapping[int, str]) -> str:
    number = file_number(source)
    return hosts.get(number, str(number))


def _still_up(alarms: list[Alarm], hosts: Mapping[int, str], starts: Mapping[str, datetime]) -> list[Alarm]:
    """Mark, of the records of an alarm in the logs of one host, only the last, if nothing lowered the alarm.

    A start of the system lowers all of them: what is wrong still is raised again.
    """
    last: dict[tuple[str, str], int] = {}
    for place, alarm in enumerate(alarms):
        if alarm.slot is None:
            last[_identity(alarm, hosts)] = place
    return [
        alarm
        if alarm.slot is not None
        else alarm._replace(
            still_up=last[_identity(alarm, hosts)] == n
            and alarm.state != "lowered"
            and not _is_before(alarm.time, starts.get(_host(alarm.source, hosts)))
        )
        for n, alarm in enumerate(alarms)
    ]


def _is_before(time: datetime | None, start: datetime | None) -> bool:
    return bool(time and start and time < start)


def _identity(alarm: Alarm, hosts: Mapping[int, str]) -> tuple[str, str]:
    return _host(alarm.source, hosts), str(alarm.number or alarm.uuid or alarm.title)


def _differing_clocks(changes: list[ConfigurationChange], hosts: Mapping[int, str], sources: SourceBook) -> list[Issue]:
    """Compare when hosts logged the same change of the clustered database.

    Only a change that each of two hosts logged once is compared: of repeated ones it is not known which are the same.
    """
    logged: dict[tuple[str, str | None, str | None], dict[str, list[ConfigurationChange]]] = {}
    for change in changes:
        host = hosts.get(file_number(change.source))
        by_hand = change.item.lower().startswith(_BY_HAND)
        if host and change.time and change.old is not None and not change.user and not by_hand:
            key = (change.item.lower(), change.old, change.new)
            logged.setdefault(key, {}).setdefault(host, []).append(change)
    found: dict[tuple[str, str], Issue] = {}
    for by_host in logged.values():
        once = sorted((host, rows[0]) for host, rows in by_host.items() if len(rows) == 1)
        for n, (host, change) in enumerate(once):
            for other, same in once[n + 1 :]:
                apart = _apart(change, same)
                if _CLOCKS_DIFFER < abs(apart) < _SAME_CHANGE:
                    found.setdefault((host, other), _issue(host, other, apart, change, same, sources))
    return list(found.values())


def _apart(change: ConfigurationChange, same: ConfigurationChange) -> timedelta:
    return same.time - change.time if same.time and change.time else timedelta()


def _issue(
    host: str,
    other: str,
    apart: timedelta,
    change: ConfigurationChange,
    same: ConfigurationChange,
    sources: SourceBook,
) -> Issue:
    here, there = sources[same.source], sources[change.source]
    ahead, behind = (other, host) if apart > timedelta() else (host, other)
    return Issue(
        here.file,
        here.line,
        "clock",
        f"the clock of {ahead} seems {abs(apart).total_seconds():.1f} s ahead of that of {behind}: both logged a "
        f"change of {change.item} ({there.file}, line {there.line}), which the database writes on all peers at once",
    )
