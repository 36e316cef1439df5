"""What the records of a log mean: rows of the tables of logs. The names to look for are in `knowledge/events.toml`."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from expdiag import knowledge
from expdiag.intake.logs.records import Record, moment
from expdiag.intake.reading import Harvest, whole_number
from expdiag.intake.secrets import MASK, names_a_secret, scrub
from expdiag.tables import Alarm, ConfigurationChange, Event, PeerLink, Replication, Restart, Upgrade

_MOST_PEERS = 20
_LINK_MODULE = "network.h323"
# xconfiguration alternatesConfiguration - Changed
_TOUCHED = re.compile(r"^(?P<item>.*?) - (?:changed|created|deleted)\b", re.I)
# configuration/edge/port - created with value: '8443'
_CREATED = re.compile(r"^created with value: '(?P<value>.*)'$", re.I)
# xconfiguration edgeCmsServerAddresses uuid cb7d5de8-1ab3-4a0d-a52a-8dbc885effeb name: joinext port: 443
_SET = re.compile(r"^(?P<item>\S+ uuid [0-9a-f-]{36}(?: name: \S+)?) (?P<field>[\w-]+): (?P<value>.*)$", re.I)
# (10.15.13.15 expc01)
_PEER = re.compile(r"\(?\s*(?P<address>[^\s()]+)(?:\s+(?P<name>[^\s()]+))?\s*\)?")
_RELEASE = re.compile(r"\bX[0-9]{1,2}\.[0-9]{1,3}(?:\.[0-9]{1,3}){0,2}\b")
_VCS_IMAGE = re.compile(r"\bs42700x(?P<release>[0-9]{1,2}_[0-9]{1,3}(?:_[0-9]{1,3}){0,2})", re.I)
# name:10.15.13.16:1719
_SERVER = re.compile(r"(?:name:)?(?P<remote>[^\s:]+|\[?[0-9a-fA-F:]+\]?):(?P<port>[0-9]{1,5})$")
# Sending RAS LRQ  SeqNum=52320 Timeout=True
MARKS: tuple[bytes, ...] = (
    b'Event="',
    b"AlternateIPAddresses=",
    *(str(row["words"][0]).encode() for row in knowledge.load("events")["record"]),
)


def take(record: Record, source: Callable[[str], int], harvest: Harvest) -> dict[str, str]:
    """Give the rows of a record to the harvest.

    Args:
        record: a record that holds one of `MARKS`.
        source: makes a source id of the words that may be shown.
        harvest: takes the rows.

    Returns:
        the pairs of the record.
    """
    pairs = record.pairs()
    time = moment(record, pairs)
    if "Event" in pairs:
        _take_event(record, pairs, time, source, harvest)
    elif "AlternateIPAddresses" in pairs:
        _take_replication(record, pairs, time, source, harvest)
    elif kind := _link_kind(record.rest):
        remote, port = _far_end(record, pairs)
        said = " ".join(filter(None, (pairs.get("Detail"), pairs.get("Context"), pairs.get("Reason"))))
        harvest.add(PeerLink(time, kind, remote, port, scrub(said), source(scrub(record.text))))
    return pairs


def _link_kind(rest: str) -> str | None:
    for row in knowledge.load("events")["record"]:
        if all(word in rest for word in row["words"]):
            return str(row["kind"])
    return None


def _far_end(record: Record, pairs: dict[str, str]) -> tuple[str, int | None]:
    """Return who the other side is: the address sent to, else the second node."""
    if "Dst-ip" in pairs:
        return pairs["Dst-ip"], whole_number(pairs.get("Dst-port"))
    return record.last("Node").rpartition("@")[2], None


@lru_cache(maxsize=1 << 10)
def meaning(group: str, name: str) -> str | None:
    """Return what an event of a name means inside a group of `knowledge/events.toml`, None where it means nothing."""
    words = name.lower().split()
    for kind, names in _names(group):
        for wanted in names:
            if len(words) == len(wanted) and all(map(str.startswith, words, wanted)):
                return kind
    return None


@cache
def _names(group: str) -> tuple[tuple[str, tuple[list[str], ...]], ...]:
    found = knowledge.load("events")[group].items()
    return tuple((kind, tuple(name.split() for name in names)) for kind, names in found)


def _take_event(
    record: Record, pairs: dict[str, str], time: datetime | None, source: Callable[[str], int], harvest: Harvest
) -> None:
    name = pairs["Event"]
    if meaning("configuration", name) and "Detail" in pairs:
        place, detail = _take_change(record, pairs, time, source, harvest)
    else:
        place, detail = source(scrub(record.text)), scrub(pairs.get("Detail", ""))
    reason, user = scrub(pairs.get("Reason", "")), scrub(pairs.get("User", ""))
    level, service = pairs.get("Level", ""), pairs.get("Service", "")
    far_end = _address(pairs, "Src") or _address(pairs, "Dst")
    harvest.add(Event(time, record.process, name, level, detail, reason, service, far_end, user, place))
    said = " ".join(filter(None, (detail, reason)))
    if state := meaning("alarm", name):
        harvest.add(_alarm(pairs, state, time, place))
    elif kind := meaning("restart", name):
        harvest.add(Restart(time, kind, said, user, place))
    elif kind := meaning("upgrade", name):
        harvest.add(Upgrade(time, kind, _releases(said), said, place))
    elif link := _event_link(name, reason):
        server = _SERVER.search(detail)
        remote, port = (server["remote"].strip("[]"), whole_number(server["port"])) if server else (detail, None)
        harvest.add(PeerLink(time, link, remote, port, reason, place))


def _event_link(name: str, reason: str) -> str | None:
    for kind, (event, wanted) in knowledge.load("events")["link"].items():
        words = event.split()
        if wanted in reason.lower() and all(map(str.startswith, name.lower().split(), words)):
            return str(kind)
    return None


def _address(pairs: dict[str, str], side: str) -> str:
    address, port = pairs.get(f"{side}-ip", ""), pairs.get(f"{side}-port", "")
    return f"{address}:{port}" if address and port else address


def _releases(text: str) -> tuple[str, ...]:
    images = tuple(f"X{found.replace('_', '.')}" for found in _VCS_IMAGE.findall(text))
    return tuple(_RELEASE.findall(text)) or images


def _alarm(pairs: dict[str, str], state: str, time: datetime | None, place: int) -> Alarm:
    title, _, detail = scrub(pairs.get("Detail", "")).partition(": ")
    uuid, identity = pairs.get("UUID", ""), pairs.get("Id", "")
    known = whole_number(identity) or knowledge.alarm_number(uuid, title, detail)
    severity = pairs.get("Severity", "").lower()
    return Alarm(known, uuid, None, state, state != "lowered", title, detail, severity, time, place)


def _take_change(
    record: Record, pairs: dict[str, str], time: datetime | None, source: Callable[[str], int], harvest: Harvest
) -> tuple[int, str]:
    """Take a change; return its source and its words as they may be shown."""
    detail = pairs.get("Detail", "")
    item, old, new = _change(detail)
    shown, words = scrub(record.text), scrub(detail)
    if names_a_secret(item):
        old, new = (MASK if value else value for value in (old, new))
        words = f"{item}: {MASK}"
        shown = f'{record.text.partition("Detail=")[0]}Detail="{words}"'
    place = source(shown)
    user = scrub(pairs.get("User", ""))
    harvest.add(ConfigurationChange(time, scrub(item), _scrubbed(old), _scrubbed(new), user, place))
    return place, words


def _scrubbed(value: str | None) -> str | None:
    return None if value is None else scrub(value)


def _change(detail: str) -> tuple[str, str | None, str | None]:
    """Return item, old and new value; None for a value the words do not tell.

    `xconfiguration clusterConfiguration tls_verify - changed from: Permissive to: Enforcing`
    """
    item, changed, values = detail.partition(" - changed from: ")
    old: str | None = None
    new: str | None = None
    if changed:
        old, has_new, last = values.partition(" to: ")
        old, new = old.strip("' "), last.strip("' ") if has_new else None
    elif touched := _TOUCHED.match(detail):
        item = touched["item"]
        if created := _CREATED.match(detail[len(item) + 3 :].strip()):
            new = created["value"].strip()
    item = item.removeprefix("xconfiguration ").removeprefix("configuration/")
    if not changed and (field := _SET.match(item)):
        item, new = f"{field['item']} {field['field']}", field["value"].strip()
    return item.replace("/", " ").strip(), old, new


def _take_replication(
    record: Record, pairs: dict[str, str], time: datetime | None, source: Callable[[str], int], harvest: Harvest
) -> None:
    try:
        listed = [_plain(entry) for entry in ast.literal_eval(pairs["AlternateIPAddresses"])]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        harvest.issue("unrecognised", record.text, record.line)
        return
    if len(listed) > _MOST_PEERS:
        harvest.issue("too-many", f"{len(listed)} peers in one line; a cluster has at most six", record.line)
        return
    peers = [peer for entry in listed if (peer := _PEER.match(entry))]
    harvest.add(
        Replication(
            time,
            tuple(peer["address"] for peer in peers),
            tuple(peer["name"] or "" for peer in peers),
            _from_zero(pairs.get("ConfigurationMasterIndex") or pairs.get("ConfigurationPrimaryIndex")),
            _from_zero(pairs.get("LocalPeerIndex")),
            source(scrub(record.text)),
        )
    )


def _plain(entry: Any) -> str:
    """Return an entry of a logged list as text; escapes in it may be no characters."""
    return str(entry).encode("utf-8", errors="replace").decode()


def _from_zero(index: str | None) -> int | None:
    """Logs count peers from 0, the configuration from 1."""
    number = whole_number(index)
    return None if number is None else number + 1
