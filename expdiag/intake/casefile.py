"""`case.toml`: facts that no export shows. An unknown key is an error that names the nearest known one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from expdiag import knowledge
from expdiag.errors import CaseFileError, nearest

FILE_NAME = "case.toml"
_LONGEST_LINE = 8192
TYPES = ("C", "E")
TLS_MODES = ("Enforce", "Permissive")
FIREWALL_ACTIONS = ("allow", "accept", "reject", "drop", "deny")
_FIREWALL_KEYS = (
    *("device", "priority", "action", "address", "prefix_length", "interface", "service", "transport"),
    *("start_port", "end_port", "description"),
)
CHANGES = ("forming", "adding-peer", "removing-peer", "upgrading", "changing-primary", "enforcing-tls")


@dataclass(frozen=True, slots=True)
class PeerFacts:
    """What `[peers."NAME"]` says of one peer."""

    type: str | None = None
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What `[cluster]` says where the exports are silent."""

    tls_verification_mode: str | None = None
    address_mapping: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """Which services the cluster carries; None where the file does not say."""

    mra: bool | None = None
    b2b: bool | None = None
    microsoft_interop: bool | None = None


@dataclass(frozen=True, slots=True)
class Tms:
    """What is known of Cisco TMS; None where the file does not say."""

    used: bool | None = None
    address: str | None = None
    version: str | None = None
    provisioning: bool | None = None
    provisioning_extension_mode: bool | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A procedure that is, or was, under way; times are UTC."""

    kind: str
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A deviation someone accepted. `subject` holds names of peers; empty means every subject of the rule."""

    rule: str
    reason: str
    subject: tuple[str, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits somebody put in place of Cisco's, in ms; None where the documented one holds."""

    round_trip_ms: float | None = None
    one_way_ms: float | None = None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All facts of a `case.toml`; an absent file gives one without facts.

    Attributes:
        firewall: the entries of `[[firewall]]` in order, each with its `device` and the fields of a rule.
        sources: source ids by dotted key; the n-th entry of `[[firewall]]` is `firewall.n`.
    """

    file: str = FILE_NAME
    name: str | None = None
    as_of: datetime | None = None
    cluster: ClusterFacts = field(default_factory=ClusterFacts)
    peers: Mapping[str, PeerFacts] = field(default_factory=dict)
    services: Services = field(default_factory=Services)
    tms: Tms = field(default_factory=Tms)
    change: Change | None = None
    limits: Limits = field(default_factory=Limits)
    accepted: tuple[Accepted, ...] = ()
    firewall: tuple[Mapping[str, object], ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)


def parse(data: bytes, file: str, note: Callable[[int, str], int]) -> CaseFile:
    """Return the facts of a `case.toml`.

    Args:
        data: its content.
        file: its name, for messages and evidence.
        note: makes a source id of a line number and its text.

    Raises:
        CaseFileError: it is no TOML, or a key or value is not known.
    """
    if any(len(line) > _LONGEST_LINE for line in data.splitlines()):
        raise CaseFileError(file, f"a line of more than {_LONGEST_LINE} bytes, which no case needs")
    try:
        text = data.decode("utf-8-sig")
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise CaseFileError(file, f"not valid TOML: {error}") from error
    try:
        return _facts(tree, text, file, note)
    except OverflowError as error:
        raise CaseFileError(file, f"a time that is none: {error}") from error


def _facts(tree: dict[str, Any], text: str, file: str, note: Callable[[int, str], int]) -> CaseFile:
    check = _Checker(file)
    check.keys("", tree, ("case", "cluster", "peers", "services", "tms", "change", "limits", "accepted", "firewall"))
    case = check.table("case", tree, ("name", "as_of"))
    cluster = check.table("cluster", tree, ("tls_verification_mode", "address_mapping"))
    change = check.table("change", tree, ("kind", "start", "end"))
    if "change" in tree and "kind" not in change:
        raise CaseFileError(file, f"[change] needs a kind, one of {', '.join(CHANGES)}")
    return CaseFile(
        file=file,
        name=check.text("case.name", case.get("name")),
        as_of=check.moment("case.as_of", case.get("as_of")),
        cluster=ClusterFacts(
            check.choice("cluster.tls_verification_mode", cluster.get("tls_verification_mode"), TLS_MODES),
            check.mapping("cluster.address_mapping", cluster.get("address_mapping")),
        ),
        peers=check.peers(tree),
        services=Services(**check.flags("services", tree, ("mra", "b2b", "microsoft_interop"))),
        tms=_tms(check, tree),
        change=Change(
            str(check.choice("change.kind", change.get("kind"), CHANGES)),
            check.moment("change.start", change.get("start")),
            check.moment("change.end", change.get("end")),
        )
        if change
        else None,
        limits=Limits(**check.numbers("limits", tree, ("round_trip_ms", "one_way_ms"))),
        accepted=check.accepted(tree),
        firewall=check.firewall(tree),
        sources={key: note(line, shown) for key, (line, shown) in _key_lines(text).items()},
    )


def _tms(check: _Checker, tree: dict[str, Any]) -> Tms:
    flags = ("used", "provisioning", "provisioning_extension_mode")
    table = check.table("tms", tree, (*flags, "address", "version"))
    return Tms(
        address=check.text("tms.address", table.get("address")),
        version=check.text("tms.version", table.get("version")),
        **{key: check.flag(f"tms.{key}", table.get(key)) for key in flags},
    )


class _Checker:
    """Checks keys and values, naming the nearest known one."""

    def __init__(self, file: str) -> None:
        self._file = file

    def keys(self, where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                near = nearest(key, known) or known[0]
                place = f"[{where}]" if where else "at the top"
                raise CaseFileError(
                    self._file,
                    f"unknown key {key!r} {place}; did you mean {near!r}? Known: {', '.join(known)}",
                )

    def table(self, name: str, tree: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
        table = tree.get(name, {})
        if not isinstance(table, dict):
            raise CaseFileError(self._file, f"{name!r} must be a table: write [{name}]")
        self.keys(name, table, known)
        return table

    def text(self, key: str, value: Any) -> str | None:
        text: str | None = self._typed(key, value, str, "a text in quotes")
        return text

    def flag(self, key: str, value: Any) -> bool | None:
        flag: bool | None = self._typed(key, value, bool, "true or false")
        return flag

    def flags(self, name: str, tree: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, bool | None]:
        return {key: self.flag(f"{name}.{key}", value) for key, value in self.table(name, tree, known).items()}

    def numbers(self, name: str, tree: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, float]:
        """The numbers of a section, each above nought."""
        found = {}
        for key, value in self.table(name, tree, known).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise CaseFileError(self._file, f"{name}.{key} is {value!r}, expected a number above 0")
            found[key] = float(value)
        return found

    def _typed(self, key: str, value: Any, kind: type, expected: str) -> Any:
        if value is None or isinstance(value, kind):
            return value
        raise CaseFileError(self._file, f"{key} is {value!r}, expected {expected}")

    def choice(self, key: str, value: Any, known: tuple[str, ...]) -> str | None:
        if value is None:
            return None
        for name in known:
            if str(value).lower() == name.lower():
                return name
        raise CaseFileError(self._file, f"{key} is {value!r}, expected one of {', '.join(known)}")

    def moment(self, key: str, value: Any) -> datetime | None:
        """A time with its offset; one without is taken as UTC, a date as its end."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, date):
            return datetime.combine(value, time(23, 59, 59), UTC)
        raise CaseFileError(self._file, f"{key} is {value!r}, expected a time such as 2026-05-01T12:00:00Z")

    def mapping(self, key: str, value: Any) -> dict[str, str] | None:
        if value is None:
            return None
        if isinstance(value, dict) and all(isinstance(address, str) for address in value.values()):
            return {str(name): address for name, address in value.items()}
        raise CaseFileError(self._file, f'{key} must map names to addresses: {{ "e1.example.com" = "10.0.1.11" }}')

    def peers(self, tree: Mapping[str, Any]) -> dict[str, PeerFacts]:
        platforms = tuple(knowledge.load("platforms")["platform"])
        facts = {}
        named = tree.get("peers", {})
        for name, table in self.table("peers", tree, tuple(named) if isinstance(named, dict) else ()).items():
            where = f'peers."{name}"'
            if not isinstance(table, dict):
                raise CaseFileError(self._file, f"{where} must be a table: write [{where}]")
            self.keys(where, table, ("type", "platform"))
            facts[name] = PeerFacts(
                self.choice(f"{where}.type", table.get("type"), TYPES),
                self.choice(f"{where}.platform", table.get("platform"), platforms),
            )
        return facts

    def firewall(self, tree: Mapping[str, Any]) -> tuple[Mapping[str, object], ...]:
        """Rules of a peer or of a firewall between the peers, with the names of fields the web page has."""
        entries = tree.get("firewall", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise CaseFileError(self._file, "firewall rules are a list of tables: write [[firewall]]")
        for entry in entries:
            self.keys("firewall", entry, _FIREWALL_KEYS)
            self.choice("firewall.action", entry.get("action"), FIREWALL_ACTIONS)
            self._typed("firewall.priority", entry.get("priority"), int, "a number")
            for key in ("device", "action"):
                if not self.text(f"firewall.{key}", entry.get(key)):
                    raise CaseFileError(self._file, f'a [[firewall]] rule needs {key} = "…"')
        return tuple(entries)

    def accepted(self, tree: Mapping[str, Any]) -> tuple[Accepted, ...]:
        entries = tree.get("accepted", [])
        if not isinstance(entries, list):
            raise CaseFileError(self._file, "accepted deviations are a list: write [[accepted]]")
        ids = {key for known in knowledge.requirements() for key in (known.rule, known.number)}
        accepted = []
        for entry in entries:
            if not isinstance(entry, dict):
                raise CaseFileError(self._file, "an accepted deviation is a table: write [[accepted]]")
            self.keys("accepted", entry, ("rule", "subject", "reason", "until"))
            rule = self.text("accepted.rule", entry.get("rule"))
            if not rule:
                raise CaseFileError(self._file, 'an accepted deviation needs rule = "…", a rule id or number')
            if rule not in ids and ":" not in rule:  # a rule of a plug-in has the name of its maker before a colon
                near = nearest(str(rule), ids)
                raise CaseFileError(self._file, f"accepted.rule {rule!r} is no rule; did you mean {near!r}?")
            reason = self.text("accepted.reason", entry.get("reason"))
            if not reason:
                raise CaseFileError(self._file, f"the accepted deviation from {rule} needs a reason")
            subject = entry.get("subject", [])
            subject = [subject] if isinstance(subject, str) else subject
            if not isinstance(subject, list):
                raise CaseFileError(self._file, f"accepted.subject is {subject!r}, expected a list of peers")
            until = self.moment("accepted.until", entry.get("until"))
            accepted.append(Accepted(rule, reason, tuple(str(name) for name in subject), until))
        return tuple(accepted)


def _key_lines(text: str) -> dict[str, tuple[int, str]]:
    """Return where each dotted key stands; TOML's own reader does not tell."""
    section = ""
    found: dict[str, tuple[int, str]] = {}
    entries: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if head := re.match(r"^\[\[?([^\]]+)\]\]?", stripped):
            section = head[1].replace('"', "").replace("'", "").strip()
            found.setdefault(section, (number, stripped))
            if stripped.startswith("[["):
                entries[section] = entries.get(section, 0) + 1
                section = f"{section}.{entries[section]}"
                found[section] = (number, stripped)
        elif key := re.match(r"^([\w\"'.-]+)\s*=", stripped):
            name = key[1].replace('"', "").replace("'", "")
            found.setdefault(f"{section}.{name}" if section else name, (number, stripped))
            if section.rpartition(".")[0] in entries:
                first, words = found[section]
                found[section] = (first, f"{words} {stripped}")
    return found
