"""The diagnostic log: alarms, configuration changes and what replication says of the cluster.

A record begins with a time stamp; lines that do not are its continuation and belong to it.
"""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime

from expdiag import knowledge
from expdiag.intake import scan
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, as_utf8, report_key, whole_number, without_keys
from expdiag.intake.secrets import MASK, names_a_secret, scrub
from expdiag.tables import Alarm, ConfigurationChange, Replication, Setting

# 2020-08-12T14:57:43.524-05:00 expc01 alarm: Level="WARN" Event="Alarm Raised" Id="20006" ...
_RECORD = re.compile(
    r"^(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?) (?P<host>\S+) (?P<rest>.*)$", re.S
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
    """Look at the lines that hold one of the texts that matter, and at the first and last record of each block."""
    find = scan.finder([literal for literal, _ in _TAKERS] + [_KEY_MARK])
    hosts: set[str] = set()
    begun = False
    for block in scan.blocks(as_utf8(member), lambda number: _report_long_line(number, harvest)):
        if not begun:
            begun = _take_start(block, hosts, harvest)
        for number, raw in find(block):
            if _KEY_MARK in raw and b"-----BEGIN" in raw:
                report_key(number, harvest)
                continue
            line = _decode(raw, number, harvest)
            if record := _RECORD.match(line):
                _take_host(record, number, hosts, harvest)
                _take(record, number, line, harvest)
        _take_last_clock(block, harvest)


def _report_long_line(number: int, harvest: Harvest) -> None:
    harvest.issue("line-too-long", "a line of more than 8 MB is passed over", number)


def _decode(raw: bytes, number: int, harvest: Harvest) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        harvest.issue("undecodable", "bytes that are no UTF-8 were replaced", number)
        return raw.decode("utf-8", errors="replace")


def _take_start(block: scan.Block, hosts: set[str], harvest: Harvest) -> bool:
    """Report what stands before the first record; return whether there is one in the block."""
    lines = enumerate(block.data.split(b"\n"), start=block.first_line)
    texts = ((number, raw.decode("utf-8", errors="replace").rstrip("\r")) for number, raw in lines)
    for number, line in without_keys(texts, harvest):
        if record := _RECORD.match(line):
            _take_host(record, number, hosts, harvest)
            if time := _time(record["stamp"]):
                harvest.clock(time)
            return True
        if line.strip():
            harvest.issue("unrecognised", line, number)
    return False


def _take_last_clock(block: scan.Block, harvest: Harvest) -> None:
    end = len(block.data)
    while end > 0:
        start = block.data.rfind(b"\n", 0, end - 1) + 1
        record = _RECORD.match(block.data[start : start + _STAMP_AND_HOST].decode("utf-8", errors="replace"))
        if record:
            if time := _time(record["stamp"]):
                harvest.clock(time)
            return
        end = start


def _take_host(record: re.Match[str], number: int, hosts: set[str], harvest: Harvest) -> None:
    if record["host"] not in hosts and len(hosts) < _MOST_HOSTS:
        hosts.add(record["host"])
        named = f"{record['stamp']} {record['host']}"
        harvest.add(Setting("log", "host", record["host"], harvest.note(number, named)))


def _take(record: re.Match[str], number: int, line: str, harvest: Harvest) -> None:
    rest = record["rest"].encode()
    for literal, take in _TAKERS:
        if literal in rest:
            take(record, number, line, harvest)
            return


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
            None,
            state,
            state == "raised",
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


# The texts that matter and what takes a record that holds one; the first that fits counts
_TAKERS = (
    (b'Event="Alarm', _take_alarm),
    (b'Event="alarm', _take_alarm),
    (b"System Configuration Changed", _take_change),
    (b"AlternateIPAddresses=", _take_replication),
)
_KEY_MARK = b"PRIVATE KEY-----"
_STAMP_AND_HOST = 400
_MOST_HOSTS = 50
READER = Reader("diagnostic log", _claims, _read)
