"""Answers of the REST API: every value becomes a setting, alarms and upgrades become rows of their tables too.

An answer may lie anywhere: `rest/<peer>/<endpoint path>.json`, a folder of `<endpoint>.json`, or alone, told by what
is in it. The web interface's own form, a list of peers with their records, is parted by peer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePosixPath

from expdiag import knowledge
from expdiag.intake import certificates
from expdiag.intake.firewall.page import rule_of_page
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, as_utf8, whole_number, without_keys
from expdiag.intake.rest.document import Array, Document, Node, Object, Scalar
from expdiag.intake.secrets import mask, scrub
from expdiag.tables import Alarm, Setting, Upgrade

_MOST_BYTES = 32 << 20
_LONGEST_WORD = 100
_ROOTS = ("provisioning", "status", "management")
_BASE = re.compile(r"^(?:api|v[0-9]+)$", re.I)
_PEM = "-----BEGIN "
_LOCAL = "localhost"
_ALARMS = "management/status/alarm"
_FIREWALL = "provisioning/common/firewallrules/configuration"
_UPGRADES = "status/common/upgradestatus"


def _read(member: Member, harvest: Harvest) -> None:
    text = _whole(member, harvest)
    document = Document(text)
    harvest.lines = text.count("\n") + (not text.endswith("\n"))
    if document.root is not None:
        _take(document.root, member.name, harvest)
    if document.broken:
        kind = "truncated" if document.broken.at_end else "broken"
        harvest.issue(kind, f"the JSON is not whole: {document.broken}", document.broken.line)


def _whole(member: Member, harvest: Harvest) -> str:
    parts: list[bytes] = []
    size = 0
    for chunk in as_utf8(member, harvest):
        parts.append(chunk)
        size += len(chunk)
        if size > _MOST_BYTES:
            harvest.issue("truncated", f"only the first {_MOST_BYTES >> 20} MB of a REST answer are read")
            break
    data = b"".join(parts)[:_MOST_BYTES]
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        harvest.issue("undecodable", "bytes that are no UTF-8 were replaced", data.count(b"\n", 0, error.start) + 1)
        return data.decode("utf-8", errors="replace")


def _take(root: Node, name: str, harvest: Harvest) -> None:
    if isinstance(root, Object) and [member.lower() for member, _ in root.members] == ["message"]:
        harvest.issue("refused-query", f"the Expressway refused: {_first_text(root)}", root.line)
        return
    parts = list(_by_peer(root))
    endpoint = _endpoint_of(name) or next((found for _, node in parts if (found := _told_by(node))), None)
    if endpoint is None:
        harvest.issue(
            "unrecognised",
            "JSON that is no known answer of the REST API; put it into rest/<peer>/<endpoint path>.json",
        )
        return
    for peer, node in parts:
        _Answer(endpoint, peer, harvest).take(node)


def _first_text(root: Object) -> str:
    node = root.members[0][1]
    return node.value if isinstance(node, Scalar) else ""


def _by_peer(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield the parts of an answer with the peer they are of, empty for the one that was asked."""
    entries = root.items if isinstance(root, Array) else []
    listed = [entry for entry in entries if isinstance(entry, Object) and entry.scalar("peer") and _records(entry)]
    if not listed or len(listed) != len(entries):
        yield "", root
        return
    for entry in listed:
        peer, records = entry.scalar("peer"), _records(entry)
        if peer and records:
            yield "" if peer.value.lower() == _LOCAL else peer.value, records


def _records(entry: Object) -> Array | None:
    return next((node for name, node in entry.members if name.lower() == "records" and isinstance(node, Array)), None)


def _endpoint_of(name: str) -> str | None:
    """Return the endpoint a path shows: what follows `rest/<peer>/`, else a known endpoint at its end."""
    parts = list(PurePosixPath(name.replace("!", "/")).with_suffix("").parts)
    lower = [part.lower() for part in parts]
    if "rest" in lower[:-2] and lower[lower.index("rest") + 1] not in _ROOTS:
        return "/".join(part for part in parts[lower.index("rest") + 2 :] if not _BASE.match(part)).lower()
    for root in _ROOTS:
        if root in lower:
            return "/".join(lower[lower.index(root) :])
    return _by_last_words().get(lower[-1])


@cache
def _by_last_words() -> dict[str, str]:
    """Return the endpoints that one file name tells: their last word where no other has it, or all words joined."""
    paths = [str(row["path"]) for row in knowledge.load("endpoints")["endpoint"]]
    last = [path.rpartition("/")[2] for path in paths]
    names = {word: path for word, path in zip(last, paths, strict=True) if last.count(word) == 1}
    for path in paths:
        names.update({path.replace("/", joint): path for joint in "_-."})
    return names


def _told_by(node: Node) -> str | None:
    """Return the one endpoint whose telling members an answer has."""
    record = node.items[0] if isinstance(node, Array) and node.items else node
    if not isinstance(record, Object):
        return None
    present = {name for name, _ in record.members}
    rows = knowledge.load("endpoints")["endpoint"]
    fitting = [row for row in rows if "members" in row and present.issuperset(row["members"])]
    return str(max(fitting, key=lambda row: len(row["members"]))["path"]) if fitting else None


