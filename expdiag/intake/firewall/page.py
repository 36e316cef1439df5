"""One rule as the web page of an Expressway lists it and its REST API answers, whoever read the fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from expdiag.intake.firewall import values
from expdiag.intake.firewall.draft import Draft
from expdiag.intake.reading import whole_number
from expdiag.tables import FirewallRule

_ACTIONS = {"allow": "accept", "accept": "accept", "reject": "reject", "drop": "drop", "deny": "drop"}
_REMARKS = ("description", "name", "comment")
# Names of the record itself: they say nothing of what it matches
_INERT = frozenset({"index", "uuid", "id", "self", "href"})
_KNOWN = frozenset(
    {
        *("priority", "address", "prefixlength", "interface", "service", "transport", "startport", "endport", "action"),
        *_REMARKS,
        *_INERT,
    }
)
_ANY = frozenset({"", "any", "all", "*"})


class PageRule(NamedTuple):
    """A row, and the fields of the record that could not be used, named as they stood."""

    rule: FirewallRule
    unused: tuple[str, ...]


def rule_of_page(record: Mapping[str, object], position: int, source: int, device: str = "") -> PageRule:
    """Return the row of one rule; what it says and no column holds stands in its conditions.

    Args:
        record: fields `Priority`, `Address`, `PrefixLength`, `Interface`, `Service`, `Transport`, `StartPort`,
            `EndPort`, `Action`; names without regard to case, `_`, `-` and blanks. Values are texts or numbers.
        position: place in the list it comes from, counted from 1.
        source: source id of the record.
        device: whose rule it is, empty for the exporting peer.
    """
    reading = _Record(record)
    draft = Draft()
    draft.columns["action"] = reading.action()
    draft.columns["priority"] = reading.number("priority")
    reading.address(draft)
    reading.interface(draft)
    reading.service(draft)
    draft.remarks += [reading.text(name) for name in _REMARKS]
    reading.unknown(draft)
    row = draft.row(device=device, origin="page", hook="input", position=position, source=source)
    return PageRule(row, tuple(dict.fromkeys(reading.unused)))


class _Record:
    """The fields of a record by their plain names; remembers which could not be used."""

    def __init__(self, record: Mapping[str, object]) -> None:
        self.names = {_plain(name): name for name in record}
        self.texts = {_plain(name): _text(value) for name, value in record.items()}
        self.unused: list[str] = []

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def printed(self, *names: str) -> str:
        """Return fields as a condition."""
        return " ".join(f"{self.names[name]} {self.texts[name]}" for name in names if self.text(name))

    def useless(self, *names: str) -> str:
        """Remember that fields could not be used; return them as a condition."""
        self.unused += [self.names.get(name, name) for name in names if self.text(name)]
        return self.printed(*names)

    def number(self, name: str) -> int | None:
        number = whole_number(self.text(name))
        if number is None:
            self.useless(name)
        return number

    def action(self) -> str:
        word = self.text("action")
        if word.lower() not in _ACTIONS:
            self.unused.append(self.names.get("action", "Action"))
        return _ACTIONS.get(word.lower(), word or "unknown")

    def address(self, draft: Draft) -> None:
        """An address without a length is one host."""
        address, length = self.text("address"), self.text("prefixlength")
        if address.lower() in _ANY:
            if length not in ("", "0"):
                draft.conditions.append(self.useless("prefixlength"))
            return
        network = values.networks([f"{address}/{length}" if length and "/" not in address else address])
        family = "ipv6" if ":" in address else "ipv4"
        if network is None:
            draft.conditions.append(self.useless("address", "prefixlength"))
        else:
            draft.columns |= {"source_network": network, "family": family}

    def interface(self, draft: Draft) -> None:
        name = self.text("interface")
        if name.lower() in _ANY:
            return
        found = values.interfaces([name])
        if found is None:
            draft.conditions.append(self.useless("interface"))
        else:
            draft.columns["interface"] = found

    def service(self, draft: Draft) -> None:
        """A service of the system has ports of its own settings, whatever else stands in the record."""
        service = self.text("service")
        if service.lower() not in {"custom", *_ANY}:
            draft.conditions.append(self.useless("service"))
        transport = values.transport(self.text("transport") or "any")
        draft.put("transport", transport, self.printed("transport"))
        if transport is None:
            self.useless("transport")
        first, last = self.text("startport"), self.text("endport")
        if not first and not last:
            return
        ports = values.ports([f"{first}-{last or first}"], "-") if first.isdigit() and first != "0" else None
        if ports is None:
            draft.conditions.append(self.useless("startport", "endport"))
        else:
            draft.columns["ports"] = ports

    def unknown(self, draft: Draft) -> None:
        """A field nobody knows may be a condition."""
        for name in self.names:
            if name not in _KNOWN and self.text(name):
                draft.conditions.append(self.useless(name))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter not in "_- ")


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
