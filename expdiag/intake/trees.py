"""What the two forms of a tree share: leaves become settings, warnings become alarms."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from expdiag import knowledge
from expdiag.intake.reading import Harvest, whole_number
from expdiag.intake.secrets import mask, scrub
from expdiag.tables import Alarm, Setting

# Warnings Warning 89 Reason; XML that holds one alarm only need not show that it is one of a list: Alarm ID
_ALARM_LEAF = re.compile(r"^(?P<slot>(?:.* )?(?:Warning|Alarm)(?: \d+)?) (?P<leaf>\w+)$", re.I)
_TELLING = {"id", "uuid", "reason", "title"}
_STATES = {"unacknowledged": "raised", "acknowledged": "acknowledged", "lowered": "lowered"}
_CLOCK = "systemunit systemtime"
MAX_DEPTH = 64


def tells_more(tree: str, path: str) -> bool:
    """Whether a leaf tells more than a setting: the time, or a part of an alarm."""
    return tree == "status" and (path.lower() == _CLOCK or _ALARM_LEAF.match(path) is not None)


class Grower:
    """Takes the leaves of one tree and gives settings and alarms to the harvest."""

    def __init__(self, tree: str, harvest: Harvest) -> None:
        self._tree = tree
        self._harvest = harvest
        self._alarms: dict[str, dict[str, str]] = {}
        self._alarm_sources: dict[str, int] = {}

    def leaf(self, path: str, value: str, source: int) -> None:
        """Take one leaf; `path` as xStatus or xConfiguration print it."""
        self._harvest.add(Setting(self._tree, path, mask(path, value), source))
        if self._tree != "status":
            return
        if path.lower() == _CLOCK:
            self._take_clock(value)
        elif alarm := _ALARM_LEAF.match(path):
            self._alarms.setdefault(alarm["slot"], {})[alarm["leaf"].lower()] = value
            if alarm["leaf"].lower() in ("reason", "title", "id") or alarm["slot"] not in self._alarm_sources:
                self._alarm_sources[alarm["slot"]] = source

    def finish(self) -> None:
        """Turn the warnings that were met into alarms."""
        for slot, leaves in self._alarms.items():
            if not _TELLING & leaves.keys():
                continue
            self._harvest.add(_alarm(whole_number(slot.rpartition(" ")[2]), leaves, self._alarm_sources[slot]))

    def _take_clock(self, value: str) -> None:
        try:
            self._harvest.clock(datetime.fromisoformat(value).replace(tzinfo=UTC))
        except ValueError:
            return


def shown(line: str, path: str, value: str | None) -> str:
    """Return a line with its value masked where that is a secret."""
    if not value:
        return line
    masked = mask(path, value.strip('"'))
    return line if masked == value.strip('"') else line.replace(value, masked)


def _alarm(slot: int | None, leaves: dict[str, str], source: int) -> Alarm:
    identity = leaves.get("id", "")
    uuid = leaves.get("uuid", "" if whole_number(identity) else identity)
    reason = leaves.get("reason", "")
    title, _, detail = scrub(reason).partition(" - ")
    title = scrub(leaves.get("title", title))
    detail = scrub(leaves.get("description", leaves.get("detail", detail)))
    number = whole_number(identity) or knowledge.alarm_number(uuid, title, detail)
    state = _STATES.get(leaves.get("state", leaves.get("status", "")).lower(), "raised")
    severity = leaves.get("severity", "").lower()
    return Alarm(number, uuid, slot, state, state != "lowered", title, detail, severity, None, source)
