"""The diagnostic log: alarms, configuration changes and what replication says of the cluster.

A record begins with a time stamp; lines that do not are its continuation and belong to it.
"""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime

from expdiag import knowledge
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, lines, whole_number
from expdiag.intake.secrets import MASK, names_a_secret, scrub
from expdiag.tables import Alarm, ConfigurationChange, Replication, Setting

# 2020-08-12T14:57:43.524-05:00 expc01 alarm: Level="WARN" Event="Alarm Raised" Id="20006" ...
_RECORD = re.compile(
    r"^(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?) (?P<host>\S+) (?P<rest>.*)$"
)
_PAIR = re.compile(r"(?<![\w-])([A-Za-z][\w-]*)=\"([^\"]*)\"")
# xconfiguration alternatesConfiguration - Changed
_TOUCHED = re.compile(r"^(?P<item>.*?) - (?:changed|created|deleted)\b", re.I)
# (10.15.13.15 expc01)
_PEER = re.compile(r"\(?\s*(?P<address>[^\s()]+)(?:\s+(?P<name>[^\s()]+))?\s*\)?")
_MOST_PEERS = 20
_STATES = {
    "alarm raised": "raised",
    "alarm lowered": "lowered",
    "alarm acknowledged": "acknowledged",
}


def _claims(first: list[str]) -> int:
    return sum(1 for line in first if _RECORD.match(line))


def _read(member: Member, harvest: Harvest) -> None:
    hosts: dict[str, None] = {}
    in_record = False
    stamp = ""
    for number, line in lines(member, harvest):
        record = _RECORD.match(line)
        if not record:
            if not in_record and line.strip():
                harvest.issue("unrecognised", line, number)
            continue
        in_record = True
        if record["host"] not in hosts:
            hosts[record["host"]] = None
            harvest.add(Setting("log", "host", record["host"], harvest.note(number, line[: record.end("host")])))
        stamp = record["stamp"]
        if harvest.first_time is None and (time := _time(stamp)):
            harvest.clock(time)
        _take(record, number, line, harvest)
    if time := _time(stamp):
        harvest.clock(time)


def _take(record: re.Match[str], number: int, line: str, harvest: Harvest) -> None:
    rest = record["rest"]
    if 'Event="Alarm' in rest or 'Event="alarm' in rest:
        _take_alarm(record, number, line, harvest)
    elif "System Configuration Changed" in rest:
        _take_change(record, number, line, harvest)
    elif "AlternateIPAddresses=" in rest:
        _take_replication(record, number, line, harvest)


def _pairs(record: re.Match[str]) -> dict[str, str]:
    """Return the pairs of a record; of a repeated name the first counts."""
    pairs: dict[str, str] = {}
    for name, value in _PAIR.findall(record["rest"]):
        pairs.setdefault(name, value.strip())
    return pairs


def _take_alarm(record: re.Match[str], number: int, line: str, harvest: Harvest) -> None:
    pairs = _pairs(record)
    state = _STATES.get(pairs.get("Event", "").lower())
    if not state:
        harvest.issue("unrecognised", line, number)
        return
    title, _, detail = scrub(pairs.get("Detail", "")).partition(": ")
    uuid = pairs.get("UUID", "")
    identity = pairs.get("Id", "")
    known = whole_number(identity) or knowledge.alarm_number(uuid, title, detail)
    harvest.add(
        Alarm(
            known,
            uuid,
            state,
            title,
            detail,
            pairs.get("Severity", "").lower(),
            _utc(pairs, record),
            harvest.note(number, scrub(line)),
        )
    )


def _take_change(record: re.Match[str], number: int, line: str, harvest: Harvest) -> None:
    """Take a change; `xconfiguration clusterConfiguration tls_verify - changed from: Permissive to: Enforcing`."""
    pairs = _pairs(record)
    detail = pairs.get("Detail", "")
    item, changed, values = detail.partition(" - changed from: ")
    old, has_new, new = values.partition(" to: ")
    if not changed:
        touched = _TOUCHED.match(detail)
        item = touched["item"] if touched else detail
    item = item.removeprefix("xconfiguration ").removeprefix("configuration/").replace("/", " ").strip()
    shown = scrub(line)
    if names_a_secret(item):
        old = new = MASK
        shown = f"{line.partition(' - ')[0]} - {MASK}"
    harvest.add(
        ConfigurationChange(
            _utc(pairs, record),
            scrub(item),
            scrub(old.strip("' ")) if changed else None,
            scrub(new.strip("' ")) if has_new else None,
            scrub(pairs.get("User", "")),
            harvest.note(number, shown),
        )
    )


def _take_replication(record: re.Match[str], number: int, line: str, harvest: Harvest) -> None:
    pairs = _pairs(record)
    try:
        listed = [_plain(entry) for entry in ast.literal_eval(pairs.get("AlternateIPAddresses", ""))]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        harvest.issue("unrecognised", line, number)
        return
    if len(listed) > _MOST_PEERS:
        harvest.issue("too-many", f"{len(listed)} peers in one line; a cluster has at most six", number)
        return
    peers = [peer for entry in listed if (peer := _PEER.match(entry))]
    harvest.add(
        Replication(
            _utc(pairs, record),
            tuple(peer["address"] for peer in peers),
            tuple(peer["name"] or "" for peer in peers),
            _from_zero(pairs.get("ConfigurationMasterIndex") or pairs.get("ConfigurationPrimaryIndex")),
            _from_zero(pairs.get("LocalPeerIndex")),
            harvest.note(number, scrub(line)),
        )
    )


def _plain(entry: object) -> str:
    """Return an entry of a logged list as text; escapes in it may be no characters."""
    return str(entry).encode("utf-8", errors="replace").decode()


def _from_zero(index: str | None) -> int | None:
    """Logs count peers from 0, the configuration from 1."""
    number = whole_number(index)
    return None if number is None else number + 1


def _utc(pairs: dict[str, str], record: re.Match[str]) -> datetime | None:
    """Return the record's UTC clock, else its first stamp."""
    text = pairs.get("UTCTime", "").replace(",", ".").replace(" ", "T")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return _time(record["stamp"])


def _time(stamp: str) -> datetime | None:
    """Return a stamp with an offset as UTC; without one its zone is unknown, and so is the time."""
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    try:
        return time.astimezone(UTC) if time.tzinfo else None
    except OverflowError:
        return None


READER = Reader("diagnostic log", _claims, _read)