class _Answer:
    """What one peer answered at one endpoint."""

    def __init__(self, endpoint: str, peer: str, harvest: Harvest) -> None:
        self._endpoint = endpoint
        self._peer = peer
        self._harvest = harvest

    def take(self, node: Node) -> None:
        """Give its rows to the harvest."""
        if self._peer:
            source = self._harvest.note(node.line, f'"peer": "{self._peer}"', origin=self._peer)
            self._harvest.add(Setting("rest", "peer", self._peer, source))
        self._walk(self._endpoint, "", node)
        listed = node.items if isinstance(node, Array) else [node]
        records = [record for record in listed if isinstance(record, Object)]
        for place, record in enumerate(sorted(records, key=_priority), start=1):
            self._take_record(place, record)

    def _walk(self, path: str, name: str, node: Node, *, is_numbered: bool = False) -> None:
        if isinstance(node, Scalar) and _PEM in node.value:
            self._take_certificates(node)
        elif isinstance(node, Scalar):
            masked = mask(path, node.value)
            shown = node.shown if masked == node.value else f'"{name}": "{masked}"'
            source = self._harvest.note(node.line, shown, path, self._peer)
            self._harvest.add(Setting("rest", path, masked, source))
        elif isinstance(node, Object):
            own = node.scalar("index")
            inside = f"{path} {own.value}" if own and whole_number(own.value) and not is_numbered else path
            for member, child in node.members:
                self._walk(f"{inside} {_word(member)}", member, child)
        else:
            for place, child in _numbered(node):
                self._walk(f"{path} {place}" if place else path, name, child, is_numbered=bool(place))

    def _take_certificates(self, node: Scalar) -> None:
        """Take PEM in a text: certificates become rows, a private key an issue, and the text itself is not kept."""
        numbered = ((node.line, line) for line in node.value.splitlines())
        role = certificates.role_by_name(self._endpoint) or "server"
        certificates.from_pem(without_keys(numbered, self._harvest), role, self._harvest)

    def _take_record(self, place: int, record: Object) -> None:
        if self._endpoint.endswith(_ALARMS):
            alarm = _alarm(record, self._note(record))
            self._harvest.add(alarm)
            if alarm.time:
                self._harvest.clock(alarm.time)
        elif self._endpoint == _FIREWALL:
            self._take_firewall_rule(place, record)
        elif self._endpoint == _UPGRADES and (status := record.scalar("upgradestatus")):
            when = record.scalar("statusupdatetime")
            detail = f"{status.value} at {when.value}, zone not shown" if when else status.value
            self._harvest.add(Upgrade(None, status.value.lower(), (), detail, self._note(record)))

    def _take_firewall_rule(self, place: int, record: Object) -> None:
        fields = {name: node.value for name, node in record.members if isinstance(node, Scalar)}
        rule, unused = rule_of_page(fields, place, self._note(record))
        self._harvest.add(rule)
        if unused:
            text = f"firewall rule {place}: {', '.join(unused)} could not be used; they stand in its conditions"
            self._harvest.issue("unrecognised", text, record.line)

    def _note(self, record: Object) -> int:
        words = ", ".join(node.shown for name, node in record.members if isinstance(node, Scalar))
        return self._harvest.note(record.line, scrub(f"{{{words}}}"), origin=self._peer)


def _priority(record: Object) -> int:
    """Return the priority of a firewall rule, which is met first where it is lowest; 0 for other records."""
    found = record.scalar("priority")
    return whole_number(found.value) or 0 if found else 0


def _word(member: str) -> str:
    """Return the name of a member as one word of a path."""
    return "_".join(member[:_LONGEST_WORD].split()) or "_"


def _numbered(node: Array) -> list[tuple[int | None, Node]]:
    """Return items with their number in the list; without one where each says its own index, and all differ."""
    own = [item.scalar("index") if isinstance(item, Object) else None for item in node.items]
    said = [whole_number(index.value) for index in own if index]
    if len(said) == len(node.items) and None not in said and len(set(said)) == len(said):
        return [(None, item) for item in node.items]
    return list(enumerate(node.items, start=1))


def _alarm(record: Object, source: int) -> Alarm:
    """Return an alarm of the web interface's own list; the names of its members are only partly known."""

    def value(*names: str) -> str:
        found = record.scalar(*names)
        return found.value if found else ""

    uuid, title = value("uuid", "alarm_uuid"), scrub(value("title", "name", "summary"))
    detail = scrub(value("description", "detail", "reason"))
    number = whole_number(value("id", "alarm_id", "number")) or knowledge.alarm_number(uuid, title, detail)
    state = "lowered" if value("total_count") == "0" else "raised"
    if state == "raised" and value("status").lower() == "acknowledged":
        state = "acknowledged"
    severity, time = value("severity").lower(), _unix(value("last_raised"))
    return Alarm(number, uuid, None, state, state != "lowered", title, detail, severity, time, source)


def _unix(seconds: str) -> datetime | None:
    number = seconds.partition(".")[0]
    return (
        datetime.fromtimestamp(int(number), UTC) if number.isascii() and number.isdigit() and len(number) < 11 else None
    )


READER = Reader("REST JSON", lambda _: 0, _read)
